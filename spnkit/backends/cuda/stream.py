"""The forward pass as streams of warps. Source text: `streams.py` compiles it, names in capitals are fixed then.

A warp's ring holds x and the gates of the pixels that its threads are at, and of those they will be at in some turns.
h takes the place of x and leaves from there; from step to step it goes through registers, one shuffle a pixel.
"""

from spnkit.backends.cuda.block import EIGHT, LEAVING, await_warps, chunks_of, depart, enter, tell
from spnkit.backends.cuda.isa import (
    await_pieces,
    commit_pieces,
    copy_passing,
    copy_piece,
    fetch,
    fetch_four,
    fetch_two,
    leave,
    leave_two,
    meet,
    publish,
    shuffled,
    write_piece,
)
from spnkit.backends.cuda.machine import cuda, short, types
from spnkit.backends.cuda.warp import (
    AHEAD,
    DELAY,
    HORIZONTAL,
    LAG,
    LAYER,
    PIECES,
    RING,
    ROW,
    SETS,
    SIDE_BY_SIDE,
    STEPS,
    TURNS,
    UNDERWAY,
    UNIT,
    around,
    delayed,
    further,
    known,
    offset_of,
    onward,
    scan_of,
    spot_of,
    walk_from,
)
from spnkit.normalization import normalized
from spnkit.recurrence import propagated
from spnkit.scalars import where

CONNECTIONS, RULE, ANCHORED = 3, 1, True
STORED = types.float32
PASSING = False  # whether gates leave the L2 cache first


def side(shape, order, x, gates, y, lengths, policy):
    """Scan along one axis; see `sides.streams`."""
    shared = cuda.shared.array(0, types.float32)
    scan = scan_of(shape, order, lengths)
    rooms, part = enter(shared, scan)
    stream(rooms, part, scan, x, gates, y, policy)
    depart(rooms, part)


def stream(rooms, part, scan, x, gates, y, policy):
    """All tiles of a warp, chunk by chunk."""
    inputs, outputs, thread = (x, gates, gates), (y, y, y), part.thread
    ask, after, slot = walk_from(0, 0, inputs, thread, scan), walk_from(1, DELAY, inputs, thread, scan), short(0)
    for _ in range(UNDERWAY + 1):
        request(rooms, ask, after, slot, part, scan, x, gates, policy)
        ask, after = onward(0, ask, inputs, thread, scan), onward(1, after, inputs, thread, scan)
        slot = around(slot)
    put, last = walk_from(0, LEAVING, outputs, thread, scan), walk_from(1, LEAVING + DELAY, outputs, thread, scan)
    head, zero = walk_from(0, 0, outputs, thread, scan), types.float32(0)
    here, own, done, total = part.slot, (zero, zero, zero), short(0), chunks_of(scan)
    while done < total:
        await_pieces(UNDERWAY)
        await_warps(rooms, head, done, scan)
        meet()
        own = advance(rooms, part, head, here, scan, own)
        meet()
        done = short(done + 1)
        if part.last:
            publish(rooms.count, done)
        head, here = onward(0, head, outputs, thread, scan), around(here)
        write(rooms, put, last, slot, part, scan, y)
        request(rooms, ask, after, slot, part, scan, x, gates, policy)
        ask, after = onward(0, ask, inputs, thread, scan), onward(1, after, inputs, thread, scan)
        put, last = onward(0, put, outputs, thread, scan), onward(1, last, outputs, thread, scan)
        slot = around(slot)
    await_pieces(0)


def request(rooms, ask, after, slot, part, scan, x, gates, policy):
    """Send for x and the gates of a chunk."""
    request_set(0, rooms, ask, slot, part, scan, x, gates, policy)
    if SETS > 1:
        request_set(1, rooms, after, delayed(slot), part, scan, x, gates, policy)
    commit_pieces()


