"""A tile in shared memory. Source text: `cuda.py` compiles it.

Shared memory is lines that a block fits in: first the staged layers, TILE lines each (what lies still), then
the moving layers, which the scan passes from step to step: TILE lines and, before them, the last of the tile before.
Behind the lines, the last step of every moving layer, all lanes of it, for the next tile.
"""

from spnkit.backends.cuda_geometry import LINE, TILE, short, spot_of
from spnkit.backends.cuda_machine import cuda, load, peek, poke, types

FLOAT = types.float32  # what is computed in
EDGE = 2  # lanes of the chunk before that a chunk hears of


def staged(layer):
    """Where a staged layer begins."""
    return layer * TILE * LINE


def moving(before, i):
    """Where moving layer `i` begins, behind `before` staged ones; spots are counted from s = -1 and c = -EDGE on."""
    return (before * TILE + i * (TILE + 1) + 1) * LINE + EDGE


def ends(before, layers):
    """Where the last steps of the moving layers are kept."""
    return (before * TILE + layers * (TILE + 1)) * LINE


def forget(shared, before, layers, size):
    """Nothing has moved yet: every moving layer is zero, as it stays outside the map."""
    first, end = staged(before), ends(before, layers) + layers * size.lanes
    for at in range(first + cuda.threadIdx.x, end, cuda.blockDim.x):
        poke(shared, short(at), 0, FLOAT(0))


def lean(shared, before, layers, tile, size):
    """Before a leaning chunk replaces its predecessor: keep the predecessor's last lanes."""
    threads = cuda.blockDim.x
    for number in range(cuda.threadIdx.x, size.skew * TILE * EDGE, threads):
        s, c = number // EDGE, number % EDGE - EDGE
        for i in range(layers):
            value = peek(shared, spot_of(s, threads + c), moving(before, i)) if tile.k > 0 else FLOAT(0)
            poke(shared, spot_of(s, c), moving(before, i), value)


def resume(shared, before, layers, tile, size):
    """The line before the first, from what the tile before left."""
    threads = cuda.blockDim.x
    for c in range(cuda.threadIdx.x - EDGE, threads + 1, threads):
        k = tile.k + size.skew + c
        for i in range(layers):
            known = (k >= 0) & (k < size.lanes)
            value = peek(shared, short(i * size.lanes + k), ends(before, layers)) if known else FLOAT(0)
            poke(shared, spot_of(-1, c), moving(before, i), value)


def keep(shared, before, layers, tile, size):
    """The last line, for the next tile."""
    c = cuda.threadIdx.x
    k = tile.k + c - (TILE - 1) * size.skew
    if (k >= 0) & (k < size.lanes):
        for i in range(layers):
            value = peek(shared, spot_of(TILE - 1, c), moving(before, i))
            poke(shared, short(i * size.lanes + k), ends(before, layers), value)


def fetch(held, r, walk, known, kind):
    """Slot `r` of as many layers as `held` has rows, on its way to these registers."""
    for i in range(held.shape[0]):
        held[i, r] = load(walk.at + i * walk.apart, kind) if known else kind(0)
