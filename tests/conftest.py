"""Fixtures that all areas share."""

import numpy as np
import pytest


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
