"""A run so small that it takes a second or two."""

import shutil

import pytest
from rich.console import Console
from threads import alone

from spnkit.data import make_faces
from spnkit.training import Options, fit, train

TINY = {"size": 64, "patch": 32, "width": 0.05, "hidden": 2, "made": 6, "parser_steps": 6, "steps": 6}


@pytest.fixture(scope="module", autouse=True)
def _one_thread(one_thread):
    """In every test of training."""


@pytest.fixture(scope="session")
def tiny():
    """Options that train for six steps each."""
    return Options(**TINY, parser_batch=4, batch=2)


@pytest.fixture(scope="module")
def short_epochs():
    """A checkpoint every two steps, as the shared run has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "STEPS_PER_EPOCH", 2)
        yield


@pytest.fixture(scope="session")
def run(tiny, tmp_path_factory):
    """A finished run that was not interrupted, with a checkpoint every two steps, and its scores; not to be changed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch, alone():  # it may be made before any fixture of a module
        patch.setattr(fit, "STEPS_PER_EPOCH", 2)
        return out, train(tiny, out, command="the command", console=Console(quiet=True))


@pytest.fixture
def copied(run, tiny, tmp_path):
    """A copy of that run to spoil, and its options."""
    return shutil.copytree(run[0], tmp_path / "run"), tiny


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """A folder of made-up faces in HELEN's layout."""
    return make_faces(tmp_path_factory.mktemp("data") / "faces", train=6, val=1, test=2, size=64)
