"""What a part of the package needs besides, and the extra that brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(part: str, extra: str) -> Iterator[None]:
    """Whatever package is found missing within, say so, and how to get it.

    Raises
    ------
    ModuleNotFoundError
        With the `name` of the package; an error about a module of spnkit itself is passed on as it is.

    Examples
    --------
    >>> with needs("spnkit.look", "look"):
    ...     import no_such_package
    Traceback (most recent call last):
    ModuleNotFoundError: spnkit.look needs no_such_package: pip install 'spnkit[look]'
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "spnkit").split(".")[0]
        if package == "spnkit":
            raise
        raise ModuleNotFoundError(f"{part} needs {package}: pip install 'spnkit[{extra}]'", name=package) from None
