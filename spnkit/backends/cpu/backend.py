"""The CPU backend: kernels compiled by Numba for vector registers and all cores, one variant per use."""

from __future__ import annotations

import ctypes
import itertools
from array import array
from functools import cache, lru_cache

import numba
import numpy as np

from spnkit import backends, integration, normalization, recurrence
from spnkit.backends.cpu import adjoint, kernels, planes, simd, tiles
from spnkit.backends.cpu.exponential import exp
from spnkit.backends.cpu.native import native, text_of
from spnkit.backends.cpu.pool import begin_of, give_back, scratch, together
from spnkit.backends.cpu.tiles import LINE
from spnkit.backends.cpu.values import FLOATS, Kind, where
from spnkit.backends.processor import register_bytes
from spnkit.integration import Integration
from spnkit.scalars import compiled

PARALLEL_FROM = 1 << 16  # weights below which a second core costs more than it brings
MAPS = 4  # of those that share gates, how many are scanned in step
SUMS = 4  # parts in which gradients at shared gates are added up, over all samples
STREAM_FROM = 1 << 24  # bytes of gradients that no cache should be filled with
# What runs for a whole row or plane is worth a call; all else is inlined, since a pixel is not.
APART = {"copy", "copy_tiles", "clear", "forward_unit", "backward_unit", "scan", "scan_tile", "go_back"}


def forward(x, gates, y, winner, plan):
    """See `spnkit.backends`."""
    _run("forward", x, gates, plan, (x, gates, y, winner), streams=False)


def backward(grad, winner, x, gates, dx, dgates, plan):
    """See `spnkit.backends`."""
    into = _parts_of(dgates, x)
    streams = into is not None and into.nbytes >= STREAM_FROM and _aligned(into)
    innermost = -3 if grad.ndim == 4 and _channels_last((x, winner, gates, dx, dgates)) else -1
    if grad.strides[innermost] != grad.itemsize:
        grad = np.ascontiguousarray(grad.swapaxes(innermost, -1)).swapaxes(innermost, -1)
    _run("backward", x, gates, plan, (grad, winner, x, gates, dx, into), streams)
    if into is not dgates:
        np.sum(into, axis=-3, keepdims=True, out=dgates)


def _parts_of(dgates, x):
    """Room for gradients at gates. Those of gates that many channels share are summed in parts, which cores work on at
    once; how many must not depend on the number of cores, since the order of a sum decides its last bits."""
    if dgates is None or dgates.shape[-3] > 1 or not _large(dgates, x):
        return dgates
    parts = min(-(-SUMS // x.shape[0]), -(-x.shape[1] // MAPS))
    return np.empty((*dgates.shape[:3], parts, *dgates.shape[-2:]), dgates.dtype) if parts > 1 else dgates


def _run(name, x, gates, plan, arrays, streams):
    last = _channels_last(arrays)
    threads = numba.get_num_threads() if _worth_sharing(gates, x) else 1
    shared, wanted = x.shape[-3] > 1 and gates.shape[-3] == 1, name == "backward" and arrays[-1] is not None
    parts = arrays[-1].shape[-3] if shared and wanted else 0
    shared = shared or (gates.strides[-3] == 0 and not wanted)
    variant = (*_variant(gates.shape[2], plan), last, shared)
    header, pieces, each = _header(
        name, x.shape, x.itemsize, gates.shape[2], plan, last, threads, shared, parts, streams
    )
    run, workers = kernel(name, x.itemsize, variant), min(threads, pieces)
    call, room = header[:], scratch(workers * each)
    call[planes.FRONT + planes.SCRATCH] = begin_of(room)
    for given in arrays:
        call.extend(_numbers(given))
    at = call.buffer_info()[0] + 8 * planes.FRONT
    if workers > 1:
        together(run, at, workers)
    else:
        run.ctypes(at, 0)
    give_back(room)


def _channels_last(arrays):
    """Whether channels are innermost in all of the arrays, and pixels are not."""
    x = arrays[0]
    return (
        x.strides[-1] != x.itemsize
        and x.shape[-3] > 1
        and all(a is None or (a.strides[-3] == a.itemsize and a.shape[-3] > 1) for a in arrays)
    )


def _aligned(array):
    """Whether every row begins on a cache line."""
    places = (_address(array), *array.strides[:-1])
    return register_bytes() == LINE and all(place % LINE == 0 for place in places)


def _numbers(array):
    """Address, and strides by axis; 0 for an axis that the array lacks, or whose only entry serves for all."""
    if array is None:
        return (0,) * 7
    n, *directions_and_gates, c, h, w = array.strides
    d, k = (*directions_and_gates, 0, 0)[:2]
    if array.shape[-3] == 1:
        c = 0
    return (_address(array), n, d, k, c, h, w)


def _address(array):
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))  # a third of the time of what always works
    except (TypeError, ValueError, BufferError):
        return array.__array_interface__["data"][0]


@lru_cache(maxsize=256)
def _header(name, shape, itemsize, connections, plan, last, threads, shared, parts, streams):
    """Shape, units of work, threads, the parts of scratch, and the directions, as `kernels.py` takes them.

    Gates that channels have `shared` stay in scratch; gradients at them add up in so many `parts`, each on one thread.
    """
    n, c, h, w = shape
    lanes = register_bytes() // itemsize
    pixel = itemsize * lanes if last else itemsize
    side = max(h, w)
    blocks = -(-c // lanes) if last else c
    most = blocks if parts else n * blocks // threads  # the order of a sum must not depend on the number of threads
    maps = max(1, min(MAPS, blocks, most)) if shared else 1

    def plane(item):
        return maps * max(h * tiles.row_bytes(w, item), w * tiles.row_bytes(h, item))

    back = name == "backward"
    kept = len(plan.directions) if shared else int(back and h * w <= planes.KEEP)  # planes of gates that stay turned
    turned = 0 if last else plane(itemsize)
    row, gates = tiles.row_bytes(side, pixel), 2 * connections * LINE // itemsize * tiles.row_bytes(side, itemsize)
    room = planes.Room(
        x=turned,
        grad=turned if back else 0,
        y=turned,
        winner=0 if last else plane(1),
        gates=0 if last else max(gates, connections * turned // maps * kept),
        h=plane(pixel) if back else 2 * maps * row,
        dgates=0 if last or not back else gates,
        q=2 * connections * maps * row if back else 0,
    )
    ends = list(itertools.accumulate(-(-size // LINE) * LINE + LINE for size in room))
    offsets = [LINE + end for end in (0, *ends[:-1])]
    units = -(-blocks // maps)
    parts = parts or units
    codes = [2 * d.horizontal + d.reverse for d in plan.directions]
    each = ends[-1] + 3 * LINE
    sizes = (n * units, maps, n * parts, each)
    pieces = n * parts if back else n * units
    front = (0,) * planes.FRONT
    return array("q", (*front, *map(int, shape), *sizes, *offsets, len(codes), int(streams), *codes)), pieces, each


@lru_cache(maxsize=256)
def _variant(connections, plan):
    """What a kernel is specialised on."""
    alone = len(plan.directions) == 1 and plan.integration != Integration.none
    how = Integration.sum if alone else plan.integration  # one direction is its own max and mean
    return (connections, int(plan.normalization), int(how), plan.anchored)


def _worth_sharing(gates, x):
    return _large(gates, x) and not backends.forked and numba.get_num_threads() > 1


def _large(gates, x):
    return x.size * gates.shape[1] * gates.shape[2] >= PARALLEL_FROM


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
