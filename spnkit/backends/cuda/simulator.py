"""Device memory under Numba's CUDA simulator: the memory of this process."""

from __future__ import annotations

import ctypes
import threading

import numpy as np

_turn = threading.Lock()


def load(at, kind):
    """The value of Numba type `kind` at an address."""
    return _memory(at, str(kind))[0]


def store(at, value, kind):
    """Write a value at an address, rounded to type `kind`."""
    _memory(at, str(kind))[0] = value


def add(at, value):
    """Add to the value at an address; no thread comes between."""
    with _turn:
        _memory(at, value.dtype)[0] += value


def _memory(at, dtype):
    dtype = np.dtype(dtype)
    return np.ndarray(1, dtype, (ctypes.c_char * dtype.itemsize).from_address(at))


def copy(shared, spot, offset, at, known):
    """Copy a value from an address to shared memory, or 0 if it is not `known`."""
    shared[spot + offset] = _memory(at, shared.dtype)[0] if known else 0


def widened(word, at, kind):
    """Of the 32 bits of a `word`, the half that address `at` points to."""
    halves = np.array(word, np.float32).reshape(1).view(str(kind))
    return np.float32(halves[at // 2 % 2])


def commit():
    """Copies are done at once here."""


def arrived():
    """Copies are done at once here."""


def peek(shared, spot, offset):
    """The value in shared memory."""
    return shared[spot + offset]


def poke(shared, spot, offset, value):
    """Write a value to shared memory."""
    shared[spot + offset] = value


def quotient(a, b):
    """a // b."""
    return a // b


def opaque(value):
    """The value itself."""
    return value
