"""Where things are on the screen: Axes, choices and sliders, none of which knows what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.widgets import RadioButtons, Slider

from spnkit.directions import CONNECTIONS
from spnkit.look.colours import LEAST, MOST
from spnkit.plot import COLORMAP

SIZE = (12.8, 7.2)
"""Inches at 100 dots each: what a laptop shows."""
ROW_COLOUR, COLUMN_COLOUR = "#B34700", "#0063A0"
"""Of what the clicked pixel hears, and of who hears it: vermilion and blue, dark enough for text."""
SMALL, MEDIUM = 8, 10
MAPS = {
    "row": ("whom it hears: its row", ROW_COLOUR),
    "column": ("who hears it: its column", COLUMN_COLOUR),
    "diffused": ("the photo, diffused", "black"),
    "matrix": ("G of the pixels around it", "black"),
}
"""The columns of the screen."""
LEFT, WIDTH, GAP = 0.305, 0.16, 0.014


def photo_axes(figure: Figure) -> Axes:
    ax = figure.add_axes((0.015, 0.515, 0.25, 0.4))
    ax.set_title("click, or arrow keys", fontsize=MEDIUM)
    ax.set_axis_off()
    return ax


def map_axes(figure: Figure) -> dict[tuple[str, str], Axes]:
    """One for each connection and each of `MAPS`."""
    found = {}
    for line, connection in enumerate(CONNECTIONS):
        bottom = 0.515 - 0.455 * line
        figure.text(LEFT - 0.018, bottom + 0.2, connection.replace("_", "-"), rotation=90, va="center", weight="bold")
        for place, name in enumerate(MAPS):
            ax = figure.add_axes((LEFT + place * (WIDTH + GAP), bottom, WIDTH, 0.36))
            ax.set_axis_off()
            found[connection, name] = ax
    for place, (title, colour) in enumerate(MAPS.values()):
        middle = LEFT + place * (WIDTH + GAP) + WIDTH / 2
        figure.text(middle, 0.965, title, ha="center", color=colour, fontsize=MEDIUM, weight="bold")
    return found


def choice(
    figure: Figure, box: tuple[float, float, float, float], title: str, names: Sequence[str], chosen: str
) -> Any:
    """One of several names."""
    ax = figure.add_axes(box)
    ax.set_title(title, fontsize=MEDIUM, loc="left")
    return RadioButtons(ax, names, active=names.index(chosen), label_props={"fontsize": [SMALL + 1] * len(names)})


def slider(figure: Figure, bottom: float, name: str, least: float, most: float, value: float, step: float) -> Slider:
    """A number; what it is shown as is the caller's."""
    made = Slider(
        figure.add_axes((0.075, bottom, 0.13, 0.025)), name, least, most, valinit=value, valstep=step, color="#888888"
    )
    made.label.set_fontsize(SMALL + 1)
    made.valtext.set_fontsize(SMALL + 1)
    return made


def frame(ax: Axes, colour: str) -> Rectangle:
    """A frame whose place is set later."""
    made = Rectangle((0, 0), 1, 1, fill=False, edgecolor=colour, linewidth=1.2)
    ax.add_patch(made)
    return made


def picture(ax: Axes, shape: tuple[int, ...]) -> AxesImage:
    """A picture whose colours are set later."""
    return ax.imshow(np.zeros((*shape[:2], 4), np.uint8))


def bar(figure: Figure) -> None:
    """Which colour is which share, on all maps."""
    ax = figure.add_axes((0.03, 0.065, 0.22, 0.018))
    scale = ScalarMappable(LogNorm(LEAST, MOST), f"{COLORMAP}_r")
    made = figure.colorbar(scale, cax=ax, orientation="horizontal", extend="min", ticks=np.logspace(-6, 0, 7)[::2])
    made.ax.tick_params(labelsize=SMALL)
    made.ax.minorticks_off()
    made.set_label("share of all that a pixel hears", fontsize=SMALL)
