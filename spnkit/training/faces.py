"""The aligned faces of a split, prepared once and read back a patch at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from glob import escape
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spnkit.data import FaceFolder, align, shrink_image, shrink_labels
from spnkit.training.files import whole_file

VERSION = 1  # raise it whenever the same files are framed in another way
CHECK = 16  # bytes after the pixels
KEY = 16  # letters of a file's name that say what it was made from
Frame = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class AlignedFaces:
    """Faces of one split in a common frame, kept as files that are mapped, not loaded.

    The name of a file says what it was made from. One that is there already is used, so an interrupted preparation
    goes on where it stopped; one that is damaged, or made from files that have changed since, is made anew.

    Parameters
    ----------
    folder : FaceFolder
        Where the faces come from.
    names : sequence of str
        Which of them.
    size : int
        Side of the frame.
    cache : pathlib.Path
        Where prepared faces are kept.
    """

    def __init__(self, folder: FaceFolder, names: Iterable[str], size: int, cache: Path):
        self.names, self.size, self.cache = tuple(names), size, cache
        self.paths = [cache / f"{name}-{self._key(folder, name)}.npy" for name in self.names]
        for name, path in zip(self.names, self.paths, strict=True):
            if not self._whole(path):
                self._prepare(folder, name, path)

    def _key(self, folder: FaceFolder, name: str) -> str:
        return blake2b(f"{VERSION} {self.size} {folder.made_from(name)}".encode(), digest_size=KEY // 2).hexdigest()

    def _whole(self, path: Path) -> bool:
        """Whether a prepared face is as it was written: its checksum follows it."""
        try:
            found = np.load(path, mmap_mode="r")
            return found.shape == (self.size, self.size, 4) and path.read_bytes()[-CHECK:] == _checksum(found)
        except Exception:  # whatever is wrong with it, it is made anew
            return False

    def _prepare(self, folder: FaceFolder, name: str, path: Path) -> None:
        face = folder.load(name)
        try:
            image, labels = align(face.image, face.labels, face.keypoints, self.size)
        except ValueError as error:
            raise ValueError(f"{folder.root}: {name}: {error}") from error
        both = np.dstack([image, labels])
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
        """A number of what the faces are and look like, for what is made from them."""
        found = blake2b(digest_size=16)
        for name, path in zip(self.names, self.paths, strict=True):
            found.update(name.encode() + b"\0" + _checksum(np.load(path, mmap_mode="r")))
        return found.hexdigest()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Frame:
        """Photo uint8 (size, size, 3) and labels uint8 (size, size)."""
        both = np.load(self.paths[index], mmap_mode="r")
        return both[..., :3], both[..., 3]

    def shrunk(self, factor: int) -> list[Frame]:
        """All faces at the parsers' resolution, in memory."""
        return [
            (shrink_image(photo, factor), shrink_labels(labels, factor))
            for photo, labels in map(self.__getitem__, range(len(self)))
        ]


def _checksum(array: NDArray[np.uint8]) -> bytes:
    return blake2b(array.data, digest_size=CHECK).digest()


def folds_of(names: Sequence[str], pattern: str | None, folds: int) -> list[int]:
    """The fold of each face: people are dealt out in turn, with all their photos.

    Raises
    ------
    ValueError
        If the pattern matches nothing in a name, or there are fewer people than folds.
    """
    people = people_of(names, pattern)
    if max(people) + 1 < folds:
        raise ValueError(f"folds: {folds} for {max(people) + 1} people to train on, who are in one fold each")
    return [person % folds for person in people]


def people_of(names: Sequence[str], pattern: str | None) -> list[int]:
    """Whom each face shows, as a number, in the order in which they first appear.

    Parameters
    ----------
    names : sequence of str
        Names of faces.
    pattern : str or None
        Regular expression that matches the part of a name that says who it is; None takes nobody for shown twice.

    Raises
    ------
    ValueError
        If the pattern matches nothing in a name.

    Examples
    --------
    >>> people_of(["ann_left", "ann_right", "bob_left"], "[a-z]+")
    [0, 0, 1]
    """
    numbers: dict[str, int] = {}
    people = []
    for name in names:
        found = name if pattern is None else re.search(pattern, name)
        if found is None:
            raise ValueError(f"people: nothing in the name {name!r} matches {pattern!r}")
        who = found if isinstance(found, str) else found.group()
        people.append(numbers.setdefault(who, len(numbers)))
    return people
