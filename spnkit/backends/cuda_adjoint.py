"""The backward kernel, built like the forward one. Source text: `cuda.py` compiles it.

In every direction a block first scans again and leaves h in device memory, where gradients at the gates are wanted.
Then it walks the tiles the other way; what moves from step to step is what each pixel sends back, `q`.
"""

from collections import namedtuple

from spnkit.backends.cuda_geometry import (
    LINE,
    TILE,
    Layers,
    Size,
    Tile,
    across,
    address,
    chunks_of,
    first_place,
    inside,
    layers_of,
    next_place,
    next_tile,
    onward,
    short,
    slots_of,
    spot_of,
    walk_from,
)
from spnkit.backends.cuda_kernels import (
    CONNECTIONS,
    INTEGRATION,
    RULE,
    Beside,
    bounded,
    connections,
    look_up,
    scan,
    work_of,
)
from spnkit.backends.cuda_machine import add, cuda, load, peek, poke, store, types
from spnkit.backends.cuda_tiles import FLOAT, fetch, forget, keep, lean, moving, resume, staged
from spnkit.integration import Integration, share
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, sent, weight_gradients
from spnkit.scalars import where

WANTED = True  # whether gradients at the gates are
GRAD = CONNECTIONS
STAGED = CONNECTIONS + 3  # the gates and, behind them, the gradient, x, and h of the next step back

# What goes into the adjoint of a scan: `Layers` of each in the adjoint's order, and registers on their way from there.
Inputs = namedtuple("Inputs", "grad winner gates x h")
Underway = namedtuple("Underway", "grad winner gates x h")


def backward(shape, order, grad, winner, x, gates, h, dx, dgates):
    """All gradients; the arguments are tuples of integers. `h` is room for a scan of every plane."""
    shared = cuda.shared.array(0, FLOAT)
    work = work_of(shape, order)
    n, c = work.n, work.c
    for index in range(work.begin, work.end):
        code, d = order.codes >> (2 * index) & 3, order.first + index
        size = across(code, shape, order.skews)
        if WANTED:
            xs, hs = layers_of(x, n, d, c, 0, code, size), layers_of(h, n, d, c, 0, code, size)
            weights = layers_of(gates, n, d, c, gates.k, code, size)
            scan(shared, size, xs, weights, hs, Beside(0, 0), 0)
        back = code ^ 1
        inputs = Inputs(
            layers_of(grad, n, d, c, 0, back, size),
            layers_of(winner, n, d, c, 0, back, size),
            layers_of(gates, n, d, c, gates.k, back, size),
            layers_of(x, n, d, c, 0, back, size),
            layers_of(h, n, d, c, 0, back, size),
        )
        dxs, dweights = layers_of(dx, n, d, c, 0, back, size), layers_of(dgates, n, d, c, dgates.k, back, size)
        together = shape.c > 1 and dgates.c == 0
        adjoint(shared, size, d, order.total, inputs, dxs, d > 0 and dx.d == 0, dweights, together)


def adjoint(shared, size, d, total, inputs, dx, adds, dgates, together):
    """The adjoint of one scan: `adds` says that dx holds other directions, `together` dgates other channels."""
    held = Underway(
        cuda.local.array((1, TILE), FLOAT),
        cuda.local.array((1, TILE), types.uint8),
        cuda.local.array((CONNECTIONS, TILE), FLOAT),
        cuda.local.array((1, TILE), FLOAT),
        cuda.local.array((1, TILE), FLOAT),
    )
    others = cuda.local.array((1, TILE), FLOAT)
    slots, chunks = slots_of(inputs.gates, size), chunks_of(size)
    cuda.syncthreads()
    forget(shared, STAGED, CONNECTIONS, size)
    tile = Tile(short(0), short(0))
    turn_back(shared, held, tile, tile, False, inputs, d, total, slots, size)
    while tile.t < size.steps:
        following = next_tile(tile, chunks)
        lean(shared, STAGED, CONNECTIONS, tile, size)
        cuda.syncthreads()
        turn_back(shared, held, tile, following, True, inputs, d, total, slots, size)
        resume(shared, STAGED, CONNECTIONS, tile, size)
        cuda.syncthreads()
        if adds:
            look_up(others, dx, tile, slots, size)
        for s in range(min(TILE, size.steps - tile.t)):
            retreat(shared, s, tile, size)
            cuda.syncthreads()
        keep(shared, STAGED, CONNECTIONS, tile, size)
        finish(shared, others, dx, adds, tile, slots, size)
        if WANTED:
            finish_gates(shared, inputs.h, dgates, together, tile, slots, size)
        tile = following


