"""A matrix, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array, issparse

from spnkit.plot.shown import GREY, axes_or_new, bar, show_shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGEST = 1024
"""Rows of a matrix that are drawn one by one; of a larger one a dot is the largest entry of a block."""


def sparsity(
    matrix: Any, ax: Axes | None = None, *, lanes: int | None = None, title: str | None = None, colorbar: bool = True
) -> Axes:
    """The entries of G or A, zeros left white: who listens to whom.

    Parameters
    ----------
    matrix : sparse array or array_like (N, N)
        As from `build_G`; N up to a few hundred can be seen. Of more than a thousand, a block of entries is one dot,
        and the title says so.
    ax : matplotlib Axes, optional
        Where to draw.
    lanes : int, optional
        Pixels of a step, to draw the blocks of Eq. (3).
    title : str, optional
        Of the Axes, by default the matrix's size; the share of entries that are not zero is added below it.
    colorbar : bool
        Whether to say which colour is which size.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from spnkit.affinity import build_G
    >>> ax = sparsity(build_G(np.full((3, 6, 6), 0.3)), lanes=6)
    """
    ax = axes_or_new(ax)
    entries, block = _dots(matrix)
    side, filled = matrix.shape[0], _filled(matrix)
    image = show_shares(ax, entries, extent=(-0.5, side - 0.5, side - 0.5, -0.5))
    told = f"{side:,} x {side:,}: {side:,} pixels hear each other" if title is None else title
    dots = f", a dot for {block} x {block}" if block > 1 else ""
    ax.set_title(f"{told}\n{filled:.1%} of all pairs{dots}".strip(), fontsize=10)
    ax.set(xlabel="pixel that speaks", ylabel="pixel that listens")
    for boundary in range(lanes, side, lanes) if lanes else ():
        ax.axhline(boundary - 0.5, color=GREY, linewidth=0.3)
        ax.axvline(boundary - 0.5, color=GREY, linewidth=0.3)
    if colorbar:
        bar(image, ax, "size of the entry")
    return ax


def _dots(matrix) -> tuple[np.ndarray, int]:
    """What is drawn of a matrix, and how many rows and columns a dot stands for: the largest entry of each block."""
    block = -(-matrix.shape[0] // LARGEST)
    if block <= 1:
        return np.abs(matrix.toarray() if issparse(matrix) else np.asarray(matrix)), 1
    entries = coo_array(matrix)
    side = -(-matrix.shape[0] // block)
    dots = np.zeros((side, side))
    np.maximum.at(dots, tuple(places // block for places in entries.coords), np.abs(entries.data))
    return dots, block


def _filled(matrix) -> float:
    """The share of entries that are not zero."""
    count = matrix.count_nonzero() if issparse(matrix) else np.count_nonzero(matrix)
    return count / (matrix.shape[0] * matrix.shape[1])
