"""A run of any task, end to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
from rich.console import Console
from torch import nn
from torch.utils.data import Dataset

from spnkit.data import LabelledFolder
from spnkit.nn import VGGGuidance
from spnkit.provenance import machine
from spnkit.training.devices import check_machine
from spnkit.training.fit import EpochData, fit
from spnkit.training.modules import RefinementTraining, Training, digest_of
from spnkit.training.pictures import draw_crops, draw_listening
from spnkit.training.prepared import Prepared
from spnkit.training.progress import PLAIN, console_of
from spnkit.training.refiners import learned_vgg16
from spnkit.training.report import Scores, table, write_report
from spnkit.training.runs import check_stage, open_run
from spnkit.training.samples import Patches
from spnkit.training.scoring import score
from spnkit.training.task import Task


class Run:
    """One run of a task in one folder, in stages that are each skipped when their result is there.

    Parameters
    ----------
    task : Task
        What it is about, with the choices of the run.
    out : pathlib.Path
        Run folder.
    console : rich.console.Console
        Where progress is shown.
    """

    def __init__(self, task: Task, out: Path, console: Console) -> None:
        self.task, self.options, self.out, self.console = task, task.options, out, console
        self.seconds: dict[str, float] = {}
        self.stages: dict[str, Any] = {}

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say what begins, and keep how long it took."""
        self.console.print(f"{what} ...", highlight=False)
        began = time.perf_counter()
        yield
        self.seconds[what] = round(time.perf_counter() - began, 1)

    def prepared(self, folder: LabelledFolder, split: str) -> Prepared:
        """The photos of a split in their frame."""
        return Prepared(folder, folder.splits[split], self.task.frame(), self.out / "cache")

    def seeded(self, stage: int, kind: Callable[..., Any], classes: tuple[str, ...]) -> Any:
        """A module whose first weights are a function of the seed alone."""
        lightning.seed_everything(self.options.seed + stage, verbose=False)
        return kind(classes, self.options)

    def fit(self, module: Training, samples: Dataset, stage: str, batch: int) -> None:
        """Train a module to its last step, from its checkpoint on if there is one that was made from the same."""
        chosen = self.options
        share = chosen.devices * chosen.accumulate
        steps = getattr(chosen, module.steps_option)
        data = EpochData(samples, batch=batch, steps=steps, share=share, workers=chosen.workers)
        checkpoint = self.out / f"{stage}.ckpt"
        if checkpoint.exists():
            check_stage(checkpoint, module.classes, chosen, module.made_from)
        self.stages[stage] = fit(
            module,
            data,
            checkpoint=checkpoint,
            device=chosen.device,
            console=self.console,
            devices=chosen.devices,
            precision=chosen.precision,
        )
        module.to(chosen.device)  # where it is not if its checkpoint said that it was done

    def refine(
        self,
        classes: tuple[str, ...],
        learned: Prepared,
        coarse: Any,
        *,
        factor: int = 1,
        parsers: nn.Module | None = None,
        made_from: Mapping[str, str] | None = None,
        name: str = "spn",
    ) -> RefinementTraining:
        """Train what refines and its control on the coarse maps of the training photos.

        Parameters
        ----------
        classes : tuple of str
            Class names in index order.
        learned : Prepared
            The training photos.
        coarse : sequence of Tensor
            Their maps (num_classes, H / factor, W / factor), in memory or made when asked for.
        factor : int
            How many times smaller the maps are.
        parsers : nn.Module, optional
            What made them, to be carried along in the checkpoint.
        made_from : mapping, optional
            What else the result depends on: a checkpoint that was made from something else is not gone on with.
        name : str
            Of the checkpoint.
        """
        members = [index for index, (_, labels) in enumerate(learned) if self.task.teaches(labels)]
        size, seed = self.options.patch, self.options.seed
        how = {"size": size, "members": members, "tempered": self.options.tempered}
        samples = Patches(learned, classes, seed, coarse=coarse, factor=factor, **how)
        module = self.seeded(1, RefinementTraining, classes)
        module.made_from = {self.task.what: learned.digest(), **(made_from or {})}
        if weights := self.options.vgg16:
            found = learned_vgg16(weights)
            for network in module.networks.modules():
                if isinstance(network, VGGGuidance):
                    network.load_vgg16(found)
            module.made_from["vgg16"] = digest_of(module.networks)
        if parsers is not None:
            module.parsers.load_state_dict(parsers.state_dict())
            module.made_from["parsers"] = digest_of(module.parsers)
        self.fit(module, samples, name, self.options.batch)
        return module


def run_task(
    task: Task, out: Path, *, resume: bool = False, command: str = "", console: Console | None = None
) -> Scores:
    """Train what a task describes, score it on whole photos and write the run folder.

    The folder gets a checkpoint a stage (every 25 steps), the last of them `spn.ckpt`, `metrics.json`, `table.txt`,
    `table.md`, `crops.png` and `listening.png`. Interrupted at any point, the same call with `resume` ends in
    the same weights as an uninterrupted one (on a CPU; a GPU may add in another order).

    Parameters
    ----------
    task : Task
        What to do, with the choices of the run.
    out : pathlib.Path
        Run folder: new or empty, or with `resume` that of the run.
    resume : bool
        Go on with the run in `out`, which must have the same options.
    command : str
        How the run was called, for metrics.json.
    console : rich.console.Console, optional
        Where progress is shown.

    Returns
    -------
    dict
        Row to column to score in percent: the coarse map, what refines it, its control.

    Raises
    ------
    OSError
        If a file is missing, unreadable or cannot be written, or `out` holds what is not of this run; the message
        names it.
    ValueError
        If labels or options do not fit, or a checkpoint in `out` was made from something else.
    KeyboardInterrupt
        After Ctrl-C or SIGTERM, with the last checkpoint in place.
    """
    console, options = console or console_of(), task.options
    check_machine(options)
    if weights := getattr(options, "vgg16", None):
        learned_vgg16(weights)
    given = None if options.data is None else task.open(options.data)
    task.check(given)
    open_run(out, options, resume)
    run = Run(task, out, console)
    if given and given.note:
        console.print(f"note: {given.root}: {given.note}", **PLAIN)
    with run.timed(f"preparing {task.what}"):
        folder = given or task.make(out)
        learned, scored = run.prepared(folder, "train"), run.prepared(folder, options.split)
    console.print(repr(folder), **PLAIN)
    model = task.learn(run, folder, learned)
    with run.timed(f"scoring {len(scored)} {task.what}"):
        scores = score(task, model, scored, console)
    facts = {"command": command, "options": options.as_dict(), task.what: repr(folder), "note": folder.note}
    facts |= {"machine": machine(options.device), "seconds": run.seconds, "stages": run.stages}
    write_report(out, scores, facts)
    with run.timed("drawing"):
        draw_crops(task, model, scored, out / "crops.png")
        if task.listens():
            draw_listening(task, model, scored, out / "listening.png")
    for photos in (learned, scored):
        photos.discard()
    console.print(table(scores), **PLAIN)
    return scores
