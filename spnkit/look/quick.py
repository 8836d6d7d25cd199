"""Drawing what a click changes, and nothing else: all the rest is kept as a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure


class Quick:
    """Artists that change often, over all that seldom does.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Where they are.
    artists : iterable of Artist
        In the order in which they are drawn.
    """

    def __init__(self, figure: Figure, artists: Iterable[Artist]) -> None:
        self.figure, self.artists, self.rest = figure, list(artists), None
        for artist in self.artists:
            artist.set_animated(True)
        figure.canvas.mpl_connect("draw_event", self._drawn)

    def _drawn(self, event: Any) -> None:
        """The whole figure has been drawn but for our artists; into a file these are drawn too."""
        canvas: Any = self.figure.canvas
        if canvas.is_saving():
            return
        if getattr(canvas, "supports_blit", False):
            self.rest = canvas.copy_from_bbox(self.figure.bbox)
        self._draw(event.renderer)

    def _draw(self, renderer: Any) -> None:
        for artist in self.artists:
            artist.draw(renderer)

    def draw(self) -> None:
        """Draw them anew; all the figure where there is no picture of the rest yet."""
        canvas: Any = self.figure.canvas
        if self.rest is None:
            canvas.draw_idle()
            return
        canvas.restore_region(self.rest)
        self._draw(canvas.get_renderer())
        canvas.blit(self.figure.bbox)
