"""Before and after: masks drawn with a few clicks on two photographs that scikit-image ships, sharpened.

The picture of README and of the quick start. Both photographs are free: the cup of coffee is in the public domain by
its photographer's choice (CC0), the astronaut is NASA's.
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
from skimage.draw import polygon2mask

from analysis.common import record
from spnkit.nn import refine

CLICKS = {
    "coffee": {
        "saucer": "90,180 110,300 180,360 290,388 400,345 465,280 482,200 440,115 400,75 200,60 130,90",
        "cup": "178,110 200,50 250,25 310,18 370,35 405,85 400,150 370,215 330,245 245,240 200,200",
    },
    "astronaut": {
        "suit": "120,170 60,240 25,300 20,430 75,500 150,512 280,512 290,400 365,345 345,260 290,190 230,240",
        "face": "180,90 175,130 195,180 240,185 270,150 285,100 250,80 200,75",
        "hair": "150,90 165,40 210,15 270,25 300,70 290,130 280,110 250,85 205,80 185,110 170,120",
        "helmet": "285,430 320,360 390,345 460,360 500,430 512,512 300,512",
    },
}
"""What is drawn, back to front: columns and rows of a polygon's corners."""
COLOURS = ("#00000000", "#2f7fd0", "#f4d35e", "#c1121f", "#2a9d8f")


def rough(name, size):
    """Labels (H, W): 0, then what was drawn in turn."""
    labels = np.zeros(size, np.uint8)
    for index, corners in enumerate(CLICKS[name].values(), 1):
        points = [tuple(map(int, corner.split(",")))[::-1] for corner in corners.split()]
        labels[polygon2mask(size, points)] = index
    return labels


def main() -> None:
    """Refine and draw."""
    options = record.parser(__file__, __doc__).parse_args()
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    axes = figure.subplots(len(CLICKS), 3)
    changed = {}
    for row, name in zip(axes, CLICKS, strict=True):
        photo = getattr(data, name)()
        mask = rough(name, photo.shape[:2])
        sharp = refine(photo, mask)
        changed[name] = float((sharp != mask).mean())
        for ax, labels, title in zip(row, (None, mask, sharp), ("photo", "drawn", "refined"), strict=True):
            ax.imshow(photo)
            if labels is not None:
                ax.imshow(
                    labels, cmap=ListedColormap(COLOURS), vmin=-0.5, vmax=4.5, alpha=0.55, interpolation="nearest"
                )
                ax.contour(labels, levels=np.arange(4) + 0.5, colors="white", linewidths=0.8)
            ax.set_title(title, fontsize=11)
            ax.set_axis_off()
    figures = {"pixels changed": changed}
    record.write("picture", figures, seed=options.seed, out=record.folder(options), pictures={"drawn": figure})


if __name__ == "__main__":
    main()
