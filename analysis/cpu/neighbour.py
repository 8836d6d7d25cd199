"""What a call costs while another process keeps all cores but one busy, in multiples of the quiet time.

One core alone needs as many times as there are cores; a team of threads that waits for a thread without a core needs
far more.

    python analysis/cpu/neighbour.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np

from analysis.common import record
from analysis.common.cpu.unit import Unit

BUSY = [sys.executable, "-c", "while True: pass"]


@contextmanager
def busy(cores: int):
    """So many processes meanwhile that do nothing but compute, each in a session of its own."""
    others = [subprocess.Popen(BUSY, start_new_session=True) for _ in range(cores)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def measured(run, seconds: float) -> dict[str, float]:
    """Milliseconds of calls, one after the other for that long."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    found = {"median": np.median(times), "mean": np.mean(times), "95 of 100": np.percentile(times, 95)}
    return {name: 1e3 * float(value) for name, value in found.items()}


def main() -> None:
    """Forward, and forward and backward, at two sizes."""
    options = record.parser(__file__, __doc__).parse_args()
    seconds, rng, figures = 0.05 if options.small else 2.0, np.random.default_rng(options.seed), {}
    for side in (16,) if options.small else (64, 256):
        unit = Unit(rng, 32, side)
        for name, run in (("forward", unit.forward), ("both", unit.both)):
            run()
            quiet = measured(run, seconds)
            with busy((os.cpu_count() or 2) - 1):
                beside = measured(run, seconds)
            figures[f"{name}, 32 x {side} x {side}"] = {
                "quiet, ms": quiet,
                "beside a busy process, ms": beside,
                "times": {key: beside[key] / quiet[key] for key in quiet},
            }
    record.write("neighbour", figures, seed=options.seed, out=record.folder(options))


if __name__ == "__main__":
    main()
