"""The compiled kernels compute what the reference computes: PTX, run on the CPU, with the blocks that a GPU gets."""

import shutil
from functools import cache

import numpy as np
import pytest
from ptx_on_cpu import runnable
from tolerances import assert_close

import spnkit
from spnkit.backends import reference
from spnkit.plan import plan

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")]


@pytest.fixture(scope="module")
def made(compile_for):
    """The function that runs a variant."""
    return cache(lambda variant, capability: runnable(compile_for(variant, capability)))


@pytest.fixture
def machine(made, monkeypatch):
    """The CUDA backend on NumPy arrays, for a GPU of a compute capability and so many multiprocessors."""
    from spnkit.backends import cuda, cuda_bridge, cuda_machine

    def launch_all(launches, addresses, stream):
        for launch in launches:
            values = [addresses.get(value, value) for value in launch.flat]
            made(launch.kernel, launch.gpu.device)([int(value) % 2**64 for value in values], *launch.configuration)

    def of(capability, multiprocessors):
        limits = cuda_machine.Limits(capability, multiprocessors, 232448, capability >= (8, 0))
        monkeypatch.setattr(cuda, "limits", lambda device: limits)
        monkeypatch.setattr(cuda, "_kernel", lambda variant, asynchronous: variant)
        monkeypatch.setattr(cuda_bridge, "launch_all", launch_all)
        stand_ins = {
            "_layout": lambda name, array: (array.shape, array.strides, array.dtype, 0),
            "_view": lambda name, shape, strides, dtype, device: cuda_bridge.View(shape, strides, str(dtype), device),
            "_empty": lambda like, view: np.full(view.shape, np.nan, view.dtype),
            "_address": lambda array: array.ctypes.data,
            "_stream": lambda array: 0,
        }
        for name, stand_in in stand_ins.items():
            monkeypatch.setattr(cuda_bridge, name, stand_in)
        cuda._forward.cache_clear()
        cuda._backward.cache_clear()
        return cuda

    return of


def drawn(shape, channels, dtype):
    n, _, h, w = shape
    rng = np.random.default_rng(0)
    sizes = (shape, (n, 4, 3, channels, h, w), shape)
    return [rng.normal(size=size).astype(dtype) for size in sizes]


def results(backend, x, gates, grad, resolved, winner=None, keep=False):
    """Output, winner and gradients, from poisoned memory."""
    y, dx, dgates = (np.full(array.shape, np.nan, x.dtype) for array in (x, x, gates))
    own = np.full(x.shape, 99, np.uint8) if resolved.keeps_winner else None
    kept = {"hidden": np.full((x.shape[0], 4, *x.shape[1:]), np.nan, x.dtype)} if keep else {}
    backend.forward(x, gates, y, own, resolved, **kept)
    backend.backward(grad, own if winner is None else winner, x, gates, dx, dgates, resolved, **kept)
    return [y, dx, dgates] if own is None else [y, dx, dgates, own.astype(x.dtype)]


@pytest.mark.parametrize(
    ("shape", "channels", "dtype", "integration", "multiprocessors", "keep"),
    [
        ((2, 3, 21, 35), 3, "float32", "max", 132, True),  # directions side by side, four threads to a lane
        ((1, 4, 3, 600), 1, "float32", "max", 1, False),  # four planes to a block, lanes in chunks, atomic sums
        ((1, 2, 20, 9), 1, "float16", "mean", 1, False),
    ],
)
def test_there_and_back(shape, channels, dtype, integration, multiprocessors, keep, machine):
    inputs, resolved = drawn(shape, channels, dtype), plan(spnkit.DIRECTIONS, "clip", integration)
    exact = results(reference, *(array.astype(np.float64) for array in inputs), resolved)
    winner = exact[3].astype(np.uint8) if len(exact) == 4 else None
    engine = machine((9, 0), multiprocessors)
    for actual, expected in zip(results(engine, *inputs, resolved, winner, keep), exact, strict=True):
        assert_close(actual, expected, dtype)


@pytest.mark.parametrize("capability", [(7, 5), (8, 0)], ids=str)
def test_forward_on_other_generations(capability, machine):
    x, gates, y = drawn((1, 2, 20, 30), 2, "float32")
    machine(capability, 1).forward(x, gates, y, None, plan(spnkit.DIRECTIONS, "sigmoid", "max"))
    assert_close(y, spnkit.propagate(x, gates, normalization="sigmoid", backend="reference"))
