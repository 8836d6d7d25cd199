"""What the networks accept; every refusal names the argument, what came and what was expected."""

from __future__ import annotations

import pickle
import struct
import sys
import warnings
import zlib
from math import isfinite
from numbers import Integral
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

UNREADABLE = (
    *(RuntimeError, LookupError, TypeError, ValueError, EOFError, AttributeError),
    *(pickle.UnpicklingError, BadZipFile, struct.error, zlib.error),
)
"""What `torch.load`, and making networks of what it finds, raise on a file that holds something else."""
OVERSHOOT = 0.25
"""How far a photo in [0, 1] may be outside: resampling with sharp filters makes more of an edge than there was."""
ROUNDING = 0.01
"""How far probabilities in half precision, upsampled, may be above one."""
_INSIDE = (str(Path(__file__).parent), str(Path(torch.__file__).parent))
"""The networks, and torch's way into them."""


def readable(x: Tensor) -> bool:
    """Whether values may be looked at: a graph or a transform cannot branch on them, a meta tensor has none."""
    return not (torch.compiler.is_compiling() or x.is_meta or torch._C._are_functorch_transforms_active())


def load_whole(path: Path) -> Any:
    """What `torch.save` wrote, weights and plain values alone, on the CPU; torch itself does not look at the checksums.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If it cannot be read.
    *UNREADABLE
        If it is damaged or something else.
    """
    try:
        with ZipFile(path) as archive:
            damaged = archive.testzip()
    except OSError as error:
        if error.filename is None:  # it is there, and its contents point out of it
            raise ValueError(str(error)) from error
        raise
    if damaged:
        raise ValueError(f"{damaged} is damaged")
    return torch.load(path, map_location="cpu", weights_only=True)


def check_counts(**counts: int) -> None:
    """Refuse a size or a number of things below one."""
    for name, value in counts.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}")


def check_map(name: str, x: Tensor, channels: int) -> None:
    """Refuse anything but a floating, non-empty `(N, channels, H, W)` tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"{name} must be floating, got {x.dtype}")
    if x.ndim != 4 or x.shape[1] != channels or 0 in x.shape:
        raise ValueError(f"{name} must be (N, {channels}, H, W) and not empty, got {tuple(x.shape)}")


def extremes(name: str, x: Tensor) -> tuple[float, float] | None:
    """Least and greatest value, where values may be looked at; NaN and infinity are refused."""
    if not readable(x):
        return None
    least, most = torch.stack(torch.aminmax(x.detach())).tolist()
    if not isfinite(least) or not isfinite(most):
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return least, most


def check_image(image: Tensor) -> None:
    """Refuse anything but a finite RGB batch, and warn of values that no photo in [0, 1] has."""
    check_map("image", image, 3)
    found = extremes("image", image)
    if found and max(-found[0], found[1] - 1) > OVERSHOOT:
        warn(f"image should be RGB in [0, 1], got values {_beyond(*found)}")


def check_coarse(coarse: Tensor, num_classes: int) -> None:
    """Refuse anything but a finite map, and warn of values that no probabilities have."""
    check_map("coarse", coarse, num_classes)
    found = extremes("coarse", coarse)
    if found and found[0] < 0:
        warn("coarse should hold probabilities, got negative values (apply softmax)")
    elif found and found[1] > 1 + ROUNDING:
        warn(f"coarse should hold probabilities, got values {_beyond(*found)}")


def _beyond(least: float, most: float) -> str:
    """In words that a photo and its shrunk copy have in common: Python shows the same warning once."""
    if least < 0:
        return "below 0"
    return "far above 1 (of 0 to 255? divide by 255)" if most > 2 else "above 1"


def warn(message: str) -> None:
    """Warn at the line that called the networks, however deep in them it is found."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_code.co_filename.startswith(_INSIDE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def check_pair(image: Tensor, coarse: Tensor, num_classes: int) -> None:
    """Refuse an image and a coarse map that do not belong together."""
    check_image(image)
    check_coarse(coarse, num_classes)
    for what, of_image, of_coarse in (
        ("batch size", image.shape[0], coarse.shape[0]),  # `len` would fix it when a program is exported
        ("height and width", tuple(image.shape[-2:]), tuple(coarse.shape[-2:])),
        ("device", image.device, coarse.device),
    ):
        if of_image != of_coarse:
            raise ValueError(f"image and coarse must have the same {what}, got {of_image} and {of_coarse}")
    if image.dtype != coarse.dtype:
        raise TypeError(f"image and coarse must have the same dtype, got {image.dtype} and {coarse.dtype}")
