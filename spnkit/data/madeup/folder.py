"""Made-up faces written to disk in HELEN's own layout."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spnkit.data.faces import FaceFolder
from spnkit.data.files import whole_folder, write_picture
from spnkit.data.layouts import SPLITS, Helen
from spnkit.data.madeup.portrait import portrait

RECIPE = "made-up.json"
VERSION = 1  # raise it whenever the same seed gives other pictures


def make_face(seed: int, index: int, size: int, split: str = "train") -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A made-up face: the photo and its eleven exact class masks.

    Parameters
    ----------
    seed, index : int
        Which face: the same pair gives the same person at any size, as long as NumPy and Pillow are the same.
    size : int
        Side of the photo in pixels, at least 32.
    split : str
        "train", "val" or "test": each has faces of its own.

    Returns
    -------
    photo : numpy.ndarray
        uint8 (size, size, 3).
    masks : numpy.ndarray
        uint8 (11, size, size): the share of every pixel that belongs to each class of HELEN, times 255.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> photo, masks = make_face(seed=0, index=0, size=64)
    >>> photo.shape, masks.shape
    ((64, 64, 3), (11, 64, 64))
    """
    if min(seed, index) < 0:
        raise ValueError(f"seed, index: expected whole numbers from 0 up, got {seed}, {index}")
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {SPLITS}, got {split!r}")
    if size < 32:
        raise ValueError(f"size: expected at least 32 pixels, got {size}")
    return portrait(size, np.random.default_rng([seed, SPLITS.index(split), index]))


def made_names(count: int, split: str = "train") -> list[str]:
    """What the made-up faces of a split are called."""
    return [f"{split}_{index:04d}" for index in range(count)]


def make_faces(
    folder: str | os.PathLike[str],
    train: int = 96,
    val: int = 16,
    test: int = 32,
    size: int = 256,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> FaceFolder:
    """Make up faces with exact labels and write them as a HELEN folder (Smith et al.'s layout).

    A face depends on its seed, split and index alone. The folder appears whole or not at all, and is used
    again when it already holds faces of the same recipe.

    Parameters
    ----------
    folder : path
        Folder to write; it must not exist, unless it was made by the same call before.
    train, val, test : int
        How many faces in each split.
    size : int
        Side of the photos in pixels, at least 32.
    seed : int
        Which faces.
    progress : callable, optional
        Called with (faces done, faces in all).

    Returns
    -------
    FaceFolder
        The folder, opened.

    Raises
    ------
    FileExistsError
        If the folder exists and holds something else.
    OSError
        If it cannot be written, for instance for want of room.
    ValueError
        If a count is less than one or the size too small.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     faces = make_faces(place + "/faces", train=1, val=1, test=1, size=64)
    >>> faces.splits["train"]
    ('train_0000',)
    """
    target = Path(folder)
    counts = dict(zip(SPLITS, (train, val, test), strict=True))
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name}: expected at least one face, got {count}")
    recipe = {"maker": "spnkit.data.make_faces", "version": VERSION, **counts, "size": size, "seed": seed}
    made_once(target, recipe, "faces", lambda root: _write(root, counts, size, seed, progress))
    return FaceFolder(Helen(target))


def made_once(target: Path, recipe: Mapping[str, object], what: str, write: Callable[[Path], None]) -> None:
    """Write a folder, whole or not at all, unless it is there and was made by the same recipe.

    Raises
    ------
    FileExistsError
        If it holds something else.
    """
    if not target.exists():
        with whole_folder(target) as partial:
            write(partial)
            (partial / RECIPE).write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
        return
    try:
        found = dict(json.loads((target / RECIPE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise FileExistsError(f"{target}: exists, but holds no made-up {what} (no readable {RECIPE})") from None
    if found != recipe:
        other = {key: found.get(key) for key in recipe if found.get(key) != recipe[key]}
        raise FileExistsError(f"{target}: holds made-up {what} of another recipe ({other})")


def _write(
    root: Path, counts: dict[str, int], size: int, seed: int, progress: Callable[[int, int], None] | None
) -> None:
    names = [(split, i, name) for split in SPLITS for i, name in enumerate(made_names(counts[split], split))]
    (root / "images").mkdir()
    for done, (split, index, name) in enumerate(names):
        photo, masks = make_face(seed, index, size, split)
        write_picture(root / "images" / f"{name}.jpg", photo, quality=95, subsampling=0)
        labels = root / "labels" / name
        labels.mkdir(parents=True)
        for number, mask in enumerate(masks):
            write_picture(labels / f"{name}_lbl{number:02d}.png", mask, compress_level=1)
        if progress:
            progress(done + 1, len(names))
    for split, file in Helen.lists.items():
        lines = [f"{i} , {name}" for i, (part, _, name) in enumerate(names, start=1) if part == split]
        (root / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
