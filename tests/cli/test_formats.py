"""A mask comes back as it came: palette, depth, colours, labels, void; and photos are turned as their masks are."""

import numpy as np
import pytest
from photo_and_masks import DISC, GREY, PHOTO, SOFT, picture
from PIL import Image

LABELS = (DISC + np.roll(DISC, 15, 1) * 2).clip(0, 2).astype(np.uint8)
COLOURS = np.array([[0, 0, 0], [0, 0, 255], [224, 224, 192]], np.uint8)
LIKELY = np.stack([1 - SOFT, SOFT]).astype(np.float32)


def indexed():
    made = Image.fromarray(LABELS)
    made.putpalette([*COLOURS.ravel().tolist(), 9, 9, 9])
    return made


PICTURES = {  # name: mask, ending, what it is taken for
    "bool": (DISC, ".png", "black and white, a mask of one object"),
    "0/1": (DISC.astype(np.uint8), ".png", "8-bit grey, 0 and 1: a mask of one object"),
    "0/255": (GREY, ".png", "8-bit grey, 0 and 255: a mask of one object"),
    "BMP": (GREY, ".bmp", "0 and 255"),
    "WebP": (GREY, ".webp", "8-bit grey in RGB, 0 and 255"),
    "soft": (np.rint(255 * SOFT).astype(np.uint8), ".png", "8-bit grey, 0 to 255: a soft mask"),
    "16-bit soft": (np.rint(65535 * SOFT).astype(np.uint16), ".png", "16-bit grey, 0 to 65535: a soft mask"),
    "16-bit labels": (LABELS.astype(np.uint16) * 1000, ".png", "16-bit grey, 3 labels, 0 to 2000"),
    "floating soft": (SOFT.astype(np.float32), ".tif", "32-bit grey, 0 to 1: a soft mask"),
    "labels": (LABELS, ".tif", "8-bit grey, 3 labels, 0 to 2"),
    "void": (
        np.where(LABELS == 2, 255, LABELS).astype(np.uint8),
        ".png",
        "0 and 1: a mask of one object, with 255 unknown",
    ),
    "indexed": (indexed(), ".png", "indexed colours, 3 labels"),
    "RGB": (COLOURS[LABELS], ".png", "RGB colours, 3 classes"),
    "grey in RGB": (GREY[..., None].repeat(3, 2), ".png", "8-bit grey in RGB, 0 and 255"),
    "RGBA": (np.dstack([COLOURS[LABELS], GREY | 255]), ".png", "RGB colours, 3 classes"),
    "colours on nothing": (
        np.dstack([COLOURS[LABELS], (255 * (LABELS > 0)).astype("u1")]),
        ".png",
        "RGBA colours, 3 classes",
    ),
    "alpha": (np.dstack([PHOTO, np.rint(255 * SOFT).astype(np.uint8)]), ".png", "the alpha of a picture, 0 to 255"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_comes_back_as_it_came(spnkit, tmp_path, name):
    mask, ending, words = PICTURES[name]
    picture(PHOTO, tmp_path / "photo.png")
    picture(mask, tmp_path / f"mask{ending}", **({"lossless": True} if ending == ".webp" else {}))
    status, said, complained = spnkit("refine", "photo.png", f"mask{ending}", "-o", f"out{ending}")
    assert (status, complained) == (0, "")
    assert said.splitlines()[0].startswith(f"mask{ending}: ")
    assert words in said.splitlines()[0]
    before, after = Image.open(tmp_path / f"mask{ending}"), Image.open(tmp_path / f"out{ending}")
    assert (after.mode, after.size) == (before.mode, before.size)
    if name == "indexed":
        assert after.getpalette()[:9] == before.getpalette()[:9]
    old, new = np.asarray(before).reshape(32, 48, -1), np.asarray(after).reshape(32, 48, -1)
    if "soft" not in words and "alpha" not in words:
        assert {tuple(v) for v in new.reshape(-1, new.shape[2])} <= {tuple(v) for v in old.reshape(-1, old.shape[2])}
        assert (old == new).mean() > 0.6
    if name == "void":
        np.testing.assert_array_equal(old == 255, new == 255)
    if name == "alpha":
        np.testing.assert_array_equal(old[..., :3], new[..., :3])


def test_jpeg_masks_become_soft_png(spnkit, tmp_path, pair):
    picture(GREY, tmp_path / "mask.jpg")
    _, said, _ = spnkit("refine", "cat.jpg", "mask.jpg")
    assert "mask.jpg: 8-bit grey, 0 to 255: a soft mask of one object; its format" in said
    assert Image.open("mask-refined.png").mode == "L"


@pytest.mark.parametrize("ending", [".npy", ".npz"])
@pytest.mark.parametrize("last", [False, True])
def test_probabilities_in_arrays(spnkit, pair, ending, last):
    maps = LIKELY.transpose(1, 2, 0) if last else LIKELY
    if ending == ".npy":
        np.save("maps.npy", maps)
    else:
        np.savez("maps.npz", scores=maps, names=np.array(["a", "b"]))
    assert spnkit("refine", "cat.jpg", f"maps{ending}")[0] == 0
    found = np.load(f"maps-refined{ending}")
    if ending == ".npz":
        assert found["names"].tolist() == ["a", "b"]
        found = found["scores"]
    assert (found.shape, found.dtype) == (maps.shape, maps.dtype)
    np.testing.assert_allclose(found.sum(2 if last else 0), 1, rtol=1e-4)


def test_a_table_of_colours(spnkit, tmp_path, pair):
    picture(COLOURS[LABELS], tmp_path / "mask.png")
    (tmp_path / "table.txt").write_text("# R G B name\n0 0 0 ground\n0, 0, 255, cat\n224 224 192 void\n")
    _, said, _ = spnkit("refine", "cat.jpg", "mask.png", "--colours", "table.txt")
    assert "RGB colours, 2 classes, and one for what is unknown" in said
    found = np.asarray(Image.open("mask-refined.png"))
    np.testing.assert_array_equal((found == COLOURS[2]).all(2), LABELS == 2)
    indexed().save("palette.png")
    assert (
        spnkit("refine", "cat.jpg", "mask.png", "--colours", "palette.png", "--void", "224,224,192", "--force")[0] == 0
    )
    (tmp_path / "table.txt").write_text("0 0 0 ground\n")
    assert (
        "2 colours are not in the table of colours, such as 0 0 255"
        in spnkit("refine", "cat.jpg", "mask.png", "--colours", "table.txt", "--force")[2]
    )
    (tmp_path / "table.txt").write_text("red\n")
    assert (
        "table.txt: expected lines 'R G B name'"
        in spnkit("refine", "cat.jpg", "mask.png", "--colours", "table.txt", "--force")[2]
    )


def rotated(pixels, orientation, path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return picture(pixels, path, exif=exif)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_mask_of_the_upright_photo_or_of_the_stored_one(spnkit, tmp_path, orientation):
    from PIL import ImageOps

    path = rotated(PHOTO, orientation, tmp_path / "photo.png")
    upright = ImageOps.exif_transpose(Image.open(path))
    picture(upright, tmp_path / "upright.png")
    tall = picture(np.rot90(GREY), tmp_path / "tall.png")
    assert spnkit("refine", "photo.png", tall.name)[2] == ""
    assert spnkit("refine", "upright.png", tall.name, "-o", "same.png")[2] == ""
    np.testing.assert_array_equal(*(np.asarray(Image.open(name)) for name in ("tall-refined.png", "same.png")))
    picture(GREY, tmp_path / "wide.png")
    assert "note: photo.png: taken as it is stored" in spnkit("refine", "photo.png", "wide.png")[2]
    assert "photo's size 32 x 48" in spnkit("refine", "photo.png", "wide.png", "--exif", "apply", "--force")[2]


def test_where_a_size_cannot_tell_it_must_be_said(spnkit, tmp_path):
    rotated(PHOTO, 3, tmp_path / "photo.png")
    picture(GREY, tmp_path / "mask.png")
    assert "--exif apply" in spnkit("refine", "photo.png", "mask.png")[2]
    for exif in ("apply", "ignore"):
        assert spnkit("refine", "photo.png", "mask.png", "--exif", exif, "-o", f"{exif}.png")[0] == 0


def test_a_smaller_mask(spnkit, tmp_path, pair):
    picture(GREY[::2, ::2], tmp_path / "small.png")
    _, _, complained = spnkit("refine", "cat.jpg", "small.png")
    assert "note: small.png: mask of 24 x 16 is brought to the photo's 48 x 32" in complained
    assert Image.open("small-refined.png").size == (48, 32)
    assert spnkit("refine", "cat.jpg", "small.png", "--size", "mask", "--force")[0] == 0
    assert Image.open("small-refined.png").size == (24, 16)


def test_kind_and_void_overrule(spnkit, tmp_path, pair):
    picture(LABELS * 60, tmp_path / "mask.png")
    assert "3 labels" in spnkit("refine", "cat.jpg", "mask.png")[1]
    assert "a soft mask" in spnkit("refine", "cat.jpg", "mask.png", "--kind", "soft", "--force")[1]
    assert "with 60 unknown" in spnkit("refine", "cat.jpg", "mask.png", "--void", "60", "--force")[1]
    picture(np.array([0, 1, 255], np.uint8)[LABELS], tmp_path / "mask.png")
    assert "with 255 unknown" in spnkit("refine", "cat.jpg", "mask.png", "--force")[1]
    assert "3 labels, 0 to 255" in spnkit("refine", "cat.jpg", "mask.png", "--void", "none", "--force")[1]
