"""Hair: an outline for each style, and strands that flow from the parting."""

from __future__ import annotations

import numpy as np

from spnkit.data.madeup.canvas import Canvas, coverage
from spnkit.data.madeup.curves import Field, Points, frayed, mirrored, noise, smooth
from spnkit.data.madeup.look import Look
from spnkit.data.madeup.pose import Pose

_LENGTH = {"long": (1.7, 3.0), "bob": (1.0, 1.6), "fringe": (0.9, 2.8), "curly": (0.6, 1.8)}  # below the eyes
_HAIRLINE = {"receding": (-1.42, -1.28), "fringe": (-0.62, -0.42)}  # height at the middle of the forehead


class Hair:
    """The hair of one person: painted behind the head first, before the face last."""

    def __init__(self, pose: Pose, look: Look, rng: np.random.Generator):
        self.pose, self.look, self.rng = pose, look, rng
        self.volume = rng.uniform(0.02, 0.1) if look.style in ("receding", "tied") else rng.uniform(0.1, 0.28)
        self.parting = rng.choice([0.0, -0.45, 0.45]) + rng.normal(0, 0.05)
        self.field = self._strands()

    def paint_back(self, canvas: Canvas) -> None:
        """What falls behind the face and the neck."""
        if self.look.style not in _LENGTH:
            return
        end = self.rng.uniform(*_LENGTH[self.look.style])
        flare = self.rng.uniform(-0.05, 0.3)
        w = 1.12 + self.volume
        half = [(0, -1.62 - self.volume), (w * 0.75, -1.2 - self.volume * 0.6), (w, -0.3), (w + 0.05, 0.6)]
        half += [(w + flare, end - 0.2), (w * 0.75 + flare * 0.7, end), (0, end + 0.1)]
        depth = 0.12 if self.look.style == "curly" else 0.05
        outline = frayed(smooth(mirrored(half), count=260), self.rng, -depth, 5)
        mask = coverage(canvas.size, [self.pose.place(outline, depth=0.1)])
        canvas.paint(mask, self.field * 0.62, "hair")

    def paint_front(self, canvas: Canvas) -> None:
        """Crown, hairline or fringe, side locks and loose strands."""
        if self.look.style == "bald":
            return
        outer, line = self._outer(), self._hairline()
        outline = np.vstack([frayed(outer, self.rng, -0.05, 5), line])
        wisps = [
            (self.pose.place(w, depth=0.5), self.pose.scale * self.rng.uniform(0.008, 0.02))
            for w in self._wisps(line)
        ]
        mask = coverage(canvas.size, [self.pose.place(outline, depth=0.45)], wisps)
        shadow = np.roll(
            mask, (round(0.07 * self.pose.scale), round(-0.06 * self.pose.light[0] * self.pose.scale)), (0, 1)
        )
        canvas.tint(shadow * canvas.shares[1], self.look.skin * (0.5, 0.4, 0.38), 0.35)
        canvas.paint(mask, self.field, "hair")

    def _outer(self) -> Points:
        v = self.volume
        low = self.rng.uniform(0.0, 0.3)
        if self.look.style in ("long", "bob"):
            low = self.rng.uniform(0.5, 1.3)
        right = [
            (0, -1.6 - v),
            (0.62, -1.5 - v * 0.9),
            (1.02 + v * 0.6, -0.95 - v * 0.4),
            (1.14 + v, -0.3),
            (1.13 + v * 0.8, low),
        ]
        self.low = low
        left = [(-x, y) for x, y in right[::-1]]
        return smooth(left[:-1] + right, closed=False, count=200)

    def _hairline(self) -> Points:
        """From the right temple over the forehead to the left one."""
        middle = self.rng.uniform(*_HAIRLINE.get(self.look.style, (-1.12, -0.95)))
        inset = self.rng.uniform(0.10, 0.26) if self.look.style in ("long", "bob") else 0.06
        temple = 1.06 - inset
        p = self.parting
        right = [
            (temple, self.low),
            (temple - 0.04, -0.25),
            (temple - 0.2, middle * 0.72),
            (0.4 + p * 0.5, middle * 0.97),
        ]
        left = [
            (-0.4 + p * 0.5, middle * 0.97),
            (-temple + 0.2, middle * 0.72),
            (-temple + 0.04, -0.25),
            (-temple, self.low),
        ]
        if self.look.style == "fringe":
            right[2:] = [(temple - 0.12, middle + 0.05), (0.35, middle)]
            left[:2] = [(-0.35, middle), (-temple + 0.12, middle + 0.05)]
        line = smooth([*right, (p * 0.6, middle), *left], closed=False, count=150)
        return frayed(
            line,
            self.rng,
            0.13 if self.look.style == "fringe" else 0.05,
            6 if self.look.style == "fringe" else 3,
        )

    def _wisps(self, line: Points) -> list[Points]:
        """Single strands that hang over the forehead and the temples."""
        count = {"receding": 4, "tied": 8}.get(self.look.style, 22)
        wisps = []
        for root in line[self.rng.integers(5, len(line) - 5, count)]:
            away = np.array([root[0] * 0.35 + self.rng.normal(0, 0.12), self.rng.uniform(0.12, 0.32)])
            bend = self.rng.normal(0, 0.08)
            wisps.append(smooth([root - 0.2 * away, root + 0.5 * away + (bend, 0), root + away], False, 12))
        return wisps

    def _strands(self) -> Field:
        """Colour of the hair at every pixel: light and dark lines along its flow, and a band of shine."""
        size, rng = self.pose.size, self.rng
        x, y = self.pose.grid()
        radius = np.hypot(x - self.parting * 0.6, y + 0.9)
        angle = np.arctan2(x - self.parting * 0.6, -(y + 0.9)) + 0.05 * noise(size, 5, rng)
        angle += rng.uniform(0, 0.06) * np.sin(radius * rng.uniform(4, 9) + rng.uniform(0, 6))
        texture = sum(a * _lookup(angle * f, rng) for a, f in ((0.10, 9), (0.10, 28), (0.09, 70)))
        if self.look.style == "curly":
            texture = 0.5 * texture + 0.12 * noise(size, 40, rng) + 0.08 * noise(size, 80, rng)
        shine = np.exp(-(((radius - rng.uniform(0.65, 0.9)) / 0.22) ** 2)) * (0.5 + 2 * texture)
        light = 0.55 + 0.45 * self.pose.shade(x, y)
        colour = self.look.hair * ((1 + 1.6 * texture) * light)[..., None]
        return np.clip(colour + 0.22 * np.clip(shine, 0, 1)[..., None] * (0.4 + self.look.hair), 0, 1).astype(
            np.float32
        )


def _lookup(at: Field, rng: np.random.Generator) -> Field:
    """Smooth noise along one axis, read at `at`."""
    values = rng.standard_normal(512).astype(np.float32)
    return np.interp(at, np.arange(-256, 256), values).astype(np.float32)
