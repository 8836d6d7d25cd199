"""Whole faces parsed, refined and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from spnkit.nn.checks import UNREADABLE
from spnkit.training.coarse import parse, refine, to_tensor, upsample
from spnkit.training.faces import AlignedFaces
from spnkit.training.files import read_checkpoint
from spnkit.training.modules import ParserTraining, RefinementTraining, Training
from spnkit.training.report import Scores
from spnkit.training.scores import FaceScores

BASELINE_ROW = "baseline, upsampled"


def predict(model: Training, photo: NDArray[np.uint8]) -> dict[str, Tensor]:
    """Class probabilities (num_classes, H, W) of a photo (H, W, 3), by row of the table."""
    factor = model.options.seen_factor
    coarse = upsample(parse(model.parsers, photo, factor, model.device), factor)
    return {BASELINE_ROW: coarse, **{row: refine_face(model, row, photo, coarse) for row in model.networks}}


def refine_face(model: Training, row: str, photo: NDArray[np.uint8], coarse: Tensor) -> Tensor:
    """Class probabilities (num_classes, H, W) of a whole face, from its coarse map, by the network of a row."""
    image, patch = to_tensor(photo / np.float32(255)), model.options.patch
    given = model.photo(row, image).to(model.device), coarse.to(model.device)
    return refine(model.networks[row], *given, patch=patch, overlap=patch // 4)


def score(model: Training, faces: AlignedFaces, console: Console) -> Scores:
    """Table 1 on some faces: row to column to score in percent."""
    counts: dict[str, FaceScores] = {}
    for index in track(range(len(faces)), "scoring", console=console, disable=not console.is_terminal):
        photo, labels = faces[index]
        truth = torch.from_numpy(labels.copy())[None]
        for row, probabilities in predict(model, photo).items():
            counts.setdefault(row, FaceScores(model.classes)).update(probabilities.argmax(0)[None], truth)
    return {row: of.compute() for row, of in counts.items()}


def load_model(checkpoint: Path) -> Training:
    """The networks of a run from one of its checkpoints: `spn.ckpt`, or the parsers alone from `parsers.ckpt`.

    Raises
    ------
    OSError, ValueError
        If the file is missing, or is no checkpoint of a run.
    """
    weights = read_checkpoint(checkpoint)["state_dict"]
    refines = any(name.startswith("networks.") for name in weights)
    kind: type[Training] = RefinementTraining if refines else ParserTraining
    try:
        return kind.load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise ValueError(f"{checkpoint}: not a checkpoint of a run, such as its spn.ckpt") from error
