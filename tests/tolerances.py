"""The one table of tolerances: relative to the largest value compared, by dtype. Never loosened to pass."""

import numpy as np

TOLERANCE = {"float64": 1e-12, "float32": 2e-5, "float16": 2e-3, "bfloat16": 1.6e-2}
ROUNDING = 1e-15  # of numbers up to one after an operation or two in float64: identities between matrices
SOLVER = 1e-10  # of what iterates until it has converged: eigenvalues, least squares, the exponential, limits


def assert_close(actual, expected, dtype=None):
    """Both agree within the tolerance of `dtype`, that of `actual` unless given; numbers of Python are float64."""
    dtype = str(dtype or getattr(actual, "dtype", "float64")).removeprefix("torch.")
    actual, expected = (np.asarray(array, dtype=np.float64) for array in (actual, expected))
    assert actual.shape == expected.shape
    largest = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[dtype] * largest)
