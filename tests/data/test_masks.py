"""Labels as files and programs have them: whole numbers, or a mask of one object in any usual coding."""

import warnings

import numpy as np
import pytest
from PIL import Image

from spnkit.data import align, frame_keypoints, mixed_windows, open_faces, shrink_labels
from spnkit.data.masks import whole_labels


@pytest.fixture
def masks(indexed):
    """The folder with `labels2` alone."""
    (indexed / "classes.txt").unlink()
    return indexed


def recode(folder, change):
    for path in (folder / "labels2").glob("*.png"):
        change(np.asarray(Image.open(path))).save(path)


def loaded(folder):
    faces = open_faces(folder)
    return [faces.load(name).labels for split in faces.splits.values() for name in split]


@pytest.mark.parametrize("coding", ["one bit", "0 and 255"])
def test_a_mask_is_a_mask_in_any_coding(masks, coding):
    expected = loaded(masks)
    recode(masks, lambda mask: Image.fromarray(mask > 0 if coding == "one bit" else 255 * mask))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if coding == "0 and 255" else "error")
        np.testing.assert_array_equal(loaded(masks), expected)


def test_a_guess_at_255_is_said_once(masks):
    recode(masks, lambda m: Image.fromarray(255 * m))
    with pytest.warns(UserWarning, match=r"labels2.*png: no labels here have a 1, so 255 is 'skin'") as told:
        loaded(masks)
    assert len(told) == 1


def test_255_is_unknown_where_a_face_of_the_folder_has_a_1(masks):
    first = next((masks / "labels2").glob("*.png"))
    recode(masks, lambda m: Image.fromarray(255 * m))
    one = np.zeros((64, 64), np.uint8)
    one[0, 0] = 1
    Image.fromarray(one).save(first)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = np.stack(loaded(masks))
    assert (labels == 255).any()
    assert (labels == 1).sum() == 1


@pytest.mark.parametrize("value", [4.9999, 0.5, np.nan, np.inf, -1.0, 256.0])
def test_numbers_that_are_not_whole_are_refused(indexed, value):
    path = indexed / "labels11" / "val_0000.png"
    values = np.asarray(Image.open(path)).astype(np.float32)
    values[3, 4] = value
    path.unlink()
    Image.fromarray(values).save(path.with_suffix(".tif"))
    with pytest.raises(ValueError, match=r"val_0000\.tif: expected (whole numbers|values 0\.\.255), got"):
        open_faces(indexed).load("val_0000")
    photo = np.zeros((64, 64, 3), np.uint8)
    for refuses in (lambda v: align(photo, v, None, 32), lambda v: shrink_labels(v, 2), lambda v: mixed_windows(v, 2)):
        with pytest.raises(ValueError, match=r"^labels: expected (whole numbers|values)"):
            refuses(values)


def test_whole_numbers_are_taken_in_any_type(indexed, made):
    path = indexed / "labels11" / "val_0000.png"
    values = np.asarray(Image.open(path)).astype(np.float32)
    path.unlink()
    Image.fromarray(values).save(path.with_suffix(".TIF"))
    np.testing.assert_array_equal(open_faces(indexed).load("val_0000").labels, made.load("val_0000").labels)
    for kind in (np.int64, np.float64, np.uint16):
        assert whole_labels("x", values.astype(kind)).dtype == np.uint8
    with pytest.raises(ValueError, match="x: expected whole numbers"):
        whole_labels("x", np.array(["a"]))


def test_boolean_masks_just_work():
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    photo = np.zeros((64, 64, 3), np.uint8)
    _, moved = align(photo, mask, frame_keypoints(64) - (10, 0), 64)
    assert set(np.unique(moved)) == {0, 1, 255}
    np.testing.assert_array_equal(shrink_labels(mask, 4), shrink_labels(mask.astype(np.uint8), 4))
    np.testing.assert_array_equal(mixed_windows(mask, 9), mixed_windows(mask.astype(np.uint8), 9))


def test_a_photo_in_0_to_1_is_not_rounded_to_black():
    with pytest.raises(TypeError, match="image: expected uint8, got float64"):
        align(np.full((64, 64, 3), 0.5), np.zeros((64, 64), np.uint8), None, 32)
