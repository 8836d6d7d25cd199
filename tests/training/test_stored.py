"""Coarse maps that lie in a file."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from tolerances import assert_close
from torch.nn.functional import interpolate

from spnkit.training import Logits, StoredMaps
from spnkit.training.mapped import MapsOnDemand
from spnkit.training.samples import Patches

SIZE = (30, 41)


def stored(folder, classes=4, logits=None, **arrays):
    path = folder / "maps.npz"
    np.savez(path, **arrays)
    return StoredMaps(path, classes, logits)


def test_probabilities_are_resized_to_the_photo(tmp_path, rng):
    low = rng.dirichlet(np.ones(4), (5, 7)).transpose(2, 0, 1).astype(np.float32)
    found = stored(tmp_path, cat=low).of("cat", SIZE)[:]
    expected = interpolate(torch.from_numpy(low)[None], SIZE, mode="bilinear", align_corners=False)[0]
    assert (found - expected).abs().max() < 3e-6


def test_logits_take_the_way_of_their_model(tmp_path, rng):
    values = rng.integers(0, 255, (4, 5, 7), dtype=np.uint8)
    found = stored(tmp_path, logits=Logits(0.1, 30, 17), cat=values).of("cat", SIZE)[:]
    low = torch.from_numpy(0.1 * (values.astype(np.float32) - 30))[None]
    seen = interpolate(low, (17, 17), mode="bilinear", align_corners=True)
    expected = interpolate(seen, SIZE, mode="bilinear", align_corners=False)[0].softmax(0)
    assert (found - expected).abs().max() < 3e-5  # of exponentials of numbers beyond twenty


def test_classes_that_were_left_out_are_none(tmp_path):
    kept = np.array([3, 1], np.uint8)
    found = stored(tmp_path, cat=np.full((2, 5, 7), 127, np.uint8), cat_c=kept).of("cat", SIZE)[:]
    assert_close(found.sum(0), torch.ones(SIZE))
    assert_close(found[1], found[3])
    assert float(found[[0, 2]].max()) < 1e-5


def test_nothing_kept_is_background(tmp_path):
    found = stored(tmp_path, cat=np.zeros((0, 5, 7), np.uint8), cat_c=np.zeros(0, np.uint8)).of("cat", SIZE)[:]
    assert_close(found[0], torch.ones(SIZE))


@pytest.mark.parametrize("window", [np.s_[0:5, 0:5], np.s_[7:30, 20:41], np.s_[10:11, 40:41], np.s_[20:40, 30:60]])
def test_a_part_is_the_part_of_the_whole(tmp_path, rng, window):
    maps = stored(tmp_path, logits=Logits(0.1, 30, 17), cat=rng.integers(0, 255, (4, 5, 7), dtype=np.uint8))
    found = maps.of("cat", SIZE, (40, 60))
    whole = found[:]
    assert whole.shape == found.shape == (4, 40, 60)
    assert_close(found[:, window[0], window[1]], whole[:, window[0], window[1]])
    assert torch.equal(whole[:, 30:, :41], whole[:, 29:30, :41].expand(-1, 10, -1))
    assert torch.equal(whole[..., 41:], whole[..., 40:41].expand(-1, -1, 19))


def test_another_process_opens_the_file_itself(tmp_path):
    maps = stored(tmp_path, cat=np.full((4, 3, 3), 0.25, np.float32))
    maps.of("cat", SIZE)
    again = pickle.loads(pickle.dumps(maps))
    assert torch.equal(again.of("cat", SIZE)[:], maps.of("cat", SIZE)[:])
    assert again.digest() == maps.digest()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"dog": np.zeros((4, 3, 3), np.float32)}, "maps.npz: no coarse map of cat"),
        ({"cat": np.zeros((5, 3, 3), np.float32)}, r"maps.npz: cat: expected \(4, h, w\), got \(5, 3, 3\)"),
        ({"cat": np.zeros((4, 3), np.float32)}, r"expected \(4, h, w\), got \(4, 3\)"),
        ({"cat": np.zeros((4, 0, 3), np.float32)}, r"expected \(4, h, w\), got \(4, 0, 3\)"),
        ({"cat": np.zeros((1, 3, 3), np.uint8), "cat_c": np.array([4])}, r"expected \(4, h, w\), got \(1, 3, 3\)"),
        ({"cat": np.zeros((4, 3, 3), np.uint8)}, "maps.npz: whole numbers, but nothing says which logits they are"),
    ],
)
def test_what_is_no_map_is_named(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        stored(tmp_path, **arrays).of("cat", SIZE)


def test_other_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz: no file of coarse maps there"):
        StoredMaps(tmp_path / "none.npz", 4)
    path = tmp_path / "text.npz"
    path.write_text("no archive")
    with pytest.raises(ValueError, match=r"text\.npz: damaged, or not an NPZ"):
        StoredMaps(path, 4)
    maps = stored(tmp_path, cat=np.random.default_rng(0).random((4, 30, 30)))
    data = bytearray((tmp_path / "maps.npz").read_bytes())
    data[2000:2100] = bytes(100)
    (tmp_path / "maps.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"maps\.npz: cat is damaged"):
        maps.of("cat", SIZE)


def test_patches_take_their_part_and_may_be_tempered(tmp_path, rng):
    """Of a lazy map and of the same in memory the same patches; a power leaves probabilities and their order."""
    maps = stored(tmp_path, cat=rng.dirichlet(np.ones(4), (5, 7)).transpose(2, 0, 1))
    photo = rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    labels = np.zeros(SIZE, np.uint8)
    labels[:, 20:] = 1

    class Photos(list):
        names = ("cat",)

    photos = Photos([(photo, labels)])
    lazy = MapsOnDemand(lambda _name, _photo: maps.of("cat", SIZE), photos)
    first = Patches(photos, "abcd", 0, coarse=lazy, factor=1, size=16)
    second = Patches(photos, "abcd", 0, coarse=[maps.of("cat", SIZE)[:]], factor=1, size=16)
    tempered = Patches(photos, "abcd", 0, coarse=lazy, factor=1, size=16, tempered=1.0)
    spreads = set()
    for index in range(4):
        plain, other = first[0, index]["coarse"], tempered[0, index]
        assert_close(plain, second[0, index]["coarse"])
        assert other["coarse"].shape == (4, 16, 16)
        assert_close(other["coarse"].sum(0), torch.ones(16, 16))
        spreads.add(round(float(other["coarse"].max()), 4))
    assert len(spreads) > 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.isfinite(other["coarse"]).all()
