"""The CPU kernels: planes, directions, rows. Source text: `cpu.py` compiles it.

A scan goes row by row; the pixels of a row do not depend on each other and fill vector registers. Rows of
the image serve a vertical scan as they lie in memory; for a horizontal one `tiles.py` transposes them on the
way in and out, and from there on every direction runs the same code. Where channels are innermost
(CHANNELS_LAST), a register holds channels of one pixel, and nothing is transposed at all. Names in
capitals are fixed when a kernel is compiled.
"""

import numpy as np
from numba import prange

from spnkit.backends.planes import (
    NOWHERE,
    SCRATCH,
    STREAMS,
    THREADS,
    UNITS,
    Gates,
    array_of,
    brought,
    brought_if,
    clear,
    codes_of,
    directed,
    entered,
    hidden_rows,
    in_place,
    left,
    pixel_bytes,
    room_in,
    scratch_gates,
    shape_of,
    size_of,
    soon,
    turns,
    unit_of,
)
from spnkit.backends.simd import ask, bytes_like, filled, load, load_some, splat, store, store_some, where, with_lane_of
from spnkit.backends.tiles import Layers, Size, copy, later, rows_of
from spnkit.integration import Integration, integrated, share, wins
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, propagated, sent, weight_gradients

ZERO = np.float32(0)
LANES = 8  # as in planes.py
TILE = 16  # as in planes.py
CHANNELS_LAST = False  # as in planes.py
CONNECTIONS = 3
RULE = 1  # of Normalization
INTEGRATION = 1  # of Integration
ANCHORED = True  # see Plan


