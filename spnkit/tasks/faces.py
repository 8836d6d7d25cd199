"""The face parsing study of Section 5: HELEN, other folders of faces, or faces that are made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from spnkit.data import Face, FaceFolder, LabelledFolder, LabelledImage, align, frame_keypoints, make_faces, open_faces
from spnkit.data.madeup.folder import made_names
from spnkit.tasks.face_scores import FaceScores
from spnkit.training import evaluation, experiment, pictures, runs, scoring
from spnkit.training.modules import ParserTraining, RefinementTraining, Training
from spnkit.training.options import grouped, option
from spnkit.training.parsed import ParsedOptions, ParsedTask
from spnkit.training.prepared import Pair, Prepared
from spnkit.training.report import Scores

CROP = 0.3
"""Side of a crop as a share of the frame."""


@grouped
class FaceOptions(ParsedOptions):
    """Choices of a run. The defaults fit two CPU cores and a few minutes, not the paper's GPUs and days."""

    group = "data"

    data: str | None = option(
        "folder of faces: HELEN, HELEN*, or images/ + labelsNN/ + splits/ (default: made-up faces)",
        default=None,
        more="In any layout of `spnkit.data.open_faces`.",
    )
    size: int = option("side of the frame that faces are aligned to", default=256)
    made: int = option(
        "training faces to make up", default=96, more="A sixth as many for val, a third for test; without `data` only."
    )

    def check(self) -> None:
        if self.patch > self.size:
            raise ValueError(f"patch: expected at most size = {self.size}, got {self.patch}")
        if self.data is None and self.made < self.folds:
            raise ValueError(f"folds: expected at most made = {self.made} faces, got {self.folds}")
        if self.data is None and self.size < 32:
            raise ValueError(f"size: expected at least 32 for made-up faces, got {self.size}")


@dataclass(frozen=True)
class Aligned:
    """The similarity transform of a face into a square of `size` pixels."""

    size: int

    def __str__(self) -> str:
        return f"{self.size}"

    def __call__(self, found: LabelledImage) -> Pair:
        return align(found.image, found.labels, cast(Face, found).keypoints, self.size)


class Faces(ParsedTask):
    """Table 1 of the paper."""

    name, what, options_class = "helen", "faces", FaceOptions
    scores = FaceScores

    def open(self, data: str) -> LabelledFolder:
        return open_faces(data)

    def make(self, out: Path) -> FaceFolder:
        made, chosen = self.options.made, self.options
        others = {"val": max(1, made // 6), "test": max(1, made // 3)}
        return make_faces(out / "faces", train=made, **others, size=chosen.size, seed=chosen.seed)

    def names(self, given: LabelledFolder | None) -> Sequence[str]:
        return given.splits["train"] if given else made_names(self.options.made)

    def frame(self) -> Aligned:
        return Aligned(self.options.size)

    def windows(self, labels: NDArray[np.uint8]) -> Iterator[tuple[slice, slice]]:
        """An eye and the mouth."""
        left_eye, _, _, *mouth = frame_keypoints(len(labels))
        for centre in (left_eye, np.mean(mouth, axis=0)):
            yield pictures.window(centre, round(CROP * len(labels)), labels.shape)

    def points(self, labels: NDArray[np.uint8], _classes: Sequence[str]) -> Mapping[str, tuple[float, float]]:
        left_eye, _, nose, left_corner, _ = map(tuple, frame_keypoints(len(labels)))
        return {"eye": left_eye, "nose": nose, "mouth": left_corner}


class AlignedFaces(Prepared):
    """Faces of one split in a frame of `size` x `size` pixels; the rest is as in `spnkit.training.Prepared`."""

    def __init__(self, folder: LabelledFolder, names: Sequence[str], size: int, cache: Path) -> None:
        super().__init__(folder, names, Aligned(size), cache)


class FaceExperiment(experiment.Run):
    """The stages of a face study one by one, for who needs other rows than `run_task` has.

    Parameters
    ----------
    options : FaceOptions
        Choices of the run.
    out : pathlib.Path
        Run folder.
    console : rich.console.Console
        Where progress is shown.
    """

    task: Faces

    def __init__(self, options: FaceOptions, out: Path, console: Console) -> None:
        super().__init__(Faces(options), out, console)

    def made_faces(self) -> FaceFolder:
        """Faces for a run that was given none."""
        return self.task.make(self.out)

    def aligned(self, folder: LabelledFolder, split: str) -> Prepared:
        """The faces of a split in the common frame."""
        return self.prepared(folder, split)

    def folds(self, train: Prepared) -> list[int]:
        """The fold of each training face."""
        return self.task.folds(train.names)

    def parsers(self, classes: tuple[str, ...], train: Prepared, name: str = "parsers") -> ParserTraining:
        """Train the baseline parsers."""
        return self.task.parsers(self, classes, train, name)

    def refinement(self, parsers: ParserTraining, train: Prepared, name: str = "spn") -> RefinementTraining:
        """Train the refining network and its control on the coarse maps of the training faces."""
        return self.task.refinement(self, parsers, train, name)


def train(options: FaceOptions, out: Path, **how: Any) -> Scores:
    """Run the study; `how` is as in `spnkit.training.run_task`, and so is what comes out."""
    return experiment.run_task(Faces(options), out, **how)


def draw_crops(model: Training, faces: Prepared, path: Path, count: int = 3) -> None:
    """Eyes and mouths of the first faces, not the best: photo, rows of the table, truth."""
    pictures.draw_crops(Faces(model.options), model, faces, path, count)


def draw_listening(model: Training, faces: Prepared, path: Path) -> None:
    """Whom three pixels of the first face listen to, in the SPN and in its control."""
    pictures.draw_listening(Faces(model.options), model, faces, path)


evaluate = partial(evaluation.score_checkpoint, Faces)
load_model = partial(scoring.model_of, kind=Faces)
options_of = partial(runs.saved_options, kind=FaceOptions)
