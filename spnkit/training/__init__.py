"""Training and scoring of the face parsing experiment (Section 5); needs the extra `train`."""

from spnkit.training.helen import evaluate, train
from spnkit.training.losses import boundaries, segmentation_loss
from spnkit.training.options import Options
from spnkit.training.report import table
from spnkit.training.runs import free_folder
from spnkit.training.scores import FaceScores

__all__ = [
    "FaceScores",
    "Options",
    "boundaries",
    "evaluate",
    "free_folder",
    "segmentation_loss",
    "table",
    "train",
]
