"""The columns of Table 1."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from spnkit.data import OVERALL_GROUPS, score_groups
from spnkit.training.scores import LabelScores, boundary_f, mean_iou


class FaceScores(LabelScores):
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

    def columns(self, pixels: Tensor, edges: Tensor) -> dict[str, float]:
        """As `scores_of` has them."""
        return scores_of(pixels, edges, self.classes)


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
    return scores | {"mean IoU": mean_iou(counts), "boundary F": boundary_f(edges)}


def agreement(counts: Tensor, members: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels found, claimed and true of a group of classes, from counts[truth, claim]."""
    members = list(members)
    claimed, true = counts[:, members], counts[members]
    return claimed[members].sum(), claimed.sum(), true.sum()


def f_score(found: Tensor, claimed: Tensor, true: Tensor) -> float:
    """Harmonic mean of precision and recall."""
    return float(2 * found / (claimed + true))
