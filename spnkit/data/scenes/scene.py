"""A photograph that nobody took, and its labels."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, shift

from spnkit.data.madeup.curves import noise
from spnkit.data.scenes.shapes import leaf, thing
from spnkit.data.scenes.textures import cover, palette

Field = NDArray[np.floating]

MOST = 6
"""Classes that there may be."""
GROUNDS = (0, 0, 1, 2, 3)
THINGS = (1, 1, 2, 2, 3, 4, 6)
"""How many regions of their own the background has, and how many things stand before it: drawn from these."""


def make_scene(
    size: int, rng: np.random.Generator, classes: int | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Paint a scene.

    Parameters
    ----------
    size : int
        Side in pixels.
    rng : numpy.random.Generator
        Source of chance.
    classes : int, optional
        Of the labels, from 2; drawn if not given.

    Returns
    -------
    photo : numpy.ndarray, uint8 (size, size, 3)
    labels : numpy.ndarray, uint8 (size, size)
        0 is the background. Edges of the photo that no label has are wanted: they are most edges of photographs.

    Examples
    --------
    >>> import numpy as np
    >>> from spnkit.data.scenes import make_scene
    >>> photo, labels = make_scene(64, np.random.default_rng(0))
    >>> photo.shape, labels.shape
    ((64, 64, 3), (64, 64))
    """
    classes = int(rng.integers(2, MOST + 1)) if classes is None else classes
    scene = _Painting(size, rng)
    scene.leaves(np.ones((size, size), np.float32), rng.choice((2, 10, 60, 150)), label=None)
    for _ in range(rng.choice(GROUNDS)):
        scene.thing(rng.uniform(0.3, 0.8) * size, int(rng.integers(classes)), parts=rng.choice((1, 8, 40)))
    for _ in range(rng.choice(THINGS)):
        radius = size * np.exp(rng.uniform(np.log(0.04), np.log(0.4)))
        scene.thing(radius, int(rng.integers(1, classes)), parts=rng.choice((0, 1, 3, 10, 30)))
        if rng.random() < 0.25:
            scene.part(int(rng.integers(classes)))
    return photographed(scene.photo, rng), scene.labels


class _Painting:
    """What has been painted so far."""

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.size, self.rng = size, rng
        self.contrast = rng.choice((0.02, 0.05, 0.1))
        self.colours = palette(int(rng.integers(2, 7)), rng)
        self.photo = cover(self.colours[0], size, size, self._rough(), rng)
        self.labels = np.zeros((size, size), np.uint8)
        self.last = np.ones((size, size), np.float32)

    def _rough(self) -> float:
        return float(self.contrast * self.rng.lognormal(0, 0.7))

    def paint(self, mask: Field, colour: Field, label: int | None, soft: float) -> None:
        """Lay a covered outline over the rest; `soft` is how far its edge is out of focus."""
        box = _box(mask, margin=int(4 * soft))
        alpha, photo = mask[box], self.photo[box]
        alpha = gaussian_filter(alpha, soft) if soft else alpha
        photo += alpha[..., None] * (cover(colour, len(alpha), alpha.shape[1], self._rough(), self.rng) - photo)
        if label is not None:
            self.labels[box][mask[box] > 0.5] = label

    def leaves(self, within: Field, count: int, label: int | None) -> None:
        """Cover a region with overlapping leaves of power-law sizes that belong to it."""
        rows, columns = np.nonzero(within > 0.5)
        if not rows.size:
            return
        reach = max(4.0, np.sqrt(rows.size / np.pi))
        colours = palette(4, self.rng) if self.rng.random() < 0.5 else self.colours
        for _ in range(count):
            place = self.rng.integers(rows.size)
            radius = max(1.5, reach * 0.06 * (1 - self.rng.random()) ** -0.5)  # P(r > x) ~ x**-2
            mask = leaf(self.size, np.array((columns[place], rows[place]), float), min(radius, 1.2 * reach), self.rng)
            self.paint(mask * within, self._colour(colours), label, soft=0)

    def _colour(self, colours: Field) -> Field:
        chosen = colours[self.rng.integers(len(colours))]
        return np.clip(chosen + self.rng.normal(0, 0.06, 3), 0, 1).astype(np.float32)

    def thing(self, radius: float, label: int, parts: int) -> None:
        """A thing with a pattern of its own, shaded, perhaps with a shadow behind it."""
        rng = self.rng
        mask = thing(self.size, rng.uniform(-0.05, 1.05, 2) * self.size, radius, rng)
        if not (mask > 0.5).any():
            return
        colours = palette(3, rng) if rng.random() < 0.7 else self.colours
        if rng.random() < 0.4:
            fallen = gaussian_filter(shift(mask, rng.normal(0, 0.15 * radius, 2), order=0), 0.1 * radius + 0.5)
            self.photo *= 1 - rng.uniform(0, 0.6) * fallen[..., None]
        before, soft = self.photo.copy(), rng.choice((0.0, 0.0, 0.5, 1.0, 2.0))
        self.paint(mask, self._colour(colours), label, soft=0)
        self.leaves(mask, parts, None)
        light = 1 + rng.uniform(0, 0.4) * noise(self.size, self.size / max(radius, 4), rng)[..., None]
        alpha = (gaussian_filter(mask, soft) if soft else mask)[..., None]
        self.photo = before + alpha * (self.photo * np.clip(light, 0.4, 1.6) - before)
        self.last = mask

    def part(self, label: int) -> None:
        """A part of the last thing with a label of its own."""
        rows, columns = np.nonzero(self.last > 0.5)
        if rows.size:
            place, reach = self.rng.integers(rows.size), np.sqrt(rows.size / np.pi)
            centre = np.array((columns[place], rows[place]), float)
            mask = leaf(self.size, centre, reach * self.rng.uniform(0.2, 0.8), self.rng) * self.last
            self.paint(mask, self._colour(self.colours), label, soft=self.rng.choice((0.0, 0.7)))


def _box(mask: Field, margin: int) -> tuple[slice, slice]:
    """The rows and columns that a mask covers, and some about them."""
    spans = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return tuple(slice(max(0, s[0] - margin), s[-1] + 1 + margin) if s.size else slice(0) for s in spans)  # type: ignore[return-value]


def photographed(picture: Field, rng: np.random.Generator) -> NDArray[np.uint8]:
    """What a camera makes of it: exposure, blur, noise, JPEG."""
    light = 1 + rng.uniform(0, 0.3) * noise(len(picture), 2, rng)[..., None]
    picture = np.clip(picture * light, 0, 1) ** np.exp(rng.normal(0, 0.2))
    picture = picture + rng.normal(0, 0.05)
    if rng.random() < 0.7:
        picture = gaussian_filter(picture, (*2 * [rng.uniform(0.2, 1.1)], 0))
    picture = picture + rng.normal(0, rng.choice((0.0, 0.005, 0.02, 0.04)), picture.shape)
    pixels = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    if rng.random() < 0.7:
        file = BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(50, 98)))
        pixels = np.asarray(Image.open(file))
    return pixels
