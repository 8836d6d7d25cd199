"""The backward kernel, built like the forward one. Source text: `cuda.py` compiles it.

In every direction a block first scans again and leaves h in device memory, where gradients at the gates are wanted.
Then it walks the tiles the other way; what moves from step to step is what each pixel sends back, `q`.
"""

from collections import namedtuple

from spnkit.backends.cuda_geometry import (
    LINE,
    TILE,
    Layers,
    Scan,
    Tile,
    address,
    again,
    first_place,
    inside,
    layers_of,
    next_place,
    next_tile,
    onward,
    scan_of,
    short,
    slots_of,
    spot_of,
    walk_from,
)
from spnkit.backends.cuda_kernels import (
    CONNECTIONS,
    INTEGRATION,
    OUT,
    RULE,
    bounded,
    of_connections,
    scan_planes,
    work_of,
)
from spnkit.backends.cuda_machine import add, arrived, commit, cuda, load, peek, poke, store, types
from spnkit.backends.cuda_tiles import (
    FLOAT,
    HALF,
    STORED,
    clear,
    copy_layers,
    keep,
    lean,
    moving,
    resume,
    staged,
    stored_layers,
)
from spnkit.integration import Integration, share
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, sent, weight_gradients
from spnkit.scalars import where

WANTED = True  # whether gradients at the gates are
# The room of a tile: the gates, and behind them the gradient, x, h of the next step back, and dx as it is so far.
GRAD = CONNECTIONS

Inputs = namedtuple("Inputs", "grad winner gates x h dx")  # an `Array` each


def backward(shape, order, grad, winner, x, gates, h, dx, dgates):
    """All gradients; the arguments are `Shape`, `Order` and `Array`s. `h` is room for a scan of every plane."""
    shared = cuda.shared.array(0, FLOAT)
    work = work_of(shape, order)
    inputs = Inputs(grad, winner, gates, x, h, dx)
    together = (shape.c > 1) & (dgates.c == 0)
    for index in range(work.begin, work.end):
        d, code = order.first + index, order.codes >> (2 * index) & 3
        if WANTED:
            scan_planes(shared, scan_of(work.n, d, work.c, code, shape, order.skews), x, gates, h, 0, False)
        scan = scan_of(work.n, d, work.c, code ^ 1, shape, order.skews)
        go_back(shared, scan, order.total, inputs, (d > 0) & (dx.d == 0), dgates, together)


def go_back(shared, scan, total, inputs, adds, dgates, together):
    """The adjoint of one scan, in its order: `adds` to the dx of others; `together` with other channels to dgates."""
    room = staged(GRAD + 4)
    sending = short(2 * room)
    last = 2 * room + CONNECTIONS * (TILE + 1) * LINE
    cuda.syncthreads()
    clear(shared, 0, last + CONNECTIONS * scan.lanes)
    cuda.syncthreads()
    here, there = short(0), short(room)
    tile, ahead, requests = Tile(short(0), short(0)), Tile(short(0), short(0)), 0
    while tile.t < scan.steps:
        if requests > 1:
            arrived()
            if HALF:
                move_inputs_back(shared, here, tile, inputs, True, again(scan))
            cuda.syncthreads()
            apportion(shared, here, inputs, total, tile, again(scan))
            retreat(shared, here, sending, tile, scan)
            following = next_tile(tile, scan)
            keep(shared, sending, last, CONNECTIONS, tile, scan)
            lean(shared, sending, sending, CONNECTIONS, following, scan)
            finish(shared, here, inputs, adds, dgates, together, tile, again(scan))
            cuda.syncthreads()
            resume(shared, sending, last, CONNECTIONS, following, scan)
            tile = following
        request_all(shared, here, ahead, inputs, adds, again(scan))
        requests, ahead = requests + 1, next_tile(ahead, scan)
        here, there = there, here


