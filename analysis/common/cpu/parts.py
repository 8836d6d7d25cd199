"""The parts of the measurement: each takes the session and returns its figures."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numba
import numpy as np
import torch

import spnkit
from analysis.common.cpu.unit import Unit
from analysis.common.timing import LEAST, Contestants, Copies, Times, alternate, median

TURNS = 7
START = """
import time
begin = time.perf_counter()
import numpy as np{imports}, spnkit
imported = time.perf_counter()
spnkit.scan(np.ones((1, 8, 64, 64), np.float32), np.ones((1, 3, 8, 64, 64), np.float32), "left_to_right")
print(imported - begin, time.perf_counter() - imported)
"""


@dataclass
class Session:
    """What all parts share."""

    small: bool
    seed: int
    copies: Copies
    rng: np.random.Generator = field(init=False)

    def __post_init__(self):
        self.rng = np.random.default_rng(self.seed)

    def sizes(self, *sides: int, planes: int = 32) -> list[tuple[int, int]]:
        """(planes, side) of the maps to measure; one small map in a quick check."""
        return [(4, 16)] if self.small else [(planes, side) for side in sides]

    def unit(self, planes: int, height: int, width: int | None = None, **options) -> Unit:
        """Fresh random arrays."""
        return Unit(self.rng, planes, height, width, **options)

    def alternate(self, contestants: Contestants) -> Times:
        """Seconds of each, in turn."""
        return alternate(contestants, *((1, 0) if self.small else (TURNS, LEAST)))

    def compare(self, contestants: Contestants) -> tuple[dict[str, float], dict]:
        """Median seconds of the contestants, in turn with the copies; the bandwidth of the best copy."""
        times = self.alternate(self.copies.contestants() | contestants)
        return median(times), self.copies.bandwidth(times)


def floors(seconds: float, moved: int, copy: dict) -> float:
    """R: a time as a multiple of its mandatory bytes over the bandwidth of the copy."""
    return seconds * copy["GB/s"] * 1e9 / moved


def report(seconds, moved, copy) -> dict:
    """Milliseconds and R of the contestants that `moved` names."""
    return {
        "copy": copy,
        "ms": {name: 1e3 * seconds[name] for name in moved},
        "R": {name: floors(seconds[name], count, copy) for name, count in moved.items()},
        "R by the fastest copy": {
            name: seconds[name] * copy["GB/s of the fastest sample"] * 1e9 / count for name, count in moved.items()
        },
    }


def named(planes: int, height: int, width: int | None = None) -> str:
    """How a size is called."""
    return f"{planes} x {height} x {width or height}"


def sizes(session: Session) -> dict:
    """R of the kernels, and of the public calls, which allocate."""
    found = {}
    for planes, side in dict.fromkeys([*session.sizes(64, 128, 256, 512), *session.sizes(1024, planes=8)]):
        unit = session.unit(planes, side)
        x, gates = torch.tensor(unit.x), torch.tensor(unit.gates)  # copies, in torch's own memory
        unit.both()
        contestants = {
            "forward, kernel": unit.forward,
            "forward, NumPy call": lambda unit=unit: spnkit.propagate(unit.x, unit.gates),
            "forward, torch call": lambda x=x, gates=gates: spnkit.propagate(x, gates),
            "both, kernel": unit.both,
            "both, torch call": _through_autograd(x, gates),
            "backward, kernel": unit.backward,
        }
        seconds, copy = session.compare(contestants)
        moved = {"forward": unit.forward_bytes, "both": unit.both_bytes, "backward": unit.backward_bytes}
        found[named(planes, side)] = {
            "planes": planes,
            "side": side,
            "forward MB": unit.forward_bytes / 1e6,
            **report(seconds, {name: moved[name.split(",")[0]] for name in contestants}, copy),
        }
    return found


def _through_autograd(x, gates):
    x, gates, grad = x.detach().requires_grad_(), gates.detach().requires_grad_(), x.clone()
    return lambda: torch.autograd.grad(spnkit.propagate(x, gates), (x, gates), grad)


def directions(session: Session) -> dict:
    """Each direction alone, and what a horizontal scan costs in vertical ones."""
    found = {}
    sides = [(4, 16), (4, 19)] if session.small else [(32, side) for side in (64, 250, 256, 257, 512, 509)]
    for planes, side in sides:
        units = {name: session.unit(planes, side, directions=(name,)) for name in spnkit.DIRECTIONS}
        seconds, copy = session.compare({name: unit.forward for name, unit in units.items()})
        across, down = ([seconds[name] for name in pair] for pair in (spnkit.DIRECTIONS[:2], spnkit.DIRECTIONS[2:]))
        moved = {name: unit.forward_bytes for name, unit in units.items()}
        found[named(planes, side)] = {
            **report(seconds, moved, copy),
            "horizontal / vertical": sum(across) / sum(down),
            "the slowest horizontal / the fastest vertical": max(across) / min(down),
        }
    return found


def layouts(session: Session) -> dict:
    """Channels-last memory beside channels-first, by the public torch calls, with the gates a view of a convolution's
    output."""
    found = {}
    for planes, side in session.sizes(64, 256):
        unit, contestants = session.unit(planes, side), {}
        x, flat = torch.tensor(unit.x), torch.tensor(unit.gates).flatten(1, 3)
        for name, memory in (("first", torch.contiguous_format), ("last", torch.channels_last)):
            arranged = flat.contiguous(memory_format=memory).unflatten(1, unit.gates.shape[1:4])
            placed = x.contiguous(memory_format=memory)
            contestants[f"forward, channels {name}"] = lambda x=placed, gates=arranged: spnkit.propagate(x, gates)
            contestants[f"both, channels {name}"] = _through_autograd(placed, arranged)
        moved = {name: unit.forward_bytes if name.startswith("forward") else unit.both_bytes for name in contestants}
        seconds, copy = session.compare(contestants)
        found[named(planes, side)] = {
            **report(seconds, moved, copy),
            **_ratios(seconds, "channels last", "channels first"),
        }
    return found


def _ratios(seconds, name, other) -> dict[str, float]:
    """Times under `name` over those under `other`."""
    return {
        f"{what}: {name} / {other}": seconds[f"{what}, {name}"] / seconds[f"{what}, {other}"]
        for what in ("forward", "both")
    }


def _beside(session: Session, sides, **variants: dict) -> dict:
    """The kernels on two variants of a call, by name: R of each over its own bytes, ratios of times and of bytes."""
    found, (name, other) = {}, [key.replace("_", " ") for key in variants]
    for planes, side in session.sizes(*sides):
        units = {key.replace("_", " "): session.unit(planes, side, **options) for key, options in variants.items()}
        contestants, moved = {}, {}
        for key, unit in units.items():
            unit.both()
            contestants |= {f"forward, {key}": unit.forward, f"both, {key}": unit.both}
            moved |= {f"forward, {key}": unit.forward_bytes, f"both, {key}": unit.both_bytes}
        seconds, copy = session.compare(contestants)
        found[named(planes, side)] = {
            **report(seconds, moved, copy),
            **_ratios(seconds, name, other),
            "of bytes": _ratios(moved, name, other),
        }
    return found


def sharing(session: Session) -> dict:
    """Gates shared by all channels, beside gates for each."""
    return _beside(session, (64, 256), shared={"shared": True}, per_channel={})


def connections(session: Session) -> dict:
    """One-way beside three-way."""
    return _beside(session, (128, 256), one_way={"connections": 1}, three_way={})


def precision(session: Session) -> dict:
    """float64 beside float32."""
    return _beside(session, (128, 256), float64={"dtype": np.float64}, float32={})


def threads(session: Session) -> dict:
    """The kernels with one thread and with all, each beside copies with as many."""
    found, most = {}, numba.config.NUMBA_NUM_THREADS
    try:
        for planes, side in session.sizes(128, 256, 512):
            unit, row = session.unit(planes, side), {}
            unit.both()
            for count in sorted({1, most}):
                numba.set_num_threads(count)
                kernels = {"forward": unit.forward, "both": unit.both}
                times = session.alternate(session.copies.contestants(count) | kernels)
                moved = {"forward": unit.forward_bytes, "both": unit.both_bytes}
                row[f"{count} threads"] = report(median(times), moved, session.copies.bandwidth(times))
            found[named(planes, side)] = row
    finally:
        numba.set_num_threads(most)
    return found


def growth(session: Session) -> dict:
    """Time for a pixel and plane as maps grow: with the work kept the same, and with as many planes."""
    sides = (8, 16) if session.small else (64, 128, 256, 512, 1024, 2048)
    found = {}
    for kind, planes_of in (("same work", lambda side: 8 * sides[-2] ** 2 // side**2), ("8 planes", lambda side: 8)):
        cost = {"forward": {}, "both": {}}
        for side in sides:
            unit = session.unit(planes_of(side), side)
            unit.both()
            seconds, _ = session.compare({"forward": unit.forward, "both": unit.both})
            for name in cost:
                cost[name][str(side)] = 1e9 * seconds[name] / unit.x.size
        found[kind] = {
            "ns for a pixel": cost,
            "largest / smallest": {name: max(row.values()) / min(row.values()) for name, row in cost.items()},
        }
    return found


def calls(session: Session) -> dict:
    """Small calls, whose time is overhead: microseconds."""
    unit = session.unit(8, 16)
    x, gates = torch.tensor(unit.x), torch.tensor(unit.gates)
    unit.both()
    contestants = {
        "kernel": unit.forward,
        "NumPy": lambda: spnkit.propagate(unit.x, unit.gates),
        "torch, no gradient": lambda: spnkit.propagate(x, gates),
        "torch, forward and backward": _through_autograd(x, gates),
    }
    seconds = median(session.alternate(contestants))
    return {"us at 1 x 8 x 16 x 16": {name: 1e6 * value for name, value in seconds.items()}}


def start(session: Session) -> dict:
    """A second process: its import and its first scan, seconds."""
    found = {}
    for name, imports in {"NumPy": ""}.items() if session.small else {"NumPy": "", "with torch": ", torch"}.items():
        rows = []
        for _ in range(1 if session.small else 6):
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", START.format(imports=imports)], capture_output=True, text=True, check=True
            )
            rows.append((*map(float, done.stdout.split()), time.perf_counter() - begin))
        warm = np.median(rows[1:] or rows, 0)  # the first may have filled the cache
        found[name] = dict(zip(("import", "first scan", "whole process"), warm, strict=True))
        found[name]["import and first scan"] = warm[0] + warm[1]
    return found


PARTS: dict[str, Callable[[Session], dict]] = {
    part.__name__: part
    for part in (sizes, directions, layouts, sharing, connections, precision, threads, growth, calls, start)
}
