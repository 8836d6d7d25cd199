"""How far label maps agree with the truth, counted over photos: regions and outlines of each class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, one_hot
from torchmetrics.classification import MulticlassConfusionMatrix

from spnkit.data import IGNORE
from spnkit.training.losses import counted

NEAR = 0.0075
"""Boundaries agree within this share of the map's diagonal, as is usual (Csurka et al., 2013)."""


class LabelScores(MulticlassConfusionMatrix):
    """Pixel accuracy, mean IoU, boundary F-score and the IoU of every class, in percent.

    A task with other columns inherits and overrides `columns`.

    Parameters
    ----------
    classes : sequence of str
        Class names in index order.

    Examples
    --------
    >>> import torch
    >>> scores = LabelScores(("sky", "road", "car"))
    >>> scores.update(torch.tensor([[0, 1, 1, 2]]), torch.tensor([[0, 0, 1, 2]]))
    >>> {name: round(value, 1) for name, value in scores.compute().items()}
    {'accuracy': 75.0, 'mean IoU': 66.7, 'boundary F': 100.0, 'sky': 50.0, 'road': 50.0, 'car': 100.0}
    """

    edges: Tensor
    unknown: Tensor

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(len(classes), ignore_index=IGNORE)
        self.classes = tuple(classes)
        self.add_state("unknown", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("edges", torch.zeros(len(classes), 4, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, claims: Tensor, truth: Tensor) -> None:
        """Count the pixels of label maps, (N, H, W) or (H, W), integer or bool; 255 in the truth is unknown."""
        claims, truth = counted(claims), counted(truth)
        self.unknown += (truth == IGNORE).sum()
        super().update(claims, truth)
        self.edges += edge_counts(claims, truth, self.num_classes)

    def compute(self) -> dict[str, float]:  # type: ignore[override]
        """Column name to score; NaN where a part neither is there nor is claimed to be.

        Warns
        -----
        UserWarning
            If of two classes the second never is the truth, but 255 is: it may have been meant.
        """
        pixels = super().compute()
        if self.num_classes == 2 and self.unknown and not pixels[1].any():
            warnings.warn(
                f"truth: no pixel is 1, {int(self.unknown)} are 255, which is unknown (divide a mask of 0 and 255)",
                stacklevel=2,
            )
        return self.columns(pixels.double(), self.edges)

    def columns(self, pixels: Tensor, edges: Tensor) -> dict[str, float]:
        """Column name to score, from pixels by true and claimed class and what `edge_counts` says."""
        of_each = ious(pixels)
        accuracy = float(pixels.trace() / pixels.sum())
        scores = {"accuracy": 100 * accuracy, "mean IoU": mean_iou(pixels), "boundary F": boundary_f(edges)}
        return scores | {name: 100 * float(iou) for name, iou in zip(self.classes, of_each, strict=True)}


def ious(pixels: Tensor) -> Tensor:
    """Intersection over union of every class; NaN where it neither is there nor is claimed to be."""
    found = pixels.diagonal()
    return found / (pixels.sum(0) + pixels.sum(1) - found)


def mean_accuracy(pixels: Tensor) -> float:
    """Share of a class's pixels that are found, over the classes that there are, in percent."""
    return 100 * float((pixels.diagonal() / pixels.sum(1)).float().nanmean())


def mean_iou(pixels: Tensor) -> float:
    """Over the classes that there are, in percent."""
    return 100 * float(ious(pixels).float().nanmean())


def boundary_f(edges: Tensor) -> float:
    """Mean F-score of the outlines of the classes that there are, in percent."""
    near_truth, claimed, near_claim, true = edges.double().unbind(1)
    precision, recall = near_truth / claimed.clamp(min=1), near_claim / true.clamp(min=1)
    of_each = (2 * precision * recall / (precision + recall).clamp(min=1e-9))[claimed + true > 0]
    return 100 * float(of_each.mean())


def edge_counts(claims: Tensor, truth: Tensor, num_classes: int, reach: int | None = None) -> Tensor:
    """How far the outlines of the classes agree within `reach` pixels, from label maps (N, H, W) or (H, W).

    Returns
    -------
    Tensor, (num_classes, 4), integer
        Pixels of the claimed outline near the true one, of the claimed outline, of the true outline near the
        claimed one, and of the true outline.
    """
    height, width = truth.shape[-2:]
    reach = max(1, round(NEAR * (height**2 + width**2) ** 0.5)) if reach is None else reach
    known = (truth != IGNORE).view(-1, 1, height, width)
    claimed, true = (outlines(labels.view(-1, height, width), known, num_classes) for labels in (claims, truth))
    found = [claimed & dilate(true, reach), claimed, true & dilate(claimed, reach), true]
    return torch.stack([mask.sum((0, 2, 3)) for mask in found], 1)


def outlines(labels: Tensor, known: Tensor, num_classes: int) -> Tensor:
    """Pixels of each class beside a known one of another class, bool (N, num_classes, H, W)."""
    masks = one_hot(labels.long() * known[:, 0], num_classes).permute(0, 3, 1, 2).bool() & known
    return masks & dilate(known & ~masks, 1)


def dilate(masks: Tensor, reach: int) -> Tensor:
    """Pixels within a square of `reach` around those of bool (N, C, H, W)."""
    grown = max_pool2d(masks.float(), (2 * reach + 1, 1), 1, (reach, 0))
    return max_pool2d(grown, (1, 2 * reach + 1), 1, (0, reach)).bool()
