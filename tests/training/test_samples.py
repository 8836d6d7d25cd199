from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from spnkit.data import HELEN_CLASSES, IGNORE
from spnkit.tasks import AlignedFaces, Faces
from spnkit.training import Options
from spnkit.training.augment import jitter_colour, mirror_classes, mirror_labels, move, recolour
from spnkit.training.folds import people_of
from spnkit.training.samples import LowResolution, Patches

LEFT_EYE, RIGHT_EYE = HELEN_CLASSES.index("left_eye"), HELEN_CLASSES.index("right_eye")


def aligned(faces, tmp_path):
    return AlignedFaces(faces, faces.splits["train"], 64, tmp_path / "cache")


def patches(faces, tmp_path):
    coarse = [torch.rand(11, 16, 16).softmax(0) for _ in range(6)]
    return Patches(aligned(faces, tmp_path), HELEN_CLASSES, 0, coarse=coarse, factor=4, size=32)


def test_faces_are_aligned_once_and_read_back(faces, tmp_path):
    first = aligned(faces, tmp_path)
    before = [path.stat().st_mtime_ns for path in first.paths]
    again = aligned(faces, tmp_path)
    assert [path.stat().st_mtime_ns for path in again.paths] == before
    photo, labels = again[0]
    assert photo.shape == (64, 64, 3)
    assert labels.shape == (64, 64)
    assert {LEFT_EYE, RIGHT_EYE} <= set(np.unique(labels))


def test_a_sample_is_a_function_of_seed_epoch_and_index(faces, tmp_path):
    torch.manual_seed(0)
    one = patches(faces, tmp_path)
    torch.manual_seed(0)
    other = patches(faces, tmp_path)
    other[0, 3]  # what was drawn before must not matter
    for key in ("image", "coarse", "labels"):
        assert torch.equal(one[0, 5][key], other[0, 5][key])
    assert not torch.equal(one[0, 5]["image"], one[1, 5]["image"])
    assert not torch.equal(one[0, 5]["image"], one[0, 6]["image"])


def test_patches_hold_more_than_one_class(faces, tmp_path):
    for sample in map(patches(faces, tmp_path).__getitem__, enumerate(range(30))):
        assert len(set(np.unique(sample["labels"])) - {IGNORE}) > 1
        assert sample["image"].shape == (3, 32, 32)
        assert sample["coarse"].shape == (11, 32, 32)


def test_photo_coarse_map_and_truth_show_the_same_place(faces, tmp_path):
    """With coarse maps made from the truth, mirrored patches included, most pixels agree with it."""
    data = aligned(faces, tmp_path)
    coarse = [
        torch.nn.functional.one_hot(torch.from_numpy(labels[2::4, 2::4].astype(int)).clamp(max=10), 11).permute(2, 0, 1)
        for _, labels in map(data.__getitem__, range(len(data)))
    ]
    drawn = Patches(data, HELEN_CLASSES, 1, coarse=coarse, factor=4, size=32)
    agreement = [
        float((s["coarse"].argmax(0) == s["labels"])[s["labels"] != IGNORE].float().mean())
        for s in map(drawn.__getitem__, enumerate(range(40)))
    ]
    assert min(agreement) > 0.7  # what is lost is a quarter of a cell along every edge


def test_every_fold_gets_its_share_from_its_own_faces(faces, tmp_path):
    frames = [(np.full((16, 16, 3), 40 * i, np.uint8), np.full((16, 16), i, np.uint8)) for i in range(6)]
    data = LowResolution(frames, tuple("abcdef"), 0, folds=[0, 1] * 3, side=16)
    for index in range(30):
        sample = data[0, index]
        assert sample["fold"] == index % 2
        assert set(np.unique(sample["labels"])) - {IGNORE} <= {index % 2, index % 2 + 2, index % 2 + 4}


@pytest.mark.slow
def test_samples_reach_spawned_workers(faces, tmp_path):
    batches = {"batch_sampler": [[(0, index) for index in range(4)]]}
    data = patches(faces, tmp_path)
    here = next(iter(DataLoader(data, **batches)))
    there = next(iter(DataLoader(data, **batches, num_workers=1, multiprocessing_context="spawn")))
    assert all(torch.equal(here[key], there[key]) for key in here)


