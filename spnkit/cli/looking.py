"""The work of `spnkit look`: the photo, and the window, page or file that it is seen in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray
from PIL import Image

from spnkit.cli.said import about, tell
from spnkit.data.files import whole_file
from spnkit.data.photo_files import TURNS, read_stored
from spnkit.look.kinds import Photo
from spnkit.look.layout import SIZE

SAMPLE = "grace_hopper.jpg"
"""Rear Admiral Grace Hopper, by James S. Davis for the United States Navy: in the public domain."""
ENDINGS = (".png", ".pdf", ".svg")


def shown_photo(path: Path | None, side: int) -> Photo:
    """A photo, upright and in [0, 1], its longer side at most so many pixels."""
    if path is None:
        path = Path(str(get_sample_data(SAMPLE, asfileobj=False)))
        tell("Rear Admiral Grace Hopper, a photograph of the United States Navy that comes with matplotlib")
    with about(path):
        stored, orientation = read_stored(path)
        levels = TURNS[orientation](stored)
        most = np.iinfo(levels.dtype).max if levels.dtype.kind == "u" else 1
        if not np.isfinite(levels).all():
            raise ValueError("expected a finite photo, got NaN or infinity")
        colours = np.atleast_3d(levels).astype(np.float32) / np.float32(most)
        if colours.shape[2] == 1:
            colours = colours.repeat(3, axis=2)
        return Photo(np.clip(_shrunk(colours, side, path), 0, 1))


def _shrunk(colours: NDArray[np.float32], side: int, path: Path) -> NDArray[np.float32]:
    height, width = colours.shape[:2]
    if max(height, width) <= side:
        return colours
    size = tuple(max(1, round(each * side / max(height, width))) for each in (width, height))
    tell(f"{path.name}: {width} x {height} is shrunk to {size[0]} x {size[1]} (--side {max(height, width)} leaves it)")
    planes = [Image.fromarray(plane).resize(size, Image.Resampling.BOX) for plane in np.moveaxis(colours, 2, 0)]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def check_place(out: Path, force: bool) -> None:
    """A picture can be written there."""
    if out.suffix.lower() not in ENDINGS:
        raise ValueError(f"{out}: expected one of the endings {' '.join(ENDINGS)}, got {out.suffix or 'none'}")
    if out.exists() and not force:
        raise FileExistsError(f"{out}: is there already (--force overwrites it)")


def save(figure: Any, out: Path) -> None:
    """Write a picture of the screen, whole or not at all."""
    with whole_file(out) as file:
        figure.savefig(file, format=out.suffix[1:].lower(), dpi=100)
    tell(f"written: {out}")


def open_window(make: Callable[[Any], Any], web: bool, port: int) -> None:
    """Show a screen until it is closed: in a window, or as a page where that is wanted or there is no screen."""
    import matplotlib.pyplot as plt

    keys: Any = {"keymap.back": [], "keymap.forward": [], "webagg.port": port}  # the arrows are ours
    with matplotlib.rc_context(keys):
        figure = plt.figure("spnkit look", figsize=SIZE)
        if web or figure.canvas.required_interactive_framework is None:
            import tornado  # noqa: F401  # named if it is missing; matplotlib would not say what for

            plt.close(figure)
            plt.switch_backend("webagg")
            figure = plt.figure("spnkit look", figsize=SIZE)
            tell(f"http://{_serve()} is the page; Ctrl-C ends it")
        _screen = make(figure)  # it has to live as long as the window
        plt.show(block=True)


def _serve() -> str:
    """Find a place for the page, on this machine alone: the port that was asked for, or one near it."""
    from matplotlib.backends.backend_webagg import WebAggApplication

    application: Any = WebAggApplication
    application.initialize()
    return f"{application.address}:{application.port}"
