import numpy as np
import pytest
import torch

from spnkit.training import boundaries, multi_objective_loss, segmentation_loss
from spnkit.training.losses import dice_loss


def labels_with_holes(seed=0, classes=3, shape=(2, 7, 9)):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, shape)
    labels[rng.random(shape) < 0.2] = 255
    return torch.from_numpy(labels.astype(np.uint8))


def test_boundaries_by_their_definition():
    labels = labels_with_holes()
    expected = np.zeros(labels.shape, bool)
    for n, i, j in np.ndindex(*labels.shape):
        near = labels[n, max(0, i - 1) : i + 2, max(0, j - 1) : j + 2]
        here = labels[n, i, j]
        expected[n, i, j] = here != 255 and bool(((near != here) & (near != 255)).any())
    assert torch.equal(boundaries(labels), torch.from_numpy(expected))
    assert expected.any()
    assert not expected.all()


def test_loss_by_its_definition():
    """Weighted cross-entropy of every known pixel, plus one minus the mean soft F-score."""
    labels, logits = labels_with_holes(), torch.randn(2, 3, 7, 9, dtype=torch.float64)
    p, edge = logits.softmax(1), boundaries(labels)
    terms, weights = [], []
    overlap, claimed, area = np.zeros(3), np.zeros(3), np.zeros(3)
    for n, i, j in np.ndindex(*labels.shape):
        if (here := int(labels[n, i, j])) == 255:
            continue
        weights.append(3.0 if edge[n, i, j] else 1.0)
        terms.append(-weights[-1] * float(p[n, here, i, j].log()))
        overlap[here] += float(p[n, here, i, j])
        area[here] += 1
        claimed += p[n, :, i, j].numpy()
    expected = sum(terms) / sum(weights) + 1 - np.mean(2 * overlap / (claimed + area))
    assert float(segmentation_loss(logits, labels, emphasis=2.0)) == pytest.approx(expected)


def test_ignored_pixels_have_no_part():
    labels, logits = labels_with_holes(), torch.randn(2, 3, 7, 9, requires_grad=True)
    segmentation_loss(logits, labels).backward()
    silent = (logits.grad == 0).all(dim=1)
    assert torch.equal(silent, labels == 255)


def test_nothing_known_is_no_loss_and_no_gradient():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = segmentation_loss(logits, torch.full((1, 4, 4), 255, dtype=torch.uint8))
    loss.backward()
    assert torch.isfinite(loss)
    assert not logits.grad.any()


def test_dice_counts_a_small_class_as_much_as_a_large_one():
    """Missing one pixel of class 1 costs as much as missing fifteen of class 0."""
    labels = torch.zeros(1, 4, 4, dtype=torch.uint8)
    labels[0, 0, 0] = 1
    sure = torch.tensor([50.0, -50.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    assert float(dice_loss(sure, labels)) == pytest.approx(1 - (2 * 15 / 31 + 0) / 2)


def test_the_parsers_loss_adds_the_edge_to_the_classes():
    labels, logits = labels_with_holes(), torch.randn(2, 3, 7, 9, dtype=torch.float64)
    edge, known = torch.randn(2, 7, 9, dtype=torch.float64), labels != 255
    right = torch.where(boundaries(labels), edge, -edge).sigmoid()[known]
    expected = float(segmentation_loss(logits, labels)) - float(right.log().mean())
    assert float(multi_objective_loss(logits, edge, labels)) == pytest.approx(expected)
