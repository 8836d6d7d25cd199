"""The command line of a task: one option for each of the table, and what to do with them."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from spnkit.terminal import in_one_line, settle
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
    add_options(made, kind)
    return made


def add_options(made: argparse.ArgumentParser, kind: type[Task]) -> None:
    """What a task takes; what is not given is not in the result either."""
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


def _add(group: Any, row: Row) -> None:
    flag = f"--{row.name.replace('_', '-')}"
    if row.kind == "bool":
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=row.help)
        return
    shown = (row.help if row.default is None else f"{row.help} ({row.default})").replace("%", "%%")
    named = f"{{{','.join(map(str, row.choices))}}}" if row.choices else None
    group.add_argument(flag, type=TYPES[row.kind], default=argparse.SUPPRESS, help=shown, metavar=named)


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
    carry_out(kind, vars(parser(kind, description).parse_args()), shlex.join(["python", *sys.argv]))


def carry_out(kind: type[Task], given: dict[str, Any], command: str) -> None:
    """Train or evaluate as the options that are given ask for; `command` is how that was called."""
    out, resume, checkpoint = (given.pop(name) for name in ("out", "resume", "evaluate"))
    try:
        out = out if out or checkpoint else free_folder(RUNS, kind.name, resume)
        begun = saved_options(out, kind.options_class).as_dict() if resume else {}
        options = kind.options_class(**begun | given)
        if checkpoint:
            if options.data is None:
                raise ValueError(f"--evaluate: needs --data, a folder of {kind.what} to score")
            place = {"out": out, "split": options.split, "device": options.device}
            place["change"] = {name: given[name] for name in kind.of_scoring if name in given}
            score_checkpoint(kind, checkpoint, options.data, command=command, **place)
            return
        run_task(kind(options), out, resume=resume, command=command)
        print(f"All results are in {out}")
    except KeyboardInterrupt:
        sys.exit("interrupted" + ("" if checkpoint else f"; --resume --out {out} goes on from the last checkpoint"))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {in_one_line(error)}")
