"""The rivals: the propagation unit as others would write it, for "clip" and max, three-way, in four directions.

Each is what its tool suggests, a loop over columns: in torch, in torch with the step compiled, as a jitted `lax.scan`,
as plain loops in C++. None was tuned, and none was slowed down.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

SOURCES = Path(__file__).parent / "native"
FLAGS = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
WAYS = ((3, False), (3, True), (2, False), (2, True))  # axis of (N, C, H, W), and whether from its end


def column(x, w, h):
    """x, h (N, C, lanes), w (N, 3, C, lanes): x + sum p (h - x), with the neighbours outside left out."""
    low, middle, high = w.unbind(1)
    out = x + middle * (h - x)
    out[..., 1:] += low[..., 1:] * (h[..., :-1] - x[..., 1:])
    out[..., :-1] += high[..., :-1] * (h[..., 1:] - x[..., :-1])
    return out


def torch_loop(x, gates, step=column, ways=WAYS, integrate=lambda maps: maps.amax(0)):
    """A Python loop over the columns; `step` may be a compiled one."""
    p = gates / gates.abs().sum(2, keepdim=True).clamp(min=1)
    maps = []
    for d, (axis, backwards) in enumerate(ways):
        columns, weights = x.unbind(axis), p[:, d].unbind(axis + 1)
        hidden, h = [None] * len(columns), None
        for t in reversed(range(len(columns))) if backwards else range(len(columns)):
            h = columns[t] if h is None else step(columns[t], weights[t], h)
            hidden[t] = h
        maps.append(torch.stack(hidden, axis))
    return integrate(torch.stack(maps))


def torch_gradients(unit, x, gates, grad):
    """A call that goes forward and back through `unit`; the results (y, dx, dgates)."""
    x, gates = x.detach().requires_grad_(), gates.detach().requires_grad_()

    def call():
        y = unit(x, gates)
        return y.detach(), *torch.autograd.grad(y, (x, gates), grad)

    return call


def jax_calls(x, gates, grad):
    """Jitted forward, and value and gradients, each waiting for its result."""
    import jax
    from jax import numpy as jnp

    def step(h, inputs):
        x, (low, middle, high) = inputs
        above = jnp.concatenate((x[..., :1], h[..., :-1]), -1)  # outside counts as the pixel itself: adds nothing
        below = jnp.concatenate((h[..., 1:], x[..., -1:]), -1)
        h = x + low * (above - x) + middle * (h - x) + high * (below - x)
        return h, h

    def scan(x, p, axis, backwards):
        columns, weights = jnp.moveaxis(x, axis, 0), jnp.moveaxis(p, axis + 1, 0)
        first = -1 if backwards else 0
        weights = weights.at[first].set(0)
        return jnp.moveaxis(jax.lax.scan(step, columns[first], (columns, weights), reverse=backwards)[1], 0, axis)

    def unit(x, gates):
        p = gates / jnp.maximum(jnp.abs(gates).sum(2, keepdims=True), 1)
        p = jnp.moveaxis(p, 0, 2)  # (D, K, N, C, H, W)
        return jnp.stack([scan(x, p[d], *way) for d, way in enumerate(WAYS)]).max(0)

    def loss(x, gates):
        y = unit(x, gates)
        return (y * grad).sum(), y

    x, gates, grad = map(jnp.asarray, (x, gates, grad))
    forward, gradients = jax.jit(unit), jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))

    def both():
        (_, y), (dx, dgates) = jax.block_until_ready(gradients(x, gates))
        return y, dx, dgates

    return lambda: jax.block_until_ready(forward(x, gates)), both


def native() -> ctypes.CDLL | None:
    """The C++ sources, compiled for this machine; None without a compiler."""
    if shutil.which("c++") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/rivals.so"
        subprocess.run(["c++", *FLAGS, "-o", library, *map(str, sorted(SOURCES.glob("*.cpp")))], check=True)
        made = ctypes.CDLL(library)
    made.copy_streaming.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_size_t, ctypes.c_int]
    made.columns_forward.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_int] * 3
    made.columns_backward.argtypes = [ctypes.c_void_p] * 6 + [ctypes.c_int] * 3
    return made


def compiler() -> str:
    """Which compiler `native` uses."""
    return subprocess.run(["c++", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def cpp_calls(library, x, gates, grad):
    """Forward, and forward and backward, into memory that is touched before."""
    planes, height, width = x.shape[1:]
    y, winner, dx, dgates = np.ones_like(x), np.ones(x.shape, np.uint8), np.ones_like(x), np.ones_like(gates)
    sizes = (planes, height, width)

    def at(array):
        return array.ctypes.data

    def forward():
        library.columns_forward(at(x), at(gates), at(y), None, *sizes)
        return y

    def both():
        library.columns_forward(at(x), at(gates), at(y), at(winner), *sizes)
        library.columns_backward(at(grad), at(winner), at(x), at(gates), at(dx), at(dgates), *sizes)
        return y, dx, dgates

    return forward, both
