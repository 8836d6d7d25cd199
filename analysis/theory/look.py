"""The explorer: how long a click on 512 x 512 pixels takes, and what its screen looks like.

    python analysis/theory/look.py

A click is what a window does: row and column of one-way and three-way weights, matrix-free, G of the pixels around, all
painted and drawn (Agg, 1280 x 720). The photograph is that of `spnkit look`: Grace Hopper, United States Navy.
"""

import sys
from pathlib import Path
from time import perf_counter

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import get_sample_data
from matplotlib.figure import Figure
from skimage import transform

from analysis.common import record
from spnkit.look import Explored, Photo, Screen, layout

CLICKS = 30


def photograph(height: int, width: int) -> Photo:
    """Of this size, from the upper left corner on."""
    whole = pyplot.imread(get_sample_data("grace_hopper.jpg")) / 255
    side = min(whole.shape[0] / height, whole.shape[1] / width)
    part = whole[: int(height * side), : int(width * side)]
    return Photo(transform.resize(part, (height, width), anti_aliasing=True))


def drawn(explored: Explored, pixel: tuple[int, int]) -> Screen:
    """A screen in a window that nobody sees."""
    figure = Figure(figsize=layout.SIZE)
    FigureCanvasAgg(figure)
    screen = Screen(explored, pixel, figure=figure)
    figure.canvas.draw()
    return screen


def clicks(screen: Screen, count: int, seed: int) -> dict[str, object]:
    """Times of clicks on pixels at random, in milliseconds, and what of that the numbers take."""
    rng = np.random.default_rng(seed)
    height, width = screen.explored.shape
    pixels = [(int(rng.integers(height)), int(rng.integers(width))) for _ in range(count + 3)]
    every, numbers = (
        np.array([_timed(call, pixel) for pixel in pixels])[3:] for call in (screen.look_at, screen.explored.heard)
    )
    return {
        "pixels": [height, width],
        "click, ms": {"least": every.min(), "median": np.median(every), "most": every.max()},
        "of it rows and columns, median ms": np.median(numbers),
    }


def _timed(call, pixel) -> float:
    before = perf_counter()
    call(pixel)
    return 1000 * (perf_counter() - before)


def main() -> None:
    options = record.parser(__file__, __doc__).parse_args()
    side, count = (48, 2) if options.small else (512, CLICKS)
    figures = {
        kind: clicks(drawn(Explored(photograph(side, side), kind), (side // 2, side // 2)), count, options.seed)
        for kind in ("domain transform", "recursive filter", "colour", "learned")
    }
    height, width = (48, 41) if options.small else (256, 218)
    shown = drawn(Explored(photograph(height, width), "learned"), (int(0.39 * height), int(0.55 * width)))
    out = record.folder(options)
    record.write("look", figures, seed=options.seed, out=out)
    record.draw(out / "look-screen.png", shown.figure, dpi=100)


if __name__ == "__main__":
    main()
