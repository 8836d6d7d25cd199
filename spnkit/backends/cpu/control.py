"""Branches and loops by what only a running kernel knows; `compiler.py` puts them in place of statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spnkit.backends.cpu.values import BIT, WORD, Number, Truth, Value, builder

UNLIKE = object()  # what two ways have made of different kinds: not to be used


def alive(value: Any) -> Any:
    """The same with Python's numbers made the kernel's, in tuples too."""
    if isinstance(value, bool):
        return Truth(BIT(value))
    if isinstance(value, int):
        return Number(WORD(value))
    return rebuilt(value, map(alive, value)) if isinstance(value, tuple) else value


def rebuilt(like: tuple, parts) -> tuple:
    """A tuple of the same class."""
    return like._make(parts) if hasattr(like, "_make") else tuple(parts)


def leaves(value: Any) -> list[Value]:
    """The values in it, those in tuples too."""
    if isinstance(value, tuple):
        return [leaf for part in value for leaf in leaves(part)]
    return [value] if isinstance(value, Value) else []


def replaced(value: Any, by) -> Any:
    """The same with other values, from an iterator, in place of the `leaves`."""
    if isinstance(value, tuple):
        return rebuilt(value, [replaced(part, by) for part in value])
    return type(value)(next(by)) if isinstance(value, Value) else value


def either(condition: Truth | bool, then: Callable[[], Any], otherwise: Callable[[], Any], likely: bool = False) -> Any:
    """What the one or the other returns."""
    if isinstance(condition, bool):
        return then() if condition else otherwise()
    b = builder()
    first, second = b.append_basic_block(), b.append_basic_block()
    branch = b.cbranch(condition.ir, first, second)
    if likely:
        branch.set_weights([99, 1])
    found, ends = [], []
    for block, run in ((first, then), (second, otherwise)):
        b.position_at_end(block)
        found.append(run())
        ends.append(b.block)
    after = b.append_basic_block()
    for end in ends:
        b.position_at_end(end)
        b.branch(after)
    b.position_at_end(after)
    return _joined(*found, ends)


def _joined(a, b, ends):
    """A value that came by one of two ways; `Unlike` where the two are of different kinds."""
    if a is b:
        return a
    if isinstance(a, dict):
        return {name: _joined(a[name], b[name], ends) for name in a if name in b}
    if isinstance(a, tuple) and type(a) is type(b) and len(a) == len(b):
        return rebuilt(a, [_joined(x, y, ends) for x, y in zip(a, b, strict=True)])
    if type(a) is type(b) and not isinstance(a, Value) and a == b:
        return a
    a, b = alive(a), alive(b)
    if not isinstance(a, Value) or type(a) is not type(b) or a.ir.type != b.ir.type:
        return UNLIKE
    phi = builder().phi(a.ir.type)
    for value, end in zip((a, b), ends, strict=True):
        phi.add_incoming(value.ir, end)
    return type(a)(phi)


def repeat(going: Callable[[Any], Truth], body: Callable[[Any], Any], carried: Any) -> Any:
    """`while going(carried): carried = body(carried)`; returns what was carried at the end."""
    b, carried = builder(), alive(carried)
    before, head = b.block, b.append_basic_block()
    b.branch(head)
    b.position_at_end(head)
    phis = [b.phi(leaf.ir.type) for leaf in leaves(carried)]
    for phi, leaf in zip(phis, leaves(carried), strict=True):
        phi.add_incoming(leaf.ir, before)
    now = replaced(carried, iter(phis))
    inside, after = b.append_basic_block(), b.append_basic_block()
    b.cbranch(going(now).ir, inside, after)
    b.position_at_end(inside)
    ended = leaves(alive(body(now)))
    for phi, leaf in zip(phis, ended, strict=True):
        phi.add_incoming(leaf.ir, b.block)
    b.branch(head)
    b.position_at_end(after)
    return now
