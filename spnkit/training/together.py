"""Processes that train together, or prepare samples: how their errors are told, and that none outlives the run."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher
from torch.multiprocessing.spawn import ProcessException, ProcessRaisedException
from torch.utils.data import Dataset, default_collate

FORESEEN = (OSError, ValueError)
"""What ends a run in one line, whichever process it is raised in."""


class Failure:
    """An error in place of a sample: a worker would send a traceback, a batch brings the error itself."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Told(Dataset):
    """Samples, or what went wrong with them."""

    def __init__(self, samples: Dataset) -> None:
        self.samples = samples

    def __getitem__(self, index: Any) -> Any:
        try:
            return self.samples[index]
        except FORESEEN as error:
            return Failure(error)


def collate(samples: list[Any]) -> Any:
    """A batch, or the first failure in it."""
    return next((sample for sample in samples if isinstance(sample, Failure)), None) or default_collate(samples)


@contextmanager
def lost_workers() -> Iterator[None]:
    """A worker that was killed is no error of the program: its end is told like that of any other process."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise ChildProcessError(f"workers: {str(error).splitlines()[0]}") from error
    except (ConnectionError, EOFError) as error:  # it was about to hand over a batch
        raise ChildProcessError(f"workers: one has ended ({error})") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Lightning's advice on loaders, loggers and processors left out: each of these choices was made."""
    talkers = dict.fromkeys(("lightning.pytorch", "lightning.fabric"), logging.WARNING)
    talkers["torch.multiprocessing.spawn"] = logging.ERROR
    levels = {talker: logging.getLogger(talker).level for talker in talkers}
    for talker, level in talkers.items():
        logging.getLogger(talker).setLevel(level)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for talker, level in levels.items():
            logging.getLogger(talker).setLevel(level)


class Launcher(_MultiProcessingLauncher):
    """Spawned processes that end with the one that spawned them, and send it their errors as they are."""

    def launch(self, function: Any, *args: Any, trainer: Any = None, **kwargs: Any) -> Any:
        """Run `function` in all processes."""
        self.errors = multiprocessing.get_context("spawn").SimpleQueue()
        before = set(multiprocessing.active_children())
        try:
            return super().launch(function, *args, trainer=trainer, **kwargs)
        except ProcessException as error:
            if not self.errors.empty():  # whoever was seen to end first
                raise self.errors.get() from None
            if isinstance(error, ProcessRaisedException):
                raise
            raise ChildProcessError(f"devices: {str(error).splitlines()[0]}") from error
        finally:  # Ctrl-C too: Python would wait for them, and they for each other
            for child in set(multiprocessing.active_children()) - before:
                child.kill()
                child.join()

    def _wrapping_function(self, *args: Any, **kwargs: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all, and one decides
        threading.Thread(target=end_with_parent, daemon=True).start()
        try:
            with quiet(), lost_workers():
                super()._wrapping_function(*args, **kwargs)
        except FORESEEN as error:
            self.errors.put(error)
            raise SystemExit(1) from None
        except RuntimeError as error:
            if "by peer" in str(error):  # a connection was closed or reset: that one has more to tell
                raise SystemExit(1) from None
            raise


def end_with_parent() -> None:
    """Wait for the end of the process that spawned this one, however it comes, and end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Together(DDPStrategy):
    """Data-parallel training in processes of that kind."""

    def _configure_launcher(self) -> None:
        self._launcher = Launcher(self, start_method="spawn")


class EndsOnTerm(Callback):
    """Among several processes SIGTERM ends the one it is sent to: Lightning's answer waits for all the others."""

    def on_train_start(self, trainer: Any, _module: Any) -> None:
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
