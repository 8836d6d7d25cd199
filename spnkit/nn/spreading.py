"""Maps spread along weights, by confidence; those of large photos a strip at a time.

It is what `spnkit.fill` does, for weights that are normalised already and for one that keeps some of what was given.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from spnkit.directions import DIRECTIONS, TABLE
from spnkit.propagation import propagate

STRIP = 128
"""Lines that are propagated together where weights have to be widened."""


def spread(coarse: Tensor, known: Tensor, confidence: Tensor, kept: Tensor, rounds: Iterable[Tensor]) -> Tensor:
    """Some classes of a map (N, C, H, W), refined: what is heard, by confidence, mixed with what is kept.

    `known` (N, 1, H, W) is what all classes of the map add up to, one or zero.
    """
    pair = confidence * torch.cat([coarse, known], 1)
    for gates in rounds:
        pair = heard(pair, gates)
    filled = pair[:, :-1] / pair[:, -1:].clamp_min(torch.finfo(pair.dtype).tiny)
    del pair
    return (filled * (1 - kept * known)).addcmul(kept.to(coarse.dtype), coarse)


def heard(x: Tensor, gates: Tensor) -> Tensor:
    """The mean of the directions; weights in another precision than the map are widened a strip at a time."""
    if gates.dtype == x.dtype:
        return propagate(x, gates, normalization="none", integration="mean")
    total = torch.zeros_like(x)
    for index, direction in enumerate(DIRECTIONS):
        add_by_strips(total, x, gates[:, index : index + 1], direction)
    return total.div_(len(DIRECTIONS))


def add_by_strips(total: Tensor, x: Tensor, gates: Tensor, direction: str) -> None:
    """Add what is heard in one direction, some lines at a time.

    A line needs nothing of what is behind it but the line before. So a strip begins with the last line of the strip
    before, which listens to nobody and keeps what it has.
    """
    axis, reverse = (-1 if TABLE[direction].horizontal else -2), TABLE[direction].reverse
    count, last = x.shape[axis], None
    for begin in range(0, count, STRIP):  # counted as the scan does
        first, end = max(0, begin - 1), min(begin + STRIP, count)
        length, low = end - first, count - end if reverse else first
        values, weights = (each.narrow(axis, low, length).to(x.dtype, copy=True) for each in (x, gates))
        if last is not None:
            seed = length - 1 if reverse else 0
            values.select(axis, seed).copy_(last)
            weights.select(axis, seed).zero_()
        h = propagate(values, weights, directions=(direction,), normalization="none", integration="mean")
        last = h.select(axis, 0 if reverse else length - 1)
        new = end - begin
        total.narrow(axis, low if reverse else begin, new).add_(h.narrow(axis, 0 if reverse else begin - first, new))