def request_set(which, rooms, ask, slot, part, scan, x, gates, policy):
    """Those of one set."""
    to = short(rooms.ring + spot_of(which, slot, ask, part.thread, scan))
    at, other = ask.one + offset_of(x, ask, scan), ask.other + offset_of(gates, ask, scan)
    for i in range(PIECES):
        there = known(i, ask, part.thread, scan)
        piece = i * (STEPS // SIDE_BY_SIDE) * (UNIT if HORIZONTAL else ROW)
        copy_piece(to, piece, at + further(i, x, scan), there, AHEAD)
        for o in range(CONNECTIONS):
            gate = other + further(i, gates, scan) + o * gates.k
            if PASSING and which == SETS - 1:  # all of a line has been asked for
                copy_passing(to, piece + LAYER * (1 + o), gate, there, policy, AHEAD)
            else:
                copy_piece(to, piece + LAYER * (1 + o), gate, there, AHEAD)


def write(rooms, put, last, slot, part, scan, y):
    """Write h of the pixels in whose place the next will be asked for."""
    write_set(0, rooms, put, slot, part, scan, y)
    if SETS > 1:
        write_set(1, rooms, last, delayed(slot), part, scan, y)


def write_set(which, rooms, put, slot, part, scan, y):
    """Those of one set."""
    spot = short(rooms.ring + spot_of(which, slot, put, part.thread, scan))
    to = put.one + offset_of(y, put, scan)
    for i in range(PIECES):
        if known(i, put, part.thread, scan):
            write_piece(spot, i * (STEPS // SIDE_BY_SIDE) * (UNIT if HORIZONTAL else ROW), to + further(i, y, scan))


def advance(rooms, part, head, here, scan, own):
    """The turns of a chunk."""
    alone, first = part.first & (head.tile == 0), short(0)
    while True:
        own = eight_turns(rooms, part, short(head.k + first), short(here + first), alone, scan, own)
        first = short(first + EIGHT)
        if first >= TURNS:
            return own


def eight_turns(rooms, part, k, here, alone, scan, own):
    """Thread 0 is at lane `k` of a tile, and this thread's pixel at slot `here`."""
    here = short(here - RING) if here >= RING else here
    at, left = short(rooms.ring + short(here * UNIT) + short(part.thread * ROW)), short(RING - here)
    back = short(at - RING * UNIT)
    top, bottom = (part.top_turn if k == part.top else short(0)), (part.bottom_turn if k == part.bottom else short(0))
    top, bottom = short(255 if alone else top), short(255 if alone else bottom)
    heard = short(rooms.heard + 4 * k)
    near, far, end = fetch_four(heard, 0), fetch_four(heard, 16), fetch(heard, 32, types.float32)
    own = (own[0], where(part.first, near[0], own[1]), own[2])
    a, b = two_pixels(at, back, left, 0), two_pixels(at, back, left, 2)
    c, d = two_pixels(at, back, left, 4), two_pixels(at, back, left, 6)
    own, h_a = two_turns(a, near[0], near[1], near[2], top, bottom, 0, alone, part, own)
    leave_h(at, back, left, 0, h_a)
    own, h_b = two_turns(b, near[2], near[3], far[0], top, bottom, 2, alone, part, own)
    leave_h(at, back, left, 2, h_b)
    own, h_c = two_turns(c, far[0], far[1], far[2], top, bottom, 4, alone, part, own)
    leave_h(at, back, left, 4, h_c)
    own, h_d = two_turns(d, far[2], far[3], end, top, bottom, 6, alone, part, own)
    leave_h(at, back, left, 6, h_d)
    if part.last:
        tell(rooms, short(k - LAG * (STEPS - 1)), scan, h_a, h_b, h_c, h_d)
    return own


def two_pixels(at, back, left, u):
    """x and the gates of this thread's pixels in turns u and u + 1; in the ring, its end comes after `left` lanes."""
    here = at if u < left else back
    if LAG == 2 and not HORIZONTAL:
        return two_of_row(here, u * UNIT)
    there = here if LAG == 2 else (at if u + 1 < left else back)
    return (pixel(here, u * UNIT), pixel(there, (u + 1) * UNIT))


def pixel(at, offset):
    """x and the gates of one."""
    x, g = fetch(at, offset, STORED), fetch(at, offset + LAYER, STORED)
    if CONNECTIONS == 1:
        return (x, (g,))
    return (x, (g, fetch(at, offset + 2 * LAYER, STORED), fetch(at, offset + 3 * LAYER, STORED)))


def two_of_row(at, offset):
    """Two that lie side by side."""
    x, g = fetch_two(at, offset, STORED), fetch_two(at, offset + LAYER, STORED)
    if CONNECTIONS == 1:
        return ((x[0], (g[0],)), (x[1], (g[1],)))
    e, f = fetch_two(at, offset + 2 * LAYER, STORED), fetch_two(at, offset + 3 * LAYER, STORED)
    return ((x[0], (g[0], e[0], f[0])), (x[1], (g[1], e[1], f[1])))


def two_turns(pixels, before, between, after, top, bottom, u, alone, part, own):
    """Turns u and u + 1 of eight; the line before has these at the first thread's lane, and at the next ones."""
    one, two = (before, between) if CONNECTIONS == 1 else (between, after)
    own, h = turn(pixels[0], one, top & (1 << u) != 0, bottom & (1 << u) != 0, alone, part, own)
    own, then = turn(pixels[1], two, top & (2 << u) != 0, bottom & (2 << u) != 0, alone, part, own)
    return own, (h, then)


def turn(pixel, heard, top, bottom, alone, part, own):
    """One pixel; `own` is h of the step before, at the lane before and at this one, and what this thread did last.

    Where a neighbour is missing stands what makes its weight count for nothing.
    """
    x, p = pixel[0], normalized(pixel[1], RULE)
    anchor = x if ANCHORED else types.float32(0)
    new = where(part.first, heard, shuffled(own[2], part.source))
    if CONNECTIONS == 1:
        h = propagated(x, p, (where(alone, anchor, new),), anchor)
    else:
        u = (where(top, anchor, own[0]), where(alone, anchor, own[1]), where(bottom, anchor, new))
        h = propagated(x, p, u, anchor)
    return (own[1], new, h), h


def leave_h(at, back, left, u, h):
    """Put h of two turns in the place of x."""
    here = at if u < left else back
    if LAG == 2 and not HORIZONTAL:
        leave_two(here, u * UNIT, h[0], h[1], STORED)
    else:
        there = here if LAG == 2 else (at if u + 1 < left else back)
        leave(here, u * UNIT, h[0], STORED)
        leave(there, (u + 1) * UNIT, h[1], STORED)
