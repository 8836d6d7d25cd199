"""NumPy arrays: straight to the backend."""

from __future__ import annotations

import numpy as np

from spnkit.backends import backend
from spnkit.normalization import normalized_array
from spnkit.plan import plan

LIBRARY = np
FLOATS = tuple(map(np.dtype, ("float16", "float32", "float64")))
FOREIGN = False  # arrays need not be made into others


def propagate(x, gates, directions, normalization, integration, backend_name):
    """`spnkit.propagate` for checked NumPy arrays."""
    resolved = plan(directions, normalization, integration)
    engine = _backend(backend_name)
    dtype, x, gates = x.dtype, wide(x), wide(gates)
    n, c, h, w = x.shape
    last = integration and x.strides[1] == x.itemsize  # channels innermost, and so in the result
    shape = (n, c, h, w) if integration else (n, len(directions), c, h, w)
    y = np.empty((n, h, w, c), x.dtype).transpose(0, 3, 1, 2) if last else np.empty(shape, x.dtype)
    engine.forward(x, gates, y, None, resolved)
    return rounded(y, dtype)


def again(*_):
    """See `adapters.torch`: NumPy's attributes are quick enough to check."""


def adjoint(grad, gates, directions, normalization, backend_name):
    """`spnkit.propagation.scan_adjoint` for checked NumPy arrays."""
    dtype, grad, gates = grad.dtype, wide(grad), wide(gates)
    dx = np.empty(grad.shape, grad.dtype)
    # The gradient at x does not depend on x: any map of the right shape will do.
    _backend(backend_name).backward(grad, None, grad, gates, dx, None, plan(directions, normalization, "sum"))
    return rounded(dx, dtype)


def device(_array):
    """Where its numbers are: NumPy's are all in one place."""


def readable(_array):
    """Whether its numbers can be looked at: always."""
    return True


def casts(_x, _gates):
    """Whether arrays of another dtype may be mixed in: never."""
    return False


def normalize(gates, rule, axis):
    """`spnkit.normalize_gates` for a NumPy array."""
    return rounded(normalized_array(np, wide(gates), rule, axis), gates.dtype)


def _backend(name):
    return backend("cpu" if name == "auto" else name)


def wide(array):
    """Half precision as float32."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def rounded(result, dtype):
    """The result in the dtype that is returned."""
    return result if result.dtype == dtype else result.astype(dtype)
