"""Labels as they come from files and programs: whole numbers, or a mask of one object in any usual coding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import IGNORE


def whole_labels(name: str, labels: NDArray) -> NDArray[np.uint8]:
    """Labels as uint8; what would be cut off, or wrap around, is refused.

    Parameters
    ----------
    name : str
        The argument or file, for the error.
    labels : numpy.ndarray
        Boolean, whole numbers, or floating numbers that are whole.

    Raises
    ------
    ValueError
        If a value is not one of 0, 1, ..., 255.
    """
    labels = np.asarray(labels)
    if labels.dtype == np.uint8:
        return labels
    if labels.dtype.kind not in "buif":
        raise ValueError(f"{name}: expected whole numbers 0..255, got {labels.dtype}")
    if labels.dtype.kind == "f" and (part := labels != np.floor(labels)).any():  # NaN is not equal to itself
        raise ValueError(f"{name}: expected whole numbers, got {labels[part][0]:.6g}, {part.mean():.0%} such pixels")
    if labels.size and (labels.min() < 0 or labels.max() > IGNORE):
        raise ValueError(f"{name}: expected values 0..{IGNORE}, got {labels.min()}..{labels.max()}")
    return labels.astype(np.uint8)


def may_be_object(labels: NDArray[np.uint8]) -> bool:
    """Whether 255 may be the object of a mask, and not "unknown": nothing but it and 0 is there."""
    return bool((labels == IGNORE).any() and ((labels == 0) | (labels == IGNORE)).all())
