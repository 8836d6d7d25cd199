"""The README's Python runs as printed, and the version is the same wherever it is written."""

import re
from pathlib import Path

import pytest

import spnkit

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=["layer", "matrix", "refiner", "training"])
def test_block_runs(block, monkeypatch):
    pytest.importorskip("torch")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setattr(pyplot, "show", lambda: None)
    try:
        exec(compile(block, "README.md", "exec"), {})
    finally:
        pyplot.close("all")


def test_the_citation_has_the_version_of_the_package():
    assert f"\nversion: {spnkit.__version__}\n" in (ROOT / "CITATION.cff").read_text()
