"""Windows with more than one class; tiles that cover and blend back; shrinking by blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import assert_close

from spnkit.data import IGNORE, blend, mixed_windows, sample_windows, shrink_image, shrink_labels, tiles


def _classes(window):
    return set(np.unique(window).tolist()) - {IGNORE}


@settings(deadline=None)  # tests never assert times
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(9, 20), st.integers(9, 20))
def test_mixed_windows_are_those_with_two_classes(seed, size, height, width):
    rng = np.random.default_rng(seed)
    labels = rng.choice([0, 3, IGNORE], (height, width), p=[0.9, 0.05, 0.05]).astype(np.uint8)
    mixed = mixed_windows(labels, size)
    assert mixed.shape == (height - size + 1, width - size + 1)
    for row, column in np.ndindex(mixed.shape):
        window = labels[row : row + size, column : column + size]
        assert mixed[row, column] == (len(_classes(window)) > 1)


def test_windows_are_drawn_uniformly_among_the_mixed_ones():
    labels = np.zeros((12, 12), np.uint8)
    labels[2, 3] = 1
    mixed = mixed_windows(labels, 4)
    drawn = sample_windows(labels, 4, 9000, np.random.default_rng(0))
    counts = np.zeros(mixed.shape, int)
    np.add.at(counts, tuple(drawn.T), 1)
    assert (counts[~mixed] == 0).all()
    expected = 9000 / mixed.sum()
    assert np.abs(counts[mixed] - expected).max() < 5 * np.sqrt(expected)


def test_windows_repeat_with_the_seed(made):
    labels = made.load("train_0000").labels
    first, again, other = (sample_windows(labels, 16, 8, np.random.default_rng(s)) for s in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    for row, column in first:
        assert len(_classes(labels[row : row + 16, column : column + 16])) > 1


def test_windows_that_cannot_be_drawn():
    with pytest.raises(ValueError, match=r"^labels: .*5 x 5.*\(4, 9\)"):
        sample_windows(np.zeros((4, 9), np.uint8), 5, 1, np.random.default_rng(0))
    alone = np.array([[2, IGNORE], [2, 2]], np.uint8)
    with pytest.raises(ValueError, match=r"^labels: no window"):
        sample_windows(alone, 2, 1, np.random.default_rng(0))


@settings(deadline=None)  # tests never assert times
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 24), st.integers(0, 23), st.integers(0, 9))
def test_tiles_cover_overlap_and_blend_back(height, width, size, overlap, seed):
    size = min(size, height, width)
    overlap = min(overlap, size - 1)
    places = tiles(height, width, size, overlap)
    covered = np.zeros((height, width), int)
    for row, column in places:
        assert row >= 0
        assert column >= 0
        covered[row : row + size, column : column + size] += 1
    assert covered.shape == (height, width)
    assert covered.min() >= 1
    for starts in ({row for row, _ in places}, {column for _, column in places}):
        assert all(b - a <= size - overlap for a, b in zip(sorted(starts), sorted(starts)[1:], strict=False))
    picture = np.random.default_rng(seed).standard_normal((2, height, width))
    pieces = [picture[:, r : r + size, c : c + size] for r, c in places]
    assert_close(blend(pieces, places, height, width), picture)


def test_blend_weighs_a_tile_less_at_its_border():
    places = tiles(8, 12, size=8, overlap=4)
    left_share = blend([np.ones((8, 8)), np.zeros((8, 8))], places, 8, 12)[4]
    assert (left_share[:4] == 1).all()
    assert (np.diff(left_share[3:9]) < 0).all()
    assert (left_share[8:] == 0).all()


def test_blend_keeps_the_type_of_the_tiles():
    assert blend([np.ones((3, 4, 4), np.float32)], [(0, 0)], 4, 4).dtype == np.float32


@pytest.mark.parametrize("kind", ["bool", "uint8", "int64", "float32"])
def test_blend_gives_back_arrays_and_tensors(kind):
    torch = pytest.importorskip("torch")
    picture = (np.random.default_rng(0).random((9, 12)) > 0.5).astype(kind) * np.array(250, np.uint8).astype(kind)
    places = tiles(9, 12, size=5, overlap=2)

    def cut(whole):
        return blend([whole[r : r + 5, c : c + 5] for r, c in places], places, 9, 12)

    assert cut(picture).dtype == picture.dtype
    assert_close(cut(picture).astype("float32"), picture.astype("float32"))
    assert cut(torch.tensor(picture)).dtype == torch.tensor(picture).dtype
    np.testing.assert_array_equal(cut(torch.tensor(picture)).numpy(), cut(picture))


def test_bad_tiles():
    with pytest.raises(ValueError, match=r"^overlap: "):
        tiles(8, 8, size=4, overlap=4)
    with pytest.raises(ValueError, match=r"^height, width: "):
        tiles(8, 3, size=4, overlap=0)
    with pytest.raises(ValueError, match=r"^places: "):
        blend([np.ones((4, 4))], [(0, 0)], 4, 8)
    with pytest.raises(ValueError, match=r"^places: "):
        blend([], [], 4, 8)


def test_shrinking_averages_blocks_of_a_photo():
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    small = shrink_image(image, 2)
    assert small.shape == (2, 3, 3)
    assert small[0, 1, 2] == np.rint(image[0:2, 2:4, 2].mean())
    assert_close(shrink_image(image.astype(float), 2)[1, 2], image[2:4, 4:6].mean(axis=(0, 1)))


def test_shrunk_bytes_are_rounded():
    quarters = np.array([[0, 0, 0, 1], [0, 1, 1, 1]], np.uint8)[..., None]
    assert shrink_image(quarters, 2).ravel().tolist() == [0, 1]


def test_shrinking_takes_the_commonest_class():
    labels = np.array([[5, 5, IGNORE, IGNORE], [5, 2, IGNORE, 9], [IGNORE] * 2 + [4, 3], [IGNORE] * 2 + [3, 4]])
    assert shrink_labels(labels.astype(np.uint8), 2).tolist() == [[5, 9], [IGNORE, 3]]
    assert (shrink_labels(np.full((4, 4), IGNORE, np.uint8), 2) == IGNORE).all()


@pytest.mark.parametrize("factor", [0, 3])
def test_bad_factor(factor):
    with pytest.raises(ValueError, match=r"^factor: "):
        shrink_labels(np.zeros((8, 8), np.uint8), factor)
    with pytest.raises(ValueError, match=r"^factor: "):
        shrink_image(np.zeros((8, 8, 3), np.uint8), factor)
