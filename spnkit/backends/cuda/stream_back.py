"""The backward pass as streams of warps, built like the forward one. Source text: `streams.py` compiles it.

A stream walks the steps the other way. What moves from thread to thread is the sum of what a pixel is sent: by gate 0
from the lane after it, by gate 1 from its own, by gate 2 from the lane before. Beside x and the gates the ring holds
the gradient, who won, and h; of h a thread reads the step that is next for it, two lanes ahead. Gradients take the
places of what they are gradients of.
"""

from collections import namedtuple

from spnkit.backends.cuda.block import EIGHT, LEAVING, await_warps, chunks_of, depart, enter, tell
from spnkit.backends.cuda.isa import (
    await_pieces,
    commit_pieces,
    copy_piece,
    copy_word,
    fetch,
    fetch_byte,
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
    ITEM,
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
    VALUES,
    around,
    backwards,
    column_of,
    delayed,
    further,
    known,
    offset_of,
    onward,
    phase_of,
    piece_of,
    scan_of,
    spot_of,
    walk_from,
)
from spnkit.integration import Integration, share
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, sent, weight_gradients
from spnkit.scalars import where

RULE, INTEGRATION = 1, 1
STORED = types.float32
SOONER = 2  # chunks that may be on their way: h is needed two lanes ahead
GRAD, H, GATES = 1, 2, 3  # layers of the ring; x is the first, dx takes its place
WINNER = 768  # bytes from x to who won, and on to h of the tile after, where threads cannot read it
EDGE = 800


# Of two turns: where this thread's pixel is, h that is next for it, and who won; lanes until the ring's end.
Place = namedtuple("Place", "at past winner left")
# In which of eight turns a thread is at the first lane, the last, or a pixel without a past; whether none comes before.
Edges = namedtuple("Edges", "top bottom ends alone")


def back(shape, order, x, gates, grad, winner, h, dx, dgates, lengths):
    """All gradients of directions along one axis; see `sides.streams_back`."""
    shared = cuda.shared.array(0, types.float32)
    scan = scan_of(shape, order, lengths)
    rooms, part = enter(shared, scan)
    stream_back(rooms, part, scan, order.total, (x, gates, h), grad, winner, (dx, dgates, dgates))
    depart(rooms, part)


def stream_back(rooms, part, scan, total, inputs, grad, winner, outputs):
    """All tiles of a warp, chunk by chunk."""
    thread = part.thread
    ask, after, slot = walk_from(0, 0, inputs, thread, scan), walk_from(1, DELAY, inputs, thread, scan), short(0)
    for _ in range(UNDERWAY + 1):
        request_all(rooms, ask, after, slot, part, scan, inputs, grad, winner)
        ask, after = onward(0, ask, inputs, thread, scan), onward(1, after, inputs, thread, scan)
        slot = around(slot)
    put, last = walk_from(0, LEAVING, outputs, thread, scan), walk_from(1, LEAVING + DELAY, outputs, thread, scan)
    head, zero = walk_from(0, 0, outputs, thread, scan), types.float32(0)
    here, own, done, chunks = part.slot, (zero, zero, zero, zero, zero), short(0), chunks_of(scan)
    before = short(0)  # the tile before that of thread 0, where the last threads still are
    while done < chunks:
        await_pieces(SOONER)
        await_warps(rooms, head, done, scan)
        meet()
        own = retreat(rooms, part, head, before, here, scan, total, own)
        meet()
        done = short(done + 1)
        if part.last:
            publish(rooms.count, done)
        before = head.tile if head.k + TURNS >= scan.length else before
        head, here = onward(0, head, outputs, thread, scan), around(here)
        write_all(rooms, put, last, slot, part, scan, outputs)
        request_all(rooms, ask, after, slot, part, scan, inputs, grad, winner)
        ask, after = onward(0, ask, inputs, thread, scan), onward(1, after, inputs, thread, scan)
        put, last = onward(0, put, outputs, thread, scan), onward(1, last, outputs, thread, scan)
        slot = around(slot)
    await_pieces(0)


def request_all(rooms, ask, after, slot, part, scan, inputs, grad, winner):
    """Send for everything of a chunk."""
    request_set(0, rooms, ask, slot, part, scan, inputs, grad, winner)
    if SETS > 1:
        request_set(1, rooms, after, delayed(slot), part, scan, inputs, grad, winner)
    commit_pieces()


