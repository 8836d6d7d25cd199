"""Brows, eyes, nose and mouth: outlines in face coordinates, painted on a canvas."""

from __future__ import annotations

import numpy as np

from spnkit.data.madeup.canvas import Canvas, coverage
from spnkit.data.madeup.curves import Field, Points, frayed, mirrored, smooth
from spnkit.data.madeup.look import Look
from spnkit.data.madeup.pose import Pose, blob

_SIDES = (("left", -1), ("right", 1))


def paint_eyes(canvas: Canvas, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """Both eyes, alike in shape, looking the same way."""
    width, upper, lower = rng.uniform(0.27, 0.31), rng.uniform(0.10, 0.15), rng.uniform(0.055, 0.08)
    slant, fold = rng.normal(0.02, 0.03), rng.uniform(0.03, 0.07)
    gaze = rng.normal(0, 0.035, 2) * (1, 0.4)
    iris = rng.uniform(0.115, 0.13)
    t = np.linspace(0, 1, 40)
    for side, sign in _SIDES:
        x = width * (2 * t - 1)  # from the inner corner outwards
        upper_lid = np.stack([x, -slant * (2 * t - 1) - upper * np.sin(np.pi * t**0.85) ** 0.8], axis=1)
        lower_lid = np.stack([x, -slant * (2 * t - 1) + lower * np.sin(np.pi * t**1.2) ** 0.9], axis=1)
        put = _placer(pose, (0.5 * sign, 0), (sign, 1))
        lashes = _lashes(upper_lid, look.makeup, rng)
        rim = [
            (put(upper_lid), pose.scale * rng.uniform(0.022, 0.04)),
            *((put(lash), pose.scale * 0.012) for lash in lashes),
        ]
        opening = coverage(canvas.size, [put(np.vstack([upper_lid, lower_lid[::-1]]))])
        crease = upper_lid[4:-2] - (0, fold)
        shadow = put(np.vstack([crease - (0, 0.05), upper_lid[::-1]]))
        canvas.tint(coverage(canvas.size, [shadow]), look.skin * (0.75, 0.6, 0.6), 0.25 + 0.4 * look.makeup)
        canvas.tint(coverage(canvas.size, [], [(put(crease), pose.scale * 0.016)]), look.skin * 0.5, 0.6)
        canvas.paint(opening, _eyeball(canvas, pose, put, upper), f"{side}_eye")
        centre = gaze * (sign, 1) - (0, (upper - lower) * 0.45)
        for radius, colour in ((1, look.iris * 0.45), (0.88, look.iris), (0.45, (0.02, 0.02, 0.03))):
            canvas.tint(opening * coverage(canvas.size, [put(_disc(centre, iris * radius))]), colour)
        ring = coverage(canvas.size, [put(_disc(centre + np.array([0, iris * 0.3]), iris * 0.6))])
        canvas.tint(opening * ring, look.iris * 1.5 + 0.05, 0.25)
        glint = _disc(centre + np.array([-0.04 * sign, -0.04]), iris * rng.uniform(0.17, 0.25))
        canvas.tint(coverage(canvas.size, [put(glint)]) * opening, (1, 1, 1), 0.9)
        canvas.paint(coverage(canvas.size, [], rim), look.brow * 0.35, f"{side}_eye", 0.9)
        canvas.tint(coverage(canvas.size, [], [(put(lower_lid), pose.scale * 0.014)]), look.skin * 0.5, 0.7)


def _eyeball(canvas: Canvas, pose: Pose, put, upper: float) -> Field:
    """White of the eye, darker under the upper lid and towards the corners."""
    _, y = pose.grid()
    middle = put(np.zeros((1, 2)))[0]
    v, u = np.mgrid[: canvas.size, : canvas.size].astype(np.float32)
    away = ((u - middle[0]) ** 2 + (v - middle[1]) ** 2) / pose.scale**2
    light = np.clip(0.9 - 2.2 * away - np.clip(-y - upper * 0.2, 0, 1), 0.35, 1)
    return light[..., None] * np.array([0.97, 0.94, 0.92], np.float32)


def _lashes(lid: Points, makeup: float, rng: np.random.Generator) -> list[Points]:
    length = 0.035 + 0.06 * makeup
    roots = lid[rng.choice(np.arange(8, len(lid)), 8 + int(10 * makeup))]
    lean = np.stack([0.6 * roots[:, 0] / np.abs(lid[:, 0]).max() + 0.2, -np.ones(len(roots))], axis=1)
    return [
        np.stack([root, root + length * rng.uniform(0.6, 1.1) * d])
        for root, d in zip(roots, lean, strict=True)
    ]


def paint_brows(canvas: Canvas, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """Tapered arcs with frayed edges and single hairs."""
    height, thick = rng.uniform(0.36, 0.46), rng.uniform(0.05, 0.11) * (1 - 0.25 * look.makeup)
    arch, slant, reach = rng.uniform(0.02, 0.14), rng.normal(0.03, 0.05), rng.uniform(0.36, 0.42)
    t = np.linspace(0, 1, 36)
    for side, sign in _SIDES:
        x = reach * (2 * t - 1) + 0.03
        y = -height - slant * (2 * t - 1) - arch * np.sin(np.pi * t**1.3) + 0.05 * t**3
        half = thick * np.minimum(1, 3.5 * t + 0.55) * (1 - 0.75 * t**2)
        spine = np.stack([x, y + rng.normal(0, 0.012)], axis=1)
        edges = frayed(
            np.vstack([spine - half[:, None] * (0, 1), (spine + half[:, None] * (0, 0.9))[::-1]]), rng, 0.03
        )
        put = _placer(pose, (0.5 * sign, 0), (sign, 1))
        hairs = [(put(hair), pose.scale * 0.014) for hair in _brow_hairs(spine, half, rng)]
        mask = coverage(canvas.size, [put(edges)], hairs[::3])
        canvas.paint(mask, look.brow, f"{side}_brow", rng.uniform(0.7, 0.9))
        canvas.tint(coverage(canvas.size, [], hairs), look.brow * 0.55, 0.6)


def _brow_hairs(spine: Points, half: np.ndarray, rng: np.random.Generator) -> list[Points]:
    at = rng.integers(0, len(spine) - 4, 46)
    across = rng.uniform(-1, 1, len(at))
    roots = spine[at] + (across * half[at])[:, None] * (0, 1)
    lean = np.stack([np.full(len(at), 0.09), -0.10 * (1 - at / len(spine)) + 0.02 * across], axis=1)
    return [
        np.stack([root, root + d])
        for root, d in zip(roots, lean * rng.uniform(0.6, 1.1, (len(at), 1)), strict=True)
    ]


def paint_nose(canvas: Canvas, pose: Pose, look: Look, rng: np.random.Generator, skin: Field) -> None:
    """The nose stands out by its shaded side, the shadow below it, and its nostrils."""
    wing, tip, bridge = rng.uniform(0.25, 0.35), rng.uniform(0.60, 0.70), rng.uniform(0.09, 0.13)
    half = [(0, -0.08), (bridge, 0), (bridge, 0.2), (wing * 0.62, tip - 0.2), (wing, tip - 0.1)]
    half += [(wing * 0.95, tip + 0.01), (wing * 0.55, tip + 0.04), (0, tip + 0.09)]
    outline = pose.place(smooth(mirrored(half)), lift=0.12)
    mask = coverage(canvas.size, [outline])
    x, y = pose.grid()
    middle, shift = pose.place([(0, tip - 0.05)], lift=0.3)[0], np.sin(pose.yaw)
    turn = x - 0.25 * shift * np.clip(y / tip, 0, 1)
    side = np.clip(turn / wing, -1, 1) * np.sign(pose.light[0] or 1)
    dark = 0.2 * np.clip(-side, 0, 1) + 0.10 * np.abs(side) ** 3
    light = 0.13 * blob(turn, y, (0.02 * np.sign(pose.light[0]), tip - 0.12), 0.09, 0.1) + 0.05 * np.exp(
        -((turn / 0.05) ** 2)
    )
    below = coverage(
        canvas.size,
        [middle + (outline - middle) * (0.95, 1) + (-0.05 * pose.light[0] * pose.scale, 0.07 * pose.scale)],
    )
    canvas.tint(_soft(below) * (y > 0.3), look.skin * (0.5, 0.4, 0.38), 0.5)
    canvas.paint(mask, np.clip(skin * (1 - dark)[..., None] + light[..., None], 0, 1), "nose")
    for sign in (-1, 1):
        hole = [(0.30, 0.01), (0.55, -0.05), (0.78, 0.0), (0.55, 0.035)]
        nostril = pose.place(
            smooth([(sign * wing * a, tip + b + 0.01) for a, b in hole], count=30), lift=0.15
        )
        canvas.tint(coverage(canvas.size, [nostril]), look.skin * (0.25, 0.16, 0.15), 0.85)
        crease = smooth(
            [
                (sign * wing * 0.9, tip - 0.16),
                (sign * wing * 1.03, tip - 0.06),
                (sign * wing * 0.85, tip + 0.03),
            ],
            False,
            20,
        )
        canvas.tint(
            coverage(canvas.size, [], [(pose.place(crease, lift=0.12), pose.scale * 0.018)]),
            look.skin * 0.5,
            0.5,
        )


def paint_mouth(canvas: Canvas, pose: Pose, look: Look, rng: np.random.Generator) -> None:
    """Two lips around a mouth that is open, with teeth, in about two faces of three."""
    half, y0 = rng.uniform(0.36, 0.47), rng.uniform(1.08, 1.18)
    upper, lower = rng.uniform(0.08, 0.13), rng.uniform(0.11, 0.17)
    gap = rng.uniform(0.06, 0.26) if rng.random() < 0.65 else 0.0
    smile, bow = rng.normal(0.05, 0.05), rng.uniform(0.02, 0.05)
    t = np.linspace(0, 1, 48)
    s = 2 * t - 1
    hump = np.sin(np.pi * t)
    corner = y0 - smile * s**2
    top = corner - gap * 0.35 * hump - upper * hump**0.75 + bow * np.exp(-((s / 0.18) ** 2))
    inner_top = corner - gap * 0.35 * hump**0.9 + 0.03 * np.exp(-((s / 0.2) ** 2)) * (gap == 0)
    inner_bottom = np.maximum(inner_top, corner + gap * 0.65 * hump**0.9)
    bottom = np.maximum(inner_bottom, corner + gap * 0.65 * hump) + lower * hump**0.85
    top, bottom = np.minimum(top, inner_top), bottom
    curve = {
        name: np.stack([half * s, y], axis=1)
        for name, y in {
            "top": top,
            "inner_top": inner_top,
            "inner_bottom": inner_bottom,
            "bottom": bottom,
        }.items()
    }

    def region(above: str, below: str) -> Field:
        return coverage(canvas.size, [pose.place(np.vstack([curve[above], curve[below][::-1]]), lift=0.05)])

    inside = region("inner_top", "inner_bottom") if gap else None
    x, y = pose.grid()
    gloss = 0.12 * look.makeup + 0.06
    shine = blob(x - np.sin(pose.yaw) * 0.2, y, (0, y0 + gap * 0.65 + lower * 0.45), half * 0.4, 0.03)
    if inside is not None:
        canvas.paint(inside, (0.22, 0.05, 0.06), "inner_mouth")
        teeth = np.vstack(
            [
                curve["inner_top"],
                (curve["inner_top"] + (0, min(0.11, gap * 0.6)) * hump[:, None] ** 0.5)[::-1],
            ]
        )
        white = coverage(canvas.size, [pose.place(teeth, lift=0.05)]) * inside
        canvas.tint(white, np.array([0.93, 0.90, 0.84]) * rng.uniform(0.85, 1.02), 0.95)
        for k in np.linspace(-0.75, 0.75, 8):
            line = np.array([(k * half, y0 - gap), (k * half, y0 + gap)])
            canvas.tint(
                white * coverage(canvas.size, [], [(pose.place(line, lift=0.05), pose.scale * 0.01)]),
                (0.6, 0.5, 0.45),
                0.5,
            )
        tongue = pose.place(_disc(np.array([0, y0 + gap * 0.75]), half * 0.5) * (1, 1), lift=0.05)
        canvas.tint(
            coverage(canvas.size, [tongue]) * inside * (1 - white),
            (0.70, 0.30, 0.30),
            0.6 if gap > 0.15 else 0.0,
        )
    canvas.paint(region("top", "inner_top"), look.lip * 0.86, "upper_lip")
    canvas.paint(
        region("inner_bottom", "bottom"), np.clip(look.lip + gloss * shine[..., None], 0, 1), "lower_lip"
    )
    seam = [(pose.place(curve["inner_top"], lift=0.05), pose.scale * (0.012 if gap else 0.025))]
    canvas.tint(coverage(canvas.size, [], seam), look.lip * 0.3, 0.8)
    chin = blob(x - np.sin(pose.yaw) * 0.2, y, (0, float(bottom.max()) + 0.07), 0.25, 0.05)
    canvas.tint(chin * canvas.shares[1], look.skin * 0.5, 0.3)


def _disc(centre: np.ndarray, radius: float) -> Points:
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    return centre + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _placer(pose: Pose, origin: tuple[float, float], flip: tuple[int, int]):
    return lambda points: pose.place(np.asarray(points) * flip + origin)


def _soft(mask: Field) -> Field:
    from PIL import Image, ImageFilter

    picture = Image.fromarray((mask * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(len(mask) / 120)), np.float32) / 255
