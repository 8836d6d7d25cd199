"""Figures of the affinity. Every function draws into `ax`, or into a new figure, and returns the Axes.

The colour maps grow evenly in lightness, so that they survive print and colour blindness; marks use the
colours of Okabe and Ito.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from scipy.sparse import issparse

from spnkit.affinity import MixedAffinityOperator, diffuse, gershgorin_discs, step_matrices
from spnkit.affinity.weights import as_pixel
from spnkit.directions import ordered

BLUE, ORANGE, VERMILION, GREEN, GREY = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#6b6b6b"
LINES = (BLUE, VERMILION, GREEN, ORANGE, "#CC79A7", "#56B4E9", GREY, "black")
COLORMAP = "cividis"
DECADES = 3
"""How many powers of ten below the largest value a logarithmic map still shows."""


def sparsity(matrix, ax=None, *, lanes: int | None = None, title: str = "", colorbar: bool = True):
    """The entries of G or A, zeros left white: who listens to whom.

    Parameters
    ----------
    matrix : sparse array or array_like (N, N)
        As from `build_G`; N up to a few hundred can be seen.
    ax : matplotlib Axes, optional
        Where to draw.
    lanes : int, optional
        Pixels of a step, to draw the blocks of Eq. (3).
    title : str
        Of the Axes; the share of entries that are not zero is added below it.
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
    ax = _axes(ax)
    entries = np.abs(matrix.toarray() if issparse(matrix) else np.asarray(matrix))
    image = _show_shares(ax, entries)
    filled = np.count_nonzero(entries) / entries.size
    ax.set_title(f"{title}\n{filled:.1%} of all pairs".strip(), fontsize=10)
    ax.set(xlabel="pixel that speaks", ylabel="pixel that listens")
    for boundary in range(lanes, len(entries), lanes) if lanes else ():
        ax.axhline(boundary - 0.5, color=GREY, linewidth=0.3)
        ax.axvline(boundary - 0.5, color=GREY, linewidth=0.3)
    if colorbar:
        ax.figure.colorbar(image, ax=ax, shrink=0.8, extend="min", label="size of the entry")
    return ax


def reach(row, pixel: tuple[int, int], ax=None, *, title: str = ""):
    """Whom a pixel listens to, as a map: the paper's Figure 1, computed.

    Parameters
    ----------
    row : array_like (H, W)
        As from `AffinityOperator.row`, or a column for who listens to the pixel.
    pixel : (int, int)
        Image row and column of the pixel, marked in the figure.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Of the Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from spnkit.affinity import AffinityOperator
    >>> ax = reach(AffinityOperator(np.full((3, 9, 9), 0.3)).row((4, 6)), (4, 6))
    """
    ax = _axes(ax)
    shares = np.abs(np.asarray(row))
    i, j = as_pixel(pixel, shares.shape)
    _show_shares(ax, shares)
    _mark(ax, i, j)
    ax.set_title(title, fontsize=10)
    ax.set(xlabel="column", ylabel="row")
    return ax


def listens_to(photo, row, pixel: tuple[int, int], ax=None, *, title: str = ""):
    """The same over a photograph that fades behind it.

    Parameters
    ----------
    photo : array_like (H, W) or (H, W, 3)
        In [0, 1], or uint8; shown in grey.
    row : array_like (H, W)
        As from `AffinityOperator.row` or `effective_affinity`.
    pixel : (int, int)
        Image row and column of the pixel.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Of the Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from spnkit.affinity import AffinityOperator
    >>> row = AffinityOperator(np.full((3, 9, 9), 0.3)).row((4, 6))
    >>> ax = listens_to(np.ones((9, 9)), row, (4, 6))
    """
    ax = _axes(ax)
    photo, shares = np.asarray(photo), np.abs(np.asarray(row))
    grey = photo / 255 if photo.dtype == np.uint8 else photo
    grey = grey.mean(axis=-1) if grey.ndim == 3 else grey
    if grey.shape != shares.shape:
        raise ValueError(f"photo and row must have the same height and width, got {grey.shape} and {shares.shape}")
    i, j = as_pixel(pixel, shares.shape)
    heard = np.asarray(_decades(shares)(shares))
    ax.imshow(0.6 + 0.4 * grey, cmap="gray", vmin=0, vmax=1)
    ax.imshow(heard, cmap=f"{COLORMAP}_r", vmin=0, vmax=1, alpha=np.minimum(1, 4 * heard))
    _mark(ax, i, j)
    ax.set_title(title, fontsize=10)
    ax.set_axis_off()
    return ax


