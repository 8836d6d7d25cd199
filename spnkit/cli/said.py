"""What a command says: errors in one line, and warnings with the file that they are about."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
        return _escaped(f"{named}{error.strerror}")
    return _escaped(str(error) or type(error).__name__)


def _escaped(text: str) -> str:
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def tell(text: str) -> None:
    """On the standard output."""
    print(_escaped(text), flush=True)


def complain(text: str) -> None:
    """On the standard error."""
    print(_escaped(text), file=sys.stderr, flush=True)


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Errors and warnings of what does not know of files name this one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        except (TypeError, ValueError) as error:
            raise ValueError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from error
    for warning in caught:
        complain(f"note: {path}: {warning.message}")
