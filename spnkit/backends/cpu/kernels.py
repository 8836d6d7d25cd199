"""The CPU kernels: planes, directions, rows; `adjoint.py` goes back. Source text: `backend.py` compiles it.

A scan goes row by row; the pixels of a row do not depend on each other and fill vector registers. Rows of
the image serve a vertical scan as they lie in memory; for a horizontal one `tiles.py` transposes them on the
way in and out, and from there on every direction runs the same code. Where channels are innermost
(CHANNELS_LAST), a register holds channels of one pixel, and nothing is transposed at all. Names in
capitals are fixed when a kernel is compiled.
"""

from collections import namedtuple

from spnkit.backends.cpu.atomics import taken
from spnkit.backends.cpu.planes import (
    MAPS,
    NEXT,
    TILED,
    UNITS,
    Gates,
    array_of,
    asked,
    bring,
    codes_of,
    directed,
    entered,
    hidden_row,
    hidden_rows,
    in_place,
    keep_here,
    kept_rows,
    left,
    maps_of,
    near_rows,
    nearby,
    pixel_bytes,
    registers_in,
    room_in,
    sample_of,
    shape_of,
    size_of,
    tile_at,
    turn,
    turns,
    unit_of,
)
from spnkit.backends.cpu.simd import (
    Words,
    ask,
    bytes_like,
    filled,
    itemsize,
    load,
    load_some,
    store,
    store_some,
    with_lane_of,
)
from spnkit.backends.cpu.tiles import Part, Rows, later, row_bytes, rows_of
from spnkit.backends.cpu.values import where
from spnkit.integration import Integration, integrated, wins
from spnkit.normalization import normalized
from spnkit.recurrence import propagated

# Scratch for turned gates: how many rows are kept for each connection, and whether they are yet to be filled in.
GatesRoom = namedtuple("GatesRoom", "at kept fresh")
# Rows that a scan, or a tile of it, and one step of it read and write.
Scanned = namedtuple("Scanned", "x best won")
Step = namedtuple("Step", "x gates before h best won")

LANES = 8  # as in planes.py
TILE = 16  # as in planes.py
PAIR = 32  # as in planes.py: memory takes two lines side by side in the time of one; of two tiles one is brought early
CHANNELS_LAST = False  # as in planes.py
SHARED = False  # as in planes.py
FURTHER = 16  # pixels
CONNECTIONS = 3
RULE = 1  # of Normalization
INTEGRATION = 1  # of Integration
WINNERS = True  # whether the integration picks a direction
ANCHORED = True  # see Plan


def forward(at, slot, like):
    """Units of the call at an address until none is left, in scratch number `slot`; other threads may do the same."""
    call, sample = Words(at), -1
    unit = taken(call, NEXT)
    while unit < call[UNITS]:
        before, sample = sample, sample_of(unit, call)
        forward_unit(unit, sample != before, call, slot, like)
        unit = taken(call, NEXT)


def forward_unit(number, fresh, call, slot, like):
    """Scan the maps of a unit in every direction and integrate; `fresh` says that no gates of its sample are in scratch
    yet."""
    shape, room, codes = shape_of(call), room_in(call, slot), codes_of(call)
    x, gates, y, winner = array_of(call, 0), array_of(call, 1), array_of(call, 2), array_of(call, 3)
    kept = keep_here(call, 4)
    unit, byte, tiled = unit_of(number, shape, call[MAPS]), bytes_like(like), call[TILED] != 0
    maps = maps_of(unit)
    for d in range(codes.count):
        order = d if Integration.none != INTEGRATION else 0
        size, enters = size_of(codes.of[d], shape), d == 0 or turns(codes, d - 1)
        begins, leaves = enters or order == 0, order == 0 or turns(codes, d)
        x_rows = entered(rows_of(x, unit.n, d, unit.c, codes.of[d]), room.x, size, maps, tiled, enters, like)
        y_rows = rows_of(y, unit.n, d, unit.c, codes.of[d])
        winner_rows = winners_of(winner, unit, d, codes.of[d])
        best = entered(y_rows, room.y, size, maps, tiled, begins and order > 0, like)
        won = entered(winner_rows, room.winner, size, maps, tiled, begins and order > 0, byte) if WINNERS else None
        near, rows_kept = gates_near(room, d, size, fresh, like), kept_rows(kept, unit, d, size, like)
        scan(d, order, codes.of[d], size, unit, Scanned(x_rows, best, won), gates, near, room, rows_kept, like)
        left(y_rows, best, size, maps, leaves, like)
        if WINNERS:
            left(winner_rows, won, size, maps, leaves, byte)


def winners_of(winner, unit, d, code):
    """Rows of who won each node, where that is asked for: of no other integration than the maximum."""
    return rows_of(winner, unit.n, d, unit.c, code) if WINNERS else None


