"""What a call is about, and how its planes reach the scans: as they lie, or turned in scratch.

`call` is one array of numbers, as `backend.py` packs it: passing it costs less than passing what is in it. Source text:
`backend.py` compiles it.
"""

from collections import namedtuple

from spnkit.backends.cpu.atomics import exchanged
from spnkit.backends.cpu.simd import Words, filled, itemsize, store
from spnkit.backends.cpu.tiles import LINE, SOON, Array, Layers, Part, Rows, Size, backwards, copy, later, row_bytes

LANES = 8  # pixels in a vector register, fixed when compiled
TILE = 16  # rows whose gates are brought near at a time: a cache line of columns, fixed when compiled
CHANNELS_LAST = False  # whether a register holds channels of one pixel, fixed when compiled
PAIR = 32  # two tiles, fixed when compiled: of so many rows of h the last is kept, and the way back starts there
UNSTREAMED = 0  # or None, see `unstreamed`, fixed when compiled
SHARED = False  # whether the channels of a sample have the same gates, fixed when compiled

Shape = namedtuple("Shape", "n c h w")
Room = namedtuple("Room", "x grad y winner gates h dgates q kept")  # addresses of a thread's scratch
# Maps that are scanned in step, from channel c on: some that share gates, or one; `depth` channels are left from there.
Unit = namedtuple("Unit", "n c maps depth")
Codes = namedtuple("Codes", "of count")
Gates = namedtuple("Gates", "rows gap")  # those of connection 0, and from one connection to the next

NOWHERE = Rows(0, 0, 0, 0)
LAYOUT = {False: 1, True: 2}  # by CHANNELS_LAST, what rows of h that are kept are marked with
# Places in a call: the shape, then these; directions and strides of arrays follow the header. In front of it, on a line
# of its own that threads write to, the number of the piece of work that is next; and the address of scratch.
UNITS, MAPS, PARTS, EACH, ROOM, COUNT, STREAMS, TILED, ADDRESSES, HEADER = 4, 5, 6, 7, 8, 17, 18, 19, 20, 27
NEXT, SCRATCH, FRONT = -16, -8, 16


def shape_of(call):
    """The shape of the map."""
    return Shape(call[0], call[1], call[2], call[3])


def sample_of(number, call):
    """Which sample a unit is of."""
    return number // (call[UNITS] // call[0])


def room_in(call, slot):
    """The parts of a thread's scratch: their places follow in the order of the fields."""
    at, part = call[SCRATCH] + slot * call[EACH], call.beyond(ROOM)
    x, grad, y, winner = at + part[0], at + part[1], at + part[2], at + part[3]
    return Room(x, grad, y, winner, at + part[4], at + part[5], at + part[6], at + part[7], at + part[8])


def codes_of(call):
    """The directions, 2 * horizontal + reverse each; how many there are is in the call."""
    return Codes(call.beyond(HEADER), call[COUNT])


def array_of(call, i):
    """Address and strides of one array."""
    strides = call.beyond(HEADER + call[COUNT] + 6 * i)
    return Array(call[ADDRESSES + i], strides[0], strides[1], strides[2], strides[3], strides[4], strides[5])


def keep_here(call, i):
    """The memory that rows of h are kept in, marked by how they will lie there."""
    kept = array_of(call, i)
    if kept.at != 0:
        exchanged(Words(kept.at), 0, LAYOUT[CHANNELS_LAST])
    return behind_mark(kept, kept.at != 0)


def kept_here(call, i):
    """The memory that rows of h were kept in; none where they lie in another way than here."""
    kept = array_of(call, i)
    return behind_mark(kept, kept.at != 0 and Words(kept.at)[0] == LAYOUT[CHANNELS_LAST])