def request_set(which, rooms, ask, slot, part, scan, inputs, grad, winner):
    """All of one set; grad and winner lie as x does."""
    x, gates, h = inputs
    spot = spot_of(which, slot, ask, part.thread, scan)
    to, pixel = short(rooms.ring + spot), ask.one + offset_of(x, ask, scan)
    for i in range(PIECES):
        there, piece = known(i, ask, part.thread, scan), i * (STEPS // SIDE_BY_SIDE) * (UNIT if HORIZONTAL else ROW)
        at = pixel + further(i, x, scan)
        copy_piece(to, piece, at, there, AHEAD)
        copy_piece(to, piece + GRAD * LAYER, at - x.at + grad.at, there, AHEAD)
        if Integration.max == INTEGRATION:
            byte = short(rooms.ring + byte_of(which, spot, part, scan))
            copy_word(byte, piece if HORIZONTAL else piece // ITEM, winner.at + ((at - x.at) >> 2), there)
        other = ask.other + offset_of(gates, ask, scan) + further(i, gates, scan)
        for o in range(3):
            copy_piece(to, piece + (GATES + o) * LAYER, other + o * gates.k, there, AHEAD)
        past = ask.third + offset_of(h, ask, scan) + further(i, h, scan)
        request_past(which, rooms, ask, slot, to, piece, i, past, there, part, scan)


def byte_of(which, spot, part, scan):
    """Where in the ring a piece's bytes are, of a piece at a spot."""
    if HORIZONTAL:
        side = short(VALUES * (part.thread & (SIDE_BY_SIDE - 1)))
        return short(spot + WINNER - (ITEM - 1) * column_of(which, side, scan))
    return short(WINNER + (spot >> 2))


def request_past(which, rooms, ask, slot, to, piece, i, past, there, part, scan):
    """h of a set: vertically of the steps that are next; horizontally as x, and of the last step's next one value."""
    if not HORIZONTAL:
        copy_piece(
            to,
            piece + H * LAYER,
            past,
            there & (short(phase_of(ask) + i * (STEPS // SIDE_BY_SIDE) + 1) < ask.left),
            AHEAD,
        )
        return
    copy_piece(to, piece + H * LAYER, past, there, AHEAD)
    if which == SETS - 1 and part.thread & (SIDE_BY_SIDE - 1) == 0:
        step, _ = piece_of(which, part.thread, scan)
        columns = short(VALUES - 1 - STEPS + step if backwards(scan) else STEPS - step)
        lane = short(part.thread // SIDE_BY_SIDE) * UNIT + EDGE
        copy_word(
            short(rooms.ring + slot * UNIT + lane), piece, past + ITEM * columns, there & (ask.tile + 1 < scan.tiles)
        )


def write_all(rooms, put, last, slot, part, scan, outputs):
    """Write the gradients of the pixels in whose place the next will be asked for."""
    write_set(0, rooms, put, slot, part, scan, outputs)
    if SETS > 1:
        write_set(1, rooms, last, delayed(slot), part, scan, outputs)


def write_set(which, rooms, put, slot, part, scan, outputs):
    """Those of one set."""
    dx, dgates, _ = outputs
    spot = short(rooms.ring + spot_of(which, slot, put, part.thread, scan))
    pixel, gate = put.one + offset_of(dx, put, scan), put.other + offset_of(dgates, put, scan)
    for i in range(PIECES):
        if known(i, put, part.thread, scan):
            piece = i * (STEPS // SIDE_BY_SIDE) * (UNIT if HORIZONTAL else ROW)
            write_piece(spot, piece, pixel + further(i, dx, scan))
            for o in range(3):
                write_piece(spot, piece + (GATES + o) * LAYER, gate + further(i, dgates, scan) + o * dgates.k)


def retreat(rooms, part, head, before, here, scan, total, own):
    """The turns of a chunk."""
    # Beyond the last tile too: nobody has written what would be heard there, and a lane hears of the one after it.
    alone, first = part.first & ((head.tile == 0) | (head.n >= scan.samples)), short(0)
    while True:
        k = short(head.k + first)
        ends = ends_of(part, k, head.tile, before, scan)
        own = eight_turns(rooms, part, k, short(here + first), alone, ends, scan, total, own)
        first = short(first + EIGHT)
        if first >= TURNS:
            return own


def ends_of(part, k, tile, before, scan):
    """In which of eight turns this thread is at a pixel without a past, the scan's first step in time: a bit each."""
    step = short(STEPS - 1 - part.thread if backwards(scan) else part.thread)
    new = short(2 * step - k)  # turns until the thread is in this tile, not in the one before
    in_this = short(255 << (new if new > 0 else 0)) & 255 if new < EIGHT else short(0)
    final = scan.tiles - 1
    ends = short((in_this if tile == final else 0) | (255 - in_this if before == final else 0))
    return ends if step == (scan.steps - 1) & (STEPS - 1) else short(0)


def eight_turns(rooms, part, k, here, alone, ends, scan, total, own):
    """Thread 0 is at lane `k` of a tile, and this thread's pixel at slot `here`."""
    here = short(here - RING) if here >= RING else here
    place = place_in_ring(rooms, part, here, scan)
    edges = Edges(
        part.top_turn if k == part.top else short(0), part.bottom_turn if k == part.bottom else short(0), ends, alone
    )
    heard = short(rooms.heard + 4 * k)
    near, far = fetch_four(heard, 0), fetch_four(heard, 16)
    end = fetch(heard, 32, types.float32) if k + EIGHT < scan.length else types.float32(0)
    p, q, r = past_pair(place, 0), past_pair(place, 2), past_pair(place, 4)
    own, a = two_turns(place, near[1], near[2], edges, 0, part, scan, total, p, q[0], own)
    own, b = two_turns(place, near[3], far[0], edges, 2, part, scan, total, q, r[0], own)
    p, q = past_pair(place, 6), past_pair(place, 8)
    own, c = two_turns(place, far[1], far[2], edges, 4, part, scan, total, r, p[0], own)
    own, d = two_turns(place, far[3], end, edges, 6, part, scan, total, p, q[0], own)
    if part.last:
        tell(rooms, short(k - 2 * (STEPS - 1)), scan, a, b, c, d)
    return own


def place_in_ring(rooms, part, here, scan):
    """Where this thread's pixel at slot `here` is, h that is next for it, and who won."""
    row = short(rooms.ring + short(here * UNIT))
    at = short(row + short(part.thread * ROW))
    if HORIZONTAL:
        beside = short(at + H * LAYER + (-ITEM if backwards(scan) else ITEM))
        return Place(
            at, short(row + EDGE if part.last else beside), short(row + WINNER + part.thread), short(RING - here)
        )
    return Place(at, short(at + H * LAYER), short(rooms.ring + WINNER + part.thread * RING + here), short(RING - here))


def within(at, unit, u, place):
    """An address of turn u: beyond the ring's end it goes on at its begin."""
    return short(at if u < place.left else at - RING * unit)


def past_pair(place, u):
    """h that is next, at the lanes of turns u and u + 1."""
    return pair_of(within(place.past, UNIT, u, place), u * UNIT)


def pair_of(at, offset):
    """The values of a layer in two turns."""
    if HORIZONTAL:
        return (fetch(at, offset, STORED), fetch(at, offset + UNIT, STORED))
    return fetch_two(at, offset, STORED)


def two_turns(place, one, two, edges, u, part, scan, total, past, after, own):
    """Turns u and u + 1 of eight, and the sums that the tile before sent; `past` is h of both, `after` one more."""
    at = within(place.at, UNIT, u, place)
    x, grad = pair_of(at, u * UNIT), pair_of(at, u * UNIT + GRAD * LAYER)
    e, f = pair_of(at, u * UNIT + GATES * LAYER), pair_of(at, u * UNIT + (GATES + 1) * LAYER)
    g = pair_of(at, u * UNIT + (GATES + 2) * LAYER)
    grad = shares(grad, place, u, scan, total)
    before = own[4]
    own, a, s = turn(x[0], grad[0], (e[0], f[0], g[0]), one, (before, past[0], past[1]), edges, u, part, own)
    own, b, t = turn(x[1], grad[1], (e[1], f[1], g[1]), two, (past[0], past[1], after), edges, u + 1, part, own)
    leave_pair(at, u * UNIT, a[0], b[0])
    leave_pair(at, u * UNIT + GATES * LAYER, a[1], b[1])
    leave_pair(at, u * UNIT + (GATES + 1) * LAYER, a[2], b[2])
    leave_pair(at, u * UNIT + (GATES + 2) * LAYER, a[3], b[3])
    return (own[0], own[1], own[2], own[3], past[1]), (s, t)


def shares(grad, place, u, scan, total):
    """Of the gradients of two pixels, the share of this direction."""
    if Integration.max != INTEGRATION:
        return (share(grad[0], True, total, INTEGRATION), share(grad[1], True, total, INTEGRATION))
    unit = UNIT if HORIZONTAL else 1
    at = within(place.winner, unit, u, place)
    one, two = fetch_byte(at, u * unit) == scan.d, fetch_byte(at, (u + 1) * unit) == scan.d
    return (share(grad[0], one, total, INTEGRATION), share(grad[1], two, total, INTEGRATION))


def turn(x, grad, g, heard, past, edges, u, part, own):
    """One pixel; `own` is the sum that goes on, what gates 1 and 2 sent last and gate 2 before that, see `own` above.

    Returns what it leaves, the gradients at x and gates, and the sum.
    """
    zero, bit = types.float32(0), 1 << u
    first, last, end = edges.top & bit != 0, edges.bottom & bit != 0, edges.ends & bit != 0
    arrived = where(edges.alone, zero, where(part.first, heard, shuffled(own[0], part.source)))
    a, p = gathered(grad, (arrived,)), normalized(g, RULE)
    bounded = (where(first | end, zero, p[0]), where(end, zero, p[1]), where(last | end, zero, p[2]))
    q = sent(a, bounded)
    total = gathered(q[0], (own[1], own[3]))
    neighbours = (where(first, x, past[0]), past[1], where(last, x, past[2]))
    dg = gate_gradients(g, p, weight_gradients(a, neighbours, x), RULE)
    dg = (where(end, zero, dg[0]), where(end, zero, dg[1]), where(end, zero, dg[2]))
    return (total, q[1], q[2], where(first, zero, own[2]), own[4]), (input_gradient(a, q), *dg), total


def leave_pair(at, offset, one, two):
    """Put values of two turns into a layer."""
    if HORIZONTAL:
        leave(at, offset, one, STORED)
        leave(at, offset + UNIT, two, STORED)
    else:
        leave_two(at, offset, one, two, STORED)
