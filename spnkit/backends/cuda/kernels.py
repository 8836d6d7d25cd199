"""The CUDA kernels. Source text: `backend.py` compiles it, names in capitals are fixed then.

A block scans a plane (or CHANNELS planes that share their gates), a thread a lane. The plane is walked in tiles of
TILE steps: while one tile is computed, the next two are on their way from device to shared memory, in the order in
which they lie in memory, whichever way the scan runs. Lanes beyond the block's threads are scanned in chunks,
each leaning against the one before it: with every step a chunk moves one lane up, so that all it hears
of is its own past and the last two lanes of its predecessor.
"""

from collections import namedtuple

from spnkit.backends.cuda.geometry import (
    LINE,
    SLOTS,
    TILE,
    Tile,
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
    walk_from,
)
from spnkit.backends.cuda.machine import (
    arrived,
    commit,
    cuda,
    load,
    peek,
    poke,
    quotient,
    store,
    types,
)
from spnkit.backends.cuda.tiles import (
    FLOAT,
    FLOAT_ITEM,
    HALF,
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
from spnkit.integration import integrated, wins
from spnkit.normalization import normalized
from spnkit.recurrence import propagated
from spnkit.scalars import where

CONNECTIONS = 3
CHANNELS = 1  # planes of a block
MAPS = 4  # that are integrated
RULE = 1  # of Normalization
INTEGRATION = 1  # of Integration
ANCHORED = True  # see Plan
OUT = FLOAT  # what the result is stored in: STORED, or FLOAT where it will be added to
ITEM = 4  # bytes of that

# Of `total` directions, the `count` from number `first` on, `each` of them to a block. `codes` has two bits for each;
# `skews` says whether chunks lean: bit 0 horizontally, bit 1 vertically.
Order = namedtuple("Order", "codes count first total each skews")
Shape = namedtuple("Shape", "n c h w")
Work = namedtuple("Work", "n c begin end")


def forward(shape, order, x, gates, y, lines):
    """Scan and integrate; the arguments are `Shape`, `Order`, `Array`s, and the address of room for `lines_of`."""
    shared = cuda.shared.array(0, FLOAT)
    work, last = work_of(shape, order), lines_of(lines, CHANNELS, shape)
    for index in range(work.begin, work.end):
        d, code = order.first + index, order.codes >> (2 * index) & 3
        scan = scan_of(work.n, d, work.c, code, shape, order.skews)
        scan_planes(shared, last, scan, x, gates, y, (d > 0) & (y.d == 0))


def work_of(shape, order):
    """What a block is there for: CHANNELS planes from channel `c` on, in the directions from `begin` to `end`."""
    parts, groups = quotient(order.count + order.each - 1, order.each), shape.c // CHANNELS
    unit = quotient(cuda.blockIdx.x, parts)
    n, begin = quotient(unit, groups), short((cuda.blockIdx.x - unit * parts) * order.each)
    return Work(n, short((unit - n * groups) * CHANNELS), begin, short(min(begin + order.each, order.count)))


# The room of a tile: the gates, y as it is so far, and x, which becomes h.
def so_far():
    """Where y begins."""
    return staged(CONNECTIONS)


def hidden():
    """Where x begins."""
    return staged(CONNECTIONS + CHANNELS)


def room():
    """Where the room of another tile begins."""
    return hidden() + CHANNELS * (TILE + 1) * LINE


def scan_planes(shared, last, scan, x, gates, y, adds):
    """One scan of a block's planes; it `adds` to the integration of others in y, or is the first."""
    cuda.syncthreads()
    clear(shared, 0, 2 * room())
    cuda.syncthreads()
    here, there = short(0), short(room())
    tile, ahead, requests = Tile(short(0), short(0)), Tile(short(0), short(0)), short(0)
    while tile.t < scan.steps:
        if requests > 1:
            arrived()
            if HALF:
                land(shared, here, tile, x, gates, y, adds, again(scan))
            cuda.syncthreads()
            advance(shared, here, tile, scan)
            following = next_tile(tile, scan)
            hand_over(shared, here + hidden(), there + hidden(), last, CHANNELS, tile, following, scan)
            fold(shared, here, y, adds, tile, gates, again(scan))
            cuda.syncthreads()
            resume(shared, there + hidden(), last, CHANNELS, following, scan)
            tile = following
        if ahead.t < scan.steps:
            request(shared, here, ahead, x, gates, y, adds, again(scan))
        commit()
        requests, ahead = short(requests + 1), next_tile(ahead, scan)
        here, there = there, here


def weights_stream(base, gates, scan):
    """The gates of a tile."""
    return stream(base, staged(1), CONNECTIONS, layers_of(gates, scan, gates.k))


def map_stream(base, x, scan):
    """x of a tile."""
    return stream(base + hidden() + moving(0), moving(1) - moving(0), CHANNELS, layers_of(x, scan, x.c))


def request(shared, base, tile, x, gates, y, adds, scan):
    """Send for a tile."""
    weights = weights_stream(base, gates, scan)
    slots = slots_of(weights.layers, scan)
    copy_tile(shared, weights, map_stream(base, x, scan), slots, tile, scan)
    if adds:
        copy_more(shared, others_stream(base, y, scan), slots, tile, scan)


def others_stream(base, y, scan):
    """y of a tile, as other directions have left it."""
    return stream(base + so_far(), staged(1), CHANNELS, layers_of(y, scan, y.c))


def land(shared, base, tile, x, gates, y, adds, scan):
    """Widen what has arrived."""
    weights = weights_stream(base, gates, scan)
    slots = slots_of(weights.layers, scan)
    widen_tile(shared, weights, map_stream(base, x, scan), slots, tile, scan)
    if ITEM < FLOAT_ITEM and adds:
        widen_more(shared, others_stream(base, y, scan), slots, tile, scan)


def advance(shared, base, tile, scan):
    """The steps of a tile: the first thread of a lane turns x into h, in place. Outside the map h is 0."""
    spot, k = short(base + cuda.threadIdx.x), short(tile.k + cuda.threadIdx.x)
    behind = short(spot - LINE - scan.skew)
    p = weights_of(shared, spot, tile.t > 0, k, scan)
    for _ in range(short(min(TILE, scan.steps - tile.t))):
        if cuda.threadIdx.y == 0:
            within = (k >= 0) & (k < scan.lanes)
            for i in range(CHANNELS):
                x = peek(shared, spot, hidden() + moving(i))
                neighbours = of_connections(shared, behind, hidden() + moving(i) - CONNECTIONS // 2, 1)
                h = propagated(x, p, neighbours, x if ANCHORED else FLOAT(0))
                poke(shared, spot, hidden() + moving(i), where(within, h, FLOAT(0)))
            spot, behind, k = short(spot + LINE), short(behind + LINE), short(k - scan.skew)
            p = weights_of(shared, spot, True, k, scan)  # while the others get ready; one line too far at the end
        cuda.syncthreads()


def weights_of(shared, spot, past, k, scan):
    """The weights of the pixel at a spot."""
    return bounded(normalized(of_connections(shared, spot, 0, staged(1)), RULE), past, k, scan)


def of_connections(shared, spot, first, gap):
    """What shared memory has for each connection of a pixel, from `first` on, `gap` apart."""
    spot = short(spot)
    if CONNECTIONS == 1:
        return (peek(shared, spot, first),)
    return (peek(shared, spot, first), peek(shared, spot, first + gap), peek(shared, spot, first + 2 * gap))


def bounded(p, past, k, scan):
    """The weights of a pixel, 0 where its neighbour is outside the map; without a past all are."""
    zero = FLOAT(0)
    if CONNECTIONS == 1:
        return (where(past, p[0], zero),)
    above, below = past & (k > 0), past & (short(k + 1) < scan.lanes)
    return (where(above, p[0], zero), where(past, p[1], zero), where(below, p[2], zero))


def fold(shared, base, y, adds, tile, gates, scan):
    """Integrate h of a tile into y."""
    slots = slots_of(layers_of(gates, scan, 0), scan)
    place = first_place(slots, tile, scan)
    walk = walk_from(layers_of(y, scan, y.c), place, slots)
    for _ in range(SLOTS):
        if inside(place.t, place.k, scan):
            for i in range(CHANNELS):
                spot = short(base + place.spot)
                h, best = peek(shared, spot, hidden() + moving(i)), peek(shared, spot, so_far() + staged(i))
                store(walk.at + i * walk.apart, integrated(best, h, scan.d, INTEGRATION) if adds else h, OUT)
        place, walk = next_place(place, slots), onward(walk)


def integrate(parts, size, maps, y, winner):
    """Integrate scans that ran side by side, and round: `maps` (N, MAPS, size) of FLOAT; `parts` blocks a sample.

    The arrays are addresses.
    """
    n = quotient(cuda.blockIdx.x, parts)
    rest = (cuda.blockIdx.x - n * parts) * cuda.blockDim.x + cuda.threadIdx.x
    if rest < size:
        at, best, number = maps + (n * MAPS * size + rest) * FLOAT_ITEM, FLOAT(0), short(0)
        for d in range(MAPS):
            h = load(at, FLOAT)
            if d == 0 or wins(h, best):
                number = short(d)
            best = integrated(best, h, d, INTEGRATION) if d > 0 else h
            at = at + size * FLOAT_ITEM
        pixel = n * size + rest
        store(y + pixel * ITEM, best, OUT)
        if winner != 0:
            store(winner + pixel, number, types.uint8)
