"""A CPU stands in for the GPU of the benchmark's worker: `python stand_in_for_gpu.py --jobs ...`; slow, but it runs."""

import os
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

os.environ["NUMBA_NUM_THREADS"] = "1"  # before Numba is there

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from analysis.common.cuda import timing, worker


class Event:
    """The time of the host."""

    def __init__(self, enable_timing):
        self.at = None

    def record(self):
        self.at = time.perf_counter()

    def elapsed_time(self, other):
        return (other.at - self.at) * 1e3


def stand_in():
    """torch.cuda, as far as the benchmark knows it."""
    stream = SimpleNamespace(wait_stream=lambda other: None, cuda_stream=0)
    graph = SimpleNamespace(replay=lambda: None)
    found = {"Event": Event, "synchronize": lambda: None, "empty_cache": lambda: None, "CUDAGraph": lambda: graph}
    found |= {"Stream": lambda: stream, "current_stream": lambda: stream, "stream": lambda _: nullcontext()}
    found |= {"graph": lambda _: nullcontext()}
    for name, value in found.items():
        setattr(torch.cuda, name, value)
    for name in ("randn", "empty"):
        plain = getattr(torch, name)
        setattr(torch, name, lambda *size, plain=plain, device=None, **rest: plain(*size, **rest))
    torch.compile = lambda step: step
    torch.set_num_threads(1)
    timing.COPIED = 1 << 20
    timing.times_ms = partial(once, timing.times_ms)
    timing.host_us = lambda call: 1.0
    timing.traced = lambda call: {"scan": 1.0}


def once(times_ms, call, repeats=1, warm=0):
    """Times do not matter here."""
    return times_ms(call, 1, 0)


if __name__ == "__main__":
    stand_in()
    for module in ("rivals", "triton"):  # need what is not there
        sys.modules[f"analysis.common.cuda.{module}"] = None  # type: ignore[assignment]
    worker.main()
