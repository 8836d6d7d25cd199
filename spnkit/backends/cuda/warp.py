"""How a warp walks a plane: tiles of 32 steps, a thread a step, and where in its ring a pixel lies.

Thread s of a warp does step s of a tile and is LAG * s lanes behind thread 0, so what it needs of the step before is
what thread s - 1 computed a turn or two ago, or computes last. Tiles go round the warps of a block, and a warp's stream
runs on from tile to tile and from plane to plane without a break.

A warp copies what it reads into a ring of RING lanes, 16 bytes a thread. Every TURNS turns it asks for SETS sets of
such pieces, each DELAY lanes behind the one before, because the steps that they hold are. Horizontally a set is TURNS
lanes of a part of the steps; vertically it is PIECE lanes of TURNS / LAG steps. Source text, compiled by
`streams.py`.
"""

from collections import namedtuple

from spnkit.backends.cuda.machine import cuda, opaque, quotient, short, types

STEPS = 32  # of a tile: the threads of a warp
HORIZONTAL = True
# See `streams.py`, which says what these can be.
WARPS, TURNS, RING, SETS, DELAY, PIECE, LAG = 6, 8, 64, 2, 32, 32, 2
ITEM, VALUES = 4, 4  # bytes of a value; values in 16 bytes
UNIT, ROW, LAYER = 512, 4, 128  # bytes of the ring from lane to lane, from step to step, from array to array
AHEAD = 0  # bytes that the L2 cache is asked for around a piece, see `copy_piece`
PIECES = 1  # of a thread in a set
UNDERWAY = 3  # chunks that may be on their way
SHIFTED = 0  # steps that the third array is ahead
SIDE_BY_SIDE = 4  # threads whose pieces follow one another in memory

# One direction of the planes of a block: those from number `first` on that are `gap` apart; `length` lanes of a stream
# are those of a plane and some more, so that whole chunks of TURNS fill it. `code` is 2 * horizontal + reverse.
Scan = namedtuple("Scan", "d code steps lanes tiles length samples channels first gap")
# A set on its way through the stream: the plane, the tile, the lane; how many lanes or steps of it this thread's piece
# has; where that is in the planes of three arrays at lane 0.
Walk = namedtuple("Walk", "n c tile k left one other third")


def thread_of_warp():
    """The number of a thread in its warp."""
    return opaque(short(cuda.threadIdx.x & (STEPS - 1)))


