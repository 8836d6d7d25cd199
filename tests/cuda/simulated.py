"""What `test_simulator.py` runs. Blocks are tiny, so that tiny maps are larger than a tile and than a block."""

from dataclasses import replace

import numpy as np
import pytest
from lockstep import strict
from tolerances import assert_close

import spnkit
from spnkit.backends import cuda, reference
from spnkit.backends.cuda_machine import SIMULATED, Limits
from spnkit.plan import plan

ALL = spnkit.DIRECTIONS
MANY = Limits(device=0, multiprocessors=1, shared=1 << 16, asynchronous=True)  # a GPU that few planes fill
FEW = MANY._replace(multiprocessors=1000)  # one that no number of them does


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    assert SIMULATED
    monkeypatch.setattr(cuda, "WARP", 8)
    monkeypatch.setattr(cuda, "WIDTHS", (8, 16))
    monkeypatch.setattr(cuda, "BUSY", 16)
    monkeypatch.setattr(cuda, "limits", lambda device: MANY)
    for remembered in (cuda._forward, cuda._backward, cuda._kernel):
        remembered.cache_clear()
    with strict(monkeypatch):
        yield


def drawn(shape, directions=1, connections=3, channels=None, dtype=np.float64):
    """A map, gates that are worth clipping, and a gradient."""
    rng = np.random.default_rng(sum(shape))
    n, c, h, w = shape
    x, grad = rng.normal(size=(2, *shape)).astype(dtype)
    return x, rng.normal(size=(n, directions, connections, channels or c, h, w)).astype(dtype), grad


def results(backend, x, gates, grad, resolved, winner=None, **kept):
    """Every output of a backend, from poisoned memory; `winner` goes into the backward call, `kept` into both."""
    separate = not resolved.integration
    y = np.full((x.shape[0], gates.shape[1], *x.shape[1:]) if separate else x.shape, np.nan, x.dtype)
    won = np.full(x.shape, 99, np.uint8) if resolved.keeps_winner else None
    backend.forward(x, gates, y, won, resolved, **kept)
    if not resolved.anchored:
        return {"y": y}
    grad = np.broadcast_to(grad[:, None], y.shape) if separate else grad
    dx, dgates, dx_alone = (np.full(shape, np.nan, x.dtype) for shape in (x.shape, gates.shape, x.shape))
    told = won if winner is None else winner
    backend.backward(grad, told, x, gates, dx, dgates, resolved, **kept)
    backend.backward(grad, told, x, gates, dx_alone, None, resolved)
    return {"y": y, "winner": won, "dx": dx, "dgates": dgates, "dx alone": dx_alone}


def check(x, gates, grad, resolved, **kept):
    """The same from both backends; ties aside, the winner too. Half precision is held against float32."""
    wide = [array.astype(np.promote_types(array.dtype, np.float32)) for array in (x, gates, grad)]
    expected = results(reference, *wide, resolved)
    actual = results(cuda, x, gates, grad, resolved, expected.get("winner"), **kept)
    for name, value in expected.items():
        if value is not None:
            assert_close(actual[name], value, x.dtype)


@pytest.mark.parametrize("shape", [(1, 1, 19, 10), (1, 1, 10, 19)])
@pytest.mark.parametrize("direction", ALL)
def test_a_map_larger_than_a_tile_and_than_a_block(shape, direction, monkeypatch):
    monkeypatch.setattr(cuda, "WIDTHS", (8,))
    check(*drawn(shape), plan((direction,), "clip", "sum"))


@pytest.mark.parametrize("shape", [(1, 1, 1, 9), (1, 1, 9, 1), (2, 1, 2, 3)])
def test_awkward_shapes(shape):
    check(*drawn(shape, 4), plan(ALL, "clip", "max"))


@pytest.mark.parametrize("integration", ["max", "mean", "sum", None])
@pytest.mark.parametrize("gpu", [MANY, FEW], ids=["together", "spread"])
def test_integrations(integration, gpu, monkeypatch):
    monkeypatch.setattr(cuda, "limits", lambda device: gpu)
    check(*drawn((1, 2, 5, 6), 2), plan(("left_to_right", "bottom_to_top"), "clip", integration))


