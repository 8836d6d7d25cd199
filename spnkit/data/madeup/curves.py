"""Smooth outlines and smooth chance: the vocabulary that the parts of a made-up face are written in.

Face coordinates: the unit is the distance between the eyes, the origin lies between them, y points down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageFilter
from scipy.interpolate import CubicSpline

Points = NDArray[np.floating]
Field = NDArray[np.floating]


def smooth(points: ArrayLike, closed: bool = True, count: int = 120) -> Points:
    """`count` points (count, 2) on a smooth curve through the given ones."""
    knots = np.asarray(points, float)
    if closed:
        knots = np.vstack([knots, knots[:1]])
    steps = np.sqrt(np.linalg.norm(np.diff(knots, axis=0), axis=1))  # centripetal: no loops at tight corners
    at = np.concatenate([[0], np.cumsum(steps)])
    curve = CubicSpline(at, knots, bc_type="periodic" if closed else "natural")
    return curve(np.linspace(0, at[-1], count, endpoint=not closed))


def mirrored(half: ArrayLike) -> Points:
    """A symmetric outline from its right half, given from top to bottom."""
    right = np.asarray(half, float)
    left = right[::-1] * (-1, 1)
    return np.vstack([right, left[np.abs(left[:, 0]) > 1e-9]])


def between(above: Points, below: Points) -> Points:
    """The outline of the region between two curves that run the same way."""
    return np.vstack([above, below[::-1]])


def disc(centre: ArrayLike, radius: float) -> Points:
    """A circle."""
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    return np.asarray(centre) + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def frayed(curve: Points, rng: np.random.Generator, depth: ArrayLike, step: float) -> Points:
    """A curve with pointed locks of uneven width (about `step` points) and height (up to `depth`)."""
    normal = np.gradient(curve, axis=0)[:, ::-1] * (1, -1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    knots = np.cumsum(rng.uniform(0.3, 1.7, int(2 * len(curve) / step)) * step)
    heights = np.where(np.arange(len(knots)) % 2, rng.uniform(0.2, 1, len(knots)), rng.uniform(-0.2, 0.1, len(knots)))
    push = np.interp(np.arange(len(curve)), knots, heights)
    return curve + (np.asarray(depth) * push)[:, None] * normal


def noise(size: int, cells: float, rng: np.random.Generator) -> Field:
    """Smooth noise (size, size) with about `cells` bumps a side, mean 0, deviation about 1."""
    count = int(max(2, round(cells)))
    coarse = Image.fromarray(rng.standard_normal((count, count)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def blob(x: Field, y: Field, centre: tuple[float, float], width: float, height: float) -> Field:
    """A soft spot of peak 1 in face coordinates: cheeks, sockets, highlights."""
    return np.exp(-(((x - centre[0]) / width) ** 2) - ((y - centre[1]) / height) ** 2)


def blurred(picture: Field, radius: float) -> Field:
    """A picture or mask in 0..1, out of focus."""
    sharp = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    return np.asarray(sharp.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255
