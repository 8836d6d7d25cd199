"""Tasks whose coarse maps are those of parsers that are trained on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from spnkit.data import LabelledFolder
from spnkit.training.coarse import parse, upsample
from spnkit.training.experiment import Run
from spnkit.training.folds import folds_of
from spnkit.training.maps import Maps
from spnkit.training.modules import ParserTraining, RefinementOptions, RefinementTraining, Training
from spnkit.training.options import grouped
from spnkit.training.parsers import CoarseOptions
from spnkit.training.prepared import DataOptions, Prepared
from spnkit.training.samples import LowResolution
from spnkit.training.task import Task


@grouped
class ParsedOptions(DataOptions, CoarseOptions, RefinementOptions):
    """All that a task asks for whose coarse maps are made on the way."""


class ParsedTask(Task):
    """First parsers, each on the photos outside its fold; then what refines their maps.

    A subclass says where photos come from, how they are framed, and which are learned from.
    """

    options_class = ParsedOptions
    coarse_row = "baseline, upsampled"

    def names(self, given: LabelledFolder | None) -> Sequence[str]:
        """What the training photos are called, also before they are made."""
        if given is None:
            raise ValueError(f"data: expected a folder of {self.what}")
        return given.splits["train"]

    def check(self, given: LabelledFolder | None) -> None:
        self.folds(self.names(given))

    def folds(self, names: Sequence[str]) -> list[int]:
        """The fold of each training photo: people are dealt out in turn, with all their photos."""
        return folds_of(names, self.options.people, self.options.folds)

    def learn(self, run: Run, folder: LabelledFolder, learned: Prepared) -> Training:
        with run.timed("training the baseline parsers"):
            parsers = self.parsers(run, folder.classes, learned)
        with run.timed("training the SPN"):
            return self.refinement(run, parsers, learned)

    def parsers(self, run: Run, classes: tuple[str, ...], learned: Prepared, name: str = "parsers") -> ParserTraining:
        """Train the baseline parsers."""
        chosen = self.options
        folds, side = self.folds(learned.names), chosen.size // chosen.seen_factor
        shrunk = learned.shrunk(chosen.seen_factor)
        samples = LowResolution(shrunk, classes, chosen.seed, folds=folds, side=side)
        module = run.seeded(0, ParserTraining, classes)
        module.made_from = {self.what: learned.digest()}
        run.fit(module, samples, name, chosen.parser_batch)
        return module

    def refinement(self, run: Run, parsers: ParserTraining, learned: Prepared, name: str = "spn") -> RefinementTraining:
        """Train the refining network and its control on the coarse maps of the training photos."""
        chosen, device = self.options, torch.device(self.options.device)
        seen = not chosen.cross_fitted
        coarse = Maps(
            # The parser of a photo's own fold is the one that has not seen it.
            parse([parsers.parsers[(fold + seen) % chosen.folds]], photo, chosen.seen_factor, device)
            for fold, (photo, _) in zip(self.folds(learned.names), learned, strict=True)
        )
        given = {"factor": chosen.seen_factor, "parsers": parsers.parsers, "name": name}
        return run.refine(parsers.classes, learned, coarse, **given)

    @classmethod
    def module_of(cls, weights: Mapping[str, Tensor]) -> type[Training]:
        refines = any(name.startswith("networks.") for name in weights)
        return RefinementTraining if refines else ParserTraining

    def coarse(self, model: Training, photos: Prepared, index: int) -> Tensor:
        factor = self.options.seen_factor
        return upsample(parse(model.parsers, photos[index][0], factor, model.device), factor)
