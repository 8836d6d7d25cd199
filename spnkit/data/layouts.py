"""The folder layouts that can be read, and :func:`open_faces`, which tells them apart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import HELEN_CLASSES, score_groups
from spnkit.data.files import LABEL_ENDINGS, PHOTO_ENDINGS, Shelf, read_indices, read_levels, read_lines
from spnkit.data.folder import SPLITS, FaceFolder
from spnkit.data.keypoints import keypoints_from_landmarks
from spnkit.data.names import meanings


class HelenFolder(FaceFolder):
    """HELEN as labelled by Smith et al. (2013): one soft mask a class, three lists."""

    layout = "HELEN"
    expects = "images/, labels/NAME/NAME_lbl00.png ..., exemplars.txt, tuning.txt, testing.txt"
    lists: ClassVar = dict(zip(SPLITS, ("exemplars.txt", "tuning.txt", "testing.txt"), strict=True))

    def __init__(self, root: Path):
        splits = {split: tuple(map(self._name, read_lines(root / file))) for split, file in self.lists.items()}
        super().__init__(root, HELEN_CLASSES, splits)

    @classmethod
    def matches(cls, root: Path) -> bool:
        return (root / "images").is_dir() and (root / "exemplars.txt").is_file()

    @staticmethod
    def _name(line: str) -> str:
        return line.rpartition(",")[2].strip()  # "number , NAME"

    def _split_source(self, split: str) -> Path:
        return self.root / self.lists[split]

    def _photo_path(self, name: str) -> Path:
        return self._shelf.find(self.root / "images" / name, PHOTO_ENDINGS)

    def _label_path(self, name: str) -> Path:
        return self.root / "labels" / name

    def _mask_paths(self, name: str) -> list[Path]:
        masks = (self._label_path(name) / f"{name}_lbl{i:02d}" for i in range(len(self.classes)))
        return [self._shelf.find(mask, LABEL_ENDINGS) for mask in masks]

    def files(self, name: str) -> list[Path]:
        return [self._photo_path(name), *self._mask_paths(name)]

    def _read_labels(self, name: str) -> NDArray[np.uint8]:
        """The class of the strongest mask at each pixel; background where all are zero."""
        paths = self._mask_paths(name)
        masks = [read_levels(path) for path in paths]
        for path, mask in zip(paths, masks, strict=True):
            if mask.shape != masks[0].shape:
                raise ValueError(f"{path}: mask of shape {mask.shape}, its background mask has {masks[0].shape}")
        return np.argmax(masks, axis=0).astype(np.uint8)


class HelenStarFolder(FaceFolder):
    """HELEN*, the relabelled HELEN: photo and label map side by side in `train` and `test`."""

    layout = "HELEN*"
    expects = "train/NAME_image.jpg, train/NAME_label.png, test/ (or test_resize/) alike"
    val_stride = 10
    note = f"HELEN* has no validation list: every {val_stride}th training face by name is held out as val"

    def __init__(self, root: Path):
        self._test = "test" if (root / "test").is_dir() else "test_resize"
        train, test = (self._photos_in(root / part) for part in ("train", self._test))
        self._photos, known = train | test, tuple(train)
        splits = {
            "train": tuple(name for i, name in enumerate(known) if i % self.val_stride),
            "val": known[:: self.val_stride],
            "test": tuple(test),
        }
        super().__init__(root, HELEN_CLASSES, splits)

    @classmethod
    def matches(cls, root: Path) -> bool:
        return (root / "train").is_dir() and any((root / test).is_dir() for test in ("test", "test_resize"))

    @staticmethod
    def _photos_in(folder: Path) -> dict[str, Path]:
        """The photos by name, in order; their endings are not all alike."""
        shelf = Shelf()
        names = sorted(name for name in shelf.listing(folder) if name.endswith("_image"))
        photos = {name.removesuffix("_image"): shelf.find(folder / name, PHOTO_ENDINGS) for name in names}
        return {name: path for name, path in photos.items() if path.exists()}

    def _split_source(self, split: str) -> Path:
        return self.root / (self._test if split == "test" else "train")

    def _photo_path(self, name: str) -> Path:
        return self._photos.get(name, self.root / "train" / f"{name}_image.jpg")

    def _label_path(self, name: str) -> Path:
        return self._shelf.find(self._photo_path(name).with_name(f"{name}_label"), LABEL_ENDINGS)

    def _read_labels(self, name: str) -> NDArray[np.uint8]:
        return read_indices(self._label_path(name))


class IndexedFolder(FaceFolder):
    """Photos, label maps and class names: `images/ + labelsNN/ + splits/ + classes*.txt`."""

    layout = "images + labels + splits"
    expects = "images/, labelsNN/NAME.png, splits/{train,val,test}.txt, classes.txt or classesNN.txt"

    def __init__(self, root: Path, labels: str | None = None):
        candidates = self._label_sets(root)
        self.labels = labels or self._best(root, candidates)
        if self.labels not in candidates:
            raise ValueError(f"labels={labels!r}: {root} has {sorted(candidates)} with a list of classes")
        splits = {split: tuple(read_lines(root / "splits" / f"{split}.txt")) for split in SPLITS}
        super().__init__(root, candidates[self.labels], splits)

    @classmethod
    def matches(cls, root: Path) -> bool:
        return (root / "images").is_dir() and (root / "splits").is_dir() and any(root.glob("labels*/"))

    @staticmethod
    def _label_sets(root: Path) -> dict[str, list[str]]:
        """Each `labelsNN` that has class names: those of `classesNN.txt`, else NN names in `classes.txt`."""
        sets: dict[str, list[str]] = {}
        for folder in sorted(root.glob("labels*/")):
            number = folder.name.removeprefix("labels")
            for file in (root / f"classes{number}.txt", root / "classes.txt"):
                names = _class_names(file) if file.is_file() else []
                if names and number in ("", str(len(names))):
                    sets.setdefault(folder.name, names)
        return sets

    @staticmethod
    def _best(root: Path, candidates: dict[str, list[str]]) -> str:
        """HELEN's own eleven classes, else nine, else the set with the most classes that Table 1 scores."""
        for folder in ("labels11", "labels9"):
            if folder in candidates:
                return folder
        if not candidates:
            raise FileNotFoundError(
                f"{root}: no classes.txt or classesNN.txt names the classes of labelsNN/, as many as NN says"
            )
        parts = {folder: sum(map(len, score_groups(names).values())) for folder, names in candidates.items()}
        if not any(parts.values()):
            raise ValueError(f"{root}: none of {sorted(parts)} names a part of a face, choose one by labels=")
        return max(parts, key=parts.__getitem__)

    def _split_source(self, split: str) -> Path:
        return self.root / "splits" / f"{split}.txt"

    def _photo_path(self, name: str) -> Path:
        return self._shelf.find(self.root / "images" / name, PHOTO_ENDINGS)

    def _label_path(self, name: str) -> Path:
        return self._shelf.find(self.root / self.labels / name, LABEL_ENDINGS)

    def _read_labels(self, name: str) -> NDArray[np.uint8]:
        return read_indices(self._label_path(name))

    def _landmarks(self, name: str) -> Path:
        return self.root / "landmarks70" / f"{name}.txt"

    def files(self, name: str) -> list[Path]:
        return [*super().files(name), *filter(Path.exists, [self._landmarks(name)])]

    def _read_keypoints(self, name: str, labels: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        landmarks = self._landmarks(name)
        return keypoints_from_landmarks(landmarks) if landmarks.exists() else super()._read_keypoints(name, labels)


def _class_names(path: Path) -> list[str]:
    """Names from lines `index name`, which must count from 0; a line `255 ignore` may follow."""
    rows = [line.split(maxsplit=1) for line in read_lines(path)]
    rows = [row for row in rows if row[0] != "255"]
    if any(len(row) != 2 or row[0] != str(i) for i, row in enumerate(rows)):
        raise ValueError(f"{path}: expected lines '0 name', '1 name', ... in order")
    names = [row[1] for row in rows]
    if len(set(meanings(names))) < len(names):
        raise ValueError(f"{path}: expected a name of its own for each class, got {', '.join(names)}")
    return names


LAYOUTS: tuple[type[Any], ...] = (HelenFolder, IndexedFolder, HelenStarFolder)


def open_faces(folder: str | os.PathLike[str], labels: str | None = None) -> FaceFolder:
    """Open a folder of parsed faces; its layout is told by what is in it.

    Known are HELEN (Smith et al., 2013), HELEN* (relabelled), and `images/ + labelsNN/ + splits/`.

    Parameters
    ----------
    folder : path
        The folder.
    labels : str, optional
        Which `labelsNN` to read where a folder has several; by default `labels11`, else `labels9`, else
        the one with the most classes that Table 1 of the paper scores.

    Returns
    -------
    FaceFolder
        With `layout`, `classes`, `splits` and ``load(name)``.

    Raises
    ------
    FileNotFoundError
        If the folder, one of its lists, or a photo or label map named in a list is missing.
    ValueError
        If the layout is none of the three, a split is empty, a face is in two splits, `labels` is not in the
        folder, or no label set has a class of Table 1.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from spnkit.data import make_faces
    >>> with TemporaryDirectory() as place:
    ...     faces = make_faces(place + "/faces", train=2, val=1, test=1, size=64)
    ...     face = open_faces(place + "/faces").load(faces.splits["test"][0])
    >>> face.image.shape, face.labels.shape, face.keypoints.shape
    ((64, 64, 3), (64, 64), (5, 2))
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder of faces")
    layout = next((layout for layout in LAYOUTS if layout.matches(root)), None)
    if layout is None:
        looked_for = "; ".join(f"{layout.layout}: {layout.expects}" for layout in LAYOUTS)
        raise ValueError(f"{root}: unknown layout, looked for {looked_for}")
    if layout is IndexedFolder:
        return IndexedFolder(root, labels)
    if labels is not None:
        raise ValueError(f"labels={labels!r}: a {layout.layout} folder ({root}) has one set of labels only")
    return layout(root)
