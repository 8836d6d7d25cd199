"""The four operations that the definitions ask of a machine, for plain scalars.

`compiled` gives the definitions to a compiler; a backend whose numbers are not plain scalars (vector
registers, GPU threads) names its own operations in place of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType, ModuleType, SimpleNamespace


def absolute(a):
    """|a|."""
    return abs(a)


def exp(a):
    """e to the power a; infinity where that overflows, as in every compiled backend."""
    try:
        return type(a)(math.exp(a))
    except OverflowError:
        return type(a)(math.inf)


def where(condition, a, b):
    """`a` where the condition holds, else `b`."""
    return a if condition else b


def filled(value, like):
    """The number `value`, of the same type as `like`: a bare literal would widen float32."""
    return type(like)(value)


def compiled(jit: Callable, *sources: ModuleType, label: str = "", **names) -> SimpleNamespace:
    """Every function of the source modules, compiled by `jit` with `names` in place of its globals.

    This is how one text serves several machines: names may be operations (`exp`) or constants that the
    compiler should see (`CONNECTIONS`), and functions of the sources see each other compiled. Two uses that
    differ in their names need different labels: a linker tells functions apart by module and qualified name.
    """
    namespace: dict = {}
    for source in sources:
        namespace.update(vars(source))
    namespace.update(names)
    for source in sources:
        for name, value in vars(source).items():
            if isinstance(value, FunctionType) and value.__module__ == source.__name__ and name not in names:
                function = FunctionType(value.__code__, namespace, name, value.__defaults__)
                function.__qualname__ = name + label
                namespace[name] = jit(function)
    return SimpleNamespace(**namespace)
