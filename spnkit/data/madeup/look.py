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
        [0.88, 0.87, 0.85],
    ]
)  # black, browns, blonds, red, greys
_HAIR_ODDS = np.array([0.2, 0.2, 0.17, 0.12, 0.1, 0.06, 0.06, 0.05, 0.04])
_IRIS = np.array(
    [[0.25, 0.15, 0.08], [0.38, 0.24, 0.12], [0.30, 0.42, 0.25], [0.28, 0.45, 0.62], [0.42, 0.47, 0.50]]
)
_LIPSTICK = np.array([[0.72, 0.12, 0.18], [0.55, 0.08, 0.22], [0.85, 0.35, 0.40], [0.78, 0.30, 0.22]])

STYLES = ("long", "bob", "short", "fringe", "receding", "bald", "curly", "tied")
_STYLE_ODDS = np.array([0.2, 0.14, 0.2, 0.14, 0.08, 0.05, 0.1, 0.09])


@dataclass(frozen=True)
class Look:
    """Colours in 0..1 RGB, and sizes in face coordinates."""

    skin: np.ndarray
    hair: np.ndarray
    brow: np.ndarray
    iris: np.ndarray
    lip: np.ndarray
    style: str
    makeup: float
    stubble: float
    age: float
    width: float
    jaw: float
    chin: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Look:
        """A random person."""
        tone = rng.uniform(0, len(_SKIN) - 1)
        skin = _between(_SKIN, tone) * rng.normal(1, 0.02, 3)
        pale_odds = np.where(np.arange(len(_HAIR)) < 3, 1.0, 0.15 if tone > 3 else 1.0)
        odds = _HAIR_ODDS * pale_odds
        hair = _HAIR[rng.choice(len(_HAIR), p=odds / odds.sum())] * rng.uniform(0.85, 1.15)
        style = str(rng.choice(STYLES, p=_STYLE_ODDS))
        feminine = rng.random() < {"receding": 0.05, "bald": 0.1, "short": 0.25}.get(style, 0.7)
        makeup = rng.uniform(0.2, 1) if feminine and rng.random() < 0.7 else 0.0
        natural = skin * (0.80, 0.58, 0.58) + (0.06, 0.0, 0.01)
        lipstick = _LIPSTICK[rng.choice(len(_LIPSTICK))] * rng.uniform(0.8, 1.1)
        return cls(
            skin=np.clip(skin, 0, 1),
            hair=np.clip(hair, 0.03, 0.95),
            brow=np.clip(0.75 * hair + 0.25 * skin * 0.5, 0.04, 0.8) * 0.85,
            iris=_between(_IRIS, rng.uniform(0, len(_IRIS) - 1) if tone < 3 else rng.uniform(0, 1)),
            lip=np.clip(natural + makeup * 0.8 * (lipstick - natural), 0, 1),
            style=style,
            makeup=makeup,
            stubble=0.0 if feminine else max(0.0, rng.normal(0.15, 0.25)),
            age=rng.random() ** 2,
            width=rng.uniform(0.93, 1.08),
            jaw=rng.uniform(0.9, 1.0) if feminine else rng.uniform(0.95, 1.1),
            chin=rng.uniform(1.72, 1.9),
        )


def _between(table: np.ndarray, at: float) -> np.ndarray:
    low = min(int(at), len(table) - 2)
    return table[low] + (at - low) * (table[low + 1] - table[low])
