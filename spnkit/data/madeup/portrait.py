"""A made-up portrait: scene, head and hair painted back to front, then seen through a camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from spnkit.data.madeup.canvas import Canvas, coverage
from spnkit.data.madeup.curves import Field, mirrored, noise, smooth
from spnkit.data.madeup.features import paint_brows, paint_eyes, paint_mouth, paint_nose
from spnkit.data.madeup.hair import Hair
from spnkit.data.madeup.look import Look
from spnkit.data.madeup.pose import Pose, blob


def portrait(size: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A photo (size, size, 3) and its eleven soft class masks (11, size, size), both uint8."""
    look, pose = Look.draw(rng), Pose.draw(size, rng)
    canvas = Canvas(_background(size, rng))
    hair = Hair(pose, look, rng)
    hair.paint_back(canvas)
    skin = _skin(pose, look, rng)
    _paint_bust(canvas, pose, look, skin, rng)
    _paint_head(canvas, pose, look, skin)
    paint_mouth(canvas, pose, look, rng)
    paint_nose(canvas, pose, look, rng, skin)
    paint_eyes(canvas, pose, look, rng)
    paint_brows(canvas, pose, look, rng)
    hair.paint_front(canvas)
    return _camera(canvas.photo, rng), np.rint(canvas.shares * 255).astype(np.uint8)


def _background(size: int, rng: np.random.Generator) -> Field:
    """Clutter, more or less out of focus."""
    picture = Image.fromarray((rng.uniform(0.15, 0.9, (3, 3, 3)) * 255).astype(np.uint8)).resize(
        (size, size), Image.Resampling.BICUBIC
    )
    field = np.asarray(picture, np.float32) / 255
    canvas = Canvas(field)
    for _ in range(rng.integers(3, 14)):
        centre, reach = rng.uniform(0, size, 2), rng.uniform(0.05, 0.3) * size
        corners = rng.integers(3, 9)
        turn = np.sort(rng.uniform(0, 2 * np.pi, corners))
        outline = centre + reach * rng.uniform(0.4, 1, (corners, 1)) * np.stack(
            [np.cos(turn), np.sin(turn)], axis=1
        )
        canvas.tint(
            coverage(size, [smooth(outline) if rng.random() < 0.5 else outline]),
            rng.uniform(0.05, 0.95, 3),
            0.8,
        )
    blurred = Image.fromarray((canvas.photo * 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(size * rng.uniform(0.002, 0.03))
    )
    return np.asarray(blurred, np.float32) / 255


def _skin(pose: Pose, look: Look, rng: np.random.Generator) -> Field:
    """Lit skin at every pixel."""
    x, y = pose.grid()
    light = 0.5 + 0.55 * pose.shade(x, y) ** 1.2
    light += 0.03 * noise(pose.size, 12, rng) * 0.5 + 0.012 * noise(pose.size, 90, rng)
    for sign in (-1, 1):
        light -= (0.10 + 0.08 * look.age) * blob(x, y, (0.5 * sign, -0.1), 0.34, 0.22)
        light += 0.06 * blob(x, y, (0.62 * sign, 0.45), 0.3, 0.25)
    light += 0.07 * blob(x, y, (0.2 * np.sign(pose.light[0]), -0.8), 0.5, 0.25)
    warm = np.clip(1 - light, 0, 1)[..., None] * np.array([0.0, 0.12, 0.14], np.float32)
    skin = look.skin * light[..., None] * (1 - warm)
    cheeks = blob(np.abs(x), y, (0.68, 0.5), 0.33, 0.26)
    blush = cheeks * (0.10 + 0.18 * look.makeup)
    skin += blush[..., None] * (look.skin * (1.0, 0.55, 0.55) - skin * 0.9)
    beard = np.clip(blob(x, y, (0, 1.45), 0.95, 0.6) - 0.55 * blob(x, y, (0, 0.75), 0.8, 0.3), 0, 1) * min(
        1, look.stubble
    )
    grain = 0.75 + 0.25 * rng.random((pose.size, pose.size), np.float32)
    skin += (beard * 0.55 * grain)[..., None] * (look.brow - skin)
    return np.clip(skin, 0, 1).astype(np.float32)


def _paint_bust(canvas: Canvas, pose: Pose, look: Look, skin: Field, rng: np.random.Generator) -> None:
    """Neck, clothes and ears: all background to HELEN."""
    neck = smooth(mirrored([(0.62, 0.8), (0.6, 1.7), (0.72, 2.2), (1.6, 2.5), (1.8, 4), (0, 4)]))
    canvas.paint(coverage(canvas.size, [pose.place(neck, depth=0.2)]), skin * 0.85, "background")
    x, y = pose.grid()
    canvas.tint(
        canvas.shares[0] * blob(x, y, (0, 1.75), 0.9, 0.35) * (np.abs(x) < 0.75), look.skin * 0.35, 0.6
    )
    collar = rng.uniform(2.1, 2.6)
    cloth = mirrored([(0, collar), (0.5, collar - 0.1), (0.85, 2.15), (1.9, 2.4), (2.6, 3), (2.8, 5), (0, 5)])
    colour = rng.uniform(0.05, 0.95, 3) * (0.8 + 0.08 * noise(canvas.size, 10, rng)[..., None])
    canvas.paint(
        coverage(canvas.size, [pose.place(smooth(cloth), depth=0.3)]), np.clip(colour, 0, 1), "background"
    )
    for sign in (-1, 1):
        ear = [(1.0, -0.15), (1.2, -0.2), (1.27, 0.05), (1.18, 0.4), (1.05, 0.55), (0.95, 0.4)]
        place = [(sign * look.width * a, b) for a, b in ear]
        canvas.paint(coverage(canvas.size, [pose.place(smooth(place), depth=0.0)]), skin * 0.88, "background")
        inner = [(sign * look.width * (0.45 + 0.56 * a), 0.15 + 0.6 * (b - 0.15)) for a, b in ear]
        canvas.tint(coverage(canvas.size, [pose.place(smooth(inner), depth=0.0)]), look.skin * 0.55, 0.4)


def _paint_head(canvas: Canvas, pose: Pose, look: Look, skin: Field) -> None:
    w, j, c = look.width, look.jaw, look.chin
    half = [
        (0, -1.5),
        (0.6 * w, -1.36),
        (0.98 * w, -0.85),
        (1.08 * w, -0.2),
        (1.05 * w, 0.4),
        (0.93 * w * j, 1.0),
    ]
    half += [(0.66 * j, 1.5), (0.3 * j, c - 0.04), (0, c)]
    outline = pose.place(smooth(mirrored(half), count=200))
    canvas.paint(coverage(canvas.size, [outline]), skin, "face_skin")


def _camera(photo: Field, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Colour cast, exposure, slight blur and grain."""
    cast = rng.normal(1, 0.05, 3) * rng.uniform(0.85, 1.15)
    exposed = np.clip(photo * cast, 0, 1) ** rng.uniform(0.85, 1.2)
    soft = Image.fromarray((exposed * 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(len(photo) / 512 * rng.uniform(0.2, 0.9))
    )
    grain = rng.normal(0, rng.uniform(1, 6), photo.shape) + rng.normal(0, 2, (*photo.shape[:2], 1))
    return np.clip(np.rint(np.asarray(soft, np.float32) + grain), 0, 255).astype(np.uint8)
