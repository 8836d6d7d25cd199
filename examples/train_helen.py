"""Refine face parsings with an SPN: Section 5 of the paper, on HELEN or on faces made up for the purpose.

Without arguments: makes faces, trains the baseline parsers, the SPN and a control without photos, and ends
with a table like the paper's Table 1, in a few minutes on two CPU cores. The paper's sizes on HELEN are

    --data HELEN --size 1024 --factor 8 --folds 1 --width 1 --hidden 32 --batch 8 --steps 10000

and its recipe is --optimizer sgd --loss softmax --no-residual --no-batch-norm besides, with which the results page has
networks as small as these end below the map they were given.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import warnings
from dataclasses import MISSING, fields
from pathlib import Path

# Two pools of threads take turns here, torch's and Numba's: the idle one must sleep, not spin on its core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from spnkit.training import Options, evaluate, free_folder, options_of, train

HELP = {
    "data": "folder of faces: HELEN, HELEN*, or images/ + labelsNN/ + splits/ (default: made-up faces)",
    "size": "side of the frame that faces are aligned to",
    "factor": "how many times smaller the baseline parser sees a face",
    "highres": "the parser is the paper's Highres-CNN, which sees the whole face",
    "folds": "parsers, each trained outside its fold of the faces (1: as in the paper)",
    "people": "regular expression: the part of a face's name that says who it is, so that nobody is in two folds",
    "cross_fitted": "the SPN learns from maps of parsers that had not seen the face",
    "parser_steps": "training steps of the baseline parsers",
    "steps": "training steps of the SPN",
    "parser_batch": "faces a step of the parsers",
    "batch": "patches a step of the SPN",
    "rate": "peak learning rate",
    "optimizer": "adam or sgd",
    "loss": "of the refining network: balanced, or the paper's softmax",
    "refiner": "spn, or plain for convolutions of photo and map in its place",
    "connection": "one_way or three_way",
    "normalization": "of the weights: clip, always, softmax or sigmoid",
    "integration": "of the directions: max, mean or sum",
    "start": "the SPN before training: its gates random, still or flowing, or all of it copying the coarse map",
    "share_weights": "all units use the same weights",
    "hidden": "channels that are propagated",
    "propagated": "side of the propagated map of a 128 x 128 patch",
    "units": "propagation units in cascade",
    "residual": "the coarse map's log-probabilities are added to the refinement",
    "batch_norm": "the refining network normalises its convolutions",
    "parsing": "weight of a second loss, by which what reads the photo learns to parse it",
    "restraint": "weight of a third, on gates that add up to more than one",
    "blank": "give the refining network a blank photo",
    "width": "share of the paper's channels in all encoder-decoders",
    "patch": "side of a training patch and of a tile at test",
    "control": "also train a network that never sees a photo",
    "split": "faces to score: test, or val to make choices on",
    "made": "training faces to make up",
    "seed": "source of all chance",
    "device": "cpu, cuda, cuda:1, ...",
    "workers": "processes that prepare patches",
    "devices": "processes or GPUs that train together",
    "accumulate": "batches a step of each",
    "precision": "32-true, 16-mixed or bf16-mixed",
}


def parser() -> argparse.ArgumentParser:
    """The command line: one option for every field of `Options`, and what to do with them."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    for field in fields(Options):
        flag = f"--{field.name.replace('_', '-')}"
        default = field.default
        shown = HELP[field.name] if default in (None, MISSING) else f"{HELP[field.name]} ({default})"
        if isinstance(default, bool):
            made.add_argument(flag, action=argparse.BooleanOptionalAction, default=default, help=HELP[field.name])
        else:
            made.add_argument(flag, type=type(default) if default is not None else str, default=default, help=shown)
    made.add_argument(
        "--out", type=Path, help="run folder, new or empty (default: first free of runs/helen, runs/helen-2, ...)"
    )
    made.add_argument(
        "--resume", action="store_true", help="go on with the run in --out, or the newest, as it was begun"
    )
    made.add_argument("--evaluate", type=Path, metavar="CHECKPOINT", help="score a run's spn.ckpt on --data instead")
    return made


def settle() -> None:
    """Let a kill end like Ctrl-C, warnings be one line, and what the terminal cannot write be written as escapes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.formatwarning = lambda message, *_: f"note: {message}\n"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run what the command line asks for; every foreseeable failure ends in one line."""
    settle()
    made = parser()
    arguments = vars(made.parse_args())
    out, resume, checkpoint = (arguments.pop(name) for name in ("out", "resume", "evaluate"))
    command = shlex.join(["python", *sys.argv])
    try:
        out = out if out or checkpoint else free_folder(Path("runs"), "helen", resume)
        if resume:
            made.set_defaults(**options_of(out).as_dict())  # what is not given now was given then
            arguments = {name: value for name, value in vars(made.parse_args()).items() if name in arguments}
        options = Options(**arguments)
        if checkpoint:
            if options.data is None:
                raise ValueError("--evaluate: needs --data, a folder of faces to score")
            evaluate(checkpoint, options.data, out=out, split=options.split, device=options.device, command=command)
            return
        train(options, out, resume=resume, command=command)
        print(f"All results are in {out}")
    except KeyboardInterrupt:
        sys.exit("interrupted" + ("" if checkpoint else f"; --resume --out {out} goes on from the last checkpoint"))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
