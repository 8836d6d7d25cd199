"""What a call is about, and how its planes reach the scans: as they lie, or turned in scratch. Source text: `cpu.py`
compiles it.

`call` is one array of numbers, as `cpu.py` packs it: passing it costs less than passing what is in it.
"""

from collections import namedtuple

from spnkit.backends.simd import filled, itemsize, store
from spnkit.backends.tiles import LINE, Array, Layers, Rows, Size, backwards, copy, later, row_bytes

LANES = 8  # pixels in a vector register, fixed when compiled
TILE = 16  # rows whose gates are brought near at a time: a cache line of columns, fixed when compiled
CHANNELS_LAST = False  # whether a register holds channels of one pixel, fixed when compiled

Shape = namedtuple("Shape", "n c h w")
Room = namedtuple("Room", "x grad y winner gates h dgates q")  # addresses of a thread's scratch
Unit = namedtuple("Unit", "n c depth")  # a plane, or as many of `depth` planes as a register has lanes
Gates = namedtuple("Gates", "rows gap")  # those of connection 0, and from one connection to the next

NOWHERE = Rows(0, 0, 0)
# Places in a call: the shape, then these; directions and arrays follow the header.
UNITS, THREADS, SCRATCH, ROOM, COUNT, STREAMS, HEADER = 4, 5, 6, 7, 15, 16, 17


def shape_of(call):
    """The shape of the map."""
    return Shape(call[0], call[1], call[2], call[3])


def room_in(scratch, call):
    """The parts of scratch: their places follow in the order of the fields."""
    at = scratch.ctypes.data
    at += -at % LINE
    part = call[ROOM:COUNT]
    return Room(
        at + part[0], at + part[1], at + part[2], at + part[3], at + part[4], at + part[5], at + part[6], at + part[7]
    )


def codes_of(call):
    """The directions."""
    return call[HEADER : HEADER + call[COUNT]]


def array_of(call, i):
    """Address and strides of one array."""
    at = call[HEADER + call[COUNT] + 7 * i :]
    return Array(at[0], at[1], at[2], at[3], at[4], at[5], at[6])


def unit_of(number, shape):
    """The planes of a unit of work."""
    if not CHANNELS_LAST:
        return Unit(number // shape.c, number % shape.c, 1)
    blocks = (shape.c + LANES - 1) // LANES
    c = number % blocks * LANES
    return Unit(number // blocks, c, shape.c - c)


def size_of(code, shape):
    """Steps and lanes of a map in one direction."""
    return Size(shape.w, shape.h) if code & 2 else Size(shape.h, shape.w)


def turns(codes, d):
    """Whether the direction after number `d` goes along the other axis, or there is none."""
    return d + 1 == len(codes) or codes[d] & 2 != codes[d + 1] & 2


def in_place(rows, like):
    """Whether rows serve as they lie, or there are none."""
    return CHANNELS_LAST or rows.lane == itemsize(like) or rows.at == 0


def entered(rows, at, size, filled_too, like):
    """A plane whose pixels are adjacent: as it lies, or in scratch, filled from it where that is asked for."""
    if in_place(rows, like):
        return rows
    scratch = Rows(at, row_bytes(size.lanes, itemsize(like)), itemsize(like))
    if filled_too:
        copy_tiles(scratch, rows, size, rows.step, like)
    return scratch


def left(rows, scratch, size, really, like):
    """What was computed in scratch is put where it belongs."""
    if really and scratch.at != rows.at:
        copy_tiles(rows, scratch, size, rows.step, like)


def copy_tiles(target, source, size, step, like):
    """Copy a plane a tile at a time; in the image, `step` bytes lie between its steps."""
    for t in range(0, size.steps, TILE):
        tile = Size(min(TILE, size.steps - t), size.lanes)
        copy(later(target, t), later(source, t), tile, Layers(1, 0, 0, TILE * step, 0), like)


def directed(rows, code, steps):
    """Rows in the order of a scan."""
    return backwards(rows, steps) if code & 1 else rows


def hidden_rows(at, size, like):
    """Rows of h in scratch."""
    pixel = pixel_bytes(like)
    return Rows(at, row_bytes(size.lanes, pixel), pixel)


def pixel_bytes(like):
    """From a pixel to its neighbour, in rows of h."""
    return itemsize(like) * LANES if CHANNELS_LAST else itemsize(like)


def brought(gates, connections, room, place, begin, tile, kept, size, like):
    """The gates of a tile: as they lie, or in scratch from row `place` on."""
    if in_place(gates.rows, like):
        return Gates(later(gates.rows, begin), gates.gap)
    near = scratch_gates(room, kept, size, like)
    rows, target = later(gates.rows, begin), later(near.rows, place)
    copy(target, rows, tile, Layers(connections, near.gap, gates.gap, TILE * rows.step, 0), like)
    return Gates(target, near.gap)


def scratch_gates(room, kept, size, like):
    """Gates in scratch, `kept` rows for each connection."""
    item = itemsize(like)
    row = row_bytes(size.lanes, item)
    return Gates(Rows(room, row, item), kept * row)


def brought_if(really, gates, connections, room, begin, tile, size, like):
    """Where the gradients at the gates of a tile are put: in place, or scratch that holds them if they are `really`
    there already."""
    if really or in_place(gates.rows, like):
        return brought(gates, connections, room, 0, begin, tile, TILE, size, like)
    return scratch_gates(room, TILE, size, like)


def soon(gates, begin, size, like):
    """Where the next tile of rows that lie in place and are scanned upwards begins, from the first of this one; else 0.

    Rows are asked for in the order of memory, which the hardware takes up.
    """
    if gates.rows.step > 0 or not in_place(gates.rows, like) or begin + 2 * TILE > size.steps:
        return 0
    return (2 * TILE - 1) * gates.rows.step


def clear(q, rows, like):
    """Zero so many rows, with what lies between them."""
    nothing, one = filled(0, like), itemsize(like) * LANES
    for at in range(q.at - LINE, q.at - LINE + rows * q.step, one):
        store(at, nothing)
