"""The run folder: whose it is, and whether a run may begin or go on in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from spnkit.training.files import write_json
from spnkit.training.options import Options

FREE_TO_CHANGE = ("device", "workers")
"""Options that do not change what a run computes."""


def open_run(out: Path, options: Options, resume: bool) -> None:
    """Begin a run in `out`, or check that the one there is the one to go on with.

    Raises
    ------
    OSError
        If there is a run that was not to be resumed, or none that was.
    ValueError
        If the run in `out` has other options.
    """
    saved = out / "options.json"
    if not resume:
        if saved.exists():
            raise FileExistsError(f"{out}: holds a run already; resume it or choose another folder")
        write_json(saved, options.as_dict())
        return
    check_same(options_of(out).as_dict(), options, out)


def options_of(out: Path) -> Options:
    """What a run was begun with; an option that is newer than the run has its default.

    Parameters
    ----------
    out : pathlib.Path
        Run folder.

    Returns
    -------
    Options

    Raises
    ------
    OSError, ValueError
        If there is no run, or what it wrote is damaged.
    """
    saved = out / "options.json"
    try:
        return Options(**json.loads(saved.read_text()))
    except FileNotFoundError:
        raise FileNotFoundError(f"{out}: there is no run to resume") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{saved}: damaged, or not the options of a run ({error})") from error


def check_same(before: dict[str, Any], options: Options, where: Path) -> None:
    """Refuse to go on with what was begun with other options.

    Raises
    ------
    ValueError
        If an option that matters differs.
    """
    for name, value in options.as_dict().items():
        if name not in FREE_TO_CHANGE and value != before[name]:
            raise ValueError(f"{name}: the run in {where} has {before[name]}, got {value}")


def free_folder(parent: Path, stem: str, resume: bool) -> Path:
    """The first of `stem`, `stem-2`, `stem-3`, ... that is free, or to resume, the last that is taken.

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
    taken, number = None, 1
    while (folder := parent / (stem if number == 1 else f"{stem}-{number}")).exists():
        taken, number = folder, number + 1
    return taken if resume and taken else folder


def check_device(device: str) -> None:
    """Refuse a device that torch does not have here."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ValueError(f"device: {device!r} cannot be used ({str(error).splitlines()[0]})") from error
