"""Run one stage of training: deterministic epochs, a whole checkpoint after each, progress with time left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from rich.console import Console
from torch.utils.data import DataLoader, Dataset, Sampler

from spnkit.training.files import read_checkpoint, whole_file
from spnkit.training.progress import StageProgress
from spnkit.training.together import EndsOnTerm, Failure, Together, Told, collate, lost_workers, quiet

STEPS_PER_EPOCH = 25


def steps_per_epoch(steps: int) -> int:
    """Steps between two checkpoints: 25, or a hundredth of a long run."""
    return max(STEPS_PER_EPOCH, ceil(steps / 100))


class EpochBatches(Sampler[list[tuple[int, int]]]):
    """The batches of the trainer's current epoch, the last of which may be shorter: lists of (epoch, index).

    They are dealt out to the processes in turn, so every step sees the same samples however many there are.
    """

    def __init__(self, trainer: Any, *, batch: int, steps: int, share: int) -> None:
        self.trainer, self.batch, self.steps, self.share = trainer, batch, steps, share

    def __len__(self) -> int:
        whole = steps_per_epoch(self.steps)
        here = max(1, min(whole, self.steps - self.trainer.current_epoch * whole))
        return here * self.share // self.trainer.world_size

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, rank, world = self.trainer.current_epoch, self.trainer.global_rank, self.trainer.world_size
        for number in range(rank, rank + len(self) * world, world):
            yield [(epoch, index) for index in range(number * self.batch, (number + 1) * self.batch)]


class EpochData(lightning.LightningDataModule):
    """Samples of their own for every epoch: a resumed run draws what a whole one would.

    Parameters
    ----------
    samples : Dataset
        Indexed by (epoch, index).
    batch : int
        Samples in a batch.
    steps : int
        Steps of the whole stage.
    share : int
        Batches a step, over all processes that train together.
    workers : int
        Processes that prepare samples besides the main one; they live as long as the stage.
    """

    def __init__(self, samples: Dataset, *, batch: int, steps: int, share: int = 1, workers: int = 0) -> None:
        super().__init__()
        self.samples, self.batch, self.steps = samples, batch, steps
        self.share, self.workers = share, workers

    def train_dataloader(self) -> DataLoader:
        """One loader for all epochs."""
        return DataLoader(
            Told(self.samples),
            collate_fn=collate,
            batch_sampler=EpochBatches(self.trainer, batch=self.batch, steps=self.steps, share=self.share),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available(),
            # A forked child inherits the dead threads of a parallel loop, and hangs in its first own.
            multiprocessing_context="spawn" if self.workers else None,
        )

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Raise here, in the process that trains, what was wrong with a sample."""
        if isinstance(batch, Failure):
            raise batch.error
        return batch


class SharedStatistics(Callback):
    """At the end of an epoch, batch normalisation takes the mean of what all processes have seen.

    Weights are the same in all of them anyway. Without this, a checkpoint holds the statistics of the first process.
    """

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if trainer.world_size > 1:
            for buffer in pl_module.buffers():
                if buffer.is_floating_point():
                    buffer.copy_(trainer.strategy.reduce(buffer, reduce_op="mean"))


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints written whole or not at all, with an error that names the file."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        with whole_file(Path(path)) as file:
            torch.save(checkpoint, file)


def fit(
    module: lightning.LightningModule,
    data: EpochData,
    *,
    checkpoint: Path,
    device: str,
    console: Console,
    devices: int = 1,
    precision: Any = "32-true",
) -> dict[str, Any]:
    """Train `module` to its last step, from `checkpoint` on if there is one.

    Parameters
    ----------
    module : LightningModule
        What to train; its weights change in place.
    data : EpochData
        Its samples and the number of steps.
    checkpoint : pathlib.Path
        Written after every epoch.
    device : str
        As torch calls it.
    console : rich.console.Console
        Where progress is shown.
    devices : int
        Processes that train together, one a GPU where there are some.
    precision : str
        As Lightning calls it.

    Returns
    -------
    dict
        The loss by step, and seconds a step since the last start.

    Raises
    ------
    ValueError
        If `checkpoint` is damaged.
    OSError
        If a process that trains or prepares samples was killed.
    KeyboardInterrupt
        After Ctrl-C or SIGTERM; the checkpoint of the last whole epoch stands, and no process is left behind.
    """
    progress = StageProgress(checkpoint.stem, data.steps, console)
    every_epoch = ModelCheckpoint(
        checkpoint.parent, checkpoint.stem, save_on_train_epoch_end=True, enable_version_counter=False
    )
    if checkpoint.exists():
        read_checkpoint(checkpoint)  # a damaged one is named here, not somewhere in Lightning
    place = torch.device(device)
    with quiet(), interruptible(), lost_workers():
        trainer = lightning.Trainer(
            accelerator="gpu" if place.type == "cuda" else place.type,
            devices=[place.index] if place.type == "cuda" and place.index is not None else devices,
            # Spawned, not launched anew: what comes before and after training happens once. Forked processes
            # would inherit the dead threads of a parallel loop. What each has seen counts: see `SharedStatistics`.
            strategy="auto" if devices == 1 else Together(start_method="spawn", broadcast_buffers=False),
            precision=precision,
            accumulate_grad_batches=data.share // devices,
            # Counted in epochs: with `max_steps` Lightning would repeat part of an epoch after a resume.
            max_epochs=ceil(data.steps / steps_per_epoch(data.steps)),
            callbacks=[progress, SharedStatistics(), EndsOnTerm(), every_epoch],
            plugins=[WholeCheckpoints()],
            use_distributed_sampler=False,  # the data are dealt out already
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=checkpoint.parent,
        )
        trainer.fit(module, data, ckpt_path=checkpoint if checkpoint.exists() else None, weights_only=True)
    # From the file, as training may have been in other processes.
    progress.load_state_dict(read_checkpoint(checkpoint)["callbacks"][progress.state_key])
    return {"seconds_per_step": progress.seconds_per_step, "history": progress.history}


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C as Python has it: Lightning answers it by ending the process and turning it off. SIGTERM is the same."""
    here = threading.current_thread() is threading.main_thread()  # only there can an answer be chosen
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if here else {}
    try:
        if here:
            signal.signal(signal.SIGTERM, interrupt)
        yield
    except SystemExit as end:
        raise KeyboardInterrupt from end
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)


def interrupt(_number: int, _frame: Any) -> None:
    """Answer a signal as Python answers Ctrl-C."""
    raise KeyboardInterrupt
