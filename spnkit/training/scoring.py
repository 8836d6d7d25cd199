"""Whole photos refined and scored, by what a checkpoint holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from rich.progress import track

from spnkit.nn.checks import UNREADABLE
from spnkit.training.files import read_checkpoint
from spnkit.training.modules import Training
from spnkit.training.prepared import Prepared
from spnkit.training.report import Scores
from spnkit.training.scores import LabelScores

if TYPE_CHECKING:
    from spnkit.training.task import Task


def score(task: Task, model: Training, photos: Prepared, console: Console) -> Scores:
    """The table of a task on some photos: row to column to score in percent."""
    counts: dict[str, LabelScores] = {}
    for index in track(range(len(photos)), "scoring", console=console, disable=not console.is_terminal):
        truth = torch.from_numpy(photos[index][1].copy())[None]
        for row, said in task.predict(model, photos, index).items():
            counts.setdefault(row, task.scores(model.classes)).update(task.decided(said)[None], truth)
    return {row: of.compute() for row, of in counts.items()}


def model_of(checkpoint: Path, kind: type[Task]) -> Training:
    """The networks of a run from one of its checkpoints, on the CPU.

    Parameters
    ----------
    checkpoint : pathlib.Path
        `spn.ckpt`, or that of an earlier stage, such as `parsers.ckpt`, without what comes later.
    kind : type
        The run's task.

    Raises
    ------
    OSError, ValueError
        If the file is missing, or is no checkpoint of a run of this task.
    """
    found = read_checkpoint(checkpoint)
    try:
        made_of, weights = found["hyper_parameters"], found["state_dict"]
        module = kind.module_of(weights)(made_of["classes"], kind.options_class(**made_of["options"]))
        module.load_state_dict(weights)
        return module
    except UNREADABLE as error:
        raise ValueError(f"{checkpoint}: not a checkpoint of a run, such as its spn.ckpt") from error
