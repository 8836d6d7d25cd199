"""Training and scoring of the face parsing experiment (Section 5); needs the extra `train`."""

from spnkit.training.coarse import parse, refine, upsample
from spnkit.training.evaluation import evaluate
from spnkit.training.faces import AlignedFaces
from spnkit.training.helen import Experiment, train
from spnkit.training.losses import boundaries, multi_objective_loss, segmentation_loss
from spnkit.training.options import Options
from spnkit.training.pictures import draw_crops, draw_listening
from spnkit.training.report import table
from spnkit.training.runs import free_folder, options_of
from spnkit.training.scores import FaceScores, scores_of
from spnkit.training.scoring import load_model
from spnkit.training.second_task import GateExcess, ParsingHead

__all__ = [
    "AlignedFaces",
    "Experiment",
    "FaceScores",
    "GateExcess",
    "Options",
    "ParsingHead",
    "boundaries",
    "draw_crops",
    "draw_listening",
    "evaluate",
    "free_folder",
    "load_model",
    "multi_objective_loss",
    "options_of",
    "parse",
    "refine",
    "scores_of",
    "segmentation_loss",
    "table",
    "train",
    "upsample",
]
