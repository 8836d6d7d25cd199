"""A short run of the fuzzing command; `python analysis/robustness/fuzz.py` is the long one."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

SCRIPT = Path(__file__).parents[2] / "analysis/robustness/fuzz.py"


@pytest.fixture
def fuzz():
    """The script, by its names."""
    return runpy.run_path(str(SCRIPT))


def test_random_calls(fuzz, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "--small", "--kernels", "0", "--out", str(tmp_path)])
    fuzz["main"]()
    figures = json.loads((tmp_path / "fuzz.json").read_text())["figures"]
    assert figures["found"] == []
    assert set(figures["of each kind"]) == set(fuzz["KINDS"])
    assert not list(tmp_path.glob("*progress*"))


def test_every_refusal(fuzz):
    """Not drawn but all of them."""
    import spnkit

    right = {"x": np.ones((1, 1, 2, 2)), "gates": np.ones((1, 4, 3, 1, 2, 2)), "backend": "reference"}
    for name, wrongs in fuzz["BAD"].items():
        for wrong in wrongs:
            with pytest.raises((TypeError, ValueError), match=name):
                spnkit.propagate(**right | {name: wrong})


def test_a_wrong_answer_is_seen(fuzz, monkeypatch):
    import naive

    monkeypatch.setattr(naive, "propagate", lambda x, *_: x + 7)
    seen = [fuzz["tried"](0, number, []) for number in range(60) if fuzz["kind_of"](0, number) == "maps"]
    assert all("maps: AssertionError" in problem for problem in seen)


def test_a_stopped_run_goes_on(fuzz, monkeypatch, tmp_path):
    note = {"run": [0, 0], "done": 199, "found": ["what was found"]}
    (tmp_path / "fuzz-progress.json").write_text(json.dumps(note))
    monkeypatch.setattr(sys, "argv", ["fuzz.py", "--small", "--kernels", "0", "--out", str(tmp_path)])
    fuzz["main"]()
    assert json.loads((tmp_path / "fuzz.json").read_text())["figures"]["found"] == ["what was found"]
