"""Streams of warps: which calls they serve, in which shape, and their kernels (`cuda_warp.py`, `cuda_stream.py`).

They read and write 16 bytes at a time: maps and gates have to lie so, as all contiguous ones of usual sizes do. Everything
else, and small maps, are left to the kernels of `cuda_kernels.py`.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from functools import cached_property

from spnkit import normalization, recurrence, scalars
from spnkit.backends.cuda_machine import FLOATS, HALVES, SIMULATED, item, jit_device, jit_kernel, stream_operations
from spnkit.scalars import compiled

STEPS = 32  # of a tile, and threads of a warp
LINE = 128  # bytes that the L2 cache has together
PIECE = 16  # bytes that a thread copies
LEAST = 160  # lanes: fewer leave a warp waiting for the one before it
SLACK = 1.25  # times the lanes of a map that a stream may have
EVICT_FIRST = 0x12F0000000000000  # the policy of `cuda_isa.copy_passing`
NARROW = 1 << 31

Variant = namedtuple("Variant", "kernel dtype WARPS across down RULE ANCHORED PASSING")


@dataclass(frozen=True)
class Geometry:
    """How a warp reads planes: all that `cuda_warp.py` has for constants follows from this.

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
    """

    horizontal: bool
    connections: int
    item: int
    turns: int
    ring: int

    @property
    def lag(self) -> int:
        """Lanes from a thread to the next: as many as a pixel's neighbours are ahead of it, and one."""
        return 1 + self.connections // 2

    @property
    def span(self) -> int:
        """Turns from the first use of a lane's pieces to their last."""
        return self.lag * STEPS if self.horizontal else LINE // self.item

    @property
    def live(self) -> int:
        """Turns that a chunk's pieces are in use."""
        return _whole(self.turns + self.span - self.lag, self.turns)

    @cached_property
    def layout(self) -> dict[str, int]:
        """Where things lie in a ring."""
        layers, item = 1 + self.connections, self.item
        if self.horizontal:
            # A lane more of 32 bytes, for two halves share a bank, and their lanes are two apart.
            unit = STEPS * item * layers + (32 if item == 2 else 0)
            return {"UNIT": unit, "ROW": item, "LAYER": STEPS * item, "ROOM": unit * self.ring}
        row = self.ring * item
        return {"UNIT": item, "ROW": row, "LAYER": STEPS * row, "ROOM": STEPS * row * layers}

    @cached_property
    def constants(self) -> dict[str, int]:
        """Everything that the kernel is told."""
        line, turns, lag = LINE // self.item, self.turns, self.lag
        sets, delay = (1, 0) if self.horizontal else (STEPS * lag // line, line)
        side = (STEPS if self.horizontal else line) * self.item // PIECE
        reach = lag * (STEPS - 1)
        return self.layout | {
            "HORIZONTAL": self.horizontal,
            "CONNECTIONS": self.connections,
            "ITEM": self.item,
            "VALUES": PIECE // self.item,
            "TURNS": turns,
            "RING": self.ring,
            "LAG": lag,
            "PIECE": line,
            "SETS": sets,
            "DELAY": delay,
            "SIDE_BY_SIDE": side,
            "PIECES": (turns if self.horizontal else turns // lag) * side // STEPS,
            "UNDERWAY": (self.ring - self.live) // turns,
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
    (False, 3, 4): Geometry(False, 3, 4, turns=16, ring=96),
    (True, 1, 4): Geometry(True, 1, 4, turns=8, ring=64),
    (False, 1, 4): Geometry(False, 1, 4, turns=16, ring=64),
    (True, 3, 2): Geometry(True, 3, 2, turns=16, ring=112),
    (False, 3, 2): Geometry(False, 3, 2, turns=16, ring=128),
}
WARPS = {(3, 4): 4, (1, 4): 8, (3, 2): 6}


def planned(plan, shape, views, gpu):
    """The variant, the grid, shared memory and lanes of streams for a call; None where streams do not serve it.

    `views` are x, gates and what is written.
    """
    x, gates, y = views
    key = gates.shape[2], item(x.dtype)
    served = not SIMULATED and gpu.asynchronous and key in WARPS and y.dtype == x.dtype
    if not (served and all(_in_pieces(view) for view in views)):
        return None
    axes = {d.horizontal: (shape.h, shape.w) if d.horizontal else (shape.w, shape.h) for d in plan.directions}
    if any(lanes < LEAST or steps < STEPS for lanes, steps in axes.values()):
        return None
    blocks = _blocks(shape.n * shape.c, gpu.multiprocessors // len(plan.directions))
    tiles = -(-shape.n * shape.c // blocks)  # planes of a block
    chosen = {axis: GEOMETRIES[axis, *key] for axis in axes}
    for warps in range(WARPS[key], 0, -1):
        lengths = {a: chosen[a].length(n, tiles * -(-steps // STEPS), warps) for a, (n, steps) in axes.items()}
        room = max(chosen[a].shared(length, warps) for a, length in lengths.items())
        if room <= gpu.shared and all(lengths[a] <= SLACK * axes[a][0] for a in axes):
            passing = len(plan.directions) > 1
            rule = int(plan.normalization)
            variant = Variant(
                "streams", x.dtype, warps, chosen.get(True), chosen.get(False), rule, plan.anchored, passing
            )
            told = lengths.get(True, 0) | lengths.get(False, 0) << 16
            return variant, blocks * len(plan.directions), room, told
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
    from spnkit.backends import cuda_sides, cuda_stream, cuda_warp

    def jit(function):
        if function.__name__ != "streams":
            return jit_device(function)
        across, down = (g and (g.turns, g.ring) for g in (variant.across, variant.down))
        function.__qualname__ = "_".join(map(str, (*variant._replace(across=across, down=down), *_kind(variant))))
        return jit_kernel(function, STEPS * variant.WARPS, 1)

    names = {**stream_operations(), "STORED": (FLOATS | HALVES)[variant.dtype]}
    names |= {name: getattr(variant, name) for name in ("WARPS", "RULE", "ANCHORED", "PASSING")}
    sides = {}
    for name, geometry in (("horizontally", variant.across), ("vertically", variant.down)):
        if geometry:
            sources = scalars, recurrence, normalization, cuda_warp, cuda_stream
            sides[name] = compiled(jit, *sources, label="_" + name, **names, **geometry.constants).side
    return compiled(jit, cuda_sides, **sides).streams


def _kind(variant):
    geometry = variant.across or variant.down
    return geometry.connections, geometry.item