def forward(call):
    """All planes; `call` is what `cpu.Call` packs."""
    like = splat(ZERO, LANES)
    units, threads = call[UNITS], call[THREADS]
    for thread in prange(threads):
        scratch = np.empty(call[SCRATCH], np.uint8)  # passed on as an array: Numba frees what is only an address
        for unit in range(thread * units // threads, (thread + 1) * units // threads):
            forward_unit(unit, call, scratch, like)


def forward_unit(number, call, scratch, like):
    """Scan one plane in every direction and integrate."""
    shape, room, codes = shape_of(call), room_in(scratch, call), codes_of(call)
    x, gates, y, winner = array_of(call, 0), array_of(call, 1), array_of(call, 2), array_of(call, 3)
    unit, byte = unit_of(number, shape), bytes_like(like)
    for d in range(len(codes)):
        order = d if Integration.none != INTEGRATION else 0
        size, enters = size_of(codes[d], shape), d == 0 or turns(codes, d - 1)
        begins, leaves = enters or order == 0, order == 0 or turns(codes, d)
        x_rows = entered(rows_of(x, unit.n, d, unit.c, codes[d]), room.x, size, enters, like)
        y_rows = rows_of(y, unit.n, d, unit.c, codes[d])
        winner_rows = rows_of(winner, unit.n, d, unit.c, codes[d])
        best = entered(y_rows, room.y, size, begins and order > 0, like)
        won = entered(winner_rows, room.winner, size, begins and order > 0, byte)
        scan(d, order, codes[d], size, unit, x_rows, gates, room, TILE, 2, best, won, like)
        left(y_rows, best, size, leaves, like)
        left(winner_rows, won, size, leaves, byte)


def scan(d, order, code, size, unit, x, gates, room, kept, hidden, best, won, like):
    """Scan a plane in one direction and integrate, where there is a map to integrate into.

    Of h, `hidden` rows stay in scratch, and of gates that had to be brought there, `kept`.
    """
    x, best, won = directed(x, code, size.steps), directed(best, code, size.steps), directed(won, code, size.steps)
    source = Gates(directed(rows_of(gates, unit.n, d, unit.c, code), code, size.steps), gates.k)
    h = hidden_rows(room.h, size, like)
    for begin in range(0, size.steps, TILE):
        tile = Size(min(TILE, size.steps - begin), size.lanes)
        near = brought(source, CONNECTIONS, room.gates, begin % kept, begin, tile, kept, size, like)
        ahead = soon(source, begin, size, like)
        for t in range(begin, begin + tile.steps):
            g = Gates(later(near.rows, t - begin), near.gap)
            before, to = later(h, (t + hidden - 1) % hidden), later(h, t % hidden)
            further = ahead - 2 * (t - begin) * source.rows.step if ahead else 0
            own_x, own_best, own_won = later(x, t), later(best, t), later(won, t)
            scan_row(t, order, own_x, g, before, to, own_best, own_won, size.lanes, unit.depth, further, like)


def scan_row(t, order, x, gates, before, h, best, won, lanes, depth, ahead, like):
    """One step of a scan: `before` and `h` are rows of scratch."""
    for k in range(0, lanes, 1 if CHANNELS_LAST else LANES):
        some = depth if CHANNELS_LAST else lanes - k
        own = load_some(x.at + k * x.lane, like, some)
        new = own
        if t > 0:
            at = gates.rows.at + k * gates.rows.lane
            if ahead:
                for o in range(CONNECTIONS):
                    ask(at + o * gates.gap + ahead)
            p = normalized(connections(at, gates.gap, some, like), RULE)
            neighbours = neighbours_at(before.at + k * before.lane, like)
            p, neighbours = bounded(p, neighbours, own, k, lanes)
            new = propagated(own, p, neighbours, own if ANCHORED else filled(0, own))
        store(h.at + k * h.lane, new)
        if best.at:
            fold(best.at + k * best.lane, won.at + k * won.lane if won.at else 0, new, order, some, like)


def connections(at, gap, some, like):
    """What lies at `at` for each connection of a vector of pixels, of which `some` are there."""
    if CONNECTIONS == 1:
        return (load_some(at, like, some),)
    return (load_some(at, like, some), load_some(at + gap, like, some), load_some(at + 2 * gap, like, some))


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


def backward(call):
    """Gradients of all planes."""
    like = splat(ZERO, LANES)
    units, threads = call[UNITS], call[THREADS]
    shape, dgates = shape_of(call), array_of(call, 5)
    # Channels that share their gates add to one gradient: they stay on one thread, in order.
    together = shape.c if dgates.at and not dgates.c else 1
    groups = units // together
    for thread in prange(threads):
        scratch = np.empty(call[SCRATCH], np.uint8)
        for group in range(thread * groups // threads, (thread + 1) * groups // threads):
            for unit in range(group * together, (group + 1) * together):
                backward_unit(unit, call, scratch, like)


def backward_unit(number, call, scratch, like):
    """Gradients of one plane: in every direction scan again, keeping h, then go back."""
    shape, room, codes = shape_of(call), room_in(scratch, call), codes_of(call)
    grad, winner, x = array_of(call, 0), array_of(call, 1), array_of(call, 2)
    gates, dx, dgates = array_of(call, 3), array_of(call, 4), array_of(call, 5)
    unit, byte = unit_of(number, shape), bytes_like(like)
    for d in range(len(codes)):
        size, enters, leaves = size_of(codes[d], shape), d == 0 or turns(codes, d - 1), turns(codes, d)
        fresh = enters or Integration.none == INTEGRATION
        x_rows = entered(rows_of(x, unit.n, d, unit.c, codes[d]), room.x, size, enters, like)
        grad_rows = entered(rows_of(grad, unit.n, d, unit.c, codes[d]), room.grad, size, fresh, like)
        won = entered(rows_of(winner, unit.n, d, unit.c, codes[d]), room.winner, size, enters, byte)
        dx_rows = rows_of(dx, unit.n, d, unit.c, codes[d])
        total = entered(dx_rows, room.y, size, enters and d > 0, like)
        if dgates.at:
            scan(d, 0, codes[d], size, unit, x_rows, gates, room, size.steps, size.steps, NOWHERE, NOWHERE, like)
        go_back(d, codes, size, unit, call[STREAMS], grad_rows, won, x_rows, gates, room, total, dgates, like)
        left(dx_rows, total, size, leaves, like)


def go_back(d, codes, size, unit, streams, grad, won, x, gates, room, dx, dgates, like):
    """The adjoint of one scan, whose h and gates are in scratch where gradients at gates are wanted."""
    code, steps, wanted = codes[d], size.steps, dgates.at != 0
    grad, won = directed(grad, code, steps), directed(won, code, steps)
    x, dx = directed(x, code, steps), directed(dx, code, steps)
    source = Gates(directed(rows_of(gates, unit.n, d, unit.c, code), code, steps), gates.k)
    into = Gates(directed(rows_of(dgates, unit.n, d, unit.c, code), code, steps), dgates.k)
    adds = dgates.c == 0 and unit.c > 0
    h, q = hidden_rows(room.h, size, like), hidden_rows(room.q, size, like)
    clear(q, 2 * CONNECTIONS, like)
    for begin in range((steps - 1) // TILE * TILE, -1, -TILE):
        tile = Size(min(TILE, steps - begin), size.lanes)
        if wanted and not in_place(source.rows, like):
            kept = scratch_gates(room.gates, steps, size, like)
            near = Gates(later(kept.rows, begin), kept.gap)
        else:
            near = brought(source, CONNECTIONS, room.gates, 0, begin, tile, TILE, size, like)
        out = brought_if(adds, into, CONNECTIONS, room.dgates, begin, tile, size, like)
        for t in range(begin + tile.steps - 1, begin - 1, -1):
            g, dg = Gates(later(near.rows, t - begin), near.gap), Gates(later(out.rows, t - begin), out.gap)
            arriving, sending = later(q, (t + 1) % 2 * CONNECTIONS), later(q, t % 2 * CONNECTIONS)
            own_grad, own_won, own_x, own_dx = later(grad, t), later(won, t), later(x, t), later(dx, t)
            adjoint_row(
                t, d, len(codes), own_grad, own_won, arriving, sending, own_x, g, later(h, t - 1), own_dx, dg, wanted,
                adds, streams != 0, size.lanes, unit.depth, like,
            )  # fmt: skip
        if out.rows.at != into.rows.at + begin * into.rows.step:
            layers = Layers(CONNECTIONS, into.gap, out.gap, -TILE * into.rows.step, streams)
            copy(later(into.rows, begin), out.rows, tile, layers, like)


def adjoint_row(
    t, d, total, grad, won, arriving, sending, x, gates, before, dx, dgates, wanted, adds, streams, lanes, depth, like
):
    """One step back: `arriving` and `sending` are rows of scratch for each connection, what pixels send to others."""
    byte = bytes_like(like)
    for k in range(0, lanes, 1 if CHANNELS_LAST else LANES):
        some = depth if CHANNELS_LAST else lanes - k
        own = load_some(grad.at + k * grad.lane, like, some)
        mine = own == own
        if won.at:
            mine = load_some(won.at + k * won.lane, byte, some) == filled(d, byte)
        arrived = arrivals(arriving.at + k * arriving.lane, arriving.step, like)
        a = gathered(share(own, mine, total, INTEGRATION), arrived)
        to, to_gates = dx.at + k * dx.lane, dgates.rows.at + k * dgates.rows.lane
        if t == 0:
            leave(to, a, some, d > 0, False, like)
            if wanted:
                leave_each(to_gates, dgates.gap, nothing(a), some, adds, streams, like)
        else:
            gate = connections(gates.rows.at + k * gates.rows.lane, gates.gap, some, like)
            pixel = load_some(x.at + k * x.lane, like, some)
            weights = normalized(gate, RULE)
            p, neighbours = bounded(weights, neighbours_at(before.at + k * before.lane, like), pixel, k, lanes)
            sends = sent(a, p)
            leave_each(sending.at + k * sending.lane, sending.step, sends, some, False, False, like)
            leave(to, input_gradient(a, sends), some, d > 0, False, like)
            if wanted:
                dp = weight_gradients(a, neighbours, pixel)
                dg = gate_gradients(gate, weights, dp, RULE)
                leave_each(to_gates, dgates.gap, dg, some, adds, streams, like)


def arrivals(at, gap, like):
    """What the pixels of the next step sent to a vector of pixels: gate 0 was sent up by the pixel below."""
    if CONNECTIONS == 1:
        return (load(at, like),)
    pixel = pixel_bytes(like)
    return (load(at + pixel, like), load(at + gap, like), load(at + 2 * gap - pixel, like))


def leave(at, value, some, adds, streams, like):
    """Write a vector of which `some` lanes are meant, added to what is there or past the caches."""
    if adds:
        value = value + load_some(at, like, some)
    store_some(at, value, some, streams)


def leave_each(at, gap, values, some, adds, streams, like):
    """`leave` for each connection."""
    for o in range(len(values)):
        leave(at + o * gap, values[o], some, adds, streams, like)


def nothing(like):
    """A zero for each connection."""
    zero = filled(0, like)
    if CONNECTIONS == 1:
        return (zero,)
    return (zero, zero, zero)
