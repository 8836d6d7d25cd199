"""What made-up things are covered with: noise of all roughness, stripes, cells, spots, in colours that go together."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

Field = NDArray[np.floating]

SIDE = 256
KINDS = 48
"""Textures that are kept; what is made of them differs by place, turn, colour and contrast."""


def spectrum_noise(side: int, power: float, rng: np.random.Generator) -> Field:
    """Noise (side, side) whose amplitude falls as frequency**-power, mean 0, deviation 1; photographs have about 1."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1
    waves = np.fft.rfft2(rng.standard_normal((side, side))) * frequency**-power
    waves[0, 0] = 0
    noise = np.fft.irfft2(waves, s=(side, side))
    return (noise / noise.std()).astype(np.float32)


def stripes(side: int, rng: np.random.Generator) -> Field:
    """Waves in one direction, bent by noise."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    turn, period = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(3), np.log(40)))
    bend = rng.uniform(0, 1.5) * spectrum_noise(side, 2, rng)
    wave = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / period + bend)
    return np.sign(wave) * np.abs(wave) ** rng.choice((0.3, 1.0))


def cells(side: int, rng: np.random.Generator) -> Field:
    """Patches around scattered points, or the joints between them: stones, tiles, leaves."""
    points = rng.uniform(0, side, (int(np.exp(rng.uniform(np.log(20), np.log(600)))), 2))
    near, which = cKDTree(points).query(np.mgrid[:side, :side].reshape(2, -1).T, k=2)
    field = rng.standard_normal(len(points))[which[:, 0]] if rng.random() < 0.5 else near[:, 1] - near[:, 0]
    field = np.minimum(field, 4).reshape(side, side)
    return (field - field.mean()) / (field.std() + 1e-6)


def spots(side: int, rng: np.random.Generator) -> Field:
    """Smooth noise cut at a height: edges as strong as outlines, that are none."""
    noise = spectrum_noise(side, rng.uniform(1.2, 2.5), rng)
    return np.where(noise > rng.uniform(-0.5, 1), 1.0, -1.0)


ROUGH, PATTERNS = (0, 1, 5), {2: stripes, 3: cells, 4: spots}
"""Of every six textures, those that are noise alone, and the others."""


@lru_cache(maxsize=1)
def bank() -> NDArray[np.float32]:
    """The textures that are kept, (KINDS, SIDE, SIDE, 3), each of deviation one about zero."""
    rng = np.random.default_rng(0)
    made = []
    for index in range(KINDS):
        power = rng.uniform(0.4, 2.0) if index % 6 in ROUGH else 0
        field = spectrum_noise(SIDE, power, rng) if power else PATTERNS[index % 6](SIDE, rng)
        field = gaussian_filter(field, rng.uniform(0, 0.8))
        grain = np.stack([spectrum_noise(SIDE, rng.uniform(0.3, 1.5), rng) for _ in range(3)], axis=-1)
        tint = 1 + 0.4 * rng.standard_normal(3)
        mixed = field[..., None] * tint + rng.uniform(0, 0.5) * grain
        made.append((mixed - mixed.mean((0, 1))) / mixed.std())
    return np.stack(made).astype(np.float32)


def cover(colour: Field, height: int, width: int, contrast: float, rng: np.random.Generator) -> Field:
    """A picture (height, width, 3): a colour with a texture and a slow change of light."""
    texture = np.rot90(bank()[rng.integers(KINDS)], int(rng.integers(4)))[:: rng.choice((1, -1))]
    step = int(rng.choice((1, 1, 1, 2)))  # now and then coarser to the eye
    rows, columns = ((np.arange(length) // step + rng.integers(SIDE)) % SIDE for length in (height, width))
    turn, slope = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.12)
    y, x = np.linspace(-0.5, 0.5, height)[:, None], np.linspace(-0.5, 0.5, width)
    light = (slope * (np.cos(turn) * x + np.sin(turn) * y)).astype(np.float32)
    return colour + np.float32(contrast) * texture[rows[:, None], columns] + light[..., None]


def palette(count: int, rng: np.random.Generator) -> Field:
    """Colours (count, 3) that go together: scattered about a common one, mostly dull, as in photographs."""
    centre = rng.beta(2, 2, 3) * 0.8 + 0.1
    centre = centre.mean() + rng.uniform(0.1, 1) * (centre - centre.mean())
    lightness = rng.normal(0, rng.uniform(0.08, 0.28), (count, 1))
    hue = rng.normal(0, rng.uniform(0.02, 0.15), (count, 3))
    return np.clip(centre + lightness + hue, 0.02, 0.98).astype(np.float32)
