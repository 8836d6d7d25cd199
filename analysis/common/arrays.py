"""Random arguments for `fuzz.py`: values of every size, in every lie in memory."""

from __future__ import annotations

import numpy as np

from spnkit import DIRECTIONS

RULES = ("clip", "always", "softmax", "sigmoid", "none")
INTEGRATIONS = ("max", "mean", "sum", None)
DTYPES = ("float32", "float64", "float16")
VALUES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "positive": lambda rng, shape: rng.random(shape),
    "zeros": lambda rng, shape: np.zeros(shape),
    "ones": lambda rng, shape: np.ones(shape),
    "tied": lambda rng, shape: rng.integers(-2, 3, shape) / 4,
    "tiny": lambda rng, shape: rng.standard_normal(shape) * 1e-30,
    "mostly zero": lambda rng, shape: rng.standard_normal(shape) * (rng.random(shape) < 0.1),
}


def pick(rng: np.random.Generator, options):
    """One of them."""
    return list(options)[rng.integers(len(options))]


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, scale: float = 1.0) -> np.ndarray:
    """A new array of some kind of values."""
    return (scale * VALUES[pick(rng, VALUES)](rng, shape)).astype(dtype)


def laid_out(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
    """The same values, lying in memory in some other way."""
    way = rng.integers(7)
    if way == 0:
        return np.asfortranarray(array)
    if way == 1:  # axes in any order
        order = rng.permutation(array.ndim)
        return np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order))
    if way == 2:  # a part of something larger, walked in steps, some of them backwards
        steps = rng.choice([1, 2, 3, -1, -2], array.ndim)
        larger = np.full([side * abs(step) for side, step in zip(array.shape, steps, strict=True)], np.nan, array.dtype)
        part = larger[tuple(slice(None, None, step) for step in steps)]
        part[...] = array
        return part
    if way == 3:  # at an odd address
        raw = np.zeros(array.nbytes + 1, np.uint8)
        moved = np.frombuffer(raw.data, array.dtype, array.size, offset=1).reshape(array.shape)
        moved[...] = array
        return moved
    if way == 4 and array.ndim == 4:
        return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    copied = array.copy()
    copied.flags.writeable = way != 5
    return copied


def call(rng: np.random.Generator, connections: int, shared: bool, rule: str, dtype: str) -> tuple:
    """A map, its gates, and the directions they are for."""
    n, c, h, w = (int(rng.integers(1, most)) for most in (3, 5, 14, 24))
    names = tuple(pick(rng, DIRECTIONS) for _ in range(rng.integers(1, 5)))
    scale = 0.3 if rule == "none" else float(pick(rng, (0.3, 1.0, 5.0)))
    x = values(rng, (n, c, h, w), dtype)
    gates = values(rng, (n, len(names), connections, 1 if shared else c, h, w), dtype, scale)
    return x, gates, names
