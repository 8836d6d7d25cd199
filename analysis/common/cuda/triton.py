"""The scan as a Triton kernel, the strongest rival we could write: three-way, "clip", weights made on the way.

A program takes a plane and a direction. Lanes lie across its threads, h stays in registers, and neighbours are
gathered from it. Vertical scans read a row a step. Horizontal ones read 8 columns at once, a sector of every
row, and split them in registers, or else every step would ask for all sectors again. Triton's own pipeline asks for
what comes next. Which of `LAYOUTS` is best is tried on the spot.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from analysis.common.rivals import WAYS

LAYOUTS = {  # warps and stages of the pipeline
    True: ((8, 1), (8, 2), (16, 1), (16, 2)),  # horizontal: 8 columns of a plane are many bytes already
    False: ((4, 4), (8, 4), (8, 6), (16, 4)),
}


@triton.jit
def advanced(h, x, low, middle, high, k, LANES, BLOCK: tl.constexpr):
    """One step: x + sum p (h - x), with |g| that sum to more than one scaled, and no neighbours outside."""
    scale = 1 / tl.maximum(tl.abs(low) + tl.abs(middle) + tl.abs(high), 1)
    above = tl.gather(h, tl.maximum(k - 1, 0), 0)
    below = tl.gather(h, tl.minimum(k + 1, BLOCK - 1), 0)
    total = middle * (h - x)
    total += tl.where(k > 0, low * (above - x), 0)
    total += tl.where(k < LANES - 1, high * (below - x), 0)
    return x + scale * total


@triton.jit
def put(at, h, inside, ADD: tl.constexpr):
    """A result, or the maximum of it and what is there."""
    if ADD:
        h = tl.maximum(h, tl.load(at, mask=inside, other=0))
    tl.store(at, h, mask=inside)


@triton.jit
def vertical(
    x, g, y, STEPS, LANES, apart, BACK: tl.constexpr, ADD: tl.constexpr, BLOCK: tl.constexpr, DEEP: tl.constexpr
):
    """From row to row of a plane that lies row by row; its three planes of gates lie one behind the other."""
    plane = tl.program_id(0).to(tl.int64)
    size = STEPS * LANES
    x, y, g = x + plane * size, y + plane * size, g + plane * apart
    k = tl.arange(0, BLOCK)
    inside = k < LANES
    first = (STEPS - 1) * LANES if BACK else 0
    h = tl.load(x + first + k, mask=inside, other=0)
    put(y + first + k, h, inside, ADD)
    for t in tl.range(1, STEPS, num_stages=DEEP):
        at = (STEPS - 1 - t if BACK else t) * LANES + k
        own = tl.load(x + at, mask=inside, other=0)
        low = tl.load(g + at, mask=inside, other=0)
        middle = tl.load(g + size + at, mask=inside, other=0)
        high = tl.load(g + 2 * size + at, mask=inside, other=0)
        h = advanced(h, own, low, middle, high, k, LANES, BLOCK)
        put(y + at, h, inside, ADD)


@triton.jit
def columns(at, inside, BLOCK: tl.constexpr):
    """The 8 columns of a tile (BLOCK, 8), each a tensor of its own."""
    tile = tl.reshape(tl.load(at, mask=inside, other=0), (BLOCK, 2, 2, 2))  # column 4 a + 2 b + c
    even, odd = tl.split(tile)
    c00, c10 = tl.split(even)
    c01, c11 = tl.split(odd)
    a, e = tl.split(c00)
    c, g = tl.split(c10)
    b, f = tl.split(c01)
    d, h = tl.split(c11)
    return a, b, c, d, e, f, g, h


@triton.jit
def tiled(h, BLOCK: tl.constexpr):
    """The way back of `columns`."""
    even = tl.join(tl.join(h[0], h[4]), tl.join(h[2], h[6]))
    odd = tl.join(tl.join(h[1], h[5]), tl.join(h[3], h[7]))
    return tl.reshape(tl.join(even, odd), (BLOCK, 8))


@triton.jit
def horizontal(
    x, g, y, STEPS, LANES, apart, BACK: tl.constexpr, ADD: tl.constexpr, BLOCK: tl.constexpr, DEEP: tl.constexpr
):
    """From column to column of such a plane, 8 columns at a time."""
    plane = tl.program_id(0).to(tl.int64)
    size = STEPS * LANES
    x, y, g = x + plane * size, y + plane * size, g + plane * apart
    k, tiles = tl.arange(0, BLOCK), tl.cdiv(STEPS, 8)
    h = tl.zeros((BLOCK,), tl.float32)
    for i in tl.range(0, tiles, num_stages=DEEP):
        t = (tiles - 1 - i if BACK else i) * 8 + tl.arange(0, 8)
        at, inside = k[:, None] * STEPS + t[None, :], (k < LANES)[:, None] & (t < STEPS)[None, :]
        own, low = columns(x + at, inside, BLOCK), columns(g + at, inside, BLOCK)
        middle, high = columns(g + size + at, inside, BLOCK), columns(g + 2 * size + at, inside, BLOCK)
        left = ()
        for j in tl.static_range(8):
            x_j, low_j = own[7 - j if BACK else j], low[7 - j if BACK else j]
            middle_j, high_j = middle[7 - j if BACK else j], high[7 - j if BACK else j]
            now = advanced(h, x_j, low_j, middle_j, high_j, k, LANES, BLOCK)
            column = (tiles - 1 - i) * 8 + 7 - j if BACK else i * 8 + j
            begins = column >= STEPS - 1 if BACK else column == 0  # columns beyond the last are not there
            h = tl.where(begins, x_j, now)
            left = (h,) + left if BACK else left + (h,)  # noqa: RUF005  (Triton knows no starred tuples)
        put(y + at, tiled(left, BLOCK), inside, ADD)


def launch(way, x, gates, y, add, warps, deep):
    """One direction of x (N, C, H, W) by gates (N, 3, C, H, W) into y, all float32."""
    axis, back = way
    horizontally = axis == 3
    steps, lanes = (x.shape[3], x.shape[2]) if horizontally else (x.shape[2], x.shape[3])
    kernel, block = (horizontal if horizontally else vertical), triton.next_power_of_2(lanes)
    planes = x.shape[0] * x.shape[1]
    kernel[(planes,)](x, gates, y, steps, lanes, 3 * steps * lanes, back, add, block, deep, num_warps=warps)


def arranged(x, gates):
    """Contiguous x, and the gates (N, D, 3, C, H, W) of each direction with the three of a plane together."""
    return x.contiguous(), [d.transpose(1, 2).contiguous() for d in gates.unbind(1)]


def best_of(makers, clock):
    """The fastest of several calls by `clock`; those that do not fit into the GPU are left out."""
    times, failed = {}, []
    for key, call in makers.items():
        try:
            times[key] = clock(call)
        except Exception as error:  # out of shared memory or registers
            failed.append(f"{key}: {error}")
    if not times:
        raise RuntimeError("; ".join(failed)[:300])
    return min(times, key=times.get)


def unit(x, gates, clock, ways=WAYS):
    """A call that scans in every one of `ways` and takes the maximum, and the layouts (warps, stages) it was given."""
    x, gates = arranged(x, gates)
    y = torch.empty_like(x)

    def scan(d, layout):
        return lambda: launch(ways[d], x, gates[d], y, d > 0, *layout)

    chosen = {}  # the way back has that of the way there
    for d, (axis, _) in enumerate(ways):
        if axis not in chosen:
            chosen[axis] = best_of({key: scan(d, key) for key in LAYOUTS[axis == 3]}, clock)

    def call():
        for d, (axis, _) in enumerate(ways):
            scan(d, chosen[axis])()
        return y

    return call, list(chosen.values())
