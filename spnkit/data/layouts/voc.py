"""PASCAL VOC's own layout, of VOC 2012 or of any other photos."""

from __future__ import annotations

from pathlib import Path

from spnkit.data.files import LABEL_ENDINGS, PHOTO_ENDINGS, read_lines
from spnkit.data.layouts.base import SPLITS, VAL_STRIDE, Layout, held_out
from spnkit.data.layouts.indexed import class_names

VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""The 21 classes of VOC 2012 in order."""


class Voc(Layout):
    """`JPEGImages/ + SegmentationClass/ + ImageSets/Segmentation/`; `classes.txt` names classes that are not VOC's."""

    title = "PASCAL VOC"
    expects = "JPEGImages/, SegmentationClass/NAME.png, ImageSets/Segmentation/{train,val}.txt and perhaps test.txt"

    def __init__(self, root: Path):
        self._lists = root / "ImageSets" / "Segmentation"
        self._has_test = (self._lists / "test.txt").is_file()
        listed = {split: tuple(read_lines(self._lists / f"{split}.txt")) for split in SPLITS[: 2 + self._has_test]}
        if not self._has_test:
            listed = {**held_out(listed["train"]), "test": listed["val"]}
            self.note = f"no test.txt: val is taken as test, and every {VAL_STRIDE}th of train as val"
        names = root / "classes.txt"
        super().__init__(root, class_names(names) if names.is_file() else VOC_CLASSES, listed)

    @classmethod
    def matches(cls, root: Path) -> bool:
        return (root / "JPEGImages").is_dir() and (root / "SegmentationClass").is_dir()

    def split_source(self, split: str) -> Path:
        listed = {"val": "train", "test": "val"}.get(split, split) if not self._has_test else split
        return self._lists / f"{listed}.txt"

    def photo_path(self, name: str) -> Path:
        return self.shelf.find(self.root / "JPEGImages" / name, PHOTO_ENDINGS)

    def label_path(self, name: str) -> Path:
        return self.shelf.find(self.root / "SegmentationClass" / name, LABEL_ENDINGS)
