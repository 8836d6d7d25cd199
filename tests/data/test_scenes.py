"""Made-up scenes and coarse maps of them."""

from collections import Counter

import numpy as np
import pytest

from spnkit.data import open_images
from spnkit.data.scenes import COARSE, coarse, coarse_map, forgotten, kind_of, make_scene, make_scenes, relabelled
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
        found = coarse_map(labels, 4, np.random.default_rng(seed), kind)
        assert found.dtype == np.float32
        assert found.shape == (4, 60, 72)
        assert found.min() >= 0
        total = found.sum(0)
        assert np.all(np.isclose(total, 1, atol=1e-5) | (total == 0))
        assert (found.argmax(0) == labels)[labels < 4].mean() > 0.6


def test_truth_is_not_moved_where_it_is_exact_or_averaged():
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 32:] = 1
    assert (averaged(shares_of(labels, 2), np.random.default_rng(0), factor=8).argmax(0) == labels).all()
    assert (coarse_map(labels, 2, np.random.default_rng(0), "exact").argmax(0) == labels).all()


def test_some_of_a_map_is_forgotten_and_the_rest_is_as_it_was():
    shares = shares_of(make_scene(64, np.random.default_rng(2))[1], 6)
    for seed in range(6):
        left = forgotten(shares, np.random.default_rng(seed))
        known = left.sum(0) > 0
        assert 0 < known.mean() <= 1
        np.testing.assert_array_equal(left[:, known], shares[:, known])


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


def test_every_fifth_scene_is_a_made_up_face(tmp_path):
    made = make_scenes(tmp_path / "scenes", train=5, val=1, test=1, size=64, seed=5)
    face = made.load("train_0004")
    assert {2, 3, 4, 5} <= set(np.unique(face.labels))  # eyes and brows
    assert len(made.classes) > face.labels.max()


@pytest.mark.parametrize("kind", COARSE)
def test_labels_of_somebody_else(kind, monkeypatch):
    """What is unknown stays so, no class is out of range, and only averaged maps tell outlines far off the photo's."""
    labels = make_scene(96, np.random.default_rng(1), classes=4)[1]
    labels[10:20, 30:50] = 255

    def changed(seed):
        other = relabelled(labels, 5, np.random.default_rng(seed), kind)
        np.testing.assert_array_equal(other == 255, labels == 255)
        assert other.dtype == np.uint8
        assert other[other != 255].max() < 5
        return (other != labels).mean()

    divided = np.mean([changed(seed) for seed in range(40)])
    monkeypatch.setattr(coarse, "DIVIDED", 0)
    moved = np.mean([changed(seed) for seed in range(40)])
    assert divided > moved + 0.01
    assert (moved > 0.02) == (kind == "averaged")


def test_kinds_come_as_often_as_asked():
    rng = np.random.default_rng(0)
    often = Counter(kind_of(rng, averaged=1.35, exact=0) for _ in range(4000))
    assert often["averaged"] / 4000 == pytest.approx(1.35 / 2, abs=0.03)
    assert often["drawn"] / 4000 == pytest.approx(0.25 / 2, abs=0.02)
    assert not often["exact"]
