"""The backward kernel, built like the forward one. Source text: `backend.py` compiles it.

A block walks the tiles of a scan the other way; what moves from step to step is what each pixel sends back, `q`.
"""

from collections import namedtuple

from spnkit.backends.cuda.geometry import (
    LINE,
    SLOTS,
    TILE,
    Layers,
    Scan,
    Tile,
    address,
    again,
    anew,
    first_place,
    inside,
    layers_of,
    next_place,
    next_tile,
    onward,
    scan_of,
    short,
    slots_of,
    walk_from,
)
from spnkit.backends.cuda.kernels import (
    CONNECTIONS,
    INTEGRATION,
    OUT,
    RULE,
    bounded,
    of_connections,
    weights_of,
    weights_stream,
    work_of,
)
from spnkit.backends.cuda.machine import (
    add,
    arrived,
    commit,
    cuda,
    load,
    opaque,
    peek,
    poke,
    store,
    types,
)
from spnkit.backends.cuda.tiles import (
    FLOAT,
    HALF,
    STORED,
    clear,
    copy_more,
    copy_tile,
    hand_over,
    lines_of,
    moving,
    resume,
    staged,
    stream,
    widen_more,
    widen_tile,
)
from spnkit.integration import Integration, share
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, sent, weight_gradients
from spnkit.scalars import where

WANTED = True  # whether gradients at the gates are
# The room of a tile: the gates, and behind them the gradient, x, h of the next step back, and dx as it is so far.
GRAD = CONNECTIONS

Inputs = namedtuple("Inputs", "grad winner gates x h dx")  # an `Array` each


def backward(shape, order, grad, winner, x, gates, h, dx, dgates, lines):
    """All gradients; the arguments are `Shape`, `Order`, `Array`s, and the address of room for `lines_of`."""
    shared = cuda.shared.array(0, FLOAT)
    work, last = work_of(shape, order), lines_of(lines, CONNECTIONS, shape)
    inputs = Inputs(grad, winner, gates, x, h, dx)
    together = (shape.c > 1) & (dgates.c == 0)
    for index in range(work.begin, work.end):
        d, code = order.first + index, order.codes >> (2 * index) & 3
        scan = scan_of(work.n, d, work.c, code ^ 1, shape, order.skews)
        go_back(shared, last, scan, order.total, inputs, (d > 0) & (dx.d == 0), dgates, together)


def go_back(shared, last, scan, total, inputs, adds, dgates, together):
    """The adjoint of one scan, in its order: `adds` to the dx of others; `together` with other channels to dgates."""
    room = staged(GRAD + 4)
    sending = short(2 * room)
    cuda.syncthreads()
    clear(shared, 0, 2 * room + CONNECTIONS * (TILE + 1) * LINE)
    cuda.syncthreads()
    here, there = short(0), short(room)
    tile, ahead, requests = Tile(short(0), short(0)), Tile(short(0), short(0)), short(0)
    while tile.t < scan.steps:
        if requests > 1:
            arrived()
            if HALF:
                land_all(shared, here, tile, inputs, again(scan))
            cuda.syncthreads()
            apportion(shared, here, inputs, total, tile, again(scan))
            retreat(shared, here, sending, tile, scan)
            following = next_tile(tile, scan)
            hand_over(shared, sending, sending, last, CONNECTIONS, tile, following, scan)
            finish(shared, here, inputs, adds, dgates, together, tile, again(scan))
            cuda.syncthreads()
            resume(shared, sending, last, CONNECTIONS, following, scan)
            tile = following
        if ahead.t < scan.steps:
            request_all(shared, here, ahead, inputs, adds, again(scan))
        commit()
        requests, ahead = short(requests + 1), next_tile(ahead, scan)
        here, there = there, here


def request_all(shared, base, tile, inputs, adds, scan):
    """Send for a tile."""
    weights, grads = weights_stream(base, inputs.gates, scan), grad_stream(base, inputs.grad, scan)
    slots = slots_of(weights.layers, scan)
    copy_tile(shared, weights, grads, slots, tile, scan)
    if WANTED:
        copy_more(shared, x_stream(base, inputs.x, scan), slots, tile, scan)
        h = stream(base + staged(GRAD + 2), 0, 1, before(layers_of(inputs.h, scan, 0)))
        copy_more(shared, h, slots, tile, without_last(scan))
    if adds:
        others = stream(base + staged(GRAD + 3), 0, 1, layers_of(inputs.dx, scan, 0))
        copy_more(shared, others, slots, tile, scan)


def land_all(shared, base, tile, inputs, scan):
    """Widen what has arrived."""
    weights, grads = weights_stream(base, inputs.gates, scan), grad_stream(base, inputs.grad, scan)
    slots = slots_of(weights.layers, scan)
    widen_tile(shared, weights, grads, slots, tile, scan)
    if WANTED:
        widen_more(shared, x_stream(base, inputs.x, scan), slots, tile, scan)


def grad_stream(base, grad, scan):
    """The gradient that has come, of a tile."""
    return stream(base + staged(GRAD), 0, 1, layers_of(grad, scan, 0))


def x_stream(base, x, scan):
    """x of a tile."""
    return stream(base + staged(GRAD + 1), 0, 1, layers_of(x, scan, 0))


