"""Look at the affinity of a photo: click on a pixel, and see whom it listens to and who listens to it.

    spnkit look                          a photograph that comes with matplotlib
    spnkit look cat.jpg                  a window, or a page in the browser where there is no screen
    spnkit look cat.jpg --web            a page in the browser, served from here alone
    spnkit look cat.jpg -o cat-seen.png  a picture of the screen, and no window

One-way and three-way connections stand side by side. Sliders change the weights' strength and sigma, and how long the
photo diffuses; choices change the kind of weights and the scans. The matrix is G of the pixels around the clicked one,
its row and column marked. Arrow keys move by a pixel, with shift by ten.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "click on a photo: whom does this pixel listen to?"
SIDE = 256
"""Pixels of the longer side: of more, a click reaches a small part."""


def options(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    from spnkit.directions import DIRECTIONS

    add = command.add_argument
    add("photo", metavar="PHOTO", nargs="?", type=Path, help="any photo (default: one that comes with matplotlib)")
    add("--weights", default="colour", metavar="KIND", help="domain transform, recursive filter, colour or learned")
    add("--strength", type=float, default=0.99, metavar="S", help="how much a pixel of a flat part hears (0.99)")
    add("--sigma", type=float, default=1.0, metavar="X", help="what is an edge, in multiples of this photo's scale (1)")
    add("--time", type=float, default=4, metavar="T", help="how long the photo diffuses (4)")
    add("--scans", default="all four", metavar="WHICH", help=f"all four, or one: {', '.join(DIRECTIONS)}")
    add(
        "--pixel",
        type=pixel,
        metavar="ROW,COLUMN",
        help="the pixel that is clicked first (the middle), after shrinking",
    )
    add("--side", type=int, default=SIDE, metavar="N", help=f"larger photos are shrunk to so many pixels ({SIDE})")
    add("--web", action="store_true", help="a page in the browser in place of a window")
    add("--port", type=int, default=8988, metavar="N", help="where that page is served first of all (8988)")
    add("-o", "--out", type=Path, metavar="FILE", help="write a picture of the screen, and end")
    add("--force", action="store_true", help="overwrite the picture if it is there")


def pixel(text: str) -> tuple[int, int]:
    """Two whole numbers."""
    try:
        row, column = (int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected ROW,COLUMN, got {text!r}") from None
    return row, column


def run(asked: argparse.Namespace) -> int:
    """Look until the window is closed."""
    from spnkit.cli.looking import check_place, open_window, save, shown_photo
    from spnkit.look.explored import Explored
    from spnkit.look.screen import Screen

    if asked.side < 1:
        raise ValueError(f"--side must be at least 1, got {asked.side}")
    if asked.out:
        check_place(asked.out, asked.force)
    seen = Explored(shown_photo(asked.photo, asked.side), asked.weights, asked.strength, asked.sigma, asked.scans)
    if asked.out:
        save(Screen(seen, asked.pixel, asked.time).figure, asked.out)
    else:
        open_window(lambda figure: Screen(seen, asked.pixel, asked.time, figure), asked.web, asked.port)
    return 0
