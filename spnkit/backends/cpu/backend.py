"""The CPU backend: kernels compiled by Numba for vector registers and all cores, one variant per use."""

from __future__ import annotations

import ctypes
import struct
from array import array
from functools import cache

import numba
import numpy as np

from spnkit import backends, integration, normalization, recurrence
from spnkit.backends import exchange
from spnkit.backends.cpu import adjoint, kernels, planes, simd, tiles
from spnkit.backends.cpu.calls import Call, channels_last, numpy_of, parts_of, prepared
from spnkit.backends.cpu.exponential import exp
from spnkit.backends.cpu.native import native, text_of
from spnkit.backends.cpu.pool import give_back, scratch, together
from spnkit.backends.cpu.tiles import LINE
from spnkit.backends.cpu.values import FLOATS, Kind, where
from spnkit.backends.processor import register_bytes
from spnkit.integration import Integration
from spnkit.scalars import compiled

MOST = 256  # calls that are remembered
# What runs for a whole row or plane is worth a call; all else is inlined, since a pixel is not.
APART = {"copy", "copy_tiles", "clear", "forward_unit", "backward_unit", "scan", "scan_tile", "scan_again", "go_back"}

_calls: dict[tuple, Call] = {}
_addresses = struct.Struct(f"={exchange.ARRAYS}q").pack


def forward(x, gates, y, winner, plan, hidden=None):
    """See `spnkit.backends`; `hidden` are `hidden_bytes` for rows of h, from which `backward` need not scan anew."""
    _run("forward", (x, gates, y, winner, hidden), plan)


def backward(grad, winner, x, gates, dx, dgates, plan, hidden=None):
    """See `spnkit.backends`; `hidden` is what `forward` left there."""
    arrays = grad, winner, x, gates, dx, dgates, hidden
    if dgates is None or (parts := parts_of(dgates, x)) == 1:
        _run("backward", arrays, plan)
        return
    grad, winner, x, gates, dx, dgates, hidden = map(numpy_of, arrays)
    into = np.empty((*dgates.shape[:3], parts, *dgates.shape[-2:]), dgates.dtype)
    _run("backward", (grad, winner, x, gates, dx, into, hidden), plan)
    np.sum(into, axis=-3, keepdims=True, out=dgates)


def _run(name, arrays, plan):
    addresses, layouts = _read(arrays)
    call = _calls.get(key := (name, layouts, plan)) or _calls.get(key := (*key, _threads()))
    if call is None:
        views = tuple(map(numpy_of, arrays))
        if name == "backward" and (grad := _regular(*views)) is not views[0]:
            return _run(name, (grad, *views[1:]), plan)
        if len(_calls) >= MOST:
            _calls.clear()
        call = prepared(name, views, plan, key[-1])
        _calls[key if call.shared else key[:-1]] = call
    numbers, (room, begin) = array("q", call.before + addresses + call.behind), scratch(call.scratch)
    numbers[planes.FRONT + planes.SCRATCH] = begin
    if call.aligned and numbers[planes.FRONT + planes.ADDRESSES + call.aligned] % LINE == 0:
        numbers[planes.FRONT + planes.STREAMS] = 1
    run, at = kernel(name, call.item, call.variant), numbers.buffer_info()[0] + 8 * planes.FRONT
    if call.workers > 1:
        together(run, at, call.workers)
    else:
        run.ctypes(at, 0)
    give_back(room, begin)


def _threads():
    return 1 if backends.forked else numba.get_num_threads()


def _read(arrays):
    """Addresses of arrays, and what tells how they lie; of torch's by one call."""
    if (of := type(arrays[0])) is not np.ndarray:
        data = exchange.reader(of)(*arrays)
        return data[: 8 * exchange.ARRAYS], data[exchange.LAYOUTS :]
    addresses = [0 if given is None else _address(given) for given in arrays]
    layouts = tuple([given if given is None else (given.shape, given.strides, given.dtype) for given in arrays])
    return _addresses(*addresses, *[0] * (exchange.ARRAYS - len(addresses))), layouts


def _address(given):
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(given))  # a third of the time of what always works
    except (TypeError, ValueError, BufferError):
        return given.__array_interface__["data"][0]


def _regular(grad, winner, x, gates, dx, dgates, _hidden):
    """The gradient as it is, or laid out as the other arrays are."""
    axis = -3 if grad.ndim == 4 and channels_last((x, winner, gates, dx, dgates)) else -1
    if grad.strides[axis] == grad.itemsize:
        return grad
    return np.ascontiguousarray(grad.swapaxes(axis, -1)).swapaxes(axis, -1)


@cache
def kernel(name, itemsize, variant):
    """The function of one variant, compiled, or found in the cache."""
    constants = zip(("CONNECTIONS", "RULE", "INTEGRATION", "ANCHORED", "CHANNELS_LAST", "SHARED"), variant, strict=True)
    kind = Kind(FLOATS[itemsize], register_bytes() // itemsize)
    tile = LINE // itemsize  # steps: a cache line of columns
    sizes = {"LANES": kind.lanes, "TILE": tile, "PAIR": 2 * tile, "UNSTREAMED": None if name == "forward" else 0}
    sizes["WINNERS"] = variant[2] == Integration.max
    operations = {"absolute": simd.absolute, "exp": exp, "filled": simd.filled, "where": where}
    names = {**operations, **sizes, **dict(constants)}
    definitions = compiled(lambda function: function, recurrence, normalization, integration, **names)
    text = text_of(tiles, planes, kernels, adjoint, apart=APART, **{**vars(definitions), **names})
    return native(getattr(text, name), kind, name="_".join(map(str, (name, itemsize, *variant))))
