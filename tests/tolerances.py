"""The one table of tolerances: relative to the largest value compared, by dtype. Never loosened to pass."""

import numpy as np

TOLERANCE = {"float64": 1e-12, "float32": 2e-5, "float16": 2e-3, "bfloat16": 1.6e-2}


def assert_close(actual, expected, dtype=None):
    """Both agree within the tolerance of `dtype`, that of `actual` unless given."""
    dtype = str(dtype or actual.dtype).removeprefix("torch.")
    actual, expected = (np.asarray(array, dtype=np.float64) for array in (actual, expected))
    assert actual.shape == expected.shape
    largest = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[dtype] * largest)
