"""Theorems 1 to 3 on many weights, and reports that say so."""

from fractions import Fraction

import naive
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import expm
from tolerances import SOLVER, TOLERANCE, assert_close

import spnkit
from spnkit.affinity import (
    AffinityOperator,
    build_L,
    diffuse,
    exact_row_sums,
    gershgorin_discs,
    observed_orders,
    step_matrices,
    verify,
)
from spnkit.directions import DIRECTIONS


def weights(kind, rng, K, shape):
    p = rng.normal(size=(K, *shape))
    rule = {"clip": "clip", "marginal": "always", "stochastic": "softmax"}.get(kind)
    return naive.normalize(p, rule) if rule else np.zeros_like(p)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (4, 5)])
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("kind", ["clip", "marginal", "stochastic", "zero"])
def test_theorems_hold(kind, K, shape):
    report = verify(weights(kind, np.random.default_rng(0), K, shape), "right_to_left")
    assert report.passed, str(report)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_theorems_hold_in_every_direction(direction):
    assert verify(weights("clip", np.random.default_rng(1), 3, (5, 4)), direction).passed


@pytest.mark.parametrize("rule", ["clip", "always", "softmax", "sigmoid"])
def test_theorems_hold_for_weights_that_were_rounded_in_float32(rule):
    g = np.random.default_rng(2).normal(size=(3, 6, 7)).astype(np.float32)
    report = verify(spnkit.normalize_gates(g, rule, axis=0))
    assert report.passed, str(report)


def test_weights_that_break_theorem_3_fail_it_and_only_it():
    report = verify(np.full((3, 4, 5), 0.6))
    assert not report.passed
    assert {check.theorem for check in report if not check.passed} == {3}
    assert report["sum |p| of a pixel"].value == pytest.approx(1.8, rel=TOLERANCE["float64"])
    assert "FAILED" in str(report)


def test_weights_far_too_large_are_diagnosed_soon():
    """The steps of the diffusion do not become more with the size of G, and no bound overflows with an error."""
    report = verify(3 * np.random.default_rng(0).normal(size=(3, 12, 12)))
    assert {check.theorem for check in report if not check.passed} == {3}
    once = np.zeros((1, 1, 400))
    once[..., 5] = 10
    assert verify(once)["max norm of G"].bound == np.inf


def test_a_report_is_a_table_and_a_collection():
    report = verify(np.full((1, 2, 3), 0.5), "top_to_bottom")
    lines = str(report).splitlines()
    assert lines[0] == "one-way weights, 2 x 3 map, top_to_bottom"
    assert len(lines) == len(report.checks) + 2
    assert len({len(line.rstrip(" okFAILED")) for line in lines[2:]}) == 1
    with pytest.raises(KeyError, match="no check named 'reach'"):
        report["reach"]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("K", [1, 3])
def test_rows_sum_to_one_in_rational_numbers(K, direction):
    p = np.random.default_rng(2).uniform(-2, 2, (K, 4, 5))
    assert exact_row_sums(p, direction) == [Fraction(1)] * 20


def test_eigenvalues_lie_in_their_discs():
    p = weights("marginal", np.random.default_rng(3), 3, (7, 4))
    centers, radii = gershgorin_discs(p)
    for t, w in enumerate(step_matrices(p)):
        distance = np.abs(np.linalg.eigvals(w)[:, None] - centers[t]) - radii[t]
        assert distance.min(axis=1).max() < TOLERANCE["float64"]
    assert_close(np.abs(centers) + radii, np.abs(step_matrices(p)).sum(axis=2))


class TestDiffusion:
    p = weights("clip", np.random.default_rng(4), 3, (3, 4))
    x = np.random.default_rng(5).normal(size=(3, 4))

    def test_one_step_is_a_scan(self):
        G = AffinityOperator(self.p)
        assert_close(diffuse(G, self.x, time=1, steps=1).ravel(), G @ self.x.ravel())

    def test_the_limit_is_the_matrix_exponential(self):
        L = build_L(self.p, order="image").toarray()
        limit = diffuse(AffinityOperator(self.p), self.x, time=1.7)
        assert_allclose(limit.ravel(), expm(-1.7 * L) @ self.x.ravel(), rtol=SOLVER)

    def test_the_error_is_of_first_order(self):
        orders = observed_orders(AffinityOperator(self.p), self.x, 1.0, [32, 64, 128])
        assert_allclose(orders, 1, rtol=0, atol=0.1)

    def test_with_negative_weights_the_diffusion_grows(self):
        """Theorem 3 holds, and yet: where the weights sum to less than nothing, 1 - d exceeds one."""
        p = np.full((1, 1, 6), -0.5)
        assert verify(p).passed
        assert np.abs(diffuse(AffinityOperator(p), np.eye(1, 6, 5), time=20)).max() > 1e4
        assert np.abs(diffuse(AffinityOperator(-p), np.eye(1, 6, 5), time=20)).max() <= 1

    def test_one_direction_ends_in_its_first_column(self):
        """Theorem 2's diffusion with one direction is no mixing: everything but h_1 is forgotten."""
        p = np.full((3, 4, 6), 0.3)
        x = np.random.default_rng(6).normal(size=(4, 6))
        y = x.copy()
        y[:, 1:] = 0
        ends = [diffuse(AffinityOperator(p), start, time=400, steps=400) for start in (x, y)]
        assert_allclose(*ends, rtol=0, atol=SOLVER)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"x": np.zeros((4, 3))}, r"map shape \(3, 4\), got \(4, 3\)"),
            ({"time": -1}, "time must not be negative"),
            ({"steps": 0}, "steps must be at least 1"),
        ],
    )
    def test_bad_input_is_named(self, options, words):
        with pytest.raises(ValueError, match=words):
            diffuse(**{"operator": AffinityOperator(self.p), "x": self.x} | options)
