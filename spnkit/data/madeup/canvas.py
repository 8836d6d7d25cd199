"""A photo and its class masks painted together, so that their edges agree to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from spnkit.data.classes import HELEN_CLASSES
from spnkit.data.madeup.curves import Field, Points

_FINE = 4  # sub-pixels a side


def coverage(size: int, outlines: Sequence[Points], strokes: Sequence[tuple[Points, float]] = ()) -> Field:
    """Share of each pixel (size, size) that filled outlines and strokes (points, width) cover, in pixels."""
    mask = np.zeros((size, size), np.float32)
    everything = np.vstack([*outlines, *(points for points, _ in strokes)])
    x0, y0 = np.clip(np.floor(everything.min(axis=0)).astype(int) - 2, 0, size)
    x1, y1 = np.clip(np.ceil(everything.max(axis=0)).astype(int) + 2, 0, size)
    if x0 >= x1 or y0 >= y1:
        return mask
    picture = Image.new("L", ((x1 - x0) * _FINE, (y1 - y0) * _FINE))
    pen = ImageDraw.Draw(picture)
    for outline in outlines:
        pen.polygon(((outline - (x0, y0)) * _FINE).ravel().tolist(), fill=255)
    for points, width in strokes:
        pen.line(((points - (x0, y0)) * _FINE).ravel().tolist(), fill=255, width=max(1, round(width * _FINE)))
    mask[y0:y1, x0:x1] = np.asarray(picture.reduce(_FINE), np.float32) / 255
    return mask


class Canvas:
    """A photo (size, size, 3) in 0..1 and the share of every class at each pixel, (11, size, size)."""

    def __init__(self, background: Field):
        self.size = len(background)
        self.photo = background.astype(np.float32)
        self.shares = np.zeros((len(HELEN_CLASSES), self.size, self.size), np.float32)
        self.shares[0] = 1

    def tint(self, mask: Field, colour: ArrayLike, opacity: float | Field = 1.0) -> None:
        """Paint without a change of class: shadows, make-up, the iris of an eye."""
        rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
        if not rows.size:
            return
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        alpha = (mask * opacity)[box][..., None]
        paint = np.asarray(colour, np.float32)
        self.photo[box] += alpha * ((paint[box] if paint.ndim == 3 else paint) - self.photo[box])

    def paint(self, mask: Field, colour: ArrayLike, name: str, opacity: float | Field = 1.0) -> None:
        """Paint a part of class `name`: what it covers of a pixel belongs to that class from now on."""
        self.tint(mask, colour, opacity)
        self.shares *= 1 - mask
        self.shares[HELEN_CLASSES.index(name)] += mask
