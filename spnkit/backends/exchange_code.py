"""The DLPack C exchange API in compiled code: one crossing into C for all arrays of a call, and none through ctypes.

ctypes takes longer to cross than all of this, so what is compiled becomes builtin functions of Python, which hold the
interpreter's lock. Shapes and strides belong to the arrays and are copied before the lock can go to somebody else.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spnkit.backends.cache import cfunc_cached

ARRAYS = 7  # of a call at most
AXES = 6  # of an array at most
HEAD = ARRAYS + 1  # words before the layouts: addresses, and the stream
TENSOR = HEAD + ARRAYS * (2 + 2 * AXES)  # where in the words on the stack a DLTensor lies
WORDS = TENSOR + 6
LOW = 0xFFFFFFFF  # the first half of a word
CPU = 1  # the type of a device, in DLPack
# Bytes into structs of `exchange.py`.
ALLOCATE, DESCRIBE, CURRENT_STREAM = 16, 40, 48  # the exchange API
DELETER, MANAGED = 16, 32  # DLManagedTensorVersioned
DATA, DEVICE, KIND, SHAPE, STRIDES, OFFSET = 0, 8, 16, 24, 32, 40  # DLTensor; a kind is number of axes and dtype
REFUSE = 48  # what is called after it with a refusal, see `exchange.Prototype`
FASTCALL = 0x0080  # of PyMethodDef: an array of arguments, and their number

WORD, HALF = ir.IntType(64), ir.IntType(32)


@intrinsic
def peek(typingctx, address):
    """The word at an address."""

    def codegen(context, builder, signature, args):
        return builder.load(builder.inttoptr(args[0], WORD.as_pointer()))

    return types.int64(types.int64), codegen


@intrinsic
def poke(typingctx, address, word):
    """Store a word at an address."""

    def codegen(context, builder, signature, args):
        builder.store(args[1], builder.inttoptr(args[0], WORD.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def stack(typingctx):
    """The address of `WORDS` words on the stack."""

    def codegen(context, builder, signature, args):
        return builder.ptrtoint(cgutils.alloca_once(builder, ir.ArrayType(WORD, WORDS)), WORD)

    return types.int64(), codegen


@intrinsic
def none(typingctx):
    """The address of None."""

    def codegen(context, builder, signature, args):
        return builder.ptrtoint(context.get_python_api(builder).borrow_none(), WORD)

    return types.int64(), codegen


@intrinsic
def call(typingctx, function, arguments):
    """What the C function at an address returns for a tuple of integers, an int of C."""

    def codegen(context, builder, signature, args):
        values = cgutils.unpack_tuple(builder, args[1])
        pointer = ir.FunctionType(HALF, [value.type for value in values]).as_pointer()
        return builder.call(builder.inttoptr(args[0], pointer), values)

    return types.int32(types.int64, arguments), codegen


def _python(name: str):
    """An intrinsic that calls a function of Python's C API with a tuple of words."""

    @intrinsic
    def function(typingctx, arguments):
        def codegen(context, builder, signature, args):
            words = cgutils.unpack_tuple(builder, args[0])
            kind = ir.FunctionType(WORD, [WORD] * len(words))
            return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), words)

        return types.int64(arguments), codegen

    return function


integer = _python("PyLong_AsLongLong")
new_bytes = _python("PyBytes_FromStringAndSize")
raised = _python("PyErr_Occurred")


@numba.njit
def _nothing(words):
    """What tells Python that an array cannot be described: the exception that the library set, or empty bytes."""
    return 0 if raised(()) else new_bytes((words, 0))


@numba.njit
def _layout(tensor, end):
    """Append the layout of a DLTensor to words; returns their end."""
    poke(end, peek(tensor + DEVICE))
    poke(end + 8, peek(tensor + KIND))
    end += 16
    axes = peek(tensor + KIND) & LOW
    for axis in range(axes):
        poke(end + 8 * axis, peek(peek(tensor + SHAPE) + 8 * axis))
        poke(end + 8 * (axes + axis), peek(peek(tensor + STRIDES) + 8 * axis))
    return end + 16 * axes


@numba.njit
def _stream(api, device, into):
    """Ask for the stream that a library works on at present; returns 0 where all is well."""
    if device & LOW == CPU:
        return 0
    return call(peek(api + CURRENT_STREAM), (types.int32(device & LOW), types.int32(device >> 32), into))


def read(table, arrays, count):
    """A new bytes object of addresses, stream of the first array, and layouts, as `exchange.layouts_of` takes it."""
    words, api = stack(), integer((table,))
    tensor, end = words + 8 * TENSOR, words + 8 * HEAD
    if count > ARRAYS:
        return _nothing(words)
    for place in range(HEAD):
        poke(words + 8 * place, 0)
    for place in range(count):
        array = peek(arrays + 8 * place)
        if array == none():
            poke(end, 0)
            end += 8
            continue
        if call(peek(api + DESCRIBE), (array, tensor)) != 0:
            return _nothing(words)
        address = peek(tensor + DATA) + peek(tensor + OFFSET)
        if address == 0 or peek(tensor + KIND) & LOW > AXES:
            return _nothing(words)
        if place == 0 and _stream(api, peek(tensor + DEVICE), words + 8 * ARRAYS) != 0:
            return _nothing(words)
        poke(words + 8 * place, address)
        end = _layout(tensor, end)
    return new_bytes((words, end - words))


def allocate(table, prototypes, count):
    """A new bytes object of two words, for the prototype at an address: a DLManagedTensorVersioned, and its memory.

    Zeros where that is refused.
    """
    out, prototype = stack(), integer((peek(prototypes),))
    poke(out, 0)
    poke(out + 8, 0)
    if call(peek(integer((table,)) + ALLOCATE), (prototype, out, 0, peek(prototype + REFUSE))) == 0:
        tensor = peek(out) + MANAGED
        poke(out + 8, peek(tensor + DATA) + peek(tensor + OFFSET))
    return new_bytes((out, 16))


def release(table, tensors, count):
    """Give what `allocate` got back to its library; returns empty bytes."""
    tensor = integer((peek(tensors),))
    call(peek(tensor + DELETER), (tensor,))
    return new_bytes((table, 0))


class _Method(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


@cache
def _method(function) -> _Method:
    """The function compiled, for as long as Python may call it; numbers of arguments are not checked."""
    word = types.int64
    compiled = cfunc_cached(function, word(word, word, word))
    method = _Method(function.__name__.encode(), compiled.address, FASTCALL, function.__doc__.encode())
    method.compiled = compiled
    return method


def builtin(function: Callable, table: int) -> Callable:
    """`read`, `allocate` or `release` as a function of Python, for the exchange API at an address."""
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(ctypes.addressof(_method(function)), table, None)
