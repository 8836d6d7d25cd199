"""Training samples of a refiner without classes: patches with coarse maps of all kinds, their classes renumbered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from spnkit.data import IGNORE
from spnkit.data.scenes import coarse_map, forgotten, kind_of, relabelled
from spnkit.data.scenes.coarse import FORGOTTEN, SEEN, resized
from spnkit.training.augment import crop, jitter_colour
from spnkit.training.coarse import to_tensor
from spnkit.training.samples import Samples
from spnkit.training.stored import StoredMap

MOST = 5
"""Classes of a patch; where there are more, some become one."""
SCALES = (0.85, 1.0, 1.0, 1.3, 1.6, 2.0)
"""Sides of the squares that patches are made of, in sides of a patch."""
STORED = 0.5
"""How often a patch has the map that another model made of it, where there is one."""
HELD = 0.01
"""Least mean share of a class of such a map that counts."""
DULL = 0.05
"""How often a patch with one class alone is taken."""


class Coarsened(Samples):
    """Patches of photos at several scales, with coarse maps of all kinds; their classes are numbered at random.

    What the photo shows, by which weights are judged, and the labels that a map was made of are not the same outlines.
    """

    def __init__(
        self, *args: Any, size: int, stored: Sequence[StoredMap] | None = None, odds: Mapping[str, float] | None = None
    ) -> None:
        super().__init__(*args)
        self.size, self.stored, self.odds = size, stored, dict(odds or {})

    def __getitem__(self, drawn: tuple[int, int]) -> dict[str, Tensor]:
        rng = self.generator(drawn)
        while True:
            photo, labels, stored = self._square(rng)
            found = np.setdiff1d(labels, IGNORE)
            if found.size > 1 or (found.size and rng.random() < DULL):
                break
        if stored is not None:
            found = np.union1d(found, np.flatnonzero(stored.mean((1, 2)) > HELD))
        numbers = np.full(IGNORE + 1, IGNORE, np.uint8)
        numbers[found] = np.minimum(rng.permutation(found.size), MOST - 1)
        shown = labels = numbers[labels]
        if stored is not None:
            coarse = renumbered(stored, numbers)
        else:
            kind = kind_of(rng, **self.odds)
            labels = relabelled(shown, MOST, rng, kind)
            classes = max(2, 1 + int(labels[labels < MOST].max()))
            coarse = np.pad(coarse_map(labels, classes, rng, kind), [(0, MOST - classes), (0, 0), (0, 0)])
        if rng.random() < FORGOTTEN:
            coarse = forgotten(coarse, rng)
        image = to_tensor(_other_light((photo / 255).astype(np.float32), rng))
        maps = {name: torch.from_numpy(each.astype(np.int64)) for name, each in (("labels", labels), ("shown", shown))}
        return {"image": image, "coarse": torch.from_numpy(coarse), **maps}

    def _square(self, rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray | None]:
        """A square of some photo and, now and then, its stored map: turned, mirrored, of a patch's size."""
        index = int(rng.integers(len(self.photos)))
        photo, labels = self.photos[index]
        side, twin = min(max(labels.shape), int(rng.choice(SCALES) * self.size)), deepcopy(rng)
        found = [*crop(photo, labels, side, rng)]
        if self.stored is not None and rng.random() < STORED:
            maps, _ = crop(self.stored[index][:].permute(1, 2, 0).numpy(), labels, side, twin)
            found.append(maps)
        if side != self.size:
            how = Image.Resampling.BOX if side > self.size else Image.Resampling.BILINEAR
            found = [_resized(each, self.size, Image.Resampling.NEAREST if each.ndim == 2 else how) for each in found]
        turns, mirror = int(rng.integers(4)), int(rng.choice((1, -1)))
        photo, labels, *stored = (np.ascontiguousarray(np.rot90(each, turns)[:, ::mirror]) for each in found)
        return photo, labels, stored[0].transpose(2, 0, 1) if stored else None


def _resized(picture: NDArray, side: int, how: Image.Resampling) -> NDArray:
    if picture.dtype == np.uint8:
        return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((side, side), how))
    return resized(picture.transpose(2, 0, 1), side, side, how).transpose(1, 2, 0)


def renumbered(shares: NDArray[np.float32], numbers: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A map (C, H, W) with other class numbers, `MOST` of them; classes without a number are left out."""
    found = np.zeros((MOST, *shares.shape[1:]), np.float32)
    for share, number in zip(shares, numbers, strict=False):
        if number < MOST:
            found[number] += share
    return found / np.maximum(found.sum(0), np.float32(SEEN))


def _other_light(photo: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Other contrast and colours, and now and then none."""
    photo = np.clip((photo - 0.5) * np.float32(rng.uniform(0.6, 1.3)) + np.float32(0.5 + rng.normal(0, 0.07)), 0, 1)
    photo = jitter_colour(photo, rng)
    return photo.mean(2, keepdims=True).repeat(3, 2) if rng.random() < 0.1 else photo
