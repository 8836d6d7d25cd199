"""The scores of Table 1."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, one_hot
from torchmetrics.classification import MulticlassConfusionMatrix

from spnkit.data import IGNORE, OVERALL_GROUPS, score_groups
from spnkit.training.losses import counted

NEAR = 0.0075
"""Boundaries agree within this share of the map's diagonal, as is usual (Csurka et al., 2013)."""


class FaceScores(MulticlassConfusionMatrix):
    """F-scores of the face parts as in Table 1, mean IoU and boundary F-score of all classes, in percent.

    A part may be several classes, "mouth" three: mistaking one of them for another is no mistake there.
    "overall" pools the pixels of brows, eyes, nose and mouth. Hair and background count in mean IoU and at
    boundaries alone.

    Parameters
    ----------
    classes : sequence of str
        Class names in index order.

    Examples
    --------
    >>> import torch
    >>> scores = FaceScores(("background", "nose", "hair"))
    >>> scores.update(torch.tensor([[0, 1, 1, 2]]), torch.tensor([[0, 0, 1, 2]]))
    >>> {name: round(value, 1) for name, value in scores.compute().items()}
    {'nose': 66.7, 'overall': 66.7, 'mean IoU': 66.7, 'boundary F': 100.0}
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
        return scores_of(pixels, self.edges, self.classes)


def scores_of(pixels: Tensor, edges: Tensor, classes: Sequence[str]) -> dict[str, float]:
    """The scores from counts, which may be summed over faces.

    Parameters
    ----------
    pixels : Tensor, (num_classes, num_classes)
        Pixels by true and claimed class.
    edges : Tensor, (num_classes, 4)
        From `edge_counts`.
    classes : sequence of str
        Class names in index order.
    """
    counts = pixels.double()
    parts = {name: torch.stack(agreement(counts, part)) for name, part in score_groups(classes).items()}
    pooled = [parts[name] for name in OVERALL_GROUPS if name in parts]
    if pooled:
        parts["overall"] = torch.stack(pooled).sum(0)
    scores = {name: 100 * f_score(*part) for name, part in parts.items()}
    each = torch.tensor([iou(*agreement(counts, [c])) for c in range(len(counts))])
    near_truth, claimed, near_claim, true = edges.double().unbind(1)
    precision, recall = near_truth / claimed.clamp(min=1), near_claim / true.clamp(min=1)
    boundary = (2 * precision * recall / (precision + recall).clamp(min=1e-9))[claimed + true > 0]
    return scores | {"mean IoU": 100 * float(each.nanmean()), "boundary F": 100 * float(boundary.mean())}


def edge_counts(claims: Tensor, truth: Tensor, num_classes: int) -> Tensor:
    """How far the outlines of the classes agree, from label maps (N, H, W) or (H, W).

    Returns
    -------
    Tensor, (num_classes, 4), integer
        Pixels of the claimed outline near the true one, of the claimed outline, of the true outline near the
        claimed one, and of the true outline.
    """
    height, width = truth.shape[-2:]
    reach = max(1, round(NEAR * (height**2 + width**2) ** 0.5))
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


def agreement(counts: Tensor, members: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels found, claimed and true of a group of classes, from counts[truth, claim]."""
    members = list(members)
    claimed, true = counts[:, members], counts[members]
    return claimed[members].sum(), claimed.sum(), true.sum()


def f_score(found: Tensor, claimed: Tensor, true: Tensor) -> float:
    """Harmonic mean of precision and recall."""
    return float(2 * found / (claimed + true))


def iou(found: Tensor, claimed: Tensor, true: Tensor) -> float:
    """Intersection over union."""
    return float(found / (claimed + true - found))
