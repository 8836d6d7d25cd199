"""What an experiment is about, in the words that training, scoring and reports ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from spnkit.data import LabelledFolder
from spnkit.training.modules import RefinementTraining, Training
from spnkit.training.prepared import Frame, Prepared
from spnkit.training.scores import LabelScores

if TYPE_CHECKING:
    from spnkit.training.experiment import Run

Windows = Iterator[tuple[slice, slice]]
Points = Mapping[str, tuple[float, float]]


class Task(ABC):
    """A description of what is trained on what. The engine does the rest: it trains, resumes, scores and draws.

    Attributes
    ----------
    name : str
        Of the run folders: `runs/NAME`, `runs/NAME-2`, ...
    what : str
        What the photos are called, in the plural.
    options_class : type
        The options: groups of `spnkit.training`, and the task's own.
    coarse_row : str
        What the table calls the coarse map.
    of_scoring : tuple of str
        Options that are no part of what was learned: a checkpoint is scored with others where they are given.

    Parameters
    ----------
    options : OptionGroup
        The choices of a run, of `options_class`.
    """

    name: ClassVar[str]
    what: ClassVar[str] = "photos"
    options_class: ClassVar[type[Any]]
    coarse_row: ClassVar[str] = "coarse map"
    of_scoring: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def open(self, data: str) -> LabelledFolder:
        """The photos of a folder that is given."""

    def make(self, _out: Path) -> LabelledFolder:
        """Photos for a run that was given none, in its folder."""
        raise ValueError(f"data: expected a folder of {self.what}")

    def check(self, given: LabelledFolder | None) -> None:
        """Refuse options that do not fit the folder that is given, before anything is done."""
        if given is None:
            raise ValueError(f"data: expected a folder of {self.what}")

    @abstractmethod
    def frame(self) -> Frame:
        """How a photo is brought into the form that the networks see: aligned, padded, ..."""

    def teaches(self, _labels: NDArray[np.uint8]) -> bool:
        """Whether patches are taken from a training photo with these labels."""
        return True

    @abstractmethod
    def learn(self, run: Run, folder: LabelledFolder, learned: Prepared) -> Training:
        """Train, one stage after the other; what comes out holds all that `predict` needs."""

    @classmethod
    def module_of(cls, _weights: Mapping[str, Tensor]) -> type[Training]:
        """The kind of module that a checkpoint with these weights is of."""
        return RefinementTraining

    @abstractmethod
    def coarse(self, model: Training, photos: Prepared, index: int) -> Tensor:
        """The coarse map (num_classes, H, W) of a photo that is scored."""

    def restricted(self, probabilities: Tensor, _coarse: Tensor) -> Tensor:
        """Refined probabilities, without what a refinement of this coarse map may not say."""
        return probabilities

    def predict(self, model: Training, photos: Prepared, index: int) -> dict[str, Tensor]:
        """What is said of a photo, by row of the table: class probabilities (num_classes, H, W)."""
        photo, coarse = photos[index][0], self.coarse(model, photos, index)
        rows = {row: self.restricted(model.refined(row, photo, coarse), coarse) for row in model.networks}
        return {self.coarse_row: coarse, **rows}

    def decided(self, said: Tensor) -> Tensor:
        """What is counted and shown (H, W) of what is said: the likeliest class."""
        return said.argmax(0)

    def scores(self, classes: Sequence[str]) -> LabelScores:
        """What counts the columns of the table."""
        return LabelScores(classes)

    def listens(self) -> bool:
        """Whether there is an SPN, of whose pixels is shown whom they listen to."""
        return self.options.refiner == "spn"

    def windows(self, labels: NDArray[np.uint8]) -> Windows:
        """The parts of a photo that pictures show: all of it."""
        yield tuple(slice(0, length) for length in labels.shape)  # type: ignore[misc]

    def points(self, labels: NDArray[np.uint8], classes: Sequence[str]) -> Points:
        """Some pixels (x, y) of a photo, by name, of which is shown whom they listen to; for what `listens`."""
        raise NotImplementedError
