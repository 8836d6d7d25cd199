"""Smooth outlines and smooth chance: the vocabulary that the parts of a made-up face are written in.

Face coordinates: the unit is the distance between the eyes, the origin lies between them, y points down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
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


def frayed(curve: Points, rng: np.random.Generator, depth: float, period: int = 4) -> Points:
    """A curve whose points are pushed along its normals: every `period`-th one is the tip of a spike."""
    normal = np.gradient(curve, axis=0)[:, ::-1] * (1, -1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    push = rng.normal(0, 0.15, len(curve))
    push[::period] += rng.uniform(0.3, 1.0, len(push[::period]))
    return curve + depth * push[:, None] * normal


def noise(size: int, cells: float, rng: np.random.Generator) -> Field:
    """Smooth noise (size, size) with about `cells` bumps a side, mean 0, deviation about 1."""
    count = int(max(2, round(cells)))
    coarse = Image.fromarray(rng.standard_normal((count, count)).astype(np.float32))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))
