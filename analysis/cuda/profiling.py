"""Where the time of the CUDA kernels goes: what the profiler counts in them, beside what must be moved.

    python analysis/cuda/profiling.py

Bytes moved over bytes that must be, hits of the L2 cache, sectors of a request, issue slots, instructions a pixel, bank
conflicts, and what warps wait for. It needs `ncu` and the right to use its counters. Each case is a process of its own,
and is written as soon as it is known; run `benchmark.py` before, and the kernels are compiled.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import torch

from analysis.common import record
from analysis.common.cuda.cases import SMALL_FACTOR, cases
from analysis.common.cuda.profiler import counted, meaning
from analysis.common.cuda.worker import NO_TIME

CASES = (
    "left_to_right",
    "top_to_bottom",
    "forward",
    "forward and backward",
    "forward, shared gates",
    "forward, bfloat16",
    "left_to_right, bfloat16",
)
SECONDS = 60  # for a case
MINUTES = 3.0
MARK = "case: "


def one(name, shrink):
    """The program that is profiled: a call to get ready, and one that counts."""
    case = cases(shrink)[name]()
    case.call()
    torch.cuda.synchronize()
    torch.cuda.cudart().cudaProfilerStart()
    case.call()
    torch.cuda.synchronize()
    torch.cuda.cudart().cudaProfilerStop()
    print(MARK + json.dumps({"bytes": case.moved, "visits": case.visits}), flush=True)


def profiled(name, small, seconds):
    """The figures of a case, or why there are none."""
    program = [sys.executable, __file__, "--one", name, *["--small"] * small]
    try:
        output, launches = counted(program, seconds)
        case = json.loads(next(line for line in output.splitlines() if line.startswith(MARK)).removeprefix(MARK))
        kernels = [meaning(launch, case["visits"]) for launch in launches]
    except (OSError, subprocess.SubprocessError, RuntimeError, LookupError, StopIteration) as error:
        return {"failed": f"{type(error).__name__}: {error}"[:300]}
    moved = sum(kernel["GB"] for kernel in kernels)
    must = case["bytes"] / 1e9
    return {"GB": moved, "must move GB": must, "moved / must": moved / must, "kernels": kernels}


def shown(name, row):
    """A few lines."""
    if "kernels" not in row:
        print(f"{name}: {', '.join(row.values())}")
        return
    print(f"{name}: moved {row['moved / must']:.2f} times what must be moved")
    for kernel in row["kernels"]:
        stalls = ", ".join(f"{why} {share:.1f}" for why, share in list(kernel["warps stalled"].items())[:3])
        numbers = ", ".join(f"{key} {value:.4g}" for key, value in kernel.items() if isinstance(value, float))
        print(f"    {kernel['kernel']}: {numbers}, waiting for {stalls}")


def main():
    """Count what the kernels of every case do."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--one", choices=cases(1), help="run this case, for the profiler, and write nothing")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which no case is begun (default 3)")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("profiling.py needs an NVIDIA GPU, and torch finds none")
    if options.one:
        return one(options.one, SMALL_FACTOR if options.small else 1)
    end, figures = time.monotonic() + 60 * options.minutes, {}
    for name in CASES:
        left = end - time.monotonic()
        figures[name] = profiled(name, options.small, min(SECONDS, left)) if left > 0 else NO_TIME
        shown(name, figures[name])
        with contextlib.redirect_stdout(io.StringIO()):
            record.write("profiling", figures, seed=options.seed, out=record.folder(options))
    sys.exit(any("failed" in row for row in figures.values()))


if __name__ == "__main__":
    main()
