"""Whole faces parsed, refined and scored."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from spnkit.training.coarse import parse, refine, to_tensor, upsample
from spnkit.training.faces import AlignedFaces
from spnkit.training.modules import RefinementTraining
from spnkit.training.report import Scores
from spnkit.training.scores import FaceScores

BASELINE_ROW = "baseline, upsampled"


def predict(model: RefinementTraining, photo: NDArray[np.uint8]) -> dict[str, Tensor]:
    """Class probabilities (num_classes, H, W) of a photo (H, W, 3), by row of the table."""
    options = model.options
    coarse = upsample(parse(model.parsers, photo, options.seen_factor, model.device), options.seen_factor)
    image = to_tensor(photo / np.float32(255))
    refined = {
        row: refine(
            network,
            model.photo(row, image).to(model.device),
            coarse.to(model.device),
            patch=options.patch,
            overlap=options.patch // 4,
        )
        for row, network in model.networks.items()
    }
    return {BASELINE_ROW: coarse, **refined}


def score(model: RefinementTraining, faces: AlignedFaces, console: Console) -> Scores:
    """Table 1 on some faces: row to column to score in percent."""
    counts: dict[str, FaceScores] = {}
    for index in track(range(len(faces)), "scoring", console=console, disable=not console.is_terminal):
        photo, labels = faces[index]
        truth = torch.from_numpy(labels.copy())[None]
        for row, probabilities in predict(model, photo).items():
            counts.setdefault(row, FaceScores(model.classes)).update(probabilities.argmax(0)[None], truth)
    return {row: of.compute() for row, of in counts.items()}


def load_model(checkpoint: Path) -> RefinementTraining:
    """The networks of a run from its `spn.ckpt`.

    Raises
    ------
    OSError, ValueError
        If the file is missing, or is no checkpoint of an SPN.
    """
    if not checkpoint.is_file():
        raise FileNotFoundError(f"{checkpoint}: no such checkpoint")
    try:
        return RefinementTraining.load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True)
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{checkpoint}: not a checkpoint of an SPN, such as a run's spn.ckpt") from error
