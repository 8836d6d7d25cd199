"""The similarity transform of section 5: keypoints go where they should, labels stay labels."""

import numpy as np
import pytest
from skimage.transform import SimilarityTransform

from spnkit.data import IGNORE, align, frame_keypoints


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


@pytest.fixture
def labels():
    return np.random.default_rng(1).integers(0, 11, (64, 64), np.uint8)


def test_an_aligned_face_stays_as_it_is(photo, labels):
    image, moved = align(photo, labels, frame_keypoints(64), 64)
    np.testing.assert_array_equal(image, photo)
    np.testing.assert_array_equal(moved, labels)


@pytest.mark.parametrize(("angle", "scale"), [(0.0, 1.0), (0.3, 0.6), (-0.5, 1.7)])
def test_keypoints_land_in_the_frame(angle, scale):
    """Five marked spots of five classes, moved away, come back to the frame's places."""
    size = 96
    away = SimilarityTransform(rotation=angle, scale=scale, translation=(40, 25))
    keypoints = away(frame_keypoints(size))
    rows, columns = np.mgrid[:260, :260]
    labels = np.zeros((260, 260), np.uint8)
    for index, (x, y) in enumerate(keypoints, start=1):
        labels[np.hypot(columns - x, rows - y) < 4 * scale] = index
    image = np.where(labels == 3, 255, 0)[..., None].repeat(3, axis=2).astype(np.uint8)
    moved_image, moved = align(image, labels, keypoints, size)
    for index, place in enumerate(frame_keypoints(size), start=1):
        spot = np.argwhere(moved == index).mean(axis=0)[::-1]
        np.testing.assert_allclose(spot, place, atol=0.5)
    bright = np.argwhere(moved_image[..., 0] > 128).mean(axis=0)[::-1]
    np.testing.assert_allclose(bright, frame_keypoints(size)[2], atol=0.5)


def test_labels_are_never_mixed(photo):
    """Between classes 0 and 10 an interpolation would show classes that are not there."""
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 32:] = 10
    _, moved = align(photo, labels, frame_keypoints(64) * 1.37 + 3, 50)
    assert set(np.unique(moved)) <= {0, 10, IGNORE}


def test_beyond_the_photo_is_ignored(photo, labels):
    image, moved = align(photo, labels, frame_keypoints(64) - (20, 0), 64)
    assert (moved[:, :20] == IGNORE).all()
    assert (moved[:, 20:] != IGNORE).all()
    np.testing.assert_array_equal(image[:, 0], image[:, 20])


def test_shrinking_does_not_alias(labels):
    """Stripes one pixel wide become grey, not a moire of black and white."""
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    image, _ = align(stripes, np.zeros((256, 256), np.uint8), frame_keypoints(256), 60)
    assert np.abs(image[4:-4, 4:-4].astype(int) - 128).max() < 12


def test_without_keypoints_the_face_fills_the_frame(photo):
    labels = np.zeros((64, 64), np.uint8)
    labels[20:40, 10:50] = 1
    labels[60:, :5] = IGNORE  # what is unknown is no face
    _, moved = align(photo, labels, None, 100)
    rows, columns = np.nonzero(moved == 1)
    assert columns.max() - columns.min() == pytest.approx(100 / 1.05, abs=2)
    assert rows.mean() == pytest.approx(49.5, abs=1)
    assert columns.mean() == pytest.approx(49.5, abs=1)


def test_without_keypoints_and_face_the_whole_photo_is_taken(photo):
    _, moved = align(photo, np.zeros((64, 64), np.uint8), None, 32)
    assert (moved == 0).mean() > 0.85


def test_made_up_faces_meet_in_the_frame(made):
    """After alignment the eyes of different people lie over one another."""
    eyes = []
    for name in made.splits["train"]:
        face = made.load(name)
        _, moved = align(face.image, face.labels, face.keypoints, 64)
        eyes.append(np.argwhere(moved == 4).mean(axis=0)[::-1])
    assert np.abs(np.array(eyes) - frame_keypoints(64)[0]).max() < 4


@pytest.mark.parametrize(
    ("keypoints", "reason"),
    [
        (np.full((5, 2), 20.0), "coincide"),
        (np.full((5, 2), np.nan), "finite"),
        (np.zeros((4, 2)), "five"),
        ([[0, 0], [1, 0], [np.inf, 1], [0, 2], [1, 2]], "finite"),
    ],
)
def test_bad_keypoints(photo, labels, keypoints, reason):
    with pytest.raises(ValueError, match=f"^keypoints: .*{reason}"):
        align(photo, labels, keypoints, 64)


def test_bad_shapes(photo, labels):
    with pytest.raises(ValueError, match=r"^labels: "):
        align(photo, labels[:10], None, 64)
    with pytest.raises(ValueError, match=r"^size: "):
        align(photo, labels, None, 0)


@pytest.mark.parametrize("angle", [0.0, 0.4, 3.0])
def test_sides_of_the_person_do_not_shrink_the_face(photo, labels, angle):
    """Upright, tilted or upside down: the viewer's left and the person's lead to one frame."""
    points = SimilarityTransform(rotation=angle, translation=(5, 9))(frame_keypoints(64))
    expected = align(photo, labels, points, 64)
    for one, other in zip(align(photo, labels, points[[1, 0, 2, 4, 3]], 64), expected, strict=True):
        np.testing.assert_array_equal(one, other)
