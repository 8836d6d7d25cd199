"""A run so small that it takes a second or two."""

import numba
import pytest
import torch

from spnkit.data import make_faces
from spnkit.training import Options

TINY = {"size": 64, "patch": 32, "width": 0.05, "hidden": 2, "made": 6, "parser_steps": 6, "steps": 6}


@pytest.fixture(scope="package", autouse=True)
def _one_thread():
    """Tensors this small are done before a second thread wakes up."""
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    numba.set_num_threads(before[1])


@pytest.fixture(scope="session")
def tiny():
    """Options that train for six steps each."""
    return Options(**TINY, parser_batch=4, batch=2)


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """A folder of made-up faces in HELEN's layout."""
    return make_faces(tmp_path_factory.mktemp("data") / "faces", train=6, val=1, test=2, size=64)
