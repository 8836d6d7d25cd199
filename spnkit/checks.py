"""What the public calls refuse, by name, before anything is computed; and who computes it."""

from __future__ import annotations

from types import ModuleType

import numpy as np

_adapters: dict[type, ModuleType] = {}


def adapter_of(array, name: str = "x") -> ModuleType:
    """The adapter for this kind of array."""
    kind = type(array)
    if kind not in _adapters:
        _adapters[kind] = _find_adapter(array, name)
    return _adapters[kind]


def _find_adapter(array, name):
    """Look for it; torch is imported only by somebody who already has a tensor, or an array that NumPy cannot read."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, whose mask would be lost: fill it first, {name}.filled(value)")
    if isinstance(array, np.ndarray):
        from spnkit.adapters import numpy as for_numpy

        return for_numpy
    if hasattr(array, "__torch_function__"):
        from spnkit.adapters import torch as for_torch

        return for_torch
    if hasattr(array, "__dlpack__"):
        from spnkit.adapters import dlpack as for_others

        return for_others
    raise TypeError(
        f"{name} is a {type(array).__name__}, expected a NumPy array, a torch tensor or one with __dlpack__"
    )


def check_float(adapter, array, name):
    """The array is of a dtype that is computed with."""
    if array.dtype not in adapter.FLOATS:
        raise TypeError(f"{name} has dtype {array.dtype}, expected one of {', '.join(map(str, adapter.FLOATS))}")


def check_like(adapter, x, array, name, first="x"):
    """The array is of the kind, dtype and device of x."""
    if adapter_of(array, name) is not adapter:
        raise TypeError(f"{name} is a {type(array).__name__}, expected the same kind as {first}, a {type(x).__name__}")
    check_float(adapter, x, first)
    check_float(adapter, array, name)
    if array.dtype != x.dtype and not adapter.casts(x, array):
        raise TypeError(f"{name} has dtype {array.dtype}, expected that of {first}, {x.dtype}")
    if (device := adapter.device(array)) != adapter.device(x):
        raise ValueError(f"{name} is on {device}, expected the device of {first}, {adapter.device(x)}")


def check_pair(adapter, x, gates, directions=None, first="x"):
    """x is a float map, and gates fits it, axis by axis; an axis of directions is there unless that is None."""
    check_like(adapter, x, gates, "gates", first)
    shape, weights = tuple(x.shape), tuple(gates.shape)
    if len(shape) != 4:
        raise ValueError(f"{first} has shape {shape}, expected 4 dimensions (N, C, H, W)")
    if 0 in shape:
        raise ValueError(f"{first} has shape {shape}, expected no empty dimension")
    lead = shape[:1] if directions is None else (shape[0], directions)
    fits = len(weights) == len(lead) + 4 and weights[:-4] == lead and weights[-2:] == shape[-2:]
    if not fits or weights[-4] not in (1, 3) or weights[-3] not in (1, shape[1]):
        axes = "(N, " if directions is None else f"(N, {directions} directions, "
        raise ValueError(
            f"gates has shape {weights}, expected {axes}K, C or 1, H, W) with K = 1 or 3 for {first} of shape {shape}"
        )