def gates_near(room, d, size, fresh, like):
    """Room for gates that have to be turned, two tiles of them. All that channels share stay for the next unit of the
    sample, each direction in its place; the first one that a thread works on finds none, and a `fresh` room."""
    if not SHARED:
        return GatesRoom(room.gates, PAIR, True)
    item = itemsize(like)
    plane = max(size.steps * row_bytes(size.lanes, item), size.lanes * row_bytes(size.steps, item))  # lying or upright
    place = d * CONNECTIONS * plane
    return GatesRoom(room.gates + place, size.steps, fresh)


def scan(d, order, code, size, unit, rows, gates, gates_room, room, kept, like):
    """Scan in one direction and integrate, where there is a map to integrate into.

    Of h two rows are in scratch, and those are `kept` that have a place; of gates that had to be brought there are
    `gates_room.kept` rows.
    """
    rows = Scanned(
        directed(rows.x, code, size.steps),
        directed(rows.best, code, size.steps),
        directed(rows.won, code, size.steps) if WINNERS else None,
    )
    source = Gates(directed(rows_of(gates, unit.n, d, unit.c, code), code, size.steps), gates.k)
    h, many = hidden_rows(room.h, 2, size, like), gates_room.kept
    turned = gates_room.fresh and not in_place(source.rows, like)
    near, tile = nearby(source, gates_room.at, 0, 0, many, size, like), tile_at(0, size)
    bring(source, near, CONNECTIONS, 0, tile, Part(0, size.lanes if turned else 0), 1, like)
    for begin in range(0, size.steps, TILE):
        end = begin + tile.steps
        following, next_tile = nearby(source, gates_room.at, end % many, end, many, size, like), tile_at(end, size)
        here = brought(rows, room, begin, order > 0, tile, size, unit, like)
        scan_tile(begin, end, order, here, near, h, kept, source, turned, following, next_tile, size, unit, like)
        put_back(rows, here, begin, tile, unit, like)
        near, tile = following, next_tile


def brought(rows, room, begin, more, tile, size, unit, like):
    """The rows of a tile, turned if they have to be; the map so far is if there is `more` to come."""
    byte, maps = bytes_like(like), maps_of(unit)
    x, best = near_rows(rows.x, room.x, begin, TILE, size, like), near_rows(rows.best, room.y, begin, TILE, size, like)
    turn(x, later(rows.x, begin), tile, maps, TILE * rows.x.step, like)
    won = near_rows(rows.won, room.winner, begin, TILE, size, byte) if WINNERS else None
    if more:
        turn(best, later(rows.best, begin), tile, maps, TILE * rows.best.step, like)
        if WINNERS:
            turn(won, later(rows.won, begin), tile, maps, 0, byte)
    return Scanned(x, best, won)


def put_back(rows, here, begin, tile, unit, like):
    """What was computed in a turned tile is put where it belongs."""
    turn(later(rows.best, begin), here.best, tile, maps_of(unit), 0, like)
    if WINNERS:
        turn(later(rows.won, begin), here.won, tile, maps_of(unit), 0, bytes_like(like))


