"""Kernels of streams for both axes: a block looks which way it scans. Source text: `streams.py` compiles it."""

from spnkit.backends.cuda.machine import cuda, quotient


def horizontally(*arguments):
    """`stream.side` or `stream_back.back` along rows; nothing where no direction is along rows."""


def vertically(*arguments):
    """The same along columns."""


def across(order):
    """Whether this block scans along rows."""
    index = cuda.blockIdx.x - quotient(cuda.blockIdx.x, order.count) * order.count
    return (order.codes >> (2 * index + 1) & 1) != 0


def streams(shape, order, x, gates, y, lengths, policy):
    """Scan; the arguments are `Shape`, `Order`, `Array`s, lanes of a stream (16 bits each way), and a cache policy."""
    if across(order):
        horizontally(shape, order, x, gates, y, lengths, policy)
    else:
        vertically(shape, order, x, gates, y, lengths, policy)


def streams_back(shape, order, x, gates, grad, winner, h, dx, dgates, lengths):
    """All gradients; `order` has the directions of the adjoint, and lanes of a stream are more than those of a map."""
    if across(order):
        horizontally(shape, order, x, gates, grad, winner, h, dx, dgates, lengths)
    else:
        vertically(shape, order, x, gates, grad, winner, h, dx, dgates, lengths)
