"""What large photos cost: time and memory of `spnkit refine`, and of `spnkit.nn.refine` in a process that is warm.

    python analysis/refinement/large.py

Photos are made-up scenes at several times their size, with three classes; peak memory is that of the whole command.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
from PIL import Image

from analysis.common import record
from spnkit.data.scenes import make_scene
from spnkit.nn import mask_refiner, refine

SIZES = ((1000, 1000), (4000, 3000))
TURNS = 5


def picture(width, height, seed):
    """A photo and its labels."""
    photo, labels = make_scene(500, np.random.default_rng(seed), classes=3)
    size = (width, height)
    photo = Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC)
    return photo, Image.fromarray(labels).resize(size, Image.Resampling.NEAREST)


def command(photo, labels):
    """Seconds and MB at most of the command, as people call it: in a process of its own, waited for alone."""
    with TemporaryDirectory() as folder:
        files = [f"{folder}/{name}" for name in ("photo.jpg", "mask.png", "sharp.png")]
        photo.save(files[0])
        labels.save(files[1])
        began = perf_counter()
        words = (sys.executable, "-m", "spnkit", "refine", *files[:2], "-o", files[2])
        child = os.posix_spawn(sys.executable, words, os.environ | {"PYTHONPATH": sys.path[0]})
        _, status, usage = os.wait4(child, 0)
        if status or not Path(files[2]).exists():
            raise SystemExit(f"spnkit refine ended with {status}")
        return perf_counter() - began, usage.ru_maxrss * 1024 / 1e6


def warm(photo, labels, turns):
    """Median seconds of a call."""
    refiner, taken = mask_refiner(), []
    photo, labels = np.asarray(photo), np.asarray(labels)
    for _ in range(turns + 1):
        began = perf_counter()
        refine(photo, labels, refiner=refiner)
        taken.append(perf_counter() - began)
    return median(taken[1:])


def main() -> None:
    """Measure, write and print."""
    options = record.parser(__file__, __doc__).parse_args()
    figures = {}
    for width, height in ((64, 48),) if options.small else SIZES:
        photo, labels = picture(width, height, options.seed)
        seconds, megabytes = command(photo, labels)
        call = warm(photo, labels, 1 if options.small or width > 2000 else TURNS)
        row = {"command s": seconds, "command MB": megabytes, "call s": call, "call s/MP": call / width / height * 1e6}
        figures[f"{width} x {height}"] = {name: round(value, 3) for name, value in row.items()}
        print(f"{width} x {height}:", figures[f"{width} x {height}"])
    record.write("large", figures, seed=options.seed, out=record.folder(options))


if __name__ == "__main__":
    main()
