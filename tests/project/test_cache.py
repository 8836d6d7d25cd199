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
from spnkit.backends import cpu
h = spnkit.scan(np.ones((1, 1, 1, 2)) * [0, 1], np.full((1, 1, 1, 1, 2), 0.5), "left_to_right")
kernel = cpu._kernel("forward", 8, (1, 1, 3, True), False)
print(h[0, 0, 0, 1], sum(kernel.stats.cache_hits.values()))
"""


def run(root, cache, **environment):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(root)} | environment
    done = subprocess.run(
        [sys.executable, "-c", CALL], capture_output=True, text=True, env=environment, check=True, cwd=root
    )
    value, hits = done.stdout.split()
    return float(value), int(hits)


@pytest.fixture
def copy(tmp_path):
    """A copy of the package that a test may change."""
    shutil.copytree(PACKAGE, tmp_path / "spnkit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_second_start_is_warm_and_a_changed_definition_is_not(copy):
    cache = copy / "cache"
    assert run(copy, cache) == (0.5, 0)
    assert run(copy, cache) == (0.5, 1)
    definition = copy / "spnkit" / "recurrence.py"
    text = definition.read_text()
    changed = text.replace("h = h + p[o] * (neighbours[o] - anchor)", "h = h + p[o] * (neighbours[o] + anchor)")
    assert changed != text
    definition.write_text(changed)
    assert run(copy, cache) == (1.5, 0)


def test_works_where_nothing_can_be_written(copy):
    nowhere = copy / "a file, not a folder"
    nowhere.write_text("")
    assert run(copy, nowhere) == (0.5, 0)
