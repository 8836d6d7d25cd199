"""Memory to rows and back: how a map reaches the scan, whichever way it lies.

A plane is seen as `steps` rows of `lanes` pixels. Rows whose pixels are adjacent in memory are used in place; others
are copied to scratch, transposed in registers where the plane is made of rows of an ordinary image. Everything is
addresses and strides in bytes. Source text: `backend.py` compiles it.
"""

from collections import namedtuple

from spnkit.backends.cpu.simd import ask_rows, copy_pixel, copy_transposed, itemsize

LANES = 8  # pixels in a vector register, fixed when compiled
SOON = 32  # rows that are asked for before they are needed
LINE = 64  # bytes of scratch that rows are padded by, and aligned to

Array = namedtuple("Array", "at n d k c h w")  # address and strides; 0 for an axis that is not there
Rows = namedtuple("Rows", "at step lane map")  # pixel (t, k) of map m lies at `at + t * step + k * lane + m * map`
Size = namedtuple("Size", "steps lanes")
Part = namedtuple("Part", "begin end")  # of the lanes
# How many maps are copied, and from one to the next in both; what lies `ahead` bytes further on will be copied next, if
# that is not 0; whether the target `streams` past the caches.
Layers = namedtuple("Layers", "count target source ahead streams")


def rows_of(array, n, d, c, code):
    """Planes of an array as rows along or across the image, not yet reversed; `code` is 2 * horizontal + reverse."""
    at = array.at + n * array.n + d * array.d + c * array.c
    step = array.w if code & 2 else array.h
    lane = array.h if code & 2 else array.w
    return Rows(at, step, lane, array.c)


def later(rows, t):
    """The rows from step `t` on."""
    return Rows(rows.at + t * rows.step, rows.step, rows.lane, rows.map)


def backwards(rows, steps):
    """The same rows, the last one first."""
    return Rows(rows.at + (steps - 1) * rows.step, -rows.step, rows.lane, rows.map)


def row_bytes(lanes, item):
    """From one row of scratch to the next: room for a line before and one behind, and an odd number of lines, so
    that columns spread over the whole cache."""
    return (((lanes * item + LINE - 1) // LINE + 2) | 1) * LINE


def copy(target, source, size, part, layers, like):
    """Pixels of `source` to `target`, in registers where one has adjacent pixels and the other adjacent steps."""
    item = itemsize(like)
    inward = target.lane == item and abs(source.step) == item
    outward = source.lane == item and abs(target.step) == item
    if (inward or outward) and size.lanes >= LANES:
        if (source.step if inward else target.step) < 0:
            target, source = backwards(target, size.steps), backwards(source, size.steps)
        steps = size.steps // LANES * LANES
        transpose(target, source, Size(steps, size.lanes), part, layers, inward, like)
        target, source, size = later(target, steps), later(source, steps), Size(size.steps - steps, size.lanes)
    for i in range(layers.count):
        for k in range(part.begin, part.end):
            for t in range(size.steps):
                at = source.at + i * layers.source + t * source.step + k * source.lane
                copy_pixel(target.at + i * layers.target + t * target.step + k * target.lane, at, like)


def transpose(target, source, size, part, layers, inward, like):
    """Adjacent steps to adjacent lanes, or outward again. The last block of lanes overlaps the one before; blocks
    side by side in the image follow each other, since pairs of lines travel together.

    No hardware foresees a walk down a column, so rows are asked for some time before they are needed; behind the last
    ones the first of the next tile.
    """
    to_stride, at_stride = (target.step, source.lane) if inward else (target.lane, source.step)
    image = source if inward else target
    for first in range(part.begin, part.end, LANES):
        k = min(first, size.lanes - LANES)
        soon = SOON * image.lane + (0 if k + SOON < size.lanes else layers.ahead - size.lanes * image.lane)
        soon += LINE - 1 if layers.ahead > 0 else 0  # of two lines that a row of a block may lie in, the new one
        for i in range(layers.count):
            for t in range(0, size.steps, LANES):
                to = target.at + t * target.step + k * target.lane + i * layers.target
                at = source.at + t * source.step + k * source.lane + i * layers.source
                if layers.ahead and not layers.streams:
                    ask_rows((at if inward else to) + soon, image.lane, like)
                copy_transposed(to, to_stride, at, at_stride, layers.streams, like)
