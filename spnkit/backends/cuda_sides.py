"""A kernel of streams for both axes: a block looks which way it scans. Source text: `cuda_streams.py` compiles it."""

from spnkit.backends.cuda_machine import cuda, quotient


def horizontally(shape, order, x, gates, y, lengths, policy):
    """`cuda_stream.stream` along rows; nothing where no direction is along rows."""


def vertically(shape, order, x, gates, y, lengths, policy):
    """The same along columns."""


def streams(shape, order, x, gates, y, lengths, policy):
    """Scan; the arguments are `Shape`, `Order`, `Array`s, lanes of a stream (16 bits each way), and a cache policy."""
    index = cuda.blockIdx.x - quotient(cuda.blockIdx.x, order.count) * order.count
    if order.codes >> (2 * index + 1) & 1:
        horizontally(shape, order, x, gates, y, lengths, policy)
    else:
        vertically(shape, order, x, gates, y, lengths, policy)
