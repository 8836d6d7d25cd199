"""Losses of the parsers and of the SPN."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, max_pool2d

from spnkit.data import IGNORE


def counted(labels: Tensor) -> Tensor:
    """Labels, or a boolean mask, as numbers; what would be cut off is refused."""
    if labels.is_floating_point() or labels.is_complex():
        raise TypeError(f"labels: expected whole numbers or a boolean mask, got {labels.dtype}")
    return labels.byte() if labels.dtype == torch.bool else labels


def boundaries(labels: Tensor, reach: int = 1) -> Tensor:
    """Pixels within `reach` of another class; ignored pixels are no class.

    Parameters
    ----------
    labels : Tensor, (N, H, W), integer or bool
        Class indices; 255 is ignored.
    reach : int
        In pixels, along rows, columns and diagonals.

    Returns
    -------
    Tensor, (N, H, W), bool

    Examples
    --------
    >>> import torch
    >>> boundaries(torch.tensor([[[0, 0, 0, 1, 1]]])).int().tolist()
    [[[0, 0, 1, 1, 0]]]
    """
    labels = counted(labels)
    known = labels != IGNORE
    values = labels.float()[:, None]
    window = 2 * reach + 1, 1, reach  # size, stride, padding
    most = max_pool2d(values.masked_fill(~known[:, None], -1), *window)
    least = -max_pool2d(-values, *window)
    return (most > least)[:, 0] & known


def dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the soft F-score, averaged over the classes that are there.

    Every class counts the same, however small: with the softmax loss alone, a few hundred steps do not find
    brows and lips, each about a hundredth of the pixels.

    Examples
    --------
    >>> import torch
    >>> labels = torch.tensor([[[0, 0, 0, 1]]])
    >>> perfect = torch.tensor([[[[9.0, 9.0, 9.0, -9.0]], [[-9.0, -9.0, -9.0, 9.0]]]])
    >>> round(float(dice_loss(perfect, labels)), 3)
    0.0
    """
    labels = counted(labels)
    known = (labels != IGNORE)[:, None]
    claimed = logits.softmax(1) * known
    true = labels[:, None] == torch.arange(logits.shape[1], device=labels.device).to(labels.dtype)[:, None, None]
    found, area = (claimed * true).sum((0, 2, 3)), true.sum((0, 2, 3))
    scores = 2 * found / (claimed.sum((0, 2, 3)) + area).clamp(min=1)
    present = area > 0
    return 1 - (scores * present).sum() / present.sum().clamp(min=1)


def segmentation_loss(logits: Tensor, labels: Tensor, emphasis: float = 1.0) -> Tensor:
    """The softmax loss with an emphasis on the boundaries between classes, plus the Dice loss.

    The paper has the softmax loss alone. A pixel beside one of another class weighs `1 + emphasis` here, all
    others 1: refinement is about these.

    Parameters
    ----------
    logits : Tensor, (N, num_classes, H, W)
    labels : Tensor, (N, H, W), integer or bool
        Class indices; 255 is ignored.
    emphasis : float
        Additional weight of a boundary pixel in the softmax loss.

    Returns
    -------
    Tensor
        A scalar that ignored pixels have no part in.

    Examples
    --------
    >>> import torch
    >>> labels = torch.randint(0, 3, (1, 8, 8))
    >>> float(segmentation_loss(torch.zeros(1, 3, 8, 8), labels)) > 1.0
    True
    """
    return softmax_loss(logits, labels, emphasis) + dice_loss(logits, labels)


def softmax_loss(logits: Tensor, labels: Tensor, emphasis: float = 0.0) -> Tensor:
    """The paper's softmax loss, averaged over the pixels that are not ignored.

    Parameters are those of `segmentation_loss`; without `emphasis` all pixels weigh the same.

    Examples
    --------
    >>> import torch
    >>> labels = torch.tensor([[[0, 255]]])
    >>> round(float(softmax_loss(torch.zeros(1, 2, 1, 2), labels)), 3)
    0.693
    """
    labels = counted(labels)
    softmax = cross_entropy(logits, labels.long(), ignore_index=IGNORE, reduction="none")
    weight = (labels != IGNORE) * (1 + emphasis * boundaries(labels))
    return (weight * softmax).sum() / weight.sum().clamp(min=1)


def multi_objective_loss(logits: Tensor, edge: Tensor, labels: Tensor) -> Tensor:
    """The baseline parser's loss, after Liu et al. (2015): classes and the edges between them, at once.

    The loss on the edge, a class of its own that most pixels are not in, teaches the features that both
    share where parts end.

    Parameters
    ----------
    logits : Tensor, (N, num_classes, H, W)
    edge : Tensor, (N, H, W)
        Logit of a pixel having another class beside it.
    labels : Tensor, (N, H, W), integer or bool
        Class indices; 255 is ignored.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> import torch
    >>> labels = torch.randint(0, 3, (1, 8, 8))
    >>> float(multi_objective_loss(torch.zeros(1, 3, 8, 8), torch.zeros(1, 8, 8), labels)) > 1.0
    True
    """
    known = labels != IGNORE
    pixels = binary_cross_entropy_with_logits(edge, boundaries(labels).to(edge.dtype), reduction="none")
    return segmentation_loss(logits, labels) + (known * pixels).sum() / known.sum().clamp(min=1)
