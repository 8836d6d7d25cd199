"""How many threads compute: sums, and so weights, depend on it."""

from contextlib import contextmanager

import pytest


@contextmanager
def alone():
    """One thread, of torch's and of Numba's."""
    torch, numba = pytest.importorskip("torch"), pytest.importorskip("numba")
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])
