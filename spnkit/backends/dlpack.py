"""DLPack as data: its structs, and layouts of arrays in bytes, which are quick to look a plan up by."""

from __future__ import annotations

import ctypes
import struct
from collections import namedtuple
from functools import cache

from spnkit.backends.exchange_code import CPU

MAJOR = 1  # the version of structs that is understood
CODES = {"float16": (2, 16), "float32": (2, 32), "float64": (2, 64), "bfloat16": (4, 16), "uint8": (1, 8)}
KINDS = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 5: "complex", 6: "bool"}  # of dtypes, by their codes
CUDA = 2  # the type of a device
DEVICES = {CPU: "cpu", CUDA: "cuda", 3: "pinned memory", 8: "metal", 10: "rocm", 13: "managed memory", 14: "oneapi"}

Layout = namedtuple(
    "Layout", "shape strides dtype item device number"
)  # strides in elements, an item in bytes; a device by type and number


class Tensor(ctypes.Structure):
    """DLTensor."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32),
        ("number", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Versioned(ctypes.Structure):
    """DLManagedTensorVersioned; what came before it had the tensor alone in front."""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    )


class Api(ctypes.Structure):
    """DLPackExchangeAPI."""

    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("previous", ctypes.c_void_p),
        ("allocate", ctypes.c_void_p),
        ("export", ctypes.c_void_p),
        ("to_object", ctypes.c_void_p),
        ("describe", ctypes.c_void_p),
        ("current_stream", ctypes.c_void_p),
    )


_kind = struct.Struct("=iiiBBH")  # of a DLTensor: device, number of axes, dtype


def encoded(tensor: Tensor | None) -> bytes:
    """A layout as `exchange_code.read` writes it; None is a word of zeros."""
    if tensor is None:
        return bytes(8)
    kind = (tensor.device, tensor.number, tensor.ndim, tensor.code, tensor.bits, tensor.lanes)
    shape = tensor.shape[: tensor.ndim]
    strides = tensor.strides[: tensor.ndim] if tensor.strides else _contiguous(shape)  # before DLPack 1.2
    return _kind.pack(*kind) + struct.pack(f"={2 * tensor.ndim}q", *shape, *strides)


def decoded(data: bytes) -> list[Layout | None]:
    """The layouts that bytes tell."""
    layouts: list[Layout | None] = []
    at = 0
    while at < len(data):
        if data[at : at + 8] == bytes(8):
            layouts.append(None)
            at += 8
            continue
        device, number, axes, code, bits, lanes = _kind.unpack_from(data, at)
        values = struct.unpack_from(f"={2 * axes}q", data, at + 16)
        dtype = KINDS.get(code, f"code {code} of ") + str(bits) + f"x{lanes}" * (lanes != 1)
        layouts.append(Layout(values[:axes], values[axes:], dtype, bits * lanes // 8, device, number))
        at += 16 + 16 * axes
    return layouts


def _contiguous(shape):
    strides = [1]
    for size in reversed(shape[1:]):
        strides.insert(0, strides[0] * size)
    return strides[: len(shape)]


def pointer_of(capsule, name: bytes) -> int | None:
    """What a capsule holds, or None if it has another name."""
    if not _call("PyCapsule_IsValid", ctypes.c_int)(capsule, name):
        return None
    return _call("PyCapsule_GetPointer", ctypes.c_void_p)(capsule, name)


@cache
def _call(function, result):
    return ctypes.PYFUNCTYPE(result, ctypes.py_object, ctypes.c_char_p)((function, ctypes.pythonapi))
