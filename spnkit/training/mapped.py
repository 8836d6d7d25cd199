"""Tasks whose coarse maps come from elsewhere: stored by another model, or made by any function of a photo."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from spnkit.data import LabelledFolder
from spnkit.training.experiment import Run
from spnkit.training.modules import RefinementOptions, RefinementTraining, Training
from spnkit.training.options import grouped
from spnkit.training.prepared import DataOptions, Prepared
from spnkit.training.stored import StoredMap
from spnkit.training.task import Task

Map = Tensor | StoredMap


@grouped
class MappedOptions(DataOptions, RefinementOptions):
    """All that a task asks for whose coarse maps are there already."""


class MappedTask(Task):
    """One stage: what refines the maps. A subclass says what the coarse map of a photo is."""

    options_class = MappedOptions

    @abstractmethod
    def coarse_map(self, name: str, photo: NDArray[np.uint8]) -> Map:
        """Class probabilities (num_classes, H, W) of a photo (H, W, 3) in its frame, or what is that once it is cut."""

    @abstractmethod
    def source(self) -> str:
        """What the maps come from, as a text that changes with them: a run goes on only with the same."""

    def learn(self, run: Run, folder: LabelledFolder, learned: Prepared) -> Training:
        with run.timed("training the SPN"):
            return self.refinement(run, folder.classes, learned)

    def refinement(
        self, run: Run, classes: tuple[str, ...], learned: Prepared, name: str = "spn"
    ) -> RefinementTraining:
        """Train the refining network and its control on the coarse maps of the training photos."""
        made_from = {"coarse maps": self.source()}
        return run.refine(classes, learned, MapsOnDemand(self.coarse_map, learned), made_from=made_from, name=name)

    def coarse(self, _model: Training, photos: Prepared, index: int) -> Tensor:
        return self.coarse_map(photos.names[index], photos[index][0])[:]


class MapsOnDemand:
    """The coarse maps of some photos, each made when it is asked for."""

    def __init__(self, coarse_map: Callable[[str, NDArray[np.uint8]], Map], photos: Prepared) -> None:
        self.coarse_map, self.photos = coarse_map, photos

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> Map:
        return self.coarse_map(self.photos.names[index], self.photos[index][0])
