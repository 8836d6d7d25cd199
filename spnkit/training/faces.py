"""The aligned faces of a split, prepared once and read back a patch at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spnkit.data import FaceFolder, align, shrink_image, shrink_labels
from spnkit.training.files import whole_file

Frame = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class AlignedFaces:
    """Faces of one split in a common frame, kept as files that are mapped, not loaded.

    A file that is there already is used, so an interrupted preparation goes on where it stopped.

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
        self.names = tuple(names)
        self.paths = [cache / f"{name}.npy" for name in self.names]
        for name, path in zip(self.names, self.paths, strict=True):
            if not path.exists():
                face = folder.load(name)
                try:
                    image, labels = align(face.image, face.labels, face.keypoints, size)
                except ValueError as error:
                    raise ValueError(f"{folder.root}: {name}: {error}") from error
                with whole_file(path) as file:
                    np.save(file, np.dstack([image, labels]))

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
