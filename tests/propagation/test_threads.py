"""The same bits with one thread and with two, alone and together with other calls."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

import spnkit
from spnkit.backends import backend as backend_module
from spnkit.plan import plan

SIZES = [(1, 2, 9, 11), (2, 3, 40, 50), (1, 8, 64, 33)]  # work for one core, and for all


def problem(size, channels, seed=0):
    """float32 arrays; `channels` of the gates."""
    rng = np.random.default_rng(seed)
    n, c, h, w = size
    gates = rng.standard_normal((n, 4, 3, channels or c, h, w), np.float32)
    return rng.standard_normal(size, np.float32), gates


def results(x, gates):
    """The map, the winners and the gradients."""
    engine, how = backend_module("cpu"), plan(spnkit.DIRECTIONS, "clip", "max")
    y, winner, dx, dgates = np.empty_like(x), np.empty(x.shape, np.uint8), np.empty_like(x), np.empty_like(gates)
    size = engine.hidden_bytes(x.shape, x.itemsize, how)
    hidden = np.empty(size, np.uint8) if size else None
    engine.forward(x, gates, y, winner, how, hidden)
    engine.backward(y, winner, x, gates, dx, dgates, how, hidden)
    return y, winner, dx, dgates


def assert_same_bits(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one core")
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [None, 1], ids=["per-channel", "shared"])
def test_one_thread_and_all_give_the_same_bits(size, channels):
    inputs = problem(size, channels)
    together, before = results(*inputs), numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = results(*inputs)
    finally:
        numba.set_num_threads(before)
    assert_same_bits(together, alone)


def test_calls_at_once_give_the_same_bits():
    inputs = [problem(size, channels, seed) for seed, size in enumerate(SIZES) for channels in (None, 1)]
    expected = [results(*arrays) for arrays in inputs]
    turns = [i % len(inputs) for i in range(198)]
    with ThreadPoolExecutor(8) as pool:
        for i, found in zip(turns, pool.map(lambda i: results(*inputs[i]), turns), strict=True):
            assert_same_bits(found, expected[i])


MANY = """
import hashlib, time, numpy as np, spnkit
rng = np.random.default_rng(0)
x, gates = rng.standard_normal((1, 24, 33, 47)), rng.standard_normal((1, 4, 3, 24, 33, 47))
found = set()
for i in range(300):
    found.add(hashlib.sha256(spnkit.propagate(x, gates)).hexdigest())
    if i % 50 == 0:
        time.sleep(0.005)  # helpers fall asleep
print(len(found), found.pop())
"""


def test_more_threads_than_cores_give_the_same_bits_and_end():
    """Helpers that have no core of their own come late, or are stopped in the middle of a piece."""
    found = []
    for threads in ("1", "7"):
        environment = os.environ | {"NUMBA_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", MANY], capture_output=True, text=True, env=environment, timeout=300
        )
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.split())
    assert found[0] == found[1]
    assert found[0][0] == "1"
