"""The kernel cache: a changed definition is never served stale, a second start does not compile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import spnkit

PACKAGE = Path(spnkit.__file__).parent

CALL = """
import numpy as np, spnkit
from numba.core import event
with event.install_recorder("numba:run_pass") as compiled:
    h = spnkit.scan(np.ones((1, 1, 1, 2)) * [0, 1], np.full((1, 1, 1, 1, 2), 0.5), "left_to_right")
print(h[0, 0, 0, 1], len(compiled.buffer))
"""


def start(root, **environment):
    """A fresh process that prints the value of a scan, and how much was compiled for it."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    environment = inherited | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"} | environment
    return subprocess.Popen([sys.executable, "-c", CALL], stdout=subprocess.PIPE, text=True, env=environment, cwd=root)


def ended(process):
    """The value, and whether anything was compiled."""
    printed, _ = process.communicate()
    assert process.returncode == 0
    value, compiled = printed.split()
    return float(value), int(compiled) > 0


def run(root, **environment):
    """The same, waited for."""
    return ended(start(root, **environment))


def files(folder):
    """Paths below a folder, and when each was changed last."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture
def copy(tmp_path):
    """A copy of the package that a test may change, beside an empty home."""
    shutil.copytree(PACKAGE, tmp_path / "spnkit", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.fixture
def readonly(copy):
    """The package installed where it may only be read; root, who may write anywhere, should not either."""
    package = copy / "spnkit"
    before = files(package)
    for path in (package, *before):
        path.chmod(path.stat().st_mode & ~0o222)
    yield package
    for path in (package, *before):
        path.chmod(path.stat().st_mode | 0o200)
    assert files(package).keys() == before.keys()


def test_second_start_is_warm_and_a_changed_definition_is_not(copy, readonly):
    home = str(copy / "home")
    environment = {"HOME": home, "LOCALAPPDATA": home}
    at_once = [start(copy, **environment) for _ in range(2)]  # none finds what the other one writes in its way
    assert (0.5, True) in [ended(process) for process in at_once]
    assert run(copy, **environment) == (0.5, False)
    definition = readonly / "recurrence.py"
    text = definition.read_text()
    changed = text.replace("h = h + p[o] * (neighbours[o] - anchor)", "h = h + p[o] * (neighbours[o] + anchor)")
    assert changed != text
    definition.chmod(0o644)
    definition.write_text(changed)
    assert run(copy, **environment) == (1.5, True)


def test_works_where_nothing_can_be_written(copy):
    nowhere, home = copy / "a file, not a folder", copy / "home"
    nowhere.write_text("")
    assert run(copy, NUMBA_CACHE_DIR=str(nowhere), HOME=str(home)) == (0.5, True)
    assert not files(home)
