"""The operator against the explicit matrices, and at work in SciPy's own solvers."""

import naive
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import expm
from scipy.sparse.linalg import eigs, expm_multiply, lsmr, svds
from tolerances import ROUNDING, SOLVER, assert_close

from spnkit.affinity import AffinityOperator, MixedAffinityOperator, build_G
from spnkit.directions import DIRECTIONS

SHAPE = (5, 6)


def random_weights(rng, *shape):
    """Normalised weights (..., K, H, W)."""
    return np.moveaxis(naive.normalize(np.moveaxis(rng.normal(size=shape), -3, 0), "clip"), 0, -3)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("K", [1, 3])
def test_operator_is_the_matrix(rng, K, direction):
    p = random_weights(rng, K, *SHAPE)
    op, G = AffinityOperator(p, direction), build_G(p, direction, order="image").toarray()
    x, X = rng.normal(size=30), rng.normal(size=(30, 4))
    assert_close(op @ x, G @ x)
    assert_close(op @ X, G @ X)
    assert_close(op.T @ x, G.T @ x)
    assert_close(op.H @ X, G.T @ X)
    mixed = op @ (x + 2j * X[:, 0])
    assert_close(mixed.real, G @ x)
    assert_close(mixed.imag, 2 * G @ X[:, 0])
    assert_close(op.row((3, 2)).ravel(), G[3 * 6 + 2])
    assert_close(op.column((3, 2)).ravel(), G[:, 3 * 6 + 2])
    assert_close(op.trace(), G.trace())


@pytest.mark.parametrize("shares", [None, (0.1, 0.2, 0.3, 0.4)])
def test_mix_is_the_weighted_sum(rng, shares):
    p = random_weights(rng, 4, 3, *SHAPE)
    mix = MixedAffinityOperator(p, shares=shares)
    c = shares or [0.25] * 4
    M = sum(c[d] * build_G(p[d], DIRECTIONS[d], order="image").toarray() for d in range(4))
    assert_allclose(mix.tocsr().toarray(), M, rtol=0, atol=ROUNDING)
    assert_close(mix @ np.eye(30), M)
    assert_close(mix.row((0, 5)).ravel(), M[5])
    assert_close(mix.trace(), M.trace())


def test_float32_stays_float32(rng):
    op = AffinityOperator(random_weights(rng, 3, *SHAPE).astype(np.float32))
    assert op.dtype == op.row((0, 0)).dtype == np.float32


def test_eigs_of_the_mix(rng):
    mix = MixedAffinityOperator(np.abs(random_weights(rng, 4, 3, *SHAPE)))
    ours = np.sort(np.abs(eigs(mix, k=3, return_eigenvectors=False, v0=np.ones(30))))
    dense = np.sort(np.abs(np.linalg.eigvals(mix.tocsr().toarray())))[-3:]
    assert_allclose(ours, dense, rtol=SOLVER)


def test_svds(rng):
    op = AffinityOperator(random_weights(rng, 3, *SHAPE), "top_to_bottom")
    ours = svds(op, k=2, return_singular_vectors=False, v0=np.ones(30))
    dense = np.linalg.svd(op.tocsr().toarray(), compute_uv=False)[:2]
    assert_allclose(np.sort(ours), np.sort(dense), rtol=SOLVER)


def test_lsmr_undoes_a_scan(rng):
    p, x = random_weights(rng, 3, *SHAPE) / 2, rng.normal(size=30)
    op = AffinityOperator(p, "bottom_to_top")
    assert_allclose(lsmr(op, op @ x, atol=1e-14, btol=1e-14, maxiter=500)[0], x, rtol=0, atol=SOLVER)


def test_expm_multiply(rng):
    op, x = AffinityOperator(random_weights(rng, 3, *SHAPE)), rng.normal(size=30)
    ours = expm_multiply(0.5 * op, x, traceA=0.5 * op.tocsr().trace())
    assert_allclose(ours, expm(0.5 * op.tocsr().toarray()) @ x, rtol=SOLVER)


def test_a_row_of_a_megapixel_needs_no_matrix():
    """Which would have some 10^11 entries."""
    op = AffinityOperator(np.full((3, 1024, 1024), 0.3, np.float32), "right_to_left")
    row = op.row((512, 512))
    assert row[512, 512] == pytest.approx(0.1, rel=1e-5)
    assert row[:, :512].max() == 0
    assert row.sum() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: AffinityOperator(p, "left"), "direction must be one of"),
        (lambda p: AffinityOperator(p[0]), r"p must have shape \(K, H, W\)"),
        (lambda p: AffinityOperator(p).row((4, 0)), r"pixel \(4, 0\) lies outside the map of 4 rows"),
        (lambda p: MixedAffinityOperator(p), r"p must have shape \(D, K, H, W\), D = 4"),
        (lambda p: MixedAffinityOperator(p[None], DIRECTIONS[:1], (1, 2)), "one number per direction"),
        (lambda p: MixedAffinityOperator(p[None], DIRECTIONS[:1], (np.nan,)), "shares must be finite"),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make(np.zeros((3, 4, 4)))


def test_what_is_no_array_is_named():
    torch = pytest.importorskip("torch")
    for p in ([[1.0], [1.0, 2.0]], torch.ones(3, 4, 4, requires_grad=True)):
        with pytest.raises(TypeError, match=f"p must be what NumPy can make an array of, got {type(p).__name__}"):
            AffinityOperator(p)


@pytest.mark.parametrize("pixel", [3, (1, 2, 3), "ab", (1.5, 2)])
def test_a_pixel_is_a_pair(pixel):
    with pytest.raises(TypeError, match="pixel must be a pair"):
        AffinityOperator(np.zeros((1, 4, 4))).column(pixel)
