"""Shares over a photo as one picture: cheaper than layers that matplotlib blends anew for every click."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from spnkit.plot import COLORMAP
from spnkit.plot.shown import lightened

LEAST, MOST = 1e-6, 1.0
"""Shares from which on one is seen at all, and that have the last colour."""


def levels(shares: NDArray) -> NDArray[np.float32]:
    """Where shares lie between the least and the most, 0 to 1, on a logarithmic scale."""
    logs = np.log10(np.maximum(shares, LEAST).astype(np.float32))
    return np.minimum((logs - np.log10(LEAST)) / np.log10(MOST / LEAST), 1)


def faded(colours: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A photo (H, W, 3) in [0, 1] as what shares are painted on: light grey, RGBA (H, W, 4)."""
    return opaque(lightened(colours.mean(axis=2, keepdims=True)))


def opaque(colours: NDArray) -> NDArray[np.uint8]:
    """Colours (H, W, 3) in [0, 1] as RGBA: what matplotlib need not convert."""
    picture = np.full((*colours.shape[:2], 4), 255, np.uint8)
    picture[..., :3] = 255 * np.clip(colours, 0, 1)
    return picture


def painted(ground: NDArray[np.uint8], shares: NDArray) -> NDArray[np.uint8]:
    """Shares (H, W) over a ground, RGBA (H, W, 4) as it is; small ones let it through."""
    picture, seen = ground.copy(), shares > LEAST
    level = levels(shares[seen])
    over = np.minimum(1, 3 * level)[:, None]
    picture[seen] = over * table()[(level * 255).astype(np.intp)] + (1 - over) * ground[seen]
    return picture


@cache
def table() -> NDArray[np.float32]:
    """256 colours, light for small shares and dark for large ones, (256, 4) of 0 to 255."""
    from matplotlib import colormaps

    return (255 * colormaps[f"{COLORMAP}_r"](np.arange(256))).astype(np.float32)
