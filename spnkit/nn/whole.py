"""Photos of any size through the refiner: the weights by tiles that agree, the propagation in one piece.

What the guidance network says of a pixel depends on what lies within its reach, so tiles that overlap by as much agree
to rounding. The propagation has no such reach, but it needs few values a pixel: weights are kept in half precision
where there are many, and a direction at a time is widened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spnkit.nn.refiner import MaskRefiner, spread

TILE = 768
LARGE = 4_000_000
"""Pixels from which weights are kept in half precision: with 24 a pixel they are what takes the memory."""
GROUP = 2
"""Classes of a large map that are propagated together."""

Shares = Callable[[tuple[slice, slice]], Tensor]
"""Probabilities (1, C, h, w) of a window of rows and columns."""


class Guided(NamedTuple):
    """What the guidance network says of a whole photo."""

    weights: Tensor  # (1, units, D, K, 1, H, W)
    confidence: Tensor  # (1, 1, H, W)
    kept: Tensor  # (1, 1, H, W)


def guided(refiner: MaskRefiner, photo: Tensor, shares: Shares, tile: int = TILE) -> Guided:
    """Weights, confidence and what is kept for a whole photo (1, 3, H, W), read tile by tile."""
    height, width = photo.shape[-2:]
    precision = torch.float16 if height * width > LARGE else photo.dtype
    weights = photo.new_empty((1, *refiner.shape, 1, height, width), dtype=precision)
    confidence, kept = photo.new_empty((2, 1, 1, height, width))
    for window, core, inside in windows(height, width, tile, refiner.reach):
        said, judged = refiner.guidance(photo[..., *window], shares(window))
        found = refiner.weighed(said[..., *inside], judged[..., *inside])
        weights[..., *core], confidence[..., *core], kept[..., *core] = found
    return Guided(weights, confidence, kept)


def windows(height: int, width: int, tile: int, reach: int) -> Iterator[tuple[tuple[slice, slice], ...]]:
    """For each tile: the window that is read, the tile in the picture, and the tile in the window."""

    def spans(side: int) -> Iterator[tuple[slice, slice, slice]]:
        for first in range(0, side, tile):
            last, low = min(first + tile, side), max(0, first - reach)
            yield slice(low, min(side, last + reach)), slice(first, last), slice(first - low, last - low)

    for rows, columns in product(spans(height), spans(width)):
        yield tuple(zip(rows, columns, strict=True))


@torch.inference_mode()
def refined(photo: NDArray[np.float32], coarse: NDArray[np.float32], refiner: MaskRefiner) -> NDArray[np.float32]:
    """Refine probabilities.

    Parameters
    ----------
    photo : numpy.ndarray, float32 (H, W, 3)
        In [0, 1].
    coarse : numpy.ndarray, float32 (C, H, W)
        Probabilities; zeros in all classes where nothing is known.
    refiner : MaskRefiner

    Returns
    -------
    numpy.ndarray, float32 (C, H, W)
    """
    image, maps = torch.from_numpy(photo).permute(2, 0, 1)[None], torch.from_numpy(coarse)[None]
    found = guided(refiner, image, lambda window: maps[..., *window])
    known = maps.sum(1, keepdim=True)
    refined_maps = torch.empty_like(maps)
    for group in groups(maps.shape[1], known.numel()):
        refined_maps[:, group] = spread(maps[:, group], known, found.confidence, found.kept, found.weights.unbind(1))
    return refined_maps[0].numpy()


@torch.inference_mode()
def refined_labels(
    photo: NDArray[np.float32], indices: NDArray[np.integer], classes: int, refiner: MaskRefiner
) -> NDArray[np.int32]:
    """Refine labels, without ever holding the maps of all classes.

    Parameters
    ----------
    photo : numpy.ndarray, float32 (H, W, 3)
        In [0, 1].
    indices : numpy.ndarray, integer (H, W)
        0 to `classes` - 1, or less than 0 where nothing is known.
    classes : int
    refiner : MaskRefiner

    Returns
    -------
    numpy.ndarray, int32 (H, W)
        Of every pixel the likeliest class.
    """
    image, labels = torch.from_numpy(photo).permute(2, 0, 1)[None], torch.from_numpy(indices.astype(np.int32))[None]

    def shares(window: tuple[slice, slice]) -> Tensor:
        here = labels[..., *window]
        return torch.stack([here == index for index in here.unique().tolist() if index >= 0] or [here >= 0], 1).float()

    found = guided(refiner, image, shares)
    known = (labels >= 0)[:, None].float()
    most, best = torch.full_like(known, -1), torch.zeros_like(labels)[:, None]
    for group in groups(classes, known.numel()):
        maps = torch.stack([labels == index for index in range(classes)[group]], 1).float()
        maps = spread(maps, known, found.confidence, found.kept, found.weights.unbind(1))
        share, index = maps.max(1, keepdim=True)
        best = torch.where(share > most, index.int() + group.start, best)
        most = torch.maximum(most, share)
    return best[0, 0].numpy()


def groups(classes: int, pixels: int) -> Iterator[slice]:
    """Classes that are propagated together: all, or a few where each takes much memory."""
    count = GROUP if pixels > LARGE else max(1, 8 * LARGE // pixels)
    yield from (slice(first, min(first + count, classes)) for first in range(0, classes, count))
