"""The CPU kernels: planes, directions, tiles, rows. Source text: `cpu.py` compiles it.

A scan goes row by row; the pixels of a row do not depend on each other and fill vector registers. Rows of
the image serve a vertical scan as they lie in memory; for a horizontal one `tiles.py` transposes a few
columns at a time, and from there on every direction runs the same code. Names in capitals are fixed when a
kernel is compiled.
"""

import numpy as np
from numba import prange

from spnkit.backends.simd import filled, itemsize, load, load_some, splat, store, store_some, with_lane_of
from spnkit.backends.tiles import Rows, Size, adjacent, fold, later, row_bytes, rows_of, shares
from spnkit.integration import Integration
from spnkit.normalization import gate_gradients, normalized
from spnkit.recurrence import gathered, input_gradient, propagated, sent, weight_gradients

LANES = 8  # as in tiles.py
TILE = 16  # as in tiles.py
CONNECTIONS = 3
RULE = 1  # of Normalization
INTEGRATION = 1  # of Integration
ANCHORED = True  # see Plan


def forward(zero, shape, codes, x, gates, y, winner):
    """All planes. `zero` carries the dtype, `shape` is (N, C, H, W), the rest are `Array`s."""
    like = splat(zero, LANES)
    row = row_bytes(max(shape[2], shape[3]), itemsize(like))
    room = ((2 + CONNECTIONS) * TILE + 2) * row + LANES * TILE * itemsize(like)
    for plane in prange(shape[0] * shape[1]):
        scratch = np.empty(room, np.uint8)  # passed on as an array: Numba frees what is only an address
        n, c = plane // shape[1], plane % shape[1]
        forward_plane(zero, n, c, shape, codes, x, gates, y, winner, scratch, row)


def forward_plane(zero, n, c, shape, codes, x, gates, y, winner, scratch, row):
    """Scan one plane in every direction and integrate."""
    like = splat(zero, LANES)
    item = itemsize(like)
    x_scratch = Rows(scratch.ctypes.data + LANES * item, row, item)
    gate_scratch = later(x_scratch, TILE)
    h = later(gate_scratch, CONNECTIONS * TILE + 1)  # the row before is the last of the previous tile
    block = Rows(later(h, TILE).at, TILE * item, item)
    for d in range(len(codes)):
        size = across(codes[d], shape)
        x_rows = rows_of(x, n, d, c, codes[d], size)
        gate_rows = rows_of(gates, n, d, c, codes[d], size)
        y_rows = rows_of(y, n, d, c, codes[d], size)
        winner_rows = rows_of(winner, n, d, c, codes[d], size)
        order = d if Integration.none != INTEGRATION else 0
        for t in range(0, size.steps, TILE):
            tile = Size(min(TILE, size.steps - t), size.lanes)
            xs = adjacent(later(x_rows, t), x_scratch, tile, like)
            gs, gap = adjacent_gates(later(gate_rows, t), gates.k, gate_scratch, tile, like)
            scan_tile(xs, gs, gap, h, t, tile, like)
            fold(later(y_rows, t), h, later(winner_rows, t), block, tile, order, INTEGRATION, like)
            copy_row(later(h, -1), later(h, tile.steps - 1), tile.lanes, like)


def across(code, shape):
    """Steps and lanes of a map in one direction."""
    return Size(shape[3], shape[2]) if code & 2 else Size(shape[2], shape[3])


def adjacent_gates(rows, gap, scratch, size, like):
    """`adjacent` for every connection; `gap` is from one connection to the next."""
    first = adjacent(rows, scratch, size, like)
    for o in range(1, CONNECTIONS):
        adjacent(Rows(rows.at + o * gap, rows.step, rows.lane), later(scratch, o * TILE), size, like)
    return first, TILE * scratch.step if first.at == scratch.at else gap


def copy_row(target, source, lanes, like):
    """A row of scratch to another place."""
    for k in range(0, lanes, LANES):
        at = k * itemsize(like)
        store(target.at + at, load(source.at + at, like))


