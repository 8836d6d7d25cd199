"""The run folder: whose it is, whether a run may begin or go on in it, and what its stages were made from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from spnkit.training.files import read_checkpoint, write_json
from spnkit.training.options import OptionGroup

FREE_TO_CHANGE = ("device", "workers")
"""Options that do not change what a run computes."""
SAVED = "options.json"
ALWAYS_SAVED = {"data", "steps", "batch", "seed"}
"""What every run has written there: a file without these is someone else's."""
REPORT = ("metrics.json", "table.txt", "table.md")
Options = TypeVar("Options", bound=OptionGroup)


def open_run(out: Path, options: OptionGroup, resume: bool) -> None:
    """Begin a run in `out`, or check that the one there is the one to go on with.

    Raises
    ------
    OSError
        If there is a run that was not to be resumed, none that was, or anything else: a run begins in a folder
        that is new or empty.
    ValueError
        If the run in `out` has other options, or no file can have its name.
    """
    check_place(out)
    if resume:
        check_same(saved_options(out, type(options)).as_dict(), options, out)
        return
    if (out / SAVED).exists():
        raise FileExistsError(f"{out}: holds a run already; resume it or choose another folder")
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out}: is a file, expected a folder for the run")
    # What was killed while it wrote its first file has begun nothing.
    others = sorted(path.name for path in out.iterdir() if path.name != f".{SAVED}.partial") if out.is_dir() else []
    if others:
        raise FileExistsError(f"{out}: holds files that are of no run, such as {others[0]}; choose another folder")
    write_json(out / SAVED, options.as_dict())


def check_place(out: Path) -> None:
    """Refuse a folder whose checkpoints Lightning would look for elsewhere, as it reads these names as addresses."""
    for sign in ("::", "://"):
        if sign in str(out.absolute()):
            raise ValueError(f"out: expected a folder without {sign!r} in its name, got {out}")


def check_report_place(out: Path) -> None:
    """Refuse to write a report over files that no report of a checkpoint has made.

    Raises
    ------
    OSError
        If there is a run, or a file of one of the names of a report's files that is not of such a report.
    """
    if (out / SAVED).exists():
        raise FileExistsError(f"{out}: holds a run, whose report would be lost; choose another folder")
    found = [name for name in REPORT if (out / name).exists()]
    if found and not _is_report(out / REPORT[0]):
        raise FileExistsError(f"{out / found[0]}: is not the report of a checkpoint; choose another folder")


def _is_report(path: Path) -> bool:
    """Whether a file is the metrics.json that `evaluate` writes."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"checkpoint", "split", "scores"} <= set(found) and "spnkit" in found["versions"]
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return False


def saved_options(out: Path, kind: type[Options]) -> Options:
    """What a run was begun with; an option that is newer than the run has its default.

    Parameters
    ----------
    out : pathlib.Path
        Run folder.
    kind : type
        The options of its task.

    Returns
    -------
    OptionGroup
        Of that kind.

    Raises
    ------
    OSError, ValueError
        If there is no run, or what it wrote is damaged.
    """
    saved = out / SAVED
    try:
        found = json.loads(saved.read_text(encoding="utf-8"))
        if missing := ALWAYS_SAVED - set(found):
            raise ValueError(f"no {min(missing)!r}")
        return kind(**found)
    except FileNotFoundError:
        raise FileNotFoundError(f"{out}: there is no run to resume") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{saved}: damaged, or not the options of a run ({error})") from error


def check_same(before: dict[str, Any], options: OptionGroup, where: Path) -> None:
    """Refuse to go on with what was begun with other options.

    Raises
    ------
    ValueError
        If an option that matters differs.
    """
    for name, value in options.as_dict().items():
        if name not in FREE_TO_CHANGE and value != before[name]:
            raise ValueError(f"{name}: the run in {where} has {before[name]}, got {value}")


def check_stage(
    path: Path, classes: Sequence[str], options: OptionGroup, made_from: Mapping[str, Any]
) -> dict[str, Any]:
    """Refuse to go on with a checkpoint that was made from something else than the run is made of.

    Parameters
    ----------
    path : pathlib.Path
        The checkpoint.
    classes, options
        Of the run.
    made_from : mapping
        What else went into the stage, each with a name; a checkpoint that is older than a name may be of any.

    Returns
    -------
    dict
        What is in it.

    Raises
    ------
    ValueError
        If it is damaged or made from something else; the message names what.
    """
    found = read_checkpoint(path)
    try:
        of = found["hyper_parameters"]
        before = type(options)(**of["options"]).as_dict()
        before |= {"split": options.as_dict()["split"]}  # which is for the report alone
        other_classes = tuple(of["classes"]) != tuple(classes)
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: damaged, or not a checkpoint of a run, such as its spn.ckpt") from error
    check_same(before, options, path)
    known = found.get("made_from", {})
    other = [what for what, value in made_from.items() if known.get(what, value) != value]
    if other := ["classes"] * other_classes + other:
        raise ValueError(f"{path}: was made from other {' and other '.join(other)}; remove it to train this stage anew")
    return found


def free_folder(parent: Path, stem: str, resume: bool) -> Path:
    """The first of `stem`, `stem-2`, `stem-3`, ... that is free, or to resume, the one whose run was begun last.

    Parameters
    ----------
    parent : pathlib.Path
        Folder of the run folders.
    stem : str
        Name of the first.
    resume : bool
        Whether a run is to be gone on with; where there is none it is the first name.

    Returns
    -------
    pathlib.Path
    """
    folders = parent.iterdir() if resume and parent.is_dir() else ()
    found = {path: re.fullmatch(rf"{re.escape(stem)}(?:-(\d+))?", path.name) for path in folders}
    taken = {path: int(match[1] or 1) for path, match in found.items() if match}
    if taken:  # the time first: a number may have become free and been taken again
        return max(taken, key=lambda path: (_begun(path), taken[path]))
    number = 1
    while (folder := parent / (stem if number == 1 else f"{stem}-{number}")).exists():
        number += 1
    return folder


def _begun(out: Path) -> int:
    """When the options of a run were written, which is done once; 0 where there is none."""
    try:
        return (out / SAVED).stat().st_mtime_ns
    except OSError:
        return 0
