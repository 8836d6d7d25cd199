"""PASCAL VOC: coarse maps that any model left in a file, refined by one SPN (Section 5, Tables 2 to 4)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from spnkit.data import LabelledFolder, mixed_windows, open_images
from spnkit.tasks.middles import middles
from spnkit.training.mapped import MappedOptions, MappedTask
from spnkit.training.options import grouped, option
from spnkit.training.prepared import Padded
from spnkit.training.scores import LabelScores, mean_accuracy
from spnkit.training.stored import StoredMap, StoredMaps
from spnkit.training.task import Points


@grouped
class VocOptions(MappedOptions):
    """Choices of a run."""

    group = "data"

    maps: str | None = option(
        "file of coarse maps, an NPZ with one for each photo",
        default=None,
        more="Any model's; `spnkit.training.StoredMaps` says what is in it.",
    )
    restrict: bool = option("refined maps have the classes of their coarse maps alone", default=True, more="At test.")

    def check(self) -> None:
        if self.maps is not None:
            StoredMaps(Path(self.maps), 0)


class VocScores(LabelScores):
    """Overall accuracy, mean accuracy, mean IoU, as in Table 2; boundary F-score and the IoU of every class."""

    def columns(self, pixels: Tensor, edges: Tensor) -> dict[str, float]:
        """Mean accuracy is over the classes that there are."""
        accuracy, *others = super().columns(pixels, edges).items()
        return dict([accuracy, ("mean accuracy", mean_accuracy(pixels)), *others])


class Voc(MappedTask):
    """Photos of any size with stored coarse maps; which model made these does not matter to what was trained."""

    name, what, options_class = "voc", "photos", VocOptions
    scores = VocScores
    of_scoring: ClassVar[tuple[str, ...]] = ("maps", "restrict")

    folder: LabelledFolder

    def open(self, data: str) -> LabelledFolder:
        self.folder = open_images(data)
        if self.options.maps is None:
            raise ValueError("maps: expected a file of coarse maps")
        return self.folder

    @cached_property
    def maps(self) -> StoredMaps:
        """What the file holds."""
        return StoredMaps(Path(self.options.maps), len(self.folder.classes))

    def frame(self) -> Padded:
        return Padded(self.options.patch, 1)

    def teaches(self, labels: NDArray[np.uint8]) -> bool:
        """Whether a patch of it holds more than one class."""
        return bool(mixed_windows(labels, self.options.patch).any())

    def source(self) -> str:
        return self.maps.digest()

    def coarse_map(self, name: str, photo: NDArray[np.uint8]) -> StoredMap:
        return self.maps.on(self.folder, name, photo)

    def restricted(self, probabilities: Tensor, coarse: Tensor) -> Tensor:
        return within(probabilities, coarse) if self.options.restrict else probabilities

    def points(self, labels: NDArray[np.uint8], classes: Sequence[str]) -> Points:
        return middles(labels, classes)


def within(probabilities: Tensor, coarse: Tensor) -> Tensor:
    """Probabilities (C, H, W) of the classes alone that the coarse map has somewhere as the likeliest."""
    kept = probabilities.new_zeros(len(probabilities), 1, 1)
    kept[coarse.argmax(0).unique()] = 1
    return probabilities * kept
