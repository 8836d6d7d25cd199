"""What this machine can train with, asked before anything is done."""

from __future__ import annotations

import torch

from spnkit.training.options import OptionGroup, grouped, option

KINDS = ("cpu", "cuda", "mps")
"""Devices that there are trainers for."""
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")


@grouped
class MachineOptions(OptionGroup):
    """Where a run trains, and in how many processes."""

    group = "machine"

    device: str = option("cpu, cuda, cuda:1, ...", default="cpu", more="As torch calls it.")
    workers: int = option(
        "processes that prepare patches", default=0, least=0, more="They are there besides the main one."
    )
    devices: int = option(
        "processes or GPUs that train together", default=1, more="Each takes `batch` samples a step (DDP)."
    )
    accumulate: int = option(
        "batches a step of each",
        default=1,
        more="A step sees `devices * accumulate * batch` samples; the weights that it learns from them do not depend "
        "on which of the two made them many, what batch normalisation keeps does a little.",
    )
    precision: str = option("as Lightning calls it", default="32-true", choices=PRECISIONS, more="Mixed is for a GPU.")

    def check(self) -> None:
        if self.devices > 1 and ":" in self.device:
            raise ValueError(f"devices: {self.device} is one device, got {self.devices}; name none, as in cuda")


def check_device(device: str) -> None:
    """Refuse a device that torch does not have here.

    Raises
    ------
    ValueError
        The message names it.
    """
    try:
        kind = torch.empty(0, device=device).device.type
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ValueError(f"device: {device!r} cannot be used ({str(error).splitlines()[0]})") from error
    if kind not in KINDS:
        raise ValueError(f"device: expected one of {', '.join(KINDS)}, got {device!r}")


def check_machine(options: MachineOptions) -> None:
    """Refuse options that this machine cannot follow.

    Raises
    ------
    ValueError
        The message names the option.
    """
    check_device(options.device)
    kind = torch.device(options.device).type
    if kind == "cuda" and options.devices > torch.cuda.device_count():
        raise ValueError(f"devices: expected at most the {torch.cuda.device_count()} GPUs here, got {options.devices}")
    if kind == "mps" and options.devices > 1:
        raise ValueError(f"devices: expected 1 on mps, got {options.devices}")
    if kind == "cpu" and options.precision == "16-mixed":
        raise ValueError("precision: 16-mixed needs a GPU, on a CPU there is bf16-mixed")
