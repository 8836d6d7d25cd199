"""Small objects do not vanish: what of a map would be gone in its refinement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

LEAST = 30
"""Pixels from which a connected piece of a class is an object; what is smaller may be noise."""


def vanished(
    before: NDArray[np.integer], after: NDArray[np.integer], least: int = LEAST
) -> tuple[NDArray[np.bool_], int]:
    """The connected pieces of classes of which nothing is left: their pixels, and how many they are.

    Parameters
    ----------
    before, after : numpy.ndarray, (H, W), integer
        Class indices; what is less than 0 is no class.
    least : int
        Pixels that a piece has at least.

    Examples
    --------
    >>> before = np.zeros((8, 8), int)
    >>> before[1:4, 1:4] = 1
    >>> pixels, pieces = vanished(before, np.zeros((8, 8), int), least=9)
    >>> int(pixels.sum()), pieces
    (9, 1)
    """
    gone, count = np.zeros(before.shape, bool), 0
    for index, box in enumerate(find_objects(np.maximum(before, -1) + 1)):
        if box is None:
            continue
        pieces, _ = label(before[box] == index)
        sizes = np.bincount(pieces.ravel())
        left = np.bincount(pieces[after[box] == index], minlength=len(sizes))
        lost = (sizes >= least) & (left == 0)
        lost[0] = False  # what lies around the pieces
        gone[box] |= lost[pieces]
        count += int(lost.sum())
    return gone, count
