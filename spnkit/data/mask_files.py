"""Masks in files: what a file holds, and the way back to a file of the same form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spnkit.data.colours import Colours, packed, unpacked
from spnkit.data.files import LABEL_ENDINGS, open_picture, orientation_of, whole_file

LOSSY = (".jpg", ".jpeg")
ARRAYS = (".npy", ".npz")
MASK_ENDINGS = (*LABEL_ENDINGS, *LOSSY, ".gif", *ARRAYS)
MOST_COLOURS = 256
NEAR = 32
"""How far from black and white the levels of a mask in a lossy format may be."""

Void = int | None | Literal["auto"]


@dataclass(frozen=True)
class MaskFile:
    """A mask as a file has it.

    Parameters
    ----------
    array : numpy.ndarray
        (H, W), or (K, H, W) or (H, W, K) of a file for arrays.
    form : str
        What the file is, in words.
    kind : str or None
        What the file's form says that it is: "labels" or "soft".
    void : int, None or "auto"
        The label for what is unknown.
    back : callable
        From such an array to a picture, or the arrays of a file by name.
    lossy : bool
        The format does not keep what was written.
    packed : bool
        Its labels are colours as numbers.
    """

    array: NDArray
    form: str
    kind: str | None
    void: Void
    back: Callable[[NDArray], Any]
    lossy: bool = False
    packed: bool = False


def read_mask(path: Path, colours: Colours | None = None) -> MaskFile:
    """Read a mask.

    Parameters
    ----------
    path : pathlib.Path
        A picture (grey, indexed, in colours, with alpha), or NPY, or NPZ.
    colours : Colours, optional
        The colours that a picture in colours may have.

    Raises
    ------
    OSError, ValueError
        If it is damaged, or no mask.
    """
    if path.suffix.lower() in ARRAYS:
        return _read_arrays(path)
    picture = open_picture(path)
    if (pages := picture.info["pages"]) != 1:
        raise ValueError(f"{path}: expected one mask, got {pages} in one file (an animation?)")
    if (turned := orientation_of(picture)) != 1:
        raise ValueError(
            f"{path}: expected a mask that lies as its photo, got EXIF orientation {turned} (save it without)"
        )
    if picture.mode == "P":
        return _indexed(picture)
    if picture.mode in ("1", "L", "F") or picture.mode.startswith("I"):
        found = _grey(picture)
    elif picture.mode in ("LA", "RGB", "RGBA", "PA"):
        found = _coloured(path, picture, colours)
    else:
        raise ValueError(f"{path}: expected a mask that is grey, indexed or RGB, got mode {picture.mode}")
    return _lossy(path, found) if path.suffix.lower() in LOSSY else found


def _indexed(picture: Image.Image) -> MaskFile:
    palette, transparency = picture.getpalette() or [], picture.info.get("transparency")

    def back(array: NDArray) -> Image.Image:
        made = Image.fromarray(array)
        made.putpalette(palette)
        if transparency is not None:
            made.info["transparency"] = transparency
        return made

    return MaskFile(np.asarray(picture), "indexed colours", "labels", "auto", back)


def _grey(picture: Image.Image) -> MaskFile:
    array = np.asarray(picture)
    if picture.mode == "I" and picture.format == "PNG":  # as Pillow has read 16 bits for long
        array = array.astype(np.uint16)
    if picture.mode == "1":
        return MaskFile(array, "black and white", None, "auto", Image.fromarray)
    return MaskFile(array, f"{8 * array.dtype.itemsize}-bit grey", None, "auto", Image.fromarray)


def _coloured(path: Path, picture: Image.Image, colours: Colours | None) -> MaskFile:
    """Grey that was stored as colours; colours that mean classes; or the alpha of a picture."""
    array = np.asarray(picture.convert("RGB" if picture.mode == "RGB" else "RGBA"))
    colour, alpha = array[..., :3], array[..., 3:]
    if (alpha != alpha[:1, :1]).any():
        return _transparent(picture, array)
    spread = np.ptp(colour.astype(np.int16), axis=2).max()
    lossy = path.suffix.lower() in LOSSY
    if colours is None and spread <= (NEAR // 4 if lossy else 0):
        form = f"8-bit grey in {picture.mode}"
        return MaskFile(colour[..., 0], form, None, "auto", lambda grey: Image.fromarray(grey).convert(picture.mode))
    if lossy:
        raise ValueError(f"{path}: expected black and white in a lossy format, got colours, which it does not keep")
    labels = packed(colour)
    _check_colours(path, np.unique(labels), colours)
    back = partial(_picture, channels=3, mode=picture.mode)
    return MaskFile(labels, "RGB colours", "labels", colours.void if colours else None, back, packed=True)


def _picture(labels: NDArray[np.int64], channels: int, mode: str) -> Image.Image:
    """A picture of colours that were packed."""
    return Image.fromarray(unpacked(labels, channels)).convert(mode)


def _check_colours(path: Path, found: NDArray, colours: Colours | None) -> None:
    if colours is not None:
        colours.check(path, found)
    elif len(found) > MOST_COLOURS:
        what = f"at most {MOST_COLOURS} colours, one a class"
        raise ValueError(f"{path}: expected {what}, got {len(found)} (a photo, or smoothed?)")


def _transparent(picture: Image.Image, array: NDArray[np.uint8]) -> MaskFile:
    """A few colours, or nothing, are classes; of other pictures, and of one colour alone, the alpha is the mask."""
    alpha = array[..., 3]
    labels = packed(np.where(array[..., 3:] > 0, array, 0))
    if set(np.unique(alpha)) == {0, 255} and 2 < len(np.unique(labels)) <= MOST_COLOURS:
        return MaskFile(labels, "RGBA colours", "labels", None, partial(_picture, channels=4, mode="RGBA"), packed=True)

    def back(alpha: NDArray[np.uint8]) -> Image.Image:
        made = Image.fromarray(array[..., :3]).resize(alpha.shape[::-1])
        made.putalpha(Image.fromarray(alpha))
        return made.convert("RGBA" if picture.mode == "PA" else picture.mode)

    return MaskFile(alpha, "the alpha of a picture", None, "auto", back)


def _lossy(path: Path, found: MaskFile) -> MaskFile:
    """A soft mask of one object, if most levels are near the ends: others are not what was written."""
    ends = ((found.array <= NEAR) | (found.array >= 255 - NEAR)).mean()
    if ends < 0.5:
        raise ValueError(
            f"{path}: expected black and white in a lossy format, got {1 - ends:.0%} between (labels are not kept)"
        )
    return MaskFile(found.array, found.form, "soft", "auto", found.back, lossy=True)


def _read_arrays(path: Path) -> MaskFile:
    try:
        with open(path, "rb") as file:
            found = np.load(file, allow_pickle=False)
            arrays = dict(found) if isinstance(found, np.lib.npyio.NpzFile) else {"": found}
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such mask") from None
    except Exception as error:  # zip, zlib, headers that are parsed as Python, sizes beyond memory
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise OSError(f"{path}: unreadable or truncated array ({reason})") from error
    maps = [name for name, array in arrays.items() if array.ndim > 1]
    if len(maps) != 1:
        raise ValueError(f"{path}: expected one array (H, W) or (K, H, W), got {', '.join(arrays) or 'none'}")
    array = arrays[name := maps[0]]
    form = f"array of {array.dtype}"
    return MaskFile(array, form, None, "auto", lambda made: arrays | {name: made})


def write_mask(path: Path, made: Any) -> None:
    """Write what `MaskFile.back` made, whole or not at all, by the ending of `path`."""
    encoded = BytesIO()
    if path.suffix.lower() == ".npz":
        np.savez_compressed(encoded, **made)
    elif path.suffix.lower() == ".npy":
        np.save(encoded, next(iter(made.values())))
    else:
        options = {"lossless": True} if path.suffix.lower() == ".webp" else {}
        made.save(encoded, Image.registered_extensions()[path.suffix.lower()], **options)
    with whole_file(path) as file:
        file.write(encoded.getvalue())
