"""A made-up portrait: scene, head and hair painted back to front, then seen through a camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spnkit.data.madeup.canvas import Canvas, coverage, tint
from spnkit.data.madeup.curves import Field, blob, blurred, mirrored, noise, smooth
from spnkit.data.madeup.eyes import paint_brows, paint_eyes, paint_glasses
from spnkit.data.madeup.hair import Hair
from spnkit.data.madeup.look import Look
from spnkit.data.madeup.nose_mouth import paint_mouth, paint_nose
from spnkit.data.madeup.pose import Pose

_WARMTH = np.array([0.0, 0.12, 0.14], np.float32)  # what shadow takes from green and blue
_ROSE = np.array([1.0, 0.55, 0.55], np.float32)


def portrait(size: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A photo (size, size, 3) and its eleven soft class masks (11, size, size), both uint8."""
    look, pose = Look.draw(rng), Pose.draw(size, rng)
    canvas = Canvas(_background(size, rng), pose, look)
    hair, skin = Hair(canvas, rng), _skin(canvas, rng)
    hair.paint_back()
    _paint_bust(canvas, skin, rng)
    _paint_head(canvas, skin)
    paint_mouth(canvas, rng)
    paint_nose(canvas, skin, rng)
    paint_eyes(canvas, rng)
    paint_brows(canvas, rng)
    if rng.random() < 0.12:
        paint_glasses(canvas, rng)
    hair.paint_front()
    return _camera(canvas.photo, rng), np.rint(canvas.shares * 255).astype(np.uint8)


def _background(size: int, rng: np.random.Generator) -> Field:
    """Clutter, more or less out of focus."""
    grey = rng.uniform(0.15, 0.9, (4, 4, 1))
    colours = np.clip(grey + rng.normal(0, 0.1, (4, 4, 3)), 0, 1)
    wall = Image.fromarray((colours * 255).astype(np.uint8)).resize((size, size), Image.Resampling.BICUBIC)
    scene = np.array(wall, np.float32) / 255
    for _ in range(rng.integers(3, 14)):
        turn = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
        radius = rng.uniform(0.05, 0.3) * size * rng.uniform(0.4, 1, len(turn))
        corners = rng.uniform(0, size, 2) + np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
        shape = smooth(corners) if rng.random() < 0.5 else corners
        colour = np.clip(rng.uniform(0.1, 0.9) + rng.normal(0, 0.15, 3), 0, 1)
        tint(scene, coverage(size, [shape]), colour, 0.8)
    return blurred(scene, size * rng.uniform(0.002, 0.03))


def _skin(canvas: Canvas, rng: np.random.Generator) -> Field:
    """Lit skin at every pixel, with blush and stubble."""
    x, y, look = canvas.x, canvas.y, canvas.look
    light = 0.54 + 0.54 * canvas.pose.shade(x, y) ** 1.2
    light += 0.015 * noise(canvas.size, 12, rng) + 0.012 * noise(canvas.size, 90, rng)
    light -= (0.10 + 0.08 * look.age) * blob(np.abs(x), y, (0.5, -0.1), 0.34, 0.22)
    light += 0.06 * blob(np.abs(x), y, (0.62, 0.45), 0.3, 0.25)
    light += 0.07 * blob(x, y, (0.2 * canvas.pose.lit_side, -0.8), 0.5, 0.25)
    warm = np.clip(1 - light, 0, 1)[..., None] * _WARMTH
    skin = look.skin * light[..., None] * (1 - warm)
    blush = (0.10 + 0.18 * look.makeup) * blob(np.abs(x), y, (0.68, 0.5), 0.33, 0.26)
    skin += blush[..., None] * (look.skin * _ROSE - 0.9 * skin)
    beard = np.clip(blob(x, y, (0, 1.45), 0.95, 0.6) - 0.55 * blob(x, y, (0, 0.75), 0.8, 0.3), 0, 1)
    apart = rng.spawn(1)[0]  # so that the person does not depend on the number of pixels
    grain = 0.75 + 0.25 * apart.random((canvas.size, canvas.size), np.float32)
    skin += (0.55 * look.stubble * beard * grain)[..., None] * (look.brow - skin)
    return np.clip(skin, 0, 1)


def _paint_bust(canvas: Canvas, skin: Field, rng: np.random.Generator) -> None:
    """Neck, clothes and ears: all background to HELEN."""
    neck = mirrored([(0.64, 0.8), (0.62, 1.7), (0.74, 2.2), (1.6, 2.5), (1.8, 4), (0, 4)])
    column = canvas.mask(smooth(neck), depth=0.2)
    canvas.paint(column, skin * 0.85, "background")
    canvas.tint(column * blob(canvas.x, canvas.y, (0, 1.75), 0.9, 0.35), canvas.look.skin * 0.35, 0.6)
    collar = rng.uniform(2.1, 2.6)
    cloth = mirrored([(0, collar), (0.5, collar - 0.1), (0.85, 2.15), (1.9, 2.4), (2.6, 3), (2.8, 5), (0, 5)])
    weave = 0.8 + 0.08 * noise(canvas.size, 10, rng)[..., None]
    canvas.paint(canvas.mask(smooth(cloth), depth=0.3), rng.uniform(0.05, 0.9, 3) * weave, "background")
    ear = np.array([(1.0, -0.15), (1.18, -0.2), (1.24, 0.05), (1.16, 0.4), (1.05, 0.55), (0.95, 0.4)])
    for sign in (-1, 1):
        outer = ear * (sign * canvas.look.width, 1)
        inner = (ear - (1, 0.15)) * (0.6 * sign, 0.6) + (1.02 * sign * canvas.look.width, 0.15)
        canvas.paint(canvas.mask(smooth(outer), depth=0.0), skin * 0.88, "background")
        canvas.tint(canvas.mask(smooth(inner), depth=0.0), canvas.look.skin * 0.5, 0.4)


def _paint_head(canvas: Canvas, skin: Field) -> None:
    """The bare head, and the folds that come with age."""
    look = canvas.look
    w, j, c = look.width, look.jaw, look.chin
    half = [(0, -1.5), (0.6 * w, -1.36), (0.98 * w, -0.85), (1.08 * w, -0.2), (1.05 * w, 0.4)]
    half += [(0.91 * w * j, 1.0), (0.62 * j, 1.5), (0.28 * j, c - 0.04), (0, c)]
    canvas.paint(canvas.mask(smooth(mirrored(half), count=200)), skin, "face_skin")
    folds = [smooth([(s * 0.36, 0.62), (s * 0.5, 0.85), (s * 0.56, 1.1)], closed=False) for s in (-1, 1)]
    soft = blurred(canvas.lines(*folds, width=0.05), 0.03 * canvas.pose.scale)
    canvas.tint(soft, look.skin * (0.55, 0.42, 0.4), 0.15 + 0.55 * look.age)


def _camera(photo: Field, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Colour cast, exposure, slight blur and grain."""
    cast = (rng.normal(1, 0.035, 3) * rng.uniform(0.85, 1.15)).astype(np.float32)
    exposed = np.clip(photo * cast, 0, 1) ** rng.uniform(0.85, 1.15)
    seen = 255 * blurred(exposed, len(photo) / 512 * rng.uniform(0.2, 0.9))
    seen += rng.uniform(1, 5) * rng.standard_normal(photo.shape, np.float32)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)
