"""The row of the unit's Jacobian against autograd through a recurrence written in torch."""

import numpy as np
import pytest
from tolerances import assert_close

from spnkit.affinity import build_G, effective_affinity
from spnkit.directions import DIRECTIONS

torch = pytest.importorskip("torch")


def torch_scan(x, p):
    """Left to right: x (H, W), p (3, H, W)."""
    outside = torch.zeros(1, dtype=x.dtype)
    columns = [x[:, 0]]
    for t in range(1, x.shape[1]):
        h = columns[-1]
        neighbours = (torch.cat([outside, h[:-1]]), h, torch.cat([h[1:], outside]))
        weights = (torch.cat([outside, p[0, 1:, t]]), p[1, :, t], torch.cat([p[2, :-1, t], outside]))
        column = x[:, t]
        for w, neighbour in zip(weights, neighbours, strict=True):
            column = column + w * (neighbour - x[:, t])
        columns.append(column)
    return torch.stack(columns, dim=1)


def torch_unit(x, gates, integration):
    p = gates / gates.abs().sum(dim=1, keepdim=True).clamp(min=1)
    maps = [
        torch_scan(x, p[0]),
        torch_scan(x.flip(1), p[1].flip(2)).flip(1),
        torch_scan(x.T, p[2].transpose(1, 2)).T,
        torch_scan(x.T.flip(1), p[3].transpose(1, 2).flip(2)).flip(1).T,
    ]
    h = torch.stack(maps)
    return h.max(dim=0).values if integration == "max" else getattr(h, integration)(dim=0)


@pytest.mark.parametrize("units", [1, 2, 3])
@pytest.mark.parametrize("integration", ["max", "mean", "sum"])
def test_against_autograd(integration, units):
    rng = np.random.default_rng(units)
    x, gates = rng.normal(size=(2, 2, 5, 6)), rng.normal(size=(2, 4, 3, 2, 5, 6))
    leaf = torch.tensor(x[1, 0], requires_grad=True)
    y = leaf
    for _ in range(units):
        y = torch_unit(y, torch.tensor(gates[1, :, :, 0]), integration)
    for pixel in [(0, 0), (2, 3), (4, 5)]:
        (expected,) = torch.autograd.grad(y[pixel], leaf, retain_graph=True)
        ours = effective_affinity(x, gates, pixel, sample=1, channel=0, units=units, integration=integration)
        assert_close(ours, expected.numpy())


def test_gates_shared_by_all_channels():
    rng = np.random.default_rng(0)
    x, gates = rng.normal(size=(1, 3, 4, 4)), rng.normal(size=(1, 4, 1, 1, 4, 4))
    apart = effective_affinity(x, np.repeat(gates, 3, axis=3), (1, 2), channel=2)
    assert_close(effective_affinity(x, gates, (1, 2), channel=2), apart)


def test_a_single_direction_by_name():
    rng = np.random.default_rng(0)
    x, gates = rng.normal(size=(1, 1, 4, 4)), rng.normal(size=(1, 1, 3, 1, 4, 4))
    expected = effective_affinity(x, gates, (2, 2), directions=("left_to_right",))
    assert_close(effective_affinity(x, gates, (2, 2), directions="left_to_right"), expected)


def test_one_unit_with_max_is_the_row_of_the_winner():
    rng = np.random.default_rng(1)
    x, p = rng.normal(size=(1, 1, 4, 5)), rng.uniform(0, 1 / 3, (1, 4, 3, 1, 4, 5))
    row = effective_affinity(x, p, (2, 2)).ravel()
    rows = [build_G(p[0, d, :, 0], DIRECTIONS[d], order="image").toarray()[2 * 5 + 2] for d in range(4)]
    winner = np.argmax([r @ x.ravel() for r in rows])
    assert_close(row, rows[winner])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"x": [[1.0]]}, TypeError, "x must be a NumPy array, got list"),
        ({"x": np.zeros((4, 4))}, ValueError, "x must have 4 axes"),
        (
            {"gates": np.zeros((1, 4, 3, 3, 4, 4))},
            ValueError,
            r"\(1, D, K, 2 or 1, H, W\)",
        ),
        ({"pixel": (4, 0)}, ValueError, "lies outside"),
        ({"channel": 2}, ValueError, "channel must lie between 0 and 1, got 2"),
        ({"sample": 1}, ValueError, "sample must lie between 0 and 0, got 1"),
        ({"units": 0}, ValueError, "units must be at least 1"),
        ({"integration": None}, ValueError, "integration must be 'max', 'mean' or 'sum', got None"),
    ],
)
def test_bad_input_is_named(change, error, words):
    good = {"x": np.zeros((1, 2, 4, 4)), "gates": np.zeros((1, 4, 3, 1, 4, 4)), "pixel": (0, 0)}
    with pytest.raises(error, match=words):
        effective_affinity(**good | change)
