"""What this machine can train with, asked before anything is done."""

from __future__ import annotations

import torch

from spnkit.training.options import Options

KINDS = ("cpu", "cuda", "mps")
"""Devices that there are trainers for."""


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


def check_machine(options: Options) -> None:
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
