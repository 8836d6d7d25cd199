"""What Theorem 3 bounds, what it does not, and the rule that bounds the rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from tolerances import TOLERANCE, assert_close

from spnkit.affinity import (
    AffinityOperator,
    balance,
    build_G,
    build_W,
    growth_bound,
    listened_to,
    spectral_bound,
    step_matrices,
    strength,
    worst_step,
)
from spnkit.directions import DIRECTIONS


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_step_matrices_are_the_blocks_of_W(direction):
    p = np.random.default_rng(0).normal(size=(3, 4, 4))
    W = build_W(p, direction).toarray()
    for t, w in enumerate(step_matrices(p, direction), start=1):
        assert_array_equal(w, W[4 * t : 4 * t + 4, 4 * t - 4 : 4 * t])


def test_strength_ignores_neighbours_outside_the_map():
    p = np.full((3, 2, 2), 0.25)
    p[0, 0] = p[2, -1] = 99
    assert strength(p) == 0.5


@given(st.integers(0, 10**6), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_no_step_is_stretched_by_more_than_sqrt_3(seed, lanes):
    """Sparse draws included, since the extremal case is sparse."""
    rng = np.random.default_rng(seed)
    p = rng.normal(size=(3, lanes, 2)) ** 5
    p /= np.abs(p).sum(axis=0)
    norm = np.linalg.norm(step_matrices(p)[0], 2)
    assert norm <= spectral_bound(3, lanes) * (1 + TOLERANCE["float64"])


@pytest.mark.parametrize("lanes", [3, 4, 9])
def test_sqrt_3_is_reached(lanes):
    w = step_matrices(worst_step(lanes))[0]
    assert np.abs(w).sum(axis=1).max() == 1
    assert_close(np.linalg.norm(w, 2), np.sqrt(3))
    assert_close(spectral_bound(3, lanes), np.sqrt(3))
    assert np.abs(np.linalg.eigvals(w)).max() <= 1


def test_products_stay_bounded_in_the_max_norm_but_not_in_the_euclidean_one():
    rng = np.random.default_rng(1)
    p = rng.normal(size=(3, 8, 40))
    w = step_matrices(p / np.abs(p).sum(axis=0))
    product = np.linalg.multi_dot(w[::-1])
    assert np.abs(product).sum(axis=1).max() <= 1
    assert np.linalg.norm(w, 2, axis=(1, 2)).max() > 1.2


@pytest.mark.parametrize("s", [0.0, 0.5, 0.9, 1.0, 1.25])
def test_the_growth_bound_is_reached(s):
    """One-way p = -s against an x that changes its sign with every step; -99 after 50 steps for s = 1."""
    x = (-1.0) ** np.arange(50)
    h = AffinityOperator(np.full((1, 1, 50), -s)) @ x
    assert_close(np.abs(h), [growth_bound(s, t) for t in range(1, 51)])
    if s == 1:
        assert h[-1] == -99
    if s < 1:
        assert np.abs(h).max() <= (1 + s) / (1 - s)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_growth_bound_holds(direction):
    p = np.random.default_rng(2).normal(size=(3, 6, 7))
    p *= 0.8 / np.abs(p).sum(axis=0)
    assert abs(build_G(p, direction)).sum(axis=1).max() <= growth_bound(0.8, 7 if "left" in direction else 6)


def test_maximum_principle():
    """Non-negative weights with sum at most 1 make every row of G a set of shares."""
    rng = np.random.default_rng(3)
    p = rng.uniform(size=(3, 6, 7))
    op, x = AffinityOperator(p / np.maximum(1, p.sum(axis=0))), rng.normal(size=42)
    assert op.tocsr().min() >= -1e-15
    h = op @ x
    assert x.min() <= h.min()
    assert h.max() <= x.max()


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("K", [1, 3])
def test_balanced_weights_keep_both_norms(K, direction):
    p = balance(np.random.default_rng(4).normal(size=(K, 6, 7)) ** 3 * 2, direction)
    w = step_matrices(p, direction)
    assert np.linalg.norm(w, 2, axis=(1, 2)).max() <= 1 + TOLERANCE["float64"]
    assert np.abs(w).sum(axis=2).max() <= 1 + TOLERANCE["float64"]


def test_balance_is_the_column_scaling_and_no_more():
    p = np.random.default_rng(5).normal(size=(3, 6, 7)) * 3
    clipped = p / np.maximum(1, np.abs(p).sum(axis=0))
    w = step_matrices(clipped, "bottom_to_top")
    columns = np.maximum(1, np.abs(w).sum(axis=1))
    assert_close(step_matrices(balance(p, "bottom_to_top"), "bottom_to_top"), w / np.sqrt(columns)[:, None])
    heard = listened_to(clipped, "bottom_to_top")
    assert_close(np.maximum(1, heard[::-1][:-1]), columns)
    assert not heard[0].any()


def test_balance_leaves_one_way_to_clip():
    p = np.random.default_rng(6).normal(size=(1, 4, 5)) * 3
    assert_close(balance(p), p / np.maximum(1, np.abs(p)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: worst_step(2), "lanes must be at least 3, got 2"),
        (lambda: growth_bound(-1, 2), "s must not be negative"),
        (lambda: growth_bound(1, 0), "steps at least 1"),
        (lambda: spectral_bound(2, 5), "connections must be 1 or 3"),
        (lambda: spectral_bound(3, 0), "lanes at least 1"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
