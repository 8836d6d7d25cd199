"""Tiles in shared memory. Source text: `backend.py` compiles it.

Shared memory is lines that a block fits in. A staged layer has TILE of them; a moving one, which the scan passes from
step to step, has one more in front, for the last step of the tile before. Two tiles have room side by
side: one that is computed, and one that is on its way.
"""

from collections import namedtuple

from spnkit.backends.cuda.geometry import (
    LINE,
    SLOTS,
    TILE,
    first_place,
    inside,
    next_place,
    onward,
    short,
    spot_of,
    thread,
    walk_from,
)
from spnkit.backends.cuda.machine import copy, cuda, load, opaque, peek, poke, store, types, widened

FLOAT = types.float32  # what is computed in
FLOAT_ITEM = 4  # bytes of that
STORED = FLOAT  # what x and gates are stored in, and their gradients
HALF = False  # whether that is half precision
WHOLE = -1  # mask of an address that is copied from: whole words, for nothing asynchronous copies less
EDGE = 2  # lanes of the chunk before that a chunk hears of

Stream = namedtuple("Stream", "spot gap count layers")


def staged(layer):
    """Where a staged layer begins."""
    return layer * TILE * LINE


def moving(i):
    """Where moving layer `i` begins; its spots are counted from s = -1 and c = -EDGE on."""
    return i * (TILE + 1) * LINE + LINE + EDGE


def clear(shared, begin, end):
    """Zero part of shared memory."""
    at = short(begin + thread())
    while at < end:
        poke(shared, at, 0, FLOAT(0))
        at = short(at + cuda.blockDim.x * cuda.blockDim.y)


def lines_of(lines, layers, shape):
    """Where a block puts lines aside if it scans in chunks: one a layer, in device memory, so that any map fits."""
    return lines + cuda.blockIdx.x * layers * max(shape.h, shape.w) * FLOAT_ITEM


def stream(spot, gap, count, layers):
    """`count` layers of device memory that are copied to `spot`, `gap` apart."""
    return Stream(short(spot), short(gap), short(count), layers)


def copy_tile(shared, one, other, slots, tile, scan):
    """Have a tile of two streams copied from device memory; pixels outside the map are zero."""
    place = first_place(slots, tile, scan)
    walk, also = walk_from(one.layers, place, slots), walk_from(other.layers, place, slots)
    for _ in range(opaque(short(SLOTS))):
        known = inside(place.t, place.k, scan)
        copy_pixel(shared, one, walk, place, known)
        copy_pixel(shared, other, also, place, known)
        place, walk, also = next_place(place, slots), onward(walk), onward(also)


def copy_more(shared, one, slots, tile, scan):
    """The same for one stream."""
    place = first_place(slots, tile, scan)
    walk = walk_from(one.layers, place, slots)
    for _ in range(opaque(short(SLOTS))):
        copy_pixel(shared, one, walk, place, inside(place.t, place.k, scan))
        place, walk = next_place(place, slots), onward(walk)


def copy_pixel(shared, source, walk, place, known):
    """One pixel of a stream."""
    for i in range(source.count):
        at = (walk.at + i * walk.apart) & WHOLE
        copy(shared, short(source.spot + place.spot), i * source.gap, at, known)


def widen_tile(shared, one, other, slots, tile, scan):
    """Of the words that were copied for two streams, make the values that were meant; each thread of its own."""
    place = first_place(slots, tile, scan)
    walk, also = walk_from(one.layers, place, slots), walk_from(other.layers, place, slots)
    for _ in range(opaque(short(SLOTS))):
        if inside(place.t, place.k, scan):
            widen_pixel(shared, one, walk, place)
            widen_pixel(shared, other, also, place)
        place, walk, also = next_place(place, slots), onward(walk), onward(also)


def widen_more(shared, one, slots, tile, scan):
    """The same for one stream."""
    place = first_place(slots, tile, scan)
    walk = walk_from(one.layers, place, slots)
    for _ in range(opaque(short(SLOTS))):
        if inside(place.t, place.k, scan):
            widen_pixel(shared, one, walk, place)
        place, walk = next_place(place, slots), onward(walk)


def widen_pixel(shared, source, walk, place):
    """One pixel of a stream."""
    for i in range(source.count):
        spot = short(source.spot + place.spot)
        value = widened(peek(shared, spot, i * source.gap), walk.at + i * walk.apart, STORED)
        poke(shared, spot, i * source.gap, value)


def hand_over(shared, source, target, last, layers, tile, following, scan):
    """Give the next tile the last line of this one, and what a leaning chunk hears of its predecessor."""
    if scan.lanes > cuda.blockDim.x:
        keep(shared, source, last, layers, tile, scan)
        lean(shared, source, target, layers, following, scan)
    elif cuda.threadIdx.y == 0:
        c = short(cuda.threadIdx.x)
        for i in range(layers):
            value = peek(shared, short(source + spot_of(TILE - 1, c)), moving(i))
            poke(shared, short(target + spot_of(-1, c)), moving(i), value)


def lean(shared, source, target, layers, following, scan):
    """What a leaning chunk hears of its predecessor: the last lanes of every step."""
    number = thread()
    while number < TILE * EDGE:
        s, c = short(number // EDGE), short(number % EDGE - EDGE)
        for i in range(layers):
            value = peek(shared, short(source + spot_of(s, cuda.blockDim.x + c)), moving(i))
            poke(shared, short(target + spot_of(s, c)), moving(i), value if following.k > 0 else FLOAT(0))
        number = short(number + cuda.blockDim.x * cuda.blockDim.y)


def keep(shared, source, last, layers, tile, scan):
    """Put aside the last line of a tile, for the tile after it."""
    c = short(cuda.threadIdx.x)
    k = short(tile.k + c - (TILE - 1) * scan.skew)
    if (k >= 0) & (k < scan.lanes) & (cuda.threadIdx.y == 0):
        for i in range(layers):
            value = peek(shared, short(source + spot_of(TILE - 1, c)), moving(i))
            store(last + (i * scan.lanes + k) * FLOAT_ITEM, value, FLOAT)


def resume(shared, target, last, layers, tile, scan):
    """The line before the first, from what was put aside, where the block scans in chunks."""
    if (scan.lanes <= cuda.blockDim.x) | (cuda.threadIdx.y > 0):
        return
    c = short(cuda.threadIdx.x - EDGE)
    while c < cuda.blockDim.x + 1:
        k = short(tile.k + scan.skew + c)
        for i in range(layers):
            known = (k >= 0) & (k < scan.lanes) & (tile.t > 0)
            value = load(last + (i * scan.lanes + k) * FLOAT_ITEM, FLOAT) if known else FLOAT(0)
            poke(shared, short(target + spot_of(-1, c)), moving(i), value)
        c = short(c + cuda.blockDim.x)
