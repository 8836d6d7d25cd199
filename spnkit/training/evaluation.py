"""A run that is done, on other faces."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from spnkit.data import SPLITS, open_faces
from spnkit.data.names import meanings
from spnkit.training.devices import check_device
from spnkit.training.faces import AlignedFaces
from spnkit.training.progress import PLAIN, console_of
from spnkit.training.report import Scores, table, write_report
from spnkit.training.runs import check_report_place
from spnkit.training.scoring import load_model, score


def evaluate(
    checkpoint: Path,
    data: str,
    *,
    out: Path | None = None,
    split: str = "test",
    device: str = "cpu",
    command: str = "",
    console: Console | None = None,
) -> Scores:
    """Score a checkpoint on the faces of a folder, in the rows of `train`.

    Parameters
    ----------
    checkpoint : pathlib.Path
        `spn.ckpt` of a run, finished or not, or `parsers.ckpt` for the baseline alone.
    data : str
        Folder of faces with the classes that the checkpoint was trained on.
    out : pathlib.Path, optional
        Where to write metrics.json and the table.
    split, device, command, console
        As in `Options` and `train`.

    Returns
    -------
    dict
        Row to column to score in percent.

    Raises
    ------
    OSError, ValueError
        If the checkpoint or a face cannot be read, the classes differ, or `out` holds a run or files of the names of
        a report that are of no checkpoint.
    """
    console = console or console_of()
    check_device(device)
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    if out is not None:
        check_report_place(out)
    model, folder = load_model(checkpoint).to(device), open_faces(data)
    if folder.note:
        console.print(f"note: {folder.root}: {folder.note}", **PLAIN)
    if meanings(folder.classes) != meanings(model.classes):
        raise ValueError(f"{data}: its classes are {folder.classes}, {checkpoint} has {model.classes}")
    with TemporaryDirectory(prefix="spnkit-") as cache:
        faces = AlignedFaces(folder, folder.splits[split], model.options.size, Path(cache))
        scores = score(model, faces, console)
    if out is not None:
        facts = {"command": command, "checkpoint": str(checkpoint), "data": data, "split": split}
        write_report(out, scores, facts | {"options": model.options.as_dict(), "faces": repr(folder)})
    console.print(table(scores), **PLAIN)
    return scores
