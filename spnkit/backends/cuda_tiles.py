"""Tiles in shared memory. Source text: `cuda.py` compiles it.

Shared memory is lines that a block fits in. A staged layer has TILE of them; a moving one, which the scan passes from
step to step, has one more in front, for the last step of the tile before. Two tiles have room side by
side: one that is computed, and one that is on its way.
"""

from spnkit.backends.cuda_geometry import LINE, TILE, first_place, inside, next_place, onward, short, spot_of, walk_from
from spnkit.backends.cuda_machine import copy, cuda, opaque, peek, poke, types, widened

FLOAT = types.float32  # what is computed in
STORED = FLOAT  # what x and gates are stored in, and their gradients
HALF = False  # whether that is half precision
WHOLE = -1  # mask of an address that is copied from: whole words, for nothing asynchronous copies less
EDGE = 2  # lanes of the chunk before that a chunk hears of


def staged(layer):
    """Where a staged layer begins."""
    return layer * TILE * LINE


def moving(i):
    """Where moving layer `i` begins; its spots are counted from s = -1 and c = -EDGE on."""
    return i * (TILE + 1) * LINE + LINE + EDGE


def clear(shared, begin, end):
    """Zero part of shared memory."""
    for at in range(begin + cuda.threadIdx.x, end, cuda.blockDim.x):
        poke(shared, short(at), 0, FLOAT(0))


def copy_layers(shared, base, gap, count, layers, slots, tile, scan):
    """Have a tile copied from device memory, `count` layers `gap` apart; pixels outside the map are zero."""
    place = first_place(slots, tile, scan)
    walk = walk_from(layers, place, slots)
    for _ in range(opaque(short(TILE))):
        known = inside(place.t, place.k, scan)
        for i in range(count):
            if known:
                copy(shared, short(base + place.spot), i * gap, (walk.at + i * walk.apart) & WHOLE)
            else:
                poke(shared, short(base + place.spot), i * gap, FLOAT(0))
        place, walk = next_place(place, slots), onward(walk)


def widen_layers(shared, base, gap, count, layers, slots, tile, scan):
    """Of the words that were copied for stored layers, make the values that were meant; each thread of its own."""
    place = first_place(slots, tile, scan)
    walk = walk_from(layers, place, slots)
    for _ in range(opaque(short(TILE))):
        if inside(place.t, place.k, scan):
            for i in range(count):
                spot = short(base + place.spot)
                value = widened(peek(shared, spot, i * gap), walk.at + i * walk.apart, STORED)
                poke(shared, spot, i * gap, value)
        place, walk = next_place(place, slots), onward(walk)


def stored_layers(shared, base, gap, count, layers, slots, landed, tile, scan):
    """Have stored layers copied or, once they have `landed`, widened."""
    if landed:
        widen_layers(shared, base, gap, count, layers, slots, tile, scan)
    else:
        copy_layers(shared, base, gap, count, layers, slots, tile, scan)


def lean(shared, source, target, layers, following, scan):
    """What a leaning chunk hears of its predecessor: the last lanes of every step."""
    threads = cuda.blockDim.x
    for number in range(cuda.threadIdx.x, scan.skew * TILE * EDGE, threads):
        s, c = number // EDGE, number % EDGE - EDGE
        for i in range(layers):
            value = peek(shared, short(source + spot_of(s, threads + c)), moving(i))
            poke(shared, short(target + spot_of(s, c)), moving(i), value if following.k > 0 else FLOAT(0))


def keep(shared, source, last, layers, tile, scan):
    """Put aside the last line of a tile, for the tile after it."""
    c = cuda.threadIdx.x
    k = tile.k + c - (TILE - 1) * scan.skew
    if (k >= 0) & (k < scan.lanes):
        for i in range(layers):
            value = peek(shared, short(source + spot_of(TILE - 1, c)), moving(i))
            poke(shared, short(last + i * scan.lanes + k), 0, value)


def resume(shared, target, last, layers, tile, scan):
    """The line before the first, from what was put aside."""
    threads = cuda.blockDim.x
    for c in range(cuda.threadIdx.x - EDGE, threads + 1, threads):
        k = tile.k + scan.skew + c
        for i in range(layers):
            known = (k >= 0) & (k < scan.lanes)
            value = peek(shared, short(last + i * scan.lanes + k), 0) if known else FLOAT(0)
            poke(shared, short(target + spot_of(-1, c)), moving(i), value)
