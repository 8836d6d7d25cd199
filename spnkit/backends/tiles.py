"""Memory to rows and back: how a tile of a map reaches the scan, whichever way it lies.

A tile is `steps` rows of `lanes` pixels, in scan order. Rows whose pixels are adjacent in memory are used in
place; others are copied to scratch, transposed in registers where a tile is made of columns of an
ordinary image. Everything is addresses and strides in bytes. Source text: `cpu.py` compiles it.
"""

from collections import namedtuple

from spnkit.backends.simd import (
    bytes_like,
    copy_pixel,
    copy_transposed,
    filled,
    itemsize,
    load,
    load_some,
    store,
    store_some,
    where,
)
from spnkit.integration import integrated, share, wins

LANES = 8  # pixels in a vector register, fixed when compiled
TILE = 16  # steps in a tile: a cache line of columns, fixed when compiled

Array = namedtuple("Array", "at n d k c h w")  # address and strides; 0 for an axis that is not there
Rows = namedtuple("Rows", "at step lane")  # pixel (t, k) lies at `at + t * step + k * lane`
Size = namedtuple("Size", "steps lanes")


def rows_of(array, n, d, c, code, size):
    """One plane of an array as rows in scan order; `code` is 2 * horizontal + reverse."""
    at = array.at + n * array.n + d * array.d + c * array.c
    step = array.w if code & 2 else array.h
    lane = array.h if code & 2 else array.w
    rows = Rows(at, step, lane)
    return backwards(rows, size.steps) if code & 1 else rows


def later(rows, t):
    """The rows from step `t` on."""
    return Rows(rows.at + t * rows.step, rows.step, rows.lane)


def backwards(rows, steps):
    """The same rows, the last one first."""
    return Rows(rows.at + (steps - 1) * rows.step, -rows.step, rows.lane)


def row_bytes(lanes, item):
    """Room for a row with a vector before and one behind it: an odd number of vectors, so that the columns
    of scratch spread over the whole cache."""
    return ((lanes // LANES + 3) | 1) * LANES * item


def adjacent(source, scratch, size, like):
    """The rows of a tile, pixels adjacent: in place if they are so, else copied to `scratch`."""
    if source.lane == scratch.lane:
        return source
    ahead = TILE * source.step  # the next tile
    if source.step == -scratch.lane:
        transpose(backwards(scratch, size.steps), backwards(source, size.steps), size, ahead, like)
    elif source.step == scratch.lane:
        transpose(scratch, source, size, ahead, like)
    else:
        copy(scratch, source, size, like)
    return scratch


def copy(target, source, size, like):
    """Pixel by pixel, for any strides."""
    for t in range(size.steps):
        for k in range(size.lanes):
            at = source.at + t * source.step + k * source.lane
            copy_pixel(target.at + t * target.step + k * target.lane, at, like)


def transpose(target, source, size, ahead, like):
    """Columns to rows: `source` has adjacent steps, `target` adjacent lanes. Also the way back.

    What lies `ahead` bytes further on is asked for meanwhile: no hardware foresees a walk down a column.
    """
    steps, lanes = size.steps // LANES * LANES, size.lanes // LANES * LANES
    for k in range(0, lanes, LANES):
        for t in range(0, steps, LANES):
            to = target.at + t * target.step + k * target.lane
            copy_transposed(to, target.step, source.at + t * source.step + k * source.lane, source.lane, ahead, like)
    behind = Rows(source.at + steps * source.step, source.step, source.lane)
    copy(later(target, steps), behind, Size(size.steps - steps, size.lanes), like)
    below = Rows(source.at + lanes * source.lane, source.step, source.lane)
    rest = Rows(target.at + lanes * target.lane, target.step, target.lane)
    copy(rest, below, Size(steps, size.lanes - lanes), like)


def fold(y, h, winner, block, size, d, rule, like):
    """Integrate the rows `h` of direction number `d` into the map `y`; d = 0 just stores."""
    if y.lane == h.lane:
        for t in range(size.steps):
            fold_line(y.at + t * y.step, h.at + t * h.step, winner.at + t * winner.step, size.lanes, d, rule, like)
        return
    if y.step < 0:
        y, h, winner = backwards(y, size.steps), backwards(h, size.steps), backwards(winner, size.steps)
    for k in range(0, size.lanes, LANES):
        some = min(LANES, size.lanes - k)
        across = Rows(h.at + k * h.lane, h.lane, h.step)
        transpose(block, across, Size(some, size.steps), 0, like)
        for i in range(some):
            line = winner.at + (k + i) * winner.lane
            fold_line(y.at + (k + i) * y.lane, block.at + i * block.step, line, size.steps, d, rule, like)


def fold_line(y, h, winner, count, d, rule, like):
    """`fold` for adjacent pixels in all; without a winner map its address is 0."""
    byte = bytes_like(like)
    for j in range(0, count, LANES):
        at, some = j * itemsize(like), count - j
        new = load(h + at, like)
        if d == 0:
            store_some(y + at, new, some)
            if winner:
                store_some(winner + j, filled(0, byte), some)
        else:
            best = load_some(y + at, like, some)
            store_some(y + at, integrated(best, new, d, rule), some)
            if winner:
                won = where(wins(new, best), filled(d, byte), load_some(winner + j, byte, some))
                store_some(winner + j, won, some)


def shares(target, grad, winner, block, size, d, total, rule, like):
    """The rows of the gradient that direction `d` of `total` gets: `fold` undone. grad has adjacent columns."""
    if grad.lane == target.lane:
        for t in range(size.steps):
            line = winner.at + t * winner.step
            share_line(target.at + t * target.step, grad.at + t * grad.step, line, size.lanes, d, total, rule, like)
        return
    if grad.step < 0:
        target, grad, winner = (
            backwards(target, size.steps), backwards(grad, size.steps), backwards(winner, size.steps)
        )  # fmt: skip
    for k in range(0, size.lanes, LANES):
        some = min(LANES, size.lanes - k)
        for i in range(some):
            line = winner.at + (k + i) * winner.lane
            at = grad.at + (k + i) * grad.lane
            share_line(block.at + i * block.step, at, line, size.steps, d, total, rule, like)
        columns = Rows(block.at, block.lane, block.step)
        into = Rows(target.at + k * target.lane, target.step, target.lane)
        transpose(into, columns, Size(size.steps, some), 0, like)


def share_line(target, grad, winner, count, d, total, rule, like):
    """`shares` for adjacent pixels in all."""
    byte = bytes_like(like)
    for j in range(0, count, LANES):
        at, some = j * itemsize(like), count - j
        own = load_some(grad + at, like, some)
        if winner:
            store(target + at, share(own, load_some(winner + j, byte, some) == filled(d, byte), total, rule))
        else:
            store(target + at, share(own, own == own, total, rule))
