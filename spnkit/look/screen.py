"""The screen of the explorer: what is drawn of `Explored`, and what clicks, keys, choices and sliders change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spnkit.affinity import effective_area
from spnkit.affinity.weights import as_pixel
from spnkit.directions import CONNECTIONS, DIRECTIONS
from spnkit.look import layout
from spnkit.look.colours import faded, opaque, painted
from spnkit.look.explored import ALL, CROP, Explored
from spnkit.look.kinds import available
from spnkit.look.quick import Quick

KEYS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
STRIDE = 10
"""Pixels that an arrow moves by with the shift key."""
ARROWS = {ALL: ALL, **dict(zip(DIRECTIONS, ("→ right", "← left", "↓ down", "↑ up"), strict=True))}
LONGEST = 40
"""The greatest time that can be chosen."""


class Screen:
    """Draws into a figure and answers its events.

    Parameters
    ----------
    explored : Explored
        What is looked at first.
    pixel : (int, int), optional
        Row and column, by default in the middle.
    time : float
        How long the photo diffuses.
    figure : matplotlib.figure.Figure, optional
        By default a new one without a window.

    Attributes
    ----------
    explored : Explored
        What is looked at now.
    pixel : (int, int)
        The clicked one.

    Raises
    ------
    ValueError, TypeError
        If the pixel lies outside, or the time is negative.
    """

    def __init__(
        self,
        explored: Explored,
        pixel: tuple[int, int] | None = None,
        time: float = 4,
        figure: Figure | None = None,
    ) -> None:
        height, width = explored.shape
        if not 0 <= time <= LONGEST:
            raise ValueError(f"time must lie between 0 and {LONGEST}, got {time:g}")
        self.explored, self.time = explored, time
        self.pixel = as_pixel((height // 2, width // 2) if pixel is None else pixel, explored.shape)
        self.figure = Figure(figsize=layout.SIZE) if figure is None else figure
        self.ground = faded(explored.photo.colours)
        self.photo_axes, self.axes = layout.photo_axes(self.figure), layout.map_axes(self.figure)
        self.photo_axes.imshow(explored.photo.colours)
        self.stale = False
        self._add_pictures()
        layout.bar(self.figure)
        self._add_controls()
        self._connect()
        self.quick = Quick(self.figure, self.often)  # after the choices, whose dots are drawn as late
        self.show_weights()

    def _add_controls(self) -> None:
        seen = self.explored
        self.kind = layout.choice(self.figure, (0.015, 0.27, 0.135, 0.19), "weights", available(), seen.kind)
        arrows = tuple(ARROWS.values())
        self.direction = layout.choice(self.figure, (0.165, 0.27, 0.1, 0.19), "scans", arrows, ARROWS[seen.direction])
        self.strength = layout.slider(self.figure, 0.215, "strength", 0.3, 4, -np.log10(1 - seen.strength), 0.05)
        self.sigma = layout.slider(self.figure, 0.175, "sigma", -2, 4, np.log2(seen.sigma), 0.25)
        self.times = layout.slider(self.figure, 0.135, "time", 0, LONGEST, self.time, 1)

    def _connect(self) -> None:
        for chooser in (self.kind, self.direction):
            chooser.on_clicked(self._chosen)
        for slider in (self.strength, self.sigma, self.times):
            slider.on_changed(lambda _: self._changed())
        connect = self.figure.canvas.mpl_connect
        connect("button_press_event", self._clicked)
        connect("button_release_event", lambda _: self.settle())
        connect("key_press_event", self._pressed)

    def _chosen(self, _: str | None) -> None:
        self._changed()
        self.settle()

    def _changed(self) -> None:
        """A control was moved; while a slider is held nothing is computed."""
        self.stale = True
        self._say_values()

    def settle(self) -> None:
        """Take over what the controls say."""
        if not self.stale:
            return
        self.stale, self.time = False, float(self.times.val)
        directions = {arrow: name for name, arrow in ARROWS.items()}
        chosen = {
            "kind": self.kind.value_selected,
            "direction": directions[self.direction.value_selected],
            "strength": 1 - 10.0**-self.strength.val,
            "sigma": 2.0**self.sigma.val,
        }
        if any(getattr(self.explored, name) != value for name, value in chosen.items()):  # not the time alone
            self.explored = replace(self.explored, **chosen)
        self.show_weights()

    def _clicked(self, event: Any) -> None:
        if event.inaxes in self._clickable() and event.xdata is not None:
            self.look_at((round(event.ydata), round(event.xdata)))

    def _clickable(self) -> list[Axes]:
        """Where a place is a place of the photo."""
        return [self.photo_axes, *(ax for (_, name), ax in self.axes.items() if name != "matrix")]

    def _pressed(self, event: Any) -> None:
        *shift, key = (event.key or "").split("+")
        if key in KEYS:
            stride = STRIDE if shift == ["shift"] else 1
            self.look_at((self.pixel[0] + stride * KEYS[key][0], self.pixel[1] + stride * KEYS[key][1]))

    def look_at(self, pixel: tuple[int, int]) -> None:
        """Look at another pixel, or the one of the border next to it."""
        height, width = self.explored.shape
        self.pixel = (min(max(0, pixel[0]), height - 1), min(max(0, pixel[1]), width - 1))
        self.show_pixel()

    def show_weights(self) -> None:
        """Draw all that depends on the weights."""
        self._say_values()
        for connection, photo in self.explored.diffused(self.time).items():
            self._show(connection, "diffused", opaque(photo), f"after T = {self.time:g}")
        self.show_pixel()
        self.figure.canvas.draw_idle()  # the sliders' numbers too

    def show_pixel(self) -> None:
        """Draw all that depends on the clicked pixel."""
        heard, crops = self.explored.heard(self.pixel), self.explored.cropped(self.pixel)
        for connection, (row, column) in heard.items():
            told = f"{_count(effective_area(row))}, {row[self.pixel]:.0%} its own"
            self._show(connection, "row", painted(self.ground, row), told)
            self._show(connection, "column", painted(self.ground, column), f"{column.sum():.2f} in sum")
            crop = crops[connection]
            white, side = np.full((*crop.matrix.shape, 4), 255, np.uint8), len(crop.matrix)
            self._show(connection, "matrix", painted(white, crop.matrix), f"{crop.shape[0]} x {crop.shape[1]} pixels")
            across, down = self.stripes[connection]
            across.set_bounds(-0.5, crop.place - 1, side, 2)
            down.set_bounds(crop.place - 1, -0.5, 2, side)
        for ring in self.rings:
            ring.set_data(*([place] for place in self.pixel[::-1]))
        self.window.set_bounds(crop.corner[1] - 0.5, crop.corner[0] - 0.5, crop.shape[1], crop.shape[0])
        self.said.set_text(f"row {self.pixel[0]}, column {self.pixel[1]}: click, or arrow keys")
        self.quick.draw()

    def _show(self, connection: str, name: str, picture: NDArray[np.uint8], title: str) -> None:
        self.pictures[connection, name].set_data(picture)
        self.titles[connection, name].set_text(title)

    def _add_pictures(self) -> None:
        """Empty ones, and marks: rings around the pixel, its row and column in G, which pixels that G is of."""
        side = min(self.explored.shape[0], CROP) * min(self.explored.shape[1], CROP)
        shapes = {"matrix": (side, side)}
        self.pictures = {at: layout.picture(ax, shapes.get(at[1], self.explored.shape)) for at, ax in self.axes.items()}
        self.titles = {at: ax.set_title("", fontsize=layout.SMALL + 1) for at, ax in self.axes.items()}
        self.said = self.photo_axes.set_title("", fontsize=layout.SMALL + 1)
        self.rings = [
            ax.plot([], [], "o", ms=8, mfc="none", mec=colour, mew=width)[0]
            for ax in self._clickable()
            for colour, width in (("white", 3), (layout.ROW_COLOUR, 1.5))  # seen on light and on dark
        ]
        both = (layout.ROW_COLOUR, layout.COLUMN_COLOUR)
        self.stripes = {
            connection: [layout.frame(self.axes[connection, "matrix"], colour) for colour in both]
            for connection in CONNECTIONS
        }
        self.window = layout.frame(self.photo_axes, "#FFD400")
        stripes = (stripe for pair in self.stripes.values() for stripe in pair)
        often = [artist for of in (self.pictures, self.titles) for at, artist in of.items() if at[1] != "diffused"]
        self.often = [*often, self.said, *self.rings, *stripes, self.window]

    def _say_values(self) -> None:
        """The numbers beside the sliders."""
        self.strength.valtext.set_text(f"{1 - 10.0**-self.strength.val:.4g}")
        self.sigma.valtext.set_text(
            "not asked" if self.kind.value_selected == "learned" else f"{2.0**self.sigma.val:.3g} x"
        )
        self.times.valtext.set_text(f"T = {self.times.val:g}")


def _count(area: float) -> str:
    return f"{area:,.0f} pixels' worth" if area >= 10 else f"{area:.1f} pixels' worth"
