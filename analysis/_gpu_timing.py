"""Clocks for a GPU: events, captured graphs, the host's share, and what the profiler saw."""

from __future__ import annotations

import csv
import shutil
import signal
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager

import torch

COPIED = 1 << 30  # bytes
METRICS = "dram__bytes.sum,gpu__time_duration.sum"


def median_ms(call, repeats=20, warm=3):
    """Median time on the device."""
    for _ in range(warm):
        call()
    marks = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    for begin, end in marks:
        begin.record()
        call()
        end.record()
    torch.cuda.synchronize()
    return statistics.median(begin.elapsed_time(end) for begin, end in marks)


def captured(call):
    """The call as a CUDA graph, without its cost on the host."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


def in_a_row(call, times):
    """The call so many times, captured: one alone may be shorter than what an event takes."""

    def several():
        for _ in range(times):
            call()

    return captured(several)


def host_us(call, calls=200):
    """Median time that the host spends on a call, the device being ahead."""
    spent = []
    for _ in range(7):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        spent.append((time.perf_counter() - begin) / calls * 1e6)
    torch.cuda.synchronize()
    return statistics.median(spent)


def bandwidth():
    """Bytes per millisecond of a copy, read and written."""
    source = torch.randn(COPIED // 4, device="cuda")
    target = torch.empty_like(source)
    return 2 * COPIED / median_ms(lambda: target.copy_(source))


def driver():
    """The version of the NVIDIA driver."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.strip() if shutil.which(query[0]) else "unknown"


def profiled(program, kernel, seconds=60):
    """What the profiler saw of one launch of a kernel in a program: {"ms", "GB", "GB/s"}, or why it did not."""
    options = ["--csv", "--metrics", METRICS, "--print-units", "base", "--clock-control", "none"]
    chosen = ["--kernel-name", f"regex:{kernel}", "--launch-count", "1"]
    command = ["ncu", *options, *chosen, sys.executable, "-c", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        lines = [line for line in done.stdout.splitlines() if line.startswith('"')]
        seen = {row["Metric Name"]: float(row["Metric Value"].replace(",", "")) for row in csv.DictReader(lines)}
        moved, nanoseconds = (seen[metric] for metric in METRICS.split(","))
        return {"ms": nanoseconds / 1e6, "GB": moved / 1e9, "GB/s": moved / nanoseconds}
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return {"unknown": f"{type(error).__name__}: {error}"[:200]}


@contextmanager
def limited(seconds):
    """Raise TimeoutError in what takes longer."""

    def stop(*_):
        raise TimeoutError(f"took more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
