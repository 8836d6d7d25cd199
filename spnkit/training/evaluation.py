"""A run that is done, on other photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from spnkit.data import SPLITS
from spnkit.data.names import meanings
from spnkit.training.devices import check_device
from spnkit.training.prepared import Prepared
from spnkit.training.progress import PLAIN, console_of
from spnkit.training.report import Scores, table, write_report
from spnkit.training.runs import check_report_place
from spnkit.training.scoring import model_of, score
from spnkit.training.task import Task


def score_checkpoint(
    kind: type[Task],
    checkpoint: Path,
    data: str,
    *,
    out: Path | None = None,
    split: str = "test",
    device: str = "cpu",
    change: Mapping[str, Any] | None = None,
    command: str = "",
    console: Console | None = None,
) -> Scores:
    """Score a checkpoint on the photos of a folder, in the rows of `run_task`.

    Parameters
    ----------
    kind : type
        The task of the run.
    checkpoint : pathlib.Path
        `spn.ckpt` of a run, finished or not, or `parsers.ckpt` for the baseline alone.
    data : str
        Folder of photos with the classes that the checkpoint was trained on.
    out : pathlib.Path, optional
        Where to write metrics.json and the table.
    change : mapping, optional
        Options of scoring that are to be others than in the run; which these are a task says.
    split, device, command, console
        As in the options and `run_task`.

    Returns
    -------
    dict
        Row to column to score in percent.

    Raises
    ------
    OSError, ValueError
        If the checkpoint or a photo cannot be read, the classes differ, or `out` holds a run or files of the names of
        a report that are of no checkpoint.
    """
    console = console or console_of()
    check_device(device)
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    if out is not None:
        check_report_place(out)
    model = model_of(checkpoint, kind).to(device)
    task = kind(replace(model.options, **change or {}))
    folder = task.open(data)
    if folder.note:
        console.print(f"note: {folder.root}: {folder.note}", **PLAIN)
    if meanings(folder.classes) != meanings(model.classes):
        raise ValueError(f"{data}: its classes are {folder.classes}, {checkpoint} has {model.classes}")
    with TemporaryDirectory(prefix="spnkit-") as cache:
        photos = Prepared(folder, folder.splits[split], task.frame(), Path(cache))
        scores = score(task, model, photos, console)
    if out is not None:
        facts = {"command": command, "checkpoint": str(checkpoint), "data": data, "split": split}
        write_report(out, scores, facts | {"options": task.options.as_dict(), task.what: repr(folder)})
    console.print(table(scores), **PLAIN)
    return scores
