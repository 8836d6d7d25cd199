"""The affinity as a directed graph, and the errata that concern its rows."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from tolerances import SOLVER, assert_close

from spnkit.affinity import (
    AffinityOperator,
    MixedAffinityOperator,
    asymmetry,
    build_A,
    build_G,
    diffuse,
    eq2_as_printed,
    spectrum,
    stationary_distribution,
    to_networkx,
    to_pygsp,
)
from spnkit.directions import DIRECTIONS


def random_mix(shape, seed=0, directions=DIRECTIONS):
    p = np.random.default_rng(seed).uniform(0.1, 1, (len(directions), 3, *shape))
    return MixedAffinityOperator(p / p.sum(axis=1, keepdims=True) * 0.8, directions)


@pytest.mark.parametrize("shape", [(3, 4), (12, 13)])
def test_spectrum_of_a_mix(shape):
    mix = random_mix(shape)
    dense = np.linalg.eigvals(mix.tocsr().toarray())
    dense = dense[np.argsort(-abs(dense))][:4]
    assert_allclose(abs(spectrum(mix, 4)), abs(dense), rtol=SOLVER)
    assert spectrum(mix, 1)[0] == pytest.approx(1, rel=SOLVER)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_spectrum_of_one_direction_is_the_diagonal(direction):
    p = np.random.default_rng(1).uniform(-0.3, 0.3, (3, 4, 5))
    diagonal = build_G(p, direction).diagonal()
    found = spectrum(AffinityOperator(p, direction), 18)
    assert_close(found.real, sorted(diagonal, key=abs)[::-1][:18])
    assert not found.imag.any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (12, 13)])
def test_stationary_distribution(shape):
    mix = random_mix(shape)
    pi = stationary_distribution(mix)
    assert pi.shape == shape
    assert pi.min() >= 0
    assert_allclose(mix.rmatvec(pi.ravel()), pi.ravel(), rtol=0, atol=SOLVER)
    x = np.random.default_rng(2).normal(size=shape)
    mixed = x.ravel()
    for _ in range(300):
        mixed = mix @ mixed
    assert_allclose(mixed, (pi * x).sum(), rtol=0, atol=SOLVER)


def test_it_is_not_that_of_the_symmetrised_graph():
    mix = random_mix((3, 4))
    M = mix.tocsr().toarray()
    degrees = (M + M.T).sum(axis=1)
    assert abs(stationary_distribution(mix).ravel() - degrees / degrees.sum()).max() > 0.01


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        (AffinityOperator(np.full((3, 3, 4), 0.3)), "several stationary distributions"),
        (MixedAffinityOperator(np.full((4, 1, 3, 4), -0.3)), "transition matrix"),
        (MixedAffinityOperator(np.full((4, 3, 3, 4), 0.4)), "transition matrix"),
        (MixedAffinityOperator(np.full((4, 3, 3, 4), 0.3), shares=(1, 1, 1, 1)), "transition matrix"),
    ],
)
def test_what_has_no_stationary_distribution_is_refused(operator, words):
    with pytest.raises(ValueError, match=words):
        stationary_distribution(operator)


@pytest.mark.parametrize(("dtype", "atol"), [("float32", 1e-6), ("float64", SOLVER)])
def test_halves_that_mirror_each_other_are_told_apart(dtype, atol):
    """A solver that begins with a symmetric map never meets the difference of the two."""
    p = np.full((4, 3, 12, 12), 0.3, dtype)
    p[0, :, :, 6] = p[1, :, :, 5] = 0
    p[2:, 2, :, 5] = p[2:, 0, :, 6] = 0
    with pytest.raises(ValueError, match="several stationary distributions"):
        stationary_distribution(MixedAffinityOperator(p))
    whole = stationary_distribution(MixedAffinityOperator(np.full((4, 3, 12, 12), 0.3, dtype)))
    assert_allclose(whole, whole[::-1, ::-1], rtol=0, atol=atol)


@pytest.mark.parametrize("call", [spectrum, stationary_distribution, lambda G: diffuse(G, np.zeros((1, 3)))])
def test_a_matrix_is_no_operator(call):
    with pytest.raises(TypeError, match=r"operator must be .* MixedAffinityOperator, got csr_array"):
        call(build_G([[[0.0, 0.5, 0.5]]]))


def test_only_the_mix_connects_all_pixels():
    one = build_G(np.full((3, 3, 4), 0.3), order="image")
    options = {"directed": True, "connection": "strong"}
    assert connected_components(one, **options)[0] == 12
    assert connected_components(random_mix((3, 4)).tocsr(), **options)[0] == 1


def test_asymmetry():
    mix = random_mix((3, 4)).tocsr()
    assert_close(asymmetry(build_A(np.full((3, 3, 4), 0.3))), 1)
    assert 0 < asymmetry(mix) < 1
    assert asymmetry(mix + mix.T) == 0
    assert asymmetry(np.zeros((2, 2))) == 0


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float32, np.float64])
def test_asymmetry_lies_between_0_and_1(rng, dtype):
    for _ in range(20):
        A = rng.integers(0 if dtype in (bool, np.uint8) else -128, 128, (5, 5)).astype(dtype)
        assert 0 <= asymmetry(A) <= 1
        assert_close(asymmetry(A), asymmetry(csr_array(A)))
        assert_close(asymmetry(A), asymmetry(A.astype(float) * 1e-200))
        assert asymmetry(A.astype(float) + A.T) == 0
        assert_close(asymmetry(np.triu(A, 1)), float(np.triu(A, 1).any()))
        assert_close(asymmetry(np.tril(A.astype(float), -1) - np.tril(A, -1).T), float(np.tril(A, -1).any()))
    assert asymmetry([[0, 1], [-1, 0]]) == 1


def test_asymmetry_of_entries_stored_twice():
    twice = csr_array((np.array([0.5, 0.5, 1]), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    assert asymmetry(twice) == 0
    assert len(twice.data) == 3  # the caller's is as it was


@pytest.mark.parametrize(
    ("matrix", "error", "words"),
    [
        (np.ones((2, 3)), ValueError, r"matrix must be square, got shape \(2, 3\)"),
        (np.eye(2) * 1j, TypeError, "real numbers, got dtype complex128"),
        ([[np.nan]], ValueError, "finite"),
    ],
)
def test_asymmetry_of_what_is_no_such_matrix(matrix, error, words):
    with pytest.raises(error, match=words):
        asymmetry(matrix)


def test_networkx_gets_a_directed_graph():
    networkx = pytest.importorskip("networkx")
    A = build_A(np.random.default_rng(3).uniform(0.1, 0.3, (3, 3, 4)), "bottom_to_top", order="image")
    graph = to_networkx(A, (3, 4))
    assert graph.is_directed()
    assert networkx.is_directed_acyclic_graph(graph)
    nodes = [(i, j) for i in range(3) for j in range(4)]
    assert_array_equal(networkx.to_numpy_array(graph, nodelist=nodes), A.toarray())


def test_pygsp_gets_a_directed_graph():
    pytest.importorskip("pygsp")
    mix = random_mix((3, 4)).tocsr()
    graph = to_pygsp(mix, (3, 4))
    assert graph.is_directed()
    assert_array_equal(graph.W.toarray(), mix.toarray())
    assert_array_equal(graph.coords[5], [1, -1])


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygsp", None)
    with pytest.raises(ModuleNotFoundError, match="needs pygsp"):
        to_pygsp(csr_array((4, 4)), (2, 2))


@pytest.mark.parametrize(
    ("matrix", "error", "words"),
    [
        (np.eye(4), TypeError, "matrix must be a SciPy sparse array, got ndarray"),
        (csr_array((3, 3)), ValueError, r"shape \(4, 4\) for a map \(2, 2\), got \(3, 3\)"),
    ],
)
def test_a_matrix_that_does_not_fit_is_named(matrix, error, words):
    with pytest.raises(error, match=words):
        to_networkx(matrix, (2, 2))


def test_k_out_of_range_is_named():
    with pytest.raises(ValueError, match="k must lie between 1 and 10 for 12 pixels, got 11"):
        spectrum(random_mix((3, 4)), 11)


@pytest.mark.parametrize("K", [1, 3])
def test_eq_2_as_printed_breaks_theorem_1(K):
    p = np.random.default_rng(4).uniform(0.1, 1 / 3, (K, 5, 6))
    sums = eq2_as_printed(p).sum(axis=1)
    assert_close(sums[:5], np.ones(5))
    assert (sums[5:] > 1.05).all()
    assert_close(build_G(p).sum(axis=1), np.ones(30))


def test_eq_2_as_printed_is_right_where_the_middle_weight_is_zero():
    p = np.random.default_rng(5).uniform(0.1, 0.5, (3, 4, 5))
    p[1] = 0
    printed, right = (build(p, "top_to_bottom", "image").toarray() for build in (eq2_as_printed, build_G))
    assert_close(printed, right)
