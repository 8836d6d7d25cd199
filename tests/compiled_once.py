"""Device functions that many kernels call, compiled once for all that would compile the same."""

from types import CodeType, FunctionType


def seen(function):
    """Whatever a function may depend on beside its arguments: names and values, through all that it calls."""
    namespace, found, ahead = function.__globals__, {}, [function.__code__]
    while ahead:
        code = ahead.pop()
        ahead += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        for name in (namespace.keys() & code.co_names) - found.keys():
            value = getattr(namespace[name], "py_func", namespace[name])
            found[name] = value.__code__ if isinstance(value, FunctionType) else value
            ahead += [found[name]] if isinstance(value, FunctionType) else []
    return frozenset(found.items())


def once(jit):
    """`jit`, which returns what it made before of a function with the same text that sees the same."""
    made = {}

    def remembered(function):
        key = function.__code__, seen(function)
        if key not in made:
            made[key] = jit(function)
        return made[key]

    return remembered
