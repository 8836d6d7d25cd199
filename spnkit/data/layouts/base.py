"""What a layout says of a folder: where its photos, labels, class names and splits are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from spnkit.data.files import Shelf, read_indices

SPLITS = ("train", "val", "test")
VAL_STRIDE = 10
Choose = Callable[[Path, Mapping[str, Sequence[str]]], str]
"""Which label set is meant, of `{folder: class names}`, where a folder of photos has several."""


class Layout(ABC):
    """Where the files of a folder of photos with label maps are. What is in them is checked by `LabelledFolder`.

    Attributes
    ----------
    title, expects : str
        What the layout is called, and what a folder of it holds, for errors.
    note : str
        What a report should mention of every folder of this layout.
    labels : str or None
        Which label set is read; None where a folder has one only.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    classes : sequence of str
        Class names in index order.
    splits : mapping of str to sequence of str
        Names of the photos in "train", "val" and "test".
    """

    title: ClassVar[str]
    expects: ClassVar[str]
    note: str = ""
    labels: str | None = None

    def __init__(self, root: Path, classes: Sequence[str], splits: Mapping[str, Sequence[str]]):
        self.root, self.classes, self.splits = root, tuple(classes), splits
        self.shelf = Shelf()

    @classmethod
    @abstractmethod
    def matches(cls, root: Path) -> bool:
        """Whether `root` looks like this layout."""

    @classmethod
    def of(cls, root: Path, labels: str | None, _choose: Choose) -> Layout:
        """The layout of a folder with the label set that is asked for."""
        if labels is not None:
            raise ValueError(f"labels={labels!r}: a {cls.title} folder ({root}) has one set of labels only")
        return cls(root)  # type: ignore[call-arg]  # a layout reads the rest from the folder

    @abstractmethod
    def split_source(self, split: str) -> Path:
        """The list or folder that a split comes from."""

    @abstractmethod
    def photo_path(self, name: str) -> Path:
        """The photo of a name; where there is none, the path that it should have."""

    @abstractmethod
    def label_path(self, name: str) -> Path:
        """Its label map, or the folder of its masks."""

    def files(self, name: str) -> list[Path]:
        """All files that a photo with its labels is read from."""
        return [self.photo_path(name), self.label_path(name)]

    def read_labels(self, name: str) -> NDArray[np.uint8]:
        """Class indices, uint8 (H, W)."""
        return read_indices(self.label_path(name))

    def landmarks(self, _name: str) -> Path | None:
        """A file of face landmarks, where there is one."""
        return None


def held_out(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Train and val from the training names of a folder without a validation list."""
    train = tuple(name for place, name in enumerate(names) if place % VAL_STRIDE)
    return {"train": train, "val": tuple(names[::VAL_STRIDE])}
