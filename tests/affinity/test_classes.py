"""Mixes whose pixels fall apart: spectrum and stationary distribution against dense solvers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tolerances import SOLVER, assert_close

from spnkit.affinity import MixedAffinityOperator, spectrum, stationary_distribution
from spnkit.affinity import classes as classes_module
from spnkit.directions import DIRECTIONS

HORIZONTAL = ("left_to_right", "right_to_left")
HOW = ("all spent", "some kept", "half cut", "constant, cut", "quarters")


def weights(rng, how, shape):
    """Non-negative weights (D, K, H, W), whole or with connections cut."""
    p = rng.uniform(0.05, 1, shape)
    p /= p.sum(axis=1, keepdims=True)
    if how == "all spent":
        return p
    if how == "constant, cut":
        p = np.full(shape, 1 / shape[1])
    p *= 0.8
    if how in ("half cut", "constant, cut"):
        p[rng.random(shape) < 0.4] = 0
    if how == "quarters":
        p[..., shape[-1] // 2] = p[..., shape[-2] // 2, :] = 0
    return p


def random_mix(seed):
    rng = np.random.default_rng(seed)
    count, (h, w) = int(rng.integers(1, 5)), rng.integers(1, 9, 2)
    names = tuple(map(str, rng.choice(DIRECTIONS, count, replace=bool(rng.integers(2)))))
    how = HOW[seed % len(HOW)]
    return MixedAffinityOperator(weights(rng, how, (count, int(rng.choice([1, 3])), h, w)), names)


def dense_answers(M):
    """Eigenvalues, largest modulus first, and the sets of pixels that hear of each other and of nobody else.

    Who hears whom is found by multiplying. The whole matrix at once would not do: its eigenvalues can be so many times
    defective that a dense solver gives them with three digits.
    """
    hears = np.eye(len(M), dtype=bool) | (M > 1e-14)
    for _ in range(len(M).bit_length()):
        hears = hears @ hears
    mutual = hears & hears.T
    classes = {tuple(np.flatnonzero(row)) for row in mutual}
    values = np.concatenate([np.linalg.eigvals(M[np.ix_(members, members)]) for members in classes])
    closed = [set(members) for members in classes if (mutual == hears)[members[0]].all()]
    return values[np.argsort(-abs(values))], closed


@pytest.mark.parametrize("part", range(6))
def test_random_mixes_against_dense_solvers(part):
    for seed in range(50 * part, 50 * part + 50):
        mix = random_mix(seed)
        M, pixels = mix.tocsr().toarray(), mix.shape[0]
        k = max(1, min(8, pixels - 2))
        dense, ends = dense_answers(M)
        assert_allclose(abs(spectrum(mix, k)), abs(dense[:k]), rtol=0, atol=1e-8, err_msg=str(seed))
        if len(ends) > 1:
            with pytest.raises(ValueError, match=f"several .* {len(ends)} groups"):
                stationary_distribution(mix)
        else:
            pi = stationary_distribution(mix).ravel()
            assert_allclose(pi @ M, pi, rtol=0, atol=SOLVER, err_msg=str(seed))
            assert_close(pi.sum(), 1.0)
            assert set(np.flatnonzero(pi)) == ends[0], seed


def test_rows_that_never_hear_of_each_other():
    """Each row of a mix of two opposite directions, one-way, is a world of its own."""
    p = np.random.default_rng(0).uniform(0.2, 0.8, (2, 1, 20, 20))
    found = spectrum(MixedAffinityOperator(p, HORIZONTAL), 25)
    rows = [spectrum(MixedAffinityOperator(p[:, :, [i]], HORIZONTAL), 18) for i in range(20)]
    assert_allclose(found[:20], np.ones(20), rtol=0, atol=SOLVER)
    expected = np.sort(abs(np.concatenate(rows)))[::-1][:25]
    assert_allclose(abs(found), expected, rtol=0, atol=SOLVER)
    with pytest.raises(ValueError, match="20 groups of them never hear of the others"):
        stationary_distribution(MixedAffinityOperator(p, HORIZONTAL))


def test_a_long_row_whose_ends_hardly_hear_of_each_other():
    """A random walk takes far longer from end to end than a solver by iterations would wait."""
    mix = MixedAffinityOperator(np.full((2, 1, 1, 300), 0.5), HORIZONTAL)
    pi, M = stationary_distribution(mix).ravel(), mix.tocsr()
    assert_allclose(M.T @ pi, pi, rtol=0, atol=SOLVER)
    dense = np.sort(abs(np.linalg.eigvals(M.toarray())))[::-1][:6]
    assert_allclose(abs(spectrum(mix, 6)), dense, rtol=0, atol=1e-8)


def test_negative_weights_and_shares(rng):
    p = rng.uniform(-0.4, 0.4, (4, 3, 11, 12))
    mix = MixedAffinityOperator(p, DIRECTIONS, (1.0, -0.5, 0.0, 2.0))
    dense = np.sort(abs(np.linalg.eigvals(mix.tocsr().toarray())))[::-1]
    assert_allclose(abs(spectrum(mix, 6)), dense[:6], rtol=SOLVER)


def test_what_does_not_converge_is_solved_densely_or_refused(monkeypatch):
    def never(*_args, **_options):
        raise classes_module.ArpackError(-1, {-1: "no end"})

    mix = MixedAffinityOperator(np.full((4, 3, 11, 12), 0.3))
    expected = spectrum(mix, 3)
    monkeypatch.setattr(classes_module, "eigs", never)
    assert_allclose(spectrum(mix, 3), expected, rtol=0, atol=SOLVER)
    monkeypatch.setattr(classes_module, "LARGEST_DENSE", 100)
    with pytest.raises(RuntimeError, match=r"3 leading eigenvalues of operator were not found: 132 of its pixels"):
        spectrum(mix, 3)