def scan_tile(x, gates, gap, h, t, size, like):
    """Scan the rows of one tile, of which the first is step `t` of its direction."""
    for s in range(size.steps):
        own, g, to = x.at + s * x.step, gates.at + s * gates.step, h.at + s * h.step
        if t + s == 0:
            for k in range(0, size.lanes, LANES):
                store(to + k * h.lane, load_some(own + k * h.lane, like, size.lanes - k))
        else:
            for k in range(0, size.lanes, LANES):
                at, some = k * h.lane, size.lanes - k
                store(to + at, scan_pixels(own + at, g + at, gap, to + at - h.step, k, some, like))


def scan_pixels(x, gates, gap, before, k, some, like):
    """h of one vector of pixels, from pixel `k` on; `some` are left in the row, `before` lies behind them."""
    own = load_some(x, like, some)
    p = normalized(connections(gates, gap, some, like), RULE)
    p, neighbours = bounded(p, neighbours_at(before, like), own, k, some)
    return propagated(own, p, neighbours, own if ANCHORED else filled(0, own))


def connections(at, gap, some, like):
    """What lies at `at` for each connection of a vector of pixels, of which `some` are left in the row."""
    if CONNECTIONS == 1:
        return (load_some(at, like, some),)
    return (load_some(at, like, some), load_some(at + gap, like, some), load_some(at + 2 * gap, like, some))


def neighbours_at(at, like):
    """The neighbours of a vector of pixels, `at` being the one straight behind."""
    if CONNECTIONS == 1:
        return (load(at, like),)
    return (load(at - itemsize(like), like), load(at, like), load(at + itemsize(like), like))


def bounded(p, neighbours, own, k, some):
    """A neighbour outside the map counts as the pixel itself, with weight 0."""
    if CONNECTIONS == 1:
        return p, neighbours
    low, high = p[0], p[2]
    above, below = neighbours[0], neighbours[2]
    if k == 0:
        low, above = with_lane_of(low, filled(0, low), 0), with_lane_of(above, own, 0)
    if some <= LANES:
        high, below = with_lane_of(high, filled(0, high), some - 1), with_lane_of(below, own, some - 1)
    return (low, p[1], high), (above, neighbours[1], below)


