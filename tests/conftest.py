"""Fixtures that all areas share."""

import os

import numpy as np
import pytest
from threads import alone

os.environ.setdefault("SPNKIT_QUIET", "1")  # what is said depends on what was compiled before


@pytest.fixture(scope="module")
def one_thread():
    """Tensors as small as in most tests are done before a second thread wakes up."""
    with alone():
        yield


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
