"""Photos of any size through the refiner: the weights by tiles that agree, the propagation in one piece.

What the guidance network says of a pixel depends on what lies within its reach, so tiles that overlap by as much agree
to rounding. The propagation has no such reach, but it needs few values a pixel: weights are kept in half precision
where there are many, and some lines at a time are widened.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spnkit.nn.arrays import unit
from spnkit.nn.refiner import MaskRefiner
from spnkit.nn.spreading import spread

LARGE = 4_000_000
"""Pixels from which weights are kept in half precision: with 24 a pixel they are what takes the memory."""
TILE, SMALLER = 1024, 640
"""Sides that tiles have at most; for a large photo they are smaller, as there is less memory left."""
BAND = 32
"""Rows whose weights are worked out together: as many as stay in the cache."""
GROUP = 2
"""Classes of a large map that are propagated together."""

Shares = Callable[[tuple[slice, slice]], Tensor]
"""Probabilities (1, C, h, w) of a window of rows and columns."""


class Guided(NamedTuple):
    """What the guidance network says of a whole photo."""

    weights: Tensor  # (1, units, D, K, 1, H, W)
    confidence: Tensor  # (1, 1, H, W)
    kept: Tensor  # (1, 1, H, W)


def guided(refiner: MaskRefiner, photo: NDArray, shares: Shares, tile: int | None = None) -> Guided:
    """Weights, confidence and what is kept for a whole photo (H, W, 3), read tile by tile."""
    height, width = photo.shape[:2]
    large = height * width > LARGE
    tile, precision = tile or (SMALLER if large else TILE), torch.float16 if large else torch.float32
    weights = torch.empty((1, *refiner.shape, 1, height, width), dtype=precision)
    confidence, kept = torch.empty((2, 1, 1, height, width), dtype=precision)
    for window, core, inside in windows(height, width, tile, refiner.reach, refiner.step):
        image = torch.from_numpy(unit(photo[window])).permute(2, 0, 1)[None]
        features, judged = refiner.read(image, shares(window))
        for band, row in bands(core, inside):
            found = refiner.weighed(refiner.said(features[..., *row]), judged[..., *row])
            weights[..., *band], confidence[..., *band], kept[..., *band] = found
    give_back()
    return Guided(weights, confidence, kept)


def give_back() -> None:
    """Memory of tiles that the C library keeps for more of them: a third of a gigabyte for a dozen megapixels."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def windows(height: int, width: int, tile: int, reach: int, step: int) -> Iterator[tuple[tuple[slice, slice], ...]]:
    """For each tile: the window that is read, the tile in the picture, and the tile in the window."""

    def spans(side: int) -> Iterator[tuple[slice, slice, slice]]:
        length = -(-side // -(-side // tile))
        for first in range(0, side, length):
            last, low = min(first + length, side), max(0, first - reach) // step * step
            yield slice(low, min(side, last + reach)), slice(first, last), slice(first - low, last - low)

    for rows, columns in product(spans(height), spans(width)):
        yield tuple(zip(rows, columns, strict=True))


def bands(*windows: tuple[slice, slice]) -> Iterator[tuple[tuple[slice, slice], ...]]:
    """Windows of the same size, some rows at a time."""
    for first in range(0, windows[0][0].stop - windows[0][0].start, BAND):
        yield tuple((slice(r.start + first, min(r.start + first + BAND, r.stop)), c) for r, c in windows)


@torch.inference_mode()
def refined(photo: NDArray, coarse: NDArray[np.float32], refiner: MaskRefiner) -> NDArray[np.float32]:
    """Refine probabilities.

    Parameters
    ----------
    photo : numpy.ndarray, (H, W, 3)
        uint8, or float32 in [0, 1].
    coarse : numpy.ndarray, float32 (C, H, W)
        Probabilities; zeros in all classes where nothing is known.
    refiner : MaskRefiner

    Returns
    -------
    numpy.ndarray, float32 (C, H, W)
    """
    maps = torch.from_numpy(coarse)[None]
    found = guided(refiner, photo, lambda window: maps[..., *window])
    known = maps.sum(1, keepdim=True)
    refined_maps = torch.empty_like(maps)
    for group in groups(maps.shape[1], known.numel()):
        refined_maps[:, group] = spread(maps[:, group], known, found.confidence, found.kept, found.weights.unbind(1))
    return refined_maps[0].numpy()


@torch.inference_mode()
def refined_labels(
    photo: NDArray, indices: NDArray[np.integer], classes: int, refiner: MaskRefiner
) -> NDArray[np.int16]:
    """Refine labels, without ever holding the maps of all classes.

    Parameters
    ----------
    photo : numpy.ndarray, (H, W, 3)
        uint8, or float32 in [0, 1].
    indices : numpy.ndarray, integer (H, W)
        0 to `classes` - 1, or less than 0 where nothing is known.
    classes : int
    refiner : MaskRefiner

    Returns
    -------
    numpy.ndarray, int16 (H, W)
        Of every pixel the likeliest class.
    """
    labels = torch.from_numpy(indices.astype(np.int32, copy=False))[None]

    def shares(window: tuple[slice, slice]) -> Tensor:
        here = labels[..., *window]
        return torch.stack([here == index for index in here.unique().tolist() if index >= 0] or [here >= 0], 1).float()

    found = guided(refiner, photo, shares)
    known, size = (labels >= 0)[:, None], (1, 1, *labels.shape[1:])
    known = torch.ones(1).expand(size) if known.all() else known.float()
    most, best = torch.full(size, -1.0), torch.zeros(size, dtype=torch.int16)
    for group in groups(classes, labels.numel()):
        maps = torch.stack([labels == index for index in range(classes)[group]], 1).float()
        maps = spread(maps, known, found.confidence, found.kept, found.weights.unbind(1))
        share, index = maps.max(1, keepdim=True)
        best = torch.where(share > most, (index + group.start).short(), best)
        most = torch.maximum(most, share)
    return best[0, 0].numpy()


def groups(classes: int, pixels: int) -> Iterator[slice]:
    """Classes that are propagated together: all, or a few where each takes much memory."""
    count = GROUP if pixels > LARGE else max(1, 8 * LARGE // pixels)
    yield from (slice(first, min(first + count, classes)) for first in range(0, classes, count))
