"""Hair: an outline for each style, and strands that flow from the parting."""

from __future__ import annotations

import numpy as np

from spnkit.data.madeup.canvas import Canvas
from spnkit.data.madeup.curves import Field, Points, blob, frayed, mirrored, noise, smooth


class Hair:
    """The hair of one person: `paint_back` before the head, `paint_front` after the face."""

    def __init__(self, canvas: Canvas, rng: np.random.Generator):
        self.canvas, self.style, self.rng = canvas, canvas.look.style, rng
        self.volume = rng.uniform(*self.style.volume)
        self.parting = rng.choice([0.0, -0.4, 0.4]) + rng.normal(0, 0.05)
        self.temple = rng.uniform(*self.style.locks)
        self.colour = self._strands()

    def paint_back(self) -> None:
        """What falls behind the face and the neck; darker there."""
        if self.style.length is None:
            return
        end, flare, w = self.rng.uniform(*self.style.length), self.rng.uniform(-0.1, 0.3), 1.12 + self.volume
        half = [(0, -1.6 - self.volume), (w * 0.75, -1.2 - self.volume * 0.6), (w, -0.3), (w + 0.05, 0.6)]
        half += [(w + flare, end - 0.25), (w * 0.75 + flare * 0.7, end), (0, end + 0.1)]
        curve = smooth(mirrored(half), count=400)
        depth = self.style.fray * (0.5 + 1.5 * np.clip(curve[:, 1] - 0.3, 0, 2))
        dark = 0.5 * blob(self.canvas.x, self.canvas.y, (0, 1.1), 1.0, 1.3)
        mask = self.canvas.mask(frayed(curve, self.rng, depth, 5), depth=0.1)
        self.canvas.paint(mask, self.colour * (1 - dark)[..., None], "hair")

    def paint_front(self) -> None:
        """Crown, hairline or fringe, side locks and loose strands."""
        if self.style.hairline is None:
            return
        canvas, rng = self.canvas, self.rng
        line = self._hairline(rng.uniform(*self.style.hairline))
        outline = np.vstack([frayed(self._crown(), rng, self.style.fray, 5), line])
        loose = self._loose(line)
        mask = np.maximum(canvas.mask(outline, depth=0.45), canvas.lines(*loose, width=0.012, depth=0.5))
        fall = (0.07 * canvas.pose.scale, -0.06 * canvas.pose.light[0] * canvas.pose.scale)
        shadow = np.roll(mask, np.round(fall).astype(int), (0, 1)) * canvas.share("face_skin")
        canvas.tint(shadow, canvas.look.skin * (0.5, 0.4, 0.38), 0.35)
        canvas.paint(mask, self.colour, "hair")

    def _crown(self) -> Points:
        """The outer edge, from the left temple over the top to the right one."""
        v = self.volume
        right = [(0.62, -1.46 - v * 0.9), (1.02 + v * 0.6, -0.92 - v * 0.4), (1.13 + v, -0.3)]
        right.append((1.09 + v * 0.8, self.temple))
        left = [(-x, y) for x, y in right[::-1]]
        return smooth([*left, (0, -1.57 - v), *right], closed=False, count=300)

    def _hairline(self, middle: float) -> Points:
        """From the right temple over the forehead to the left one; locks end in a point."""
        inset, p = self.rng.uniform(*self.style.inset), self.parting * 0.5
        side = [(1.05 + 0.5 * self.volume, self.temple), (1.02 - inset, 0.4 * self.temple - 0.25)]
        side.append((0.92 - inset, 0.7 * middle))
        left = [(-x, y) for x, y in side[::-1]]
        front = [(p + 0.38, middle + 0.02), (p, middle), (p - 0.38, middle + 0.02)]
        line = smooth([*side, *front, *left], closed=False, count=260)
        forehead = np.exp(-((line[:, 0] / 0.7) ** 2))
        return frayed(line, self.rng, 0.05 + (self.style.fringe - 0.05) * forehead, 6)

    def _loose(self, line: Points) -> list[Points]:
        """Single strands that hang from the hairline."""
        high = line[line[:, 1] < -0.3]
        roots = high[self.rng.integers(len(high), size=self.style.strands)]
        strands = []
        for root in roots:
            away = np.array([root[0] * 0.35 + self.rng.normal(0, 0.12), self.rng.uniform(0.12, 0.32)])
            bend = np.array([self.rng.normal(0, 0.06), 0])
            strands.append(smooth([root - 0.3 * away, root + 0.5 * away + bend, root + away], closed=False, count=12))
        return strands

    def _strands(self) -> Field:
        """Colour at every pixel: light and dark lines along the flow, and a band of shine."""
        x, y, rng = self.canvas.x - self.parting * 0.5, self.canvas.y + 1.5, self.rng
        radius = np.hypot(x, y)
        angle = np.arctan2(x, y + 0.25) + 0.05 * noise(self.canvas.size, 5, rng)
        angle += self.style.wave * np.sin(radius * rng.uniform(4, 9) + rng.uniform(0, 6))
        texture = sum(a * _along(angle * f, rng) for a, f in ((0.10, 8), (0.11, 26), (0.10, 70)))
        texture = texture + self.style.curl * (noise(self.canvas.size, 40, rng) + noise(self.canvas.size, 90, rng))
        shine = np.exp(-(((radius - rng.uniform(0.6, 0.9)) / 0.25) ** 2)) * np.clip(0.4 + 2 * texture, 0, 1)
        light = 0.6 + 0.45 * self.canvas.pose.shade(self.canvas.x, self.canvas.y)
        hair = self.canvas.look.hair
        return np.clip(hair * ((1 + 1.5 * texture) * light)[..., None] + 0.2 * shine[..., None] * (0.35 + hair), 0, 1)


def _along(at: Field, rng: np.random.Generator) -> Field:
    """Smooth noise along one axis, read at `at`."""
    values = rng.standard_normal(512)
    return np.interp(at, np.arange(-256, 256), values).astype(np.float32)
