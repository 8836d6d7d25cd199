"""Maps of another size than their photo: which belong to it, and bringing them to its size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate


def same_scale(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two sizes are equal, or one is the other made smaller in both axes alike, up to rounding.

    Examples
    --------
    >>> same_scale((480, 640), (60, 80)), same_scale((481, 641), (61, 81)), same_scale((480, 640), (64, 64))
    (True, True, False)
    """
    if tuple(one) == tuple(other):
        return True
    small, large = sorted((tuple(one), tuple(other)), key=np.prod)
    pairs = list(zip(large, small, strict=True))
    if any(a <= b for a, b in pairs):
        return False
    least = max(starmap(lambda a, b: a / (b + 1), pairs))  # rounded up or down, a side is off by less than a pixel
    most = min(a / (b - 1) if b > 1 else np.inf for a, b in pairs)
    return least < most


def place_in(shape: Sequence[int], size: Sequence[int]) -> int | None:
    """The axis that the classes of a mask are in: 0 of (K, H, W), 2 of (H, W, K); -1 of (H, W); None: not of this size.

    Examples
    --------
    >>> place_in((21, 60, 80), (480, 640)), place_in((60, 80, 21), (480, 640)), place_in((60, 80), (480, 640))
    (0, 2, -1)
    """
    if len(shape) == 2:
        return -1 if same_scale(shape, size) else None
    places = {0: tuple(shape[1:]), 2: tuple(shape[:2])}
    exact = [axis for axis, found in places.items() if found == tuple(size)]
    return next(iter(exact + [axis for axis, found in places.items() if same_scale(found, size)]), None)


def resized(content: NDArray, size: Sequence[int]) -> NDArray:
    """Class indices (h, w) or probabilities (K, h, w) at another size, bilinearly, by shares where they shrink.

    Of indices each pixel gets the one with the greatest share, found a class at a time.
    """
    if content.shape[-2:] == tuple(size):
        return content
    if content.ndim == 3:
        return np.stack([_bilinear(channel, size) for channel in content])
    most, best = np.full(tuple(size), -1, np.float32), np.zeros(tuple(size), content.dtype)
    for index in np.unique(content):
        share = _bilinear(content == index, size)
        best[share > most] = index
        most = np.maximum(most, share)
    return best


def _bilinear(channel: NDArray, size: Sequence[int]) -> NDArray[np.float32]:
    whole = torch.from_numpy(channel.astype(np.float32))[None, None]
    return interpolate(whole, tuple(size), mode="bilinear", align_corners=False, antialias=True)[0, 0].numpy()
