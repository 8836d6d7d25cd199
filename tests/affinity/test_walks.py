"""Rows of G as random walks: simulated, by powers of W, and by scans.

A share measured on n walks may miss by Bernstein's bound, 5 sqrt(g (1 - g) / n) + 25 / (6 n), which is exceeded with a
chance of 2 exp(-12.5) = 7e-6; a mean by 5 standard errors. The seeds are fixed.
"""

import numpy as np
import pytest
from tolerances import assert_close

import spnkit
from spnkit.affinity import (
    AffinityOperator,
    build_G,
    build_W,
    gradient_norms,
    hitting_probability,
    mean_reach,
    sample_walks,
    survival,
)
from spnkit.directions import DIRECTIONS

COUNT, DEVIATIONS = 4000, 5
PIXEL = (2, 3)


@pytest.fixture(params=DIRECTIONS)
def direction(request):
    return request.param


@pytest.fixture
def p(connections, rng):
    """Weights whose sums lie between 0.5 and 1, on a map of 5 by 7."""
    raw = rng.random((connections, 5, 7)) + 0.1
    return raw / raw.sum(0) * rng.uniform(0.5, 1, (5, 7))


def assert_shares(measured, expected, count=COUNT):
    """Shares of a count agree with chances."""
    deviation = np.sqrt(expected * (1 - expected) / count)
    np.testing.assert_array_less(np.abs(measured - expected), DEVIATIONS * deviation + DEVIATIONS**2 / (6 * count))


def stops(walks, shape):
    """The share of walks that stop at each pixel."""
    share = np.zeros(shape)
    np.add.at(share, tuple(np.transpose([walk[-1] for walk in walks])), 1 / len(walks))
    return share


def test_walks_stop_as_the_row_of_G_says(p, direction):
    walks = sample_walks(p, PIXEL, COUNT, direction, seed=1)
    assert_shares(stops(walks, p.shape[1:]), AffinityOperator(p, direction, backend="reference").row(PIXEL))


def test_a_walk_goes_back_line_by_line(p, direction):
    axis = 1 if direction in DIRECTIONS[:2] else 0
    back = -1 if direction in ("left_to_right", "top_to_bottom") else 1
    for walk in sample_walks(p, PIXEL, 50, direction):
        assert tuple(walk[0]) == PIXEL
        steps = np.diff(walk, axis=0)
        assert (steps[:, axis] == back).all()
        assert (np.abs(steps[:, 1 - axis]) <= len(p) // 2).all()


def test_how_far_walks_go(p, direction):
    lengths = np.array([len(walk) - 1 for walk in sample_walks(p, PIXEL, COUNT, direction, seed=2)])
    for steps in range(5):
        assert_shares(np.mean(lengths >= steps), survival(p, steps, direction)[PIXEL])
    spread = lengths.std() / np.sqrt(COUNT)
    assert abs(lengths.mean() - mean_reach(p, direction)[PIXEL]) < DEVIATIONS * spread


def test_survival_adds_up_to_the_reach_and_decays_as_gradients_do(p, direction):
    survivors = [survival(p, steps, direction) for steps in range(8)]
    assert_close(sum(survivors[1:]), mean_reach(p, direction))
    for norm, share in zip(gradient_norms(p, direction), survivors, strict=False):
        assert_close(share.max(), norm)
    assert_close(survivors[-1], np.zeros((5, 7)))


def test_G_is_to_come_by_and_to_stop(p, direction):
    W = build_W(p, direction, order="image").toarray()
    visits = sum(np.linalg.matrix_power(W, n) for n in range(8))
    assert_close(visits * (1 - W.sum(1)), build_G(p, direction, order="image").toarray())


@pytest.fixture
def region(rng):
    return rng.random((5, 7)) < 0.2


def test_hitting_a_region_solves_its_equation(p, region, direction):
    """u = 1 in the region, u = W u outside."""
    outside = np.where(region.ravel()[:, None], 0, build_W(p, direction, order="image").toarray())
    expected = np.linalg.solve(np.eye(35) - outside, region.ravel().astype(float))
    assert_close(hitting_probability(p, region, direction).ravel(), expected)


def test_fill_is_what_walks_first_meet(p, region, direction):
    """The mean of the first known value, over the walks that meet one; how many do is the denominator."""
    region[2, 3], region[2, [1, 5]], region[[0, 4], 3] = False, True, True
    values = np.arange(35.0).reshape(5, 7)
    walks = sample_walks(p, PIXEL, COUNT, direction, seed=3)
    met = [values[tuple(walk[known.argmax()])] for walk in walks if (known := region[tuple(walk.T)]).any()]
    assert_shares(len(met) / COUNT, hitting_probability(p, region, direction)[PIXEL])
    arrays = values[None, None], region[None, None].astype(float), p[None, None, :, None]
    y = spnkit.fill(*arrays, directions=direction, normalization="none", empty="nan", backend="reference")
    assert abs(np.mean(met) - y[0, 0][PIXEL]) <= DEVIATIONS * np.std(met) / np.sqrt(len(met)) + 1e-12


def test_wrong_arguments_are_named():
    p = np.full((1, 2, 3), 0.5)
    for call, message in (
        (lambda: sample_walks(-p, (0, 0), 1), "p must not be negative"),
        (lambda: survival(3 * p, 1), "sum to at most one"),
        (lambda: survival(p, -1), "steps must not be negative, got -1"),
        (lambda: sample_walks(p, (0, 3), 1), "outside the map"),
        (
            lambda: hitting_probability(p, np.ones((2, 3))),
            r"region must be booleans of shape \(2, 3\), got dtype float64",
        ),
        (lambda: hitting_probability(p, np.ones((3, 2), bool)), r"shape \(3, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="count must be an integer"):
        sample_walks(p, (0, 0), 1.5)
