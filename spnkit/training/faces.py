"""The aligned faces of a split, prepared once and read back a patch at a time."""

from __future__ import annotations

from collections.abc import Iterable
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
        self.paths = [cache / f"{name}.npy" for name in names]
        for path in self.paths:
            if not path.exists():
                face = folder.load(path.stem)
                image, labels = align(face.image, face.labels, face.keypoints, size)
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
