"""Two real folders, where they are at hand: SPNKIT_DATA, or ../shared/data beside the repository."""

import os
from pathlib import Path

import numpy as np
import pytest

from spnkit.data import HELEN_CLASSES, align, open_faces, score_groups

_DATA = Path(os.environ.get("SPNKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def _open(name, **options):
    if not (_DATA / name).is_dir():
        pytest.skip(f"no folder {name} in {_DATA} (set SPNKIT_DATA)")
    return open_faces(_DATA / name, **options)


def test_facesynthetics():
    faces = _open("facesynthetics100")
    assert faces.classes == HELEN_CLASSES
    assert [len(faces.splits[split]) for split in ("train", "val", "test")] == [60, 10, 10]
    face = faces.load(faces.splits["train"][0])
    image, labels = align(face.image, face.labels, face.keypoints, 128)
    assert image.shape == (128, 128, 3)
    assert {1, 4, 5, 6, 7, 9} <= set(np.unique(labels))


def test_facesynthetics_landmarks_agree_with_its_labels():
    faces = _open("facesynthetics100")
    face = faces.load(faces.splits["train"][2])
    for point, index in zip(face.keypoints[:2], (4, 5), strict=True):
        assert np.abs(np.argwhere(face.labels == index).mean(axis=0)[::-1] - point).max() < 8


def test_facesynthetics_other_labels():
    faces = _open("facesynthetics100", labels="labels19")
    assert len(faces.classes) == 19
    assert len(score_groups(faces.classes)["mouth"]) == 3


def test_fasseg():
    faces = _open("fasseg")
    assert faces.classes[1] == "skin"
    assert [len(faces.splits[split]) for split in ("train", "val", "test")] == [191, 35, 56]
    assert list(score_groups(faces.classes)) == ["skin", "brows", "eyes", "nose", "mouth"]


def test_fasseg_profiles_are_cropped_instead():
    faces = _open("fasseg")
    profile = next(face for face in map(faces.load, faces.splits["train"]) if face.keypoints is None)
    _, labels = align(profile.image, profile.labels, None, 128)
    assert (labels == 1).mean() > 0.1
