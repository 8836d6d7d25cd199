"""What a GPU is asked to do: each job is told a name, and by what sizes are divided, and returns plain figures."""

from __future__ import annotations

import torch

import spnkit
from analysis.common.cuda import timing
from analysis.common.cuda.cases import cases


def copy(name, shrink):
    """The copy by which floors are measured, and what it ran on."""
    speed = timing.bandwidth()
    return {"copy GB/s": speed / 1e6, "driver": timing.driver(), "cuda": torch.version.cuda}


def host(name, shrink):
    """The host's share of a call of one launch."""
    x = torch.randn(1, 256, 8, 8, device="cuda")
    gates = torch.randn(1, 4, 3, 256, 8, 8, device="cuda")
    return {"host us": timing.host_us(lambda: spnkit.propagate(x, gates))}


def timed(name, shrink):
    """Time of a case; a result that is not what it should be is "wrong"."""
    return row(cases(shrink)[name]())


def row(case):
    """The time of a case that is made, with all that is known of it."""
    milliseconds = timing.times_ms(case.call, case.repeats)
    found = {"ms": timing.median(milliseconds) / case.calls, "fastest ms": min(milliseconds) / case.calls}
    found |= {"bytes": case.moved, "goal": case.goal(), "how": case.how}
    try:
        case.verify()
    except ArithmeticError as error:
        found["wrong"] = str(error)
    return {key: value for key, value in found.items() if value is not None}


def kernels(name, shrink):
    """Which kernels a case runs, with microseconds of each; the tracer slows the host, so it comes after the times."""
    case = cases(shrink)[name]()
    return {"kernels": {kernel: us / case.calls for kernel, us in timing.traced(case.call).items()}}


JOBS = {"copy": copy, "host": host, "time": timed, "kernels": kernels}
