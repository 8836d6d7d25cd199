"""Nose and mouth."""

from __future__ import annotations

import numpy as np

from spnkit.data.madeup.canvas import Canvas
from spnkit.data.madeup.curves import Field, Points, between, blob, blurred, disc, mirrored, smooth


def paint_nose(canvas: Canvas, skin: Field, rng: np.random.Generator) -> None:
    """The nose stands out by its shaded side, the shadow below it, and its nostrils."""
    wing, tip, bridge = rng.uniform(0.25, 0.35), rng.uniform(0.60, 0.70), rng.uniform(0.09, 0.13)
    half = [(0, -0.08), (bridge, 0), (bridge, 0.2), (wing * 0.62, tip - 0.2), (wing, tip - 0.1)]
    half += [(wing * 0.95, tip + 0.01), (wing * 0.55, tip + 0.04), (0, tip + 0.09)]
    outline = smooth(mirrored(half))
    below = canvas.mask(outline * (0.95, 1) + (-0.06 * canvas.pose.light[0], 0.07), lift=0.12)
    shadow = blurred(below, canvas.pose.scale * 0.04) * (canvas.y > 0.3)
    canvas.tint(shadow, canvas.look.skin * (0.5, 0.4, 0.38), 0.5)
    canvas.paint(canvas.mask(outline, lift=0.12), _lit_nose(canvas, skin, wing, tip), "nose")
    for sign in (-1, 1):
        _paint_nostril(canvas, sign, wing, tip)


def _lit_nose(canvas: Canvas, skin: Field, wing: float, tip: float) -> Field:
    toward = canvas.pose.lit_side
    x = canvas.x - 0.25 * canvas.pose.turn * np.clip(canvas.y / tip, 0, 1)
    side = np.clip(x / wing, -1, 1) * toward
    dark = 0.2 * np.clip(-side, 0, 1) + 0.10 * np.abs(side) ** 3
    shine = 0.13 * blob(x, canvas.y, (0.02 * toward, tip - 0.12), 0.09, 0.1) + 0.05 * np.exp(-((x / 0.05) ** 2))
    return np.clip(skin * (1 - dark)[..., None] + shine[..., None], 0, 1)


def _paint_nostril(canvas: Canvas, sign: int, wing: float, tip: float) -> None:
    hole = [(0.30, 0.02), (0.55, -0.04), (0.78, 0.01), (0.55, 0.045)]
    inside = canvas.mask(smooth([(sign * wing * a, tip + b) for a, b in hole]), lift=0.15)
    canvas.tint(inside, canvas.look.skin * (0.25, 0.16, 0.15), 0.85)
    bend = [(0.9, -0.16), (1.03, -0.06), (0.85, 0.03)]
    crease = smooth([(sign * wing * a, tip + b) for a, b in bend], closed=False)
    canvas.tint(canvas.lines(crease, width=0.018, lift=0.12), canvas.look.skin * 0.5, 0.5)


def paint_mouth(canvas: Canvas, rng: np.random.Generator) -> None:
    """Two lips around a mouth that is open, with teeth, in about two faces of three."""
    top, inner_top, inner_bottom, bottom = _lips(rng)
    is_open = bool((inner_bottom > inner_top).any())
    if is_open:
        _paint_inside(canvas, inner_top, inner_bottom, rng)
    canvas.paint(canvas.mask(between(top, inner_top), lift=0.05), canvas.look.lip * 0.86, "upper_lip")
    x = canvas.x - 0.2 * canvas.pose.turn
    low, half = bottom.max(axis=0)[::-1].tolist()
    gloss = (0.06 + 0.12 * canvas.look.makeup) * blob(x, canvas.y, (0, low - 0.08), half * 0.4, 0.03)
    lower = np.clip(canvas.look.lip + gloss[..., None], 0, 1)
    canvas.paint(canvas.mask(between(inner_bottom, bottom), lift=0.05), lower, "lower_lip")
    seam = canvas.lines(inner_top, width=0.012 if is_open else 0.025, lift=0.05)
    canvas.tint(seam, canvas.look.lip * 0.3, 0.8)
    below = blob(x, canvas.y, (0, low + 0.07), 0.25, 0.05) * canvas.share("face_skin")
    canvas.tint(below, canvas.look.skin * 0.5, 0.3)


def _lips(rng: np.random.Generator) -> list[Points]:
    """Four curves from corner to corner: the upper lip's two edges, then the lower lip's."""
    half, middle = rng.uniform(0.36, 0.47), rng.uniform(1.08, 1.18)
    upper, lower = rng.uniform(0.09, 0.14), rng.uniform(0.12, 0.18)
    gap = rng.uniform(0.06, 0.26) if rng.random() < 0.65 else 0.0
    smile, bow = rng.normal(0.07, 0.045), rng.uniform(0.02, 0.05)
    s = np.linspace(-1, 1, 48)
    hump, dip = np.cos(np.pi * s / 2), np.exp(-((s / 0.18) ** 2))
    seam = middle - smile * s**2
    inner_top = seam - 0.35 * gap * hump + (0.0 if gap else 0.03 * dip)
    inner_bottom = np.maximum(inner_top, seam + 0.65 * gap * hump)
    top = np.minimum(inner_top, seam - 0.35 * gap * hump - upper * hump**0.75 + bow * dip)
    bottom = inner_bottom + lower * hump**0.85
    return [np.stack([half * s, y], axis=1) for y in (top, inner_top, inner_bottom, bottom)]


def _paint_inside(canvas: Canvas, top: Points, bottom: Points, rng: np.random.Generator) -> None:
    """Dark, with a tongue behind the upper teeth."""
    inside = canvas.mask(between(top, bottom), lift=0.05)
    canvas.paint(inside, (0.22, 0.05, 0.06), "inner_mouth")
    gap, half = float((bottom - top)[:, 1].max()), float(top[:, 0].max())
    tongue = inside * canvas.mask(disc((0, bottom[:, 1].max() + 0.25 * half), half * 0.5), lift=0.05)
    canvas.tint(tongue, (0.70, 0.30, 0.30), 0.7)
    long = np.minimum(0.6 * (bottom - top), 0.11)
    teeth = inside * canvas.mask(between(top, top + long), lift=0.05)
    canvas.tint(teeth, np.array([0.93, 0.90, 0.84]) * rng.uniform(0.85, 1.02), 0.95)
    gaps = [np.array([(x, top[:, 1].min()), (x, top[:, 1].max() + gap)]) for x in half * np.linspace(-0.75, 0.75, 8)]
    canvas.tint(teeth * canvas.lines(*gaps, width=0.01, lift=0.05), (0.6, 0.5, 0.45), 0.5)
