"""What is made of refined masks besides: an overlay, a cut-out, a trimap, the probabilities."""

from __future__ import annotations

from colorsys import hsv_to_rgb
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

from spnkit.data.mask_files import write_mask
from spnkit.nn.arrays import unit
from spnkit.nn.codings import Coding
from spnkit.nn.refine import settled

SURE = 0.05
"""A pixel is surely of the object, or of the background, up to this share."""
MARGIN = 3
"""Pixels by which what is not sure grows in a trimap: hair is thinner than a mask tells."""


def overlay(photo: NDArray[np.float32], classes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """The photo (H, W, 3), tinted where a class (H, W) is greater than 0."""
    colours = np.array([hsv_to_rgb(0.618034 * index % 1, 0.9, 1.0) for index in range(max(1, classes.max() + 1))])
    tinted = np.where((classes > 0)[..., None], (photo + colours[classes.clip(0)]) / 2, photo)
    return _bytes(tinted)


def cutout(photo: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RGBA (H, W, 4) with the share of the object (H, W) as alpha."""
    return _bytes(np.concatenate([photo, share[..., None]], axis=2))


def trimap(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """255 where the object surely is, 0 where it surely is not, 128 between and around (H, W)."""
    size = 2 * MARGIN + 1
    inside, outside = minimum_filter(share, size) >= 1 - SURE, maximum_filter(share, size) <= SURE
    return np.select([inside, outside], [255, 0], 128).astype(np.uint8)


def _bytes(levels: NDArray) -> NDArray[np.uint8]:
    return np.rint(255 * levels.clip(0, 1)).astype(np.uint8)


class Refined(NamedTuple):
    """A photo and what was found of its masks: probabilities, for each coding."""

    photo: NDArray
    codings: list[Coding]
    found: list[NDArray]

    def shares(self) -> list[NDArray[np.float32]]:
        """For each coding, how much of a pixel is not background: class 0, or the colour black."""
        return [
            1 - maps[coding.names.index(0)] if 0 in coding.names else np.ones(maps.shape[1:], np.float32)
            for coding, maps in zip(self.codings, self.found, strict=True)
        ]

    def classes(self) -> NDArray[np.integer]:
        """Of each pixel the likeliest class, counted from 1; 0 is background or unknown (H, W)."""
        if len(self.codings) > 1:
            shares = np.stack(self.shares())
            return np.where(shares.max(0) > 0.5, shares.argmax(0) + 1, 0)
        coding, content = self.codings[0], settled(self.codings[0], self.found[0])
        indices = content.argmax(0) if content.ndim == 3 else content
        return np.maximum(indices + (0 not in coding.names), 0)

    def write_probabilities(self, path: Path) -> None:
        """NPZ with `probabilities` (K, H, W) in float16 and the `labels` of its classes (K,)."""
        several = len(self.codings) > 1
        maps = np.stack(self.shares()) if several else self.found[0]
        names = range(1, len(maps) + 1) if several else self.codings[0].names
        write_mask(path, {"probabilities": maps.astype(np.float16), "labels": np.array(names)})

    def write_overlay(self, path: Path) -> None:
        write_mask(path, Image.fromarray(overlay(unit(self.photo), self.classes())))

    def write_cutout(self, path: Path) -> None:
        write_mask(path, Image.fromarray(cutout(unit(self.photo), np.max(self.shares(), axis=0))))

    def write_trimap(self, path: Path) -> None:
        write_mask(path, Image.fromarray(trimap(np.max(self.shares(), axis=0))))


EXTRAS = {"overlay": Refined.write_overlay, "cutout": Refined.write_cutout, "trimap": Refined.write_trimap}
"""Pictures by the option that asks for them."""
