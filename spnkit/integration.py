"""From one scan per direction to one map: node-wise max (the paper's), mean, sum, or no integration."""

from __future__ import annotations

from enum import IntEnum

from spnkit.scalars import filled, where


class Integration(IntEnum):
    """The integrations by public name; kernels are specialised on the value."""

    none = 0
    max = 1
    mean = 2
    sum = 3


def wins(h, best):
    """Whether `h` takes the node from the best direction so far; the first NaN wins for good."""
    return (h > best) | ((h != h) & (best == best))


def integrated(so_far, h, count, rule):
    """One node after direction number `count` (from 0, and never 0 itself) has been added."""
    if rule == Integration.max:
        return where(wins(h, so_far), h, so_far)
    if rule == Integration.mean:
        return so_far + (h - so_far) / filled(count + 1, h)  # equal values stay exactly equal
    return so_far + h


def share(grad, won, total, rule):
    """The gradient that one of `total` directions gets at one node; `won` matters for max alone."""
    if rule == Integration.max:
        return where(won, grad, filled(0, grad))
    if rule == Integration.mean:
        return grad / filled(total, grad)
    return grad
