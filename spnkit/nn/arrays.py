"""Arrays of either kind as NumPy's, and back; photos as what the refiner reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spnkit.nn.checks import OVERSHOOT


def as_numpy(name: str, x: Any) -> NDArray:
    """What a NumPy array or tensor holds; NumPy has no bfloat16, float32 holds it."""
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        return (x.float() if x.dtype == torch.bfloat16 else x).numpy()
    if isinstance(x, np.ndarray):
        return x
    raise TypeError(f"{name} must be a NumPy array or torch.Tensor, got {type(x).__name__}")


def like(found: NDArray, x: Any) -> Any:
    """An array as the kind, dtype and device of another."""
    if isinstance(x, Tensor):
        return torch.from_numpy(np.ascontiguousarray(found)).to(x.device, x.dtype)
    return found.astype(x.dtype, copy=False)


def photo_of(photo: NDArray) -> NDArray:
    """A photo as (H, W, 3), uint8 or float32 in [0, 1]; grey is all colours, alpha left out."""
    if photo.ndim == 3 and photo.shape[-1] not in (1, 3, 4) and photo.shape[0] in (1, 3, 4):
        photo = photo.transpose(1, 2, 0)
    if photo.ndim == 2:
        photo = photo[..., None]
    if photo.ndim != 3 or photo.shape[-1] not in (1, 3, 4) or not photo.size:
        raise ValueError(f"photo must be (H, W), (H, W, 3) or (H, W, 4) and not empty, got {photo.shape}")
    colours = photo[..., :3]
    if photo.dtype == np.uint16:
        colours = colours / np.float32(np.iinfo(np.uint16).max)
    elif photo.dtype.kind == "f":
        colours = _in_range(colours.astype(np.float32))
    elif photo.dtype != np.uint8:
        raise TypeError(f"photo must be uint8, uint16 or floating, got {photo.dtype}")
    return np.ascontiguousarray(colours if colours.shape[2] == 3 else colours.repeat(3, axis=2))


def unit(photo: NDArray) -> NDArray[np.float32]:
    """A photo, or a part of one, that `photo_of` gave, in [0, 1]: only of parts where it is large."""
    return photo if photo.dtype == np.float32 else np.divide(photo, 255, dtype=np.float32)


def _in_range(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours cut to [0, 1]; what no photo in that range has is refused."""
    least, most = float(colours.min()), float(colours.max())
    if not np.isfinite([least, most]).all():
        raise ValueError("photo must be finite, got NaN or infinity")
    if max(-least, most - 1) > OVERSHOOT:
        raise ValueError(f"photo must be in [0, 1], got {least:.3g} to {most:.3g} (of 0 to 255? divide by 255)")
    return colours.clip(0, 1)


def one_hot(indices: NDArray[np.integer], classes: int) -> NDArray[np.float32]:
    """Indices (H, W) as sure probabilities (K, H, W), zeros where nothing is known."""
    return (indices == np.arange(classes)[:, None, None]).astype(np.float32)
