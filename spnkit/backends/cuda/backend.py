"""The CUDA backend: what the kernels are launched with, one variant for each use.

Large maps that lie in pieces of 16 bytes go through streams of warps (`streams.py`): every direction leaves a map,
and a small kernel integrates. All else goes by tiles: a block takes a plane and scans it in all directions, one after
the other. Where there are too few planes to fill the GPU, or gradients will need h of every direction, each direction
of a plane gets a block of its own, and the small kernel integrates there too. It also rounds sums of half precision,
which are added up in float32 before.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache, lru_cache
from math import prod

from spnkit import integration, normalization, recurrence, scalars
from spnkit.backends.cuda import adjoint, geometry, kernels, streams, tiles
from spnkit.backends.cuda.bridge import Call, View, array_of, layouts, room_for, run, views, whole
from spnkit.backends.cuda.kernels import Order, Shape
from spnkit.backends.cuda.machine import (
    FLOATS,
    HALVES,
    SCALARS,
    SYNCHRONOUS,
    Launch,
    computed,
    item,
    jit_device,
    jit_kernel,
    limits,
)
from spnkit.integration import Integration
from spnkit.scalars import compiled

WARP = 32
WIDTHS = (64, 128, 288, 544)  # lanes of a block at most; two leaning chunks of the last hold 1024
TEAMS = (4, 2, 1)  # threads to a lane: one computes, all copy and write
BUSY = 640  # threads of a multiprocessor that are enough; of float64, which takes two registers, half as many
RESIDENT = 384  # threads that a multiprocessor has registers for at least
MARGIN = 4  # of a line beyond the width, so that no two slots of a warp meet in a bank of shared memory
SECTOR = 32  # bytes that device memory moves at once: the steps of a tile, in the type that is computed in
CODES = 31  # directions that one integer tells a kernel about

# What a kernel is specialised on, and Numba compiles it for at its first use: `dtype` of what it reads, `out` of what
# it leaves.
Variant = namedtuple(
    "Variant", "kernel dtype out WIDTH TEAM CONNECTIONS RULE INTEGRATION ANCHORED CHANNELS WANTED MAPS"
)


def forward(x, gates, y, winner, plan, hidden=None):
    """See `spnkit.backends`; `hidden` (N, D, C, H, W) of what is computed in, or None, gets h of every direction.

    The result itself is as good where it is h: of one direction or without integration, and not in half precision.
    """
    arrays = {"x": x, "gates": gates, "y": y, "winner": winner, "hidden": hidden}
    told = layouts(arrays)
    run(_forward(plan, whole(arrays), *told), arrays)


def backward(grad, winner, x, gates, dx, dgates, plan, hidden=None):
    """See `spnkit.backends`; `hidden` is what `forward` left there, needed where `dgates` is not None."""
    arrays = {"x": x, "gates": gates, "grad": grad, "winner": winner, "dx": dx, "dgates": dgates, "hidden": hidden}
    told = layouts(arrays)
    run(_backward(plan, whole(arrays), *told), arrays)


@lru_cache(maxsize=256)
def _forward(plan, whole, *layouts):
    """The call for x, gates, y, winner and hidden of such layouts, which all begin where 16 bytes do or not."""
    seen = views("x gates y winner hidden", layouts)
    shape, total, gpu = Shape(*seen["x"].shape), len(plan.directions), limits(seen["x"].device)
    if whole and (call := _streams(plan, seen, shape, gpu)):
        return call
    channels = _together(shape, seen["gates"], total, gpu)
    kept, winner = seen.get("hidden"), "winner" if "winner" in seen else 0
    spread = bool(kept or winner or not plan.integration) or _too_few(shape, channels, total, gpu)
    exact = plan.integration in (Integration.none, Integration.max)
    name, target = ("hidden", kept) if kept else _target("y", seen["y"], total, spread and plan.integration, exact)
    how = Integration.none if spread or total == 1 else plan.integration
    variant = _variant("forward", seen, target, plan, how, channels)
    arrays = [array_of("x", seen["x"]), array_of("gates", seen["gates"]), array_of(name, target)]
    launches, rooms = _scans(variant, shape, plan.directions, spread, gpu, arrays)
    if name != "y":
        launches.append(_integrate(name, target, "y", seen["y"], winner, plan.integration))
    return Call(rooms | ({"maps": target} if name == "maps" else {}), (), launches)


def _streams(plan, seen, shape, gpu):
    """The call by streams of warps, if they serve it: every direction leaves its h, the integrating kernel follows."""
    total, kept = len(plan.directions), seen.get("hidden")
    single = total == 1 or not plan.integration
    name, target = ("y", seen["y"]) if single else ("hidden", kept) if kept else ("maps", None)
    if name == "maps":
        n, *plane = seen["x"].shape
        target = room_for((n, total, *plane), seen["x"])
    found = total <= CODES and streams.planned(plan, shape, (seen["x"], seen["gates"], target), gpu)
    if not found:
        return None
    variant, grid, room, lengths = found
    codes = sum((2 * d.horizontal + d.reverse) << 2 * i for i, d in enumerate(plan.directions))
    arrays = [array_of("x", seen["x"]), array_of("gates", seen["gates"]), array_of(name, target)]
    arguments = (shape, Order(codes, total, 0, total, 1, 0), *arrays, lengths, streams.EVICT_FIRST)
    block = (WARP * variant.WARPS, 1)
    launches = [Launch(_kernel(variant, True), gpu, grid, block, room, arguments)]
    if name != "y":
        winner = "winner" if "winner" in seen else 0
        launches.append(_integrate(name, target, "y", seen["y"], winner, plan.integration))
    return Call({"maps": target} if name == "maps" else {}, (), launches)


def _streams_back(plan, seen, shape, gpu):
    """The way back by streams of warps, if they serve it: every direction leaves its gradient at x."""
    total, (n, *plane) = len(plan.directions), seen["x"].shape
    maps = seen["dx"] if total == 1 else room_for((n, total, *plane), seen["x"])
    how = Integration.sum if total == 1 else plan.integration
    found = total <= CODES and streams.planned_back(plan, how, shape, seen, maps, gpu)
    if not found:
        return None
    variant, grid, room, lengths = found
    codes = sum((2 * d.horizontal + 1 - d.reverse) << 2 * i for i, d in enumerate(plan.directions))
    name = "dx" if total == 1 else "maps"
    places = [(key, seen.get(key)) for key in ("x", "gates", "grad", "winner", "hidden")] + [(name, maps)]
    arrays = [array_of(*place) for place in (*places, ("dgates", seen["dgates"]))]
    arguments = (shape, Order(codes, total, 0, total, 1, 0), *arrays, lengths)
    launches = [Launch(_kernel(variant, True), gpu, grid, (WARP * variant.WARPS, 1), room, arguments)]
    if total > 1:
        launches.append(_integrate(name, maps, "dx", seen["dx"], 0, Integration.sum))
    return Call({"maps": maps} if total > 1 else {}, (), launches)


@lru_cache(maxsize=256)
def _backward(plan, whole, *layouts):
    """The call for x, gates, grad, winner, dx, dgates and hidden of such layouts."""
    seen = views("x gates grad winner dx dgates hidden", layouts)
    shape, total, gpu = Shape(*seen["x"].shape), len(plan.directions), limits(seen["x"].device)
    if whole and (call := _streams_back(plan, seen, shape, gpu)):
        return call
    wanted, shared = "dgates" in seen, seen["gates"].shape[3] < shape.c
    if wanted and "hidden" not in seen:
        raise ValueError("dgates was asked for without hidden, expected what forward left there")
    spread = _too_few(shape, 1, total, gpu)
    target, dgates = _target("dx", seen["dx"], total, spread), ("dgates", seen.get("dgates"))
    if wanted and shared and seen["x"].dtype in HALVES:  # every channel adds to it
        dgates = "sums", room_for(dgates[1].shape, seen["x"])
    how = Integration.sum if total == 1 else plan.integration
    variant = _variant("backward", seen, target[1], plan, how, 1, wanted)
    arrays = [(name, seen.get(name)) for name in ("grad", "winner", "x", "gates", "hidden")]
    arrays = [array_of(*array) for array in (*arrays, target, dgates)]
    launches, rooms = _scans(variant, shape, plan.directions, spread, gpu, arrays)
    rooms |= {name: view for name, view in (target, dgates) if name in ("maps", "sums")}
    if "maps" in rooms:
        launches.append(_integrate(*target, "dx", seen["dx"], 0, Integration.sum))
    if "sums" in rooms:
        launches.append(_integrate("sums", rooms["sums"], "dgates", seen["dgates"], 0, Integration.sum))
    return Call(rooms, dgates[:1] if wanted and shared else (), launches)


def _target(name: str, view: View, total: int, spread: bool, exact: bool = False) -> tuple[str, View]:
    """What scans write to: the result itself, or "maps" where these are yet to be integrated or rounded.

    Half precision is rounded at the end, unless that is as `exact` in between: the greatest value stays that.
    """
    if spread or (total > 1 and view.dtype in HALVES and not exact):
        n, *plane = view.shape
        return "maps", room_for((n, total if spread else 1, *plane), view)
    return name, view


def _variant(kernel, seen, target, plan, how, channels, wanted=False):
    connections, rule = seen["gates"].shape[2], int(plan.normalization)
    return Variant(
        kernel, seen["x"].dtype, target.dtype, 0, 1, connections, rule, int(how), plan.anchored, channels, wanted, 1
    )


def _scans(variant, shape, directions, spread, gpu, arrays):
    """Launches for all planes and directions, and the room they need; `spread` gives every direction a block."""
    groups = shape.n * shape.c // variant.CHANNELS
    lanes = max(shape.h if direction.horizontal else shape.w for direction in directions)
    each = 1 if spread else min(len(directions), CODES)
    blocks = groups * (min(len(directions), CODES) // each)  # of a launch
    variant, block, room = _fitted(variant, lanes, groups * len(directions) // each, gpu)
    skews = (shape.h > block[0]) | (shape.w > block[0]) << 1
    launches, rooms, lines = [], {}, 0
    if lanes > block[0]:
        lines, layers = "lines", variant.CONNECTIONS if variant.kernel == "backward" else variant.CHANNELS
        rooms[lines] = room_for((blocks, layers, max(shape.h, shape.w)), View(None, None, variant.dtype, gpu.device))
    for first in range(0, len(directions), CODES):
        part = directions[first : first + CODES]
        each = 1 if spread else len(part)
        codes = sum((2 * d.horizontal + d.reverse) << 2 * i for i, d in enumerate(part))
        order = Order(codes, len(part), first, len(directions), each, skews)
        kernel, grid = _kernel(variant, gpu.asynchronous), groups * (len(part) // each)
        launches.append(Launch(kernel, gpu, grid, block, room, (shape, order, *arrays, lines)))
    return launches, rooms


def _integrate(source, maps, name, view, winner, how):
    """The launch that integrates maps, one for each direction, into an array, or rounds them one by one."""
    samples, threads, together = maps.shape[0], WIDTHS[-1], 1 if len(view.shape) > 4 else maps.shape[1]
    size = prod(maps.shape) // (samples * together)
    parts = -(-size // threads)
    variant = Variant("integrate", maps.dtype, view.dtype, threads, 1, 1, 0, int(how), True, 1, False, together)
    arguments = (parts, size, source, name, winner)
    return Launch(_kernel(variant, True), limits(view.device), samples * parts, (threads, 1), 0, arguments)


def _together(shape, gates, total, gpu):
    """How many channels a block takes that share their gates: several, as long as enough blocks remain."""
    if gates.shape[3] == 1:
        for channels in (4, 2):
            blocks = shape.n * shape.c // channels * total
            if shape.c % channels == 0 and blocks >= gpu.multiprocessors:
                return channels
    return 1


def _too_few(shape, channels, total, gpu):
    """Whether a block for every direction, instead of one for all, would end a fifth earlier or more."""
    blocks = shape.n * shape.c // channels
    whole, parts = -(-blocks // gpu.multiprocessors), -(-blocks * total // gpu.multiprocessors)
    return total > 1 and 5 * parts <= 4 * total * whole


def _fitted(variant, lanes, grid, gpu):
    """The variant for the width of a map, the lanes and team of its blocks, and their shared memory in bytes."""
    fitting = [width for width in WIDTHS if _shared_bytes(variant, width) <= gpu.shared]
    width = next((width for width in fitting if width >= lanes), fitting[-1])
    room = _shared_bytes(variant, width)
    end = lanes if lanes <= width else lanes + _tile(variant.dtype) - 1
    threads = -(-end // -(-end // width))
    threads = -(-threads // WARP) * WARP
    together = min(-(-grid // gpu.multiprocessors), gpu.shared // room)  # blocks of a multiprocessor
    team = _team(variant, width, together)
    return variant._replace(WIDTH=width, TEAM=team), (threads, team), room


def _team(variant, width, together):
    """How many threads share a lane, where so many blocks run `together` on a multiprocessor."""
    enough = BUSY * item("float32") // item(computed(variant.dtype))
    return next((team for team in TEAMS if team * width * together <= enough), 1)


def _shared_bytes(variant, width):
    """What `kernels.py` and `adjoint.py` lay out: room for two tiles."""
    tile, k, c = _tile(variant.dtype), variant.CONNECTIONS, variant.CHANNELS
    lines = 2 * ((k + c) * tile + c * (tile + 1))
    if variant.kernel == "backward":
        lines = 2 * (k + 4) * tile + k * (tile + 1)
    return lines * (width + MARGIN) * item(computed(variant.dtype))


def _tile(dtype):
    return SECTOR // item(computed(dtype))


@cache
def _kernel(variant, asynchronous):
    """The kernel of one variant, not yet compiled for the types of its arguments."""
    if variant.kernel.startswith("streams"):
        return streams.built(variant)

    def jit(function):
        if function.__name__ != variant.kernel:
            return jit_device(function)
        function.__qualname__ = "_".join(map(str, variant))
        threads = variant.WIDTH * variant.TEAM
        return jit_kernel(function, threads, max(1, RESIDENT // threads))

    sources = (scalars, recurrence, normalization, integration, geometry, tiles, kernels, adjoint)
    dtype, wide, out, half = variant.dtype, computed(variant.dtype), variant.out, variant.dtype in HALVES
    constants = {
        "TILE": _tile(dtype),
        "SLOTS": _tile(dtype) // variant.TEAM,
        "LINE": variant.WIDTH + MARGIN,
        "GRAD": variant.CONNECTIONS,
        "HALF": half,
    }
    constants |= {name: (FLOATS | HALVES)[of] for name, of in (("FLOAT", wide), ("STORED", dtype), ("OUT", out))}
    constants |= {"FLOAT_ITEM": item(wide), "ITEM": item(out)}
    constants["WHOLE"] = -item(wide) if half else -1
    constants |= variant._asdict()
    operations = SCALARS if asynchronous else SCALARS | SYNCHRONOUS
    return getattr(compiled(jit, *sources, **operations, **constants), variant.kernel)
