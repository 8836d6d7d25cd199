"""`spnkit warmup`, and the word to who waits for the compiler."""

import os
import subprocess
import sys

import pytest

WARMUP = """
from spnkit.backends.cpu import common
from spnkit.cli import main
common.USUAL = common.USUAL[2:3]
main(["warmup"])
"""
CALLS = """
import numpy as np, spnkit
from numba.core import event
from spnkit.backends import patience
patience.PATIENCE = 0
x = np.ones((1, 4, 4, 16)).astype(np.float32).transpose(0, 3, 1, 2)
gates = np.full((1, 4, 4, 4, 3, 16), 0.3, np.float32).transpose(0, 1, 4, 5, 2, 3)
with event.install_recorder("numba:run_pass") as compiled:
    for _ in range(2):
        assert (spnkit.propagate(x, gates) == 1).all()
        spnkit.scan(x, gates[:, 0, :1], "top_to_bottom") if {more} else None
print(len(compiled.buffer) > 0)
"""


def run(code, place, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "SPNKIT_QUIET"}
    environment = kept | {"NUMBA_CACHE_DIR": str(place)} | environment
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def test_compiles_once_and_says_where(tmp_path):
    first, second = (run(WARMUP, tmp_path, SPNKIT_QUIET="1") for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr
    assert f"{tmp_path}" in first.stdout
    assert "5 new files, 4 kinds of kernels" in first.stdout  # threads have two
    assert "0 new files, 4 kinds of kernels" in second.stdout
    assert "1 of 4" in first.stderr
    used = run(CALLS.format(more=False), tmp_path)
    assert used.stdout.strip() == "False", "a call compiled what was there"


def test_nowhere_to_keep_them(tmp_path):
    nowhere = tmp_path / "a file"
    nowhere.write_text("")
    done = run(WARMUP, nowhere)
    assert done.returncode != 0
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("quiet", [False, True])
def test_who_waits_is_told_once(tmp_path, quiet):
    done = run(CALLS.format(more=True), tmp_path, **({"SPNKIT_QUIET": "1"} if quiet else {}))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("spnkit: compiling kernels") == (0 if quiet else 1)
