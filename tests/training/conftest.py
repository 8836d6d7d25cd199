"""A run so small that it takes a second or two."""

import pytest

from spnkit.data import make_faces
from spnkit.training import Options

TINY = {"size": 64, "patch": 32, "width": 0.05, "hidden": 2, "made": 6, "parser_steps": 6, "steps": 6}


@pytest.fixture(scope="module", autouse=True)
def _one_thread(one_thread):
    """In every test of training."""


@pytest.fixture(scope="session")
def tiny():
    """Options that train for six steps each."""
    return Options(**TINY, parser_batch=4, batch=2)


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """A folder of made-up faces in HELEN's layout."""
    return make_faces(tmp_path_factory.mktemp("data") / "faces", train=6, val=1, test=2, size=64)
