"""NumPy arrays: straight to the backend."""

from __future__ import annotations

import numpy as np

from spnkit.backends import backend
from spnkit.normalization import normalized_array
from spnkit.plan import plan


def propagate(x, gates, directions, normalization, integration, backend_name):
    """`spnkit.propagate` for checked NumPy arrays."""
    resolved = plan(directions, normalization, integration)
    engine = _backend(backend_name)
    x, gates, dtype = _widened(x, gates)
    n, c, h, w = x.shape
    y = np.empty((n, c, h, w) if integration else (n, len(directions), c, h, w), x.dtype)
    engine.forward(x, gates, y, None, resolved)
    return y.astype(dtype, copy=False)


def adjoint(grad, gates, directions, normalization, backend_name):
    """`spnkit.propagation.scan_adjoint` for checked NumPy arrays."""
    grad, gates, dtype = _widened(grad, gates)
    dx = np.empty(grad.shape, grad.dtype)
    # The gradient at x does not depend on x: any map of the right shape will do.
    _backend(backend_name).backward(grad, None, grad, gates, dx, None, plan(directions, normalization, "sum"))
    return dx.astype(dtype, copy=False)


def casts(array):
    """Whether arrays of another dtype may be mixed in: never."""
    return False


def normalize(gates, rule, axis):
    """`spnkit.normalize_gates` for a NumPy array."""
    wide = gates.astype(_wide(gates.dtype), copy=False)
    return normalized_array(np, wide, rule, axis).astype(gates.dtype, copy=False)


def _backend(name):
    return backend("cpu" if name == "auto" else name)


def _wide(dtype):
    return np.float32 if dtype == np.float16 else dtype


def _widened(x, gates):
    """The arrays in the type that is computed in, and the type to return."""
    wide = _wide(x.dtype)
    return x.astype(wide, copy=False), gates.astype(wide, copy=False), x.dtype
