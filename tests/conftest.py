"""Fixtures that all areas share."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def one_thread():
    """Tensors as small as in most tests are done before a second thread wakes up."""
    torch, numba = pytest.importorskip("torch"), pytest.importorskip("numba")
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    numba.set_num_threads(before[1])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=["reference", "cpu"])
def backend(request):
    """Every backend that this machine can run: one signature, one set of tests."""
    return request.param


@pytest.fixture(params=["one_way", "three_way"])
def connections(request):
    return {"one_way": 1, "three_way": 3}[request.param]
