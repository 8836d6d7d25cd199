"""What the explorer knows: a photo, its weights, and what a pixel hears and who hears it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spnkit.affinity import MixedAffinityOperator, diffuse
from spnkit.affinity.weights import as_pixel, scan_order
from spnkit.directions import CONNECTIONS, DIRECTIONS, TABLE
from spnkit.look.kinds import KINDS, Photo, made

SMALL = 1e-20
"""Added to an impulse and taken off again: what is far away is not left to numbers that a processor is slow with."""
CROP = 10
"""Rows and columns of the piece whose matrix is shown."""
ALL = "all four"


class Heard(NamedTuple):
    """What the clicked pixel hears, and who hears it, (H, W) each."""

    row: NDArray[np.float32]
    column: NDArray[np.float32]


class Crop(NamedTuple):
    """G of a few pixels around the clicked one."""

    matrix: NDArray[np.float64]
    place: int  # of the clicked pixel in it
    corner: tuple[int, int]
    shape: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Explored:
    """A photo with weights of one kind; what is changed is a new one (`dataclasses.replace`).

    Parameters
    ----------
    photo : Photo
    kind : str
        Of the weights, one of `spnkit.look.kinds.KINDS`.
    strength : float
        Within (0, 1): how much a pixel of a flat part hears.
    sigma : float
        How large a difference is an edge, in multiples of `spnkit.affinity.edge_scale`.
    direction : str
        "all four", for their mean, or one of `spnkit.DIRECTIONS`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> seen = Explored(Photo(np.full((20, 30, 3), 0.5)))
    >>> heard = seen.heard((10, 10))["three_way"]
    >>> round(float(heard.row.sum()), 4), heard.column.shape
    (1.0, (20, 30))
    """

    photo: Photo
    kind: str = "colour"
    strength: float = 0.99
    sigma: float = 1.0
    direction: str = ALL

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"weights must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if not 0 < self.strength < 1:
            raise ValueError(f"strength must lie within (0, 1), got {self.strength:g}")
        if not self.sigma > 0:
            raise ValueError(f"sigma must be positive, got {self.sigma:g}")
        if self.direction not in (ALL, *DIRECTIONS):
            raise ValueError(f"direction must be one of {', '.join((ALL, *DIRECTIONS))}, got {self.direction!r}")

    @property
    def shape(self) -> tuple[int, int]:
        return self.photo.shape

    @property
    def directions(self) -> tuple[str, ...]:
        return DIRECTIONS if self.direction == ALL else (self.direction,)

    @cached_property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Of the chosen directions, (D, K, H, W), for each connection."""
        found = made(self.kind, self.photo, self.strength, self.sigma)
        chosen = [DIRECTIONS.index(direction) for direction in self.directions]
        return {connection: np.ascontiguousarray(p[chosen]) for connection, p in found.items()}

    @cached_property
    def operators(self) -> dict[str, MixedAffinityOperator]:
        return {connection: MixedAffinityOperator(p, self.directions) for connection, p in self.weights.items()}

    @cached_property
    def _everybody(self) -> dict[str, NDArray[np.float32]]:
        """How much each pixel is heard in all, G^T 1; what all hear, G 1, is one."""
        ones = np.ones(self.shape[0] * self.shape[1], np.float32)
        return {connection: operator.rmatvec(ones) for connection, operator in self.operators.items()}

    def heard(self, pixel: tuple[int, int]) -> dict[str, Heard]:
        """Row and column of the affinity: one adjoint scan of an impulse and one scan, in each direction."""
        impulse = np.full(self.shape, SMALL, np.float32)
        impulse[as_pixel(pixel, self.shape)] += 1
        found = {}
        for connection, operator in self.operators.items():
            row = operator.rmatvec(impulse.ravel()) - np.float32(SMALL) * self._everybody[connection]
            column = operator.matvec(impulse.ravel()) - np.float32(SMALL)
            found[connection] = Heard(*(np.maximum(each, 0).reshape(self.shape) for each in (row, column)))
        return found

    def diffused(self, time: float) -> dict[str, NDArray[np.float32]]:
        """The photo after some time of diffusion, in steps of at most one (Theorem 2)."""
        if time == 0:
            return dict.fromkeys(CONNECTIONS, self.photo.colours)
        steps = int(np.ceil(time))
        return {name: diffuse(operator, self.photo.colours, time, steps) for name, operator in self.operators.items()}

    def cropped(self, pixel: tuple[int, int]) -> dict[str, Crop]:
        """The matrix of the pixels around one, for each connection.

        For one direction the pixels are in the order of its scan, where the matrix is lower triangular; for all four
        row by row.
        """
        pixel = as_pixel(pixel, self.shape)
        spans = [_around(place, side) for place, side in zip(pixel, self.shape, strict=True)]
        corner = (spans[0].start, spans[1].start)
        shape = (spans[0].stop - corner[0], spans[1].stop - corner[1])
        number = (pixel[0] - corner[0]) * shape[1] + pixel[1] - corner[1]
        order = np.arange(shape[0] * shape[1])
        if self.direction != ALL:
            order = scan_order(shape, TABLE[self.direction])
        found = {}
        for connection, weights in self.weights.items():
            operator = MixedAffinityOperator(weights[..., spans[0], spans[1]].astype(np.float64), self.directions)
            matrix = operator @ np.eye(len(order))  # a scan of all impulses at once
            found[connection] = Crop(
                matrix[np.ix_(order, order)], int(np.flatnonzero(order == number)[0]), corner, shape
            )
        return found


def _around(place: int, side: int) -> slice:
    """Some places around one, moved into the map."""
    first = min(max(0, place - CROP // 2), max(0, side - CROP))
    return slice(first, min(side, first + CROP))