def before(h):
    """h one step back in time, which in the order of the adjoint is one step on."""
    return Layers(h.at + h.step, h.apart, h.step, h.lane)


def without_last(scan):
    """The pixels that have a step before them in time."""
    return Scan(scan.n, scan.d, scan.c, scan.code, short(scan.steps - 1), scan.lanes, scan.skew)


def apportion(shared, base, inputs, total, tile, scan):
    """Of the gradient at the integration, the share of this direction."""
    if INTEGRATION in (Integration.none, Integration.sum):
        return
    slots = slots_of(layers_of(inputs.gates, scan, 0), scan)
    place = first_place(slots, tile, scan)
    walk = walk_from(layers_of(inputs.winner, scan, 0), place, slots)
    for _ in range(SLOTS):
        if inside(place.t, place.k, scan):
            spot = short(base + place.spot)
            won = load(walk.at, types.uint8) == scan.d if Integration.max == INTEGRATION else True
            poke(shared, spot, staged(GRAD), share(peek(shared, spot, staged(GRAD)), won, total, INTEGRATION))
        place, walk = next_place(place, slots), onward(walk)
    cuda.syncthreads()


def retreat(shared, base, sending, tile, scan):
    """The steps of a tile: the first thread of a lane gathers the gradient at h, in place, and sends it on."""
    spot, k, t = short(cuda.threadIdx.x), short(tile.k + cuda.threadIdx.x), tile.t
    behind = short(sending + spot - LINE - scan.skew)
    p = weights_of(shared, short(base + spot), t < scan.steps - 1, k, scan)
    for _ in range(short(min(TILE, scan.steps - tile.t))):
        if cuda.threadIdx.y == 0:
            own = short(base + spot)
            a = gathered(peek(shared, own, staged(GRAD)), arrivals(shared, behind))
            within = (k >= 0) & (k < scan.lanes)  # a leaning chunk leaves something beyond
            poke(shared, own, staged(GRAD), a)
            q = sent(a, p)
            for o in range(CONNECTIONS):
                poke(shared, short(sending + spot), moving(o), where(within, q[o], FLOAT(0)))
            spot, behind, k, t = short(spot + LINE), short(behind + LINE), short(k - scan.skew), short(t + 1)
            # Of the next pixel, while the others get ready; its past is the next step of the adjoint.
            p = weights_of(shared, short(base + spot), t < scan.steps - 1, k, scan)
        cuda.syncthreads()


def arrivals(shared, behind):
    """What was sent to a pixel: by gate 0 from the lane below, by gate 2 from the lane above."""
    return of_connections(shared, behind, moving(0) + CONNECTIONS // 2, moving(1) - moving(0) - 1)


def finish(shared, base, inputs, adds, dgates, together, tile, scan):
    """The gradients of a tile, from shared to device memory."""
    slots = slots_of(layers_of(inputs.gates, scan, 0), scan)
    place = first_place(slots, tile, scan)
    dx = walk_from(layers_of(inputs.dx, scan, 0), place, slots)
    dg = walk_from(layers_of(dgates, scan, dgates.k), place, slots)
    for _ in range(opaque(short(SLOTS))):
        if inside(place.t, place.k, scan):
            spot = short(base + place.spot)
            g, a = of_connections(shared, spot, 0, staged(1)), peek(shared, spot, staged(GRAD))
            p, past = normalized(g, RULE), place.t < scan.steps - 1
            own = input_gradient(a, sent(a, bounded(p, past, place.k, scan)))
            store(dx.at, peek(shared, spot, staged(GRAD + 3)) + own if adds else own, OUT)
            if WANTED:
                x = peek(shared, spot, staged(GRAD + 1))
                dp = weight_gradients(a, neighbours(shared, base, inputs.h, x, place, scan), x)
                put(dg, gate_gradients(g, p, dp, RULE), past, together)
        place, dx, dg = next_place(place, slots), onward(dx), onward(dg)


def put(walk, values, past, together):
    """The gradients at the gates of a pixel; a pixel without a past has none."""
    for o in range(CONNECTIONS):
        value = where(past, values[o], FLOAT(0))
        if together:
            add(walk.at + o * walk.apart, value)
        else:
            store(walk.at + o * walk.apart, value, STORED)


def neighbours(shared, base, h, x, place, scan):
    """The h that a pixel heard of; outside the map the pixel's own x."""
    middle = neighbour(shared, base, h, x, place, 0, scan)
    if CONNECTIONS == 1:
        return (middle,)
    return (neighbour(shared, base, h, x, place, -1, scan), middle, neighbour(shared, base, h, x, place, 1, scan))


def neighbour(shared, base, h, x, place, offset, scan):
    """One of them; a chunk has to look for its outer neighbours in device memory."""
    c, k = short(place.c + offset), short(place.k + offset)
    if not inside(place.t, k, without_last(scan)):
        return x
    if (c >= 0) & (c < cuda.blockDim.x):
        return peek(shared, short(base + place.spot), staged(GRAD + 2) + offset)
    return load(address(before(layers_of(h, anew(scan), 0)), 0, place.t, k), FLOAT)
