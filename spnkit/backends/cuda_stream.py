"""The forward pass as streams of warps. Source text: `cuda.py` compiles it, names in capitals are fixed then.

A warp's ring holds x and the gates of the pixels that its threads are at, and of those they will be at in AHEAD turns. h
takes the place of x and leaves from there. The last thread of a warp puts its h into a line of shared memory, one value a
lane, which the warp with the next tile reads for its first thread; how far each is, a count tells. So a warp waits for
what it needs and for nothing else: no barrier holds a block together.
"""

from collections import namedtuple

from spnkit.backends.cuda_isa import (
    await_pieces,
    base_of,
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
    published,
    shuffled,
    write_piece,
)
from spnkit.backends.cuda_machine import cuda, opaque, short, types
from spnkit.backends.cuda_warp import (
    DELAY,
    HORIZONTAL,
    LAG,
    LAYER,
    RING,
    ROW,
    SETS,
    SIDE_BY_SIDE,
    STEPS,
    TURNS,
    UNIT,
    WARPS,
    around,
    backwards,
    delayed,
    further,
    known,
    offset_of,
    onward,
    scan_of,
    spot_of,
    thread_of_warp,
    tiles_of_warp,
    walk_from,
    warp_of_block,
)
from spnkit.normalization import normalized
from spnkit.recurrence import propagated
from spnkit.scalars import where

CONNECTIONS, RULE, ANCHORED = 3, 1, True
STORED = types.float32
PASSING = False  # whether gates leave the L2 cache first
ROOM = 32768  # bytes of a ring
PIECES = 1  # of a thread in a set
UNDERWAY = 3  # chunks that may be on their way
EIGHT = 8  # turns whose instructions are mixed
WITHIN = 9  # chunks that a tile is behind the one before
SPARE = 5  # chunks that the tile after may be behind its turn before its line is written over
LEAVING = 32  # lanes that what leaves is behind thread 0 at first
DRAIN = 8  # chunks until the last thread has done its last lane, and all is written
FOREVER = 1 << 30

# 32-bit addresses in shared memory: a warp's ring and line, the line of the tile before, the counts of this warp and of
# those with the tiles before and after, and how far these have to be ahead of its own, and may be behind.
Rooms = namedtuple("Rooms", "ring line heard count before after ahead behind")
# A thread: its number in the warp; whether it has the first or the last step of a tile; the thread with the step before;
# at which lanes of thread 0 it meets the first and the last of its own within eight turns, and a bit for the turn.
Part = namedtuple("Part", "thread slot first last source top top_turn bottom bottom_turn")


def side(shape, order, x, gates, y, lengths, policy):
    """Scan along one axis; see `cuda_sides.streams`."""
    shared = cuda.shared.array(0, types.float32)
    scan = scan_of(shape, order, lengths)
    rooms, part = rooms_of(shared, scan), part_of(scan)
    if part.first:
        publish(rooms.count, short(0))
    cuda.syncthreads()
    stream(rooms, part, scan, x, gates, y, policy)
    if part.last:
        publish(rooms.count, short(FOREVER))


