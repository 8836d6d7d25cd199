"""What the experiments change is there to be changed, and what goes wrong is said."""

import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("numba_cuda")


@pytest.fixture
def experiments(monkeypatch):
    from analysis.cuda import experiments

    for changes in experiments.EXPERIMENTS.values():  # whatever a test chooses is undone after it
        for name in changes:
            place = experiments.found(name)
            monkeypatch.setattr(*place, getattr(*place))
    return experiments


def test_every_choice_can_be_made(experiments):
    for changes in experiments.EXPERIMENTS.values():
        experiments.choose(changes)
        assert all(getattr(*experiments.found(name)) == value for name, value in changes.items())


def test_a_constant_that_is_gone_is_named(experiments):
    with pytest.raises(AttributeError, match=r"^streams\.BREADTHS: the backend has no such constant"):
        experiments.choose({"streams.BREADTHS": (1,)})


def test_a_choice_that_fails_says_why(experiments, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "exit status 1" in experiments.measured("as it is", True)["failed"]


def test_without_a_gpu_it_says_so(experiments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["experiments.py"])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit, match="needs an NVIDIA GPU"):
        experiments.main()
