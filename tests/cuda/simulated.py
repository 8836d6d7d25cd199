"""What `test_simulator.py` runs. Blocks are tiny, so that tiny maps are larger than a tile and than a block."""

from dataclasses import replace

import numpy as np
import pytest
from lockstep import strict
from tolerances import assert_close

import spnkit
from spnkit.backends import reference
from spnkit.backends.cuda import backend as cuda
from spnkit.backends.cuda.machine import SIMULATED, Limits
from spnkit.integration import Integration
from spnkit.plan import plan

ALL = spnkit.DIRECTIONS
MANY = Limits(device=0, multiprocessors=1, shared=1 << 16, asynchronous=True)  # a GPU that few planes fill
FEW = MANY._replace(multiprocessors=1000)  # one that no number of them does


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    assert SIMULATED
    monkeypatch.setattr(cuda, "WARP", 8)
    monkeypatch.setattr(cuda, "WIDTHS", (8, 16))
    monkeypatch.setattr(cuda, "BUSY", 32)
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


def results(backend, x, gates, grad, resolved, winner=None):
    """Every output of a backend, from poisoned memory; `winner` goes into the backward call."""
    n, *plane = x.shape
    apart = (n, len(resolved.directions), *plane)
    shape, wide = x.shape if resolved.integration else apart, np.promote_types(x.dtype, np.float32)
    y, tracked = (np.full(shape, np.nan, x.dtype) for _ in range(2))
    backend.forward(x, gates, y, None, resolved)
    if not resolved.anchored:
        return {"y": y}
    hidden, won = np.full(apart, np.nan, wide), np.full(x.shape, 99, np.uint8) if resolved.keeps_winner else None
    kept = {"hidden": hidden} if backend is cuda else {}
    backend.forward(x, gates, tracked, won, resolved, **kept)
    if backend is reference:
        backend.forward(x, gates, hidden, None, replace(resolved, integration=Integration.none))
    grad = grad if resolved.integration else np.broadcast_to(grad[:, None], shape)
    dx, dgates, dx_alone = (np.full(shape, np.nan, x.dtype) for shape in (x.shape, gates.shape, x.shape))
    told = won if winner is None else winner
    backend.backward(grad, told, x, gates, dx, dgates, resolved, **kept)
    backend.backward(grad, told, x, gates, dx_alone, None, resolved)
    named = {"y": y, "y of a call that is tracked": tracked, "hidden": hidden, "winner": won}
    return named | {"dx": dx, "dgates": dgates, "dx alone": dx_alone}


def check(x, gates, grad, resolved):
    """The same from both backends; ties aside, the winner too. Half precision is held against float32."""
    wide = [array.astype(np.promote_types(array.dtype, np.float32)) for array in (x, gates, grad)]
    expected = results(reference, *wide, resolved)
    actual = results(cuda, x, gates, grad, resolved, expected.get("winner"))
    for name, value in expected.items():
        if value is not None:
            assert_close(actual[name], value, x.dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("connections", [1, 3], ids=["one_way", "three_way"])
@pytest.mark.parametrize("channels", [2, 1], ids=["per-channel", "shared"])
@pytest.mark.parametrize("direction", ALL)
def test_every_type_direction_and_kind_of_gates(direction, channels, connections, dtype):
    check(*drawn((1, 2, 5, 11), 1, connections, channels, dtype), plan((direction,), "clip", "sum"))


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_channels_that_share_gates_in_chunks_of_lanes(dtype, monkeypatch):
    monkeypatch.setattr(cuda, "WIDTHS", (8,))
    check(*drawn((1, 2, 11, 10), 2, channels=1, dtype=dtype), plan(ALL[1:3], "clip", "max"))


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


def test_a_winner_without_what_gradients_need():
    x, gates, _ = drawn((1, 2, 9, 10), 2)
    resolved, won, expected = plan(ALL[:2], "clip", "max"), *np.full((2, *x.shape), 99, np.uint8)
    for backend, winner in ((cuda, won), (reference, expected)):
        backend.forward(x, gates, np.empty_like(x), winner, resolved)
    np.testing.assert_array_equal(won, expected)


@pytest.mark.parametrize("rule", ["none", "clip", "always", "softmax", "sigmoid"])
@pytest.mark.parametrize("connections", [1, 3])
def test_rules_and_connections(rule, connections):
    x, gates, grad = drawn((1, 1, 6, 5), 1, connections)
    check(x, gates * 0.3 if rule == "none" else gates, grad, plan(("right_to_left",), rule, "sum"))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_gates_shared_by_channels(channels):
    check(*drawn((1, channels, 6, 5), 2, channels=1), plan(("right_to_left", "top_to_bottom"), "clip", "max"))


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
    with pytest.raises(ValueError, match="dgates was asked for without hidden"):
        cuda.backward(grad, None, x, gates, grad, gates, resolved)
