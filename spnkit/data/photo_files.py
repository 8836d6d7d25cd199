"""Photos as people have them: any format and depth, and turned as EXIF says where that fits their masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spnkit.data.files import open_picture, orientation_of

TURNS: dict[int, Callable[[NDArray], NDArray]] = {
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: np.rot90,
}
"""How a picture (H, W, ...) is turned upright, by its EXIF orientation."""
EXIF = ("auto", "apply", "ignore")


def read_stored(path: Path) -> tuple[NDArray, int]:
    """A photo as it is stored, and its EXIF orientation.

    Returns
    -------
    photo : numpy.ndarray
        uint8 (H, W, 3), or uint16 (H, W) of 16-bit grey, or floating (H, W); alpha is left out.
    orientation : int
        1 to 8.

    Raises
    ------
    OSError, ValueError
        If it is no picture, or one of several.
    """
    picture = open_picture(path)
    if (pages := picture.info["pages"]) != 1:
        raise ValueError(f"{path}: expected one picture, got {pages} in one file (an animation?)")
    return _pixels(picture, path), orientation_of(picture)


def _pixels(picture: Image.Image, path: Path) -> NDArray:
    if picture.mode.startswith("I"):
        levels = np.asarray(picture)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError(f"{path}: expected a photo with 8 or 16 bits, got levels {levels.min()} to {levels.max()}")
        return levels.astype(np.uint16)
    return np.asarray(picture if picture.mode == "F" else picture.convert("RGBA").convert("RGB"))


def fitting(
    path: Path, photo: NDArray, orientation: int, fits: Callable[[tuple[int, int]], bool], exif: str = "auto"
) -> tuple[NDArray, str]:
    """A photo turned so that a mask fits it, and what is to be said of that.

    Parameters
    ----------
    path : pathlib.Path
        The photo, for the error.
    photo, orientation
        What `read_stored` found.
    fits : callable
        Whether the mask fits a size (H, W).
    exif : {"auto", "apply", "ignore"}
        Upright where that fits, or else as stored; or always the one or the other.

    Raises
    ------
    ValueError
        If the mask fits both ways.
    """
    upright = TURNS[orientation](photo)
    if exif != "auto" or orientation == 1:
        return (photo if exif == "ignore" else upright), ""
    if not fits(photo.shape[:2]):
        return upright, ""
    if not fits(upright.shape[:2]):
        return photo, "taken as it is stored, not as its EXIF says: so its mask fits"
    raise ValueError(
        f"{path}: EXIF says that it is to be turned (orientation {orientation}), and the mask fits both ways: "
        "--exif apply if the mask was made of the photo upright, --exif ignore if of the photo as stored"
    )
