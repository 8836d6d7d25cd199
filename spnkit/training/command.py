"""The command line of a task: one option for each of the table, and what to do with them."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

from spnkit.training.evaluation import score_checkpoint
from spnkit.training.experiment import run_task
from spnkit.training.options import Row
from spnkit.training.runs import free_folder, saved_options
from spnkit.training.task import Task

TYPES: dict[str, Any] = {"int": int, "float": float, "str": str, "str | None": str}
RUNS = Path("runs")


def parser(kind: type[Task], description: str | None) -> argparse.ArgumentParser:
    """The command line of a task, in the groups of its options."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    groups: dict[str, Any] = {}
    for row in kind.options_class.rows():
        if row.group not in groups:
            groups[row.group] = made.add_argument_group(row.group)
        _add(groups[row.group], row)
    run = made.add_argument_group("run")
    new = f"first free of {RUNS / kind.name}, {RUNS / kind.name}-2, ..."
    run.add_argument("--out", type=Path, help=f"run folder, new or empty (default: {new})")
    run.add_argument(
        "--resume", action="store_true", help="go on with the run in --out, or the newest, as it was begun"
    )
    run.add_argument("--evaluate", type=Path, metavar="CHECKPOINT", help="score a run's spn.ckpt on --data instead")
    return made


def _add(group: Any, row: Row) -> None:
    flag = f"--{row.name.replace('_', '-')}"
    if row.kind == "bool":
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=row.default, help=row.help)
        return
    shown = (row.help if row.default is None else f"{row.help} ({row.default})").replace("%", "%%")
    named = f"{{{','.join(map(str, row.choices))}}}" if row.choices else None
    group.add_argument(flag, type=TYPES[row.kind], default=row.default, help=shown, metavar=named)


def settle() -> None:
    """Let a kill end like Ctrl-C, warnings be one line, and what the terminal cannot write be written as escapes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.formatwarning = lambda message, *_: f"note: {message}\n"
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def main(kind: type[Task], description: str | None) -> None:
    """Run what the command line asks for; every foreseeable failure ends in one line.

    Parameters
    ----------
    kind : type
        The task.
    description : str
        What `--help` says of it.
    """
    settle()
    made = parser(kind, description)
    arguments = vars(made.parse_args())
    out, resume, checkpoint = (arguments.pop(name) for name in ("out", "resume", "evaluate"))
    command = shlex.join(["python", *sys.argv])
    try:
        out = out if out or checkpoint else free_folder(RUNS, kind.name, resume)
        if resume:
            made.set_defaults(**saved_options(out, kind.options_class).as_dict())  # unless given anew
            arguments = {name: value for name, value in vars(made.parse_args()).items() if name in arguments}
        options = kind.options_class(**arguments)
        if checkpoint:
            if options.data is None:
                raise ValueError(f"--evaluate: needs --data, a folder of {kind.what} to score")
            place = {"out": out, "split": options.split, "device": options.device}
            score_checkpoint(kind, checkpoint, options.data, command=command, **place)
            return
        run_task(kind(options), out, resume=resume, command=command)
        print(f"All results are in {out}")
    except KeyboardInterrupt:
        sys.exit("interrupted" + ("" if checkpoint else f"; --resume --out {out} goes on from the last checkpoint"))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
