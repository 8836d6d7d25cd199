"""What figures share: where they are drawn, colours, marks and bars."""

from __future__ import annotations

import numpy as np

BLUE, ORANGE, VERMILION, GREEN, GREY = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#6b6b6b"
LINES = (BLUE, VERMILION, GREEN, ORANGE, "#CC79A7", "#56B4E9", GREY, "black")
"""Colours of curves, in their order."""
COLORMAP = "cividis"
"""Of maps."""
DECADES = 3
"""How many powers of ten below the largest value a logarithmic map still shows."""


def pyplot_of():
    try:
        import matplotlib.pyplot as pyplot
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "spnkit.plot needs matplotlib, which is not installed: from a clone, pip install '.[plot]'",
            name="matplotlib",
        ) from error
    return pyplot


def axes_or_new(ax):
    return pyplot_of().subplots(layout="constrained")[1] if ax is None else ax


def mark(ax, i: int, j: int) -> None:
    """A ring around a pixel, seen on light and on dark."""
    for color, width in (("white", 3), (VERMILION, 1.5)):
        ax.plot(j, i, "o", markersize=8, markerfacecolor="none", markeredgecolor=color, markeredgewidth=width)


def lightened(grey: np.ndarray) -> np.ndarray:
    """A photo in [0, 1], light enough for what is drawn over it."""
    return 0.6 + 0.4 * grey


def show_shares(ax, shares: np.ndarray, **options):
    """Sizes on a logarithmic scale; the smallest share one colour, and only zeros are white."""
    zeros_hidden = np.ma.masked_equal(shares, 0)
    return ax.imshow(zeros_hidden, cmap=f"{COLORMAP}_r", norm=decades(shares), interpolation="nearest", **options)


def decades(shares: np.ndarray):
    """The logarithmic scale of such sizes, from 0 to 1; what is less than it shows, and zeros, are its least."""
    from matplotlib.colors import LogNorm

    largest = shares.max() or 1.0  # of nothing but zeros, none is shown
    return LogNorm(largest * 10.0**-DECADES, largest, clip=True)


def bar(image, ax, label: str) -> None:
    """Which colour is how much; what is less than it shows has its last colour."""
    ax.figure.colorbar(image, ax=ax, shrink=0.8, extend="min", label=label)
