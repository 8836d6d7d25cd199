"""Tiny folders of made-up faces in every layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from spnkit.data import HELEN_CLASSES, FaceFolder, make_faces, open_faces

SIZE = 64


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> FaceFolder:
    """Made-up faces in HELEN's layout; tests must not change the folder."""
    return make_faces(tmp_path_factory.mktemp("made") / "faces", train=11, val=2, test=2, size=SIZE)


@pytest.fixture
def helen(made, tmp_path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made.root, tmp_path / "helen"))


@pytest.fixture
def helen_star(made, tmp_path) -> Path:
    root = tmp_path / "helen_star"
    for part, names in (("train", made.splits["train"]), ("test", made.splits["test"])):
        (root / part).mkdir(parents=True)
        for name in names:
            shutil.copy(made.root / "images" / f"{name}.jpg", root / part / f"{name}_image.jpg")
            Image.fromarray(made.load(name).labels).save(root / part / f"{name}_label.png")
    return root


@pytest.fixture
def indexed(made, tmp_path) -> Path:
    """With `labels11` and a second, coarser `labels2` (background and the rest)."""
    root = tmp_path / "indexed"
    shutil.copytree(made.root / "images", root / "images")
    for folder in ("labels11", "labels2", "splits"):
        (root / folder).mkdir()
    for split, names in made.splits.items():
        (root / "splits" / f"{split}.txt").write_text("\n".join(names) + "\n")
        for name in names:
            labels = made.load(name).labels
            Image.fromarray(labels).save(root / "labels11" / f"{name}.png")
            Image.fromarray((labels > 0).astype("uint8")).save(root / "labels2" / f"{name}.png")
    write_classes(root / "classes.txt", HELEN_CLASSES)
    write_classes(root / "classes2.txt", ("background", "skin"))
    return root


@pytest.fixture(params=["helen", "helen_star", "indexed"])
def any_layout(request) -> FaceFolder:
    return open_faces(request.getfixturevalue(request.param))


def write_classes(path: Path, names) -> None:
    path.write_text("".join(f"{i}\t{name}\n" for i, name in enumerate(names)) + "255\tignore\n")
