"""Colours that mean classes: as numbers, and tables of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spnkit.data.files import open_picture, read_lines

UNKNOWN = ("void", "unknown", "ignore", "unlabeled", "unlabelled")
"""Names for the colour of what is unknown."""


def packed(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Colours (..., 3 or 4) as numbers: of RGB, hexadecimal RRGGBB; black, or what is transparent, is 0."""
    number = np.zeros(colours.shape[:-1], np.int64)
    for channel in np.moveaxis(colours, -1, 0):
        number = 256 * number + channel
    return number


def unpacked(numbers: NDArray[np.integer], channels: int) -> NDArray[np.uint8]:
    """The colours of such numbers.

    Examples
    --------
    >>> unpacked(np.array(0xFF8000), 3).tolist()
    [255, 128, 0]
    """
    return np.stack([numbers >> 8 * place & 255 for place in reversed(range(channels))], -1).astype(np.uint8)


@dataclass(frozen=True)
class Colours:
    """The colours that classes have, and the one for what is unknown."""

    known: frozenset[int]
    void: int | None

    def check(self, path: Path, found: NDArray[np.integer]) -> None:
        """Refuse colours of a mask that the table has not."""
        strange = [number for number in found.tolist() if number not in self.known]
        if strange:
            example = " ".join(map(str, unpacked(np.array(strange[0]), 3)))
            raise ValueError(f"{path}: {len(strange)} colours are not in the table of colours, such as {example}")


def read_colours(path: Path) -> Colours:
    """A table of colours: lines `R G B name`, or the palette of an indexed picture.

    Raises
    ------
    OSError, ValueError
        If it is neither.
    """
    if path.suffix.lower() in (".png", ".gif", ".bmp", ".tif", ".tiff"):
        palette = open_picture(path).getpalette()
        if not palette:
            raise ValueError(f"{path}: expected an indexed picture, for its palette, got one without")
        numbers = packed(np.array(palette, np.uint8).reshape(-1, 3))
        return Colours(frozenset(numbers.tolist()), None)
    rows = [_row(path, line) for line in read_lines(path) if not line.startswith("#")]
    if not rows:
        raise ValueError(f"{path}: expected lines 'R G B name', got none")
    void = [number for number, name in rows if name.lower() in UNKNOWN]
    return Colours(frozenset(number for number, _ in rows), void[0] if void else None)


def _row(path: Path, line: str) -> tuple[int, str]:
    """The colour and the name in a line; commas are as good as spaces."""
    *levels, name = [*line.replace(",", " ").split(maxsplit=3), ""][:4]
    if len(levels) == 3 and all(level.isascii() and level.isdigit() and int(level) < 256 for level in levels):
        return int(packed(np.array(levels, np.uint8))), name.strip()
    raise ValueError(f"{path}: expected lines 'R G B name' with levels 0 to 255, got {line!r}")
