"""Made-up scenes and coarse maps of them."""

import numpy as np
import pytest

from spnkit.data import open_images
from spnkit.data.scenes import COARSE, coarse_map, forgotten, make_scene, make_scenes
from spnkit.data.scenes.coarse import averaged, shares_of


def test_a_scene_is_a_function_of_its_seed():
    (photo, labels), again = (make_scene(64, np.random.default_rng(3)) for _ in range(2))
    assert photo.dtype == labels.dtype == np.uint8
    assert photo.shape == (64, 64, 3)
    assert labels.shape == (64, 64)
    np.testing.assert_array_equal(photo, again[0])
    np.testing.assert_array_equal(labels, again[1])


def test_scenes_have_edges_where_labels_change():
    """And elsewhere: the mean step across outlines is larger than within, but not the only one."""
    across, within = [], []
    for seed in range(8):
        photo, labels = make_scene(96, np.random.default_rng(seed))
        step = np.abs(np.diff(photo.astype(float), axis=1)).sum(2)
        outline = np.diff(labels.astype(int), axis=1) != 0
        across.extend(step[outline])
        within.extend(step[~outline])
    assert np.mean(across) > 2 * np.mean(within)
    assert np.quantile(within, 0.99) > np.median(across)


@pytest.mark.parametrize("kind", COARSE)
def test_coarse_maps_hold_probabilities(kind):
    labels = make_scene(72, np.random.default_rng(1), classes=4)[1][:60]
    labels[3:9, 10:20] = 255
    for seed in range(3):
        coarse = coarse_map(labels, 4, np.random.default_rng(seed), kind)
        assert coarse.dtype == np.float32
        assert coarse.shape == (4, 60, 72)
        assert coarse.min() >= 0
        total = coarse.sum(0)
        assert np.all(np.isclose(total, 1, atol=1e-5) | (total == 0))
        assert (coarse.argmax(0) == labels)[labels < 4].mean() > 0.6


def test_truth_is_not_moved_where_it_is_exact_or_averaged():
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 32:] = 1
    assert (averaged(shares_of(labels, 2), np.random.default_rng(0), factor=8).argmax(0) == labels).all()
    assert (coarse_map(labels, 2, np.random.default_rng(0), "exact").argmax(0) == labels).all()


def test_some_of_a_map_is_forgotten_and_the_rest_is_as_it_was():
    coarse = shares_of(make_scene(64, np.random.default_rng(2))[1], 6)
    for seed in range(6):
        left = forgotten(coarse, np.random.default_rng(seed))
        known = left.sum(0) > 0
        assert 0 < known.mean() <= 1
        np.testing.assert_array_equal(left[:, known], coarse[:, known])


def test_scenes_are_made_once(tmp_path):
    made = make_scenes(tmp_path / "scenes", train=2, val=1, test=1, size=48, seed=5)
    photo = made.load("train_0001")
    expected, labels = make_scene(48, np.random.default_rng([5, 0, 1]))
    np.testing.assert_array_equal(photo.image, expected)
    np.testing.assert_array_equal(photo.labels, labels)
    assert open_images(tmp_path / "scenes").splits == made.splits
    make_scenes(tmp_path / "scenes", train=2, val=1, test=1, size=48, seed=5, progress=pytest.fail)
    with pytest.raises(FileExistsError, match="scenes of another recipe"):
        make_scenes(tmp_path / "scenes", train=3, val=1, test=1, size=48, seed=5)
