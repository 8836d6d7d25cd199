"""Whether a program on the GPU computes what it should: columns in torch, in float64, on its first and its last plane.

The planes are those that were timed, so the kernel is the one that was timed. Derivatives jump where two
directions tie or |g| sums to exactly one, and rounding decides there: a few values may be off on the way back.
"""

from __future__ import annotations

import torch

from analysis.common import rivals
from analysis.common.cuda.problem import WAYS

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 2e-2}
MAY_JUMP = {torch.float64: 1e-3, torch.float32: 1e-3, torch.bfloat16: 3e-2}  # share of values on the way back
INTEGRATED = {"max": lambda maps: maps.amax(0), "mean": lambda maps: maps.mean(0)}


def ends(tensor):
    """The first plane and the last one of (N, ..., C, H, W), as (2, ..., 1, H, W)."""
    return torch.stack((tensor[0][..., :1, :, :], tensor[-1][..., -1:, :, :])).detach()


def looked_at(problem, tensor):
    """These planes; where gates are shared a whole sample, since all of its channels add to their gradient."""
    return tensor[:1].detach() if problem.shared else ends(tensor)


def expected(problem, x, gates):
    """The unit, column by column."""
    if gates.shape[2] == 1:  # one-way connections are three-way ones without neighbours
        gates = torch.cat((torch.zeros_like(gates), gates, torch.zeros_like(gates)), 2)
    ways = [WAYS[name] for name in problem.ways]
    return rivals.torch_loop(x, gates, ways=ways, integrate=INTEGRATED[problem.how])


def share_off(actual, exact):
    """Which share of the values is further from the exact one than the type's tolerance; NaN is."""
    near = (actual.double() - exact).abs() <= TOLERANCE[actual.dtype] * exact.abs().clamp(min=1)
    return 1 - near.double().mean().item()


def forward(problem, y):
    """Raise ArithmeticError if y is wrong anywhere on these planes."""
    x, gates = (looked_at(problem, tensor).double() for tensor in (problem.x, problem.gates))
    off = share_off(looked_at(problem, y), expected(problem, x, gates))
    if off > 0:
        raise ArithmeticError(f"{off:.2%} of the output is wrong")


def backward(problem, grad, dx, dgates):
    """The same for gradients, but for a few values."""
    x, gates = (looked_at(problem, tensor).double().requires_grad_() for tensor in (problem.x, problem.gates))
    exact = torch.autograd.grad(expected(problem, x, gates), (x, gates), looked_at(problem, grad).double())
    for name, actual, right in zip(("x", "gates"), (dx, dgates), exact, strict=True):
        off = share_off(looked_at(problem, actual), right)
        if off > MAY_JUMP[actual.dtype]:
            raise ArithmeticError(f"{off:.2%} of the gradient at {name} is wrong")
