"""Made-up scenes written to disk, as `images/ + labels/ + splits/ + classes.txt`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spnkit.data.classes import HELEN_CLASSES
from spnkit.data.files import write_picture
from spnkit.data.folder import LabelledFolder
from spnkit.data.layouts import SPLITS
from spnkit.data.layouts.indexed import Indexed
from spnkit.data.madeup.folder import made_names, made_once
from spnkit.data.madeup.portrait import portrait
from spnkit.data.scenes.scene import MOST, make_scene

VERSION = 2  # raise it whenever the same seed gives other pictures
FACE_EVERY = 5


def make_scenes(
    folder: str | os.PathLike[str],
    train: int = 1200,
    val: int = 24,
    test: int = 48,
    size: int = 256,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledFolder:
    """Make up scenes and write them as a folder of photos with labels.

    Every fifth is a made-up face. A scene depends on its seed, split and index alone. The folder appears whole or not
    at all, and is used again when it already holds scenes of the same recipe.

    Parameters
    ----------
    folder : path
        Folder to write; it must not exist, unless it was made by the same call before.
    train, val, test : int
        How many scenes in each split.
    size : int
        Side of the photos in pixels.
    seed : int
        Which scenes.
    progress : callable, optional
        Called with (scenes done, scenes in all).

    Returns
    -------
    LabelledFolder

    Raises
    ------
    FileExistsError
        If the folder exists and holds something else.
    OSError
        If it cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     scenes = make_scenes(place + "/scenes", train=1, val=1, test=1, size=64)
    >>> scenes.splits["train"]
    ('train_0000',)
    """
    target, counts = Path(folder), dict(zip(SPLITS, (train, val, test), strict=True))
    recipe = {"maker": "spnkit.data.scenes.make_scenes", "version": VERSION, **counts, "size": size, "seed": seed}
    made_once(target, recipe, "scenes", lambda root: _write(root, counts, size, seed, progress))
    return LabelledFolder(Indexed(target))


def _write(
    root: Path, counts: dict[str, int], size: int, seed: int, progress: Callable[[int, int], None] | None
) -> None:
    for name in ("images", "labels", "splits"):
        (root / name).mkdir()
    done = 0
    for part, split in enumerate(SPLITS):
        names = made_names(counts[split], split)
        for index, name in enumerate(names):
            photo, labels = _picture(size, np.random.default_rng([seed, part, index]), index)
            write_picture(root / "images" / f"{name}.png", photo, compress_level=1)  # the camera has been at it already
            write_picture(root / "labels" / f"{name}.png", labels)
            done += 1
            if progress:
                progress(done, sum(counts.values()))
        (root / "splits" / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    classes = ["background", *(f"thing {index}" for index in range(1, max(MOST, len(HELEN_CLASSES))))]
    (root / "classes.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(classes)), encoding="utf-8")


def _picture(size: int, rng: np.random.Generator, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A scene, or every so often a made-up face: small parts of little contrast, and hair."""
    if index % FACE_EVERY != FACE_EVERY - 1:
        return make_scene(size, rng)
    photo, masks = portrait(size, rng)
    return photo, masks.argmax(0).astype(np.uint8)
