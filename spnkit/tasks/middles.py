"""Pixels of a photo of which is shown whom they listen to, where nothing else says which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spnkit.data import IGNORE


def middles(labels: NDArray[np.uint8], classes: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Of each of the three largest regions, the pixel (x, y) nearest to its middle."""
    known, areas = np.unique(labels[labels != IGNORE], return_counts=True)
    return {classes[c]: _middle(labels == c) for c in known[np.argsort(-areas)][:3].tolist()}


def _middle(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Of the pixels (x, y) of a mask the one nearest to their mean."""
    pixels = np.argwhere(mask)
    row, column = pixels[np.square(pixels - pixels.mean(0)).sum(1).argmin()].tolist()
    return column, row
