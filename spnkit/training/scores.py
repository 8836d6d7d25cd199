"""The scores of Table 1."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix

from spnkit.data import IGNORE, OVERALL_GROUPS, score_groups


class FaceScores(MulticlassConfusionMatrix):
    """F-scores of the face parts as in Table 1, and the mean IoU of all classes, in percent.

    A part may be several classes, "mouth" three: mistaking one of them for another is no mistake there.
    "overall" pools the pixels of brows, eyes, nose and mouth. Hair and background count in mean IoU alone.

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
    {'nose': 66.7, 'overall': 66.7, 'mean IoU': 66.7}
    """

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__(len(classes), ignore_index=IGNORE)
        self.groups = score_groups(classes)

    def compute(self) -> dict[str, float]:  # type: ignore[override]
        """Column name to score; NaN where a part neither is there nor is claimed to be."""
        counts = super().compute().double()
        parts = {name: torch.stack(agreement(counts, part)) for name, part in self.groups.items()}
        pooled = [parts[name] for name in OVERALL_GROUPS if name in parts]
        if pooled:
            parts["overall"] = torch.stack(pooled).sum(0)
        scores = {name: 100 * f_score(*part) for name, part in parts.items()}
        each = torch.tensor([iou(*agreement(counts, [c])) for c in range(len(counts))])
        return scores | {"mean IoU": 100 * float(each.nanmean())}


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
