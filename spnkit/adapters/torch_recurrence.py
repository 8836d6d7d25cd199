"""The unit as a composition of torch operations around one primitive that is its own derivative.

The bare recurrence h_t = x_t + w_t h_{t-1} is linear in x and its adjoint is the same recurrence, run backwards
with transposed weights; so is every further derivative. `propagate` here has the mathematics of the fused
operator, and serves where that one cannot: functorch transforms, forward-mode AD, double backward.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.autograd import forward_ad

from spnkit.directions import OFFSETS, Direction
from spnkit.integration import Integration
from spnkit.normalization import normalized_array
from spnkit.plan import Plan, plan


def in_transform(*tensors: Tensor) -> bool:
    """Whether a functorch transform or forward-mode AD is looking at these tensors."""
    if torch._C._are_functorch_transforms_active():
        return True
    return forward_ad._current_level >= 0 and any(
        forward_ad.unpack_dual(tensor).tangent is not None for tensor in tensors
    )


LINEAR = {Integration.mean: Tensor.mean, Integration.sum: Tensor.sum}


def propagate(x: Tensor, gates: Tensor, plan: Plan, backend: str, winner: Tensor | None = None) -> Tensor:
    """One propagation unit; a `winner` from the fused operator settles ties as that one did."""
    if {x.dtype, gates.dtype} & {torch.float16, torch.bfloat16}:
        return propagate(x.float(), gates.float(), plan, backend, winner).to(x.dtype)
    p = normalized_array(torch, gates, plan.normalization, -4)
    maps = [scan(x, p[:, d], direction, backend) for d, direction in enumerate(plan.directions)]
    h = torch.stack(maps, 1)
    if plan.integration == Integration.none:
        return h
    if plan.integration == Integration.max:
        return h.max(1).values if winner is None else h.gather(1, winner[:, None].long())[:, 0]
    return LINEAR[plan.integration](h, 1)


def scan(x: Tensor, p: Tensor, direction: Direction, backend: str) -> Tensor:
    """Eq. (10) for normalised weights p (N, K, C or 1, H, W): (1 - sum p) x enters the recurrence."""
    inside = _neighbours(torch.ones_like(x[:1, :1]), direction, p.shape[1])
    return Recurrence.apply((1 - (p * inside).sum(1)) * x, p, direction, backend)


class Recurrence(torch.autograd.Function):
    """h_t = x_t + w_t h_{t-1} in one direction, differentiable any number of times and in every mode."""

    @staticmethod
    def forward(x, p, direction, backend):
        return torch.ops.spnkit.recurrence(x, p, direction.name, backend)

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, p, ctx.direction, ctx.backend = inputs
        ctx.save_for_backward(p, output)
        ctx.save_for_forward(p, output)

    @staticmethod
    def backward(ctx, grad):
        p, h = ctx.saved_tensors
        a = Recurrence.apply(grad, _transposed(p, ctx.direction), ctx.direction.opposite, ctx.backend)
        dp = a[:, None] * _neighbours(h, ctx.direction, p.shape[1])
        return a, dp.sum_to_size(p.shape), None, None

    @staticmethod
    def jvp(ctx, dx, dp, *_):
        p, h = ctx.saved_tensors
        driven = 0 if dx is None else dx
        if dp is not None:
            driven = driven + (dp * _neighbours(h, ctx.direction, p.shape[1])).sum(1)
        return Recurrence.apply(driven, p, ctx.direction, ctx.backend)

    @staticmethod
    def vmap(info, in_dims, x, p, direction, backend):
        def batched(tensor, dim):
            return tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)

        x, p = batched(x, in_dims[0]), batched(p, in_dims[1])
        h = Recurrence.apply(x.flatten(0, 1), p.flatten(0, 1), direction, backend)
        return h.unflatten(0, x.shape[:2]), 0


def _moved(maps: Tensor, direction: Direction, steps: int, lanes: int) -> Tensor:
    """`out[t, k] = maps[t + steps, k + lanes]` in scan order, and 0 where that lies outside."""
    steps = -steps if direction.reverse else steps
    down, right = (lanes, steps) if direction.horizontal else (steps, lanes)
    h, w = maps.shape[-2:]
    padded = torch.nn.functional.pad(maps, (max(-right, 0), max(right, 0), max(-down, 0), max(down, 0)))
    top, left = max(down, 0), max(right, 0)
    return padded[..., top : top + h, left : left + w]


def _neighbours(h: Tensor, direction: Direction, connections: int) -> Tensor:
    """(N, K, C, H, W): for each pixel its K neighbours of the previous step, 0 outside the map."""
    return torch.stack([_moved(h, direction, -1, offset) for offset in OFFSETS[int(connections)]], 1)


def _transposed(p: Tensor, direction: Direction) -> Tensor:
    """The weights of the adjoint: pixel (t, k) hears from (t + 1, k - o) with the weight it was heard with."""
    offsets = OFFSETS[int(p.shape[1])]
    return torch.stack([_moved(p[:, -1 - o], direction, 1, offset) for o, offset in enumerate(offsets)], 1)


def bare(direction: str) -> Plan:
    """The plan of the recurrence alone."""
    return replace(plan((direction,), "none", "sum"), anchored=False)
