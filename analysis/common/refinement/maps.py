"""Photos with labels and coarse maps of all kinds, by set and kind.

Real networks' maps are read from where `voc2012_coarse` keeps them; the others are made from the truth, as its
averages, shifted and noisy, or as a hand would draw it; `fasseg` has masks that a hand did draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.common.voc import tally as voc
from spnkit.data import IGNORE, open_images
from spnkit.data.files import read_indices
from spnkit.data.scenes.coarse import averaged, drawn, shares_of, shifted
from spnkit.training import StoredMaps

ROUGH = "drawn roughly by hand"
NETWORKS = ("deeplab_mnv2_257", "deeplab_mnv2dm05_513q", "espnetv2_s2_384")
"""Whose maps of PASCAL VOC are there."""
LABELS = {"camvid": None, "fasseg": "labels9", "celebamask1000": "labels11", "voc2012": None}
OBJECTS = "voc2012 objects"
"""The same photos, every object against what is behind it: masks of one class, as most people have them."""
COUNTED = {"voc2012": voc.COUNTED}
"""Classes that are scored, where some are too rare."""
MADE: dict[str, Callable] = {
    **{f"truth averaged over {side} x {side}": partial(averaged, factor=side) for side in (4, 8, 16)},
    "shifted and noisy": shifted,
    "truth drawn with a shaking hand": drawn,
}
KINDS = {
    "voc2012": (*NETWORKS, *MADE),
    "camvid": tuple(MADE),
    "fasseg": (*MADE, ROUGH),
    "celebamask1000": tuple(MADE),
    OBJECTS: (*NETWORKS, *MADE),
}
"""The sets, and what kinds of coarse maps there are of each."""


class Case(NamedTuple):
    """A photo, its labels, and a coarse map of them."""

    set: str
    name: str
    photo: Any  # uint8 (H, W, 3)
    truth: Any  # uint8 (H, W), 255 unknown
    coarse: Any  # float32 (K, H, W)


def cases(data: Path, name: str, kind: str, split: str, limit: int | None = None) -> Iterator[Case]:
    """The photos of a split of a set, with their coarse maps of one kind."""
    if kind == ROUGH:
        yield from rough_cases(data / name, split, limit)
        return
    if name == OBJECTS:
        yield from map(of_objects, cases(data, "voc2012", kind, split, limit))
        return
    folder = open_images(data / name, LABELS[name])
    for index, one in enumerate(folder.splits[split][:limit]):
        photo = folder.load(one)
        if kind in NETWORKS:
            coarse = stored(data / "voc2012_coarse" / f"{kind}.npz").of(Path(one).name, photo.labels.shape)[:].numpy()
        else:
            coarse = MADE[kind](shares_of(photo.labels, len(folder.classes)), np.random.default_rng((7, index)))
        yield Case(name, one, photo.image, photo.labels, coarse.astype(np.float32))


def of_objects(case: Case) -> Case:
    """All classes but the first as one."""
    truth = np.where(case.truth == IGNORE, IGNORE, case.truth > 0).astype(np.uint8)
    return case._replace(set=OBJECTS, truth=truth, coarse=np.stack([case.coarse[0], case.coarse[1:].sum(0)]))


def rough_cases(root: Path, split: str, limit: int | None) -> Iterator[Case]:
    """Frontal faces that were drawn twice: six classes, once with care and once without."""
    folder = open_images(root, "labels6")
    twice = [name for name in folder.splits[split] if (root / "coarse6" / f"{name}.png").exists()]
    for name in twice[:limit]:
        photo, rough = folder.load(name), read_indices(root / "coarse6" / f"{name}.png")
        yield Case(root.name, name, photo.image, photo.labels, shares_of(rough, len(folder.classes)))


@cache
def stored(path: Path) -> StoredMaps:
    """A real network's maps of PASCAL VOC."""
    return StoredMaps(path, 21)
