"""What a call costs the host, with a stand-in for the driver: no GPU is needed, and none is waited for.

A launch costs some 2 us more in the driver; a captured graph leaves nothing of all this.

    python analysis/cuda/host.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import torch

import spnkit
from analysis.common import record
from analysis.common.cuda.stand_in import gpu


def microseconds(call, calls, rounds, after):
    """Least over rounds of the mean time of a call: whatever else the machine does can only add to it."""
    spent = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        spent.append((time.perf_counter() - begin) / calls * 1e6)
        after()
    return min(spent)


def cases():
    """Name and call: enough planes for one launch, too few, and with gradients."""
    torch.manual_seed(0)
    many, few = ((torch.randn(n, 32, 4, 4), torch.randn(n, 4, 3, 32, 4, 4)) for n in (8, 1))
    x, gates = (tensor.clone().requires_grad_() for tensor in many)
    y = spnkit.propagate(x, gates)
    grad = torch.ones_like(y)
    yield "one launch", lambda: spnkit.propagate(*many)
    yield "two launches", lambda: spnkit.propagate(*few)
    yield "tracked", lambda: spnkit.propagate(x, gates)
    yield "tracked, and back", lambda: torch.autograd.grad(spnkit.propagate(x, gates), (x, gates), grad)


def main():
    """Time all cases."""
    options = record.parser(__file__, __doc__).parse_args()
    calls, rounds = (2, 1) if options.small else (20, 1000)
    torch.set_num_threads(1)
    with gpu() as launches:
        figures = {}
        for name, call in cases():
            call()
            launches.clear()
            call()
            figures[name] = {"launches": len(launches)}
            figures[name]["us"] = microseconds(call, calls, rounds, launches.clear)
            print(f"{name:20} {figures[name]['us']:6.1f} us, {figures[name]['launches']} launches")
    record.write("host", figures, seed=options.seed, out=record.folder(options))


if __name__ == "__main__":
    main()
