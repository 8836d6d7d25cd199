"""A call in numbers, as kernels take it: what depends on layouts and settings is found once, addresses are added."""

from __future__ import annotations

import itertools
import math
from array import array
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from spnkit.backends.cpu import planes, tiles
from spnkit.backends.cpu.tiles import LINE
from spnkit.backends.processor import register_bytes
from spnkit.integration import Integration

PARALLEL_FROM = 1 << 16  # weights below which a second core costs more than it brings
MAPS = 4  # of those that share gates, how many are scanned in step
SUMS = 4  # parts in which gradients at shared gates are added up, over all samples
TILED_FROM = 1 << 20  # bytes of a map from which it is turned tile by tile: it would not fit into the second cache
STREAM_FROM = 1 << 24  # bytes of gradients that no cache should be filled with


class Call(NamedTuple):
    """What calls of the same layouts and settings have in common."""

    item: int  # bytes of a float
    variant: tuple  # of the kernel
    shared: bool  # whether the call is worth more than one thread
    workers: int  # threads at most
    scratch: int  # bytes, of all of them
    before: bytes  # the numbers before the addresses, and behind them
    behind: bytes
    aligned: int  # which array must begin on a cache line if the kernel is to write past the caches; 0 if it is not


def prepared(name: str, arrays: tuple, plan, threads: int) -> Call:
    """The call of a kernel for such arrays; rows of h that are kept are the last of them."""
    *arrays, _ = arrays
    back = name == "backward"
    x, gates = arrays[2:4] if back else arrays[:2]
    last, connections, directions = channels_last(arrays), gates.shape[2], len(plan.directions)
    large = is_large(gates, x)
    threads = threads if large else 1
    wanted = back and arrays[-1] is not None
    shared = x.shape[-3] > 1 and gates.shape[-3] == 1
    parts = arrays[-1].shape[-3] if shared and wanted else 0
    shared = shared or (gates.strides[-3] == 0 and not wanted)
    n, c, h, w = map(int, x.shape)
    lanes = register_bytes() // x.itemsize
    blocks = -(-c // lanes) if last else c
    most = blocks if parts else n * blocks // threads  # the order of a sum must not depend on the number of threads
    maps = max(1, min(MAPS, blocks, most)) if shared else 1
    units = -(-blocks // maps)
    parts, tiled = parts or units, h * w * x.itemsize >= TILED_FROM
    room = _room(back, (h, w), x.itemsize, connections, directions, last, shared, maps, tiled)
    ends = list(itertools.accumulate(-(-size // LINE) * LINE + LINE for size in room))
    each = ends[-1] + 3 * LINE
    workers = min(threads, n * (parts if back else units))
    front = (0,) * planes.FRONT
    rooms = (LINE + end for end in (0, *ends[:-1]))
    before = (*front, n, c, h, w, n * units, maps, n * parts, each, *rooms, directions, 0, int(tiled))
    kept = _hidden_strides((n, c, h, w), x.itemsize, directions, last)[1]
    codes = (2 * d.horizontal + d.reverse for d in plan.directions)
    behind = (*codes, *itertools.chain.from_iterable(map(_strides, arrays)), *kept)
    streams = wanted and arrays[-1].nbytes >= STREAM_FROM and register_bytes() == LINE
    aligned = len(arrays) - 1 if streams and all(step % LINE == 0 for step in arrays[-1].strides[:-1]) else 0
    variant = (*_kind(connections, plan), last, shared)
    return Call(x.itemsize, variant, large, workers, workers * each, _packed(before), _packed(behind), aligned)


def _packed(numbers):
    return array("q", numbers).tobytes()


def _kind(connections, plan):
    """What a kernel is specialised on, beside layouts."""
    alone = len(plan.directions) == 1 and plan.integration != Integration.none
    how = Integration.sum if alone else plan.integration  # one direction is its own max and mean
    return (connections, int(plan.normalization), int(how), plan.anchored)


def _room(back, sides, itemsize, connections, directions, last, shared, maps, tiled):
    """Bytes of the parts of a thread's scratch. Gates that channels have `shared` stay there, all of them."""
    h, w = sides
    side, pair = max(h, w), 2 * LINE // itemsize
    pixel = register_bytes() if last else itemsize

    def plane(item):
        return max(h * tiles.row_bytes(w, item), w * tiles.row_bytes(h, item))

    def turned(item):
        """Maps, or two tiles of them."""
        return 0 if last else maps * (pair * tiles.row_bytes(side, item) if tiled else plane(item))

    row, gates = tiles.row_bytes(side, pixel), pair * connections * tiles.row_bytes(side, itemsize)
    return planes.Room(
        x=turned(itemsize),
        grad=turned(itemsize) if back else 0,
        y=turned(itemsize),
        winner=turned(1),
        gates=0 if last else max(gates, connections * plane(itemsize) * directions) if shared else gates,
        h=maps * row * (pair if back else 2),
        dgates=gates if back and not last else 0,
        q=2 * connections * maps * row if back else 0,
        kept=maps * _hidden_plane(h, w, itemsize, pixel) if back else 0,
    )


def hidden_bytes(shape, itemsize, plan) -> int:
    """Bytes that `forward` may be given as `hidden`; none for small maps, of which everything is scanned anew."""
    most = max(_hidden_strides(tuple(shape), itemsize, len(plan.directions), last)[0] for last in (False, True))
    return most and 4 * LINE + most


@lru_cache(maxsize=256)
def _hidden_strides(shape, itemsize, directions, last):
    """Bytes of all rows of h that are kept, and strides as `_strides` has them; how they lie depends on the layout."""
    (n, c, h, w), lanes = shape, register_bytes() // itemsize
    pixel, channels = (itemsize * lanes, lanes) if last else (itemsize, 1)
    plane = _hidden_plane(h, w, itemsize, pixel)
    sample = -(-c // channels) * directions * plane
    return n * sample, (sample, plane, 0, directions * plane // channels, 0, 0)


def _hidden_plane(h, w, itemsize, pixel):
    pair = 2 * LINE // itemsize
    return max(h // pair * tiles.row_bytes(w, pixel), w // pair * tiles.row_bytes(h, pixel))


def _strides(given):
    """By axis; 0 for an axis that an array lacks, or whose only entry serves for all."""
    if given is None:
        return (0,) * 6
    n, *directions_and_gates, c, h, w = given.strides
    d, k = (*directions_and_gates, 0, 0)[:2]
    return (n, d, k, 0 if given.shape[-3] == 1 else c, h, w)


def channels_last(arrays) -> bool:
    """Whether channels are innermost in all of the arrays, and pixels are not."""
    x = arrays[0]
    return (
        x.strides[-1] != x.itemsize
        and x.shape[-3] > 1
        and all(a is None or (a.strides[-3] == a.itemsize and a.shape[-3] > 1) for a in arrays)
    )


def is_large(gates, x) -> bool:
    """Whether a call is worth a second core."""
    return math.prod(x.shape) * gates.shape[1] * gates.shape[2] >= PARALLEL_FROM


def parts_of(dgates, x) -> int:
    """In how many parts gradients at gates are summed that many channels share, on which cores work at once; this must
    not depend on the number of cores, since the order of a sum decides its last bits."""
    if dgates.shape[-3] > 1 or not is_large(dgates, x):
        return 1
    return min(-(-SUMS // x.shape[0]), -(-x.shape[1] // MAPS))


def numpy_of(given) -> np.ndarray | None:
    """An array, or a tensor of torch on the CPU, as NumPy's."""
    if given is None or isinstance(given, np.ndarray):
        return given
    return given.detach().numpy()
