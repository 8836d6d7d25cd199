"""Where a pixel lies, and whose it is: planes in scan order, tiles of steps, chunks of lanes, slots of threads.

Everything is addresses and strides in bytes. Source text: `backend.py` compiles it.
"""

from collections import namedtuple

from spnkit.backends.cuda.machine import cuda, opaque, short

TILE = 8  # steps in a tile, fixed when compiled
# Pixels of a tile that a thread copies and writes: all of its lane's, if it has the lane to itself. Loops over them
# that end at an `opaque` number would take too many registers unrolled.
SLOTS = 8
LINE = 68  # from one line of a tile to the next, likewise

Array = namedtuple("Array", "at n d k c h w")  # address and strides; 0 for an axis that is not there
# One scan of one plane: which, and how it lies; `code` is 2 * horizontal + reverse, `skew` is 1 where chunks lean.
Scan = namedtuple("Scan", "n d c code steps lanes skew")
Layers = namedtuple("Layers", "at apart step lane")  # pixel (t, k) of layer i: at + i * apart + t * step + k * lane
Tile = namedtuple("Tile", "t k")  # the step and the lane of its slot (0, 0)
Slots = namedtuple("Slots", "s c ds dc dk")  # the first of SLOTS slots of a thread, and the way to the next
Place = namedtuple("Place", "spot c t k")  # a slot: where in a tile, and its pixel (t, k) of the plane
Walk = namedtuple("Walk", "at apart hop")  # an address in layers that goes from slot to slot


def scan_of(n, d, c, code, shape, skews):
    """One scan of a map."""
    horizontal = (code & 2) != 0
    steps, lanes = (shape.w, shape.h) if horizontal else (shape.h, shape.w)
    skew = skews & 1 if horizontal else skews >> 1
    return Scan(n, short(d), short(c), short(code), short(steps), short(lanes), short(skew))


def again(scan):
    """The same scan. Opaque: what follows from it is computed where it is used, or else it fills the registers."""
    return Scan(scan.n, scan.d, scan.c, opaque(scan.code), scan.steps, scan.lanes, scan.skew)


def anew(scan):
    """The same, and the plane too: what a rare branch needs is then computed there, and waits in no register."""
    return Scan(opaque(scan.n), opaque(scan.d), opaque(scan.c), opaque(scan.code), scan.steps, scan.lanes, scan.skew)


def layers_of(array, scan, apart):
    """Planes `apart` bytes from each other, in scan order."""
    at = array.at + scan.n * array.n + scan.d * array.d + scan.c * array.c
    horizontal = (scan.code & 2) != 0
    step, lane = (array.w, array.h) if horizontal else (array.h, array.w)
    if scan.code & 1:
        return Layers(at + (scan.steps - 1) * step, apart, -step, lane)
    return Layers(at, apart, step, lane)


def next_tile(tile, scan):
    """Tiles follow one another chunk by chunk, then step by step; leaning chunks end TILE - 1 lanes further up."""
    k = tile.k + cuda.blockDim.x
    if k < scan.lanes + scan.skew * (TILE - 1):
        return Tile(tile.t, short(k))
    return Tile(short(tile.t + TILE), short(0))


def thread():
    """The number of a thread in its block: x is its lane, y is its place among those that share the lane."""
    return short(cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x)


def slots_of(layers, scan):
    """Threads that follow one another take pixels that do: along the steps, or along the lanes."""
    if abs(layers.step) < abs(layers.lane):
        number, dc = thread(), short(cuda.blockDim.x // SLOTS)
        return Slots(short(number % TILE), short(number // TILE), short(0), dc, dc)
    team = short(cuda.blockDim.y)
    return Slots(short(cuda.threadIdx.y), short(cuda.threadIdx.x), team, short(0), short(-scan.skew * team))


def spot_of(s, c):
    """Where slot (s, c) is in every layer of a tile."""
    return short(s * LINE + c)


def first_place(slots, tile, scan):
    """The first slot of a thread in a tile."""
    t, k = tile.t + slots.s, tile.k + slots.c - slots.s * scan.skew
    return Place(spot_of(slots.s, slots.c), slots.c, short(t), short(k))


def next_place(place, slots):
    """The slot after it."""
    spot = opaque(short(place.spot + spot_of(slots.ds, slots.dc)))
    return Place(spot, short(place.c + slots.dc), short(place.t + slots.ds), short(place.k + slots.dk))


def inside(t, k, scan):
    """Whether there is such a pixel."""
    return (t < scan.steps) & (k >= 0) & (k < scan.lanes)


def address(layers, i, t, k):
    """Where pixel (t, k) of layer `i` lies."""
    return layers.at + i * layers.apart + t * layers.step + k * layers.lane


def walk_from(layers, place, slots):
    """An address that starts at a place."""
    return Walk(address(layers, 0, place.t, place.k), layers.apart, slots.ds * layers.step + slots.dk * layers.lane)


def onward(walk):
    """The address for the next slot."""
    return Walk(opaque(walk.at + walk.hop), walk.apart, walk.hop)