def gershgorin(p, direction: str = "left_to_right", step: int = 0, ax=None, *, title: str = ""):
    """Gershgorin discs of one step with its eigenvalues, in the unit disc of Theorem 3.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights.
    direction : str
        One of `spnkit.DIRECTIONS`.
    step : int
        Which w_t: 0 is the first, w_2.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Of the Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = gershgorin(np.full((3, 5, 5), 0.3))
    """
    ax = _axes(ax)
    from matplotlib.patches import Circle

    centers, radii = (values[step] for values in gershgorin_discs(p, direction))
    for center, radius in zip(centers, radii, strict=True):
        ax.add_patch(Circle((center, 0), radius, facecolor=BLUE, alpha=1 / (4 + len(radii)), linewidth=0))
        ax.add_patch(Circle((center, 0), radius, fill=False, edgecolor=BLUE, linewidth=0.5, alpha=0.6))
    ax.add_patch(Circle((0, 0), 1, fill=False, linestyle="--", linewidth=1.2, edgecolor="black"))
    eigenvalues = np.linalg.eigvals(step_matrices(p, direction)[step])
    ax.plot(eigenvalues.real, eigenvalues.imag, ".", color=VERMILION, markersize=6)
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal", xlabel="real part", ylabel="imaginary part")
    ax.set_title(title, fontsize=10)
    return ax


def diffusion(operator: MixedAffinityOperator, x, times: Sequence[float], ax=None, *, cmap: str = COLORMAP):
    """A map as it diffuses under exp(-T L), one Axes for each time.

    Parameters
    ----------
    operator : AffinityOperator or MixedAffinityOperator
        The G of L = I - G.
    x : array_like (H, W)
        The initial state.
    times : sequence of float
        T of each picture.
    ax : sequence of matplotlib Axes, optional
        One for each time.
    cmap : str
        "gray" suits a photograph.

    Returns
    -------
    ndarray of matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        If there are not as many Axes as times, or times are a set.

    Examples
    --------
    >>> from spnkit.affinity import MixedAffinityOperator
    >>> mix = MixedAffinityOperator(np.full((4, 3, 9, 9), 0.3))
    >>> axes = diffusion(mix, np.eye(9), times=(0, 1, 4))
    """
    new, times = {"layout": "constrained", "squeeze": False}, ordered("times", times, "a sequence of numbers")
    axes = np.ravel(ax if ax is not None else _pyplot().subplots(1, len(times), **new)[1])
    if len(axes) != len(times):
        raise ValueError(f"ax must hold one Axes for each of the {len(times)} times, got {len(axes)}")
    initial = np.asarray(x, dtype=float)
    for each, time in zip(axes, times, strict=True):
        each.imshow(diffuse(operator, initial, time), cmap=cmap, vmin=initial.min(), vmax=initial.max())
        each.set_title(f"T = {time:g}", fontsize=10)
        each.set_axis_off()
    return axes


def decay(curves: Mapping[str, Sequence[float]], ax=None, *, title: str = ""):
    """How much of a gradient is left after n steps, on a logarithmic scale.

    Parameters
    ----------
    curves : mapping of str to sequence of float
        For n = 0, 1, ..., as from `gradient_norms`, by name of the weights.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Of the Axes.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from spnkit.affinity import gradient_norms
    >>> ax = decay({"s = 0.9": gradient_norms(np.full((3, 5, 20), 0.3))})
    """
    ax = _axes(ax)
    for (name, curve), color in zip(curves.items(), cycle(LINES)):
        ax.semilogy(np.arange(len(curve)), curve, color=color, linewidth=1.6, label=name)
    ax.legend(frameon=False, fontsize=8)
    ax.set(xlabel="steps back", ylabel="norm of what is left")
    ax.set_title(title, fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _pyplot():
    try:
        import matplotlib.pyplot as pyplot
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "spnkit.plot needs matplotlib, which is not installed: from a clone, pip install '.[plot]'",
            name="matplotlib",
        ) from error
    return pyplot


def _axes(ax):
    return _pyplot().subplots(layout="constrained")[1] if ax is None else ax


def _mark(ax, i: int, j: int) -> None:
    """A ring around a pixel, seen on light and on dark."""
    for color, width in (("white", 3), (VERMILION, 1.5)):
        ax.plot(j, i, "o", markersize=8, markerfacecolor="none", markeredgecolor=color, markeredgewidth=width)


def _show_shares(ax, shares: np.ndarray):
    """Sizes on a logarithmic scale; the smallest share one colour, and only zeros are white."""
    zeros_hidden = np.ma.masked_equal(shares, 0)
    return ax.imshow(zeros_hidden, cmap=f"{COLORMAP}_r", norm=_decades(shares), interpolation="nearest")


def _decades(shares: np.ndarray):
    """The logarithmic scale of such sizes, from 0 to 1; what is less than it shows, and zeros, are its least."""
    from matplotlib.colors import LogNorm

    largest = shares.max() or 1.0  # of nothing but zeros, none is shown
    return LogNorm(largest * 10.0**-DECADES, largest, clip=True)
