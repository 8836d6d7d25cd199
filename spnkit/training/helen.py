"""The face parsing experiment of Section 5, end to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from rich.console import Console

from spnkit.data import FaceFolder, make_faces, open_faces
from spnkit.data.madeup.folder import made_names
from spnkit.training.coarse import parse
from spnkit.training.devices import check_machine
from spnkit.training.faces import AlignedFaces, folds_of
from spnkit.training.fit import EpochData, fit
from spnkit.training.modules import ParserTraining, RefinementTraining, digest_of
from spnkit.training.options import Options
from spnkit.training.pictures import draw_crops, draw_listening
from spnkit.training.progress import PLAIN, console_of
from spnkit.training.report import Scores, machine, table, write_report
from spnkit.training.runs import check_stage, open_run
from spnkit.training.samples import LowResolutionFaces, Patches, Samples
from spnkit.training.scoring import score


class Experiment:
    """One run of the experiment in one folder, in steps that are each skipped when their result is there.

    Parameters
    ----------
    options : Options
        Choices of the run.
    out : pathlib.Path
        Run folder.
    console : rich.console.Console
        Where progress is shown.
    """

    def __init__(self, options: Options, out: Path, console: Console) -> None:
        self.options, self.out, self.console = options, out, console
        self.seconds: dict[str, float] = {}
        self.stages: dict[str, Any] = {}

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say what begins, and keep how long it took."""
        self.console.print(f"{what} ...", highlight=False)
        began = time.perf_counter()
        yield
        self.seconds[what] = round(time.perf_counter() - began, 1)

    def made_faces(self) -> FaceFolder:
        """Faces for a run that was given none."""
        made = self.options.made
        return make_faces(
            self.out / "faces",
            train=made,
            val=max(1, made // 6),
            test=max(1, made // 3),
            size=self.options.size,
            seed=self.options.seed,
        )

    def aligned(self, folder: FaceFolder, split: str) -> AlignedFaces:
        """The faces of a split in the common frame."""
        return AlignedFaces(folder, folder.splits[split], self.options.size, self.out / "cache")

    def folds(self, train: AlignedFaces) -> list[int]:
        """The fold of each training face: people are dealt out in turn, with all their photos."""
        return folds_of(train.names, self.options.people, self.options.folds)

    def parsers(self, classes: tuple[str, ...], train: AlignedFaces, name: str = "parsers") -> ParserTraining:
        """Train the baseline parsers."""
        options = self.options
        samples = LowResolutionFaces(train.shrunk(options.seen_factor), classes, options.seed, folds=self.folds(train))
        module = self._seeded(0, ParserTraining, classes)
        module.made_from = {"faces": train.digest()}
        self._fit(module, samples, name, options.parser_batch, options.parser_steps)
        return module

    def refinement(self, parsers: ParserTraining, train: AlignedFaces, name: str = "spn") -> RefinementTraining:
        """Train the refining network and its control on the coarse maps of the training faces."""
        place = torch.device(self.options.device)
        seen = not self.options.cross_fitted
        coarse = [
            # The parser of a face's own fold is the one that has not seen it.
            parse([parsers.parsers[(fold + seen) % self.options.folds]], photo, self.options.seen_factor, place).half()
            for fold, (photo, _) in zip(self.folds(train), map(train.__getitem__, range(len(train))), strict=True)
        ]
        samples = Patches(
            train,
            parsers.classes,
            self.options.seed,
            coarse=torch.stack(coarse),  # one tensor, as each that goes to a worker takes an open file
            factor=self.options.seen_factor,
            size=self.options.patch,
        )
        module = self._seeded(1, RefinementTraining, parsers.classes)
        module.parsers.load_state_dict(parsers.parsers.state_dict())
        module.made_from = {"faces": train.digest(), "parsers": digest_of(module.parsers)}
        self._fit(module, samples, name, self.options.batch, self.options.steps)
        return module

    def _seeded(self, stage: int, kind: Callable[..., Any], classes: tuple[str, ...]) -> Any:
        """A module whose first weights are a function of the seed alone."""
        lightning.seed_everything(self.options.seed + stage, verbose=False)
        return kind(classes, self.options)

    def _fit(
        self,
        module: ParserTraining | RefinementTraining,
        samples: Samples,
        stage: str,
        batch: int,
        steps: int,
    ) -> None:
        chosen = self.options
        share = chosen.devices * chosen.accumulate
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


def train(
    options: Options, out: Path, *, resume: bool = False, command: str = "", console: Console | None = None
) -> Scores:
    """Train the baseline parsers and the SPN, score them on whole faces and write the run folder.

    The folder gets `parsers.ckpt` and `spn.ckpt` (every 25 steps), `metrics.json`, `table.txt`,
    `table.md`, `crops.png` and `listening.png`. Interrupted at any point, the same call with `resume` ends in
    the same weights as an uninterrupted one (on a CPU; a GPU may add in another order).

    Parameters
    ----------
    options : Options
        Choices of the run.
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
        Row to column to score in percent: the baseline, the SPN, its control.

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
    console = console or console_of()
    check_machine(options)
    given = None if options.data is None else open_faces(options.data)
    folds_of(given.splits["train"] if given else made_names(options.made), options.people, options.folds)
    open_run(out, options, resume)
    run = Experiment(options, out, console)
    if given and given.note:
        console.print(f"note: {given.root}: {given.note}", **PLAIN)
    with run.timed("preparing faces"):
        folder = given or run.made_faces()
        learned, scored = run.aligned(folder, "train"), run.aligned(folder, options.split)
    console.print(repr(folder), **PLAIN)
    with run.timed("training the baseline parsers"):
        parsers = run.parsers(folder.classes, learned)
    with run.timed("training the SPN"):
        model = run.refinement(parsers, learned)
    with run.timed(f"scoring {len(scored)} faces"):
        scores = score(model, scored, console)
    facts = {"command": command, "options": options.as_dict(), "faces": repr(folder), "note": folder.note}
    facts |= {"machine": machine(options.device), "seconds": run.seconds, "stages": run.stages}
    write_report(out, scores, facts)
    with run.timed("drawing"):
        draw_crops(model, scored, out / "crops.png")
        if options.refiner == "spn":
            draw_listening(model, scored, out / "listening.png")
    for faces in (learned, scored):
        faces.discard()
    console.print(table(scores), **PLAIN)
    return scores
