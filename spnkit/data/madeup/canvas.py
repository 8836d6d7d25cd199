"""A photo and its class masks painted together, so that their edges agree to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from spnkit.data.classes import HELEN_CLASSES
from spnkit.data.madeup.curves import Field, Points
from spnkit.data.madeup.look import Look
from spnkit.data.madeup.pose import Pose

_FINE = 4  # sub-pixels a side


def coverage(size: int, outlines: Sequence[Points], lines: Sequence[Points] = (), width: float = 0) -> Field:
    """Share of each pixel (size, size) that filled outlines and lines of some width cover, in pixels."""
    mask = np.zeros((size, size), np.float32)
    everything = np.vstack([*outlines, *lines])
    low = np.clip(np.floor(everything.min(axis=0) - width - 1).astype(int), 0, size)
    high = np.clip(np.ceil(everything.max(axis=0) + width + 1).astype(int), 0, size)
    if (low >= high).any():
        return mask
    picture = Image.new("L", tuple((high - low) * _FINE))
    pen = ImageDraw.Draw(picture)
    for outline in outlines:
        pen.polygon(((outline - low) * _FINE).ravel().tolist(), fill=255)
    for line in lines:
        pen.line(((line - low) * _FINE).ravel().tolist(), fill=255, width=max(1, round(width * _FINE)))
    mask[low[1] : high[1], low[0] : high[0]] = np.asarray(picture.reduce(_FINE), np.float32) / 255
    return mask


def tint(photo: Field, mask: Field, colour: ArrayLike, opacity: float = 1.0) -> None:
    """Mix a colour (3,) or a picture (size, size, 3) into a photo, as much as the mask says."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if rows.size:
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        paint = np.asarray(colour, np.float32)
        paint = paint[box] if paint.ndim == 3 else paint
        photo[box] += opacity * mask[box][..., None] * (paint - photo[box])


class Canvas:
    """A photo (size, size, 3) in 0..1 and the share of every class at each pixel, (11, size, size).

    It knows who is painted and how the head is turned: masks are asked for in face coordinates.
    """

    def __init__(self, background: Field, pose: Pose, look: Look):
        self.size, self.pose, self.look = pose.size, pose, look
        self.x, self.y = pose.grid()
        self.photo = background.astype(np.float32)
        self.shares = np.zeros((len(HELEN_CLASSES), self.size, self.size), np.float32)
        self.shares[0] = 1

    def mask(self, *outlines: ArrayLike, lift: float = 0.0, depth: float | None = None) -> Field:
        """Share of each pixel inside outlines in face coordinates."""
        return coverage(self.size, [self.pose.place(outline, lift, depth) for outline in outlines])

    def lines(self, *curves: Points, width: float, lift: float = 0.0, depth: float | None = None) -> Field:
        """Share of each pixel on lines in face coordinates."""
        ends = np.cumsum([len(curve) for curve in curves])[:-1]
        placed = np.split(self.pose.place(np.vstack(curves), lift, depth), ends)
        return coverage(self.size, [], placed, width * self.pose.scale)

    def share(self, name: str) -> Field:
        """What class `name` has of each pixel so far."""
        return self.shares[HELEN_CLASSES.index(name)]

    def tint(self, mask: Field, colour: ArrayLike, opacity: float = 1.0) -> None:
        """Paint without a change of class: shadows, make-up, the iris of an eye."""
        tint(self.photo, mask, colour, opacity)

    def paint(self, mask: Field, colour: ArrayLike, name: str, opacity: float = 1.0) -> None:
        """Paint a part of class `name`: what it covers of a pixel belongs to that class from now on."""
        self.tint(mask, colour, opacity)
        self.shares *= 1 - mask
        self.share(name)[...] += mask
