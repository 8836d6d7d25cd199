"""Arrays to addresses by DLPack, so that nothing is copied or moved, and what a call plans to launches."""

from __future__ import annotations

from collections import namedtuple
from math import prod

from spnkit.backends.cuda.geometry import Array
from spnkit.backends.cuda.machine import FLOATS, HALVES, SIMULATED, computed, item, launch_all
from spnkit.backends.dlpack import CPU, CUDA, DEVICES, decoded
from spnkit.backends.exchange import way

View = namedtuple("View", "shape strides dtype device")  # strides in bytes; the number of a GPU
# What a call does, worked out once for all arrays of the same layouts: temporary arrays and their `View`s, by name; the
# names of arrays that start at zero; and the launches.
Call = namedtuple("Call", "rooms zeroed launches")

READ = ""  # among the arrays of a call: what was read of them
GPU = CPU if SIMULATED else CUDA


def layouts(arrays: dict) -> list:
    """All that a `Call` depends on: of each array its shape, strides, dtype and device; None for None.

    What else is read of them, addresses and stream, is left in `arrays` for `run`.
    """
    by = way(arrays)
    addresses, layouts, kept = by.read(arrays)
    arrays[READ] = by, addresses, kept
    return [layouts]


def whole(arrays: dict) -> bool:
    """Whether every array that was read begins where 16 bytes do."""
    _, addresses, _ = arrays[READ]
    return not any(address & 15 for address in addresses[:-1] if address)


def views(names: str, layouts) -> dict[str, View]:
    """What a kernel needs to know of each array that is not None.

    Raises
    ------
    TypeError, ValueError
        If an array is not in the memory of the GPU that the first one is on, or has another dtype.
    """
    pairs = zip(names.split(), decoded(*layouts), strict=True)
    seen = {name: _view(name, layout) for name, layout in pairs if layout is not None}
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
    """Launch what a call plans on arrays whose layouts were read, on the stream that their library works on.

    Temporary arrays are the library's too: it may use their memory again for what comes later on that stream.
    """
    by, addresses, _kept = arrays.pop(READ)
    places = dict(zip(arrays, addresses, strict=False))  # the stream comes last
    if not (call.rooms or call.zeroed):
        launch_all(call.launches, places, addresses[-1])
        return
    held = []
    try:
        for name, view in call.rooms.items():
            places[name] = _room(by, name in call.zeroed, name, view, arrays, held)
        for name in call.zeroed:
            arrays[name][...] = 0
        launch_all(call.launches, places, addresses[-1])
    finally:
        for memory in held:
            by.release(memory)


def _room(by, zeroed, name, view, arrays, held):
    """The address of a temporary array, one of its library where that is to clear it."""
    place = arrays["x"], view.shape, view.dtype, GPU, view.device
    if zeroed:
        arrays[name] = by.array(*place)
        return by.read({name: arrays[name]})[0][0]
    address, memory = by.scratch(*place)
    held.append(memory)
    return address


def _view(name, layout):
    strides = tuple(stride * layout.item for stride in layout.strides)
    return View(layout.shape, strides, layout.dtype, _gpu(name, layout))


def _gpu(name, layout):
    """The number of the GPU that an array is on."""
    if layout.device != GPU:
        raise ValueError(f"{name} is on {DEVICES.get(layout.device, layout.device)}, expected a CUDA device")
    return layout.number
