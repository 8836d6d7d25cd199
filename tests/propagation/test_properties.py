"""What the recurrence promises, whatever the weights: properties over random shapes and values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import TOLERANCE, assert_close

import spnkit
from spnkit.propagation import scan_adjoint

FLIP = {"left_to_right": "right_to_left", "right_to_left": "left_to_right"}
FLIP |= {"top_to_bottom": "bottom_to_top", "bottom_to_top": "top_to_bottom"}
SWAP = dict(zip(spnkit.DIRECTIONS, ("top_to_bottom", "bottom_to_top", "left_to_right", "right_to_left"), strict=True))


@st.composite
def problems(draw, most=40):
    """x, gates and a direction, with any small height and width."""
    h, w = draw(st.integers(1, most)), draw(st.integers(1, most))
    k, shared = draw(st.sampled_from([1, 3])), draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.standard_normal((1, 2, h, w))
    gates = rng.standard_normal((1, k, 1 if shared else 2, h, w))
    return x, gates, draw(st.sampled_from(spnkit.DIRECTIONS))


def each(function):
    return settings(max_examples=40, deadline=None)(given(problems())(function))


@each
def test_constants_are_preserved_exactly(problem):
    x, gates, direction = problem
    constant = np.full_like(x, 0.1)
    np.testing.assert_array_equal(spnkit.scan(constant, gates, direction), constant)
    four = np.stack([gates] * 4, 1)
    for integration in ("max", "mean"):
        np.testing.assert_array_equal(spnkit.propagate(constant, four, integration=integration), constant)


@each
def test_maximum_principle_for_non_negative_weights(problem):
    x, gates, direction = problem
    gates = np.repeat(gates, 2 // gates.shape[2], 2)  # as shared ones are: `test_shared_gates_are_expanded_gates`
    slack = TOLERANCE["float64"]
    for rule in ("softmax", "sigmoid"):
        h = spnkit.scan(x, gates, direction, normalization=rule)
        assert h.min() >= x.min() - slack
        assert h.max() <= x.max() + slack
    h = spnkit.scan(x, np.abs(gates), direction)
    assert h.min() >= x.min() - slack
    assert h.max() <= x.max() + slack


@each
def test_linear_in_the_map(problem):
    x, gates, direction = problem
    a, b = x, x[..., ::-1].copy()
    together = spnkit.scan(2 * a - 3 * b, gates, direction)
    assert_close(together, 2 * spnkit.scan(a, gates, direction) - 3 * spnkit.scan(b, gates, direction))


@each
def test_adjoint(problem):
    x, gates, direction = problem
    p = spnkit.normalize_gates(gates)
    g = np.random.default_rng(1).standard_normal(x.shape)
    left = (spnkit.scan(x, p, direction, normalization="none") * g).sum()
    right = (x * scan_adjoint(g, p, direction)).sum()
    assert_close(np.array(left), np.array(right))


@each
def test_reversed_map_is_the_reversed_direction(problem):
    x, gates, direction = problem
    axis = -1 if direction in spnkit.DIRECTIONS[:2] else -2
    flipped = spnkit.scan(np.flip(x, axis), np.flip(gates, axis), FLIP[direction])
    np.testing.assert_array_equal(np.flip(flipped, axis), spnkit.scan(x, gates, direction))


@each
def test_transposed_map_is_the_swapped_direction(problem):
    x, gates, direction = problem
    swapped = spnkit.scan(x.swapaxes(-1, -2), gates.swapaxes(-1, -2), SWAP[direction])
    np.testing.assert_array_equal(swapped.swapaxes(-1, -2), spnkit.scan(x, gates, direction))


@each
def test_shared_gates_are_expanded_gates(problem):
    x, gates, direction = problem
    shared = gates[:, :, :1]
    np.testing.assert_array_equal(spnkit.scan(x, shared, direction), spnkit.scan(x, np.repeat(shared, 2, 2), direction))


@pytest.mark.parametrize("direction", spnkit.DIRECTIONS)
def test_weights_beyond_the_border_are_not_read(rng, backend, direction):
    """A neighbour outside the map has weight 0 in both sums, whatever the array holds there."""
    x, p = rng.standard_normal((1, 1, 9, 9)), 0.3 * rng.standard_normal((1, 3, 1, 9, 9))
    clean = spnkit.scan(x, p, direction, normalization="none", backend=backend)
    horizontal = direction in spnkit.DIRECTIONS[:2]
    lanes = np.swapaxes(p, -1, -2) if not horizontal else p  # lanes, then steps
    lanes[:, 0, :, 0, :] = lanes[:, 2, :, -1, :] = np.nan
    first = 0 if direction in ("left_to_right", "top_to_bottom") else -1
    lanes[..., first] = np.nan
    np.testing.assert_array_equal(spnkit.scan(x, p, direction, normalization="none", backend=backend), clean)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spreads_only_where_the_recurrence_carries_it(rng, backend, bad):
    x, p = rng.standard_normal((1, 1, 12, 20)), np.full((1, 3, 1, 12, 20), 0.3)
    x[0, 0, 5, 8] = bad
    with np.errstate(invalid="ignore"):
        h = spnkit.scan(x, p, "left_to_right", normalization="none", backend=backend)
    rows, columns = np.mgrid[:12, :20]
    reached = (columns >= 8) & (np.abs(rows - 5) <= columns - 8)
    np.testing.assert_array_equal(~np.isfinite(h[0, 0]), reached)


def test_a_nan_wins_the_maximum(rng, backend):
    x, gates = rng.standard_normal((1, 1, 6, 6)), rng.standard_normal((1, 4, 3, 1, 6, 6))
    x[0, 0, 2, 3] = np.nan
    maps = spnkit.propagate(x, gates, integration=None, backend=backend)
    np.testing.assert_array_equal(spnkit.propagate(x, gates, backend=backend), maps.max(1))


def test_large_gates_stay_weights(backend):
    x = np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4)
    for rule in ("clip", "always", "softmax", "sigmoid"):
        gates = np.full((1, 4, 3, 1, 3, 4), 1e37, np.float32)
        with np.errstate(over="ignore"):
            y = spnkit.propagate(x, gates, normalization=rule, backend=backend)
        assert y.min() >= 0
        assert y.max() <= 11.00001
