"""Train a refiner of your own: on scenes that are made up, or on a folder of photos with masks of any classes.

    spnkit train-refiner                     on made-up scenes, as the one that comes with the project
    spnkit train-refiner --data FOLDER       on photos and masks: JPEGImages/ + SegmentationClass/ + ImageSets/, or
                                             images/ + labelsNN/ + splits/

Its coarse maps are made of the masks: averaged, drawn with a shaking hand, as networks predict them, shifted. A run
folder keeps checkpoints, a table, pictures, a validation curve and the weights, for
`spnkit refine PHOTO MASK --weights RUN/refiner.pt`.
"""

from __future__ import annotations

import argparse
import shlex
import sys

HELP = "train a refiner of your own"


def options(command: argparse.ArgumentParser) -> None:
    """What the command takes: a row of the task's table each."""
    from spnkit.tasks import Refinement
    from spnkit.training.command import add_options

    add_options(command, Refinement)


def run(asked: argparse.Namespace) -> int:
    """Train, or score what was trained."""
    from spnkit.tasks import Refinement
    from spnkit.training.command import carry_out

    given = {name: value for name, value in vars(asked).items() if name != "run"}
    carry_out(Refinement, given, shlex.join(["spnkit", *sys.argv[1:]]))
    return 0
