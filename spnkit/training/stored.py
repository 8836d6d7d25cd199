"""Coarse maps that another model has left in a file, as the photo shows them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from spnkit.data import LabelledFolder

LEAST = 1e-6
"""Of the background where a map kept no class at all."""


class Logits(NamedTuple):
    """How a file of whole numbers says logits: `scale * (value - zero)`, resized to `side` before the photo."""

    scale: float
    zero: float
    side: int


QUANTISED = {
    "deeplab_mnv2_257": Logits(0.25, 44, 257),
    "deeplab_mnv2dm05_513q": Logits(0.18857865033535905, 34, 513),
    "deeplab_mnv2_513q": Logits(0.2014983743429184, 36, 513),
}
"""Those of published DeepLab models on PASCAL VOC, by the name of the file."""


class StoredMaps:
    """Maps of many photos in one NPZ file, each under the name of its photo.

    `NAME` alone is an array (C, h, w): probabilities, or, in whole numbers, logits, as `logits` says. With a second
    array `NAME_c` it holds those classes alone, in 255ths. Each is resized bilinearly to the photo; logits become
    probabilities after that, and first are resized, corners to corners, to the square that their model saw.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    classes : int
        How many the maps are of.
    logits : Logits, optional
        How whole numbers are to be read, if not as `QUANTISED` has it for a file of this name.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is no NPZ.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     path = Path(place) / "maps.npz"
    ...     np.savez(path, cat=np.full((3, 4, 5), 1 / 3, np.float32))
    ...     found = StoredMaps(path, 3).of("cat", (40, 50))[:, :8, :9]
    >>> found.shape, round(float(found.mean()), 3)
    (torch.Size([3, 8, 9]), 0.333)
    """

    def __init__(self, path: Path, classes: int, logits: Logits | None = None) -> None:
        self.path, self.classes = Path(path), classes
        self.logits = logits or QUANTISED.get(self.path.stem)
        if not self.path.is_file():
            raise FileNotFoundError(f"{path}: no file of coarse maps there")
        try:
            with np.load(self.path) as archive:
                self.names = frozenset(archive.files)
        except Exception as error:  # NumPy, zipfile and zlib have their own for each damage
            raise ValueError(f"{path}: damaged, or not an NPZ of coarse maps") from error
        self._open: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_open": None}  # a process that prepares samples opens the file itself

    def digest(self) -> str:
        """A number of the file."""
        return blake2b(self.path.read_bytes(), digest_size=16).hexdigest()

    def read(self, name: str) -> NDArray:
        """One array of the file, with an error that names both."""
        if name not in self.names:
            raise ValueError(f"{self.path}: no coarse map of {name}")
        self._open = self._open or np.load(self.path)
        try:
            return self._open[name]
        except Exception as error:
            raise ValueError(f"{self.path}: {name} is damaged") from error

    def on(self, folder: LabelledFolder, name: str, photo: NDArray) -> StoredMap:
        """The map of a photo of a folder, as that is framed."""
        height, width = photo.shape[:2]
        return self.of(Path(name).name, folder.size(name), (height, width))

    def of(self, name: str, size: tuple[int, int], padded: tuple[int, int] | None = None) -> StoredMap:
        """The map of a photo of `size` (H, W); padded below and to the right, it repeats its last row and column."""
        found = self.read(name)
        kept = self.read(f"{name}_c") if f"{name}_c" in self.names else np.arange(self.classes)
        fits = (
            found.ndim == 3 and len(found) == len(kept) and all(found.shape[1:]) and kept.max(initial=0) < self.classes
        )
        if not fits:
            raise ValueError(f"{self.path}: {name}: expected ({self.classes}, h, w), got {found.shape}")
        if len(kept) == self.classes and found.dtype.kind in "iu":
            if self.logits is None:
                raise ValueError(f"{self.path}: whole numbers, but nothing says which logits they are")
            scale, zero, side = self.logits
            found = np.float32(scale) * (found.astype(np.float32) - np.float32(zero))
        else:
            side, found = None, (found / np.float32(255 if found.dtype.kind in "iu" else 1)).astype(np.float32)
        return StoredMap(found, kept, self.classes, size, padded or size, side)


@dataclass(frozen=True)
class StoredMap:
    """Probabilities (C, H, W) of one photo, of which each part is made when it is cut out: `map[:, rows, columns]`."""

    low: NDArray[np.float32]  # (kept classes, h, w): logits if there is a `side`
    kept: NDArray[np.integer]
    classes: int
    size: tuple[int, int]
    padded: tuple[int, int]
    side: int | None

    @property
    def shape(self) -> torch.Size:
        """Of all of it."""
        return torch.Size((self.classes, *self.padded))

    def __getitem__(self, part: tuple[slice, slice, slice] | slice) -> Tensor:
        of_classes, *windows = part if isinstance(part, tuple) else (part, slice(None), slice(None))
        rows, columns = (self._resizing(axis, window) for axis, window in enumerate(windows))
        found = rows @ torch.from_numpy(self.low) @ columns.T
        if self.side is not None:
            return found.softmax(0)[of_classes]
        shares = found.new_zeros(self.classes, *found.shape[1:])
        shares[torch.from_numpy(self.kept.astype(np.int64))] = found
        shares[0] += LEAST
        return (shares / shares.sum(0))[of_classes]

    def _resizing(self, axis: int, window: slice) -> Tensor:
        """The part of the matrix of an axis that gives a window."""
        way = resizing(self.size[axis], self.low.shape[1 + axis], self.side)
        return way[torch.arange(*window.indices(self.padded[axis])).clamp(max=len(way) - 1)]


@cache
def resizing(length: int, low: int, side: int | None) -> Tensor:
    """The matrix (length, low) by which a side is resized bilinearly, by way of `side` if that is given."""
    if side is None:
        return linear(length, low, corners=False)
    return linear(length, side, corners=False) @ linear(side, low, corners=True)


def linear(length: int, low: int, corners: bool) -> Tensor:
    """A bilinear resizing as a matrix: what it makes of each unit vector."""
    return interpolate(torch.eye(low)[None], length, mode="linear", align_corners=corners)[0].T.contiguous()
