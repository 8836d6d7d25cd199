"""The rules for numbers that may be labels or levels of grey."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

BYTE, TWO_BYTES = 255, 65535
UNKNOWN = -1
"""The label of what is unknown that no other label can be taken for."""


def top_of(mask: NDArray) -> int:
    """The number that stands for all of an object, in a soft mask of this type."""
    if mask.dtype.kind in "bf":
        return 1
    return BYTE if mask.dtype.itemsize == 1 or mask.max() <= BYTE else TWO_BYTES


def looks_soft(mask: NDArray) -> bool:
    """Whether levels of grey are a soft mask, and not labels.

    They are if some lie in the upper half but below the greatest, as labels seldom do, and most of what lies between
    the ends differs from its right or lower neighbour, as what lies in areas does not. Signed numbers are labels.
    """
    if mask.dtype.kind != "u" or mask.dtype.itemsize > 2:
        return False
    top = int(np.iinfo(mask.dtype).max)
    between = (mask > 0) & (mask < top - 1)
    if not (between & (mask > top // 2)).any():
        return False
    changes = np.zeros(mask.shape, bool)
    changes[:, :-1] |= mask[:, 1:] != mask[:, :-1]
    changes[:-1] |= mask[1:] != mask[:-1]
    return bool(changes[between].mean() > 0.5)


def labels_of(
    mask: NDArray, void: int | Literal["auto"] | None
) -> tuple[tuple[int, ...], tuple[int, ...], NDArray[np.integer]]:
    """The labels of a mask (H, W), those of them for what is unknown, and for each pixel which of the others it is.

    Indices are less than 0 where it is unknown: -1 for the first such label, -2 for the next.
    """
    if mask.dtype.kind == "f" and (part := mask != np.floor(mask)).any():
        raise ValueError(f"mask must be whole labels or lie in [0, 1], got {mask[part][0]:.6g}")
    found, inverse = _unique(mask)
    voids = tuple(int(label) for label in found if label in _voids(found, void))
    names = tuple(int(label) for label in found if label not in voids)
    if names and names[0] < 0 and mask.dtype.kind != "b":
        raise ValueError(f"mask must have labels from 0 on, got {names[0]} (void={names[0]}: it is unknown)")
    place = {label: index for index, label in enumerate(names)} | {label: -1 - i for i, label in enumerate(voids)}
    return names, voids, np.array([place[int(label)] for label in found], np.int32)[inverse]


def _voids(found: NDArray, void: int | Literal["auto"] | None) -> set[int]:
    """Which of the labels stand for what is unknown."""
    if void != "auto":
        return set() if void is None else {void}
    ordinary = (found > 0) & (found < BYTE - 1)
    if not ordinary.any() or found.max() > BYTE:
        return {UNKNOWN}
    return {UNKNOWN, BYTE} | ({BYTE - 1} if BYTE - 2 not in found else set())


def _unique(mask: NDArray) -> tuple[NDArray, NDArray[np.integer]]:
    """`numpy.unique` with the inverse in the shape of the mask; small numbers are counted, which is faster."""
    if mask.dtype.kind == "b" or (mask.dtype.kind in "iu" and mask.min() >= 0 and mask.max() <= TWO_BYTES):
        whole = mask.astype(np.intp)
        there = np.bincount(whole.ravel()) > 0
        return np.flatnonzero(there), (np.cumsum(there) - 1)[whole]
    found, inverse = np.unique(mask, return_inverse=True)
    return found, inverse.reshape(mask.shape)
