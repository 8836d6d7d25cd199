"""Contestants that take turns, and the copy whose bandwidth is the denominator of every multiple of the floor."""

from __future__ import annotations

import ctypes
import gc
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

Contestants = dict[str, Callable[[], object]]
Times = dict[str, list[float]]

LEAST = 0.01  # seconds: a sample repeats a shorter call for that long
SHORT, SLOW = 0.1, 0.5  # seconds: calls that are let run once before a sample; that take part in every third turn only
ALIGNED = 64  # bytes


def alternate(contestants: Contestants, turns: int, least: float = LEAST) -> Times:
    """Seconds a call of each; all take turns, and each has had two calls that are not counted."""
    for run in contestants.values():
        run()
    estimates = {name: _seconds(run, 1) for name, run in contestants.items()}
    times: Times = {name: [] for name in contestants}
    gc.collect()
    for turn in range(turns):
        for name, run in contestants.items():
            if estimates[name] > SLOW and turn % 3:
                continue
            if estimates[name] < SHORT:
                run()  # the one before may have left its memory in the cache, or a thread that still spins
            times[name].append(_seconds(run, max(1, math.ceil(least / estimates[name]))))
    return times


def median(times: Times) -> dict[str, float]:
    """Of each contestant, in seconds."""
    return {name: float(np.median(samples)) for name, samples in times.items()}


def _seconds(run, calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - begin) / calls


class Copies:
    """The best copies that we can get, over arrays beyond the last cache, touched before, with `threads` threads.

    One is memcpy on equal parts; where a C++ compiler has been found, the other has non-temporal stores. As
    contestants they take turns with what is measured by them.
    """

    def __init__(self, megabytes: int, native: ctypes.CDLL | None):
        self._source, self._target = (_aligned(megabytes << 20) for _ in range(2))
        self._native = native
        self.moved = 2 * self._source.nbytes  # read and written

    def contestants(self, threads: int | None = None) -> Contestants:
        """The copies by name."""
        threads = threads or numba.config.NUMBA_NUM_THREADS
        found: Contestants = {f"copy: memcpy, {threads} threads": lambda: self._memcpy(threads)}
        if self._native is not None:
            found[f"copy: streaming stores, {threads} threads"] = lambda: self._stream(threads)
        return found

    def bandwidth(self, times: Times) -> dict:
        """Bytes per second of the best copy among the contestants: by its median, and its fastest sample."""
        seconds = {name: value for name, value in median(times).items() if name.startswith("copy: ")}
        best = min(seconds, key=seconds.__getitem__)
        return {
            "denominator": best.removeprefix("copy: "),
            "GB/s": self.moved / seconds[best] / 1e9,
            "GB/s of the fastest sample": self.moved / min(min(times[name]) for name in seconds) / 1e9,
        }

    def _memcpy(self, threads):
        parts = zip(np.array_split(self._target, threads), np.array_split(self._source, threads), strict=True)
        others = [threading.Thread(target=np.copyto, args=part) for part in parts]
        for other in others:
            other.start()
        for other in others:
            other.join()

    def _stream(self, threads):
        self._native.copy_streaming(_address(self._target), _address(self._source), self._source.nbytes, threads)


def _aligned(size: int) -> np.ndarray:
    """Bytes that begin on a cache line, all of them touched."""
    raw = np.ones(size + ALIGNED, np.uint8)
    begin = -raw.ctypes.data % ALIGNED
    return raw[begin : begin + size]


def _address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def caches() -> dict[str, str]:
    """Sizes of the first core's caches, by level, where the system tells."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found
