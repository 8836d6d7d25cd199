"""The compiled kernels compute what the reference computes: PTX, run on the CPU, with the blocks that a GPU gets.

torch tensors stand in for those of a GPU, from the public call to the addresses that kernels are launched with.
"""

import mmap
import shutil
from functools import cache

import numpy as np
import pytest
from ptx_on_cpu import runnable
from tolerances import assert_close

import spnkit

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")]


@pytest.fixture(scope="module")
def made(compile_for):
    """The function that runs a variant."""
    return cache(lambda variant, capability: runnable(compile_for(variant, capability)))


@pytest.fixture
def machine(made, monkeypatch):
    """Have tensors taken for those of a GPU; of each launch its `last` blocks are run. Returns what was launched."""
    from spnkit.adapters import known
    from spnkit.adapters import torch as adapter
    from spnkit.backends import exchange
    from spnkit.backends.cuda import backend as cuda
    from spnkit.backends.cuda import bridge
    from spnkit.backends.cuda.machine import Limits
    from spnkit.backends.dlpack import CPU

    def of(multiprocessors=132, capability=(9, 0), shared=232448, last=None):
        launched = []

        def empty(shape, dtype):
            return torch.full(shape, torch.nan, dtype=getattr(torch, dtype))

        def scratch(self, like, shape, dtype, *_):
            made = empty(shape, dtype)
            return made.data_ptr(), made

        def launch_all(launches, addresses, stream):
            for launch in launches:
                values = [addresses.get(value, value) for value in launch.flat]
                grid = launch.configuration[0]
                launched.append((launch.kernel, launch.configuration))
                run = made(launch.kernel, capability)
                run([int(value) % 2**64 for value in values], *launch.configuration, max(0, grid - (last or grid)))

        limits = Limits(0, multiprocessors, shared, capability >= (8, 0))
        stand_ins = {
            (cuda, "limits"): lambda device: limits,
            (cuda, "_kernel"): lambda variant, asynchronous: variant,
            (bridge, "launch_all"): launch_all,
            (bridge, "GPU"): CPU,
            (exchange.Exchange, "scratch"): scratch,
            (exchange.Exchange, "array"): lambda self, like, shape, dtype, *_: empty(shape, dtype),
            (known, "_calls"): {},
            (adapter, "on_gpu"): lambda tensor: True,
            (adapter, "backend"): lambda name: cuda,
        }
        for (module, name), stand_in in stand_ins.items():
            monkeypatch.setattr(module, name, stand_in)
        cuda._forward.cache_clear()
        cuda._backward.cache_clear()
        return launched

    return of


def drawn(shape, channels=None, dtype=torch.float32, connections=3, directions=4):
    """A map, gates that are worth clipping, and a gradient."""
    n, c, h, w = shape
    generator = torch.Generator().manual_seed(0)
    sizes = (shape, (n, directions, connections, channels or c, h, w), shape)
    return [torch.randn(size, generator=generator).to(dtype) for size in sizes]


def unit(x, gates, grad, backend, **options):
    """The result without and with gradients, and these."""
    x, gates = x.detach().requires_grad_(), gates.detach().requires_grad_()
    y = spnkit.propagate(x, gates, backend=backend, **options)
    alone = spnkit.propagate(x.detach(), gates.detach(), backend=backend, **options)
    grad = grad if y.ndim == 4 else grad[:, None].expand(y.shape)
    return [alone, y.detach(), *torch.autograd.grad(y, (x, gates), grad)]


def check(machine, inputs, options, **gpu):
    """The same from both, the reference being told float64."""
    exact = unit(*(tensor.double() for tensor in inputs), "reference", **options)
    launched = machine(**gpu)
    for actual, expected in zip(unit(*inputs, "auto", **options), exact, strict=True):
        assert actual.dtype == inputs[0].dtype
        assert_close(actual.double(), expected, inputs[0].dtype)
    return launched


@pytest.mark.parametrize(
    ("inputs", "options", "gpu"),
    [
        # Directions side by side, four threads to a lane.
        (((2, 3, 21, 35),), {}, {}),
        # Four planes to a block, lanes in chunks, atomic sums.
        (((1, 4, 3, 600), 1), {}, {"multiprocessors": 1}),
        (((1, 2, 20, 9), 1, torch.float16), {"integration": "mean"}, {"multiprocessors": 1}),
        (((1, 2, 9, 20), 2, torch.bfloat16, 1), {"integration": None}, {"multiprocessors": 1}),
        (((1, 1, 8, 40), 1, torch.float64, 3, 1), {"directions": ["right_to_left"], "normalization": "always"}, {}),
    ],
    ids=["float32", "shared", "float16", "bfloat16", "float64"],
)
def test_there_and_back(inputs, options, gpu, machine):
    check(machine, drawn(*inputs), options, **gpu)


def test_lanes_that_shared_memory_has_no_room_for(machine):
    inputs = drawn((1, 1, 2, 8192), 1, torch.float64, directions=1)
    check(machine, inputs, {"directions": ["top_to_bottom"]}, shared=64 << 10, capability=(7, 5))


@pytest.mark.parametrize(("capability", "dtype"), [((7, 5), torch.float32), ((8, 0), torch.bfloat16)], ids=str)
def test_other_generations(capability, dtype, machine):
    x, gates, _ = drawn((1, 2, 20, 30), 2, dtype)
    exact = spnkit.propagate(x.double(), gates.double(), backend="reference")
    launched = machine(1, capability)
    assert_close(spnkit.propagate(x, gates).double(), exact, dtype)
    assert len(launched) == 1  # four directions and their max