def test_mirror_swaps_sides_and_twice_is_nothing():
    mirrored = mirror_classes(HELEN_CLASSES)
    assert mirrored[LEFT_EYE] == RIGHT_EYE
    assert mirrored[HELEN_CLASSES.index("nose")] == HELEN_CLASSES.index("nose")
    labels = np.array([[LEFT_EYE, 0, IGNORE, RIGHT_EYE, 6]], np.uint8)
    assert mirror_labels(labels, mirrored).tolist() == [[6, LEFT_EYE, IGNORE, 0, RIGHT_EYE]]
    assert np.array_equal(mirror_labels(mirror_labels(labels, mirrored), mirrored), labels)


def test_a_side_without_its_other_stays():
    assert mirror_classes(("left_ear", "nose")).tolist() == [0, 1]


def test_colours_stay_in_range_and_black_stays_black():
    image = np.random.default_rng(0).random((8, 8, 3))
    image[0] = 0
    for seed in range(20):
        changed = jitter_colour(image, np.random.default_rng(seed))
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert not changed[0].any()


def test_looked_up_colours_are_those_computed():
    image = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
    expected = jitter_colour(image / np.float32(255), np.random.default_rng(2))
    np.testing.assert_allclose(recolour(image, np.random.default_rng(2)), expected, rtol=1e-6)


def test_a_moved_photo_keeps_its_labels():
    """A photo painted by its labels still matches them after the movement, but for the blend at edges."""
    labels = np.zeros((32, 32), np.uint8)
    labels[8:24, 10:26] = 1
    image = np.repeat(labels[..., None].astype(float), 3, axis=2)
    for seed in range(10):
        moved, moved_labels = move(image, labels, np.random.default_rng(seed))
        known = moved_labels != IGNORE
        assert (np.round(moved[..., 0]) == moved_labels)[known].mean() > 0.97
        assert (moved_labels == 1).sum() > 100


def test_all_photos_of_a_person_are_in_one_fold():
    names = ("ann_1", "ann_2", "bob_1", "ann_3", "cy_1", "bob_2")
    assert Faces(Options(folds=2, people="[a-z]+")).folds(names) == [0, 0, 1, 0, 0, 1]
    assert Faces(Options(folds=2)).folds(names) == [0, 1, 0, 1, 0, 1]
    with pytest.raises(ValueError, match="folds: 4 for 3 people"):
        Faces(Options(folds=4, people="[a-z]+")).folds(names)
    with pytest.raises(ValueError, match=r"people: nothing in the name 'ann_1' matches '\[A-Z\]'"):
        people_of(names, "[A-Z]")


def test_a_face_with_nothing_to_refine_is_named(faces, tmp_path):
    data = aligned(faces, tmp_path)
    np.save(data.paths[0], np.zeros((64, 64, 4), np.uint8))
    for size, wrong in ((32, f"{data.names[0]}: labels: no window of 32"), (65, ".*: labels: a window of 65 x 65")):
        drawn = Patches(data, HELEN_CLASSES, 0, coarse=torch.zeros(6, 11, 16, 16), factor=4, size=size)
        with pytest.raises(ValueError, match=f"training photo {wrong}"):
            list(map(drawn.__getitem__, enumerate(range(100))))


def test_a_face_that_cannot_be_aligned_is_named(faces, tmp_path):
    class Flat:
        root, made_from = tmp_path, str

        def load(self, name):
            face = faces.load(faces.splits["train"][0])
            return replace(face, keypoints=np.zeros((5, 2)))

    with pytest.raises(ValueError, match="ann: keypoints: the five points"):
        AlignedFaces(Flat(), ["ann"], 32, tmp_path)


def test_names_with_a_folder_in_them_stay_apart(faces, tmp_path):
    class Named:
        made_from = str

        def load(self, name):
            return replace(faces.load(faces.splits["train"][0]), name=name)

    data = AlignedFaces(Named(), ("anna/01", "01"), 64, tmp_path / "other")
    assert len(set(data.paths)) == 2
    assert all(path.exists() for path in data.paths)
