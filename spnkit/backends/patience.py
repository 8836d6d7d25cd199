"""A word to whoever waits for the compiler, once in a process; `SPNKIT_QUIET` turns it off."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 1.0  # seconds of compiling in all

_spent = 0.0
_said = False


@contextmanager
def compiling() -> Iterator[None]:
    """Something is compiled: what takes less than `PATIENCE`, with all before it, is done in silence."""
    global _spent
    begin, timer = time.perf_counter(), threading.Timer(max(0.0, PATIENCE - _spent), _say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        _spent += time.perf_counter() - begin


def _say():
    global _said
    if _said or os.environ.get("SPNKIT_QUIET") or sys.stderr is None:
        return
    _said = True
    print(
        "spnkit: compiling kernels, once per machine and kind of call "
        "(`python -m spnkit warmup` does it beforehand, SPNKIT_QUIET=1 hides this)",
        file=sys.stderr,
        flush=True,
    )
