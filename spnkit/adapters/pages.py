"""Large pages for large results: to touch new memory in small ones for the first time takes longer than the kernels.

NumPy asks for them by itself, torch does not.
"""

from __future__ import annotations

import ctypes
import mmap
import sys

LEAST = 1 << 22  # bytes from which it pays, as in NumPy
_ADVICE = getattr(mmap, "MADV_HUGEPAGE", None)
_madvise = getattr(ctypes.CDLL(None), "madvise", None) if sys.platform == "linux" and _ADVICE is not None else None
if _madvise is not None:
    _madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def in_large_pages(tensor):
    """The tensor, new and on the CPU; the system is asked, and may refuse without harm."""
    if _madvise is not None and tensor.is_cpu and tensor.nbytes >= LEAST:
        begin = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
        end = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
        _madvise(begin, end - begin, _ADVICE)
    return tensor
