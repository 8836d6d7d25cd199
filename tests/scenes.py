"""A tiny folder of photos of different sizes: a bright thing on a dark ground."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZES = ((40, 56), (64, 48), (20, 70), (40, 40))
"""Of the photos, one after the other; the third is lower than a patch of the tests."""


def scene(index):
    """A photo and its labels, of which a column is unknown."""
    height, width = SIZES[index % len(SIZES)]
    rng = np.random.default_rng(index)
    labels = np.zeros((height, width), np.uint8)
    top, left = rng.integers(2, 8, 2)
    labels[top : top + 10, left : left + 14] = 1
    noise = rng.integers(0, 40, (height, width, 3))
    photo = (noise + 180 * labels[..., None]).astype(np.uint8)
    labels[:, -1] = 255
    return photo, labels


def make_scenes(root: Path, train=6, val=1, test=2) -> Path:
    """Write such a folder as images/ + labels/ + splits/ + classes.txt."""
    for folder in ("images", "labels", "splits"):
        (root / folder).mkdir(parents=True)
    index = 0
    for split, count in {"train": train, "val": val, "test": test}.items():
        names = [f"{split}{number}" for number in range(count)]
        (root / "splits" / f"{split}.txt").write_text("\n".join(names))
        for name in names:
            photo, labels = scene(index)
            Image.fromarray(photo).save(root / "images" / f"{name}.png")
            Image.fromarray(labels).save(root / "labels" / f"{name}.png")
            index += 1
    (root / "classes.txt").write_text("0 ground\n1 thing\n255 unknown\n")
    return root
