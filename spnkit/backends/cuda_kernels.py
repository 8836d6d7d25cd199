"""The CUDA kernels. Source text: `cuda.py` compiles it, names in capitals are fixed then.

A block scans a plane (or CHANNELS planes that share their gates), a thread a lane. The plane is walked in tiles of
TILE steps: while one tile is computed in shared memory, the next is on its way from device memory to registers,
in the order in which it lies in memory, whichever way the scan runs. Lanes beyond the block's threads are
scanned in chunks, each leaning against the one before it: with every step a chunk moves one lane up, so
that all it hears of is its own past and the last two lanes of its predecessor.
"""

from collections import namedtuple

from spnkit.backends.cuda_geometry import (
    TILE,
    Tile,
    across,
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
from spnkit.backends.cuda_machine import cuda, load, peek, poke, store, types
from spnkit.backends.cuda_tiles import FLOAT, fetch, forget, keep, lean, moving, resume, staged
from spnkit.integration import integrated, wins
from spnkit.normalization import normalized
from spnkit.recurrence import propagated
from spnkit.scalars import where

CONNECTIONS = 3
CHANNELS = 1  # planes of a block
RULE = 1  # of Normalization
INTEGRATION = 1  # of Integration
ANCHORED = True  # see Plan
ITEM = 4  # bytes in a value

Shape = namedtuple("Shape", "n c h w")
# Of `total` directions, the `count` from number `first` on, `each` of them to a block. `codes` has two bits for each;
# `skews` says whether chunks lean: bit 0 horizontally, bit 1 vertically.
Order = namedtuple("Order", "codes count first total each skews")
Work = namedtuple("Work", "n c begin end")
Beside = namedtuple("Beside", "at y")  # addresses of the winners, or 0, and of the y that they are laid out as
Held = namedtuple("Held", "gates x")  # registers on their way from device memory, [layer, slot]


def forward(shape, order, x, gates, y, winner):
    """Scan and integrate; the arguments are `Shape`, `Order`, `Array`s, and the address of `winner`, laid out as y."""
    shared = cuda.shared.array(0, FLOAT)
    work = work_of(shape, order)
    for index in range(work.begin, work.end):
        code, d = order.codes >> (2 * index) & 3, order.first + index
        size = across(code, shape, order.skews)
        xs = layers_of(x, work.n, d, work.c, x.c, code, size)
        weights = layers_of(gates, work.n, d, work.c, gates.k, code, size)
        ys = layers_of(y, work.n, d, work.c, y.c, code, size)
        scan(shared, size, xs, weights, ys, Beside(winner, y.at), d if y.d == 0 else 0)


def work_of(shape, order):
    """What a block is there for: CHANNELS planes from channel `c` on, in the directions from `begin` to `end`."""
    parts = (order.count + order.each - 1) // order.each
    unit, begin = cuda.blockIdx.x // parts, cuda.blockIdx.x % parts * order.each
    groups = shape.c // CHANNELS
    return Work(unit // groups, unit % groups * CHANNELS, begin, min(begin + order.each, order.count))


def scan(shared, size, x, gates, y, winner, d):
    """One direction of a block's planes, folded into y as direction number `d`."""
    held = Held(cuda.local.array((CONNECTIONS, TILE), FLOAT), cuda.local.array((CHANNELS, TILE), FLOAT))
    best = cuda.local.array((CHANNELS, TILE), FLOAT)
    slots, chunks = slots_of(gates, size), chunks_of(size)
    cuda.syncthreads()
    forget(shared, CONNECTIONS, CHANNELS, size)
    tile = Tile(short(0), short(0))
    turn_over(shared, held, tile, tile, False, gates, x, slots, size)
    while tile.t < size.steps:
        following = next_tile(tile, chunks)
        lean(shared, CONNECTIONS, CHANNELS, tile, size)
        cuda.syncthreads()
        turn_over(shared, held, tile, following, True, gates, x, slots, size)
        resume(shared, CONNECTIONS, CHANNELS, tile, size)
        cuda.syncthreads()
        if d > 0:
            look_up(best, y, tile, slots, size)
        for s in range(min(TILE, size.steps - tile.t)):
            advance(shared, s, tile, size)
            cuda.syncthreads()
        keep(shared, CONNECTIONS, CHANNELS, tile, size)
        fold(shared, best, y, winner, d, tile, slots, size)
        tile = following


def turn_over(shared, held, tile, following, stages, gates, x, slots, size):
    """Slot by slot: a tile from registers to shared memory, and the following one on its way to registers."""
    place, ahead = first_place(slots, tile, size), first_place(slots, following, size)
    gate_walk, x_walk = walk_from(gates, ahead, slots), walk_from(x, ahead, slots)
    for r in range(TILE):
        if stages:
            stage(shared, held, r, place, size)
        known = inside(ahead.t, ahead.k, size)
        fetch(held.gates, r, gate_walk, known, FLOAT)
        fetch(held.x, r, x_walk, known, FLOAT)
        gate_walk, x_walk = onward(gate_walk), onward(x_walk)
        place, ahead = next_place(place, slots), next_place(ahead, slots)


def stage(shared, held, r, place, size):
    """The weights and pixels of a slot, from registers to shared memory."""
    p = bounded(normalized(of_connections(held.gates, r), RULE), place.t > 0, place.k, size)
    for o in range(CONNECTIONS):
        poke(shared, place.spot, staged(o), p[o])
    for i in range(CHANNELS):
        poke(shared, place.spot, moving(CONNECTIONS, i), held.x[i, r])


def look_up(held, layers, tile, slots, size):
    """What the slots of a tile hold so far, on its way to registers."""
    place = first_place(slots, tile, size)
    walk = walk_from(layers, place, slots)
    for r in range(TILE):
        fetch(held, r, walk, inside(place.t, place.k, size), FLOAT)
        walk, place = onward(walk), next_place(place, slots)


def of_connections(held, r):
    """What registers hold for each connection of a slot."""
    if CONNECTIONS == 1:
        return (held[0, r],)
    return (held[0, r], held[1, r], held[2, r])


def connections(shared, spot, first, gap):
    """What shared memory has for each connection of a pixel, from `first` on, `gap` apart."""
    if CONNECTIONS == 1:
        return (peek(shared, spot, first),)
    return (peek(shared, spot, first), peek(shared, spot, first + gap), peek(shared, spot, first + 2 * gap))


def bounded(p, past, k, size):
    """The weights of a pixel, 0 where its neighbour is outside the map; without a past all are."""
    zero = FLOAT(0)
    if CONNECTIONS == 1:
        return (where(past, p[0], zero),)
    above, below = past & (k > 0), past & (k < size.lanes - 1)
    return (where(above, p[0], zero), where(past, p[1], zero), where(below, p[2], zero))


def advance(shared, s, tile, size):
    """Step `s` of a tile: every thread turns x of its lane into h, in place. Outside the map h is 0."""
    c = cuda.threadIdx.x
    if inside(0, tile.k + c - s * size.skew, size):
        here, behind = spot_of(s, c), spot_of(s - 1, c - size.skew)
        p = connections(shared, here, 0, staged(1))
        for i in range(CHANNELS):
            x = peek(shared, here, moving(CONNECTIONS, i))
            neighbours = connections(shared, behind, moving(CONNECTIONS, i) - CONNECTIONS // 2, 1)
            h = propagated(x, p, neighbours, x if ANCHORED else FLOAT(0))
            poke(shared, here, moving(CONNECTIONS, i), h)


def fold(shared, best, y, winner, d, tile, slots, size):
    """Integrate h of a tile into y, and note where direction `d` wins."""
    place = first_place(slots, tile, size)
    walk = walk_from(y, place, slots)
    for r in range(TILE):
        if inside(place.t, place.k, size):
            for i in range(CHANNELS):
                at = walk.at + i * walk.apart
                h, so_far = peek(shared, place.spot, moving(CONNECTIONS, i)), best[i, r]
                store(at, integrated(so_far, h, d, INTEGRATION) if d > 0 else h)
                if winner.at != 0 and (d == 0 or wins(h, so_far)):
                    store(winner.at + (at - winner.y) // ITEM, types.uint8(d))
        place, walk = next_place(place, slots), onward(walk)


def integrate(samples, size, directions, maps, y, winner):
    """The same for scans that ran side by side: `maps` (samples, directions, size), addresses of adjacent values."""
    for pixel in range(cuda.grid(1), samples * size, cuda.gridsize(1)):
        n, rest = pixel // size, pixel % size
        best, number = FLOAT(0), 0
        for d in range(directions):
            h = load(maps + ((n * directions + d) * size + rest) * ITEM, FLOAT)
            if d == 0 or wins(h, best):
                number = d
            best = integrated(best, h, d, INTEGRATION) if d > 0 else h
        store(y + pixel * ITEM, best)
        if winner != 0:
            store(winner + pixel, types.uint8(number))
