"""Folders and patterns: who belongs to whom, what is skipped, what is named and left out, what else is written."""

from pathlib import Path

import numpy as np
import pytest
from photo_and_masks import DISC, GREY, PHOTO, SOFT, picture
from PIL import Image


@pytest.fixture
def folders(tmp_path):
    """Three photos with their masks."""
    for name in ("a", "b", "c"):
        picture(PHOTO, tmp_path / f"photos/{name}.jpg")
        picture(GREY, tmp_path / f"masks/{name}.png")


@pytest.mark.parametrize("photos", ["photos", "photos/", "photos/*.jpg", "p*/*"])
@pytest.mark.parametrize("masks", ["masks/", "masks/*.png"])
def test_masks_of_the_photos_names(spnkit, folders, photos, masks):
    status, said, complained = spnkit("refine", photos, masks, "-o", "sharp")
    assert (status, complained) == (0, "")
    assert sorted(path.name for path in Path("sharp").iterdir()) == ["a.png", "b.png", "c.png"]
    assert said.splitlines() == [f"{Path('masks/a.png')}: 8-bit grey, 0 and 255: a mask of one object", "3 refined"]


def test_what_is_there_is_skipped(spnkit, folders):
    assert spnkit("refine", "photos", "masks")[0] == 0
    kept = Path("masks-refined/a.png")
    Path("masks-refined/b.png").unlink()
    kept.write_bytes(b"mine")
    assert "1 refined, 2 there already" in spnkit("refine", "photos", "masks")[1]
    assert kept.read_bytes() == b"mine"
    assert "3 refined\n" in spnkit("refine", "photos", "masks", "--force")[1]
    assert kept.read_bytes() != b"mine"


def test_what_fails_is_named_and_the_rest_goes_on(spnkit, folders, tmp_path):
    Path("masks/a.png").write_bytes(b"")
    Path("masks/b.png").unlink()
    picture(PHOTO, tmp_path / "photos/d.jpg")
    picture(PHOTO, tmp_path / "photos/d.png")
    picture(PHOTO, tmp_path / "photos/e.png")
    picture(GREY, tmp_path / "masks/e.png")
    picture(GREY, tmp_path / "masks/e.tif")
    Path("photos/.hidden.jpg").write_bytes(b"")
    Path("photos/notes.txt").write_bytes(b"")
    status, said, complained = spnkit("refine", "photos", "masks", "-o", "sharp")
    assert status == 1
    assert said.splitlines()[-1] == "1 refined, 4 not"
    lines = sorted(complained.splitlines())
    assert len(lines) == 4
    expected = ("masks/a.png: unreadable", "photos/b.jpg: no mask", "photos/d.jpg: expected", "photos/e.png: expected")
    assert all(line.startswith(f"error: {Path(start)}") for line, start in zip(lines, expected, strict=True))
    assert [path.name for path in Path("sharp").iterdir()] == ["c.png"]


def test_nothing_but_failures(spnkit, folders):
    Path("empty").mkdir()
    assert spnkit("refine", "photos", "empty")[1] == "0 refined, 3 not\n"
    assert "empty: expected a folder with photos" in spnkit("refine", "empty", "masks")[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("photos", "masks", "-o", "masks"), "masks: results would take the place"),
        (("photos", "masks", "-o", "masks", "--force"), "masks: results would take the place"),
        (("photos", "masks", "-o", "photos/a.jpg"), "expected a folder for several results, got a file"),
        (("photos", "masks/a.png"), "masks/a.png: expected one folder or pattern"),
        (("photos", "masks", "masks"), "masks: expected one folder or pattern"),
        (("photos", "masks/*.png"), "-o must name the folder"),
        (("photos/a.jpg", "photos/b.jpg", "masks"), r"masks: a folder beside other masks (patterns must be in quotes"),
    ],
)
def test_what_cannot_be_meant(spnkit, folders, arguments, message):
    before = sorted(Path().rglob("*"))
    status, _, complained = spnkit("refine", *arguments)
    assert status == 1
    assert message in complained
    assert sorted(Path().rglob("*")) == before


def test_one_photo_and_a_folder(spnkit, folders):
    assert spnkit("refine", "photos/b.jpg", "masks", "-o", "sharp/")[0] == 0
    assert Path("sharp/b.png").exists()


