"""Theorem 3 and gradients, as discs and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from spnkit.affinity import gershgorin_discs, step_matrices
from spnkit.plot.shown import BLUE, LINES, VERMILION, axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gershgorin(
    p: ArrayLike, direction: str = "left_to_right", step: int = 0, ax: Axes | None = None, *, title: str | None = None
) -> Axes:
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
    title : str, optional
        Of the Axes; by default the step, and the largest eigenvalue.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = gershgorin(np.full((3, 5, 5), 0.3))
    """
    ax = axes_or_new(ax)
    from matplotlib.patches import Circle

    centers, radii = (values[step] for values in gershgorin_discs(p, direction))
    for center, radius in zip(centers, radii, strict=True):
        ax.add_patch(Circle((center, 0), radius, facecolor=BLUE, alpha=1 / (4 + len(radii)), linewidth=0))
        ax.add_patch(Circle((center, 0), radius, fill=False, edgecolor=BLUE, linewidth=0.5, alpha=0.6))
    ax.add_patch(Circle((0, 0), 1, fill=False, linestyle="--", linewidth=1.2, edgecolor="black"))
    eigenvalues = np.linalg.eigvals(step_matrices(p, direction)[step])
    ax.plot(eigenvalues.real, eigenvalues.imag, ".", color=VERMILION, markersize=6)
    ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal", xlabel="real part", ylabel="imaginary part")
    largest = np.abs(eigenvalues).max()
    told = f"step {step + 2}, {direction.replace('_', ' ')}:\neigenvalues up to {largest:.2g}, discs within one"
    ax.set_title(told if title is None else title, fontsize=10)
    return ax


def decay(
    curves: Mapping[str, Sequence[float]], ax: Axes | None = None, *, title: str = "What is left of a gradient"
) -> Axes:
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
    ax = axes_or_new(ax)
    for (name, curve), color in zip(curves.items(), cycle(LINES)):
        ax.semilogy(np.arange(len(curve)), curve, color=color, linewidth=1.6, label=name)
    ax.legend(frameon=False, fontsize=8)
    ax.set(xlabel="steps back", ylabel="norm of what is left")
    ax.set_title(title, fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
