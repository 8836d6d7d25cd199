"""The engine: trains, resumes, scores, tabulates and draws what a task describes; needs the extra `train`.

Names of the face study that were here before it became one task of several lead to `spnkit.tasks.faces`.
"""

from importlib import import_module
from typing import Any

from spnkit.training.coarse import parse, refine, upsample
from spnkit.training.command import main
from spnkit.training.devices import MachineOptions
from spnkit.training.evaluation import score_checkpoint
from spnkit.training.experiment import Run, run_task
from spnkit.training.losses import boundaries, multi_objective_loss, segmentation_loss
from spnkit.training.mapped import MappedOptions, MappedTask
from spnkit.training.modules import ParserTraining, RefinementOptions, RefinementTraining, Training, TrainingOptions
from spnkit.training.options import OptionGroup, grouped, option
from spnkit.training.parsed import ParsedOptions, ParsedTask
from spnkit.training.parsers import CoarseOptions
from spnkit.training.prepared import DataOptions, Padded, Prepared
from spnkit.training.refiners import RefinerOptions
from spnkit.training.report import table
from spnkit.training.runs import free_folder, saved_options
from spnkit.training.scores import LabelScores
from spnkit.training.scoring import model_of
from spnkit.training.second_task import GateExcess, ParsingHead
from spnkit.training.task import Task

__all__ = [
    "CoarseOptions",
    "DataOptions",
    "GateExcess",
    "LabelScores",
    "MachineOptions",
    "MappedOptions",
    "MappedTask",
    "OptionGroup",
    "Padded",
    "ParsedOptions",
    "ParsedTask",
    "ParserTraining",
    "ParsingHead",
    "Prepared",
    "RefinementOptions",
    "RefinementTraining",
    "RefinerOptions",
    "Run",
    "Task",
    "Training",
    "TrainingOptions",
    "boundaries",
    "free_folder",
    "grouped",
    "main",
    "model_of",
    "multi_objective_loss",
    "option",
    "parse",
    "refine",
    "run_task",
    "saved_options",
    "score_checkpoint",
    "segmentation_loss",
    "table",
    "upsample",
]

FACES = {
    **{name: name for name in ("AlignedFaces", "FaceScores", "scores_of", "train", "evaluate", "load_model")},
    **{name: name for name in ("options_of", "draw_crops", "draw_listening")},
    "Options": "FaceOptions",
    "Experiment": "FaceExperiment",
}
"""Names that lead to the face study, and what they are called there."""


def __getattr__(name: str) -> Any:
    if name in FACES:
        return getattr(import_module("spnkit.tasks.faces"), FACES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
