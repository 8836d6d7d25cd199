"""The way back of the CPU kernels: gradients from the last row to the first. Source text: `backend.py` compiles it."""

from collections import namedtuple

from spnkit.backends.cpu.atomics import taken
from spnkit.backends.cpu.kernels import (
    ask_each,
    bounded,
    connections,
    further_on,
    gates_near,
    hidden,
    neighbours_at,
    nothing,
    pixel,
    pixels_in,
    scan,
    winners_of,
)
from spnkit.backends.cpu.planes import (
    KEEP,
    MAPS,
    NEXT,
    NOWHERE,
    PARTS,
    STREAMS,
    UNITS,
    Gates,
    array_of,
    bring,
    clear,
    codes_of,
    directed,
    entered,
    hidden_rows,
    left,
    maps_of,
    nearby,
    pixel_bytes,
    registers_in,
    room_in,
    sample_of,
    shape_of,
    size_of,
    turns,
    unit_of,
)
from spnkit.backends.cpu.simd import Words, bytes_like, filled, load, load_some, store_some
from spnkit.backends.cpu.tiles import Layers, Part, Size, copy, later, rows_of
from spnkit.integration import Integration, share
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, sent, weight_gradients

# Rows that one step back reads and writes.
Back = namedtuple("Back", "grad won arriving sending x gates before dx dgates")

CHANNELS_LAST = False
SHARED = False
LANES = 8  # as in planes.py, as all names in capitals fixed when a kernel is compiled
PAIR = 32  # as in kernels.py
CONNECTIONS = 3
RULE = 1  # of Normalization
INTEGRATION = 1  # of Integration
WINNERS = True  # as in kernels.py


def backward(at, slot, like):
    """Gradients of parts until none is left, as `forward`."""
    call, sample = Words(at), -1
    part = taken(call, NEXT)
    while part < call[PARTS]:
        for unit in range(begin_of(part, call), begin_of(part + 1, call)):
            before, sample = sample, sample_of(unit, call)
            backward_unit(unit, sample != before, call, slot, like)
        part = taken(call, NEXT)


def begin_of(part, call):
    """The first unit of a part. Channels that share their gates add to one gradient for each part, in order and on one
    thread: the sum does not depend on the number of threads."""
    units, parts = call[UNITS], call[PARTS]
    return (part * units + parts - 1) // parts


