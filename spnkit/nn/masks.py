"""From labels to the probabilities that a refining network is fed."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, one_hot

from spnkit.nn.blocks import upsampled
from spnkit.nn.checks import check_counts


def soften(labels: Tensor, num_classes: int, block: int = 8, ignore: int = 255) -> Tensor:
    """Labels as a coarse map: the share of each class in blocks of pixels, upsampled bilinearly.

    A mask drawn by hand, or a network's labels without their probabilities, is sure of every pixel, and an SPN
    overrules it hardly anywhere. Near an outline the shares are unsure, so it may move there.

    Parameters
    ----------
    labels : Tensor, (N, H, W), integer
        Class indices.
    num_classes : int
        Channels of the result.
    block : int
        Side of a block in pixels: about how far the outlines may be off.
    ignore : int
        The label of pixels that are unknown. A block with nothing else in it has all classes alike.

    Returns
    -------
    Tensor, (N, num_classes, H, W), float32
        Non-negative, with sum one at every pixel, up to rounding.

    Raises
    ------
    TypeError, ValueError
        If `labels` are not integers of that shape below `num_classes`, or `block` is not positive.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import soften
    >>> soften(torch.tensor([[[0, 0, 0, 0, 1, 1, 1, 1]]]), 2, block=4)[0, 1, 0].tolist()
    [0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0]
    """
    check_counts(num_classes=num_classes, block=block)
    labels = checked_labels(labels, num_classes, ignore)
    unknown = labels == ignore
    found = (one_hot(labels.masked_fill(unknown, 0), num_classes) * ~unknown[..., None]).movedim(-1, 1).float()
    shares = avg_pool2d(found, block, ceil_mode=True)
    total = shares.sum(1, keepdim=True)
    shares = torch.where(total > 0, shares / total, 1 / num_classes)
    return upsampled(shares, block)[..., : labels.shape[-2], : labels.shape[-1]]


def checked_labels(labels: Tensor, num_classes: int, ignore: int) -> Tensor:
    """A batch of class indices in int64, where none wraps around; anything else is refused."""
    if not isinstance(labels, Tensor):
        raise TypeError(f"labels must be a torch.Tensor, got {type(labels).__name__}")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"labels must be integers, got {labels.dtype}")
    if labels.ndim != 3 or 0 in labels.shape:
        raise ValueError(f"labels must be (N, H, W) and not empty, got {tuple(labels.shape)}")
    labels = labels.long()
    wrong = ((labels < 0) | (labels >= num_classes)) & (labels != ignore)
    if wrong.any():
        raise ValueError(f"labels must be 0 to {num_classes - 1}, or {ignore}, got {labels[wrong][0].item()}")
    return labels
