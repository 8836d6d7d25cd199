"""Streams of warps: which calls they serve, in which shape, and their kernels (`warp.py`, `stream.py`).

They read and write 16 bytes at a time: maps and gates have to lie so, as all contiguous ones of usual sizes do. All
else, and small maps, are left to the kernels of `kernels.py`.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from functools import cached_property

from spnkit import integration, normalization, recurrence, scalars
from spnkit.backends.cuda.bridge import room_for
from spnkit.backends.cuda.machine import FLOATS, HALVES, SIMULATED, item, jit_device, jit_kernel, stream_operations
from spnkit.scalars import compiled

STEPS = 32  # of a tile, and threads of a warp
LINE = 128  # bytes that the L2 cache has together
PIECE = 16  # bytes that a thread copies
LEAST = 160  # lanes: fewer leave a warp waiting for the one before it
SLACK = 1.25  # times the lanes of a map that a stream may have
EVICT_FIRST = 0x12F0000000000000  # the policy of `isa.copy_passing`
NARROW = 1 << 31

Variant = namedtuple("Variant", "kernel dtype WARPS across down RULE INTEGRATION ANCHORED PASSING")


@dataclass(frozen=True)
class Geometry:
    """How a warp reads planes: all that `warp.py` has for constants follows from this.

    Attributes
    ----------
    horizontal : bool
        Whether steps follow one another in memory.
    connections, item : int
        Of a pixel; bytes of a value.
    turns : int
        Of a chunk, a multiple of eight: after each a warp waits, writes and asks.
    ring : int
        Lanes that a warp has room for.
    ahead : int
        Bytes that the L2 cache is asked for around a piece: 0, 128 or 256.
    back : bool
        Whether gradients are computed: of three connections, in float32.
    """

    horizontal: bool
    connections: int
    item: int
    turns: int
    ring: int
    ahead: int = 0
    back: bool = False

    @property
    def lag(self) -> int:
        """Lanes from a thread to the next: as many as a pixel's neighbours are ahead of it, and one."""
        return 1 + self.connections // 2

    @property
    def span(self) -> int:
        """Turns from the first use of a lane's pieces to their last."""
        return self.lag * STEPS // self.parts if self.horizontal else LINE // self.item

    @property
    def parts(self) -> int:
        """Parts of the steps that are asked for one after the other, horizontally; else a ring holds them too long."""
        return 2 if self.back else 1

    @property
    def live(self) -> int:
        """Turns that a chunk's pieces are in use."""
        return _whole(self.turns + self.span - self.lag, self.turns)

    @cached_property
    def layout(self) -> dict[str, int]:
        """Where things lie in a ring: layers of values and, on the way back, bytes that tell who won."""
        layers, item = 6 if self.back else 1 + self.connections, self.item
        if self.horizontal:
            layer = STEPS * item
            # Halves share a bank and are two lanes apart: 32 bytes more. On the way back 32 of bytes, 16 at the edge.
            unit = layer * layers + (48 if self.back else 32 if item == 2 else 0)
            where = {"WINNER": layer * layers, "EDGE": layer * layers + 32}
            return where | {"UNIT": unit, "ROW": item, "LAYER": layer, "ROOM": unit * self.ring}
        row = self.ring * item
        room = STEPS * (row * layers + self.back * self.ring)
        return {"UNIT": item, "ROW": row, "LAYER": STEPS * row, "ROOM": room, "WINNER": STEPS * row * layers, "EDGE": 0}

    @cached_property
    def constants(self) -> dict[str, int]:
        """Everything that the kernel is told."""
        line, turns, lag = LINE // self.item, self.turns, self.lag
        sets = self.parts if self.horizontal else STEPS * lag // line
        delay = self.span if sets > 1 else 0
        side = (STEPS // sets if self.horizontal else line) * self.item // PIECE
        reach = lag * (STEPS - 1)
        return self.layout | {
            "HORIZONTAL": self.horizontal,
            "CONNECTIONS": self.connections,
            "ITEM": self.item,
            "VALUES": PIECE // self.item,
            "TURNS": turns,
            "RING": self.ring,
            "LAG": lag,
            "AHEAD": self.ahead,
            "PIECE": line,
            "SETS": sets,
            "DELAY": delay,
            "SIDE_BY_SIDE": side,
            "PIECES": (turns if self.horizontal else turns // lag) * side // STEPS,
            "UNDERWAY": (self.ring - self.live) // turns,
            "SOONER": (self.ring - self.live) // turns - 1,
            "SHIFTED": int(self.back and not self.horizontal),
            "LEAVING": self.live - turns,
            "DRAIN": (self.live - turns + delay * (sets - 1)) // turns,
            "WITHIN": -(-(reach + turns + lag - 1) // turns),
            "SPARE": (reach - turns) // turns,
        }

    def length(self, lanes: int, tiles: int, warps: int) -> int:
        """Lanes of a stream: whole pieces, and enough that no warp waits for itself if a block has so many tiles."""
        least = warps * self.constants["WITHIN"] * self.turns if tiles > warps else 3 * STEPS
        return _whole(max(lanes, least), self.turns if self.horizontal else max(self.turns, LINE // self.item))

    def shared(self, length: int, warps: int) -> int:
        """Bytes of shared memory of a block."""
        return warps * (self.layout["ROOM"] + 4 * length + 64 + 4)


# Geometries by axis (across or down), connections and bytes of a value; most warps of a block.
GEOMETRIES = {
    (True, 3, 4): Geometry(True, 3, 4, turns=8, ring=96),
    (False, 3, 4): Geometry(False, 3, 4, turns=32, ring=96, ahead=256),
    (True, 1, 4): Geometry(True, 1, 4, turns=8, ring=64),
    (False, 1, 4): Geometry(False, 1, 4, turns=16, ring=64, ahead=256),
    (True, 3, 2): Geometry(True, 3, 2, turns=16, ring=112, ahead=128),
    (False, 3, 2): Geometry(False, 3, 2, turns=16, ring=128, ahead=256),
}
WARPS = {(3, 4): 4, (1, 4): 8, (3, 2): 6}
BACK = {
    True: Geometry(True, 3, 4, turns=8, ring=64, ahead=128, back=True),
    False: Geometry(False, 3, 4, turns=8, ring=64, ahead=256, back=True),
}


def planned(plan, shape, views, gpu):
    """The variant, the grid, shared memory and lanes of streams for a call; None where streams do not serve it.

    `views` are x, gates and what is written.
    """
    x, gates, y = views
    key = gates.shape[2], item(x.dtype)
    if key not in WARPS or y.dtype != x.dtype or not all(_in_pieces(view) for view in views):
        return None
    chosen = {d.horizontal: GEOMETRIES[d.horizontal, *key] for d in plan.directions}
    return _arranged("streams", x.dtype, WARPS[key], chosen, plan, 0, shape, 0, gpu)


def planned_back(plan, how, shape, seen, maps, gpu):
    """The same of the way back; `maps` get the gradient at x of each direction."""
    x, gates, grad, dgates, h = (seen.get(name) for name in ("x", "gates", "grad", "dgates", "hidden"))
    if not dgates or x.dtype != "float32" or gates.shape[2:4] != (3, shape.c) or len(grad.shape) > 4:
        return None
    contiguous = room_for(x.shape, x).strides
    if not (x.strides == grad.strides == contiguous and all(_in_pieces(view) for view in (x, gates, dgates, h, maps))):
        return None
    chosen = {d.horizontal: BACK[d.horizontal] for d in plan.directions}
    return _arranged("streams_back", x.dtype, 4, chosen, plan, how, shape, 1, gpu)


def _arranged(kernel, dtype, most, chosen, plan, how, shape, more, gpu):
    """As many warps as have lanes enough, `more` of them than a map, and room."""
    axes = {d.horizontal: (shape.h, shape.w) if d.horizontal else (shape.w, shape.h) for d in plan.directions}
    if SIMULATED or not gpu.asynchronous or any(lanes < LEAST or steps < STEPS for lanes, steps in axes.values()):
        return None
    total = len(plan.directions)
    blocks = _blocks(shape.n * shape.c, gpu.multiprocessors // total)
    planes = -(-shape.n * shape.c // blocks)  # of a block
    for warps in range(most, 0, -1):
        lengths = {a: chosen[a].length(n + more, planes * -(-s // STEPS), warps) for a, (n, s) in axes.items()}
        room = max(chosen[a].shared(length, warps) for a, length in lengths.items())
        if room <= gpu.shared and all(lengths[a] <= SLACK * axes[a][0] for a in axes):
            sides, rule = (chosen.get(True), chosen.get(False)), int(plan.normalization)
            variant = Variant(kernel, dtype, warps, *sides, rule, int(how), plan.anchored, total > 1)
            return variant, blocks * total, room, lengths.get(True, 0) | lengths.get(False, 0) << 16
    return None


def _in_pieces(view):
    """Whether every row begins where 16 bytes do and is whole pieces, and a plane is told by 32 bits."""
    *lead, row, value = view.strides
    size = item(view.dtype)
    whole = value == size and (view.shape[-1] * size) % PIECE == 0
    return whole and not any(stride % PIECE for stride in (*lead, row)) and view.shape[-2] * abs(row) < NARROW


def _blocks(planes, most):
    """Blocks of a direction: as many as take the same number of planes each."""
    most = max(1, most)
    return -(-planes // -(-planes // most))


def _whole(number, of):
    return -(-number // of) * of


def built(variant):
    """The kernel of one variant, not yet compiled for the types of its arguments."""
    from spnkit.backends.cuda import block, sides, stream, stream_back, warp

    def jit(function):
        if function.__name__ not in ("streams", "streams_back"):
            return jit_device(function)
        axes = (g and (g.connections, g.item, g.turns, g.ring, g.ahead) for g in (variant.across, variant.down))
        function.__qualname__ = "_".join(map(str, (*variant._replace(across=0, down=0), *axes)))
        return jit_kernel(function, STEPS * variant.WARPS, 1)

    names = {**stream_operations(), "STORED": (FLOATS | HALVES)[variant.dtype]}
    names |= {name: getattr(variant, name) for name in ("WARPS", "RULE", "INTEGRATION", "ANCHORED", "PASSING")}
    text, name = (stream, "side") if variant.kernel == "streams" else (stream_back, "back")
    sources = scalars, recurrence, normalization, integration, warp, block, text
    axes = {
        axis: getattr(compiled(jit, *sources, label="_" + axis, **names, **geometry.constants), name)
        for axis, geometry in (("horizontally", variant.across), ("vertically", variant.down))
        if geometry
    }
    return getattr(compiled(jit, sides, **axes), variant.kernel)
