"""Where a pixel lies, and whose it is: planes in scan order, tiles of steps, chunks of lanes, slots of threads.

Everything is addresses and strides in bytes. Source text: `cuda.py` compiles it.
"""

from collections import namedtuple

from spnkit.backends.cuda_machine import cuda, opaque, short

TILE = 8  # steps in a tile, fixed when compiled
LINE = 68  # from one line of a tile to the next, likewise

Array = namedtuple("Array", "at n d k c h w")  # address and strides; 0 for an axis that is not there
Layers = namedtuple("Layers", "at apart step lane")  # pixel (t, k) of layer i: at + i * apart + t * step + k * lane
Size = namedtuple("Size", "steps lanes skew")  # of a plane in scan order; skew is 1 where chunks lean
Tile = namedtuple("Tile", "t k")  # the step and the lane of its slot (0, 0)
Slots = namedtuple("Slots", "s c ds dc dk")  # the first of TILE slots of a thread, and the way to the next
Place = namedtuple("Place", "spot c t k")  # a slot: where in a tile, and its pixel (t, k) of the plane
Walk = namedtuple("Walk", "at apart hop")  # an address in layers that goes from slot to slot


def across(code, shape, skews):
    """The size of a plane in one direction; `code` is 2 * horizontal + reverse."""
    if code & 2:
        return Size(short(shape.w), short(shape.h), short(skews & 1))
    return Size(short(shape.h), short(shape.w), short(skews >> 1))


def layers_of(array, n, d, c, apart, code, size):
    """Planes `apart` bytes from each other, in scan order."""
    at = array.at + n * array.n + d * array.d + c * array.c
    step = array.w if code & 2 else array.h
    lane = array.h if code & 2 else array.w
    if code & 1:
        return Layers(at + (size.steps - 1) * step, apart, -step, lane)
    return Layers(at, apart, step, lane)


def chunks_of(size):
    """How many blocks' worth of lanes a tile has; leaning chunks end TILE - 1 lanes further up."""
    threads = cuda.blockDim.x
    return short((size.lanes + size.skew * (TILE - 1) + threads - 1) // threads)


def next_tile(tile, chunks):
    """Tiles follow one another chunk by chunk, then step by step."""
    if tile.k + cuda.blockDim.x < chunks * cuda.blockDim.x:
        return Tile(tile.t, short(tile.k + cuda.blockDim.x))
    return Tile(short(tile.t + TILE), short(0))


def slots_of(layers, size):
    """Threads that follow one another take pixels that do: along the steps, or along the lanes."""
    along_steps = abs(layers.step) < abs(layers.lane)
    run = short(TILE if along_steps else 1)
    ds, dc = (0, cuda.blockDim.x // TILE) if along_steps else (1, 0)
    s, c = short(cuda.threadIdx.x % run), short(cuda.threadIdx.x // run)
    return Slots(s, c, short(ds), short(dc), short(dc - ds * size.skew))


def spot_of(s, c):
    """Where slot (s, c) is in every layer of a tile."""
    return short(s * LINE + c)


def first_place(slots, tile, size):
    """The first slot of a thread in a tile."""
    t, k = tile.t + slots.s, tile.k + slots.c - slots.s * size.skew
    return Place(spot_of(slots.s, slots.c), slots.c, short(t), short(k))


def next_place(place, slots):
    """The slot after it. Opaque, or else the compiler keeps the spots of all slots in registers."""
    spot = opaque(short(place.spot + spot_of(slots.ds, slots.dc)))
    return Place(spot, short(place.c + slots.dc), short(place.t + slots.ds), short(place.k + slots.dk))


def inside(t, k, size):
    """Whether there is such a pixel."""
    return (t < size.steps) & (k >= 0) & (k < size.lanes)


def address(layers, i, t, k):
    """Where pixel (t, k) of layer `i` lies."""
    return layers.at + i * layers.apart + t * layers.step + k * layers.lane


def walk_from(layers, place, slots):
    """An address that starts at a place."""
    return Walk(address(layers, 0, place.t, place.k), layers.apart, slots.ds * layers.step + slots.dk * layers.lane)


def onward(walk):
    """The address for the next slot; opaque for the same reason."""
    return Walk(opaque(walk.at + walk.hop), walk.apart, walk.hop)
