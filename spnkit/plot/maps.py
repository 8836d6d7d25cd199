"""Rows, columns and diffusion, as maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from spnkit.affinity import MixedAffinityOperator, diffuse, effective_area
from spnkit.affinity.photos import in_unit
from spnkit.affinity.weights import as_pixel
from spnkit.directions import ordered
from spnkit.plot.shown import COLORMAP, axes_or_new, bar, lightened, mark, pyplot_of, show_shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def reach(
    row: ArrayLike,
    pixel: tuple[int, int],
    ax: Axes | None = None,
    *,
    title: str | None = None,
    of: str = "row",
    colorbar: bool = True,
) -> Axes:
    """Whom a pixel listens to, as a map: the paper's Figure 1, computed.

    Parameters
    ----------
    row : array_like (H, W)
        As from `AffinityOperator.row`, or `AffinityOperator.column` for who listens to the pixel.
    pixel : (int, int)
        Image row and column of the pixel, marked in the figure.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str, optional
        Of the Axes; by default over how many pixels the row is spread, or how much a column is in sum.
    of : {"row", "column"}
        Which of the two `row` is, for the words.
    colorbar : bool
        Whether to say which colour is which share.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from spnkit.affinity import AffinityOperator
    >>> ax = reach(AffinityOperator(np.full((3, 9, 9), 0.3)).row((4, 6)), (4, 6))
    >>> print(ax.get_title())
    Pixel (4, 6) listens to
    17.9 pixels' worth, 10% its own
    """
    ax = axes_or_new(ax)
    _show(ax, np.abs(np.asarray(row)), pixel, title, of, colorbar)
    ax.set(xlabel="column", ylabel="row")
    return ax


def listens_to(
    photo: ArrayLike,
    row: ArrayLike,
    pixel: tuple[int, int],
    ax: Axes | None = None,
    *,
    title: str | None = None,
    of: str = "row",
    colorbar: bool = True,
) -> Axes:
    """The same over a photograph that fades behind it.

    Parameters
    ----------
    photo : array_like (H, W) or (H, W, 3)
        In [0, 1], or of 8 or 16 bits; shown in grey.
    row : array_like (H, W)
        As from `AffinityOperator.row`, `AffinityOperator.column` or `effective_affinity`.
    pixel : (int, int)
        Image row and column of the pixel.
    ax : matplotlib Axes, optional
        Where to draw.
    title, of, colorbar
        As in `reach`.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from spnkit.affinity import AffinityOperator
    >>> row = AffinityOperator(np.full((3, 9, 9), 0.3)).row((4, 6))
    >>> ax = listens_to(np.ones((9, 9)), row, (4, 6))
    """
    ax = axes_or_new(ax)
    photo, shares = np.asarray(photo), np.abs(np.asarray(row))
    grey = in_unit(photo)
    grey = grey[..., :3].mean(axis=-1) if grey.ndim == 3 else grey
    if grey.shape != shares.shape:
        raise ValueError(f"photo and row must have the same height and width, got {grey.shape} and {shares.shape}")
    ax.imshow(lightened(grey), cmap="gray", vmin=0, vmax=1)
    image = _show(ax, shares, pixel, title, of, colorbar)
    image.set_alpha(np.clip(4 * np.asarray(image.norm(shares)), 0, 1))  # rounding of float32 leaves it
    ax.set_axis_off()
    return ax


def diffusion(
    operator: MixedAffinityOperator,
    x: ArrayLike,
    times: Sequence[float],
    ax: Sequence[Axes] | np.ndarray | None = None,
    *,
    cmap: str = COLORMAP,
    colorbar: bool = True,
) -> np.ndarray:
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
    colorbar : bool
        Whether to say which colour is which value, once for all times.

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
    given: Any = ax if ax is not None else pyplot_of().subplots(1, len(times), **new)[1]
    axes: np.ndarray = np.ravel(given)
    if len(axes) != len(times):
        raise ValueError(f"ax must hold one Axes for each of the {len(times)} times, got {len(axes)}")
    initial = np.asarray(x, dtype=float)
    for each, time in zip(axes, times, strict=True):
        image = each.imshow(diffuse(operator, initial, time), cmap=cmap, vmin=initial.min(), vmax=initial.max())
        each.set_title(f"after T = {time:g}" if time else "at the start", fontsize=10)
        each.set_axis_off()
    if colorbar and len(axes):
        axes[0].figure.colorbar(image, ax=list(axes), shrink=0.8, label="value of the map")
    return axes


def _show(ax, shares: np.ndarray, pixel: tuple[int, int], title: str | None, of: str, colorbar: bool) -> AxesImage:
    """A row or a column with its pixel marked, its title and its bar."""
    if of not in ("row", "column"):
        raise ValueError(f"of must be 'row' or 'column', got {of!r}")
    pixel = as_pixel(pixel, shares.shape)
    image = show_shares(ax, shares)
    mark(ax, *pixel)
    shares = image.get_array().filled(0)
    own = shares[pixel] / (shares.sum() or 1.0)
    told = {
        "row": f"Pixel {pixel} listens to\n{effective_area(shares):.3g} pixels' worth, {own:.0%} its own",
        "column": f"Who listens to pixel {pixel}:\n{shares.sum():.2g} in sum, {own:.0%} its own",
    }
    ax.set_title(told[of] if title is None else title, fontsize=10)
    if colorbar:
        bar(image, ax, {"row": "share of what it hears", "column": "share of what they hear"}[of])
    return image
