"""A folder of parsed faces behind one interface, whatever its layout."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import IGNORE
from spnkit.data.files import read_photo
from spnkit.data.keypoints import keypoints_from_labels

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Face:
    """One parsed face.

    Attributes
    ----------
    name : str
        Name inside its folder.
    image : numpy.ndarray
        The photo, uint8 (H, W, 3).
    labels : numpy.ndarray
        Class indices, uint8 (H, W); 255 is ignored.
    keypoints : numpy.ndarray or None
        Left eye, right eye, nose tip, left and right mouth corner (the viewer's left), float (5, 2) as
        (x, y); None where one of them is not to be seen.
    """

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    keypoints: NDArray[np.float64] | None


class FaceFolder(ABC):
    """A folder of photos with label maps, split in train, val and test. Made by :func:`open_faces`.

    Attributes
    ----------
    root : pathlib.Path
        The folder.
    layout : str
        Which layout was found in it.
    classes : tuple of str
        Class names in index order.
    splits : dict of str to tuple of str
        Names of the faces in ``"train"``, ``"val"`` and ``"test"``.
    note : str
        What a report on this folder should mention about it; empty for a folder read as published.
    """

    layout: ClassVar[str]
    expects: ClassVar[str]
    note: str = ""

    def __init__(self, root: Path, classes: Sequence[str], splits: dict[str, tuple[str, ...]]):
        self.root, self.classes, self.splits = root, tuple(classes), splits
        seen: dict[str, str] = {}
        for split in SPLITS:
            if not splits[split]:
                raise ValueError(f"{self._split_source(split)}: the {split} split is empty")
            for name in splits[split]:
                if Path(name).is_absolute() or ".." in Path(name).parts:
                    raise ValueError(f"{self._split_source(split)}: {name!r} leads out of the folder")
                if name in seen:
                    where = "twice" if seen[name] == split else f"in the {seen[name]} split too"
                    raise ValueError(f"{self._split_source(split)}: {name!r} is there {where}")
                seen[name] = split
                self._check_files(name, split)

    def _check_files(self, name: str, split: str) -> None:
        for path in (self._photo_path(name), self._label_path(name)):
            if not path.exists():
                raise FileNotFoundError(f"{path}: missing, though the {split} split lists {name!r}")

    @classmethod
    @abstractmethod
    def matches(cls, root: Path) -> bool:
        """Whether `root` looks like this layout."""

    @abstractmethod
    def _split_source(self, split: str) -> Path:
        """The list or folder that a split comes from."""

    @abstractmethod
    def _photo_path(self, name: str) -> Path: ...

    @abstractmethod
    def _label_path(self, name: str) -> Path: ...

    @abstractmethod
    def _read_labels(self, name: str) -> NDArray[np.uint8]: ...

    def _read_keypoints(self, name: str, labels: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        return keypoints_from_labels(labels, self.classes)

    def load(self, name: str) -> Face:
        """Read one face.

        Parameters
        ----------
        name : str
            One of the names in `splits`.

        Returns
        -------
        Face

        Raises
        ------
        OSError
            If the photo or its labels are missing, unreadable or truncated.
        ValueError
            If the labels have another size than the photo or a class index that is not in `classes`.
        """
        image, labels = read_photo(self._photo_path(name)), self._read_labels(name)
        source = self._label_path(name)
        if labels.shape != image.shape[:2]:
            photo = f"the photo {self._photo_path(name)} of {_size(image)}"
            raise ValueError(f"{source}: labels of {_size(labels)} for {photo}")
        unknown = [int(v) for v in np.unique(labels) if v >= len(self.classes) and v != IGNORE]
        if unknown:
            known = f"0..{len(self.classes) - 1} or {IGNORE}"
            raise ValueError(f"{source}: unknown class index {unknown}, expected {known}")
        return Face(name, image, labels, self._read_keypoints(name, labels))

    def __repr__(self) -> str:
        counts = " / ".join(str(len(self.splits[split])) for split in SPLITS)
        sizes = f"{counts} (train / val / test), {len(self.classes)} classes"
        return f"<{self.layout} faces in {self.root}: {sizes}>"


def _size(array: NDArray) -> str:
    return f"{array.shape[1]} x {array.shape[0]} pixels"
