"""What a command says, and warnings with the file that they are about."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spnkit.terminal import escaped


def tell(text: str) -> None:
    """On the standard output."""
    print(escaped(text), flush=True)


def complain(text: str) -> None:
    """On the standard error."""
    print(escaped(text), file=sys.stderr, flush=True)


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
