"""Text made a function of C: Numba has LLVM optimise it and keeps what comes of it on disk."""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import FunctionType, ModuleType, SimpleNamespace

from numba import types
from numba.extending import intrinsic

from spnkit.backends.cache import cfunc_cached
from spnkit.backends.cpu.compiler import Text
from spnkit.backends.cpu.values import Number, emitting
from spnkit.scalars import compiled


def text_of(*sources: ModuleType, apart: Collection[str] = (), **names) -> SimpleNamespace:
    """The functions of source modules as text, see `scalars.compiled`; those named `apart` stay functions."""
    return compiled(lambda function: Text(function, function.__name__ in apart), *sources, **names)


def native(text: Callable, *more, name: str):
    """`text(a, b, *more)` for two numbers as a function of C; the name says all that it depends on."""

    @intrinsic
    def emitted(typingctx, a, b):
        def codegen(context, builder, signature, args):
            with emitting(builder):
                text(*map(Number, args), *more)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), codegen

    function = FunctionType(_body.__code__, {"emitted": emitted}, name)
    function.__qualname__, function.__module__ = name, __name__
    return cfunc_cached(function, types.void(types.int64, types.int64))


def _body(a, b):
    emitted(a, b)  # noqa: F821