def rooms_of(shared, scan):
    """Rings, lines and counts of all warps follow one another."""
    base, warp, chunks = base_of(shared), warp_of_block(), short(scan.length // TURNS)
    lines, size = short(base + WARPS * ROOM), short(4 * scan.length + 64)
    counts = short(lines + WARPS * size)
    before, after = short((warp if warp > 0 else WARPS) - 1), short(warp + 1 if warp < WARPS - 1 else 0)
    return Rooms(
        short(base + warp * ROOM),
        short(lines + warp * size),
        short(lines + before * size),
        short(counts + 4 * warp),
        short(counts + 4 * before),
        short(counts + 4 * after),
        opaque(short(WITHIN - (0 if warp > 0 else chunks))),
        opaque(short(SPARE + (chunks if warp < WARPS - 1 else 0))),
    )


def part_of(scan):
    """What this thread does of a tile."""
    thread = thread_of_warp()
    step = short(STEPS - 1 - thread if backwards(scan) else thread)
    source = short((thread + 1 if backwards(scan) else thread - 1) & (STEPS - 1))
    behind = short(LAG * step)
    top, bottom = met(short(0), behind, scan), met(short(scan.lanes - 1), behind, scan)
    slot = short(RING - behind if behind > 0 else 0)
    return Part(thread, slot, step == 0, step == STEPS - 1, source, *top, *bottom)


def met(lane, behind, scan):
    """At which lane of thread 0, a multiple of eight, a thread will meet a lane within eight turns, and the turn's bit."""
    turn = short((lane + behind) & (EIGHT - 1))
    begin = short(lane + behind - turn)
    return short(begin - scan.length if begin >= scan.length else begin), short(1) << turn


def stream(rooms, part, scan, x, gates, y, policy):
    """All tiles of a warp, chunk by chunk."""
    tiles, chunks, thread = tiles_of_warp(scan), short(scan.length // TURNS), part.thread
    ask, after = walk_from(0, 0, x, gates, thread, scan), walk_from(1, DELAY, x, gates, thread, scan)
    slot = short(0)
    for _ in range(UNDERWAY + 1):
        request(rooms, ask, after, slot, part, scan, x, gates, policy)
        slot = around(slot)
        ask, after = onward(0, ask, x, gates, thread, scan), onward(1, after, x, gates, thread, scan)
    put, last = walk_from(0, LEAVING, y, y, thread, scan), walk_from(1, LEAVING + DELAY, y, y, thread, scan)
    head, zero = walk_from(0, 0, y, y, thread, scan), types.float32(0)
    here, own = part.slot, (zero, zero, zero)
    total = short(tiles * chunks + DRAIN if tiles > 0 else 0)
    done = short(0)
    while done < total:
        await_pieces(UNDERWAY)
        await_warps(rooms, head, done, scan)
        meet()
        own = advance(rooms, part, head, here, scan, own)
        meet()
        done = short(done + 1)
        if part.last:
            publish(rooms.count, done)
        head, here = onward(0, head, y, y, thread, scan), around(here)
        write(rooms, put, last, slot, part, scan, y)
        request(rooms, ask, after, slot, part, scan, x, gates, policy)
        slot = around(slot)
        ask, after = onward(0, ask, x, gates, thread, scan), onward(1, after, x, gates, thread, scan)
        put, last = onward(0, put, y, y, thread, scan), onward(1, last, y, y, thread, scan)
    await_pieces(0)


def await_warps(rooms, head, done, scan):
    """Wait until the tile before is far enough ahead, and the line that it read of this warp's last tile is done with."""
    needs = short(done + rooms.ahead) if (head.tile > 0) & (head.n < scan.samples) else short(0)
    leaves = short(done - rooms.behind)
    while together((published(rooms.before) < needs) | (published(rooms.after) < leaves)):
        pass


def together(condition):
    """Whether it holds for any thread of the warp: so the compiler knows that the answer is the same for all."""
    return cuda.any_sync(0xFFFFFFFF, condition) != 0


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
        copy_piece(to, piece, at + further(i, x, scan), there)
        for o in range(CONNECTIONS):
            gate = other + further(i, gates, scan) + o * gates.k
            if PASSING and which == SETS - 1:  # all of a line has been asked for
                copy_passing(to, piece + LAYER * (1 + o), gate, there, policy)
            else:
                copy_piece(to, piece + LAYER * (1 + o), gate, there)


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


def tell(rooms, k, scan, h_a, h_b, h_c, h_d):
    """Put the last thread's h of eight turns from lane `k` on into its line, whose end may come within them."""
    at = short(rooms.line + 4 * short(k if k >= 0 else k + scan.length))
    over = short(at - 4 * scan.length) if (k == LAG - EIGHT) | (k + EIGHT - LAG == scan.length) else at
    if LAG == 2:
        leave_two(at, 0, h_a[0], h_a[1], types.float32)
        leave_two(at, 8, h_b[0], h_b[1], types.float32)
        leave_two(at, 16, h_c[0], h_c[1], types.float32)
        leave_two(over, 24, h_d[0], h_d[1], types.float32)
    else:
        for i in range(2):
            leave(at, 4 * i, h_a[i], types.float32)
            leave(at, 8 + 4 * i, h_b[i], types.float32)
            leave(at, 16 + 4 * i, h_c[i], types.float32)
            leave(at if i == 0 else over, 24 + 4 * i, h_d[i], types.float32)
