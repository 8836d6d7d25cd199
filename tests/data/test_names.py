"""Names of face classes as they are in use: one meaning for each, and what is not understood is said."""

import warnings

import numpy as np
import pytest
from PIL import Image

from spnkit.data import HELEN_CLASSES, open_faces, score_groups
from spnkit.data.classes import unclear
from spnkit.data.keypoints import keypoints_from_labels
from spnkit.data.names import meanings

USED = {
    "CelebAMask": "background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip neck "
    "neck_l cloth hair hat",
    "LaPa": "background,skin,left eyebrow,right eyebrow,left eye,right eye,nose,upper lip,inner mouth,lower lip,hair",
    "FaRL": "background face rb lb re le nose ulip imouth llip hair",
    "Microsoft": "BACKGROUND SKIN NOSE RIGHT_EYE LEFT_EYE RIGHT_BROW LEFT_BROW MOUTH_INTERIOR TOP_LIP BOTTOM_LIP HAIR",
    "camels": "Background Skin LeftBrow RightBrow LeftEye RightEye Nose UpperLip InnerMouth LowerLip Hair",
    "sides last": "bg skin brow_l brow_r eye_l eye_r nose lip-upper mouth-inner lip-lower hair",
}
FACE = np.zeros((64, 64), np.uint8)
for index, rows, columns in [
    *((4, slice(20, 23), slice(15, 18)), (5, slice(20, 23), slice(47, 50)), (6, slice(25, 41), slice(28, 37))),
    *((7, slice(45, 47), slice(20, 45)), (8, slice(47, 49), slice(20, 45)), (9, slice(49, 51), slice(20, 45))),
]:
    FACE[rows, columns] = index


def named(text):
    return text.split("," if "," in text else None)


@pytest.mark.parametrize("names", [named(text) for text in USED.values()], ids=USED)
def test_names_in_use_mean_the_parts_of_helen(names):
    parts = set(HELEN_CLASSES[2:10])
    found = ["inner_mouth" if part == "mouth" else part for part in meanings(names)]
    assert parts <= set(found)
    assert not unclear(names)
    groups = score_groups(names)
    assert list(groups) == list(score_groups(HELEN_CLASSES))
    for group, indices in score_groups(HELEN_CLASSES).items():
        expected = {HELEN_CLASSES[i] for i in indices}
        assert {found[i] for i in groups[group]} <= expected | ({"skin", "face"} if group == "skin" else set())


@pytest.mark.parametrize("names", [named(text) for text in USED.values()], ids=USED)
def test_keypoints_are_found_by_any_name(names):
    found = ["inner_mouth" if part == "mouth" else part for part in meanings(names)]
    table = np.array([found.index(part) if part in found else 0 for part in HELEN_CLASSES], np.uint8)
    expected = keypoints_from_labels(FACE, HELEN_CLASSES)
    np.testing.assert_array_equal(keypoints_from_labels(table[FACE], names), expected)


def test_a_letter_is_a_side_where_the_other_is_there():
    assert meanings(["ear_l", "ear_r"]) == ("left_ear", "right_ear")
    assert meanings(["l_ear", "r_ear", "ear_r"]) == ("left_ear", "right_ear", "earring")
    assert meanings(["l_chin", "r_chin"]) == ("left_chin", "right_chin")
    assert meanings(["l_chin"]) == ("l_chin",)
    assert meanings(["left_cheek"]) == ("left_cheek",)
    assert meanings(["class1", "class2"]) == ("class1", "class2")


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (("sky", "nose"), "not known as part of a face: sky"),
        (("left_ear", "nose"), "left_ear"),
        (("l_eye", "nose", "mouth"), "without its other side: l_eye"),
        (("background", "eyes", "nose", "mouth"), "no class for each eye, nose and mouth"),
        (("skin", "left_eye", "right_eye", "nose", "mouth"), "no class for brows"),
    ],
)
def test_what_is_not_understood_is_said(classes, words):
    assert words in unclear(classes)


def test_a_folder_notes_names_that_it_does_not_understand(indexed):
    text = (indexed / "classes.txt").read_text()
    (indexed / "classes.txt").write_text(text.replace("left_eye", "oculus sinister"))
    note = open_faces(indexed).note
    assert "oculus sinister" in note
    assert "right_eye" in note
    (indexed / "classes.txt").write_text(text.replace("left_eye", "l_eye").replace("right_eye", "r eye"))
    assert open_faces(indexed).note == ""


def test_two_classes_of_one_meaning(indexed):
    (indexed / "classes2.txt").write_text("0 left_eye\n1 l_eye\n")
    with pytest.raises(ValueError, match=r"classes2\.txt: expected a name of its own for each class"):
        open_faces(indexed)


def test_sides_of_the_person_are_seen_and_said_once(indexed, made):
    """With the labels of both sides exchanged, keypoints are as before."""
    other = np.arange(256, dtype=np.uint8)
    other[[2, 3, 4, 5]] = [3, 2, 5, 4]
    for path in (indexed / "labels11").iterdir():
        Image.fromarray(other[np.asarray(Image.open(path))]).save(path)
    faces = open_faces(indexed)
    with pytest.warns(UserWarning, match="train_0000.*left is the person's own left") as told:
        loaded = [faces.load(name) for name in faces.splits["train"]]
    assert len(told) == 1
    for face in loaded:
        np.testing.assert_allclose(face.keypoints, made.load(face.name).keypoints)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.load(made.splits["train"][0])