def test_a_mask_for_each_class(spnkit, tmp_path):
    picture(PHOTO, tmp_path / "photos/cat.jpg")
    for name, mask in (("body", DISC), ("rest", ~DISC)):
        picture(255 * mask.astype(np.uint8), tmp_path / f"masks/cat/{name}.png")
    _, said, _ = spnkit("refine", "photos", "masks", "-o", "sharp")
    assert "2 masks, one a class" in said
    body, rest = (np.asarray(Image.open(f"sharp/cat/{name}.png")) for name in ("body", "rest"))
    assert np.array_equal(body == 255, rest == 0)
    assert spnkit("refine", "photos/cat.jpg", "masks/cat/body.png", "masks/cat/rest.png", "-o", "again")[0] == 0
    np.testing.assert_array_equal(np.asarray(Image.open("again/body.png")), body)


def test_masks_that_overlap_are_refined_each(spnkit, tmp_path, pair):
    for name, mask in (("one", GREY), ("two", np.rint(255 * SOFT).astype(np.uint8))):
        picture(mask, tmp_path / f"{name}.png")
    _, said, complained = spnkit(
        "refine", "cat.jpg", "one.png", "two.png", "--overlay", "--cutout", "--probabilities", "p.npz"
    )
    assert "2 masks that overlap, each" in said
    assert complained == ""
    assert sorted(path.name for path in Path("cat-refined").iterdir()) == ["one.png", "two.png"]
    assert np.load("p.npz")["probabilities"].shape == (2, 32, 48)


@pytest.mark.parametrize("other", [GREY[:16], GREY.astype(bool), np.dstack([GREY, 255 - GREY, GREY])])
def test_masks_that_are_not_alike(spnkit, tmp_path, pair, other):
    picture(other, tmp_path / "other.png")
    assert "other.png: expected a" in spnkit("refine", "cat.jpg", "cat.png", "other.png")[2]


def test_overwriting_is_asked_for(spnkit, pair):
    before = Path("cat.png").stat()
    assert spnkit("refine", "cat.jpg", "cat.png")[0] == 0
    assert "cat-refined.png: is there already" in spnkit("refine", "cat.jpg", "cat.png")[2]
    assert "cat-refined.png: is there already" in spnkit("refine", "cat.jpg", "cat.png", "--overlay")[2]
    assert spnkit("refine", "cat.jpg", "cat.png", "--force")[0] == 0
    assert Path("cat.png").stat() == before
    assert spnkit("refine", "cat.jpg", "cat.png", "-o", "cat.png", "--force")[0] == 0
    assert Path("cat.png").stat().st_mtime_ns != before.st_mtime_ns


def test_what_else_is_written_takes_no_place_of_a_mask(spnkit, pair):
    likely = np.stack([GREY < 100, GREY >= 100]).astype(np.float32)
    np.savez("cat.npz", likely)
    before = Path("cat.npz").read_bytes()
    for place in ("cat.npz", "../" + Path.cwd().name + "/cat.npz"):
        status, _, complained = spnkit("refine", "cat.jpg", "cat.npz", "--probabilities", place, "--force")
        assert status == 1
        assert "cat.npz: it would take the place of a photo or mask" in complained
    assert Path("cat.npz").read_bytes() == before


def test_what_else_is_written(spnkit, folders):
    options = ("--overlay", "--cutout", "--trimap", "--probabilities", "maps")
    assert spnkit("refine", "photos", "masks", "-o", "sharp", *options)[0] == 0
    overlay, cutout, trimap = (Image.open(f"sharp/a-{word}.png") for word in ("overlay", "cutout", "trimap"))
    assert (overlay.mode, cutout.mode, trimap.mode) == ("RGB", "RGBA", "L")
    assert np.asarray(cutout)[16, 24, 3] > 128 > np.asarray(cutout)[0, 0, 3]
    assert set(np.unique(trimap)) <= {0, 128, 255}
    assert 128 in np.unique(trimap)
    found = np.load("maps/a.npz")
    assert (found["probabilities"].shape, found["labels"].tolist()) == ((2, 32, 48), [0, 255])
    labels = found["labels"][found["probabilities"].argmax(0)]
    assert (labels == np.asarray(Image.open("sharp/a.png"))).mean() > 0.99


def test_help_and_version(spnkit):
    assert "refine" in spnkit("--help")[1]
    assert "photos/ masks/" in spnkit("refine", "--help")[1]
    assert spnkit("--version")[1].startswith("spnkit ")
    assert spnkit()[2].startswith("error: ")


def test_a_missing_package_is_named(spnkit, pair, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "spnkit.cli.refining", None)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    sys.modules.pop("spnkit.cli.refining")
    assert spnkit("refine", "cat.jpg", "cat.png")[2] == (
        "error: this command needs rich: pip install 'spnkit[refine]'\n"
    )
