"""The way back of the CPU kernels: gradients from the last row to the first. Source text: `backend.py` compiles it."""

from collections import namedtuple

from spnkit.backends.cpu.atomics import taken
from spnkit.backends.cpu.kernels import (
    GatesRoom,
    Scanned,
    Step,
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
    scan_row,
    winners_of,
)
from spnkit.backends.cpu.planes import (
    MAPS,
    NEXT,
    NOWHERE,
    PARTS,
    STREAMS,
    TILED,
    UNITS,
    Gates,
    array_of,
    bring,
    clear,
    codes_of,
    directed,
    entered,
    hidden_rows,
    kept_here,
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
    turn,
    turns,
    unit_of,
)
from spnkit.backends.cpu.simd import Words, bytes_like, filled, load, load_some, store_some
from spnkit.backends.cpu.tiles import Layers, Part, Size, copy, later, rows_of
from spnkit.integration import Integration, share
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, sent, weight_gradients

# Rows that a way back, and one step of it, reads and writes.
Passed = namedtuple("Passed", "grad won x dx")
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
    """Gradients of the maps of a unit: in every direction back from the last pair of tiles to the first."""
    shape, room, codes = shape_of(call), room_in(call, slot), codes_of(call)
    grad, winner, x, gates = array_of(call, 0), array_of(call, 1), array_of(call, 2), array_of(call, 3)
    dx, dgates, hidden = array_of(call, 4), array_of(call, 5), kept_here(call, 6)
    unit, byte, tiled = unit_of(number, shape, call[MAPS]), bytes_like(like), call[TILED] != 0
    maps, sums = maps_of(unit), sum_of(number, unit, call)
    for d in range(codes.count):
        size, enters, leaves = size_of(codes.of[d], shape), d == 0 or turns(codes, d - 1), turns(codes, d)
        again = enters or Integration.none == INTEGRATION
        x_rows = entered(rows_of(x, unit.n, d, unit.c, codes.of[d]), room.x, size, maps, tiled, enters, like)
        grad_rows = entered(rows_of(grad, unit.n, d, unit.c, codes.of[d]), room.grad, size, maps, tiled, again, like)
        won = None
        if WINNERS:
            won = winners_of(winner, unit, d, codes.of[d])
            won = entered(won, room.winner, size, maps, tiled, enters, byte)
        dx_rows = rows_of(dx, unit.n, d, unit.c, codes.of[d])
        total = entered(dx_rows, room.y, size, maps, tiled, enters and d > 0, like)
        near, kept = gates_near(room, d, size, fresh, like), kept_rows(hidden, unit, d, size, like)
        if dgates.at != 0 and hidden.at == 0 and size.steps > PAIR:
            kept = hidden_rows(room.kept, size.steps // PAIR, size, like)
            nobody = Scanned(x_rows, NOWHERE, NOWHERE if WINNERS else None)
            scan(d, 0, codes.of[d], size, unit, nobody, gates, near, room, kept, like)
            if SHARED:
                near = GatesRoom(near.at, near.kept, False)
        back = rows_of(dgates, unit.n, d, sums[0], codes.of[d])
        into = Gates(directed(back, codes.of[d], size.steps), dgates.k)
        rows = Passed(grad_rows, won, x_rows, total)
        go_back(d, codes, size, unit, call[STREAMS], rows, gates, near, room, kept, into, sums[1], like)
        left(dx_rows, total, size, maps, leaves, like)


def go_back(d, codes, size, unit, streams, rows, gates, gates_room, room, kept, into, adds, like):
    """The adjoint of one scan, two tiles at a time: where gradients at gates are wanted, h of these is computed once
    more, from the row that was kept before them."""
    code, steps, wanted = codes.of[d], size.steps, into.rows.at != 0
    rows = Passed(
        directed(rows.grad, code, steps),
        directed(rows.won, code, steps) if WINNERS else None,
        directed(rows.x, code, steps),
        directed(rows.dx, code, steps),
    )
    source = Gates(directed(rows_of(gates, unit.n, d, unit.c, code), code, steps), gates.k)
    h, q = hidden_rows(room.h, PAIR, size, like), hidden_rows(room.q, 2 * CONNECTIONS, size, like)
    clear(q, 2 * CONNECTIONS * maps_of(unit), like)
    for begin in range((steps - 1) // PAIR * PAIR, -1, -PAIR):
        tile, whole = Size(min(PAIR, steps - begin), size.lanes), Part(0, size.lanes)
        near = nearby(source, gates_room.at, begin % gates_room.kept, begin, gates_room.kept, size, like)
        out = nearby(into, room.dgates, 0, begin, PAIR, size, like)
        if gates_room.fresh:
            bring(source, near, CONNECTIONS, begin, tile, whole, -2, like)
        if adds:
            bring(into, out, CONNECTIONS, begin, tile, whole, -2, like)
        here = passed(rows, room, begin, d > 0, tile, size, unit, like)
        before = later(kept, begin // PAIR - 1) if wanted else h
        if wanted:
            scan_again(begin, tile, here.x, near, before, h, unit, like)
        for t in range(begin + tile.steps - 1, begin - 1, -1):
            i = t - begin
            step = Back(
                later(here.grad, i),
                later(here.won, i) if WINNERS else None,
                later(q, (t + 1) % 2 * CONNECTIONS),
                later(q, t % 2 * CONNECTIONS),
                later(here.x, i),
                Gates(later(near.rows, i), near.gap),
                hidden_before(i, before, h),
                later(here.dx, i),
                Gates(later(out.rows, i), out.gap),
            )
            adjoint_row(t, d, codes.count, step, wanted, adds, streams != 0, size.lanes, unit, like)
        turn(later(rows.dx, begin), here.dx, tile, maps_of(unit), 0, like)
        if out.rows.at != into.rows.at + begin * into.rows.step:
            layers = Layers(CONNECTIONS, into.gap, out.gap, -PAIR * into.rows.step, streams)
            copy(later(into.rows, begin), out.rows, tile, whole, layers, like)


def passed(rows, room, begin, more, tile, size, unit, like):
    """The rows of two tiles, turned if they have to be; the gradient so far is if there is `more` to come."""
    maps = maps_of(unit)
    grad, x = (
        near_rows(rows.grad, room.grad, begin, PAIR, size, like),
        near_rows(rows.x, room.x, begin, PAIR, size, like),
    )
    dx, won = near_rows(rows.dx, room.y, begin, PAIR, size, like), None
    turn(grad, later(rows.grad, begin), tile, maps, -PAIR * rows.grad.step, like)
    turn(x, later(rows.x, begin), tile, maps, -PAIR * rows.x.step, like)
    if more:
        turn(dx, later(rows.dx, begin), tile, maps, -PAIR * rows.dx.step, like)
    if WINNERS:
        won = near_rows(rows.won, room.winner, begin, PAIR, size, bytes_like(like))
        turn(won, later(rows.won, begin), tile, maps, 0, bytes_like(like))
    return Passed(grad, won, x, dx)


def scan_again(begin, tile, x, gates, before, h, unit, like):
    """h of all steps of two tiles but the last, which nobody needs any more."""
    for i in range(tile.steps - 1):
        near, nowhere = Gates(later(gates.rows, i), gates.gap), NOWHERE if WINNERS else None
        step = Step(later(x, i), near, hidden_before(i, before, h), later(h, i), NOWHERE, nowhere)
        whole = Part(0, registers_in(tile.lanes))
        scan_row(begin + i, 0, step, tile.lanes, whole, unit, Gates(NOWHERE, 0), like)


def hidden_before(i, before, h):
    """h of the step before number `i` of two tiles."""
    return before if i == 0 else later(h, i - 1)


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