def scan_tile(begin, end, order, rows, near, h, kept, source, turned, following, next_tile, size, unit, like):
    """Some steps of a scan. Meanwhile the gates of the following ones are brought, if they have to be turned: a block
    after as many registers as take part in a block, so that memory and arithmetic are busy at once."""
    registers, done, lanes = registers_in(size.lanes), 0, 0
    for t in range(begin, end):
        step = step_of(t, begin, rows, near, hidden_row(h, kept, t - 1), hidden_row(h, kept, t))
        first = 0
        while first < registers:
            part = Part(first, min(first + TILE, registers) if turned else registers)
            scan_row(t, order, step, size.lanes, part, unit, asked(source, turned, end, done, size), like)
            done, first = done + part.end - first, part.end
            if turned:
                ready = min(done // TILE * LANES, size.lanes)
                bring(source, following, CONNECTIONS, end, next_tile, Part(lanes, ready), 0, like)
                lanes = ready


def step_of(t, begin, rows, near, before, h):
    """The rows of one step, of tiles from step `begin` on."""
    i = t - begin
    gates, won = Gates(later(near.rows, i), near.gap), later(rows.won, i) if WINNERS else None
    return Step(later(rows.x, i), gates, before, h, later(rows.best, i), won)


def scan_row(t, order, step, lanes, part, unit, asks, like):
    """Part of one step of a scan, in the order of memory all the way, upwards or downwards: hardware foresees both."""
    last = registers_in(lanes) - 1
    first, way = (last, -1) if step.x.step < 0 else (0, 1)
    if CHANNELS_LAST:
        asks = further_on(step.gates, first, way, like)
    for i in range(part.begin, part.end):
        ask_each(asks, i - part.begin)
        if i == 0 or i == last:
            scan_register(first + i * way, True, t, order, step, lanes, unit, like)
        else:
            scan_register(first + i * way, False, t, order, step, lanes, unit, like)


def scan_register(number, end, t, order, step, lanes, unit, like):
    """A register full of pixels of one step, of every map that has these gates; unless it is at an `end` of the row,
    no lane needs a second look."""
    k, some = pixels_in(number, end, lanes, unit)
    p = weights_at(t, step.gates, k, some, like)
    for m in range(maps_of(unit)):
        own = load_some(pixel(step.x, k, m, like), like, some)
        new = own
        if t > 0:
            neighbours = neighbours_at(hidden(step.before, k, m, like), like)
            if end:
                p, neighbours = bounded(p, neighbours, own, k, lanes)
            new = propagated(own, p, neighbours, own if ANCHORED else filled(0, own))
        store(hidden(step.h, k, m, like), new)
        if step.best.at:
            won = pixel(step.won, k, m, bytes_like(like)) if WINNERS and step.won.at else 0
            fold(pixel(step.best, k, m, like), won, new, order, some, like)


def weights_at(t, gates, k, some, like):
    """The weights of a register full of pixels; at the first step there are none."""
    if t == 0:
        return nothing(like)
    return normalized(connections(pixel(gates.rows, k, 0, like), gates.gap, some, like), RULE)


def pixels_in(number, end, lanes, unit):
    """The first pixel of a register, and how many lanes count; where channels are innermost it has channels of one."""
    if CHANNELS_LAST:
        return number, unit.depth
    k = number * LANES
    return k, lanes - k if end else LANES


def pixel(rows, k, m, like):
    """The address of a pixel of a row of map `m`."""
    return rows.at + k * (rows.lane if CHANNELS_LAST else itemsize(like)) + m * rows.map


def hidden(rows, k, m, like):
    """The address of a pixel of a row of scratch that holds whole registers."""
    return rows.at + k * pixel_bytes(like) + m * rows.map


def further_on(gates, first, way, like):
    """Gates some pixels after the first one of a row, where pixels lie too far apart for hardware to foresee."""
    at = pixel(gates.rows, first + way * FURTHER, 0, like)
    return Gates(Rows(at, gates.rows.step, way * gates.rows.lane, 0), gates.gap)


def ask_each(asks, lane):
    """Ask for the gates of one pixel for each connection."""
    if asks.rows.at:
        for o in range(CONNECTIONS):
            ask(asks.rows.at + lane * asks.rows.lane + o * asks.gap)


def connections(at, gap, some, like):
    """What lies at `at` for each connection of a vector of pixels, of which `some` are there."""
    if CONNECTIONS == 1:
        return (load_some(at, like, some),)
    return (load_some(at, like, some), load_some(at + gap, like, some), load_some(at + 2 * gap, like, some))


def nothing(like):
    """A zero for each connection."""
    zero = filled(0, like)
    if CONNECTIONS == 1:
        return (zero,)
    return (zero, zero, zero)


def neighbours_at(at, like):
    """The neighbours of a vector of pixels, `at` being the one straight behind."""
    if CONNECTIONS == 1:
        return (load(at, like),)
    return (load(at - pixel_bytes(like), like), load(at, like), load(at + pixel_bytes(like), like))


def bounded(p, neighbours, own, k, lanes):
    """A neighbour outside the map counts as the pixel itself, with weight 0."""
    if CONNECTIONS == 1:
        return p, neighbours
    low, high = p[0], p[2]
    above, below = neighbours[0], neighbours[2]
    if CHANNELS_LAST:
        if k == 0:
            low, above = filled(0, low), own
        if k == lanes - 1:
            high, below = filled(0, high), own
    else:
        if k == 0:
            low, above = with_lane_of(low, filled(0, low), 0), with_lane_of(above, own, 0)
        if lanes - k <= LANES:
            last = lanes - k - 1
            high, below = with_lane_of(high, filled(0, high), last), with_lane_of(below, own, last)
    return (low, p[1], high), (above, neighbours[1], below)


def fold(best, won, new, order, some, like):
    """Integrate a vector of pixels into the map; direction number 0 just stores."""
    byte = bytes_like(like)
    if order == 0:
        store_some(best, new, some, False)
        if won:
            store_some(won, filled(0, byte), some, False)
    else:
        so_far = load_some(best, like, some)
        store_some(best, integrated(so_far, new, order, INTEGRATION), some, False)
        if won:
            winner = where(wins(new, so_far), filled(order, byte), load_some(won, byte, some))
            store_some(won, winner, some, False)
