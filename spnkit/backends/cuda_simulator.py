"""Device memory under Numba's CUDA simulator: the memory of this process."""

from __future__ import annotations

import threading

import numpy as np

_turn = threading.Lock()


def load(at, kind):
    """The value of Numba type `kind` at an address."""
    dtype = np.dtype(str(kind)).type
    return dtype(_memory(at, dtype).value)


def store(at, value):
    """Write a value at an address."""
    _memory(at, type(value)).value = value


def add(at, value):
    """Add to the value at an address; no thread comes between."""
    with _turn:
        _memory(at, type(value)).value += value


def _memory(at, dtype):
    return np.ctypeslib.as_ctypes_type(dtype).from_address(at)


def copy(shared, spot, offset, at):
    """Copy a value from an address to shared memory."""
    shared[spot + offset] = _memory(at, shared.dtype.type).value


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


def opaque(value):
    """The value itself."""
    return value
