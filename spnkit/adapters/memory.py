"""Memory for large results: touched before where there is such, as a first touch takes longer than the kernels.

A result lives on a block that waits for the next one when the last tensor on it is gone, as gradients are in each step
of a training. What waits adds nothing to the most that results have taken at once, since a new block first frees as
much of it; and of large blocks the system may take back what it needs at any time.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
import weakref
from collections import deque

import torch

LEAST = 1 << 22  # bytes from which it pays, as large pages do in NumPy, which asks for those by itself
MOST = 1 << 29  # bytes that wait
OFFERED_FROM = 1 << 26  # bytes of a block that waits from which the system is told that it may have it: that takes time

_waiting: deque[torch.UntypedStorage] = deque()
_madvise = getattr(ctypes.CDLL(None), "madvise", None) if sys.platform == "linux" else None
if _madvise is not None:
    _madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def touched(new: torch.Tensor) -> torch.Tensor:
    """A tensor like the `new` one, on which nothing is written yet, and in its place."""
    if not new.is_cpu or new.nbytes < LEAST:
        return new
    block = _taken(new.nbytes)
    if block is None:
        block = new.untyped_storage()
        _advise(block, "MADV_HUGEPAGE")
    lent = new.new_empty(0).set_(block, 0, new.shape, new.stride()).numpy()  # lives as long as tensors on it
    weakref.finalize(lent, _given_back, block).atexit = False
    return torch.from_numpy(lent)


def _taken(size):
    """A block that waits, of so many bytes; without one, as much as will be new is freed."""
    kept = []
    try:
        while (block := _waiting.pop()).nbytes() != size:
            kept.append(block)
        return block
    except IndexError:
        while kept and size > 0:
            size -= kept.pop().nbytes()
        return None
    finally:
        _waiting.extend(reversed(kept))


def _given_back(block):
    if block.nbytes() >= OFFERED_FROM:
        _advise(block, "MADV_FREE")
    _waiting.append(block)
    while sum(one.nbytes() for one in tuple(_waiting)) > MOST:
        _waiting.popleft()


def _advise(block, name):
    """Tell the system about whole pages of a block; it may refuse, without harm."""
    advice = getattr(mmap, name, None)
    if _madvise is not None and advice is not None:
        begin = -(-block.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
        end = (block.data_ptr() + block.nbytes()) // mmap.PAGESIZE * mmap.PAGESIZE
        _madvise(begin, end - begin, advice)
