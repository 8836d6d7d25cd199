"""HELEN, as Smith et al. labelled it and as it was labelled anew."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import HELEN_CLASSES
from spnkit.data.files import LABEL_ENDINGS, PHOTO_ENDINGS, Shelf, read_levels, read_lines
from spnkit.data.layouts.base import SPLITS, VAL_STRIDE, Layout, held_out


class Helen(Layout):
    """HELEN as labelled by Smith et al. (2013): one soft mask a class, three lists."""

    title = "HELEN"
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

    def split_source(self, split: str) -> Path:
        return self.root / self.lists[split]

    def photo_path(self, name: str) -> Path:
        return self.shelf.find(self.root / "images" / name, PHOTO_ENDINGS)

    def label_path(self, name: str) -> Path:
        return self.root / "labels" / name

    def _mask_paths(self, name: str) -> list[Path]:
        masks = (self.label_path(name) / f"{name}_lbl{i:02d}" for i in range(len(self.classes)))
        return [self.shelf.find(mask, LABEL_ENDINGS) for mask in masks]

    def files(self, name: str) -> list[Path]:
        return [self.photo_path(name), *self._mask_paths(name)]

    def read_labels(self, name: str) -> NDArray[np.uint8]:
        """The class of the strongest mask at each pixel; background where all are zero."""
        paths = self._mask_paths(name)
        masks = [read_levels(path) for path in paths]
        for path, mask in zip(paths, masks, strict=True):
            if mask.shape != masks[0].shape:
                raise ValueError(f"{path}: mask of shape {mask.shape}, its background mask has {masks[0].shape}")
        return np.argmax(masks, axis=0).astype(np.uint8)


class HelenStar(Layout):
    """HELEN*, the relabelled HELEN: photo and label map side by side in `train` and `test`."""

    title = "HELEN*"
    expects = "train/NAME_image.jpg, train/NAME_label.png, test/ (or test_resize/) alike"
    note = f"HELEN* has no validation list: every {VAL_STRIDE}th training face by name is held out as val"

    def __init__(self, root: Path):
        self._test = "test" if (root / "test").is_dir() else "test_resize"
        train, test = (self._photos_in(root / part) for part in ("train", self._test))
        self._photos = train | test
        super().__init__(root, HELEN_CLASSES, held_out(tuple(train)) | {"test": tuple(test)})

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

    def split_source(self, split: str) -> Path:
        return self.root / (self._test if split == "test" else "train")

    def photo_path(self, name: str) -> Path:
        return self._photos.get(name, self.root / "train" / f"{name}_image.jpg")

    def label_path(self, name: str) -> Path:
        return self.shelf.find(self.photo_path(name).with_name(f"{name}_label"), LABEL_ENDINGS)
