"""Coarse maps of known labels: what low resolution, a network, or a hand makes of an outline."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter, minimum_filter, zoom

from spnkit.data.madeup.curves import noise

Shares = NDArray[np.float32]
"""Probabilities, class first: (K, H, W)."""


def shares_of(labels: NDArray[np.uint8], classes: int) -> Shares:
    """Each label as certainty; what is unknown has zeros."""
    return (np.arange(classes)[:, None, None] == labels).astype(np.float32)


def resized(shares: Shares, width: int, height: int, how: Image.Resampling) -> Shares:
    """Every class at another size; shrinking averages."""
    return np.stack([np.asarray(Image.fromarray(one).resize((width, height), how)) for one in shares])


def averaged(shares: Shares, rng: np.random.Generator, factor: int | None = None) -> Shares:
    """Shares of blocks, upsampled: the best that a low resolution can say."""
    factor = factor or rng.choice((2, 3, 4, 4, 5, 6, 8, 8, 10, 12, 16, 16))
    height, width = shares.shape[1:]
    small = resized(shares, max(2, round(width / factor)), max(2, round(height / factor)), Image.Resampling.BOX)
    return resized(small, width, height, Image.Resampling.BILINEAR)


def exact(shares: Shares, rng: np.random.Generator) -> Shares:
    """The truth, or the truth a little out of focus."""
    radius = rng.choice((0.0, 0.0, 0.7, 2.0))
    return np.stack([gaussian_filter(one, radius) for one in shares]) if radius else shares


def moved(shares: Shares, reach: float, cells: float, rng: np.random.Generator) -> Shares:
    """Outlines moved by a smooth field of about `reach` pixels, with bumps of the size / cells."""
    height, width = shares.shape[1:]
    side = max(height, width)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    drift = rng.normal(0, 0.4, 2) * reach
    down, right = (reach * noise(side, cells, rng)[:height, :width] + drift[axis] for axis in range(2))
    return np.stack([map_coordinates(one, (y + down, x + right), order=1, mode="nearest") for one in shares])


def thickened(shares: Shares, rng: np.random.Generator) -> Shares:
    """All outlines moved towards one class: masks that are always too large, or too small."""
    radius = rng.uniform(0.5, 5)
    blurred = np.stack([gaussian_filter(one, radius) for one in shares])
    blurred[rng.integers(len(shares))] *= np.exp(rng.normal(0, 1))
    return blurred / np.maximum(blurred.sum(0), 1e-6)


def drawn(shares: Shares, rng: np.random.Generator) -> Shares:
    """By hand: outlines off by some pixels, corners rounded, every pixel sure."""
    height, width = shares.shape[1:]
    side = max(height, width)
    cells = side / np.exp(rng.uniform(np.log(8), np.log(60)))
    found = moved(shares, rng.choice((1.0, 2.0, 3.0, 5.0, 7.0)), cells, rng)
    if rng.random() < 0.5:
        found = thickened(found, rng)
    if rng.random() < 0.5:
        radius = rng.uniform(1, 6)
        found = np.stack([gaussian_filter(one, radius) for one in found])
    found = shares_of(found.argmax(0), len(shares)) * (found.sum(0) > 0.5)
    if rng.random() < 0.3:  # at a lower resolution, with steps
        factor = rng.integers(2, 9)
        small = resized(found, max(2, width // factor), max(2, height // factor), Image.Resampling.NEAREST)
        found = resized(small, width, height, Image.Resampling.NEAREST)
    return found


def predicted(shares: Shares, rng: np.random.Generator) -> Shares:
    """By a network: outlines rounded and moved, blobs of wrong classes, confidence that is not always deserved."""
    classes, height, width = shares.shape
    side = max(height, width)
    stride = rng.choice((4, 8, 8, 16, 16, 32))
    reach = rng.choice((0.0, 1.0, 2.0, 4.0, 6.0, 10.0))
    bumps = max(np.exp(rng.uniform(np.log(10), np.log(60))), 3 * reach)
    found = moved(shares, reach, side / bumps, rng)
    radius = rng.uniform(0.3, 1) * stride
    found = np.stack([gaussian_filter(one, radius) for one in found])
    small = zoom(found, (1, max(2, height // stride) / height, max(2, width // stride) / width), order=1)
    logits = np.log(small + 10 ** rng.uniform(-4, -1.3))
    for index in range(classes):
        logits[index] += rng.uniform(0, 2.0) * noise(max(small.shape), rng.uniform(2, 8), rng)[
            : small.shape[1], : small.shape[2]
        ] + rng.uniform(0, 0.5) * rng.standard_normal(small.shape[1:])
    logits *= np.exp(rng.uniform(np.log(0.5), np.log(3)))
    if rng.random() < 0.5:
        large = resized(logits.astype(np.float32), width, height, Image.Resampling.BILINEAR)
        return softmax(large)
    return resized(softmax(logits).astype(np.float32), width, height, Image.Resampling.BILINEAR)


def shifted(shares: Shares, rng: np.random.Generator) -> Shares:
    """Averaged, off by some pixels as a whole, and noisy."""
    offset = np.rint(rng.normal(0, 2.5, 2)).astype(int)
    found = np.pad(shares, ((0, 0), (16, 16), (16, 16)), mode="edge")
    found = np.roll(found, np.clip(offset, -16, 16), (1, 2))[:, 16:-16, 16:-16]
    found = averaged(found, rng)
    noisy = found + rng.uniform(0, 0.3) * rng.standard_normal(found.shape).astype(np.float32)
    noisy = np.stack([gaussian_filter(one, rng.uniform(0.5, 3)) for one in noisy]).clip(1e-3)
    return noisy * (found.sum(0) > SEEN) / noisy.sum(0)


def softmax(logits: NDArray[np.floating]) -> Shares:
    """Over the classes."""
    found = np.exp(logits - logits.max(0))
    return (found / found.sum(0)).astype(np.float32)


SEEN = 1e-3
"""Where less than this is known of a pixel, nothing is."""
FORGOTTEN = 0.15
"""How often a part of a coarse map is left out in training."""


def forgotten(coarse: Shares, rng: np.random.Generator) -> Shares:
    """A coarse map that says nothing in some places: near its outlines, or in blots."""
    height, width = coarse.shape[1:]
    if rng.random() < 0.5:
        labels, side = coarse.argmax(0), 2 * int(rng.integers(1, 7)) + 1
        left = minimum_filter(labels, side) == maximum_filter(labels, side)
    else:
        side = max(height, width)
        left = noise(side, rng.uniform(3, 10), rng)[:height, :width] < rng.uniform(0.5, 1.5)
    return coarse * left if left.any() else coarse


OFF = {"averaged": (0.0, 0.0, 1.0, 2.0, 3.0, 5.0)}
NEAR = (0.0, 0.0, 0.7)
"""By how many pixels labels are off the photo's outlines, drawn from these: by much where the map tells them well."""
DIVIDED = 0.25
"""How often a region is divided where the photo shows nothing."""