@pytest.mark.parametrize("integration", ["max", "mean"])
@pytest.mark.parametrize("gpu", [MANY, FEW], ids=["together", "spread"])
def test_h_kept_from_the_forward_pass(integration, gpu, monkeypatch):
    monkeypatch.setattr(cuda, "limits", lambda device: gpu)
    x, gates, grad = drawn((1, 2, 9, 10), 2)
    hidden, separate = np.full((2, 1, 2, 2, 9, 10), np.nan)
    ways = ("right_to_left", "top_to_bottom")
    check(x, gates, grad, plan(ways, "softmax", integration), hidden=hidden)
    reference.forward(x, gates, separate, None, plan(ways, "softmax", None))
    assert_close(hidden, separate)


@pytest.mark.parametrize("rule", ["none", "clip", "always", "softmax", "sigmoid"])
@pytest.mark.parametrize("connections", [1, 3])
def test_rules_and_connections(rule, connections):
    x, gates, grad = drawn((1, 1, 6, 5), 1, connections)
    check(x, gates * 0.3 if rule == "none" else gates, grad, plan(("right_to_left",), rule, "sum"))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_gates_shared_by_channels(channels):
    check(*drawn((1, channels, 6, 5), 2, channels=1), plan(("right_to_left", "top_to_bottom"), "clip", "max"))


@pytest.mark.parametrize("direction", ["left_to_right", "bottom_to_top"])
def test_single_precision(direction):
    check(*drawn((1, 1, 10, 11), dtype=np.float32), plan((direction,), "clip", "sum"))


@pytest.mark.parametrize("integration", ["max", "mean", None])
@pytest.mark.parametrize("channels", [2, 1], ids=["per-channel", "shared"])
def test_half_precision_is_read_and_written_in_place(integration, channels):
    x, gates, grad = drawn((1, 2, 7, 9), 2, channels=channels, dtype=np.float16)
    check(x, gates, grad, plan(("right_to_left", "bottom_to_top"), "clip", integration))


def test_the_bare_recurrence():
    x, gates, grad = drawn((1, 1, 6, 5))
    check(x, gates * 0.3, grad, replace(plan(("left_to_right",), "none", "sum"), anchored=False))


def test_any_strides_are_read_in_place():
    x, gates, grad = drawn((1, 2, 6, 6), 2)
    turned = np.asfortranarray(x).transpose(0, 1, 3, 2)
    check(turned, gates[..., ::-1, :], np.broadcast_to(grad[:, :1], x.shape), plan(ALL[::3], "clip", "mean"))


def test_more_directions_than_one_launch_tells(monkeypatch):
    monkeypatch.setattr(cuda, "CODES", 2)
    check(*drawn((1, 1, 2, 3), 3), plan(ALL[1:], "clip", "max"))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_public_call_takes_arrays(dtype):
    x, gates, _ = drawn((1, 1, 4, 5), 4, dtype=dtype)
    assert_close(spnkit.propagate(x, gates, backend="cuda"), spnkit.propagate(x, gates, backend="reference"))


def test_other_memory_and_types_are_refused_before_a_launch():
    x, gates, grad = drawn((1, 1, 4, 5))
    resolved = plan(ALL[:1], "clip", "sum")
    with pytest.raises(TypeError, match="gates has dtype float32, expected float64"):
        cuda.forward(x, gates.astype(np.float32), grad, None, resolved)
    with pytest.raises(TypeError, match="x has dtype int64, expected one of float32, float64, float16, bfloat16"):
        cuda.forward(x.astype(int), gates, grad, None, resolved)
    with pytest.raises(TypeError, match="y is a list"):
        cuda.forward(x, gates, grad.tolist(), None, resolved)


def test_a_map_that_no_block_holds_is_refused():
    x, gates, grad = drawn((1, 1, 9000, 1))
    with pytest.raises(ValueError, match="9000 pixels across the scan is too large"):
        cuda.forward(x, gates, grad, None, plan(ALL[:1], "clip", "sum"))
