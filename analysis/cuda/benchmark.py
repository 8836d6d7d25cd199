"""How fast the CUDA backend is: time, bandwidth, and multiple of the memory floor, beside its rivals in the same run.

The floor is the mandatory traffic (each input read once, each output written once) over the bandwidth of a large copy
on the device, bytes read plus bytes written. Times are medians of CUDA events after a warm-up. Every result is compared
with columns in torch, in float64, on the first and the last plane. The rivals: a launch for every column (the published
design), a loop over columns in torch, the same with its step compiled, a Triton kernel, and a copy of the same bytes.

    python analysis/cuda/benchmark.py

Every figure is written as soon as it is known, what matters most first; a case that fails, crashes or hangs says why,
and the others go on. The table comes last, and a picture of it; `--only` takes a few cases, `--draw` measures nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import torch

from analysis.common import record
from analysis.common.cuda import worker
from analysis.common.cuda.cases import SMALL_FACTOR, cases
from analysis.common.cuda.picture import bars
from analysis.common.cuda.problem import Floor
from analysis.common.cuda.report import comparisons, table
from spnkit.backends import BackendUnavailableError, backend

NAME = "benchmark"
MINUTES = 7.0
LAST = ("rival: torch loop", "rival: torch.compile")  # slow, and not close


def jobs(names):
    """What the worker is asked for, in this order: times, the host's share, which kernels ran."""
    early = [name for name in names if name not in LAST]
    ours = [name for name in early if not name.startswith("rival")]
    yield "copy", ""
    yield from (("time", name) for name in early)
    yield "host", ""
    yield from (("kernels", name) for name in ours)
    yield from (("time", name) for name in names if name in LAST)


def judged(row, speed):
    """A row with what its time means, beside its goal."""
    if "ms" not in row:
        return row
    row = dict(row)
    moved, goal = row.pop("bytes", None), row.pop("goal", None)
    if moved and speed:
        row |= Floor(moved, speed).figures(row["ms"])
    if goal and (goal[1] == "us" or "floors" in row):
        reached = row["ms"] * 1e3 if goal[1] == "us" else row["floors"]
        row |= {"goal": f"{goal[0]} {goal[1]}", "met": reached <= goal[0] and "wrong" not in row}
    return row


def sort_in(figures, job, result):
    """Put the result of a job where it belongs."""
    kind, name = job
    if kind == "time":
        figures["cases"][name] = judged(result, figures.get("copy GB/s", 0) * 1e6)
        figures["comparisons"] = comparisons(figures["cases"])
    elif kind == "kernels":
        figures["cases"].setdefault(name, {}).update(result if "kernels" in result else {})
    elif "failed" in result:
        figures["failed"] = figures.get("failed", {}) | {kind: result["failed"]}
    else:
        figures |= result


def measure(options, keep):
    """All figures, each of which `keep` is told as soon as it is there."""
    begin, shrink = time.monotonic(), SMALL_FACTOR if options.small else 1
    figures: dict = {"cases": {}, "comparisons": {}}
    asked = list(jobs(options.only or list(cases(shrink))))
    for job, result in worker.results(asked, options.seed, shrink, begin + 60 * options.minutes):
        sort_in(figures, job, result)
        keep(figures)
        print(f"{time.monotonic() - begin:5.0f} s  {' '.join(job)}: {result}", flush=True)
    return figures


def available():
    """Leave if there is nothing to measure."""
    if not torch.cuda.is_available():
        sys.exit("benchmark.py needs an NVIDIA GPU, and torch finds none")
    try:
        backend("cuda")
    except BackendUnavailableError as error:
        sys.exit(str(error))


def draw(folder):
    """The picture of the result file in a folder."""
    kept = json.loads((folder / f"{NAME}.json").read_text())
    with contextlib.suppress(ModuleNotFoundError):  # matplotlib is an extra
        record.draw(folder / f"{NAME}.png", bars(kept))


def options_of_command_line():
    """The usual ones, and what to measure for how long."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which no case is begun (default 7)")
    parser.add_argument("--only", nargs="+", choices=cases(1), metavar="CASE", help="these cases alone")
    parser.add_argument("--draw", action="store_true", help="draw the result file and measure nothing")
    return parser.parse_args()


def main():
    """Time everything; the table comes last, and the exit status says whether every case ran and was right."""
    options = options_of_command_line()
    folder = record.folder(options)
    if options.draw:
        return draw(folder)
    available()

    def keep(figures):
        with contextlib.redirect_stdout(io.StringIO()):
            record.write(NAME, figures, seed=options.seed, out=folder)

    figures = measure(options, keep)
    draw(folder)
    print(folder / f"{NAME}.json")
    table(figures)
    sys.exit(any("failed" in row or "wrong" in row for row in figures["cases"].values()))


if __name__ == "__main__":
    main()
