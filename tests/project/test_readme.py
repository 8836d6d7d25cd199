"""The README's Python runs as printed."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()
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
