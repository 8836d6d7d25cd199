"""What sets one made-up person apart from the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SKIN = np.array(
    [
        [0.97, 0.84, 0.76],
        [0.93, 0.76, 0.65],
        [0.87, 0.68, 0.53],
        [0.76, 0.56, 0.41],
        [0.60, 0.42, 0.30],
        [0.44, 0.30, 0.22],
        [0.32, 0.21, 0.16],
    ]
)  # fair to dark
_HAIR = np.array(
    [
        [0.07, 0.06, 0.06],
        [0.16, 0.10, 0.07],
        [0.30, 0.19, 0.12],
        [0.45, 0.29, 0.16],
        [0.70, 0.53, 0.30],
        [0.85, 0.73, 0.50],
        [0.55, 0.24, 0.10],
        [0.62, 0.61, 0.60],
        [0.78, 0.77, 0.74],
    ]
)  # black, browns, blonds, red, greys
_HAIR_ODDS = np.array([0.2, 0.2, 0.17, 0.12, 0.1, 0.06, 0.06, 0.05, 0.04])
_IRIS = np.array([[0.25, 0.15, 0.08], [0.38, 0.24, 0.12], [0.30, 0.42, 0.25], [0.28, 0.45, 0.62], [0.42, 0.47, 0.50]])
_LIPSTICK = np.array([[0.72, 0.12, 0.18], [0.55, 0.08, 0.22], [0.85, 0.35, 0.40], [0.78, 0.30, 0.22]])


@dataclass(frozen=True)
class Style:
    """A hair style: ranges to draw from, in face coordinates; None for what a style does not have."""

    odds: float
    feminine: float = 0.7
    volume: tuple[float, float] = (0.1, 0.26)
    length: tuple[float, float] | None = None
    """How far below the eyes it falls."""
    hairline: tuple[float, float] | None = (-1.12, -0.95)
    """Its height at the middle of the forehead."""
    locks: tuple[float, float] = (0.05, 0.35)
    """How far below the eyes it falls before the ears."""
    inset: tuple[float, float] = (0.0, 0.06)
    """How much of the cheeks it hides."""
    fringe: float = 0.06
    fray: float = 0.04
    wave: float = 0.02
    curl: float = 0.0
    strands: int = 18


_STYLES = (
    Style(odds=0.2, length=(1.8, 3.0), locks=(0.6, 1.6), inset=(0.0, 0.14), wave=0.05),
    Style(odds=0.14, length=(1.0, 1.6), locks=(0.6, 1.2), inset=(0.0, 0.16)),
    Style(odds=0.14, length=(0.9, 2.8), hairline=(-0.66, -0.5), locks=(0.3, 1.0), fringe=0.16),
    Style(odds=0.11, length=(0.6, 1.8), volume=(0.25, 0.45), fray=0.10, wave=0.1, curl=0.05, fringe=0.1),
    Style(odds=0.08, volume=(0.02, 0.08), fray=0.015, strands=8),
    Style(odds=0.2, feminine=0.2),
    Style(odds=0.08, feminine=0.05, volume=(0.0, 0.06), hairline=(-1.42, -1.3), fray=0.02, strands=4),
    Style(odds=0.05, feminine=0.1, hairline=None),
)


@dataclass(frozen=True)
class Look:
    """Colours in 0..1 RGB, and sizes in face coordinates."""

    skin: np.ndarray
    hair: np.ndarray
    brow: np.ndarray
    iris: np.ndarray
    lip: np.ndarray
    style: Style
    makeup: float
    stubble: float
    age: float
    width: float
    jaw: float
    chin: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Look:
        """A random person."""
        tone = (len(_SKIN) - 1) * rng.random() ** 1.4
        skin = _between(_SKIN, tone) * rng.normal(1, 0.02, 3)
        pale_odds = np.where(np.arange(len(_HAIR)) < 3, 1.0, 0.15 if tone > 3 else 1.0)
        odds = _HAIR_ODDS * pale_odds
        hair = _HAIR[rng.choice(len(_HAIR), p=odds / odds.sum())] * rng.uniform(0.85, 1.15)
        style_odds = np.array([style.odds for style in _STYLES])
        style = _STYLES[rng.choice(len(_STYLES), p=style_odds / style_odds.sum())]
        feminine = rng.random() < style.feminine
        makeup = rng.uniform(0.2, 1) if feminine and rng.random() < 0.7 else 0.0
        natural = skin * (0.80, 0.58, 0.58) + (0.06, 0.0, 0.01)
        lipstick = _LIPSTICK[rng.choice(len(_LIPSTICK))] * rng.uniform(0.8, 1.1)
        return cls(
            skin=_colour(skin),
            hair=_colour(hair),
            brow=_colour(0.64 * hair + 0.11 * skin),
            iris=_colour(_between(_IRIS, rng.uniform(0, len(_IRIS) - 1 if tone < 3 else 1))),
            lip=_colour(natural + makeup * 0.8 * (lipstick - natural)),
            style=style,
            makeup=makeup,
            stubble=0.0 if feminine else float(np.clip(rng.normal(0.15, 0.25), 0, 1)),
            age=rng.random() ** 2,
            width=rng.uniform(0.93, 1.08),
            jaw=rng.uniform(0.9, 1.0) if feminine else rng.uniform(0.95, 1.1),
            chin=rng.uniform(1.72, 1.9),
        )


def _colour(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0.03, 0.98).astype(np.float32)


def _between(table: np.ndarray, at: float) -> np.ndarray:
    low = min(int(at), len(table) - 2)
    return table[low] + (at - low) * (table[low + 1] - table[low])
