"""What the networks accept; every refusal names the argument, what came and what was expected."""

from __future__ import annotations

import pickle
import warnings
from numbers import Integral

import torch
from torch import Tensor

UNREADABLE = (RuntimeError, LookupError, TypeError, ValueError, EOFError, pickle.UnpicklingError)
"""What `torch.load`, and making networks of what it finds, raise on a file that holds something else."""
_OUTSIDE = 5
"""Frames from a warning in here to who called the module: a check, `forward`, and torch's way into it."""


def readable(x: Tensor) -> bool:
    """Whether values may be looked at: a graph or a transform cannot branch on them, a meta tensor has none."""
    return not (torch.compiler.is_compiling() or x.is_meta or torch._C._are_functorch_transforms_active())


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


def check_finite(name: str, x: Tensor) -> None:
    """Refuse NaN and infinity."""
    if readable(x) and not torch.isfinite(x).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def check_image(image: Tensor) -> None:
    """Refuse anything but a finite RGB batch."""
    check_map("image", image, 3)
    check_finite("image", image)


def check_pair(image: Tensor, coarse: Tensor, num_classes: int) -> None:
    """Refuse an image and a coarse map that do not belong together."""
    check_map("image", image, 3)
    check_map("coarse", coarse, num_classes)
    for what, of_image, of_coarse in (
        ("batch size", image.shape[0], coarse.shape[0]),  # `len` would fix it when a program is exported
        ("height and width", tuple(image.shape[-2:]), tuple(coarse.shape[-2:])),
        ("device", image.device, coarse.device),
    ):
        if of_image != of_coarse:
            raise ValueError(f"image and coarse must have the same {what}, got {of_image} and {of_coarse}")
    if image.dtype != coarse.dtype:
        raise TypeError(f"image and coarse must have the same dtype, got {image.dtype} and {coarse.dtype}")
    check_finite("image", image)
    check_finite("coarse", coarse)
    if readable(coarse) and coarse.min() < 0:
        warnings.warn("coarse should hold probabilities, got negative values (apply softmax)", stacklevel=_OUTSIDE)
