"""A bar with the loss and the time left; plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from math import isfinite
from typing import Any, TextIO, cast

import torch
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor

PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}
"""How text that is not ours is printed: as it is."""


class Escaping:
    """A stream that writes what its encoding lacks as escapes, where it would end the program."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        return self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def console_of(**options: Any) -> Console:
    """Where a run speaks, on the standard output: in an encoding without Japanese too."""
    return Console(file=cast(TextIO, Escaping(sys.stdout)), **options)


class StageProgress(Callback):
    """Progress of one stage. Its history is saved in the checkpoint and goes on with it.

    Parameters
    ----------
    title : str
        Name of the stage.
    steps : int
        Steps it has.
    console : rich.console.Console
        Where to show it.
    """

    def __init__(self, title: str, steps: int, console: Console) -> None:
        self.title, self.steps = title, steps
        self.console = console
        self.history: list[dict[str, float]] = []
        self.losses: list[Tensor] = []
        self.seconds_per_step: float | None = None

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history, "seconds_per_step": self.seconds_per_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.history = list(state_dict["history"])
        self.seconds_per_step = state_dict["seconds_per_step"]

    def __getstate__(self) -> dict[str, Any]:
        """What another process gets: a terminal cannot be sent to it."""
        return {name: value for name, value in self.__dict__.items() if name != "console"}

    def on_train_start(self, trainer, _module) -> None:
        if not hasattr(self, "console"):
            self.console = console_of(quiet=not trainer.is_global_zero)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
        )
        self.bar = Progress(
            *columns,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(self.title, total=self.steps, completed=trainer.global_step, loss="")
        self.bar.start()
        self.began, self.first = time.monotonic(), trainer.global_step

    def on_train_batch_end(self, trainer, _module, outputs, _batch, _index) -> None:
        self.losses.append(outputs["loss"].detach())  # a number would make the host wait for a GPU
        if trainer.global_step == self.first:  # not yet a whole step's worth of batches
            return
        self.seconds_per_step = (time.monotonic() - self.began) / (trainer.global_step - self.first)
        self.bar.update(self.task, completed=trainer.global_step)

    def on_train_epoch_end(self, trainer, _module) -> None:
        loss = float(torch.stack(self.losses).mean())
        self.losses = []
        if not isfinite(loss):  # before the checkpoint is written: the one before stands
            raise ValueError(f"{self.title}: the loss is {loss} at step {trainer.global_step}; a lower rate may help")
        self.bar.update(self.task, loss=f"loss {loss:.3f}")
        self.history.append({"step": trainer.global_step, "loss": round(loss, 4)})
        if not self.console.is_terminal:
            left = (self.seconds_per_step or 0) * (self.steps - trainer.global_step)
            self.console.print(
                f"{self.title}: step {trainer.global_step} of {self.steps}, loss {loss:.3f}, "
                f"{self.seconds_per_step:.2f} s a step, {left:.0f} s left",
                highlight=False,
            )

    def teardown(self, _trainer, _module, stage: str) -> None:
        if hasattr(self, "bar"):
            self.bar.stop()
