"""Hand-made weights against the tools that are known for them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import lfilter
from tolerances import assert_close

import spnkit
from spnkit.affinity import (
    color_similarity_weights,
    domain_transform_weights,
    edge_scale,
    recursive_filter_weights,
)
from spnkit.directions import DIRECTIONS

MAKERS = [
    (domain_transform_weights, {"sigma_s": 8, "sigma_r": 0.3}),
    (recursive_filter_weights, {"coefficient": -0.7, "sigma": 0.3}),
    (color_similarity_weights, {"sigma": 0.3}),
]
BACKWARD = {"left_to_right": (0, -1), "right_to_left": (0, 1), "top_to_bottom": (-1, 0), "bottom_to_top": (1, 0)}


@pytest.mark.parametrize("iterations", [1, 3])
def test_domain_transform_is_the_one_of_opencv(iterations):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "ximgproc"):
        pytest.skip("this OpenCV has no contrib modules")
    rng = np.random.default_rng(0)
    source = rng.random((20, 24), np.float32)
    guide = rng.random((20, 24, 3), np.float32) * 60
    x = source.astype(np.float64)[None, None]
    for iteration in range(1, iterations + 1):
        for direction in DIRECTIONS:
            p = domain_transform_weights(
                guide, direction, sigma_s=8, sigma_r=50, iteration=iteration, iterations=iterations
            )
            x = spnkit.scan(x, p[None, :, None], direction, normalization="none")
    theirs = cv2.ximgproc.dtFilter(guide, source, 8, 50, mode=cv2.ximgproc.DTF_RF, numIters=iterations)
    assert_allclose(x[0, 0], theirs, rtol=0, atol=2e-6)  # OpenCV computes in float32


@pytest.mark.parametrize("a", [0.8, -0.8])
def test_recursive_filter_is_the_first_order_filter(a):
    x = np.random.default_rng(1).normal(size=(3, 30))
    p = recursive_filter_weights(x, coefficient=a)
    h = spnkit.scan(x[None, None], p[None, :, None], "left_to_right", normalization="none")[0, 0]
    # h_1 = x_1 is the filter at rest on x_1.
    expected, _ = lfilter([1 - a], [1, -a], x, zi=a * x[:, :1])
    assert_close(h, expected)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_one_way_weights_by_hand(direction):
    image = np.random.default_rng(4).random((4, 5, 3))
    stretched = domain_transform_weights(image, direction, sigma_s=8, sigma_r=3, iteration=2, iterations=3)
    filtered = recursive_filter_weights(image, direction, coefficient=-0.7, sigma=0.3)
    sigma_2 = 8 * np.sqrt(3) * 2 / np.sqrt(63)
    for i, j in np.ndindex(4, 5):
        m, n = np.add((i, j), BACKWARD[direction])
        step = image[i, j] - image[m, n] if 0 <= m < 4 and 0 <= n < 5 else np.inf
        assert_close(stretched[0, i, j], np.exp(-np.sqrt(2) / sigma_2 * (1 + 8 / 3 * np.abs(step).sum())))
        assert_close(filtered[0, i, j], -0.7 * np.exp(-np.square(step).sum() / (2 * 0.3**2)))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_color_similarity_by_hand(direction):
    rng = np.random.default_rng(2)
    image = rng.random((4, 5, 3))
    p = color_similarity_weights(image, direction, sigma=0.5, strength=0.9)
    di, dj = BACKWARD[direction]
    for i, j in np.ndindex(4, 5):
        neighbours = [(i + o, j + dj) if di == 0 else (i + di, j + o) for o in (-1, 0, 1)]
        a = [
            np.exp(-np.sum((image[i, j] - image[m, n]) ** 2) / 0.5) if 0 <= m < 4 and 0 <= n < 5 else 0
            for m, n in neighbours
        ]
        assert_close(p[:, i, j], 0.9 * np.square(a) / max(sum(a), 1e-300))


@pytest.mark.parametrize(("maker", "options"), MAKERS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_weights_keep_to_theorem_3(maker, options, direction):
    image = np.random.default_rng(3).integers(0, 255, (6, 7, 3), np.uint8) / 255
    p = maker(image, direction, **options)
    assert np.abs(p).sum(axis=0).max() < 1
    first = {"left_to_right": p[..., 0], "right_to_left": p[..., -1], "top_to_bottom": p[:, 0]}
    assert_array_equal(first.get(direction, p[:, -1]), 0)


@pytest.mark.parametrize(("maker", "options"), MAKERS)
def test_an_edge_stops_the_weights(maker, options):
    image = np.zeros((4, 6))
    image[:, 3:] = 1
    pull = np.abs(maker(image, **options)).sum(axis=0)[1:-1]
    assert (pull[:, 3] < 0.05 * pull[:, 2]).all()


AS_IT_COMES = [
    (domain_transform_weights, {}),
    (recursive_filter_weights, {"coefficient": 0.9, "sigma": None}),
    (color_similarity_weights, {}),
]


def photo_of_bytes():
    """Two smooth halves with a strong edge between them, and some noise."""
    rng = np.random.default_rng(5)
    levels = np.where(np.arange(24)[:, None] < 12, 60, 190) + rng.integers(-4, 5, (16, 24, 3))
    return levels.astype(np.uint8)


@pytest.mark.parametrize(("maker", "options"), AS_IT_COMES)
@pytest.mark.parametrize("connection", ["one_way", "three_way"])
def test_a_photo_is_taken_as_it_comes(maker, options, connection, recwarn):
    photo = photo_of_bytes()
    opaque = np.full((*photo.shape[:2], 1), 255, np.uint8)
    opaque[3:9, 5:] = 7  # what it hides is not an edge
    weights = maker(photo, connection=connection, **options)
    assert weights.shape == ({"one_way": 1, "three_way": 3}[connection], 16, 24)
    pull = np.abs(weights).sum(axis=0)[1:-1]
    assert pull[:, 1:12].mean() > 0.6
    assert pull[:, 12].max() < 0.05
    for same in (photo / 255, photo.astype(np.uint16) * 257, np.concatenate([photo, opaque], axis=2)):
        assert_close(maker(same, connection=connection, **options), weights)
    assert_close(maker(photo * 40.0 - 3, connection=connection, **options), weights)  # whatever the contrast
    grey = maker(photo[..., 0], connection=connection, **options)
    assert_close(maker(photo[..., :1], connection=connection, **options), grey)
    assert not recwarn.list


@pytest.mark.parametrize(("maker", "options"), MAKERS)
def test_three_neighbours_share_what_one_would_have(maker, options):
    flat = np.zeros((5, 6))
    alone, shared = (maker(flat, connection=name, **options) for name in ("one_way", "three_way"))
    assert (alone.shape, shared.shape) == ((1, 5, 6), (3, 5, 6))
    assert_close(shared.sum(axis=0), alone[0])
    with pytest.raises(ValueError, match="connection must be one of one_way, three_way, got 'two_way'"):
        maker(flat, connection="two_way", **options)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: color_similarity_weights(p, sigma=20), r"sigma = 20 .* levels 0 to 255 count as 0 to 1"),
        (lambda p: domain_transform_weights(p, sigma_r=30), "divide sigma_r by 255"),
        (lambda p: recursive_filter_weights(p * 257.0, coefficient=0.5, sigma=0.1), "hardly a pixel listens"),
        (lambda p: domain_transform_weights(p * 1.0, sigma_s=60, sigma_r=0.1), "its edge_scale is"),
    ],
)
def test_a_scale_of_another_unit_is_said(call, words):
    with pytest.warns(UserWarning, match=words) as caught:
        call(photo_of_bytes())
    assert caught[0].filename == __file__


def test_the_scale_of_edges_follows_the_contrast():
    photo = photo_of_bytes()
    scale = edge_scale(photo)
    assert 4 / 255 < scale < 16 / 255  # the noise, far below the edge
    assert_close(edge_scale(photo * 3.0), scale * 3 * 255)
    assert_close(edge_scale(np.swapaxes(photo, 0, 1)), scale)
    drawing = np.zeros((30, 40), bool)
    drawing[:, 20:] = True
    assert edge_scale(drawing) == 1 / 3
    assert edge_scale(np.ones((1, 1))) == edge_scale(np.ones((1, 9, 3))) == 1


def test_a_photo_of_one_line_has_no_neighbours_across(recwarn):
    assert_array_equal(color_similarity_weights(photo_of_bytes()[:1], "top_to_bottom"), 0)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda image: domain_transform_weights(image, sigma_s=0, sigma_r=1),
            ValueError,
            "sigma_s must be pos",
        ),
        (
            lambda image: domain_transform_weights(image, sigma_s=1, sigma_r=1, iteration=2),
            ValueError,
            "iteration",
        ),
        (
            lambda image: recursive_filter_weights(image, coefficient=1),
            ValueError,
            r"within \(-1, 1\), got 1",
        ),
        (lambda image: color_similarity_weights(image, sigma=1, strength=2), ValueError, "strength must lie"),
        (
            lambda image: color_similarity_weights(image[0], sigma=1),
            ValueError,
            r"\(H, W, channels\), got \(4,\)",
        ),
        (lambda image: color_similarity_weights(image * np.nan, sigma=1), ValueError, "image must be finite"),
        (lambda image: color_similarity_weights(image * 1j, sigma=1), TypeError, "complex128"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call(np.ones((4, 4)))
