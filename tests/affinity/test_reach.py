"""How far a pixel listens, and what is left of a gradient."""

from functools import reduce

import numpy as np
import pytest
from tolerances import TOLERANCE, assert_close

from spnkit.affinity import (
    build_G,
    effective_area,
    gradient_norms,
    mean_reach,
    step_matrices,
    strength,
    worst_step,
)
from spnkit.affinity.weights import scan_order
from spnkit.directions import DIRECTIONS, TABLE


@pytest.mark.parametrize("norm", ["sum", "max"])
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("K", [1, 3])
def test_gradient_norms_are_those_of_the_products(K, direction, norm):
    p = np.random.default_rng(0).uniform(-0.5, 0.5, (K, 4, 6))
    w = step_matrices(p, direction)
    ours = gradient_norms(p, direction, norm=norm)
    assert len(ours) == len(w) + 1
    order = 1 if norm == "sum" else np.inf
    for n, value in enumerate(ours):
        runs = [reduce(lambda m, w_t: w_t @ m, w[t - n : t], np.eye(w.shape[1])) for t in range(n, len(w) + 1)]
        # A gradient goes back through the transpose: its sum norm is the max norm of the product.
        assert_close(value, max(np.linalg.norm(product.T, order) for product in runs))


def test_the_sum_of_a_gradient_decays_at_least_as_fast_as_s_to_the_n():
    p = np.random.default_rng(1).normal(size=(3, 6, 12))
    p *= 0.9 / np.abs(p).sum(axis=0)
    assert (gradient_norms(p) <= strength(p) ** np.arange(12) * (1 + TOLERANCE["float64"])).all()


def test_gradients_vanish_though_the_weights_sum_to_one():
    """At most one is no promise of at least one: signs cancel, and only without them a gradient passes undiminished."""
    p = np.random.default_rng(3).normal(size=(3, 20, 48))
    p /= np.abs(p).sum(axis=0)
    assert gradient_norms(p)[-1] < 1e-3
    away_from_borders = np.abs(p)
    away_from_borders[0, 0] = away_from_borders[2, -1] = 0
    assert_close(gradient_norms(away_from_borders / away_from_borders.sum(axis=0)), np.ones(48))


def test_weights_of_one_sign_reach_that_rate():
    p = np.full((3, 41, 12), 0.3)
    assert_close(gradient_norms(p), 0.9 ** np.arange(12))


def test_a_single_gradient_may_grow_to_the_number_of_lanes():
    """All weight points to the middle lane, step after step, from one lane further out each time."""
    lanes = 9
    p = np.zeros((3, lanes, 6))
    middle = lanes // 2
    p[2, :middle], p[1, middle], p[0, middle + 1 :] = 1, 1, 1
    assert strength(p) == 1
    assert_close(gradient_norms(p, norm="max"), [1, 3, 5, 7, 9, 9])
    assert_close(gradient_norms(p, norm="sum"), np.ones(6))
    assert gradient_norms(worst_step(), norm="max")[1] == 3


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_mean_reach_is_the_mean_of_the_lag(direction):
    shape = (4, 6)
    p = np.random.default_rng(2).uniform(0, 1 / 3, (3, *shape))
    order = scan_order(shape, TABLE[direction])
    step = np.empty(24)
    step[order] = np.arange(24) // (4 if TABLE[direction].horizontal else 6)
    G = build_G(p, direction, order="image").toarray()
    lag = step[:, None] - step[None, :]
    assert_close(mean_reach(p, direction).ravel(), (G * lag).sum(axis=1))


def test_mean_reach_of_a_constant_weight():
    t = np.arange(8)
    assert_close(mean_reach(np.full((1, 1, 8), 0.75))[0], 0.75 * (1 - 0.75**t) / 0.25)


def test_effective_area():
    assert_close(effective_area(np.eye(4)), 4)
    assert_close(effective_area([1, -1, 0]), 2)
    assert effective_area([0, 0]) == 0


@pytest.mark.parametrize("p", [np.full((1, 2, 3), -0.1), np.full((3, 4, 3), 0.4)])
def test_mean_reach_wants_shares(p):
    with pytest.raises(ValueError, match="no shares"):
        mean_reach(p)


def test_norm_is_named():
    with pytest.raises(ValueError, match="norm must be 'sum' or 'max', got 'two'"):
        gradient_norms(np.zeros((1, 2, 2)), norm="two")
