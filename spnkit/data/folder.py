"""A folder of parsed faces behind one interface, whatever its layout."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spnkit.data.align import sides_of_the_viewer
from spnkit.data.classes import IGNORE, unclear
from spnkit.data.files import Shelf, read_photo
from spnkit.data.keypoints import keypoints_from_labels
from spnkit.data.masks import may_be_object

SPLITS = ("train", "val", "test")
_TURNED = "its EXIF says that it is to be turned, but its pixels are taken as stored, like those of its labels"


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
        What a report on this folder should mention about it, such as classes whose names are not understood; empty
        for a folder read as published.
    """

    layout: ClassVar[str]
    expects: ClassVar[str]
    note: str = ""

    def __init__(self, root: Path, classes: Sequence[str], splits: dict[str, tuple[str, ...]]):
        self.root, self.classes = root, tuple(classes)
        self.splits = {split: tuple(map(_plain, names)) for split, names in splits.items()}
        self._shelf, self._told = Shelf(), set[str]()
        seen: dict[Any, tuple[str, str]] = {}
        for split in SPLITS:
            if not self.splits[split]:
                raise ValueError(f"{self._split_source(split)}: the {split} split is empty")
            for name in self.splits[split]:
                if Path(name).is_absolute() or ".." in Path(name).parts:
                    raise ValueError(f"{self._split_source(split)}: {name!r} leads out of the folder")
                self._check_new(name, split, seen)
        if said := unclear(self.classes):
            self.note = "; ".join(filter(None, (self.note, f"classes: {said}")))

    def _check_new(self, name: str, split: str, seen: dict[Any, tuple[str, str]]) -> None:
        """Refuse a face that is there already, under this name or another one that leads to the same photo."""
        if name not in seen:
            self._check_files(name, split)
        for key in (name, _identity(self._photo_path(name))):
            if key in seen:
                other, where = seen[key]
                alias = "" if other == name else f" as {other!r}"
                place = "twice" if where == split else f"in the {where} split too"
                raise ValueError(f"{self._split_source(split)}: {name!r} is there {place}{alias}")
        seen[name] = seen[_identity(self._photo_path(name))] = (name, split)

    def _check_files(self, name: str, split: str) -> None:
        for path in (self._photo_path(name), self._label_path(name)):
            if not path.exists():
                raise FileNotFoundError(
                    f"{path}: missing, though the {split} split lists {name!r} ({self._split_source(split)})"
                )

    def files(self, name: str) -> list[Path]:
        """All files that a face is read from."""
        return [self._photo_path(name), self._label_path(name)]

    def made_from(self, name: str) -> str:
        """What a loaded face depends on, as a text that changes with it."""
        files = [(path.name, found.st_size, found.st_mtime_ns) for path in self.files(name) for found in [path.stat()]]
        coding = len(self.classes) == 2 and self._object_is_255
        return repr((str(self.root.resolve()), self.classes, coding, files))

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
            If the labels have another size than the photo, numbers that are not whole, or a class index that is not
            in `classes`.

        Warns
        -----
        UserWarning
            Once a folder, of what had to be guessed or was left as it is: two classes in labels of nothing but 0 and
            255 (255 is the object where no label map of the folder has a 1, unknown otherwise), a photo that its
            EXIF says is to be turned (pixels stay as stored), labels whose left is the person's own.
        """
        image, turned = read_photo(self._photo_path(name))
        labels, source = self._read_labels(name), self._label_path(name)
        if turned:
            self._tell_once(self._photo_path(name), _TURNED)
        if labels.shape != image.shape[:2]:
            photo = f"the photo {self._photo_path(name)} of {_size(image)}{f' ({_TURNED})' if turned else ''}"
            raise ValueError(f"{source}: labels of {_size(labels)} for {photo}")
        if len(self.classes) == 2 and may_be_object(labels) and self._object_is_255:
            self._tell_once(source, f"no labels here have a 1, so 255 is {self.classes[1]!r}, not unknown")
            labels = (labels == IGNORE).astype(np.uint8)
        unknown = [int(v) for v in np.unique(labels) if v >= len(self.classes) and v != IGNORE]
        if unknown:
            known = f"0..{len(self.classes) - 1} or {IGNORE}"
            raise ValueError(f"{source}: unknown class index {unknown}, expected {known}")
        return self._face(name, image, labels)

    def _face(self, name: str, image: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Face:
        """A face with the viewer's left as left in its keypoints, whatever its labels call left."""
        keypoints, swapped = self._read_keypoints(name, labels), False
        if keypoints is not None:
            keypoints, swapped = sides_of_the_viewer(keypoints)
        if swapped:
            self._tell_once(self._label_path(name), "left is the person's own left; in HELEN it is the viewer's")
        return Face(name, image, labels, keypoints)

    @cached_property
    def _object_is_255(self) -> bool:
        """Whether no label map has a 1: then 255 is what a mask of 0 and 255 shows, in all of them."""
        names = (name for split in SPLITS for name in self.splits[split])
        return not any((self._read_labels(name) == 1).any() for name in names)

    def _tell_once(self, path: Path, what: str) -> None:
        """Warn of what is so in a file, and not again of the same in others."""
        if what not in self._told:
            self._told.add(what)
            warnings.warn(f"{path}: {what}", stacklevel=3)

    def __repr__(self) -> str:
        counts = " / ".join(str(len(self.splits[split])) for split in SPLITS)
        sizes = f"{counts} (train / val / test), {len(self.classes)} classes"
        return f"<{self.layout} faces in {self.root}: {sizes}>"


def _plain(name: str) -> str:
    """`./name` and `name` are one face."""
    return str(PurePosixPath(name))


def _identity(path: Path) -> tuple[int, int] | Path:
    """What two names of one file have in common."""
    found = path.stat()
    return (found.st_dev, found.st_ino) if found.st_ino else path.resolve()


def _size(array: NDArray) -> str:
    return f"{array.shape[1]} x {array.shape[0]} pixels"
