"""Folders of photos whose classes need not be parts of a face."""

import numpy as np
import pytest
from PIL import Image

from spnkit.data import open_images
from spnkit.data.layouts.voc import VOC_CLASSES


@pytest.fixture
def voc(tmp_path):
    """Thirteen photos in VOC's own layout, with palettes, and a test list of its own."""
    root = tmp_path / "voc"
    lists = root / "ImageSets" / "Segmentation"
    for folder in (root / "JPEGImages", root / "SegmentationClass", lists):
        folder.mkdir(parents=True)
    names = [f"2007_{number:06d}" for number in range(13)]
    for number, name in enumerate(names):
        Image.new("RGB", (24, 16), (20 * number, 0, 0)).save(root / "JPEGImages" / f"{name}.jpg")
        labels = np.full((16, 24), number, np.uint8)
        labels[:, 0] = 255
        picture = Image.fromarray(labels, mode="P")
        picture.putpalette(list(range(256)) * 3)
        picture.save(root / "SegmentationClass" / f"{name}.png")
    for split, some in {"train": names[:11], "val": names[11:12], "test": names[12:]}.items():
        (lists / f"{split}.txt").write_text("\n".join(some) + "\n")
    return root


def test_voc_is_read_as_published(voc):
    folder = open_images(voc)
    assert (folder.layout, folder.classes, folder.note) == ("PASCAL VOC", VOC_CLASSES, "")
    assert repr(folder).endswith("11 / 1 / 1 (train / val / test), 21 classes>")
    photo = folder.load(folder.splits["test"][0])
    assert np.unique(photo.labels).tolist() == [12, 255]
    assert photo.image.shape == (16, 24, 3)


def test_voc_without_a_test_list(voc):
    (voc / "ImageSets/Segmentation/test.txt").unlink()
    folder = open_images(voc)
    assert {split: len(names) for split, names in folder.splits.items()} == {"train": 9, "val": 2, "test": 1}
    assert "val is taken as test" in folder.note


def test_voc_with_classes_of_its_own(voc):
    names = ["sky", "road", "car", "tree", "pole", "fence", "sign", "bus", "dog", "cat", "bird", "cow", "sheep"]
    (voc / "classes.txt").write_text("".join(f"{number} {name}\n" for number, name in enumerate(names)))
    assert open_images(voc).classes == tuple(names)


def test_a_folder_of_streets_is_a_folder_of_images(indexed):
    (indexed / "classes.txt").write_text("0 sky\n1 road\n")
    (indexed / "classes2.txt").unlink()
    folder = open_images(indexed)
    assert (folder.labels, folder.classes, folder.note) == ("labels2", ("sky", "road"), "")


def test_several_label_sets(indexed):
    assert open_images(indexed).labels == "labels11"
    assert open_images(indexed, labels="labels2").classes == ("background", "skin")
