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
    engine.forward(x, gates, y, winner, how)
    engine.backward(y, winner, x, gates, dx, dgates, how)
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


AT_ONCE = """
import threading, numba, numpy as np, spnkit
x, gates = np.ones((2, 8, 64, 64), np.float32), np.full((2, 4, 3, 8, 64, 64), 0.3, np.float32)
threads = [threading.Thread(target=lambda: [spnkit.propagate(x, gates) for _ in range(20)]) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(numba.threading_layer())
"""


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one core")
def test_calls_at_once_where_numba_has_its_own_pool_alone():
    """It ends the process when two threads enter it."""
    environment = os.environ | {"NUMBA_THREADING_LAYER": "workqueue"}
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, env=environment, timeout=300)
    assert done.stdout.strip() == "workqueue", done.stderr
