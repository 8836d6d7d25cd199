"""The cases of `analysis/cuda/benchmark.py`, ours and rivals, what matters most first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

import spnkit
from analysis.common import rivals
from analysis.common.cuda import check, timing
from analysis.common.cuda.problem import WAYS, channels_last, drawn

SMALL_FACTOR = 32
ROW = 32  # captured calls in a row, where one is short
ONE, FUSED, BOTH = 1.15, 1.25, 1.6  # goals in multiples of the floor
BF16 = torch.bfloat16


@dataclass
class Case:
    """What is timed: the call, the bytes that it must move, a goal in floors or microseconds, calls at a time."""

    call: object
    verify: object
    moved: int | None = None
    floors: float | None = None
    us: float | None = None
    calls: int = 1
    repeats: int = 20
    visits: int | None = None  # pixels of all directions
    how: str | None = None  # what the timed program chose

    def goal(self):
        """As (limit, unit), or None."""
        return (self.floors, "floors") if self.floors else (self.us, "us") if self.us else None


def forward(problem, floors=None):
    """The library, there."""
    moved, visits = problem.forward_bytes(), problem.visits()
    return Case(problem.call, lambda: check.forward(problem, problem.call()), moved, floors, visits=visits)


def both(problem, floors=None):
    """There and back."""
    grad = torch.randn_like(problem.x)
    call, moved, visits = problem.there_and_back(grad), problem.both_bytes(), problem.visits()
    return Case(call, lambda: check.backward(problem, grad, *call()), moved, floors, visits=visits)


def one_direction(way, shrink, **options):
    """Planes that fill the GPU."""
    return drawn(16, 8, 1024 // shrink, 1024 // shrink, (way,), **options)


def unit(shrink, c=32, **options):
    """Four directions and their maximum."""
    return drawn(8, c, 512 // shrink, 512 // shrink, **options)


def plane(shrink, ways=tuple(WAYS)):
    """A single large one."""
    return drawn(1, 1, 4096 // shrink, 4096 // shrink, ways)


def hidden_layer(shrink, replayed):
    """The paper's: small enough for the cost of launches to show."""
    side = 64 // min(shrink, 8)
    problem = drawn(1, 32, side, side)
    case = forward(problem)
    case.moved = None  # it never leaves the L2 cache
    if replayed:
        case.call, case.us, case.calls = timing.in_a_row(problem.call, ROW), 15, ROW
    return case


def odd(shrink):
    """Sizes that no vector of four divides."""
    return drawn(8, 32, 512 // shrink - 3, 512 // shrink - 1)


def rival(problem, call, repeats=20, how=None, timed=None):
    """Another program for the same problem; `timed` is another form of its call."""
    verify = partial(_verified, problem, call)
    return Case(timed or call, verify, problem.forward_bytes(), repeats=repeats, how=how, visits=problem.visits())


def _verified(problem, call):
    check.forward(problem, call())


def per_column(problem):
    """The published design, in a graph."""
    from analysis.common.cuda.rivals import launch_per_column

    call = launch_per_column(problem.x, spnkit.normalize_gates(problem.gates[:, 0]))
    call()  # compiled before it is captured
    return rival(problem, call, repeats=5, timed=timing.captured(call))


def by_triton(problem):
    """A Triton kernel, in the best of its layouts."""
    from analysis.common.cuda.triton import unit as made

    clock = partial(timing.median_ms, repeats=3, warm=1)
    call, chosen = made(problem.x, problem.gates, clock, [WAYS[way] for way in problem.ways])
    how = ", ".join(f"{warps} warps {deep} deep" for warps, deep in dict.fromkeys(chosen))
    return rival(problem, call, how=how)


def torch_loop(problem, compiled):
    """Columns in torch."""
    step = torch.compile(rivals.column) if compiled else rivals.column
    return rival(problem, lambda: rivals.torch_loop(problem.x, problem.gates, step), repeats=3)


def copied(problem):
    """A plain copy that moves the same bytes."""
    half = torch.empty(problem.forward_bytes() // 2, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(half)
    return Case(lambda: target.copy_(half), lambda: None, problem.forward_bytes())


def cases(shrink):
    """Name and maker of every case. What a name begins with, `rival`, says whose it is."""
    across, down = "left_to_right", "top_to_bottom"
    one, four, large = partial(one_direction, shrink=shrink), partial(unit, shrink), partial(plane, shrink)
    return {
        across: lambda: forward(one(across), ONE),
        down: lambda: forward(one(down), ONE),
        "forward": lambda: forward(four(), FUSED),
        "forward and backward": lambda: both(four(), BOTH),
        f"{across}, bfloat16": lambda: forward(one(across, dtype=BF16), ONE),
        f"{down}, bfloat16": lambda: forward(one(down, dtype=BF16), ONE),
        "forward, bfloat16": lambda: forward(four(dtype=BF16), FUSED),
        "there and back, bfloat16": lambda: both(four(dtype=BF16), BOTH),
        "forward, shared gates": lambda: forward(four(channels=1)),
        "there and back, shared gates": lambda: both(four(channels=1)),
        "hidden layer, in a graph": lambda: hidden_layer(shrink, True),
        f"rival: Triton, {across}": lambda: by_triton(one(across)),
        f"rival: Triton, {down}": lambda: by_triton(one(down)),
        "rival: Triton, forward": lambda: by_triton(four()),
        "rival: launch per column": lambda: per_column(one(across)),
        f"rival: copy, {across}": lambda: copied(one(across)),
        "rival: copy, forward": lambda: copied(four()),
        f"one plane, {across}": lambda: forward(large((across,))),
        f"one plane, {down}": lambda: forward(large((down,))),
        "one plane, forward": lambda: forward(large()),
        "one plane, there and back": lambda: both(large()),
        "right_to_left": lambda: forward(one("right_to_left"), ONE),
        "bottom_to_top": lambda: forward(one("bottom_to_top"), ONE),
        "hidden layer, eager": lambda: hidden_layer(shrink, False),
        f"{across}, there and back": lambda: both(one(across)),
        f"{down}, there and back": lambda: both(one(down)),
        "forward, one-way": lambda: forward(four(connections=1)),
        "forward, mean": lambda: forward(four(how="mean")),
        "there and back, mean": lambda: both(four(how="mean")),
        "forward, float64": lambda: forward(four(16, dtype=torch.float64)),
        "forward, odd sizes": lambda: forward(odd(shrink)),
        "there and back, odd sizes": lambda: both(odd(shrink)),
        "forward, channels last": lambda: forward(channels_last(four())),
        "rival: torch loop": lambda: torch_loop(four(), False),
        "rival: torch.compile": lambda: torch_loop(four(), True),
    }