def backward(zero, shape, codes, grad, winner, x, gates, dx, dgates):
    """Gradients of all planes; an absent `dgates` is not computed."""
    # Channels that share their gates add to one gradient: they stay on one thread, in order.
    together = shape[1] if dgates.at and not dgates.c else 1
    like = splat(zero, LANES)
    row = row_bytes(max(shape[2], shape[3]), itemsize(like))
    kept = max(shape[2], shape[3]) if dgates.at else TILE  # rows of h
    room = ((3 + 2 * CONNECTIONS) * TILE + 2 * CONNECTIONS + 2 + kept) * row + LANES * TILE * itemsize(like)
    for unit in prange(shape[0] * shape[1] // together):
        scratch = np.empty(room, np.uint8)
        for plane in range(unit * together, (unit + 1) * together):
            n, c = plane // shape[1], plane % shape[1]
            backward_plane(zero, n, c, shape, codes, grad, winner, x, gates, dx, dgates, scratch, row)


def backward_plane(zero, n, c, shape, codes, grad, winner, x, gates, dx, dgates, scratch, row):
    """Gradients of one plane: in every direction scan again, keeping h, then go back."""
    like = splat(zero, LANES)
    item = itemsize(like)
    x_scratch = Rows(scratch.ctypes.data + LANES * item, row, item)
    gate_scratch = later(x_scratch, TILE)
    a = later(gate_scratch, CONNECTIONS * TILE)
    dx_scratch = later(a, TILE)
    dgate_scratch = later(dx_scratch, TILE)
    q = later(dgate_scratch, CONNECTIONS * TILE)
    block = Rows(later(q, 2 * CONNECTIONS).at, TILE * item, item)
    h = Rows(block.at + LANES * TILE * item + row, row, item)
    for d in range(len(codes)):
        size = across(codes[d], shape)
        x_rows = rows_of(x, n, d, c, codes[d], size)
        gate_rows = rows_of(gates, n, d, c, codes[d], size)
        grad_rows = rows_of(grad, n, d, c, codes[d], size)
        winner_rows = rows_of(winner, n, d, c, codes[d], size)
        dx_rows = rows_of(dx, n, d, c, codes[d], size)
        dgate_rows = rows_of(dgates, n, d, c, codes[d], size)
        if dgates.at:
            for t in range(0, size.steps, TILE):
                tile = Size(min(TILE, size.steps - t), size.lanes)
                xs = adjacent(later(x_rows, t), x_scratch, tile, like)
                gs, gap = adjacent_gates(later(gate_rows, t), gates.k, gate_scratch, tile, like)
                scan_tile(xs, gs, gap, later(h, t), t, tile, like)
        clear(q, 2 * CONNECTIONS, like)
        for t in range((size.steps - 1) // TILE * TILE, -1, -TILE):
            tile = Size(min(TILE, size.steps - t), size.lanes)
            xs = adjacent(later(x_rows, t), x_scratch, tile, like)
            gs, gap = adjacent_gates(later(gate_rows, t), gates.k, gate_scratch, tile, like)
            winners = later(winner_rows, t)
            shares(a, later(grad_rows, t), winners, block, tile, d, len(codes), INTEGRATION, like)
            known = later(h, t) if dgates.at else h
            adjoint_tile(xs, gs, gap, known, a, q, dx_scratch, dgate_scratch, dgates.at != 0, t, tile, like)
            nowhere = Rows(0, 0, 0)
            fold(later(dx_rows, t), dx_scratch, nowhere, block, tile, d, Integration.sum, like)
            if dgates.at:
                for o in range(CONNECTIONS):
                    into = Rows(dgate_rows.at + o * dgates.k, dgate_rows.step, dgate_rows.lane)
                    dg = later(dgate_scratch, o * TILE)
                    earlier = c if dgates.c == 0 else 0
                    fold(later(into, t), dg, nowhere, block, tile, earlier, Integration.sum, like)


def clear(rows, steps, like):
    """Zero `steps` rows, with what lies between them."""
    nothing, one = filled(0, like), itemsize(like) * LANES
    for at in range(rows.at - one, rows.at - one + steps * rows.step, one):
        store(at, nothing)


def adjoint_tile(x, gates, gap, h, grad, q, dx, dgates, wanted, t, size, like):
    """Carry the gradient back through the rows of one tile; `q` holds what a row sends, two rows in turn."""
    for s in range(size.steps - 1, -1, -1):
        sending = later(q, (t + s) % 2 * CONNECTIONS).at
        receiving = later(q, (t + s + 1) % 2 * CONNECTIONS).at
        own, g = x.at + s * x.step, gates.at + s * gates.step
        for k in range(0, size.lanes, LANES):
            at, some = k * h.lane, size.lanes - k
            a = gathered(load(grad.at + s * grad.step + at, like), arrivals(receiving + at, q.step, like))
            to, to_gates = dx.at + s * dx.step + at, dgates.at + s * dgates.step + at
            if t + s == 0:
                store(to, a)
                if wanted:
                    scatter(to_gates, TILE * dgates.step, nothing(a), LANES)
            else:
                before = h.at + (s - 1) * h.step + at
                gate, pixel = connections(g + at, gap, some, like), load_some(own + at, like, some)
                weights = normalized(gate, RULE)
                p, neighbours = bounded(weights, neighbours_at(before, like), pixel, k, some)
                sends = sent(a, p)
                scatter(sending + at, q.step, sends, some)
                store(to, input_gradient(a, sends))
                if wanted:
                    dp = weight_gradients(a, neighbours, pixel)
                    scatter(to_gates, TILE * dgates.step, gate_gradients(gate, weights, dp, RULE), LANES)


def arrivals(at, gap, like):
    """What the pixels of the next step sent to a vector of pixels: gate 0 was sent up by the pixel below."""
    if CONNECTIONS == 1:
        return (load(at, like),)
    item = itemsize(like)
    return (load(at + item, like), load(at + gap, like), load(at + 2 * gap - item, like))


def scatter(at, gap, values, some):
    """One vector for each connection, `gap` apart; no more than `some` lanes are written."""
    for o in range(len(values)):
        store_some(at + o * gap, values[o], some)


def nothing(like):
    """A zero for each connection."""
    zero = filled(0, like)
    if CONNECTIONS == 1:
        return (zero,)
    return (zero, zero, zero)