def warp_of_block():
    """The number of a warp in its block."""
    return short(cuda.threadIdx.x // STEPS)


def scan_of(shape, order, lengths):
    """What this block scans; `lengths` of horizontal streams and, 16 bits up, of vertical ones."""
    unit = quotient(cuda.blockIdx.x, order.count)
    index = short(cuda.blockIdx.x - unit * order.count)
    steps, lanes = (shape.w, shape.h) if HORIZONTAL else (shape.h, shape.w)
    length = lengths & 0xFFFF if HORIZONTAL else lengths >> 16
    return Scan(
        short(order.first + index),
        short(order.codes >> (2 * index) & 3),
        short(steps),
        short(lanes),
        quotient(steps + STEPS - 1, STEPS),
        short(length),
        short(shape.n),
        short(shape.c),
        unit,
        quotient(cuda.gridDim.x, order.count),
    )


def backwards(scan):
    """Whether memory has the steps of a tile in the other order."""
    return HORIZONTAL & ((scan.code & 1) != 0)


def tiles_of_warp(scan):
    """How many tiles this warp has."""
    planes = quotient(scan.samples * scan.channels - scan.first + scan.gap - 1, scan.gap)
    return quotient(planes * scan.tiles - warp_of_block() + WARPS - 1, WARPS)


def walk_from(which, behind, arrays, thread, scan):
    """Set number `which`, so many lanes before a warp's first tile."""
    tile, k = short(warp_of_block() - WARPS), short(scan.length - behind)
    walk = Walk(short(0), scan.first, tile, k, short(0), arrays[0].at, arrays[1].at, arrays[2].at)
    return landed(which, walk, arrays, thread, scan) if behind == 0 else walk


def onward(which, walk, arrays, thread, scan):
    """The same set, a chunk later."""
    k = short(walk.k + TURNS)
    walk = Walk(walk.n, walk.c, walk.tile, k, walk.left, walk.one, walk.other, walk.third)
    return landed(which, walk, arrays, thread, scan) if k >= scan.length else walk


def landed(which, walk, arrays, thread, scan):
    """A set that begins another tile."""
    n, c, tile = walk.n, walk.c, short(walk.tile + WARPS)
    while tile >= scan.tiles:
        tile, c = short(tile - scan.tiles), short(c + scan.gap)
    more = quotient(c, scan.channels)
    n, c = short(n + more), short(c - more * scan.channels)
    step, lane = piece_of(which, thread, scan)
    steps = short(scan.steps - tile * STEPS - step)
    left = short(scan.lanes - lane if steps > 0 else 0) if HORIZONTAL else steps
    left = left if n < scan.samples else short(0)
    one, other = place_of(arrays[0], n, c, tile, step, lane, scan), place_of(arrays[1], n, c, tile, step, lane, scan)
    third = place_of(arrays[2], n, c, tile, step + SHIFTED, lane, scan)
    return Walk(n, c, tile, short(walk.k - scan.length), left, one, other, third)


def piece_of(which, thread, scan):
    """Step and lane of the first piece of a thread in a set: of the step, the first in time."""
    place, side = short(thread // SIDE_BY_SIDE), short(VALUES * (thread & (SIDE_BY_SIDE - 1)))
    if HORIZONTAL:
        column = column_of(which, side, scan)
        return short(STEPS - VALUES - column if backwards(scan) else column), place
    return short(which * (PIECE // LAG) + place), side


def column_of(which, side, scan):
    """Where in a row of a tile the piece lies."""
    return short((SETS - 1 - which if backwards(scan) else which) * (STEPS // SETS) + side)


def place_of(array, n, c, tile, step, lane, scan):
    """The address of a piece."""
    plane, step = array.at + n * array.n + scan.d * array.d + c * array.c, short(tile * STEPS + step)
    if HORIZONTAL:
        column = short(scan.steps - VALUES - step if backwards(scan) else step)
        return plane + lane * array.h + ITEM * column
    row = short(scan.steps - 1 - step if scan.code & 1 else step)
    return plane + row * array.h + ITEM * lane


def spot_of(which, slot, walk, thread, scan):
    """Where in the ring the first piece of a thread lies, the set being at `slot`."""
    place, side = short(thread // SIDE_BY_SIDE), short(VALUES * (thread & (SIDE_BY_SIDE - 1)))
    if HORIZONTAL:
        return short(short(place * UNIT + column_of(which, side, scan) * ITEM) + short(slot * UNIT))
    first = short(short(which * (PIECE // LAG) + place) * ROW + side * ITEM)
    return short(first + short(short(phase_of(walk) * ROW) + short((slot & -PIECE) * ITEM)))


def phase_of(walk):
    """Vertically, the steps that a set has gone through since its pieces began."""
    return short((walk.k & (PIECE - 1)) // LAG)


def offset_of(array, walk, scan):
    """From where a walk stands at lane 0 to where it is."""
    if HORIZONTAL:
        return types.int64(walk.k) * short(array.h)
    row = short(-array.h if scan.code & 1 else array.h)
    return types.int64(phase_of(walk)) * row + ITEM * (walk.k & -PIECE)


def further(i, array, scan):
    """From the first piece of a thread in a set to piece `i`."""
    return i * (STEPS // SIDE_BY_SIDE) * (short(-array.h if (scan.code & 1 != 0) & (not HORIZONTAL) else array.h))


def known(i, walk, thread, scan):
    """Whether the map has piece `i`: its sides are multiples of a piece, so all of it or nothing."""
    so_far = short(walk.k if HORIZONTAL else phase_of(walk)) + i * (STEPS // SIDE_BY_SIDE)
    if HORIZONTAL:
        return short(so_far) < walk.left
    lane = short((walk.k & -PIECE) + VALUES * (thread & (SIDE_BY_SIDE - 1)))
    return (short(so_far) < walk.left) & (lane < scan.lanes)


def around(slot):
    """The slot of the ring TURNS lanes further on."""
    slot = short(slot + TURNS)
    return short(slot - RING) if slot >= RING else slot


def delayed(slot):
    """The slot of the second set."""
    slot = short(slot - DELAY)
    return short(slot + RING) if slot < 0 else slot
