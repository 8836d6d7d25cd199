"""The CPU backend: kernels compiled by Numba for vector registers and all cores, one variant per use."""

from __future__ import annotations

import os
from functools import cache, lru_cache

import numba
import numpy as np
from llvmlite import binding as llvm

from spnkit import integration, normalization, recurrence
from spnkit.backends import kernels, simd, tiles
from spnkit.backends.cache import jit_cached
from spnkit.integration import Integration
from spnkit.plan import Plan
from spnkit.scalars import compiled

CACHE_LINE = 64
PARALLEL_FROM = 1 << 16  # weights below which a second core costs more than it brings
# What runs for a whole tile is worth a call; all else is inlined, since a pixel is not.
OUT_OF_LINE = (
    "adjacent",
    "copy",
    "transpose",
    "scan_tile",
    "adjoint_tile",
    "forward_plane",
    "backward_plane",
)
NOTHING = tiles.Array(0, 0, 0, 0, 0, 0, 0)

_forked = False


def _after_fork():
    """A child must not enter the parent's OpenMP pool: it computes on one core."""
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def forward(x, gates, y, winner, plan):
    """See `spnkit.backends`."""
    kernel = _kernel("forward", x.itemsize, _variant(x, gates, plan), _worth_sharing(gates, x))
    codes, shape = _codes(plan), tuple(map(int, x.shape))
    y_array = _array(y, "ndchw" if y.ndim == 5 else "nchw")
    kernel(x.dtype.type(0), shape, codes, _array(x), _gate_array(gates), y_array, _optional(winner))


def backward(grad, winner, x, gates, dx, dgates, plan):
    """See `spnkit.backends`."""
    kernel = _kernel("backward", x.itemsize, _variant(x, gates, plan), _worth_sharing(gates, x))
    codes, shape = _codes(plan), tuple(map(int, x.shape))
    grad = grad if grad.strides[-1] == grad.itemsize else np.ascontiguousarray(grad)
    grad_array = _array(grad, "ndchw" if grad.ndim == 5 else "nchw")
    into = NOTHING if dgates is None else _gate_array(dgates)
    arrays = (grad_array, _optional(winner), _array(x), _gate_array(gates), _array(dx), into)
    kernel(x.dtype.type(0), shape, codes, *arrays)


def _array(array, axes="nchw"):
    """Address and strides; an axis that the array lacks has stride 0."""
    strides = dict(zip(axes, array.strides, strict=True))
    return tiles.Array(array.ctypes.data, *(strides.get(axis, 0) for axis in "ndkchw"))


def _gate_array(gates):
    array = _array(gates, "ndkchw")
    return array._replace(c=0) if gates.shape[3] == 1 else array


def _optional(winner):
    return NOTHING if winner is None else _array(winner)


@lru_cache(maxsize=256)
def _codes(plan: Plan):
    return np.array([2 * d.horizontal + d.reverse for d in plan.directions], np.int64)


def _variant(x, gates, plan):
    """What a kernel is specialised on."""
    alone = len(plan.directions) == 1 and plan.integration != Integration.none
    how = Integration.sum if alone else plan.integration  # one direction is its own max and mean
    return (gates.shape[2], int(plan.normalization), int(how), plan.anchored)


def _worth_sharing(gates, x):
    weights = x.size * gates.shape[1] * gates.shape[2]
    return weights >= PARALLEL_FROM and not _forked and numba.get_num_threads() > 1


@cache
def _kernel(name, itemsize, variant, parallel):
    """The dispatcher of one variant; Numba compiles it at the first call, or finds it in the cache."""

    def jit(function):
        whole = function.__name__ == name
        return jit_cached(function, parallel=parallel, nogil=True) if whole else _jit_inner(function)

    label = "_".join(map(str, ("", itemsize, *variant, "parallel" if parallel else "serial")))
    constants = dict(zip(("CONNECTIONS", "RULE", "INTEGRATION", "ANCHORED"), variant, strict=True))
    return getattr(compiled(jit, kernels, label=label, **{**vars(_parts(itemsize)), **constants}), name)


@cache
def _parts(itemsize):
    """What all variants share, compiled once: the definitions for vector registers, and the tiles."""
    operations = {name: getattr(simd, name) for name in ("absolute", "exp", "where", "filled")}
    sizes = {"LANES": _register_bytes() // itemsize, "TILE": CACHE_LINE // itemsize}
    sources = (recurrence, normalization, integration, tiles)
    return compiled(_jit_inner, *sources, label=f"_{itemsize}", **operations, **sizes)


def _jit_inner(function):
    inline = function.__name__ not in OUT_OF_LINE
    return numba.njit(forceinline=inline, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


@cache
def _register_bytes():
    return 64 if llvm.get_host_cpu_features().get("avx512f") else 32
