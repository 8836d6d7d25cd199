"""The way back of the CPU kernels: gradients from the last row to the first. Source text: `cpu.py` compiles it."""

from collections import namedtuple

import numpy as np
from numba import prange

from spnkit.backends.kernels import (
    ask_each,
    bounded,
    connections,
    further_on,
    gates_near,
    hidden,
    neighbours_at,
    pixel,
    pixels_in,
    scan,
)
from spnkit.backends.planes import (
    NOWHERE,
    SCRATCH,
    STREAMS,
    THREADS,
    UNITS,
    Gates,
    array_of,
    bring,
    channels_share,
    clear,
    codes_of,
    directed,
    entered,
    hidden_rows,
    left,
    nearby,
    pixel_bytes,
    registers_in,
    room_in,
    shape_of,
    size_of,
    turns,
    unit_of,
)
from spnkit.backends.simd import bytes_like, filled, load, load_some, splat, store_some
from spnkit.backends.tiles import Layers, Part, Size, copy, later, rows_of
from spnkit.integration import Integration, share
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, sent, weight_gradients

# Rows that one step back reads and writes.
Back = namedtuple("Back", "grad won arriving sending x gates before dx dgates")

CHANNELS_LAST = False
ZERO = np.float32(0)
LANES = 8  # as in planes.py, as all names in capitals fixed when a kernel is compiled
PAIR = 32  # as in kernels.py
CONNECTIONS = 3
RULE = 1  # of Normalization
INTEGRATION = 1  # of Integration


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
        first = thread * groups // threads * together
        for unit in range(first, (thread + 1) * groups // threads * together):
            backward_unit(unit, unit == first, call, scratch, like)


def backward_unit(number, first, call, scratch, like):
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
        kept = size.steps if dgates.at else min(PAIR, size.steps)
        near = gates_near(room, d, size, unit, channels_share(gates, shape), first, kept, like)
        if dgates.at:
            scan(d, 0, codes[d], size, unit, x_rows, gates, near, room.h, size.steps, NOWHERE, NOWHERE, like)
        go_back(d, codes, size, unit, call[STREAMS], grad_rows, won, x_rows, gates, near, room, total, dgates, like)
        left(dx_rows, total, size, leaves, like)


def go_back(d, codes, size, unit, streams, grad, won, x, gates, gates_room, room, dx, dgates, like):
    """The adjoint of one scan, whose h and gates are in scratch where gradients at gates are wanted."""
    code, steps, wanted = codes[d], size.steps, dgates.at != 0
    grad, won = directed(grad, code, steps), directed(won, code, steps)
    x, dx = directed(x, code, steps), directed(dx, code, steps)
    source = Gates(directed(rows_of(gates, unit.n, d, unit.c, code), code, steps), gates.k)
    into = Gates(directed(rows_of(dgates, unit.n, d, unit.c, code), code, steps), dgates.k)
    adds = dgates.c == 0 and unit.c > 0
    h, q = hidden_rows(room.h, size, like), hidden_rows(room.q, size, like)
    clear(q, 2 * CONNECTIONS, like)
    for begin in range((steps - 1) // PAIR * PAIR, -1, -PAIR):
        tile, whole = Size(min(PAIR, steps - begin), size.lanes), Part(0, size.lanes)
        near = nearby(source, gates_room.at, begin % gates_room.kept, begin, gates_room.kept, size, like)
        out = nearby(into, room.dgates, 0, begin, PAIR, size, like)
        if not wanted:
            bring(source, near, CONNECTIONS, begin, tile, whole, True, like)
        if adds:
            bring(into, out, CONNECTIONS, begin, tile, whole, True, like)
        for t in range(begin + tile.steps - 1, begin - 1, -1):
            g, dg = Gates(later(near.rows, t - begin), near.gap), Gates(later(out.rows, t - begin), out.gap)
            arriving, sending = later(q, (t + 1) % 2 * CONNECTIONS), later(q, t % 2 * CONNECTIONS)
            step = Back(
                later(grad, t), later(won, t), arriving, sending, later(x, t), g, later(h, t - 1), later(dx, t), dg
            )
            adjoint_row(t, d, len(codes), step, wanted, adds, streams != 0, size.lanes, unit.depth, like)
        if out.rows.at != into.rows.at + begin * into.rows.step:
            layers = Layers(CONNECTIONS, into.gap, out.gap, -PAIR * into.rows.step, streams)
            copy(later(into.rows, begin), out.rows, tile, whole, layers, like)


def adjoint_row(t, d, total, step, wanted, adds, streams, lanes, depth, like):
    """One step back, through the row as `scan_row`."""
    last = registers_in(lanes) - 1
    first, way = (last, -1) if step.x.step > 0 else (0, 1)
    for i in range(last + 1):
        if CHANNELS_LAST:
            ask_each(further_on(step.gates, first, way, like), i)
        adjoint_register(first + i * way, t, d, total, step, wanted, adds, streams, lanes, depth, like)


def adjoint_register(number, t, d, total, step, wanted, adds, streams, lanes, depth, like):
    """One step back of a register full of pixels."""
    k, some = pixels_in(number, True, lanes, depth)
    own = load_some(pixel(step.grad, k, like), like, some)
    mine = own == own
    if step.won.at:
        byte = bytes_like(like)
        mine = load_some(pixel(step.won, k, byte), byte, some) == filled(d, byte)
    arrived = arrivals(hidden(step.arriving, k, like), step.arriving.step, like)
    a = gathered(share(own, mine, total, INTEGRATION), arrived)
    to, to_gates = pixel(step.dx, k, like), pixel(step.dgates.rows, k, like)
    if t == 0:
        leave(to, a, some, d > 0, False, like)
        if wanted:
            leave_each(to_gates, step.dgates.gap, nothing(a), some, adds, streams, like)
    else:
        gates = connections(pixel(step.gates.rows, k, like), step.gates.gap, some, like)
        x = load_some(pixel(step.x, k, like), like, some)
        weights = normalized(gates, RULE)
        p, neighbours = bounded(weights, neighbours_at(hidden(step.before, k, like), like), x, k, lanes)
        sends = sent(a, p)
        leave_each(hidden(step.sending, k, like), step.sending.step, sends, some, False, False, like)
        leave(to, input_gradient(a, sends), some, d > 0, False, like)
        if wanted:
            dg = gate_gradients(gates, weights, weight_gradients(a, neighbours, x), RULE)
            leave_each(to_gates, step.dgates.gap, dg, some, adds, streams, like)


def arrivals(at, gap, like):
    """What the pixels of the next step sent to a vector of pixels: gate 0 was sent up by the pixel below."""
    if CONNECTIONS == 1:
        return (load(at, like),)
    one = pixel_bytes(like)
    return (load(at + one, like), load(at + gap, like), load(at + 2 * gap - one, like))


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
