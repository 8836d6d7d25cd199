"""Training samples as a function of (seed, epoch, index): what was drawn never depends on what ran before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from spnkit.data import mixed_windows, sample_windows
from spnkit.training.augment import crop, jitter_colour, mirror_classes, mirror_labels, move, recolour
from spnkit.training.coarse import to_tensor, upsample_part
from spnkit.training.prepared import Pair, Prepared

TINY = 1e-6
"""Least probability of a class before a map is raised to a power."""


class Samples(Dataset):
    """Samples without end: `samples[epoch, index]` has a generator of its own, so a resumed run draws the same.

    Parameters
    ----------
    photos : sequence of (photo, labels)
        To learn from, in uint8.
    classes : sequence of str
        Class names in index order.
    seed : int
        Seed of the run.
    """

    def __init__(self, photos: Prepared | Sequence[Pair], classes: Sequence[str], seed: int):
        self.photos, self.seed = photos, seed
        self.mirrored = mirror_classes(classes)

    def named(self, index: int) -> str:
        """What to call a photo in an error."""
        return f"training photo {self.photos.names[index] if isinstance(self.photos, Prepared) else index}"

    def generator(self, drawn: tuple[int, int]) -> np.random.Generator:
        """The source of chance of one sample, by epoch and index."""
        return np.random.default_rng([self.seed, *drawn])


class LowResolution(Samples):
    """Squares of photos at the parsers' resolution; sample `i` is of fold `i` modulo the number of folds."""

    def __init__(self, *args, folds: Sequence[int], side: int):
        super().__init__(*args)
        self.side = side
        self.members = [np.flatnonzero(np.equal(folds, fold)) for fold in range(max(folds) + 1)]

    def __getitem__(self, drawn: tuple[int, int]) -> dict[str, Tensor | int]:
        rng = self.generator(drawn)
        fold = drawn[1] % len(self.members)
        image, labels = crop(*self.photos[int(rng.choice(self.members[fold]))], self.side, rng)
        photo, labels = move(image / np.float32(255), labels, rng)
        if rng.random() < 0.5:
            photo, labels = photo[:, ::-1], mirror_labels(labels, self.mirrored)
        photo = jitter_colour(photo, rng)
        return {"image": to_tensor(photo), "labels": torch.from_numpy(labels.copy()), "fold": fold}


class Patches(Samples):
    """Patches with more than one class at full resolution, each with its coarse map, for the SPN.

    Parameters
    ----------
    coarse : sequence of Tensor
        The coarse map (C, H / factor, W / factor) of each photo.
    factor : int
        How many times smaller the maps are.
    size : int
        Side of a patch.
    members : sequence of int, optional
        Which photos to take patches from, by default all.
    tempered : float
        Each map is raised to a power drawn from 1 / (1 + tempered) to 1 + tempered: other models are surer, or less so.
    """

    def __init__(
        self,
        *args,
        coarse: Any,
        factor: int,
        size: int,
        members: Sequence[int] | None = None,
        tempered: float = 0.0,
    ):
        super().__init__(*args)
        self.coarse, self.factor, self.size = coarse, factor, size
        self.members = range(len(self.photos)) if members is None else members
        self.tempered = tempered
        self.mixed: dict[int, NDArray[np.bool_]] = {}

    def __getitem__(self, drawn: tuple[int, int]) -> dict[str, Tensor]:
        rng = self.generator(drawn)
        index = self.members[int(rng.integers(len(self.members)))]
        image, labels = self.photos[index]
        try:
            if index not in self.mixed:
                self.mixed[index] = mixed_windows(labels, self.size)
            ((row, column),) = sample_windows(labels, self.size, 1, rng, self.mixed[index])
        except ValueError as error:
            raise ValueError(f"{self.named(index)}: {error}") from error
        window = np.s_[row : row + self.size, column : column + self.size]
        photo, truth = image[window], labels[window]
        coarse = upsample_part(self.coarse[index], self.factor, *window)
        if self.tempered:
            coarse = coarse.clamp(min=TINY) ** float((1 + self.tempered) ** rng.uniform(-1, 1))
            coarse = coarse / coarse.sum(0)
        if rng.random() < 0.5:
            photo, truth = photo[:, ::-1], mirror_labels(truth, self.mirrored)
            coarse = coarse[self.mirrored.tolist()].flip(-1)
        return {"image": to_tensor(recolour(photo, rng)), "coarse": coarse, "labels": torch.from_numpy(truth.copy())}
