"""Chance applied to a training sample: mirror images, colours, small movements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from skimage.transform import SimilarityTransform, warp

from spnkit.data import IGNORE
from spnkit.data.names import meanings, mirrored


def mirror_classes(classes: Sequence[str]) -> NDArray[np.uint8]:
    """Which class each one becomes in a mirror: left and right change places, however they are spelled.

    Examples
    --------
    >>> mirror_classes(("background", "left_eye", "right_eye")).tolist()
    [0, 2, 1]
    >>> mirror_classes(("background", "l_eye", "right eye")).tolist()
    [0, 2, 1]
    """
    named = meanings(classes)
    others = [mirrored(name) if mirrored(name) in named else name for name in named]
    return np.array([named.index(name) for name in others])


def mirror_labels(labels: NDArray[np.uint8], mirror: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Labels (H, W) as a mirror shows them."""
    table = np.arange(IGNORE + 1, dtype=np.uint8)
    table[: len(mirror)] = mirror
    return table[labels[:, ::-1]]


def jitter_colour(image: NDArray, rng: np.random.Generator) -> NDArray:
    """A photo (H, W, 3) in [0, 1] under another light: exposure, colour of the light, contrast."""
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, 3)
    lit = np.clip(image * gain.astype(image.dtype), 0, 1)
    return lit ** image.dtype.type(rng.uniform(0.8, 1.25))


def recolour(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """A photo (H, W, 3) in uint8, scaled to [0, 1] and jittered: what becomes of its 256 levels is looked up."""
    levels = np.arange(256, dtype=np.float32)[:, None].repeat(3, axis=1) / np.float32(255)
    table = jitter_colour(levels, rng)
    return np.stack([table[:, colour][image[..., colour]] for colour in range(3)], axis=-1)


def move(image: NDArray, labels: NDArray[np.uint8], rng: np.random.Generator) -> tuple[NDArray, NDArray[np.uint8]]:
    """Turn, scale and shift a square photo by up to 12 degrees, 12 % and 5 % of its frame."""
    side = len(labels)
    centre = SimilarityTransform(translation=(0.5 - side / 2, 0.5 - side / 2))
    change = SimilarityTransform(
        scale=rng.uniform(0.88, 1.12),
        rotation=np.deg2rad(rng.uniform(-12, 12)),
        translation=rng.uniform(-0.05, 0.05, 2) * side,
    )
    inverse = (centre + change + centre.inverse).inverse
    moved = warp(image, inverse, order=1, mode="edge")
    # Where the frame shows what lies beyond the photo, nothing is known.
    moved_labels = warp(labels, inverse, order=0, mode="constant", cval=IGNORE, preserve_range=True)
    return moved, moved_labels.astype(np.uint8)


def crop(
    image: NDArray, labels: NDArray[np.uint8], side: int, rng: np.random.Generator
) -> tuple[NDArray, NDArray[np.uint8]]:
    """A square of a photo (H, W, 3) and its labels (H, W), somewhere in it; where the photo is smaller, all of it.

    What lies beyond repeats the photo's border and is unknown. Where the photo is that square nothing is drawn.
    """
    missing = [(0, max(0, side - length)) for length in labels.shape]
    if any(after for _, after in missing):
        image = np.pad(image, [*missing, (0, 0)], mode="edge")
        labels = np.pad(labels, missing, constant_values=IGNORE)
    if labels.shape == (side, side):
        return image, labels
    row, column = (int(rng.integers(length - side + 1)) for length in labels.shape)
    return image[row : row + side, column : column + side], labels[row : row + side, column : column + side]
