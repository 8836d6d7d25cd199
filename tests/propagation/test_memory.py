"""Any layout in, nothing overwritten, nothing read that was not written."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from tolerances import assert_close

import spnkit
from spnkit.backends import backend as backend_module
from spnkit.plan import plan

LAYOUTS = {
    "transposed": lambda a: np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2),
    "channels last": lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, -3, -1)), -1, -3),
    "flipped": lambda a: np.ascontiguousarray(a[..., ::-1, ::-1])[..., ::-1, ::-1],
    "every second pixel": lambda a: np.repeat(np.repeat(a, 2, -1), 2, -2)[..., ::2, ::2],
    "misaligned slice": lambda a: np.pad(a, [(0, 0)] * (a.ndim - 1) + [(1, 2)])[..., 1:-2],
    "Fortran order": np.asfortranarray,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("which", ["x", "gates", "both"])
def test_layouts(rng, backend, layout, which):
    x, gates = rng.standard_normal((2, 3, 10, 13)), rng.standard_normal((2, 4, 3, 3, 10, 13))
    expected = spnkit.propagate(x, gates, backend=backend)
    change = LAYOUTS[layout]
    x_view = change(x) if which != "gates" else x
    gates_view = change(gates) if which != "x" else gates
    np.testing.assert_array_equal(x_view, x)
    assert_close(spnkit.propagate(x_view, gates_view, backend=backend), expected)


@pytest.mark.parametrize("size", [(7, 9), (24, 40), (40, 24)], ids=str)
@pytest.mark.parametrize("first", spnkit.DIRECTIONS[::2])
def test_turned_gates_that_many_channels_share(rng, size, first):
    """They stay in scratch for the next channels, a place for each direction, of maps that lie and that stand."""
    x, gates = rng.standard_normal((2, 12, *size)), rng.standard_normal((2, 4, 3, 1, *size))
    turned = np.moveaxis(np.ascontiguousarray(np.moveaxis(gates.reshape(2, 12, *size), 1, -1)), -1, 1)
    turned = turned.reshape(gates.shape)
    assert turned.strides[-1] > turned.itemsize
    order = sorted(spnkit.DIRECTIONS, key=lambda name: name != first)
    found = []
    for given in (gates, turned):
        leaves = torch.tensor(x, requires_grad=True), torch.from_numpy(given).detach().requires_grad_()
        y = spnkit.propagate(*leaves, directions=order, backend="cpu")
        found.append((y.detach(), *torch.autograd.grad(y.square().sum(), leaves)))
    for ours, expected in zip(found[1], found[0], strict=True):
        assert_close(ours, expected)
    assert_close(found[0][0], torch.from_numpy(spnkit.propagate(x, gates, directions=order, backend="reference")))


def test_expanded_axes(rng, backend):
    x, gates = rng.standard_normal((1, 1, 10, 13)), rng.standard_normal((1, 4, 3, 1, 10, 13))
    expected = spnkit.propagate(x.repeat(2, 0).repeat(3, 1), gates.repeat(2, 0).repeat(3, 3), backend=backend)
    x_view, gates_view = np.broadcast_to(x, (2, 3, 10, 13)), np.broadcast_to(gates, (2, 4, 3, 3, 10, 13))
    np.testing.assert_array_equal(spnkit.propagate(x_view, gates_view, backend=backend), expected)


def test_inputs_are_left_alone(rng, backend):
    x, gates = rng.standard_normal((1, 2, 9, 9)), rng.standard_normal((1, 4, 3, 2, 9, 9))
    before = x.copy(), gates.copy()
    x.flags.writeable = gates.flags.writeable = False
    spnkit.propagate(x, gates, backend=backend)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(gates, before[1])


@pytest.mark.parametrize("integration", ["max", None])
def test_poisoned_results_are_written_whole(rng, backend, integration):
    engine, how = backend_module(backend), plan(spnkit.DIRECTIONS, "clip", integration)
    x, gates = rng.standard_normal((1, 2, 9, 11)), rng.standard_normal((1, 4, 3, 1, 9, 11))
    y = np.full(x.shape if integration else (1, 4, 2, 9, 11), np.nan)
    winner = np.full(x.shape, 255, np.uint8) if integration else None
    engine.forward(x, gates, y, winner, how)
    dx, dgates = np.full_like(x, np.nan), np.full_like(gates, np.nan)
    engine.backward(y, winner, x, gates, dx, dgates, how)
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()
    assert np.isfinite(dgates).all()
    assert winner is None or winner.max() < 4


def gradients(backend, x, gates):
    """The result and the gradients of a sum of squares."""
    x, gates = x.detach().requires_grad_(), gates.detach().requires_grad_()
    y = spnkit.propagate(x, gates, backend=backend)
    return y, *torch.autograd.grad(y.square().sum(), (x, gates))


@pytest.mark.parametrize("channels", [2, 16, 21])
def test_channels_last_tensors_stay_so(rng, channels):
    x, gates = rng.standard_normal((2, channels, 9, 18)), rng.standard_normal((2, 4, 3, channels, 9, 18))
    x, gates = torch.tensor(x), torch.tensor(gates)
    expected = gradients("reference", x, gates)
    last = torch.channels_last
    flat = gates.flatten(1, 3).contiguous(memory_format=last)
    found = gradients("cpu", x.contiguous(memory_format=last), flat.unflatten(1, gates.shape[1:4]))
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours.detach().numpy(), theirs.detach().numpy())
    assert all(found[i].is_contiguous(memory_format=last) for i in (0, 1))
    assert found[2].flatten(1, 3).is_contiguous(memory_format=last)


def test_gradients_past_the_caches(rng, monkeypatch):
    x, gates = rng.standard_normal((1, 2, 32, 48)), rng.standard_normal((1, 4, 3, 2, 32, 48))
    x, gates = torch.tensor(x, dtype=torch.float32), torch.tensor(gates, dtype=torch.float32)
    through = gradients("cpu", x, gates)
    monkeypatch.setattr("spnkit.backends.cpu.calls.STREAM_FROM", 0)
    backend_module("cpu").backend._calls.clear()
    for ours, theirs in zip(gradients("cpu", x, gates), through, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("size", [(40, 70), (70, 40)], ids=str)
@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("layout", ["transposed", "channels last"])
def test_ways_back_from_rows_that_were_kept_and_from_none(rng, monkeypatch, size, channels, layout):
    """Maps of several pairs of tiles, turned whole or tile by tile."""
    engine, how = backend_module("cpu"), plan(spnkit.DIRECTIONS, "clip", "max")
    x, gates, grad = (rng.standard_normal((2, *shape, *size)) for shape in ((3,), (4, 3, channels), (3,)))

    def gradients(change, keeps):
        given, weights = change(x), change(gates)
        hidden = np.full(engine.hidden_bytes(x.shape, x.itemsize, how), 255, np.uint8) if keeps else None
        y, dx, dgates = (np.full_like(like, np.nan) for like in (given, given, weights))
        winner = np.full_like(given, 255, np.uint8)
        engine.forward(given, weights, y, winner, how, hidden)
        engine.backward(change(grad), winner, given, weights, dx, dgates, how, hidden)
        alone = np.full_like(given, np.nan)
        engine.backward(change(grad), winner, given, weights, alone, None, how)
        return y, dx, dgates, alone

    expected = gradients(np.ascontiguousarray, False)
    for tiled in (1 << 30, 0):
        monkeypatch.setattr(engine.calls, "TILED_FROM", tiled)
        engine.backend._calls.clear()
        for change in (np.ascontiguousarray, LAYOUTS[layout]):
            for keeps in (False, True):
                for ours, theirs in zip(gradients(change, keeps), expected, strict=True):
                    assert_close(ours, theirs)
    engine.backend._calls.clear()


PERTURBED = """
import numpy as np, spnkit, torch
rng = np.random.default_rng(0)
for h, w in ((3, 3), (9, 17), (33, 40), (300, 70)):
    x, gates = (torch.tensor(rng.standard_normal(s), requires_grad=True) for s in ((1, 1, h, w), (1, 4, 3, 1, h, w)))
    results = []
    for backend in ("cpu", "reference") if h < 100 else ("cpu", "cpu"):
        y = spnkit.propagate(x, gates, backend=backend)
        results.append((y, *torch.autograd.grad(y.square().sum(), (x, gates))))
    for ours, theirs in zip(*results):
        assert torch.isfinite(ours).all()
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's MALLOC_PERTURB_ poisons fresh memory")
def test_scratch_is_never_read_before_it_is_written():
    environment = os.environ | {"MALLOC_PERTURB_": "1"}
    subprocess.run([sys.executable, "-c", PERTURBED], check=True, env=environment)
