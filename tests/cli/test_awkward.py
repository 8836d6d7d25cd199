"""Whatever comes is refined, or refused in one line that names the file: never a traceback, never half a file."""

import re
import struct
import zlib

import numpy as np
import pytest
from photo_and_masks import DISC, GREY, PHOTO, SOFT, picture
from PIL import Image

NOISE = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
LIKELY = np.stack([1 - SOFT, SOFT])


def saved(pixels, ending=".png", **options):
    return lambda folder, stem: picture(pixels, folder / (stem + ending), **options)


def stored(array):
    def write(folder, stem):
        np.save(path := folder / f"{stem}.npy", array)
        return path

    return write


def data(content, ending=".png"):
    def write(folder, stem):
        (path := folder / (stem + ending)).write_bytes(content)
        return path

    return write


def cut(write):
    """The first half of a file."""

    def half(folder, stem):
        path = write(folder, stem)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path

    return half


def a_folder(folder, stem):
    (path := folder / f"{stem}.png").mkdir()
    return path


def a_bomb(folder, stem):
    """A PNG that says it is 60000 x 60000, in some hundred bytes."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    packed = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return data(b"\x89PNG\r\n\x1a\n" + packed)(folder, stem)


def turned(pixels, orientation, ending=".jpg"):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(pixels, ending, exif=exif)


def animation(folder, stem):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    return picture(frames[0], folder / f"{stem}.gif", save_all=True, append_images=frames[1:])


def missing(folder, stem):
    return folder / f"{stem}.png"


GOOD_PHOTO, GOOD_MASK = saved(PHOTO, ".jpg"), saved(GREY)
REFINED = None
PAIRS = {  # name: (photo, mask, options, what is said when it is refused; None: refined)
    "empty photo": (data(b"", ".jpg"), GOOD_MASK, (), "photo.jpg: unreadable"),
    "empty mask": (GOOD_PHOTO, data(b""), (), "mask.png: unreadable"),
    "truncated JPEG": (cut(saved(NOISE, ".jpg")), GOOD_MASK, (), "photo.jpg: unreadable or truncated"),
    "truncated PNG": (GOOD_PHOTO, cut(saved(NOISE)), (), "mask.png: unreadable or truncated"),
    "text named .png": (GOOD_PHOTO, data(b"hello"), (), "mask.png: unreadable"),
    "text named .npy": (GOOD_PHOTO, data(b"hello", ".npy"), (), "mask.npy: unreadable"),
    "text named .npz": (GOOD_PHOTO, data(b"PK\3\4hello", ".npz"), (), "mask.npz: unreadable"),
    "truncated NPY": (GOOD_PHOTO, cut(stored(LIKELY)), (), "mask.npy: unreadable"),
    "pickled NPY": (GOOD_PHOTO, stored(np.array([[{}]], object)), (), "mask.npy: unreadable"),
    "folder as photo": (a_folder, GOOD_MASK, (), "photo.png: expected a folder with photos in it"),
    "folder as mask": (GOOD_PHOTO, a_folder, (), "no mask for it"),
    "no photo": (missing, GOOD_MASK, (), "photo.png: no such photo"),
    "no mask": (GOOD_PHOTO, missing, (), "mask.png: no such mask"),
    "1 x 1": (saved(PHOTO[:1, :1]), saved(GREY[:1, :1]), (), REFINED),
    "1 x N": (saved(PHOTO[:1]), saved(GREY[:1]), (), REFINED),
    "N x 1": (saved(PHOTO[:, :1]), saved(GREY[:, 20:21]), (), REFINED),
    "NaN probabilities": (GOOD_PHOTO, stored(LIKELY * np.nan), (), "mask.npy: mask must be finite"),
    "infinite probabilities": (GOOD_PHOTO, stored(LIKELY * 1e308), (), "mask.npy: mask must"),
    "probabilities that sum to two": (GOOD_PHOTO, stored(2 * LIKELY), (), REFINED),
    "logits": (GOOD_PHOTO, stored(np.log(LIKELY)), (), "mask.npy: mask must hold probabilities, got .*softmax"),
    "four axes": (GOOD_PHOTO, stored(LIKELY[None]), (), r"mask.npy: mask must .*got \(1, 2, 32, 48\)"),
    "text in NPY": (GOOD_PHOTO, stored(np.full((32, 48), "a")), (), "mask.npy: mask must hold numbers"),
    "negative labels": (GOOD_PHOTO, stored(DISC * -7), (), "mask.npy: mask must have labels from 0 on, got -7"),
    "labels of -1": (GOOD_PHOTO, stored(DISC.astype(int) - 1), (), REFINED),
    "labels of 4.99": (GOOD_PHOTO, stored(DISC * 4.99), (), "mask.npy: mask must be whole labels .* got 4.99"),
    "labels of 4.99 in TIFF": (GOOD_PHOTO, saved((DISC * 4.99).astype("f4"), ".tif"), (), "mask.tif: .* got 4.99"),
    "2000 labels": (GOOD_PHOTO, stored(np.arange(32 * 48).reshape(32, 48)), (), "at most 1000 labels, got 1536"),
    "CMYK photo": (saved(Image.fromarray(PHOTO).convert("CMYK"), ".jpg"), GOOD_MASK, (), REFINED),
    "CMYK mask": (GOOD_PHOTO, saved(Image.fromarray(PHOTO).convert("CMYK"), ".tif"), (), "mask.tif: .* got mode CMYK"),
    "animated photo": (animation, GOOD_MASK, (), "photo.gif: expected one picture, got 2"),
    "animated mask": (GOOD_PHOTO, animation, (), "mask.gif: expected one mask, got 2"),
    "16-bit grey photo": (saved(PHOTO[..., 0].astype(np.uint16) * 257), GOOD_MASK, (), REFINED),
    "floating photo": (saved(PHOTO[..., 0].astype("f4"), ".tif"), GOOD_MASK, (), "photo.tif: photo must be in .0, 1."),
    "palette photo": (saved(Image.fromarray(PHOTO).quantize(16)), GOOD_MASK, (), REFINED),
    "black and white photo": (saved(DISC), GOOD_MASK, (), REFINED),
    "grey photo with alpha": (saved(np.dstack([GREY, GREY])), GOOD_MASK, (), REFINED),
    "photo with alpha": (saved(np.dstack([PHOTO, GREY])), GOOD_MASK, (), REFINED),
    "mask in the alpha": (GOOD_PHOTO, saved(np.dstack([NOISE, GREY])), (), REFINED),
    "grey mask with alpha": (GOOD_PHOTO, saved(np.dstack([GREY, GREY | 255])), (), REFINED),
    "a photo as mask": (GOOD_PHOTO, saved(NOISE), (), "mask.png: expected at most 256 colours"),
    "a colour JPEG as mask": (GOOD_PHOTO, saved(NOISE, ".jpg"), (), "mask.jpg: expected black and white"),
    "labels in JPEG": (GOOD_PHOTO, saved((DISC * 60 + 60).astype("u1"), ".jpg"), (), "mask.jpg: expected black and"),
    "all void": (GOOD_PHOTO, saved(GREY | 255), (), REFINED),
    "all void, said so": (GOOD_PHOTO, saved(GREY | 255), ("--void", "255", "--cutout"), REFINED),
    "one class alone": (GOOD_PHOTO, saved(GREY & 0), ("--trimap",), REFINED),
    "another aspect": (GOOD_PHOTO, saved(GREY[:, :40]), (), "mask.png: mask must be of the photo's size 48 x 32"),
    "off by one": (GOOD_PHOTO, saved(GREY[:, :47]), (), "mask.png: mask must be of the photo's size"),
    "half the size": (GOOD_PHOTO, saved(GREY[::2, ::2]), (), REFINED),
    "a bomb": (a_bomb, GOOD_MASK, (), "photo.png: unreadable"),
    "a bomb as mask": (GOOD_PHOTO, a_bomb, (), "mask.png: unreadable"),
    "upside down": (turned(PHOTO, 3), GOOD_MASK, (), "photo.jpg: EXIF .*--exif ignore"),
    "a turned mask": (GOOD_PHOTO, turned(GREY, 6), (), "mask.jpg: expected a mask that lies as its photo"),
    "EXIF of no sense": (turned(PHOTO, 77), GOOD_MASK, (), REFINED),
    "an ending that is not written": (GOOD_PHOTO, GOOD_MASK, ("-o", "out.jpg"), "out.jpg: expected one of the endings"),
    "an array as picture": (GOOD_PHOTO, stored(LIKELY), ("-o", "out.png"), "out.png: expected .*npy"),
    "OUT in a file": (GOOD_PHOTO, GOOD_MASK, ("-o", "photo.jpg/out.png"), "out.png: could not be written"),
    "OUT is the mask": (GOOD_PHOTO, GOOD_MASK, ("-o", "mask.png"), "mask.png: is there already"),
    "OUT is the photo": (saved(PHOTO), GOOD_MASK, ("-o", "photo.png"), "photo.png: is there already"),
    "no table of colours": (GOOD_PHOTO, GOOD_MASK, ("--colours", "no.txt"), "no.txt: no such list"),
    "a table without colours": (GOOD_PHOTO, GOOD_MASK, ("--colours", "photo.jpg"), "photo.jpg: expected a text file"),
    "a void that is none": (GOOD_PHOTO, GOOD_MASK, ("--void", "grey"), "--void: expected a whole number"),
    "no such kind": (GOOD_PHOTO, GOOD_MASK, ("--kind", "depth"), "--kind"),
    "a kind that it is not": (GOOD_PHOTO, GOOD_MASK, ("--kind", "probabilities"), "mask.png: mask must be .K, H, W."),
    "probabilities as text": (GOOD_PHOTO, GOOD_MASK, ("--probabilities", "p.txt"), "p.txt: expected a file that ends"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", PAIRS)
def test_refined_or_refused_in_one_line(spnkit, tmp_path, name):
    photo, mask, options, refused = PAIRS[name]
    given = photo(tmp_path, "photo"), mask(tmp_path, "mask")
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    status, said, complained = spnkit("refine", *(path.name for path in given), *options)
    if refused is REFINED:
        assert status == 0, complained
        assert "mask." in said.splitlines()[0]
        assert len(list(tmp_path.iterdir())) > len(before)
    else:
        assert status in (1, 2)
        assert complained.count("error: ") == 1
        assert complained.endswith("\n")
        assert len(complained.splitlines()) == 1

        assert re.search(refused, complained), complained
        assert len([path for path in tmp_path.iterdir() if path.is_file()]) == len(before)
    assert not list(tmp_path.rglob("*.partial"))
    assert all(path.read_bytes() == content for path, content in before.items())


@pytest.mark.parametrize("stem", ["a cat", "猫", "ünï", "-cat", "cat [1]", "cat.1", "100%"])
def test_any_name(spnkit, tmp_path, stem):
    photo, mask = GOOD_PHOTO(tmp_path, stem), GOOD_MASK(tmp_path, stem)
    assert spnkit("refine", "--", photo.name, mask.name)[0] == 0
    assert (tmp_path / f"{stem}-refined.png").exists()


def test_patterns_that_match_nothing(spnkit, pair):
    assert "nope/*.jpg: no photo matches" in spnkit("refine", "nope/*.jpg", "cat.png")[2]
    assert "*.tif: no mask matches" in spnkit("refine", "cat.jpg", "*.tif")[2]


def test_a_folder_that_may_not_be_written(spnkit, pair, monkeypatch):
    from pathlib import Path

    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "replace", refuse)
    status, _, complained = spnkit("refine", "cat.jpg", "cat.png")
    assert status == 1
    assert complained == "error: cat-refined.png: could not be written (Permission denied); nothing was left behind\n"
    assert not list(Path().glob("*refined*"))


def test_no_room_for_the_arrays(spnkit, pair, monkeypatch):
    from spnkit.cli import refining

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(refining, "photo_of", full)
    assert spnkit("refine", "cat.jpg", "cat.png")[2] == "error: not enough memory\n"
