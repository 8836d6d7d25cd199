"""From raw gates to the weights of Theorem 3: five rules, for one pixel and for whole arrays.

Kernels compile `normalized` and `gate_gradients` and apply them inside the scan, pixel by pixel. Whole
arrays go through `normalized_array`, one expression a rule that NumPy and torch both understand. The tests
hold the two against each other.
"""

from __future__ import annotations

from enum import IntEnum

from spnkit.scalars import absolute, exp, filled, where

SMALLEST = 1.2e-38  # gates that add up to less than the smallest normal float32 count as none


class Normalization(IntEnum):
    """The rules by public name; kernels are specialised on the value."""

    none = 0
    clip = 1
    always = 2
    softmax = 3
    sigmoid = 4


def normalized(g, rule):
    """Weights of one pixel from its gates: numerators times one common scale."""
    if rule == Normalization.none:
        return g
    top, total = _top_and_total(g, rule)
    r = _scale(total, rule)
    if len(g) == 1:
        return (_numerator(g[0], top, rule) * r,)
    return (_numerator(g[0], top, rule) * r, _numerator(g[1], top, rule) * r, _numerator(g[2], top, rule) * r)


def gate_gradients(g, p, dp, rule):
    """Gradient at the gates of one pixel from the gradient at its weights.

    `p` are the weights before any is dropped at the border: a dropped one still takes part in the scale.
    """
    if rule == Normalization.none:
        return dp
    _, total = _top_and_total(g, rule)
    common = p[0] * dp[0]
    for o in range(1, len(p)):
        common = common + p[o] * dp[o]
    if len(g) == 1:
        return (_gate_gradient(g[0], p[0], dp[0], common, total, rule),)
    return (
        _gate_gradient(g[0], p[0], dp[0], common, total, rule),
        _gate_gradient(g[1], p[1], dp[1], common, total, rule),
        _gate_gradient(g[2], p[2], dp[2], common, total, rule),
    )


def _top_and_total(g, rule):
    """The largest gate, and the sum that the scale is made of."""
    top = g[0]
    for o in range(1, len(g)):
        top = where(g[o] <= top, top, g[o])
    total = absolute(_numerator(g[0], top, rule))
    for o in range(1, len(g)):
        total = total + absolute(_numerator(g[o], top, rule))
    return top, total


def _numerator(g_o, top, rule):
    if rule == Normalization.softmax:
        return exp(g_o - top)
    if rule == Normalization.sigmoid:
        return reciprocal(filled(1, g_o) + exp(-g_o))
    return g_o


def _scale(total, rule):
    if rule == Normalization.clip:
        return reciprocal_above_one(total)
    one = filled(1, total)
    nothing = total <= filled(SMALLEST, total)
    return where(nothing, filled(0, total), reciprocal(where(nothing, one, total)))


def reciprocal(a):
    """1 / a. Machines that have an instruction for it put that in its place, here and below."""
    return filled(1, a) / a


def reciprocal_above_one(a):
    """1 / max(a, 1); this order lets a NaN through."""
    one = filled(1, a)
    return reciprocal(where(a <= one, one, a))


def _gate_gradient(g_o, p_o, dp_o, common, total, rule):
    """`common` is the sum of p dp: the part of the gradient that the scale passes to every gate."""
    if rule == Normalization.softmax:
        return p_o * (dp_o - common)
    one = filled(1, g_o)
    if rule == Normalization.sigmoid:
        return p_o * (dp_o - common) * reciprocal(one + exp(g_o))
    zero = filled(0, g_o)
    if rule == Normalization.clip:
        common = where(total <= one, zero, common)
    sign = where(g_o > zero, one, where(g_o == zero, zero, -one))
    return (dp_o - sign * common) * _scale(total, rule)


def normalized_array(xp, g, rule, axis):
    """The same rules on whole arrays; `xp` is numpy or torch, and torch differentiates through it."""
    if rule == Normalization.none:
        return g
    if rule == Normalization.clip:
        return g / xp.clip(xp.abs(g).sum(axis, keepdims=True), 1, None)
    if rule == Normalization.softmax:
        lifted = xp.exp(g - xp.amax(g, axis, keepdims=True))
    elif rule == Normalization.sigmoid:
        lifted = xp.exp(-xp.logaddexp(xp.zeros_like(g), -g))
    else:
        lifted = g
    total = xp.abs(lifted).sum(axis, keepdims=True)
    nothing = total <= SMALLEST
    one = xp.ones_like(total)
    return lifted * xp.where(nothing, xp.zeros_like(total), one / xp.where(nothing, one, total))
