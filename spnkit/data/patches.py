"""Training patches with something to refine in them, and tiles that cover a whole face at inference."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import IGNORE
from spnkit.data.masks import whole_labels


def mixed_windows(labels: NDArray[np.uint8], size: int) -> NDArray[np.bool_]:
    """Which windows of `size` x `size` pixels hold more than one class.

    Parameters
    ----------
    labels : numpy.ndarray
        Class indices, whole numbers 0..255 (H, W), or a boolean mask; 255 counts as no class.
    size : int
        Side of a window.

    Returns
    -------
    numpy.ndarray
        bool (H - size + 1, W - size + 1), by the window's first row and column.

    Raises
    ------
    ValueError
        If the window does not fit into the labels, or these are not whole numbers 0..255.

    Examples
    --------
    >>> mixed_windows(np.array([[0, 0, 1, 1]], np.uint8).repeat(2, axis=0), size=2)
    array([[False,  True, False]])
    """
    labels = whole_labels("labels", labels)
    _check_fit("labels", labels.shape, size)
    least = _slide(np.minimum, labels, size)  # 255 never is the least, unless there is nothing else
    most = _slide(np.maximum, np.where(labels == IGNORE, 0, labels), size)
    return most > least


def sample_windows(
    labels: NDArray[np.uint8],
    size: int,
    count: int,
    rng: np.random.Generator,
    mixed: NDArray[np.bool_] | None = None,
) -> NDArray[np.intp]:
    """Draw windows uniformly among those that hold more than one class (section 5, general settings).

    Parameters
    ----------
    labels : numpy.ndarray
        Class indices, whole numbers 0..255 (H, W), or a boolean mask; 255 counts as no class.
    size : int
        Side of a window; 128 in the paper.
    count : int
        How many to draw, with replacement.
    rng : numpy.random.Generator
        Source of chance.
    mixed : numpy.ndarray, optional
        What `mixed_windows` says of them, where that is known already.

    Returns
    -------
    numpy.ndarray
        int (count, 2): first row and first column of each window.

    Raises
    ------
    ValueError
        If the window does not fit, or no window holds more than one class.

    Examples
    --------
    >>> labels = np.eye(8, dtype=np.uint8)
    >>> sample_windows(labels, size=4, count=3, rng=np.random.default_rng(0)).shape
    (3, 2)
    """
    mixed = mixed_windows(labels, size) if mixed is None else mixed
    places = np.flatnonzero(mixed)
    if not places.size:
        raise ValueError(f"labels: no window of {size} x {size} holds more than one class")
    return np.stack(np.unravel_index(rng.choice(places, count), mixed.shape), axis=1)


def tiles(height: int, width: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """First row and column of evenly spread tiles of `size` x `size` that cover a picture.

    Parameters
    ----------
    height, width : int
        The picture, not smaller than a tile.
    size : int
        Side of a tile.
    overlap : int
        Least overlap of neighbouring tiles, 0 <= overlap < size.

    Returns
    -------
    list of tuple of int

    Raises
    ------
    ValueError
        If a tile does not fit or the overlap is out of range.

    Examples
    --------
    >>> tiles(128, 200, size=128, overlap=32)
    [(0, 0), (0, 72)]
    """
    _check_fit("height, width", (height, width), size)
    if not 0 <= overlap < size:
        raise ValueError(f"overlap: expected 0 <= overlap < size = {size}, got {overlap}")
    return [(row, column) for row in _starts(height, size, overlap) for column in _starts(width, size, overlap)]


def blend(pieces: Iterable[Any], places: Iterable[tuple[int, int]], height: int, width: int) -> Any:
    """Put tiles together; where they overlap, each weighs less towards its own border.

    The weights of all tiles at a pixel sum to one, so tiles cut from one picture give that picture back.

    Parameters
    ----------
    pieces : iterable of numpy.ndarray or torch.Tensor
        Tiles (..., size, size); whole numbers are rounded, of booleans the majority counts.
    places : iterable of tuple of int
        First row and column of each, from :func:`tiles`.
    height, width : int
        The whole picture.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        (..., height, width) in the type of the tiles, and where they are.

    Raises
    ------
    ValueError
        If the tiles leave a pixel uncovered, or are not as many as `places`.

    Examples
    --------
    >>> picture = np.arange(24.0).reshape(1, 4, 6)
    >>> places = tiles(4, 6, size=4, overlap=2)
    >>> back = blend([picture[:, r : r + 4, c : c + 4] for r, c in places], places, 4, 6)
    >>> bool(np.allclose(back, picture))
    True
    """
    total, weight = None, np.zeros((height, width))
    for piece, (row, column) in zip(pieces, places, strict=True):
        window, values = _window(piece.shape[-1]), _values(piece)
        if total is None:
            total, first = np.zeros((*values.shape[:-2], height, width)), piece
        here = np.s_[..., row : row + len(window), column : column + len(window)]
        total[here] += window * values
        weight[here] += window
    if total is None or not weight.all():
        raise ValueError(f"places: the tiles do not cover the picture of {width} x {height} pixels")
    return _alike(total / weight, first)


def _values(piece: Any) -> NDArray:
    """What a tile holds; a tensor that is there has brought torch along."""
    return piece if isinstance(piece, np.ndarray) else piece.detach().cpu().double().numpy()


def _alike(mean: NDArray[np.float64], piece: Any) -> Any:
    """Means in the type of a tile."""
    if isinstance(piece, np.ndarray):
        return (np.rint(mean) if piece.dtype.kind in "biu" else mean).astype(piece.dtype)
    found = sys.modules["torch"].from_numpy(mean)
    return (found if piece.is_floating_point() else found.round()).to(piece.device, piece.dtype)


def _window(size: int) -> NDArray[np.floating]:
    """Raised cosine, positive to the last pixel."""
    ramp = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    return np.outer(ramp, ramp)


def _starts(length: int, size: int, overlap: int) -> list[int]:
    count = 1 + -(-(length - size) // (size - overlap))
    return np.linspace(0, length - size, count).round().astype(int).tolist()


def _slide(extreme: Callable, values: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Least or greatest value of every window, by doubling: about log2(size) passes an axis."""
    for _ in range(2):
        span = 1
        while span < size:
            step = min(span, size - span)
            values = extreme(values[:-step], values[step:])
            span += step
        values = values.T
    return values


def _check_fit(name: str, shape: tuple[int, ...], size: int) -> None:
    if len(shape) != 2 or not 1 <= size <= min(shape):
        raise ValueError(f"{name}: a window of {size} x {size} does not fit into {shape}")
