"""e to the power of registers, beside NumPy's in more digits."""

import numpy as np
import pytest

from spnkit.backends.cpu import simd
from spnkit.backends.cpu.exponential import exp
from spnkit.backends.cpu.native import native
from spnkit.backends.cpu.values import FLOATS, Kind

SPECIAL = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-30, 88.7, 88.8, -87.4, -103.9, -104.1, 709.7, 709.8, -745.2, -1e30]


def of_register(source, target, kind):
    simd.store(target, exp(simd.load(source, kind)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp(rng, dtype):
    item, limit = np.dtype(dtype).itemsize, {np.float32: 110, np.float64: 760}[dtype]
    kind = Kind(FLOATS[item], 4)
    drawn = [rng.uniform(-side, side, 4000) for side in (1e-3, 1, limit)]
    x = np.concatenate([*drawn, SPECIAL, [0.0]]).astype(dtype)
    y, run = np.empty_like(x), native(of_register, kind, name=f"exp_{item}")
    for at in range(0, x.nbytes, 4 * item):
        run.ctypes(x.ctypes.data + at, y.ctypes.data + at)
    with np.errstate(over="ignore", under="ignore"):
        expected = np.exp(x.astype(np.longdouble)).astype(dtype)
    ordinary = np.isfinite(expected) & (expected > np.finfo(dtype).tiny)
    np.testing.assert_array_max_ulp(y[ordinary], expected[ordinary], 1)
    np.testing.assert_allclose(y[~ordinary], expected[~ordinary], rtol=0, atol=8 * np.finfo(dtype).smallest_subnormal)
