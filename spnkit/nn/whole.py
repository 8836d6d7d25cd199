"""Photos of any size through the refiner: the weights by tiles that agree, the propagation in one piece.

What the guidance network says of a pixel depends on what lies within its reach, so tiles that overlap by as much agree
to rounding. The propagation has no such reach, but it needs few values a pixel: weights are kept in half precision
where there are many, and some lines at a time are widened.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spnkit.nn.arrays import unit
from spnkit.nn.refiner import FULL, GLANCE, Glance, MaskRefiner, Window, pooled, whole
from spnkit.nn.spreading import filled, spread

LARGE = 4_000_000
"""Pixels from which weights are kept in half precision: with 24 a pixel they are what takes the memory."""
TILE, SMALLER = 1024, 640
"""Sides that tiles have at most; for a large photo they are smaller, as there is less memory left."""
BAND = 32
"""Rows whose weights are worked out together: as many as stay in the cache."""
GROUP = 2
"""Classes of a large map that are propagated together."""

Shares = Callable[[Window], Tensor]
"""Probabilities (1, C, h, w) of a window of rows and columns."""


class Given(Protocol):
    """A map that is refined, whatever holds it."""

    def __len__(self) -> int:
        """Classes."""

    def of(self, classes: slice | Sequence[int], window: Window) -> Tensor:
        """Probabilities (1, k, h, w) of some classes in a window."""

    def there(self, window: Window, seen: Tensor) -> slice | Sequence[int]:
        """Classes of which a window may hold something; `seen` (C,) says of which the first look saw something."""


@dataclass(frozen=True)
class Maps:
    """Probabilities of all classes."""

    maps: Tensor  # (1, C, H, W)

    def __len__(self) -> int:
        return self.maps.shape[1]

    def of(self, classes: slice | Sequence[int], window: Window) -> Tensor:
        return self.maps[:, classes, *window]

    def there(self, window: Window, seen: Tensor) -> slice:
        return slice(None)


@dataclass(frozen=True)
class Labels:
    """Labels, of which maps are made where they are needed."""

    labels: Tensor  # (1, H, W)
    classes: int

    def __len__(self) -> int:
        return self.classes

    def of(self, classes: slice | Sequence[int], window: Window) -> Tensor:
        chosen = range(self.classes)[classes] if isinstance(classes, slice) else classes
        return torch.stack([self.labels[..., *window] == index for index in chosen], 1).float()

    def there(self, window: Window, seen: Tensor) -> list[int]:
        here = set(self.labels[..., *window].unique().tolist()) | set(seen.nonzero().flatten().tolist())
        return sorted(index for index in here if index >= 0) or [0]


class Guided(NamedTuple):
    """What the guidance network says of a whole photo."""

    weights: Tensor  # (1, units, D, K, 1, H, W)
    confidence: Tensor  # (1, 1, H, W)
    kept: Tensor  # (1, 1, H, W)


def guided(refiner: MaskRefiner, photo: NDArray, shares: Shares, tile: int | None = None, look: int = FULL) -> Guided:
    """Weights, confidence and what is kept for a whole photo (H, W, 3), read tile by tile."""
    height, width = photo.shape[:2]
    large = height * width > LARGE
    tile, precision = tile or (SMALLER if large else TILE), torch.float16 if large else torch.float32
    weights = torch.empty((1, *refiner.shape, 1, height, width), dtype=precision)
    confidence, kept = torch.empty((2, 1, 1, height, width), dtype=precision)
    for window, core, inside in windows(height, width, tile, refiner.reach, refiner.step):
        image = torch.from_numpy(unit(photo[window])).permute(2, 0, 1)[None]
        features, judged = refiner.read(image, shares(window), look)
        for band, row in bands(core, inside):
            found = refiner.weighed(refiner.said(features[..., *row], look), judged[..., *row])
            weights[..., *band], confidence[..., *band], kept[..., *band] = found
    give_back()
    return Guided(weights, confidence, kept)


def give_back() -> None:
    """Memory of tiles that the C library keeps for more of them: a third of a gigabyte for a dozen megapixels."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def windows(height: int, width: int, tile: int, reach: int, step: int) -> Iterator[tuple[Window, ...]]:
    """For each tile: the window that is read, the tile in the picture, and the tile in the window."""

    def spans(side: int) -> Iterator[tuple[slice, slice, slice]]:
        length = -(-side // -(-side // tile))
        for first in range(0, side, length):
            last, low = min(first + length, side), max(0, first - reach) // step * step
            yield slice(low, min(side, last + reach)), slice(first, last), slice(first - low, last - low)

    for rows, columns in product(spans(height), spans(width)):
        yield tuple(zip(rows, columns, strict=True))


def bands(*windows: Window) -> Iterator[tuple[Window, ...]]:
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
    refined_maps = torch.empty_like(maps)
    for group, found in by_groups(refiner, photo, maps.sum(1, keepdim=True), Maps(maps)):
        refined_maps[:, group] = found
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
    known = (labels >= 0)[:, None]
    known = torch.ones(1).expand(known.shape) if known.all() else known.float()
    most, best = torch.full(known.shape, -1.0), torch.zeros(known.shape, dtype=torch.int16)
    for group, found in by_groups(refiner, photo, known, Labels(labels, classes)):
        share, index = found.max(1, keepdim=True)
        best = torch.where(share > most, (index + group.start).short(), best)
        most = torch.maximum(most, share)
    return best[0, 0].numpy()


def by_groups(refiner: MaskRefiner, photo: NDArray, known: Tensor, given: Given) -> Iterator[tuple[slice, Tensor]]:
    """What a photo makes of a map, some classes at a time: `known` is what all add up to."""
    seen = glanced(refiner, photo, known, given) if refiner.glance > 1 else None

    def shown(window: Window, classes: slice | Sequence[int]) -> Tensor:
        maps = given.of(classes, window)
        return maps if seen is None else seen.seen(maps, known[..., *window], window, classes)

    def shares(window: Window) -> Tensor:
        none = torch.zeros(len(given), dtype=torch.bool)
        return shown(window, given.there(window, none if seen is None else seen.holds(window)))

    found = guided(refiner, photo, shares)
    for group in groups(len(given), known.numel()):
        maps = shown(whole(known), group)
        yield group, spread(maps, known, found.confidence, found.kept, found.weights.unbind(1))


def glanced(refiner: MaskRefiner, photo: NDArray, known: Tensor, given: Given) -> Glance:
    """What the first look makes of a map."""
    factor = refiner.glance
    of_groups = [*groups(len(given), known.numel())]
    coarse = torch.cat([pooled(given.of(group, whole(known)), factor) for group in of_groups], 1)
    known = coarse.sum(1, keepdim=True)
    found = guided(refiner, shrunk(photo, factor), lambda window: coarse[..., *window], look=GLANCE)
    for group in of_groups:
        coarse[:, group] = filled(coarse[:, group], known, found.confidence, found.weights.unbind(1))
    return Glance(coarse, found.kept, factor)


def shrunk(photo: NDArray, factor: int) -> NDArray[np.float32]:
    """The means of squares of a photo (H, W, 3), some rows at a time."""
    parts = (unit(photo[first : first + factor * BAND]) for first in range(0, len(photo), factor * BAND))
    small = [pooled(torch.from_numpy(part).permute(2, 0, 1), factor) for part in parts]
    return torch.cat(small, 1).permute(1, 2, 0).contiguous().numpy()


def groups(classes: int, pixels: int) -> Iterator[slice]:
    """Classes that are propagated together: all, or a few where each takes much memory."""
    count = GROUP if pixels > LARGE else max(1, 8 * LARGE // pixels)
    yield from (slice(first, min(first + count, classes)) for first in range(0, classes, count))
