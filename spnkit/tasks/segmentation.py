"""Segmentation of a folder of photos of any size, with any classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from spnkit.data import LabelledFolder, mixed_windows, open_images
from spnkit.tasks.middles import middles
from spnkit.training.options import grouped, option
from spnkit.training.parsed import ParsedOptions, ParsedTask
from spnkit.training.prepared import Padded


@grouped
class SegmentationOptions(ParsedOptions):
    """Choices of a run. The defaults fit two CPU cores and a few minutes."""

    group = "data"

    data: str | None = option(
        "folder of photos: JPEGImages/ + SegmentationClass/ + ImageSets/, or images/ + labelsNN/ + splits/",
        default=None,
        more="In any layout of `spnkit.data.open_images`.",
    )
    labels: str | None = option("which labelsNN, where there are several (default: most classes)", default=None)


class Segmentation(ParsedTask):
    """Whole scenes: unaligned, padded where they are smaller than a patch, 255 unknown."""

    name, what, options_class = "segmentation", "photos", SegmentationOptions

    def open(self, data: str) -> LabelledFolder:
        return open_images(data, self.options.labels)

    def frame(self) -> Padded:
        return Padded(self.options.patch, self.options.factor)

    def teaches(self, labels: NDArray[np.uint8]) -> bool:
        """Whether a patch of it holds more than one class."""
        return bool(mixed_windows(labels, self.options.patch).any())

    def points(self, labels: NDArray[np.uint8], classes: Sequence[str]) -> Mapping[str, tuple[float, float]]:
        return middles(labels, classes)
