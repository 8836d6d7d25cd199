"""Eyes, brows and glasses."""

from __future__ import annotations

import numpy as np

from spnkit.data.madeup.canvas import Canvas
from spnkit.data.madeup.curves import Points, between, blob, disc, frayed, smooth

_SIDES = (("left", -1), ("right", 1))
_WHITE = np.array([0.99, 0.96, 0.94], np.float32)


def paint_eyes(canvas: Canvas, rng: np.random.Generator) -> None:
    """Both eyes, alike in shape, looking the same way."""
    width, upper, lower = rng.uniform(0.27, 0.31), rng.uniform(0.10, 0.15), rng.uniform(0.055, 0.08)
    slant, fold, rim = rng.normal(0.02, 0.03), rng.uniform(0.03, 0.07), rng.uniform(0.022, 0.04)
    gaze, iris = rng.normal(0, 0.035, 2) * (1, 0.4), rng.uniform(0.115, 0.13)
    t = np.linspace(0, 1, 40)
    s = 2 * t - 1  # from the inner corner outwards
    upper_lid = np.stack([width * s, -slant * s - upper * np.sin(np.pi * t**0.85) ** 0.8], axis=1)
    lower_lid = np.stack([width * s, -slant * s + lower * np.sin(np.pi * t**1.2) ** 0.9], axis=1)
    for side, sign in _SIDES:
        above, below = _beside(upper_lid, sign), _beside(lower_lid, sign)
        lashes = [_beside(lash, sign) for lash in _lashes(upper_lid, canvas.look.makeup, rng)]
        _shade_lid(canvas, above, fold)
        opening = canvas.mask(between(above, below))
        _paint_ball(canvas, opening, side, sign)
        middle = np.array([0.5 * sign + gaze[0], gaze[1] - 0.45 * (upper - lower)])
        _paint_iris(canvas, opening, middle, iris)
        margin = np.maximum(canvas.lines(above, width=rim), canvas.lines(*lashes, width=0.012))
        canvas.paint(margin, canvas.look.brow * 0.35, f"{side}_eye", 0.9)
        canvas.tint(canvas.lines(below, width=0.014), canvas.look.skin * 0.5, 0.7)


def _beside(points: Points, sign: int) -> Points:
    """From the eye's own coordinates, x outwards, to the face's."""
    return points * (sign, 1) + (0.5 * sign, 0)


def _shade_lid(canvas: Canvas, lid: Points, fold: float) -> None:
    crease = lid[4:-2] - (0, fold)
    shadow = canvas.mask(between(crease - (0, 0.05), lid))
    canvas.tint(shadow, canvas.look.skin * (0.75, 0.6, 0.6), 0.2 + 0.4 * canvas.look.makeup)
    canvas.tint(canvas.lines(crease, width=0.016), canvas.look.skin * 0.5, 0.6)


def _paint_ball(canvas: Canvas, opening: np.ndarray, side: str, sign: int) -> None:
    """White of the eye: rounded, and in the shadow of the upper lid."""
    light = 0.55 + 0.4 * blob(canvas.x, canvas.y, (0.5 * sign + 0.3 * canvas.pose.turn, 0.03), 0.35, 0.12)
    canvas.paint(opening, light[..., None] * _WHITE, f"{side}_eye")


def _paint_iris(canvas: Canvas, opening: np.ndarray, middle: np.ndarray, radius: float) -> None:
    colour = canvas.look.iris
    for share, paint in ((1, colour * 0.45), (0.88, colour), (0.45, colour * 0.08)):
        canvas.tint(opening * canvas.mask(disc(middle, radius * share)), paint)
    glow = disc(np.add(middle, (0, radius * 0.35)), radius * 0.5)
    canvas.tint(opening * canvas.mask(glow), colour * 1.6 + 0.05, 0.25)
    glint = disc(np.add(middle, (0.04 * canvas.pose.lit_side, -0.045)), radius * 0.22)
    canvas.tint(opening * canvas.mask(glint), (1, 1, 1), 0.9)


def _lashes(lid: Points, makeup: float, rng: np.random.Generator) -> list[Points]:
    roots = lid[rng.choice(np.arange(8, len(lid)), 8 + int(10 * makeup))]
    lean = np.stack([2 * roots[:, 0] + 0.2, -np.ones(len(roots))], axis=1)
    tips = roots + lean * (0.035 + 0.05 * makeup) * rng.uniform(0.6, 1.1, (len(roots), 1))
    return list(np.stack([roots, tips], axis=1))


def paint_brows(canvas: Canvas, rng: np.random.Generator) -> None:
    """Tapered arcs with frayed edges and single hairs."""
    height, thick = rng.uniform(0.36, 0.46), rng.uniform(0.045, 0.085) * (1 - 0.25 * canvas.look.makeup)
    arch, slant, reach = rng.uniform(0.04, 0.15), rng.normal(-0.01, 0.03), rng.uniform(0.34, 0.41)
    t = np.linspace(0, 1, 60)
    s = 2 * t - 1
    y = -height - slant * s - arch * np.sin(np.pi * t**1.2) + 0.07 * t**3
    half = thick * np.minimum(1, 3.5 * t + 0.5) * (1 - 0.8 * t**2)
    strength = rng.uniform(0.7, 0.9)
    for side, sign in _SIDES:
        spine = np.stack([reach * s + 0.03, y + rng.normal(0, 0.01)], axis=1)
        edge = half[:, None] * (0, 1)
        outline = frayed(between(spine - edge, spine + edge), rng, 0.03, 4)
        hairs = [_beside(hair, sign) for hair in _brow_hairs(spine, half, rng)]
        mask = np.maximum(canvas.mask(_beside(outline, sign)), canvas.lines(*hairs[::3], width=0.014))
        canvas.paint(mask, canvas.look.brow, f"{side}_brow", strength)
        canvas.tint(canvas.lines(*hairs, width=0.012), canvas.look.brow * 0.55, 0.6)


def _brow_hairs(spine: Points, half: np.ndarray, rng: np.random.Generator) -> list[Points]:
    at = rng.integers(0, len(spine) - 6, 46)
    across = rng.uniform(-1, 1, len(at))
    roots = spine[at] + np.stack([np.zeros(len(at)), across * half[at]], axis=1)
    lean = np.stack([np.full(len(at), 0.09), -0.10 * (1 - at / len(spine)) + 0.02 * across], axis=1)
    return list(np.stack([roots, roots + lean * rng.uniform(0.6, 1.1, (len(at), 1))], axis=1))


def paint_glasses(canvas: Canvas, rng: np.random.Generator) -> None:
    """Thin frames: they belong to whatever they cover."""
    w, h, drop = rng.uniform(0.36, 0.42), rng.uniform(0.24, 0.36), rng.uniform(0.03, 0.08)
    corners = np.array([(-w, -0.8 * h), (0, -h), (w, -0.8 * h), (w, 0.4 * h), (0, h), (-w, 0.5 * h)])
    colour, width = rng.uniform(0.03, 0.45, 3), rng.uniform(0.02, 0.045)
    bridge = smooth([(-0.5 + w, drop - 0.1), (0, drop - 0.16), (0.5 - w, drop - 0.1)], closed=False)
    curves = [bridge]
    for _, sign in _SIDES:
        rim = _beside(smooth(corners + np.array([0, drop])), sign)
        curves += [
            np.vstack([rim, rim[:1]]),
            np.array([(sign * (0.5 + w), drop - 0.1), (sign * 1.1, drop - 0.15)]),
        ]
    canvas.tint(canvas.lines(*curves, width=width, lift=0.12), colour, 0.9)
