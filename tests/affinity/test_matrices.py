"""The matrices against the dense recurrence, and against their closed forms."""

import naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tolerances import ROUNDING, assert_close

from spnkit.affinity import build_A, build_D, build_G, build_L, build_W, stored_entries
from spnkit.directions import DIRECTIONS

BUILDERS = {"W": build_W, "G": build_G, "D": build_D, "A": build_A, "L": build_L}
SHAPES = [(1, 1), (1, 5), (5, 1), (2, 7), (4, 3), (5, 5), (3, 9)]


def random_weights(rng, K, shape):
    return naive.normalize(rng.normal(size=(K, *shape)), "clip")


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_G_in_image_order_is_the_scan(shape, K, direction):
    rng = np.random.default_rng(0)
    p, x = random_weights(rng, K, shape), rng.normal(size=shape)
    G = build_G(p, direction, order="image")
    assert_close((G @ x.ravel()).reshape(shape), naive.scan(x, p, direction))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("K", [1, 3])
def test_G_solves_the_implicit_form(K, direction):
    p = random_weights(np.random.default_rng(1), K, (4, 5))
    identity = np.eye(20)
    for order in ("scan", "image"):
        W, G, D = (build(p, direction, order).toarray() for build in (build_W, build_G, build_D))
        assert_allclose((identity - W) @ G, identity - D, rtol=0, atol=ROUNDING)


def test_scan_order_stacks_the_steps():
    p = random_weights(np.random.default_rng(2), 3, (3, 4))
    G = build_G(p, "right_to_left").toarray()
    assert_array_equal(np.triu(G, 1), 0)
    assert_array_equal(G[:3, :3], np.eye(3))
    w_2 = build_W(p, "right_to_left").toarray()[3:6, :3]
    assert_array_equal(w_2[0], [p[1, 0, 2], p[2, 0, 2], 0])
    assert_array_equal(w_2[1], p[:, 1, 2])
    assert_array_equal(G[3:6, :3], w_2)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("shape", [*SHAPES, (3, 20), (20, 3)])
def test_stored_entries_are_the_closed_form_even_for_zero_weights(shape, K, direction):
    for p in (np.zeros((K, *shape)), np.full((K, *shape), 1 / K)):
        for name, build in BUILDERS.items():
            for order in ("scan", "image"):
                assert build(p, direction, order).nnz == stored_entries(name, shape, K, direction), name


def test_structure_is_exact():
    """Positive weights fill every stored place, so the closed form counts no place too many."""
    G = build_G(np.full((3, 4, 6), 0.2))
    assert np.count_nonzero(G.toarray()) == G.nnz


def test_laplacian_is_degree_minus_affinity():
    p = random_weights(np.random.default_rng(3), 3, (4, 4))
    A, D, L, G = (build(p, "top_to_bottom").toarray() for build in (build_A, build_D, build_L, build_G))
    assert_allclose(L, D - A, rtol=0, atol=ROUNDING)
    assert_allclose(L, np.eye(16) - G, rtol=0, atol=ROUNDING)
    assert_array_equal(A.diagonal(), 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype):
    assert build_G(np.zeros((3, 2, 2), dtype)).dtype == dtype


@pytest.mark.parametrize(
    ("p", "options", "error", "words"),
    [
        (np.zeros((3, 4)), {}, ValueError, r"p must have shape \(K, H, W\)"),
        (np.zeros((2, 4, 4)), {}, ValueError, "K = 2"),
        (np.zeros((3, 0, 4)), {}, ValueError, "at least one pixel"),
        (np.full((1, 2, 2), np.nan), {}, ValueError, "finite"),
        (np.zeros((1, 2, 2), complex), {}, TypeError, "complex128"),
        (np.zeros((1, 2, 2)), {"direction": "up"}, ValueError, "left_to_right.*'up'"),
        (np.zeros((1, 2, 2)), {"direction": 1}, TypeError, "direction must be a string, got int"),
        (np.zeros((1, 2, 2)), {"order": "rows"}, ValueError, "order must be 'scan' or 'image', got 'rows'"),
    ],
)
@pytest.mark.parametrize("build", BUILDERS.values())
def test_bad_input_is_named(build, p, options, error, words):
    with pytest.raises(error, match=words):
        build(p, **options)


def test_too_large_is_refused_before_memory_is_taken():
    p = np.broadcast_to(np.float64(0.1), (3, 1024, 1024))
    with pytest.raises(MemoryError, match=r"1024 x 1024 .* GiB .*AffinityOperator"):
        build_G(p)


def test_bad_questions_about_size_are_named():
    with pytest.raises(ValueError, match="matrix must be one of"):
        stored_entries("X", (2, 2), 1)
    with pytest.raises(ValueError, match="K must be 1 or 3, got 2"):
        stored_entries("G", (2, 2), 2)