def sum_of(number, unit, call):
    """Where among the gradients at gates those of a unit belong, and whether they add to what others have left."""
    if not SHARED:
        return unit.c, False
    part = number * call[PARTS] // call[UNITS]
    return part % (call[PARTS] // shape_of(call).n), begin_of(part, call) < number


def backward_unit(number, fresh, call, slot, like):
    """Gradients of the maps of a unit: in every direction scan again, keeping h, then go back."""
    shape, room, codes = shape_of(call), room_in(call, slot), codes_of(call)
    grad, winner, x = array_of(call, 0), array_of(call, 1), array_of(call, 2)
    gates, dx, dgates = array_of(call, 3), array_of(call, 4), array_of(call, 5)
    unit, byte = unit_of(number, shape, call[MAPS]), bytes_like(like)
    maps, sums = maps_of(unit), sum_of(number, unit, call)
    for d in range(codes.count):
        size, enters, leaves = size_of(codes.of[d], shape), d == 0 or turns(codes, d - 1), turns(codes, d)
        again = enters or Integration.none == INTEGRATION
        x_rows = entered(rows_of(x, unit.n, d, unit.c, codes.of[d]), room.x, size, maps, enters, like)
        grad_rows = entered(rows_of(grad, unit.n, d, unit.c, codes.of[d]), room.grad, size, maps, again, like)
        won = (
            entered(winners_of(winner, unit, d, codes.of[d]), room.winner, size, maps, enters, byte)
            if WINNERS
            else None
        )
        dx_rows = rows_of(dx, unit.n, d, unit.c, codes.of[d])
        total = entered(dx_rows, room.y, size, maps, enters and d > 0, like)
        kept = size.steps if shape.h * shape.w <= KEEP else PAIR
        near = gates_near(room, d, size, fresh, kept, like)
        if dgates.at:
            scan(
                d,
                0,
                codes.of[d],
                size,
                unit,
                x_rows,
                gates,
                near,
                room.h,
                size.steps,
                NOWHERE,
                NOWHERE if WINNERS else None,
                like,
            )
        back = rows_of(dgates, unit.n, d, sums[0], codes.of[d])
        into = Gates(directed(back, codes.of[d], size.steps), dgates.k)
        go_back(
            d, codes, size, unit, call[STREAMS], grad_rows, won, x_rows, gates, near, room, total, into, sums[1], like
        )
        left(dx_rows, total, size, maps, leaves, like)


def go_back(d, codes, size, unit, streams, grad, won, x, gates, gates_room, room, dx, into, adds, like):
    """The adjoint of one scan, whose h is in scratch where gradients at gates are wanted."""
    code, steps, wanted = codes.of[d], size.steps, into.rows.at != 0
    grad, won = directed(grad, code, steps), directed(won, code, steps) if WINNERS else None
    x, dx = directed(x, code, steps), directed(dx, code, steps)
    source = Gates(directed(rows_of(gates, unit.n, d, unit.c, code), code, steps), gates.k)
    h, q = hidden_rows(room.h, steps, size, like), hidden_rows(room.q, 2 * CONNECTIONS, size, like)
    clear(q, 2 * CONNECTIONS * maps_of(unit), like)
    missing = gates_room.fresh and (not wanted or gates_room.kept < steps)  # or else the scan has left them
    for begin in range((steps - 1) // PAIR * PAIR, -1, -PAIR):
        tile, whole = Size(min(PAIR, steps - begin), size.lanes), Part(0, size.lanes)
        near = nearby(source, gates_room.at, begin % gates_room.kept, begin, gates_room.kept, size, like)
        out = nearby(into, room.dgates, 0, begin, PAIR, size, like)
        if missing:
            bring(source, near, CONNECTIONS, begin, tile, whole, -2, like)
        if adds:
            bring(into, out, CONNECTIONS, begin, tile, whole, -2, like)
        for t in range(begin + tile.steps - 1, begin - 1, -1):
            g, dg = Gates(later(near.rows, t - begin), near.gap), Gates(later(out.rows, t - begin), out.gap)
            arriving, sending = later(q, (t + 1) % 2 * CONNECTIONS), later(q, t % 2 * CONNECTIONS)
            step = Back(
                later(grad, t),
                later(won, t) if WINNERS else None,
                arriving,
                sending,
                later(x, t),
                g,
                later(h, t - 1),
                later(dx, t),
                dg,
            )
            adjoint_row(t, d, codes.count, step, wanted, adds, streams != 0, size.lanes, unit, like)
        if out.rows.at != into.rows.at + begin * into.rows.step:
            layers = Layers(CONNECTIONS, into.gap, out.gap, -PAIR * into.rows.step, streams)
            copy(later(into.rows, begin), out.rows, tile, whole, layers, like)


def adjoint_row(t, d, total, step, wanted, adds, streams, lanes, unit, like):
    """One step back, through the row as `scan_row`."""
    last = registers_in(lanes) - 1
    first, way = (last, -1) if step.x.step > 0 else (0, 1)
    for i in range(last + 1):
        if CHANNELS_LAST:
            ask_each(further_on(step.gates, first, way, like), i)
        adjoint_register(first + i * way, t, d, total, step, wanted, adds, streams, lanes, unit, like)


def adjoint_register(number, t, d, total, step, wanted, adds, streams, lanes, unit, like):
    """One step back of a register full of pixels, of every map that has these gates: they add to one gradient."""
    k, some = pixels_in(number, True, lanes, unit)
    gates = connections(pixel(step.gates.rows, k, 0, like), step.gates.gap, some, like)
    weights, dp = normalized(gates, RULE), nothing(like)
    for m in range(maps_of(unit)):
        a, to = arrived(step, d, total, k, some, m, like), pixel(step.dx, k, m, like)
        if t == 0:
            leave(to, a, some, d > 0, False, like)
        else:
            x = load_some(pixel(step.x, k, m, like), like, some)
            p, neighbours = bounded(weights, neighbours_at(hidden(step.before, k, m, like), like), x, k, lanes)
            sends = sent(a, p)
            leave_each(hidden(step.sending, k, m, like), step.sending.step, sends, some, False, False, like)
            leave(to, input_gradient(a, sends), some, d > 0, False, like)
            here = weight_gradients(a, neighbours, x)
            dp = plus(dp, here) if SHARED else here
    if wanted:
        dg = nothing(like) if t == 0 else gate_gradients(gates, weights, dp, RULE)
        leave_each(pixel(step.dgates.rows, k, 0, like), step.dgates.gap, dg, some, adds, streams, like)


def arrived(step, d, total, k, some, m, like):
    """The gradient at h of a register full of pixels of map `m`: its own, and what the next step sent."""
    own = load_some(pixel(step.grad, k, m, like), like, some)
    mine = own == own
    if WINNERS and step.won.at:
        byte = bytes_like(like)
        mine = load_some(pixel(step.won, k, m, byte), byte, some) == filled(d, byte)
    arrivals = arrivals_at(hidden(step.arriving, k, m, like), step.arriving.step, like)
    return gathered(share(own, mine, total, INTEGRATION), arrivals)


def plus(a, b):
    """Their sum for each connection."""
    if CONNECTIONS == 1:
        return (a[0] + b[0],)
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def arrivals_at(at, gap, like):
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
