"""The picture of the docs' first page: masks drawn roughly, whom a few pixels listen to, the masks refined.

    python analysis/docs/front.py

The astronaut ships with scikit-image; the photograph is NASA's. The masks are those of `refinement/picture.py`; the
pixels in the middle listen along colours, by hand-made weights, which reach further than those of the refiner.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from skimage import data

from analysis.common import record
from analysis.refinement.picture import COLOURS, rough
from spnkit import DIRECTIONS
from spnkit.affinity import MixedAffinityOperator, color_similarity_weights, effective_area
from spnkit.nn import refine
from spnkit.plot.shown import BLUE, VERMILION

PIXELS = ((60, 200), (148, 222), (330, 90), (440, 400))
"""Rows and columns of those who listen: in the hair, the face, the suit and the helmet."""
SIGMA, STRENGTH = 0.2, 0.999
LOUD = 0.05
"""Share of the loudest voice that is drawn in full."""


def draw(photo: np.ndarray, masks: list[np.ndarray], rows: list[np.ndarray]) -> Figure:
    """Three panels side by side."""
    figure = Figure(figsize=(10, 3.65), layout="constrained")
    before, between, after = figure.subplots(1, 3)
    colours = ListedColormap(COLOURS)
    for ax, labels, title in zip(
        (before, after), masks, ("masks, drawn by a few clicks", "the masks, refined"), strict=True
    ):
        ax.imshow(photo)
        ax.imshow(labels, cmap=colours, vmin=-0.5, vmax=4.5, alpha=0.5, interpolation="nearest")
        ax.contour(labels, levels=np.arange(4) + 0.5, colors="white", linewidths=1)
        ax.set_title(title, fontsize=13)
    between.imshow(0.5 + 0.5 * photo.mean(axis=2) / 255, cmap="gray", vmin=0, vmax=1)
    for (i, j), row in zip(PIXELS, rows, strict=True):
        heard = np.minimum(1, row / row.max() / LOUD) ** 0.3
        between.imshow(np.ones_like(heard), cmap=ListedColormap([BLUE]), alpha=heard)
        between.plot(j, i, "o", markersize=9, markerfacecolor="white", markeredgecolor=VERMILION, markeredgewidth=2.5)
    between.set_title("whom four pixels listen to", fontsize=13)
    for ax in (before, between, after):
        ax.set_axis_off()
    return figure


def main() -> None:
    """Refine, ask the weights, draw."""
    options = record.parser(__file__, __doc__).parse_args()
    photo = data.astronaut()
    mask = rough("astronaut", photo.shape[:2])
    sharp = refine(photo, mask)
    given = {"sigma": SIGMA, "strength": STRENGTH}
    weights = np.stack([color_similarity_weights(photo / 255, direction, **given) for direction in DIRECTIONS])
    heard = MixedAffinityOperator(weights)
    rows = [np.abs(heard.row(pixel)) for pixel in PIXELS]
    figures = {
        "pixels changed": float((sharp != mask).mean()),
        "weights": given,
        "effective pixels heard": [effective_area(row) for row in rows],
    }
    pictures = {"picture": draw(photo, [mask, sharp], rows)}
    record.write("front", figures, seed=options.seed, out=record.folder(options), pictures=pictures)


if __name__ == "__main__":
    main()
