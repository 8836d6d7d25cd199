"""What `spnkit.fill` costs beside the one `propagate` call that it makes: time and memory.

Beside the call on C + 1 channels that share their gates it makes weights of the gates, the pair of the values and the
quotient of the result, each a pass over memory.

    python analysis/cpu/fill.py
"""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
import torch

import spnkit
from analysis.common import record
from analysis.common.timing import alternate, median


def problem(rng, channels, side):
    """Values, a confidence that is 1 for one pixel in ten, gates that are shared, and the stacked pair."""
    values = rng.random((1, channels, side, side), dtype=np.float32)
    confidence = (rng.random((1, 1, side, side)) < 0.1).astype(np.float32)
    gates = rng.random((1, 4, 3, 1, side, side), dtype=np.float32)
    return values, confidence, gates, np.concatenate([confidence * values, confidence], 1)


def contestants(values, confidence, gates, pair):
    """The call alone and the whole, in NumPy and in torch, and there with gradients too."""
    tensors = [torch.from_numpy(array) for array in (values, confidence, gates, pair)]
    tracked = [tensor.clone().requires_grad_() for tensor in tensors]

    def alone(pair, gates):
        return spnkit.propagate(pair, gates, integration="mean")

    def back(call, *inputs):
        return torch.autograd.grad(call(*inputs).sum(), inputs)

    return {
        "NumPy": (lambda: alone(pair, gates), lambda: spnkit.fill(values, confidence, gates)),
        "torch": (lambda: alone(tensors[3], tensors[2]), lambda: spnkit.fill(*tensors[:3])),
        "torch, and back": (lambda: back(alone, tracked[3], tracked[2]), lambda: back(spnkit.fill, *tracked[:3])),
    }


def megabytes(call):
    """Most that NumPy holds at a time beside the arguments."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def measured(calls, turns):
    """Medians of all, and how many times the call the whole takes."""
    named = {
        (name, part): run for name, pair in calls.items() for part, run in zip(("call", "fill"), pair, strict=True)
    }
    seconds = median(alternate(named, turns))
    figures = {
        name: {
            "propagate, ms": 1e3 * seconds[name, "call"],
            "fill, ms": 1e3 * seconds[name, "fill"],
            "times": seconds[name, "fill"] / seconds[name, "call"],
        }
        for name in calls
    }
    for part, run in zip(("propagate, MB", "fill, MB"), calls["NumPy"], strict=True):
        figures["NumPy"][part] = megabytes(run)
    return figures


def main() -> None:
    """Measure three colours and 21 classes."""
    options = record.parser(__file__, __doc__).parse_args()
    side, turns = (32, 2) if options.small else (512, 15)
    figures = {}
    for channels in (3, 21):
        rng = np.random.default_rng(options.seed)
        figures[f"{channels} x {side} x {side}"] = measured(contestants(*problem(rng, channels, side)), turns)
    record.write("fill", figures, seed=options.seed, out=record.folder(options))


if __name__ == "__main__":
    main()
