"""The photos of a split, brought into their frame once and read back a patch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import escape
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spnkit.data import IGNORE, SPLITS, LabelledFolder, LabelledImage, shrink_image, shrink_labels
from spnkit.training.files import whole_file
from spnkit.training.options import OptionGroup, grouped, option

VERSION = 1  # raise it whenever the same files are framed in another way
CHECK = 16  # bytes after the pixels
KEY = 16  # letters of a file's name that say what it was made from
Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""A photo (H, W, 3) and its labels (H, W)."""


@grouped
class DataOptions(OptionGroup):
    """Where photos and their labels come from."""

    group = "data"

    data: str | None = option("folder of photos with label maps", default=None)
    split: str = option("what to score: test, or val to make choices on", default="test", choices=SPLITS[1:])


class Frame(Protocol):
    """How a photo is brought into the form that networks see; `str` says all that its result depends on."""

    def __call__(self, found: LabelledImage) -> Pair: ...


@dataclass(frozen=True)
class Padded:
    """As it is, but for a border: of at least `least` pixels a side, in multiples of `multiple`.

    The border repeats the photo's last row and column; what is there is unknown (255).
    """

    least: int
    multiple: int

    def __str__(self) -> str:
        return f"padded {self.least} {self.multiple}"

    def __call__(self, found: LabelledImage) -> Pair:
        missing = [
            (0, -(-max(self.least, side) // self.multiple) * self.multiple - side) for side in found.labels.shape
        ]
        photo = np.pad(found.image, [*missing, (0, 0)], mode="edge")
        return photo, np.pad(found.labels, missing, constant_values=IGNORE)


class Prepared:
    """Photos of one split in their frame, kept as files that are mapped, not loaded.

    The name of a file says what it was made from. One that is there already is used, so an interrupted preparation
    goes on where it stopped; one that is damaged, or made from files that have changed since, is made anew.

    Parameters
    ----------
    folder : LabelledFolder
        Where the photos come from.
    names : sequence of str
        Which of them.
    frame : callable
        `LabelledImage -> (photo, labels)`, both uint8; its `str` says all that the result depends on.
    cache : pathlib.Path
        Where prepared photos are kept.
    """

    def __init__(self, folder: LabelledFolder, names: Iterable[str], frame: Frame, cache: Path):
        self.names, self.frame, self.cache = tuple(names), frame, cache
        self.paths = [cache / f"{name}-{self._key(folder, name)}.npy" for name in self.names]
        for name, path in zip(self.names, self.paths, strict=True):
            if not self._whole(path):
                self._prepare(folder, name, path)

    def _key(self, folder: LabelledFolder, name: str) -> str:
        return blake2b(f"{VERSION} {self.frame} {folder.made_from(name)}".encode(), digest_size=KEY // 2).hexdigest()

    def _whole(self, path: Path) -> bool:
        """Whether a prepared photo is as it was written: its checksum follows it."""
        try:
            found = np.load(path, mmap_mode="r")
            return found.shape[2:] == (4,) and path.read_bytes()[-CHECK:] == _checksum(found)
        except Exception:  # whatever is wrong with it, it is made anew
            return False

    def _prepare(self, folder: LabelledFolder, name: str, path: Path) -> None:
        found = folder.load(name)
        try:
            both = np.dstack(self.frame(found))
        except ValueError as error:
            raise ValueError(f"{folder.root}: {name}: {error}") from error
        with whole_file(path) as file:
            np.save(file, both)
            file.write(_checksum(both))
        for other in path.parent.glob(f"{escape(path.stem[:-KEY])}{'[0-9a-f]' * KEY}.npy"):
            if other != path:  # made from what is no more
                other.unlink()

    def discard(self) -> None:
        """Delete the files, and the folders that are empty without them."""
        for path in self.paths:
            path.unlink(missing_ok=True)
        for folder in sorted({parent for path in self.paths for parent in path.parents}, reverse=True):
            if folder.is_relative_to(self.cache) and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def digest(self) -> str:
        """A number of what the photos are and look like, for what is made from them."""
        found = blake2b(digest_size=16)
        for name, path in zip(self.names, self.paths, strict=True):
            found.update(name.encode() + b"\0" + _checksum(np.load(path, mmap_mode="r")))
        return found.hexdigest()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Pair:
        """Photo uint8 (H, W, 3) and labels uint8 (H, W)."""
        both = np.load(self.paths[index], mmap_mode="r")
        return both[..., :3], both[..., 3]

    def __iter__(self) -> Iterator[Pair]:
        return map(self.__getitem__, range(len(self)))

    def shrunk(self, factor: int) -> list[Pair]:
        """All photos at the parsers' resolution, in memory."""
        return [(shrink_image(photo, factor), shrink_labels(labels, factor)) for photo, labels in self]


def _checksum(array: NDArray[np.uint8]) -> bytes:
    return blake2b(array.data, digest_size=CHECK).digest()