def relabelled(labels: NDArray[np.uint8], most: int, rng: np.random.Generator, kind: str) -> NDArray[np.uint8]:
    """The labels that somebody else would have given: with other outlines, and other distinctions.

    What people draw does not lie on the photo's edges, and some of it has none. A coarse map that was made of such
    labels says more of them than the photo does: from these a refiner learns when to trust a map.

    Parameters
    ----------
    labels : numpy.ndarray, uint8 (H, W)
        Class indices below `most`; other values are unknown and stay.
    most : int
        Classes that there may be.
    rng : numpy.random.Generator
        Source of chance.
    kind : str
        What coarse map will be made of them, a key of `COARSE`.

    Returns
    -------
    numpy.ndarray, uint8 (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> from spnkit.data.scenes import relabelled
    >>> other = relabelled(np.eye(16, dtype=np.uint8), 5, np.random.default_rng(0), "averaged")
    >>> other.shape, other.dtype
    ((16, 16), dtype('uint8'))
    """
    known, side = labels < most, max(labels.shape)
    if reach := rng.choice(OFF.get(kind, NEAR)):
        shares = moved(shares_of(labels, most), reach, side / np.exp(rng.uniform(np.log(6), np.log(50))), rng)
        labels = np.where(known, shares.argmax(0), labels).astype(np.uint8)
    if rng.random() < DIVIDED:
        cut = noise(side, rng.uniform(1, 6), rng)[: labels.shape[0], : labels.shape[1]] > rng.uniform(-1, 1)
        part = cut & (labels == rng.choice(labels.ravel())) & known
        labels = np.where(part, min(labels[known].max(initial=0) + 1, most - 1), labels).astype(np.uint8)
    return labels


COARSE: dict[str, tuple[Callable[[Shares, np.random.Generator], Shares], float]] = {
    "averaged": (averaged, 0.25),
    "exact": (exact, 0.1),
    "drawn": (drawn, 0.25),
    "predicted": (predicted, 0.3),
    "shifted": (shifted, 0.1),
}
"""How a coarse map comes about, and its odds in training. Those that need nothing done to them, the truth and its
averages, are among them: a refiner that has not seen any ruins such."""


def kind_of(rng: np.random.Generator, **odds: float) -> str:
    """A kind of coarse map, drawn; of those that are named the odds are others than in `COARSE`.

    Examples
    --------
    >>> import numpy as np
    >>> from spnkit.data.scenes import kind_of
    >>> kind_of(np.random.default_rng(0), averaged=1e9)
    'averaged'
    """
    shares = np.array([odds.get(name, often) for name, (_, often) in COARSE.items()])
    return tuple(COARSE)[rng.choice(len(COARSE), p=shares / shares.sum())]


def coarse_map(
    labels: NDArray[np.uint8], classes: int, rng: np.random.Generator, kind: str | None = None
) -> NDArray[np.float32]:
    """A coarse map of known labels.

    Parameters
    ----------
    labels : numpy.ndarray, uint8 (H, W)
        Class indices; what is not below `classes` is unknown.
    classes : int
        Channels of the map.
    rng : numpy.random.Generator
        Source of chance.
    kind : str, optional
        A key of `COARSE`; drawn if not given.

    Returns
    -------
    numpy.ndarray, float32 (classes, H, W)
        Probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from spnkit.data.scenes import coarse_map
    >>> coarse_map(np.eye(16, dtype=np.uint8), 2, np.random.default_rng(0), "averaged").shape
    (2, 16, 16)
    """
    kind = kind or kind_of(rng)
    found = COARSE[kind][0](shares_of(labels, classes), rng)
    total = found.sum(0)
    return np.where(total > SEEN, found / np.maximum(total, SEEN), 0).astype(np.float32)
