"""Arrays to addresses: torch tensors by their pointer, all others by DLPack or the CUDA array interface."""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from spnkit.backends.cuda_geometry import Array
from spnkit.backends.cuda_machine import FLOATS, SIMULATED

View = namedtuple("View", "at shape strides dtype device")  # address and strides in bytes


def views(**arrays) -> dict[str, View]:
    """What a kernel needs to know of each array that is not None; nothing is copied or moved.

    Raises
    ------
    TypeError, ValueError
        If an array is not in the memory of the GPU that the first one is on, or has another dtype.
    """
    seen = {name: _view(name, array) for name, array in arrays.items() if array is not None}
    first, one = next(iter(seen.items()))
    if one.dtype not in FLOATS:
        raise TypeError(f"{first} has dtype {one.dtype}, expected one of {', '.join(FLOATS)}")
    for name, view in seen.items():
        dtype = "uint8" if name == "winner" else one.dtype
        if view.dtype != dtype:
            raise TypeError(f"{name} has dtype {view.dtype}, expected {dtype}")
        if view.device != one.device:
            raise ValueError(f"{name} is on GPU {view.device}, expected the GPU of {first}, {one.device}")
    return seen


def array_of(view: View | None) -> Array:
    """Address and stride of every axis, 0 for an axis that has one place or is not there."""
    if view is None:
        return Array(0, 0, 0, 0, 0, 0, 0)
    strides = [stride if size > 1 else 0 for size, stride in zip(view.shape, view.strides, strict=True)]
    lead = len(strides) - 3  # n, d and k, as far as they are there
    return Array(view.at, *strides[:lead], *[0] * (3 - lead), *strides[lead:])


def stream_of(array) -> int:
    """The handle of the stream on which the library of an array works at present."""
    if SIMULATED or not hasattr(array, "data_ptr"):
        return 0
    import torch

    return torch.cuda.current_stream(array.device).cuda_stream


def empty(like, shape):
    """An uninitialised array of the same kind, from the allocator of its own library."""
    return like.new_empty(shape) if hasattr(like, "new_empty") else np.empty_like(like, shape=shape)


def _view(name, array):
    if SIMULATED:
        return _host_view(name, array)
    if not hasattr(array, "data_ptr"):
        return _foreign_view(name, array)
    if not array.is_cuda:
        raise ValueError(f"{name} is on {array.device}, expected a CUDA device")
    strides = tuple(stride * array.element_size() for stride in array.stride())
    dtype = str(array.dtype).removeprefix("torch.")
    return View(array.data_ptr(), tuple(array.shape), strides, dtype, array.device.index)


def _host_view(name, array):
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is a {type(array).__name__}, expected a NumPy array for the simulator")
    return View(array.ctypes.data, array.shape, array.strides, str(array.dtype), 0)


def _foreign_view(name, array):
    from cuda.core.utils import StridedMemoryView

    view = StridedMemoryView.from_any_interface(array, stream_ptr=-1)
    if not view.is_device_accessible:
        raise ValueError(f"{name} is in host memory, expected a CUDA device")
    counts = view.strides or [int(np.prod(view.shape[axis + 1 :])) for axis in range(len(view.shape))]
    strides = tuple(count * view.dtype.itemsize for count in counts)
    return View(view.ptr, view.shape, strides, str(view.dtype), view.device_id)
