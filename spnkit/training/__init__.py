"""The engine: trains, resumes, scores, tabulates and draws what a task describes; needs the extra `train`.

Names of the face study that were here before it became one task of several lead to `spnkit.tasks.faces`.
"""

from importlib import import_module
from typing import Any

from spnkit.extras import needs

with needs("spnkit.training", "train"):
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
    from spnkit.training.stored import Logits, StoredMaps
    from spnkit.training.task import Task

__all__ = [
    "CoarseOptions",
    "DataOptions",
    "GateExcess",
    "LabelScores",
    "Logits",
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
    "StoredMaps",
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

HERE_BEFORE = {
    "AlignedFaces": "faces.AlignedFaces",
    "Experiment": "faces.FaceExperiment",
    "FaceScores": "face_scores.FaceScores",
    "Options": "faces.FaceOptions",
    "draw_crops": "faces.draw_crops",
    "draw_listening": "faces.draw_listening",
    "evaluate": "faces.evaluate",
    "load_model": "faces.load_model",
    "options_of": "faces.options_of",
    "scores_of": "face_scores.scores_of",
    "train": "faces.train",
}
"""Names that lead to the face study, and where in `spnkit.tasks` they are."""


def __getattr__(name: str) -> Any:
    if name not in HERE_BEFORE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, there = HERE_BEFORE[name].partition(".")
    return getattr(import_module(f"spnkit.tasks.{module}"), there)