def request_all(shared, base, tile, inputs, adds, scan):
    """Send for a tile."""
    move_inputs_back(shared, base, tile, inputs, False, scan)
    slots = slots_of(layers_of(inputs.gates, scan, 0), scan)
    if WANTED:
        h = before(layers_of(inputs.h, scan, 0))
        copy_layers(shared, base + staged(GRAD + 2), 0, 1, h, slots, tile, without_last(scan))
    if adds:
        copy_layers(shared, base + staged(GRAD + 3), 0, 1, layers_of(inputs.dx, scan, 0), slots, tile, scan)
    commit()


def move_inputs_back(shared, base, tile, inputs, landed, scan):
    """The part of a tile that is stored by somebody else, see `stored_layers`."""
    gates = layers_of(inputs.gates, scan, inputs.gates.k)
    slots = slots_of(gates, scan)
    stored_layers(shared, base, staged(1), CONNECTIONS, gates, slots, landed, tile, scan)
    stored_layers(shared, base + staged(GRAD), 0, 1, layers_of(inputs.grad, scan, 0), slots, landed, tile, scan)
    if WANTED:
        x = layers_of(inputs.x, scan, 0)
        stored_layers(shared, base + staged(GRAD + 1), 0, 1, x, slots, landed, tile, scan)


def before(h):
    """h one step back in time, which in the order of the adjoint is one step on."""
    return Layers(h.at + h.step, h.apart, h.step, h.lane)


def without_last(scan):
    """The pixels that have a step before them in time."""
    return Scan(scan.n, scan.d, scan.c, scan.code, short(scan.steps - 1), scan.lanes, scan.skew)


def past_weights_of(shared, base, tile, s, scan):
    """The weights of this thread's pixel at step `s`, whose past is the next step of the adjoint."""
    k = tile.k + cuda.threadIdx.x - s * scan.skew
    g = of_connections(shared, base + spot_of(s, cuda.threadIdx.x), 0, staged(1))
    return bounded(normalized(g, RULE), tile.t + s < scan.steps - 1, k, scan)


def apportion(shared, base, inputs, total, tile, scan):
    """Of the gradient at the integration, the share of this direction."""
    if INTEGRATION in (Integration.none, Integration.sum):
        return
    slots = slots_of(layers_of(inputs.gates, scan, 0), scan)
    place = first_place(slots, tile, scan)
    walk = walk_from(layers_of(inputs.winner, scan, 0), place, slots)
    for _ in range(TILE):
        if inside(place.t, place.k, scan):
            spot = short(base + place.spot)
            won = load(walk.at, types.uint8) == scan.d if Integration.max == INTEGRATION else True
            poke(shared, spot, staged(GRAD), share(peek(shared, spot, staged(GRAD)), won, total, INTEGRATION))
        place, walk = next_place(place, slots), onward(walk)
    cuda.syncthreads()


def retreat(shared, base, sending, tile, scan):
    """The steps of a tile: every thread gathers the gradient at h of its lane, in place, and sends it on."""
    c = cuda.threadIdx.x
    p = past_weights_of(shared, base, tile, 0, scan)
    for s in range(min(TILE, scan.steps - tile.t)):
        spot = spot_of(s, c)
        if inside(0, tile.k + c - s * scan.skew, scan):
            own = short(base + spot)
            a = gathered(peek(shared, own, staged(GRAD)), arrivals(shared, sending + spot_of(s - 1, c - scan.skew)))
            poke(shared, own, staged(GRAD), a)
            q = sent(a, p)
            for o in range(CONNECTIONS):
                poke(shared, short(sending + spot), moving(o), q[o])
        else:
            for o in range(CONNECTIONS):
                poke(shared, short(sending + spot), moving(o), FLOAT(0))  # a leaning chunk has left something here
        p = past_weights_of(shared, base, tile, s + 1, scan)  # while the others get ready
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
    for _ in range(TILE):
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
    c, k = place.c + offset, place.k + offset
    if not inside(place.t, k, without_last(scan)):
        return x
    if (c >= 0) & (c < cuda.blockDim.x):
        return peek(shared, short(base + place.spot), staged(GRAD + 2) + offset)
    return load(address(before(layers_of(h, scan, 0)), 0, place.t, k), FLOAT)
