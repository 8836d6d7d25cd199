"""Threads that help with a call, and the scratch of all of them.

Helpers are threads of Python's that never come back from compiled code (`team.py`), where they sleep on locks of
Python's, which every system has. They are started by the first call that is worth sharing.
"""

from __future__ import annotations

import ctypes
import threading
from array import array
from collections import deque
from functools import lru_cache

import numba
import numpy as np
from numba.core.ccallback import CFunc

from spnkit.backends.cpu import team
from spnkit.backends.cpu.native import native, text_of
from spnkit.backends.cpu.tiles import LINE

KEPT = 2  # pieces of scratch that wait for the next call
MOST = 1 << 24  # bytes of one of them

_free: deque[tuple[np.ndarray, int]] = deque(maxlen=KEPT)
_in_use = threading.Lock()


def scratch(size: int) -> tuple[np.ndarray, int]:
    """Room for so many bytes, which a call before may have left, and the first address in it that a line begins at."""
    try:
        room, begin = _free.pop()
        if room.nbytes >= size + LINE:
            return room, begin
    except IndexError:
        pass
    room = np.empty(size + LINE, np.uint8)
    return room, -(-ctypes.addressof(ctypes.c_char.from_buffer(room)) // LINE) * LINE


def give_back(room: np.ndarray, begin: int) -> None:
    """Leave scratch to the next call, unless there is much of it."""
    if room.nbytes <= MOST:
        _free.append((room, begin))


def together(run: CFunc, call: int, workers: int) -> None:
    """Run a kernel on so many threads at most, this one among them; on this one alone while others help elsewhere."""
    if not _in_use.acquire(blocking=False):
        run.ctypes(call, 0)
        return
    try:
        words, at, lead = team_of()
        words[team.WORK], words[team.CALL], words[team.WORKERS] = run.address, call, workers
        lead(at, call)
    finally:
        _in_use.release()


@lru_cache(maxsize=1)
def team_of() -> tuple:
    """The words of the pool, their address, and `lead`, when helpers have been started."""
    helpers = numba.config.NUMBA_NUM_THREADS - 1
    words = array("q", bytes(8 * (team.HELPERS + team.STRIDE * (helpers + 1))))
    at = -(-words.buffer_info()[0] // LINE) * LINE
    words = (ctypes.c_int64 * (len(words) - LINE // 8)).from_buffer(words, at - words.buffer_info()[0])
    words[team.LOCK], words[team.ACQUIRE], words[team.RELEASE] = (
        _lock(),
        *map(_address, ("acquire_lock", "release_lock")),
    )
    serve = native(TEXT.serve, name="serve")
    for number in range(helpers):
        words[team.HELPERS + team.STRIDE * number + team.OWN_LOCK] = _lock()
        threading.Thread(target=serve.ctypes, args=(at, number), name=f"spnkit-{number + 1}", daemon=True).start()
    return words, at, native(TEXT.lead, name="lead").ctypes


TEXT = text_of(team)


def _lock() -> int:
    """A new lock of Python's, taken."""
    allocate = ctypes.pythonapi.PyThread_allocate_lock
    allocate.restype = ctypes.c_void_p
    lock = allocate()
    ctypes.pythonapi.PyThread_acquire_lock(ctypes.c_void_p(lock), 1)
    return lock


def _address(name: str) -> int:
    return ctypes.cast(getattr(ctypes.pythonapi, f"PyThread_{name}"), ctypes.c_void_p).value
