"""Photos, label maps and class names in folders of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spnkit.data.files import LABEL_ENDINGS, PHOTO_ENDINGS, read_lines
from spnkit.data.layouts.base import SPLITS, Choose, Layout
from spnkit.data.names import meanings


def most_classes(_root: Path, sets: Mapping[str, Sequence[str]]) -> str:
    """The label set with the most classes."""
    return max(sets, key=lambda name: len(sets[name]))


class Indexed(Layout):
    """Photos, label maps and class names: `images/ + labelsNN/ + splits/ + classes*.txt`."""

    title = "images + labels + splits"
    expects = "images/, labelsNN/NAME.png, splits/{train,val,test}.txt, classes.txt or classesNN.txt"

    def __init__(self, root: Path, labels: str | None = None, choose: Choose = most_classes):
        sets = label_sets(root)
        if not (labels or sets):
            raise FileNotFoundError(
                f"{root}: no classes.txt or classesNN.txt names the classes of labelsNN/, as many as NN says"
            )
        chosen = labels or choose(root, sets)
        if chosen not in sets:
            raise ValueError(f"labels={labels!r}: {root} has {sorted(sets)} with a list of classes")
        splits = {split: tuple(read_lines(root / "splits" / f"{split}.txt")) for split in SPLITS}
        super().__init__(root, sets[chosen], splits)
        self.labels = chosen

    @classmethod
    def matches(cls, root: Path) -> bool:
        return (root / "images").is_dir() and (root / "splits").is_dir() and any(root.glob("labels*/"))

    @classmethod
    def of(cls, root: Path, labels: str | None, choose: Choose) -> Layout:
        return cls(root, labels, choose)

    def split_source(self, split: str) -> Path:
        return self.root / "splits" / f"{split}.txt"

    def photo_path(self, name: str) -> Path:
        return self.shelf.find(self.root / "images" / name, PHOTO_ENDINGS)

    def label_path(self, name: str) -> Path:
        return self.shelf.find(self.root / str(self.labels) / name, LABEL_ENDINGS)

    def landmarks(self, name: str) -> Path | None:
        path = self.root / "landmarks70" / f"{name}.txt"
        return path if path.exists() else None

    def files(self, name: str) -> list[Path]:
        return [*super().files(name), *filter(None, [self.landmarks(name)])]


def label_sets(root: Path) -> dict[str, list[str]]:
    """Each `labelsNN` that has class names: those of `classesNN.txt`, else NN names in `classes.txt`."""
    sets: dict[str, list[str]] = {}
    for folder in sorted(root.glob("labels*/")):
        number = folder.name.removeprefix("labels")
        for file in (root / f"classes{number}.txt", root / "classes.txt"):
            names = class_names(file) if file.is_file() else []
            if names and number in ("", str(len(names))):
                sets.setdefault(folder.name, names)
    return sets


def class_names(path: Path) -> list[str]:
    """Names from lines `index name`, which must count from 0; a line `255 ignore` may follow."""
    rows = [line.split(maxsplit=1) for line in read_lines(path)]
    rows = [row for row in rows if row[0] != "255"]
    if any(len(row) != 2 or row[0] != str(i) for i, row in enumerate(rows)):
        raise ValueError(f"{path}: expected lines '0 name', '1 name', ... in order")
    names = [row[1] for row in rows]
    if len(set(meanings(names))) < len(names):
        raise ValueError(f"{path}: expected a name of its own for each class, got {', '.join(names)}")
    return names
