"""Compiled kernels on disk, under a key that covers the whole definition.

Numba's own cache looks at the file of the decorated function alone: after a change in `recurrence.py` it would
go on serving the old kernel. So every state of the sources gets a folder of its own.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from functools import lru_cache
from pathlib import Path

import numba

_lock = threading.Lock()


@lru_cache(maxsize=1)
def folder() -> Path:
    """Where kernels of these very sources are kept: under NUMBA_CACHE_DIR or the user's cache folder."""
    package = Path(__file__).resolve().parent.parent
    sources = sorted((*package.glob("*.py"), *package.glob("backends/*.py")))
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    root = os.environ.get("NUMBA_CACHE_DIR")
    return (Path(root) if root else _user_cache()) / "spnkit" / digest.hexdigest()[:16]


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home()))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def jit_cached(function, jit=numba.njit, **options):
    """`jit(cache=True)` in `folder()`; without a writable place, compiled anew in every process."""
    with _lock:
        before = numba.config.CACHE_DIR
        try:
            folder().mkdir(parents=True, exist_ok=True)
            numba.config.CACHE_DIR = str(folder())
            return jit(cache=True, **options)(function)
        except (OSError, RuntimeError):  # RuntimeError is how Numba says "no locator available"
            return jit(**options)(function)
        finally:
            numba.config.CACHE_DIR = before
