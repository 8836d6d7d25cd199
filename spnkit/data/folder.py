"""A folder of photos with label maps behind one interface, whatever its layout."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import IGNORE
from spnkit.data.files import read_photo, size_of
from spnkit.data.layouts import SPLITS, Layout, layout_of
from spnkit.data.masks import may_be_object

_TURNED = "its EXIF says that it is to be turned, but its pixels are taken as stored, like those of its labels"


@dataclass(frozen=True)
class LabelledImage:
    """One photo with its labels.

    Attributes
    ----------
    name : str
        Name inside its folder.
    image : numpy.ndarray
        The photo, uint8 (H, W, 3).
    labels : numpy.ndarray
        Class indices, uint8 (H, W); 255 is ignored.
    """

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class LabelledFolder:
    """A folder of photos with label maps, split in train, val and test. Made by :func:`open_images`.

    Attributes
    ----------
    root : pathlib.Path
        The folder.
    layout : str
        Which layout was found in it.
    labels : str or None
        Which label set is read, where a folder of this layout may have several.
    classes : tuple of str
        Class names in index order.
    splits : dict of str to tuple of str
        Names of the photos in ``"train"``, ``"val"`` and ``"test"``.
    note : str
        What a report on this folder should mention about it; empty for a folder read as published.

    Parameters
    ----------
    layout : Layout
        Where its files are.

    Raises
    ------
    OSError, ValueError
        If a split is empty, a photo is in two, or a file that a list names is missing.
    """

    what: ClassVar[str] = "photos"

    def __init__(self, layout: Layout):
        self.root, self.layout, self.classes, self.note = layout.root, layout.title, layout.classes, layout.note
        self.splits = {split: tuple(map(_plain, layout.splits[split])) for split in SPLITS}
        self.labels, self._files, self._told = layout.labels, layout, set[str]()
        seen: dict[Any, tuple[str, str]] = {}
        for split in SPLITS:
            if not self.splits[split]:
                raise ValueError(f"{layout.split_source(split)}: the {split} split is empty")
            for name in self.splits[split]:
                if Path(name).is_absolute() or ".." in Path(name).parts:
                    raise ValueError(f"{layout.split_source(split)}: {name!r} leads out of the folder")
                self._check_new(name, split, seen)

    def _check_new(self, name: str, split: str, seen: dict[Any, tuple[str, str]]) -> None:
        """Refuse a photo that is there already, under this name or another one that leads to the same file."""
        if name not in seen:
            self._check_files(name, split)
        for key in (name, _identity(self._files.photo_path(name))):
            if key in seen:
                other, where = seen[key]
                alias = "" if other == name else f" as {other!r}"
                place = "twice" if where == split else f"in the {where} split too"
                raise ValueError(f"{self._files.split_source(split)}: {name!r} is there {place}{alias}")
        seen[name] = seen[_identity(self._files.photo_path(name))] = (name, split)

    def _check_files(self, name: str, split: str) -> None:
        for path in (self._files.photo_path(name), self._files.label_path(name)):
            if not path.exists():
                raise FileNotFoundError(
                    f"{path}: missing, though the {split} split lists {name!r} ({self._files.split_source(split)})"
                )

    def made_from(self, name: str) -> str:
        """What a loaded photo depends on, as a text that changes with it."""
        paths = [(path, path.stat()) for path in self._files.files(name)]
        files = [(path.name, found.st_size, found.st_mtime_ns) for path, found in paths]
        coding = len(self.classes) == 2 and self._object_is_255
        return repr((str(self.root.resolve()), self.classes, coding, files))

    def size(self, name: str) -> tuple[int, int]:
        """Height and width of a photo, whose pixels are not read."""
        return size_of(self._files.photo_path(name))

    def load(self, name: str) -> LabelledImage:
        """Read one photo with its labels.

        Parameters
        ----------
        name : str
            One of the names in `splits`.

        Returns
        -------
        LabelledImage

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
            EXIF says is to be turned (pixels stay as stored).
        """
        photo, source = self._files.photo_path(name), self._files.label_path(name)
        image, turned = read_photo(photo)
        labels = self._files.read_labels(name)
        if turned:
            self._tell_once(photo, _TURNED)
        if labels.shape != image.shape[:2]:
            shown = f"the photo {photo} of {_size(image)}{f' ({_TURNED})' if turned else ''}"
            raise ValueError(f"{source}: labels of {_size(labels)} for {shown}")
        if len(self.classes) == 2 and may_be_object(labels) and self._object_is_255:
            self._tell_once(source, f"no labels here have a 1, so 255 is {self.classes[1]!r}, not unknown")
            labels = (labels == IGNORE).astype(np.uint8)
        unknown = [int(v) for v in np.unique(labels) if v >= len(self.classes) and v != IGNORE]
        if unknown:
            known = f"0..{len(self.classes) - 1} or {IGNORE}"
            raise ValueError(f"{source}: unknown class index {unknown}, expected {known}")
        return LabelledImage(name, image, labels)

    @cached_property
    def _object_is_255(self) -> bool:
        """Whether no label map has a 1: then 255 is what a mask of 0 and 255 shows, in all of them."""
        names = (name for split in SPLITS for name in self.splits[split])
        return not any((self._files.read_labels(name) == 1).any() for name in names)

    def _tell_once(self, path: Path, what: str) -> None:
        """Warn of what is so in a file, and not again of the same in others."""
        if what not in self._told:
            self._told.add(what)
            warnings.warn(f"{path}: {what}", stacklevel=3)

    def __repr__(self) -> str:
        counts = " / ".join(str(len(self.splits[split])) for split in SPLITS)
        sizes = f"{counts} (train / val / test), {len(self.classes)} classes"
        return f"<{self.layout} {self.what} in {self.root}: {sizes}>"


def open_images(folder: str | os.PathLike[str], labels: str | None = None) -> LabelledFolder:
    """Open a folder of photos with label maps of any classes; its layout is told by what is in it.

    Known are PASCAL VOC's layout, `images/ + labelsNN/ + splits/`, and those of `open_faces`. 255 is unknown.

    Parameters
    ----------
    folder : path
        The folder.
    labels : str, optional
        Which `labelsNN` to read where a folder has several; by default the one with the most classes.

    Returns
    -------
    LabelledFolder
        With `layout`, `classes`, `splits` and ``load(name)``.

    Raises
    ------
    FileNotFoundError
        If the folder, one of its lists, or a photo or label map named in a list is missing.
    ValueError
        If the layout is not known, a split is empty, a photo is in two splits, or `labels` is not in the folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from spnkit.data import make_faces
    >>> with TemporaryDirectory() as place:
    ...     made = make_faces(place + "/faces", train=2, val=1, test=1, size=64)
    ...     photo = open_images(place + "/faces").load(made.splits["test"][0])
    >>> photo.image.shape, photo.labels.shape
    ((64, 64, 3), (64, 64))
    """
    return LabelledFolder(layout_of(folder, labels))


def _plain(name: str) -> str:
    """`./name` and `name` are one photo."""
    return str(PurePosixPath(name))


def _identity(path: Path) -> tuple[int, int] | Path:
    """What two names of one file have in common."""
    found = path.stat()
    return (found.st_dev, found.st_ino) if found.st_ino else path.resolve()


def _size(array: NDArray) -> str:
    return f"{array.shape[1]} x {array.shape[0]} pixels"