def turn_back(shared, held, tile, following, stages, inputs, d, total, slots, size):
    """Slot by slot: a tile from registers to shared memory, and the following one on its way to registers."""
    place, ahead = first_place(slots, tile, size), first_place(slots, following, size)
    grad, winner, gates = (
        walk_from(inputs.grad, ahead, slots),
        walk_from(inputs.winner, ahead, slots),
        walk_from(inputs.gates, ahead, slots),
    )
    x, h = walk_from(inputs.x, ahead, slots), walk_from(before(inputs.h), ahead, slots)
    for r in range(TILE):
        if stages:
            stage_all(shared, held, r, place, d, total)
        known = inside(ahead.t, ahead.k, size)
        fetch(held.gates, r, gates, known, FLOAT)
        fetch(held.grad, r, grad, known, FLOAT)
        if Integration.max == INTEGRATION:
            fetch(held.winner, r, winner, known, types.uint8)
        if WANTED:
            fetch(held.x, r, x, known, FLOAT)
            fetch(held.h, r, h, inside(ahead.t, ahead.k, without_last(size)), FLOAT)
        grad, winner, gates, x, h = onward(grad), onward(winner), onward(gates), onward(x), onward(h)
        place, ahead = next_place(place, slots), next_place(ahead, slots)


def stage_all(shared, held, r, place, d, total):
    """All inputs of a slot, from registers to shared memory; of the gradient, the share of direction `d`."""
    for o in range(CONNECTIONS):
        poke(shared, place.spot, staged(o), held.gates[o, r])
    won = held.winner[0, r] == d if Integration.max == INTEGRATION else True
    poke(shared, place.spot, staged(GRAD), share(held.grad[0, r], won, total, INTEGRATION))
    if WANTED:
        poke(shared, place.spot, staged(GRAD + 1), held.x[0, r])
        poke(shared, place.spot, staged(GRAD + 2), held.h[0, r])


def before(h):
    """h one step back in time, which in the order of the adjoint is one step on."""
    return Layers(h.at + h.step, h.apart, h.step, h.lane)


def without_last(size):
    """The pixels that have a step before them in time."""
    return Size(short(size.steps - 1), size.lanes, size.skew)


def retreat(shared, s, tile, size):
    """Step `s` of a tile: every thread gathers the gradient at h of its lane, in place, and sends it on."""
    c = cuda.threadIdx.x
    k = tile.k + c - s * size.skew
    here, behind = spot_of(s, c), spot_of(s - 1, c - size.skew)
    if inside(0, k, size):
        p = bounded(normalized(gates_at(shared, here), RULE), tile.t + s < size.steps - 1, k, size)
        a = gathered(peek(shared, here, staged(GRAD)), arrivals(shared, behind))
        q = sent(a, p)
        poke(shared, here, staged(GRAD), a)
        for o in range(CONNECTIONS):
            poke(shared, here, moving(STAGED, o), q[o])
    else:
        for o in range(CONNECTIONS):
            poke(shared, here, moving(STAGED, o), FLOAT(0))  # a leaning chunk has left something here


def gates_at(shared, spot):
    """The gates of a slot."""
    return connections(shared, spot, 0, staged(1))


def arrivals(shared, behind):
    """What was sent to a pixel: by gate 0 from the lane below, by gate 2 from the lane above."""
    return connections(shared, behind, moving(STAGED, 0) + CONNECTIONS // 2, (TILE + 1) * LINE - 1)


def finish(shared, others, dx, adds, tile, slots, size):
    """The gradients at x of a tile, from shared to device memory."""
    place = first_place(slots, tile, size)
    walk = walk_from(dx, place, slots)
    for r in range(TILE):
        if inside(place.t, place.k, size):
            p = normalized(gates_at(shared, place.spot), RULE)
            a = peek(shared, place.spot, staged(GRAD))
            own = input_gradient(a, sent(a, bounded(p, place.t < size.steps - 1, place.k, size)))
            store(walk.at, others[0, r] + own if adds else own)
        place, walk = next_place(place, slots), onward(walk)


def finish_gates(shared, h, dgates, together, tile, slots, size):
    """The gradients at the gates of a tile."""
    place = first_place(slots, tile, size)
    walk = walk_from(dgates, place, slots)
    for _ in range(TILE):
        if inside(place.t, place.k, size):
            g, x = gates_at(shared, place.spot), peek(shared, place.spot, staged(GRAD + 1))
            a = peek(shared, place.spot, staged(GRAD))
            dp = weight_gradients(a, neighbours(shared, h, x, place, size), x)
            dg = gate_gradients(g, normalized(g, RULE), dp, RULE)
            for o in range(CONNECTIONS):
                value = where(place.t < size.steps - 1, dg[o], FLOAT(0))
                if together:
                    add(walk.at + o * walk.apart, value)
                else:
                    store(walk.at + o * walk.apart, value)
        place, walk = next_place(place, slots), onward(walk)


def neighbours(shared, h, x, place, size):
    """The h that a pixel heard of; outside the map the pixel's own x."""
    middle = neighbour(shared, h, x, place, 0, size)
    if CONNECTIONS == 1:
        return (middle,)
    return (neighbour(shared, h, x, place, -1, size), middle, neighbour(shared, h, x, place, 1, size))


def neighbour(shared, h, x, place, offset, size):
    """One of them; a chunk has to look for its outer neighbours in device memory."""
    c, k = place.c + offset, place.k + offset
    if not inside(place.t, k, without_last(size)):
        return x
    if (c >= 0) & (c < cuda.blockDim.x):
        return peek(shared, place.spot, staged(GRAD + 2) + offset)
    return load(address(before(h), 0, place.t, k), FLOAT)
