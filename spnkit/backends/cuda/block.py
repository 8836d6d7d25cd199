"""How the warps of a block work together: rooms in shared memory, lines from tile to tile, and who waits for whom.

The last thread of a warp puts what moves on into a line of shared memory, one value a lane, which the warp with the
next tile reads for its first thread; how far each warp is, a count tells. So a warp waits for what it needs and for
nothing else: no barrier holds a block together. Source text: `streams.py` compiles it.
"""

from collections import namedtuple

from spnkit.backends.cuda.isa import base_of, leave, leave_two, publish, published
from spnkit.backends.cuda.machine import cuda, opaque, short, types
from spnkit.backends.cuda.warp import (
    LAG,
    RING,
    STEPS,
    TURNS,
    WARPS,
    backwards,
    thread_of_warp,
    tiles_of_warp,
    warp_of_block,
)

ROOM = 32768  # bytes of a ring
EIGHT = 8  # turns whose instructions are mixed
WITHIN = 9  # chunks that a tile is behind the one before
SPARE = 6  # chunks that the tile after may be behind its turn before its line is written over
LEAVING = 32  # lanes that what leaves is behind thread 0 at first
DRAIN = 8  # chunks until the last thread has done its last lane, and all is written
FOREVER = 1 << 30

# 32-bit addresses in shared memory: a warp's ring and line, the line of the tile before, the counts of this warp and of
# those with the tiles before and after, and how far these have to be ahead of its own, and may be behind.
Rooms = namedtuple("Rooms", "ring line heard count before after ahead behind")
# A thread: its number in the warp; the slot of its first lane; whether it has the first or the last step of a tile; the
# thread with the step before; at which lanes of thread 0 it meets the first and the last of its own, and in which turn.
Part = namedtuple("Part", "thread slot first last source top top_turn bottom bottom_turn")


def enter(shared, scan):
    """Rooms and part of a thread; all warps know that no tile has begun."""
    rooms, part = rooms_of(shared, scan), part_of(scan)
    if part.first:
        publish(rooms.count, short(0))
    cuda.syncthreads()
    return rooms, part


def depart(rooms, part):
    """Keep no warp waiting."""
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
    """At which lane of thread 0, a multiple of eight, a thread meets a lane within eight turns, and the turn's bit."""
    turn = short((lane + behind) & (EIGHT - 1))
    begin = short(lane + behind - turn)
    return short(begin - scan.length if begin >= scan.length else begin), short(1) << turn


def chunks_of(scan):
    """How many chunks a warp goes through until all of its tiles are written."""
    tiles = tiles_of_warp(scan)
    return short(tiles * short(scan.length // TURNS) + DRAIN if tiles > 0 else 0)


def await_warps(rooms, head, done, scan):
    """Wait until the tile before is far enough ahead, and nobody needs this warp's line as it is."""
    needs = short(done + rooms.ahead) if (head.tile > 0) & (head.n < scan.samples) else short(0)
    leaves = short(done - rooms.behind)
    while together((published(rooms.before) < needs) | (published(rooms.after) < leaves)):
        pass


def together(condition):
    """Whether it holds for any thread of the warp: so the compiler knows that the answer is the same for all."""
    return cuda.any_sync(0xFFFFFFFF, condition) != 0


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
