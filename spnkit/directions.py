"""Directions and connections are data: which axis is scanned, which way, and whom a pixel hears.

No code is written four times.
"""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Set
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Direction:
    """One of the four scans of a map.

    A map is seen as `steps` along the scan by `lanes` across it; only the scan axis is
    ever reversed, so connection 0 pairs with the smaller lane (up, or left) in every direction.

    Attributes
    ----------
    name : str
        The public name.
    horizontal : bool
        Whether the scan runs along W (the lanes are rows) or along H (the lanes are columns).
    reverse : bool
        Whether it starts at the far end.
    """

    name: str
    horizontal: bool
    reverse: bool

    @property
    def opposite(self) -> Direction:
        """The same axis scanned the other way, which is the direction of the adjoint."""
        return next(d for d in TABLE.values() if d.horizontal == self.horizontal and d.reverse != self.reverse)


TABLE = {
    direction.name: direction
    for direction in (
        Direction("left_to_right", horizontal=True, reverse=False),
        Direction("right_to_left", horizontal=True, reverse=True),
        Direction("top_to_bottom", horizontal=False, reverse=False),
        Direction("bottom_to_top", horizontal=False, reverse=True),
    )
}

DIRECTIONS: tuple[str, ...] = tuple(TABLE)

# Neighbours of a pixel in the previous step, by their place across the scan.
CONNECTIONS = {"one_way": (0,), "three_way": (-1, 0, 1)}
OFFSETS = {len(offsets): offsets for offsets in CONNECTIONS.values()}


def orient(array, direction: Direction):
    """View a NumPy `(..., H, W)` array as `(..., steps, lanes)` in scan order."""
    steps_first = array.swapaxes(-1, -2) if direction.horizontal else array
    return steps_first[..., ::-1, :] if direction.reverse else steps_first


def ordered(name: str, values: Any, expected: str) -> tuple:
    """Values whose order means something, as a tuple; a set is refused, which has another order in every process.

    Raises
    ------
    TypeError
        If the values are a set, or no collection; the message has the name, and what was expected.
    """
    if isinstance(values, Set) and not isinstance(values, KeysView):
        raise TypeError(f"{name} got a {type(values).__name__}, which has no order, expected {expected}")
    if not isinstance(values, Iterable):
        raise TypeError(f"{name} got {values!r}, expected {expected}")
    return tuple(values)