def test_derivatives_of_any_order(machine):
    machine()
    x, gates, _ = (tensor.requires_grad_() for tensor in drawn((1, 2, 3, 4), 1, torch.float64))

    def smooth(x, gates):
        return spnkit.propagate(x, gates, normalization="softmax", integration="mean")

    assert torch.autograd.gradcheck(smooth, (x, gates), fast_mode=True, nondet_tol=1e-12)
    assert torch.autograd.gradgradcheck(smooth, (x, gates), fast_mode=True, nondet_tol=1e-12)


@pytest.mark.parametrize("directions", [["left_to_right"], list(spnkit.DIRECTIONS)], ids=len)
def test_operators_and_compiled_graphs(directions, machine):
    """What keeps h, its own map or the result, is sound for everything that traces it."""
    x, gates, _ = drawn((1, 2, 3, 4), 1, torch.float64, directions=len(directions))
    settings = (directions, "softmax", "mean", "auto")

    def gradients(call):
        inputs = x.clone().requires_grad_(), gates.clone().requires_grad_()
        y = call(*inputs, directions=directions, normalization="softmax", integration="mean")
        return torch.autograd.grad(y.square().sum(), inputs)

    machine()
    inputs = x.clone().requires_grad_(), gates.clone().requires_grad_()
    torch.library.opcheck(torch.ops.spnkit.propagate, (*inputs, *settings, True))
    compiled = torch.compile(spnkit.propagate, fullgraph=True, backend="aot_eager")
    for ours, theirs in zip(gradients(compiled), gradients(spnkit.propagate), strict=True):
        assert_close(ours, theirs)


def untouched(*shape):
    """A tensor that takes memory where it is written alone."""
    size = 4 * int(np.prod(shape))
    memory = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0))
    return torch.frombuffer(memory, dtype=torch.float32).view(shape)


@pytest.mark.parametrize("near", [True, False])
def test_more_planes_and_elements_than_32_bits_count(near, machine, monkeypatch):
    """The last of them, there and back; the pixels of a plane lie near one another, or far apart."""
    planes, last = (1 << 31) // 6 + 70_000, 3
    x, gates, grad = drawn((1, last, 2, 3), 1, directions=1)
    options = {"directions": ["left_to_right"]}
    expected = unit(x, gates, grad, "reference", **options)
    launched = machine(last=last)
    maps, grads = (untouched(1, planes, 2, 3) if near else untouched(1, 2, 3, planes).permute(0, 3, 1, 2) for _ in "xg")
    maps[:, -last:], grads[:, -last:] = x, grad
    actual = unit(maps, gates, grads, "auto", **options)
    assert [grid for _, (grid, *_) in launched] == [planes] * 3
    for ours, theirs in zip(actual, expected, strict=True):
        assert_close(ours[:, -last:], theirs)


@pytest.mark.parametrize(
    ("inputs", "options", "multiprocessors"),
    [
        (((1, 3, 44, 40),), {}, 8),
        (((2, 3, 52, 72), None, torch.float32, 3, 1), {"directions": ["left_to_right"], "normalization": "always"}, 2),
        (((2, 3, 70, 44), None, torch.float32, 3, 1), {"directions": ["bottom_to_top"], "normalization": "softmax"}, 2),
        (((1, 2, 41, 36), 1, torch.float32, 1, 2), {"directions": ["right_to_left", "top_to_bottom"]}, 2),
        (((1, 2, 39, 72), 2, torch.bfloat16, 3, 1), {"directions": ["right_to_left"]}, 1),
        (((1, 2, 35, 40), 2, torch.float16, 3, 1), {"directions": ["top_to_bottom"]}, 1),
    ],
    ids=["max", "across", "down", "one-way", "bfloat16", "float16"],
)
def test_streams_of_warps(inputs, options, multiprocessors, machine, monkeypatch):
    from spnkit.backends.cuda import streams

    monkeypatch.setattr(streams, "LEAST", 1)
    monkeypatch.setattr(streams, "SLACK", 100)
    x, gates, _ = drawn(*inputs)
    exact = spnkit.propagate(x.double(), gates.double(), backend="reference", **options)
    launched = machine(multiprocessors)
    assert_close(spnkit.propagate(x, gates, **options).double(), exact, x.dtype)
    assert launched[0][0].kernel == "streams"


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        (((1, 2, 41, 44), None, torch.float32, 3, 1), {"directions": ["top_to_bottom"]}),
        (((1, 2, 44, 72), None, torch.float32, 3, 1), {"directions": ["right_to_left"], "normalization": "sigmoid"}),
        (((1, 1, 96, 64), None, torch.float32, 3, 1), {"directions": ["left_to_right"]}),
        (((1, 1, 64, 128), None, torch.float32, 3, 1), {"directions": ["bottom_to_top"]}),
        (((1, 2, 44, 40),), {}),
    ],
    ids=["down", "across", "whole tiles across", "whole tiles down", "max"],
)
def test_streams_of_warps_go_back(inputs, options, machine, monkeypatch):
    from spnkit.backends.cuda import streams

    monkeypatch.setattr(streams, "LEAST", 1)
    monkeypatch.setattr(streams, "SLACK", 100)
    launched = check(machine, drawn(*inputs), options)
    assert "streams_back" in {kernel.kernel for kernel, _ in launched}


@pytest.mark.parametrize("direction", ["left_to_right", "bottom_to_top"])
def test_a_stream_runs_on_from_plane_to_plane(direction, machine, monkeypatch):
    from spnkit.backends.cuda import streams

    monkeypatch.setattr(streams, "LEAST", 1)
    monkeypatch.setattr(streams, "SLACK", 100)
    inputs = drawn((2, 2, 36, 40), None, torch.float32, 3, 1)
    launched = check(machine, inputs, {"directions": [direction]}, multiprocessors=1)
    assert launched[-1][1][0] == 1
