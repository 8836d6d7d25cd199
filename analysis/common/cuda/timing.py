"""Clocks for a GPU: events, captured graphs, the host's share, and what the profiler saw."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from statistics import median

import torch

COPIED = 1 << 30  # bytes


def times_ms(call, repeats=20, warm=3):
    """Times on the device."""
    for _ in range(warm):
        call()
    marks = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    for begin, end in marks:
        begin.record()
        call()
        end.record()
    torch.cuda.synchronize()
    return [begin.elapsed_time(end) for begin, end in marks]


def median_ms(call, repeats=20, warm=3):
    """Their median."""
    return median(times_ms(call, repeats, warm))


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
    return median(spent)


def bandwidth():
    """Bytes per millisecond of a copy, read and written."""
    source = torch.randn(COPIED // 4, device="cuda")
    target = torch.empty_like(source)
    return 2 * COPIED / median_ms(lambda: target.copy_(source))


def driver():
    """The version of the NVIDIA driver."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.strip() if shutil.which(query[0]) else "unknown"


def traced(call):
    """Microseconds of each kernel of a call, by its name, from torch's own tracer."""
    call()
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
        call()
        torch.cuda.synchronize()
    times = {event.key: event.self_device_time_total for event in seen.key_averages()}
    return {readable(name): spent for name, spent in times.items() if spent > 0}


def readable(name):
    """The own name of a function of the library, mangled (_ZN<length><module>...<length><function>...) or as in C++."""
    if name.startswith("spnkit::"):
        return re.split(r"[(\[<]", name)[0].rsplit("::", 1)[-1][:80]
    if not name.startswith("_ZN"):
        return name[:80]
    found, rest = "", name[3:]
    while length := re.match(r"\d+", rest):
        begin = length.end()
        end = begin + int(length[0])
        found, rest = rest[begin:end], rest[end:]
    return found[:80]
