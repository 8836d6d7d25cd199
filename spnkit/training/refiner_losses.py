"""Losses of a refiner without classes: do better than the coarse map, and listen to one's own kind."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from spnkit.data import IGNORE
from spnkit.directions import OFFSETS, TABLE
from spnkit.training.losses import boundaries

CERTAIN = 1e-3
"""Least probability: a class that a mask rules out weighs 7."""
SPARED = 0.05
"""Loss that is added to a coarse map's own: one that is nearly perfect would weigh without end."""


def misses(probabilities: Tensor, labels: Tensor, emphasis: float = 4.0) -> Tensor:
    """Mean negative log-probability of the true class, per sample: (N, C, H, W) and (N, H, W) to (N,).

    Pixels within three of an outline weigh `1 + emphasis`; 255 is unknown and does not count.
    """
    known = labels != IGNORE
    likely = probabilities.gather(1, (labels * known)[:, None])[:, 0]
    weights = known * (1 + emphasis * boundaries(labels, reach=3))
    return (weights * -likely.clamp_min(CERTAIN).log()).sum((1, 2)) / weights.sum((1, 2)).clamp_min(1)


def relative_loss(refined: Tensor, coarse: Tensor, labels: Tensor, spared: float = SPARED, harm: float = 0) -> Tensor:
    """What is left of the coarse map's loss, in the mean over samples.

    A good map has little to lose and much to be ruined, a bad one the other way round: relative to what was given
    both count alike, so that a refiner learns to leave good maps alone. With `l` a map's mean negative log-probability
    of the truth it is the mean of `l(refined) / (l(coarse) + spared)`, and of `harm` times what `l(refined)` exceeds
    `l(coarse)` by, in the same measure.

    Parameters
    ----------
    refined, coarse : Tensor, (N, C, H, W)
        Probabilities.
    labels : Tensor, (N, H, W), int64
        The truth; 255 is unknown and does not count.
    spared : float
        Added to a coarse map's own loss.
    harm : float
        How much worse it is to lose than not to gain.

    Returns
    -------
    Tensor, ()

    Examples
    --------
    >>> import torch
    >>> labels = torch.tensor([[[0, 1]]])
    >>> coarse = torch.tensor([[[[0.6, 0.4]], [[0.4, 0.6]]]])
    >>> refined = torch.tensor([[[[0.9, 0.1]], [[0.1, 0.9]]]])
    >>> round(relative_loss(refined, coarse, labels).item(), 2)
    0.19
    """
    ours, given = misses(refined, labels), misses(coarse, labels)
    return ((ours + harm * (ours - given).clamp_min(0)) / (given + spared)).mean()


def affinity_loss(weights: Tensor, labels: Tensor) -> Tensor:
    """How far weights (N, units, D, K, 1, H, W) listen beyond outlines, or do not listen within.

    A pixel should spend all its weight on neighbours with its own label (N, H, W), and none if there is no such.
    Pixels with a neighbour of another label weigh ten times.

    Parameters
    ----------
    weights : Tensor, (N, units, D, K, 1, H, W)
        Of each unit, direction and connection, not negative; their sum over connections is at most 1.
    labels : Tensor, (N, H, W), int64
        The truth; 255 is unknown and does not count.

    Returns
    -------
    Tensor, ()
        Negative log of the weight that is spent rightly, in the mean.

    Examples
    --------
    >>> import torch
    >>> labels = torch.zeros(1, 1, 2, dtype=torch.int64)
    >>> everywhere = torch.full((1, 1, 4, 1, 1, 1, 2), 0.5)
    >>> round(affinity_loss(everywhere, labels).item(), 2)  # half of the weight where there is no pixel
    0.69
    """
    own = same_label(labels, weights.shape[3])[:, None]
    p = weights[:, :, :, :, 0]
    within, beyond = (p * own).sum(3), (p * ~own).sum(3)
    right = torch.where(own.any(3), within, 1 - beyond)
    emphasis = torch.where(own.all(3), 1.0, 10.0) * (labels != IGNORE)[:, None, None]
    return (emphasis * -right.clamp_min(CERTAIN).log()).mean() / emphasis.mean().clamp_min(1e-6)


def same_label(labels: Tensor, connections: int) -> Tensor:
    """Whether the neighbours that a pixel listens to have its label, bool (N, D, K, H, W); none beyond the border."""
    height, width = labels.shape[1:]
    framed = pad(labels, (1, 1, 1, 1), value=-1)
    directions = []
    for direction in TABLE.values():
        step = 1 if direction.reverse else -1  # where the previous line is
        places = [(offset, step) if direction.horizontal else (step, offset) for offset in OFFSETS[connections]]
        seen = [framed[:, 1 + down :, 1 + right :][:, :height, :width] == labels for down, right in places]
        directions.append(torch.stack(seen, 1))
    return torch.stack(directions, 1)
