"""Outlines of made-up things: smooth, angular, furry, or put together of a body and limbs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spnkit.data.madeup.canvas import coverage
from spnkit.data.madeup.curves import Points, frayed, smooth

Field = NDArray[np.floating]


def round_outline(centre: Points, radius: float, rng: np.random.Generator) -> Points:
    """A closed curve about a centre: an ellipse whose radius wavers."""
    count = int(rng.integers(5, 14))
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 2 * np.pi)
    wavering = np.exp(rng.normal(0, rng.uniform(0, 0.35), count))
    knots = np.stack([np.cos(turn), np.sin(turn)], 1) * wavering[:, None]
    return centre + radius * _stretched(smooth(knots, count=int(np.clip(4 * radius, 24, 240))), rng)


def angular_outline(centre: Points, radius: float, rng: np.random.Generator) -> Points:
    """A polygon of three to eight corners, often a rectangle."""
    if rng.random() < 0.5:
        knots = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / np.sqrt(2)
    else:
        turn = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
        knots = np.stack([np.cos(turn), np.sin(turn)], 1)
    return centre + radius * _stretched(knots, rng)


def furry_outline(centre: Points, radius: float, rng: np.random.Generator) -> Points:
    """A round outline with pointed locks."""
    outline = round_outline(centre, radius, rng)
    return frayed(outline, rng, depth=rng.uniform(0.02, 0.12) * radius, step=rng.uniform(1.5, 6))


OUTLINES = (round_outline, round_outline, angular_outline, furry_outline)


def leaf(size: int, centre: Points, radius: float, rng: np.random.Generator) -> Field:
    """Coverage (size, size) of one outline."""
    return coverage(size, [OUTLINES[rng.integers(len(OUTLINES))](centre, radius, rng)])


def thing(size: int, centre: Points, radius: float, rng: np.random.Generator) -> Field:
    """Coverage (size, size) of a body, with other bodies and limbs about it, or holes in it."""
    mask = leaf(size, centre, radius, rng)
    for _ in range(rng.poisson(0.8)):
        there = centre + radius * rng.uniform(-1.1, 1.1, 2)
        mask = np.maximum(mask, leaf(size, there, radius * rng.uniform(0.2, 0.7), rng))
    for _ in range(rng.poisson(1.2)):
        mask = np.maximum(mask, limb(size, centre, radius, rng))
    if rng.random() < 0.15:
        mask = mask * (1 - leaf(size, centre + radius * rng.uniform(-0.5, 0.5, 2), radius * rng.uniform(0.1, 0.4), rng))
    return mask


def limb(size: int, centre: Points, radius: float, rng: np.random.Generator) -> Field:
    """A bent stroke that begins in a body: a leg, a pole, a tail."""
    turn = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.4, 4))
    steps = np.stack([np.cos(turn), np.sin(turn)], 1) * radius * rng.uniform(0.3, 0.6)
    width = max(1.0, radius * np.exp(rng.uniform(np.log(0.03), np.log(0.3))))
    return coverage(size, [], [smooth(centre + np.cumsum(steps, 0), closed=False, count=40)], width)


def _stretched(knots: Points, rng: np.random.Generator) -> Points:
    """Longer than wide, and turned."""
    turn, ratio = rng.uniform(0, np.pi), np.exp(rng.normal(0, 0.4))
    rotation = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    return knots * (np.sqrt(ratio), 1 / np.sqrt(ratio)) @ rotation.T