def behind_mark(kept, there):
    """From two lines on, the first of which the mark is in."""
    if there:
        return Array((kept.at + LINE - 1) // LINE * LINE + 2 * LINE, kept.n, kept.d, 0, kept.c, 0, 0)
    return Array(0, 0, 0, 0, 0, 0, 0)


def unit_of(number, shape, maps):
    """The planes of a unit of work: at most so many maps, or as many channels as a register has lanes."""
    channels = LANES if CHANNELS_LAST else maps
    units = (shape.c + channels - 1) // channels
    c = number % units * channels
    return Unit(number // units, c, min(maps, shape.c - c), shape.c - c)


def maps_of(unit):
    """How many maps are scanned in step."""
    return unit.maps if SHARED else 1


def size_of(code, shape):
    """Steps and lanes of a map in one direction."""
    return Size(shape.w, shape.h) if code & 2 else Size(shape.h, shape.w)


def turns(codes, d):
    """Whether the direction after number `d` goes along the other axis, or there is none."""
    return d + 1 == codes.count or codes.of[d] & 2 != codes.of[d + 1] & 2


def in_place(rows, like):
    """Whether rows serve as they lie, or there are none."""
    return CHANNELS_LAST or rows.lane == itemsize(like) or rows.at == 0


def entered(rows, at, size, maps, tiled, filled_too, like):
    """Planes whose pixels are adjacent: as they lie, or in scratch, filled from them where that is asked for; `tiled`
    ones are too large for it, and turned a tile at a time."""
    if in_place(rows, like) or tiled:
        return rows
    scratch = scratch_rows(at, size.steps, size, like)
    if filled_too:
        copy_tiles(scratch, rows, size, maps, rows.step, like)
    return scratch


def left(rows, scratch, size, maps, really, like):
    """What was computed in scratch is put where it belongs."""
    if really and scratch.at != rows.at:
        copy_tiles(rows, scratch, size, maps, rows.step, like)


def scratch_rows(at, count, size, like):
    """So many rows in scratch, for each map."""
    row = row_bytes(size.lanes, itemsize(like))
    return Rows(at, row, itemsize(like), count * row)


def near_rows(rows, at, begin, count, size, like):
    """The rows from step `begin` on: as they lie, or room for so many in scratch."""
    if in_place(rows, like):
        return later(rows, begin)
    return scratch_rows(at, count, size, like)


def turn(target, source, tile, maps, ahead, like):
    """A tile of maps to scratch or back, unless it is there; `ahead` bytes further on lies the next one."""
    if target.at != source.at:
        copy(
            target,
            source,
            tile,
            Part(0, tile.lanes),
            Layers(maps, target.map, source.map, ahead, unstreamed(like)),
            like,
        )


def copy_tiles(target, source, size, maps, step, like):
    """Copy planes a tile at a time; in the image, `step` bytes lie between their steps."""
    for t in range(0, size.steps, TILE):
        whole, layers = Part(0, size.lanes), Layers(maps, target.map, source.map, TILE * step, unstreamed(like))
        copy(later(target, t), later(source, t), tile_at(t, size), whole, layers, like)


def unstreamed(like):
    """What says that a copy does not stream: None where none of the kernel does, and streaming is not compiled."""
    return None if itemsize(like) == 1 else UNSTREAMED


def directed(rows, code, steps):
    """Rows in the order of a scan."""
    return backwards(rows, steps) if code & 1 else rows


def hidden_rows(at, count, size, like):
    """So many rows of h in scratch, for each map."""
    pixel = pixel_bytes(like)
    row = row_bytes(size.lanes, pixel)
    return Rows(at, row, pixel, count * row)


def kept_rows(array, unit, d, size, like):
    """Rows of h that the way there keeps for the way back, the last of each pair of tiles."""
    at = array.at + unit.n * array.n + d * array.d + unit.c * array.c
    return Rows(at, row_bytes(size.lanes, pixel_bytes(like)), pixel_bytes(like), array.c)


def hidden_row(h, kept, t):
    """Where h of step `t` is: of two rows, or among those that are kept."""
    if kept.at != 0 and (t + 1) % PAIR == 0:
        return later(kept, (t + 1) // PAIR - 1)
    return later(h, t % 2)


def pixel_bytes(like):
    """From a pixel to its neighbour, in rows of h."""
    return itemsize(like) * LANES if CHANNELS_LAST else itemsize(like)


def nearby(gates, room, place, begin, kept, size, like):
    """The gates of the tile from step `begin` on: as they lie, or in scratch that has `kept` rows for each connection,
    from row `place` on."""
    if in_place(gates.rows, like):
        return Gates(later(gates.rows, begin), gates.gap)
    item = itemsize(like)
    row = row_bytes(size.lanes, item)
    return Gates(Rows(room + place * row, row, item, 0), kept * row)


def bring(gates, near, connections, begin, tile, part, tiles, like):
    """Fill a part of the lanes of a tile in scratch; memory is asked for what follows, so many `tiles` further on."""
    rows = later(gates.rows, begin)
    if near.rows.at != rows.at and part.begin < part.end:
        layers = Layers(connections, near.gap, gates.gap, tiles * TILE * rows.step, unstreamed(like))
        copy(near.rows, rows, tile, part, layers, like)


def asked(gates, turned, begin, done, size):
    """Gates that memory is asked for while the next part of a row is scanned, `done` registers after the tile before
    `begin` was begun: a pixel of each row of the image that will be brought a little later."""
    lane = done * LANES // TILE + SOON
    if lane >= size.lanes:
        lane, begin = lane - size.lanes, begin + TILE
    if begin >= size.steps or not turned:
        return Gates(NOWHERE, 0)
    rows = later(gates.rows, begin)
    far_end = rows.at + lane * rows.lane + (TILE - 1) * rows.step  # a block may straddle lines, of which one is new
    return Gates(Rows(far_end, rows.step, rows.lane, 0), gates.gap)


def tile_at(begin, size):
    """The size of the tile from step `begin` on."""
    return Size(min(TILE, size.steps - begin), size.lanes)


def registers_in(lanes):
    """Registers that a row fills."""
    return lanes if CHANNELS_LAST else (lanes + LANES - 1) // LANES


def clear(q, rows, like):
    """Zero so many rows, with what lies between them."""
    nothing, one = filled(0, like), itemsize(like) * LANES
    for at in range(q.at - LINE, q.at - LINE + rows * q.step, one):
        store(at, nothing)
