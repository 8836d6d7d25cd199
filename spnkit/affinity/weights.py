"""Check weights given by a user and lay them out along a scan."""

from __future__ import annotations

from collections.abc import Iterator
from operator import index

import numpy as np

from spnkit.directions import TABLE, Direction, ordered, orient


def as_weights(p, name: str = "p") -> np.ndarray:
    """Return `p` as a finite floating (K, H, W) array, or say what is wrong with it."""
    weights = as_real(name, p)
    if weights.dtype not in (np.float32, np.float64):
        weights = weights.astype(np.float64)
    if weights.ndim != 3:
        raise ValueError(f"{name} must have shape (K, H, W), got {weights.ndim} axes: {weights.shape}")
    if weights.shape[0] not in (1, 3):
        raise ValueError(f"{name} must have K = 1 or 3 weights per pixel, got K = {weights.shape[0]}")
    if 0 in weights.shape:
        raise ValueError(f"{name} must have at least one pixel, got shape {weights.shape}")
    check_finite(name, weights)
    return weights


def as_real(name: str, x) -> np.ndarray:
    """What NumPy makes of it, of booleans, whole or floating numbers."""
    try:
        given = np.asarray(x)
    except (RuntimeError, TypeError, ValueError) as error:  # a ragged list, a tensor on a GPU or in bfloat16
        raise TypeError(f"{name} must be what NumPy can make an array of, got {type(x).__name__}: {error}") from error
    check_real(name, given)
    return given


def check_real(name: str, array) -> None:
    """Refuse what holds no booleans, whole or floating numbers."""
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")


def check_finite(name: str, array) -> None:
    """Refuse NaN and infinities."""
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def as_direction(direction: str) -> Direction:
    """Look up a direction by its public name."""
    if not isinstance(direction, str):
        raise TypeError(f"direction must be a string, got {type(direction).__name__}")
    if direction not in TABLE:
        raise ValueError(f"direction must be one of {', '.join(TABLE)}, got {direction!r}")
    return TABLE[direction]


def as_scan(p, direction: str) -> tuple[np.ndarray, Direction]:
    """The weights and the direction of a scan, both checked."""
    return as_weights(p), as_direction(direction)


def as_pixel(pixel, shape: tuple[int, int]) -> tuple[int, int]:
    """Check an image (row, column) against a map's (H, W)."""
    i, j = _as_pair("pixel", pixel, "(row, column)")
    if not (0 <= i < shape[0] and 0 <= j < shape[1]):
        raise ValueError(f"pixel {(i, j)} lies outside the map of {shape[0]} rows and {shape[1]} columns")
    return i, j


def as_shape(shape) -> tuple[int, int]:
    """Check the (H, W) of a map."""
    height, width = _as_pair("shape", shape, "(H, W)")
    if min(height, width) < 0:
        raise ValueError(f"shape must not be negative, got {(height, width)}")
    return height, width


def _as_pair(name: str, values, expected: str) -> tuple[int, int]:
    """Two integers in their order."""
    try:
        first, second = (index(value) for value in ordered(name, values, f"a pair {expected}"))
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a pair {expected}, got {values!r}") from None
    return first, second


def reach_of_step(p: np.ndarray) -> int:
    """How many lanes up or down one step can go: 0 one-way, 1 three-way."""
    return p.shape[0] // 2


def neighbours(connections: int, lanes: int) -> Iterator[tuple[int, slice, slice]]:
    """Yield each connection with the lanes that have such a neighbour, and these neighbours."""
    r = connections // 2
    for o in range(-r, r + 1):
        yield o + r, slice(max(0, -o), lanes - max(0, o)), slice(max(0, o), lanes - max(0, -o))


def along_scan(p: np.ndarray, direction: Direction) -> np.ndarray:
    """Weights as (K, steps, lanes) in scan order, 0 where the neighbour lies outside the map."""
    inside = orient(p, direction).copy()
    inside[:, 0] = 0
    if len(inside) == 3:
        inside[0, :, 0] = 0
        inside[2, :, -1] = 0
    return inside


def scan_order(shape: tuple[int, int], direction: Direction) -> np.ndarray:
    """Row-major image index of every place of the paper's vectorisation (H*W,)."""
    pixels = np.arange(shape[0] * shape[1]).reshape(shape)
    return orient(pixels, direction).ravel()
