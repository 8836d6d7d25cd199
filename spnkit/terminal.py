"""How every command behaves at a terminal, `spnkit` and the scripts of tasks alike."""

from __future__ import annotations

import os
import signal
import sys
import warnings


def settle() -> None:
    """Let a kill end like Ctrl-C, warnings be one line, and what the terminal cannot write be written as escapes."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's threads and Numba's take turns: idle ones must sleep
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.formatwarning = lambda message, *_, **__: f"note: {message}\n"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def in_one_line(error: BaseException) -> str:
    """An error as people are told of it.

    Examples
    --------
    >>> in_one_line(OSError(28, "out.png: could not be written (no room on disk)"))
    'out.png: could not be written (no room on disk)'
    """
    if isinstance(error, MemoryError):
        return f"not enough memory ({error})" if str(error) else "not enough memory"
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: " if error.filename is not None else ""
        return escaped(f"{named}{error.strerror}")
    return escaped(str(error) or type(error).__name__)


def escaped(text: str) -> str:
    """A text in one line of characters that can be seen."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
