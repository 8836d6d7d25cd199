"""Where the head is in the picture and how it is turned and lit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from spnkit.data.madeup.curves import Field, Points

_HEAD = (1.15, 1.85, 0.95)  # half axes of the head's ellipsoid in face coordinates
_MIDDLE = 0.2  # its centre lies a little below the eyes


@dataclass(frozen=True)
class Pose:
    """A head in a square picture; `scale` is the distance between the eyes in pixels, angles in radians."""

    size: int
    scale: float
    centre: tuple[float, float]
    tilt: float
    yaw: float
    nod: float
    light: tuple[float, ...]

    @classmethod
    def draw(cls, size: int, rng: np.random.Generator) -> Pose:
        """A head that fills the picture, roughly upright and roughly frontal."""
        light = np.array([rng.normal(0, 0.55), rng.uniform(-0.8, 0.1), 0.9])
        return cls(
            size=size,
            scale=size * rng.uniform(0.225, 0.26),
            centre=(size * rng.normal(0.5, 0.015), size * rng.normal(0.465, 0.015)),
            tilt=rng.normal(0, 0.09),
            yaw=float(np.clip(rng.normal(0, 0.17), -0.4, 0.4)),
            nod=float(np.clip(rng.normal(0, 0.07), -0.15, 0.15)),
            light=tuple((light / np.linalg.norm(light)).tolist()),
        )

    @property
    def turn(self) -> float:
        """How far what stands out of the face moves aside, per unit of height."""
        return math.sin(self.yaw)

    @property
    def lit_side(self) -> float:
        """-1 where the light comes from the left, else 1."""
        return 1.0 if self.light[0] > 0 else -1.0

    def place(self, points: ArrayLike, lift: float = 0.0, depth: float | None = None) -> Points:
        """Face coordinates (n, 2) to pixels; `lift` is height over the face, `depth` replaces both."""
        x, y = np.asarray(points, float).T
        z = _surface(x, y) + lift if depth is None else np.full_like(x, depth)
        middle = _HEAD[2] * 0.6
        u = x * np.cos(self.yaw) + (z - middle) * np.sin(self.yaw)
        v = y * np.cos(self.nod) + (z - middle) * np.sin(self.nod)
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        turned = np.stack([cos * u - sin * v, sin * u + cos * v], axis=1)
        return np.asarray(self.centre) + self.scale * turned

    def grid(self) -> tuple[Field, Field]:
        """Face coordinates x and y of every pixel, the turn of the head left out."""
        v, u = np.mgrid[: self.size, : self.size].astype(np.float32) + np.float32(0.5)
        u, v = (u - self.centre[0]) / self.scale, (v - self.centre[1]) / self.scale
        cos, sin = math.cos(self.tilt), math.sin(self.tilt)
        return cos * u + sin * v, cos * v - sin * u

    def shade(self, x: Field, y: Field) -> Field:
        """Diffuse light on the head's ellipsoid, 0 (turned away) to 1."""
        z = np.sqrt(np.maximum(0.02, 1 - (x / 1.35) ** 2 - ((y - _MIDDLE) / 2.2) ** 2))
        normal = x / 1.35 * 0.9, (y - _MIDDLE) / 2.2 * 0.6, z
        dot = sum(n * ray for n, ray in zip(normal, self.light, strict=True))
        return np.clip(dot / np.sqrt(sum(n * n for n in normal)), 0, 1)


def _surface(x: Points, y: Points) -> Points:
    rest = 1 - (x / _HEAD[0]) ** 2 - ((y - _MIDDLE) / _HEAD[1]) ** 2
    return _HEAD[2] * np.sqrt(np.maximum(0, rest))
