"""Arrays to addresses: torch tensors by their pointer, so that nothing is copied or moved."""

from __future__ import annotations

from collections import namedtuple
from math import prod

import numpy as np

from spnkit.backends.cuda_geometry import Array
from spnkit.backends.cuda_machine import FLOATS, HALVES, SIMULATED, computed, item, launch_all

View = namedtuple("View", "shape strides dtype device")  # strides in bytes; the number of a GPU
# What a call does, worked out once for all arrays of the same layouts: temporary arrays and their `View`s, by name; the
# names of arrays that start at zero; and the launches.
Call = namedtuple("Call", "rooms zeroed launches")


def layouts(arrays: dict) -> list:
    """All that a `Call` depends on: of each array its shape, strides, dtype and device; None for None."""
    return [None if array is None else _layout(name, array) for name, array in arrays.items()]


def views(names: str, layouts) -> dict[str, View]:
    """What a kernel needs to know of each array that is not None.

    Raises
    ------
    TypeError, ValueError
        If an array is not in the memory of the GPU that the first one is on, or has another dtype.
    """
    pairs = zip(names.split(), layouts, strict=True)
    seen = {name: _view(name, *layout) for name, layout in pairs if layout is not None}
    first, one = next(iter(seen.items()))
    if one.dtype not in FLOATS | HALVES:
        raise TypeError(f"{first} has dtype {one.dtype}, expected one of {', '.join(FLOATS | HALVES)}")
    for name, view in seen.items():
        dtype = {"winner": "uint8", "hidden": computed(one.dtype)}.get(name, one.dtype)
        if view.dtype != dtype:
            raise TypeError(f"{name} has dtype {view.dtype}, expected {dtype}")
        if view.device != one.device:
            raise ValueError(f"{name} is on GPU {view.device}, expected the GPU of {first}, {one.device}")
    return seen


def room_for(shape, like: View) -> View:
    """The view of a temporary array, of the type that is computed in."""
    dtype = computed(like.dtype)
    strides = tuple(prod(shape[axis + 1 :]) * item(dtype) for axis in range(len(shape)))
    return View(shape, strides, dtype, like.device)


def array_of(name: str, view: View | None) -> Array:
    """Name and stride of every axis, 0 for an axis that has one place or is not there."""
    if view is None:
        return Array(0, 0, 0, 0, 0, 0, 0)
    strides = [stride if size > 1 else 0 for size, stride in zip(view.shape, view.strides, strict=True)]
    lead = len(strides) - 3  # n, d and k, as far as they are there
    return Array(name, *strides[:lead], *[0] * (3 - lead), *strides[lead:])


def run(call: Call, arrays: dict) -> None:
    """Launch what a call plans, on the stream on which torch works at present; temporary arrays are torch's."""
    x = arrays["x"]
    for name, view in call.rooms.items():
        arrays[name] = _empty(x, view)
    for name in call.zeroed:
        arrays[name][...] = 0
    addresses = {name: _address(array) for name, array in arrays.items() if array is not None}
    launch_all(call.launches, addresses, _stream(x))


if SIMULATED:

    def _layout(name, array):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} is a {type(array).__name__}, expected a NumPy array for the simulator")
        return array.shape, array.strides, array.dtype, 0

    def _view(name, shape, strides, dtype, device):
        return View(shape, strides, str(dtype), device)

    def _empty(like, view):
        return np.empty(view.shape, view.dtype)

    def _address(array):
        return array.ctypes.data

    def _stream(array):
        return 0

else:

    def _layout(name, array):
        try:
            return array.shape, array.stride(), array.dtype, array.device
        except AttributeError:
            raise ValueError(f"{name} is in host memory, a {type(array).__name__}; expected a CUDA tensor") from None

    def _view(name, shape, strides, dtype, device):
        if device.type != "cuda":
            raise ValueError(f"{name} is on {device}, expected a CUDA device")
        strides = tuple(stride * dtype.itemsize for stride in strides)
        return View(tuple(shape), strides, str(dtype).removeprefix("torch."), device.index)

    def _empty(like, view):
        import torch

        return like.new_empty(view.shape, dtype=getattr(torch, view.dtype))

    def _address(array):
        return array.data_ptr()

    def _stream(array):
        import torch

        return torch.cuda.current_stream(array.device).cuda_stream
