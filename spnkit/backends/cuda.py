"""The CUDA backend: what the kernels are launched with, one variant for each use.

A block takes a plane and scans it in all directions, one after the other. Where there are too few planes to fill
the GPU, every direction of a plane gets a block of its own, and a small kernel integrates what they leave.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache, lru_cache

from spnkit import integration, normalization, recurrence, scalars
from spnkit.backends import cuda_adjoint, cuda_geometry, cuda_kernels, cuda_tiles
from spnkit.backends.cuda_bridge import array_of, empty, stream_of, views
from spnkit.backends.cuda_kernels import Order, Shape
from spnkit.backends.cuda_machine import FLOATS, SCALARS, SYNCHRONOUS, jit_device, jit_kernel, launch, limits
from spnkit.integration import Integration
from spnkit.scalars import compiled

WARP = 32
WIDTHS = (64, 128, 288, 544)  # threads of a block at most; two leaning chunks of the last hold 1024 lanes
RESIDENT = 384  # threads that a multiprocessor has registers for at least
MARGIN = 4  # of a line beyond the width, so that no two slots of a warp meet in a bank of shared memory
SECTOR = 32  # bytes that device memory moves at once: the steps of a tile
CODES = 31  # directions that one integer tells a kernel about

# What a kernel is specialised on, and Numba compiles it for at its first use.
Variant = namedtuple("Variant", "kernel dtype WIDTH CONNECTIONS RULE INTEGRATION ANCHORED CHANNELS WANTED")


def forward(x, gates, y, winner, plan):
    """See `spnkit.backends`."""
    seen, shape, total = views(x=x, gates=gates, y=y, winner=winner), Shape(*map(int, x.shape)), len(plan.directions)
    channels = _together(shape, gates, total, seen["x"].device)
    spread = y.ndim == 4 and _too_few(shape, channels, total, seen["x"].device)
    if spread:
        maps = empty(x, (shape.n, total, *shape[1:]))
        seen = views(x=x, gates=gates, y=maps)
    how = Integration.none if spread or total == 1 else plan.integration
    variant = _variant("forward", seen["x"], gates, plan, how, channels, False)
    arrays = [array_of(seen[name]) for name in ("x", "gates", "y")]
    arrays.append(seen["winner"].at if "winner" in seen else 0)
    _launch(variant, shape, plan.directions, spread or y.ndim == 5, x, seen["x"], arrays)
    if spread:
        _integrate(maps, y, winner, plan.integration)


def backward(grad, winner, x, gates, dx, dgates, plan):
    """See `spnkit.backends`."""
    seen = views(grad=grad, winner=winner, x=x, gates=gates, dx=dx, dgates=dgates)
    shape, total, wanted = Shape(*map(int, x.shape)), len(plan.directions), dgates is not None
    spread = _too_few(shape, 1, total, seen["x"].device)
    parts = empty(x, (shape.n, total, *shape[1:])) if spread else dx
    if spread:
        seen |= views(dx=parts)
    if wanted:
        h = empty(x, parts.shape)
        seen |= views(h=h)
        if dgates.shape[3] < shape.c:
            dgates[...] = 0  # every channel adds to it
    how = Integration.sum if total == 1 else plan.integration
    variant = _variant("backward", seen["x"], gates, plan, how, 1, wanted)
    arrays = [array_of(seen.get(name)) for name in ("grad", "winner", "x", "gates", "h", "dx", "dgates")]
    _launch(variant, shape, plan.directions, spread, x, seen["x"], arrays)
    if spread:
        _integrate(parts, dx, None, Integration.sum)


def _variant(kernel, x, gates, plan, how, channels, wanted):
    rule, how = int(plan.normalization), int(how)
    return Variant(kernel, x.dtype, 0, int(gates.shape[2]), rule, how, plan.anchored, channels, wanted)


def _launch(variant, shape, directions, spread, like, view, arrays):
    """Launch a kernel for all planes and directions; `spread` gives every direction a block."""
    groups = shape.n * shape.c // variant.CHANNELS
    lanes = max(shape.h if direction.horizontal else shape.w for direction in directions)
    gpu = limits(view.device)
    variant, threads, shared = _fitted(variant, lanes, gpu.shared)
    skews = (shape.h > threads) | (shape.w > threads) << 1
    for first in range(0, len(directions), CODES):
        part = directions[first : first + CODES]
        each = 1 if spread else len(part)
        order = Order(_codes(part), len(part), first, len(directions), each, skews)
        grid = groups * (len(part) // each)
        arguments = (shape, order, *arrays)
        launch(_kernel(variant, gpu.asynchronous), grid, threads, shared, view.device, stream_of(like), arguments)


def _integrate(maps, y, winner, how):
    """Integrate the directions `maps` (N, D, C, H, W) into y."""
    seen = views(maps=maps, y=y, winner=winner)
    view = seen["y"]
    samples, directions, *plane = map(int, maps.shape)
    size = plane[0] * plane[1] * plane[2]
    variant = Variant("integrate", view.dtype, WIDTHS[-1], 1, 0, int(how), True, 1, False)
    addresses = [seen[name].at if name in seen else 0 for name in ("maps", "y", "winner")]
    parts = -(-size // WIDTHS[-1])
    arguments = (parts, size, directions, *addresses)
    launch(_kernel(variant, True), samples * parts, WIDTHS[-1], 0, view.device, stream_of(y), arguments)


def _together(shape, gates, total, device):
    """How many channels a block takes that share their gates: several, as long as enough blocks remain."""
    if gates.shape[3] == 1:
        for channels in (4, 2):
            blocks = shape.n * shape.c // channels * total
            if shape.c % channels == 0 and blocks >= limits(device).multiprocessors:
                return channels
    return 1


def _too_few(shape, channels, total, device):
    """Whether whole planes would leave half of the GPU idle."""
    blocks = shape.n * shape.c // channels
    return total > 1 and 2 * blocks <= limits(device).multiprocessors


@lru_cache(maxsize=256)
def _fitted(variant, lanes, room):
    """The variant for the width of a map, the threads of its blocks, and their shared memory in bytes."""
    fitting = [width for width in WIDTHS if _shared_bytes(variant, width, lanes) <= room]
    if not fitting:
        raise ValueError(f"a map with {lanes} pixels across the scan is too large for the shared memory of this GPU")
    width = next((width for width in fitting if width >= lanes), fitting[-1])
    end = lanes if lanes <= width else lanes + _tile(variant.dtype) - 1
    threads = -(-end // -(-end // width))
    return variant._replace(WIDTH=width), -(-threads // WARP) * WARP, _shared_bytes(variant, width, lanes)


def _shared_bytes(variant, width, lanes):
    """What `cuda_kernels.py` and `cuda_adjoint.py` lay out: room for two tiles, and the last step of moving layers."""
    tile, k, c = _tile(variant.dtype), variant.CONNECTIONS, variant.CHANNELS
    needs = [(2 * ((k + c) * tile + c * (tile + 1)), c * lanes)]
    if variant.kernel == "backward":
        needs.append((2 * (k + 4) * tile + k * (tile + 1), k * lanes))
    return max(lines * (width + MARGIN) + values for lines, values in needs) * _item(variant.dtype)


def _item(dtype):
    return FLOATS[dtype].bitwidth // 8


def _tile(dtype):
    return SECTOR // _item(dtype)


@lru_cache(maxsize=256)
def _codes(directions):
    return sum((2 * d.horizontal + d.reverse) << 2 * i for i, d in enumerate(directions))


@cache
def _kernel(variant, asynchronous):
    """The kernel of one variant, not yet compiled for the types of its arguments."""

    def jit(function):
        if function.__name__ != variant.kernel:
            return jit_device(function)
        function.__qualname__ = "_".join(map(str, variant))
        return jit_kernel(function, variant.WIDTH, max(1, RESIDENT // variant.WIDTH))

    sources = (scalars, recurrence, normalization, integration, cuda_geometry, cuda_tiles, cuda_kernels, cuda_adjoint)
    dtype = variant.dtype
    constants = {"FLOAT": FLOATS[dtype], "TILE": _tile(dtype), "ITEM": _item(dtype), "LINE": variant.WIDTH + MARGIN}
    constants |= variant._asdict() | {"GRAD": variant.CONNECTIONS}
    operations = SCALARS if asynchronous else SCALARS | SYNCHRONOUS
    return getattr(compiled(jit, *sources, **operations, **constants), variant.kernel)
