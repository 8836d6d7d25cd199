"""From labels to the probabilities that a refining network is fed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, one_hot

from spnkit.nn.blocks import upsampled
from spnkit.nn.checks import check_counts, warn

IGNORE = 255
"""The label of a pixel that is unknown, unless another is named."""


def soften(labels: Any, num_classes: int, block: int = 8, ignore: int | None = None) -> Any:
    """Labels as a coarse map: the share of each class in blocks of pixels, upsampled bilinearly.

    A mask drawn by hand, or a network's labels without their probabilities, is sure of every pixel, and an SPN
    overrules it hardly anywhere. Near an outline the shares are unsure, so it may move there.

    Parameters
    ----------
    labels : numpy.ndarray or Tensor, (N, H, W) or (H, W), integer or bool
        Class indices, or a mask of one object.
    num_classes : int
        Channels of the result.
    block : int
        Side of a block in pixels: about how far the outlines may be off.
    ignore : int, optional
        The label of pixels that are unknown. A block with nothing else in it has all classes alike. By default 255,
        but for two classes and labels of nothing but 0 and 255: that is how masks are saved, and 255 is the object,
        class 1. Given, it decides.

    Returns
    -------
    numpy.ndarray or Tensor, (N, num_classes, H, W) or (num_classes, H, W), float32
        Non-negative, with sum one at every pixel, up to rounding.

    Raises
    ------
    TypeError, ValueError
        If `labels` are not integers of that shape below `num_classes`, or `block` is not positive.

    Warns
    -----
    UserWarning
        If 255 was taken for the object.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import soften
    >>> soften(torch.tensor([[[0, 0, 0, 0, 1, 1, 1, 1]]]), 2, block=4)[0, 1, 0].tolist()
    [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]
    """
    check_counts(num_classes=num_classes, block=block)
    if isinstance(labels, np.ndarray):
        return soften(torch.from_numpy(labels.copy()), num_classes, block, ignore).numpy()
    if isinstance(labels, Tensor) and labels.ndim == 2:
        return soften(labels[None], num_classes, block, ignore)[0]
    labels = checked_labels(labels)
    if num_classes == 2 and ignore != IGNORE and may_be_object(labels):
        if ignore is None:
            warn("labels are 0 and 255 alone: 255 is taken for class 1 (ignore=255: for unknown)")
        labels = labels // IGNORE
    ignore = IGNORE if ignore is None else ignore
    check_range(labels, num_classes, ignore)
    unknown = labels == ignore
    found = (one_hot(labels.masked_fill(unknown, 0), num_classes) * ~unknown[..., None]).movedim(-1, 1).float()
    shares = avg_pool2d(found, block, ceil_mode=True)
    total = shares.sum(1, keepdim=True)
    shares = torch.where(total > 0, shares / total, 1 / num_classes)
    return upsampled(shares, block)[..., : labels.shape[-2], : labels.shape[-1]]


def may_be_object(labels: Tensor) -> bool:
    """Whether 255 may be the object of a mask, and not "unknown": nothing but it and 0 is there.

    The rule is that of `spnkit.data` for files, which the networks do not need.
    """
    return bool((labels == IGNORE).any() and ((labels == 0) | (labels == IGNORE)).all())


def checked_labels(labels: Tensor) -> Tensor:
    """A batch of class indices in int64, where none wraps around; what is not whole, or no batch, is refused."""
    if not isinstance(labels, Tensor):
        raise TypeError(f"labels must be a NumPy array or torch.Tensor, got {type(labels).__name__}")
    if labels.is_floating_point() or labels.is_complex():
        raise TypeError(f"labels must be integers, got {labels.dtype}")
    if labels.ndim != 3 or 0 in labels.shape:
        raise ValueError(f"labels must be (N, H, W) or (H, W) and not empty, got {tuple(labels.shape)}")
    return labels.long()


def check_range(labels: Tensor, num_classes: int, ignore: int) -> None:
    """Refuse a class that there is not."""
    wrong = ((labels < 0) | (labels >= num_classes)) & (labels != ignore)
    if wrong.any():
        raise ValueError(f"labels must be 0 to {num_classes - 1}, or {ignore}, got {labels[wrong][0].item()}")
