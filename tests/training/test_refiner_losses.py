"""Losses of a refiner without classes."""

import pytest
import torch

from spnkit.directions import DIRECTIONS
from spnkit.training.refiner_losses import SPARED, affinity_loss, misses, relative_loss, same_label

LABELS = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 255]]])


def sure(labels, classes=2):
    return torch.stack([labels == c for c in range(classes)], 1).float()


def test_what_was_given_is_all_that_is_left_of_its_loss():
    coarse = torch.full((1, 2, 3, 4), 0.5)
    given = misses(coarse, LABELS)
    assert float(given) == pytest.approx(0.6931, abs=1e-4)
    assert float(relative_loss(coarse, coarse, LABELS)) == pytest.approx(float(given / (given + SPARED)))
    assert float(relative_loss(sure(LABELS), coarse, LABELS)) < 1e-3


def test_a_good_map_that_is_ruined_costs_more_than_a_bad_one():
    good, bad = sure(LABELS) * 0.9 + 0.05, torch.full((1, 2, 3, 4), 0.5)
    worse = torch.full((1, 2, 3, 4), 0.4)
    assert relative_loss(worse, good, LABELS) > 2 * relative_loss(worse, bad, LABELS)


def test_what_is_unknown_does_not_count():
    coarse = sure(LABELS)
    other = coarse.clone()
    other[0, :, 2, 3] = torch.tensor([0.3, 0.7])
    assert misses(other, LABELS) == misses(coarse, LABELS)


def test_neighbours_of_the_same_label_are_those_that_are_heard():
    """Against the offsets of the paper, pixel by pixel."""
    labels = torch.randint(0, 2, (1, 5, 6), generator=torch.Generator().manual_seed(0))
    found = same_label(labels, 3)
    back = {"left_to_right": (0, -1), "right_to_left": (0, 1), "top_to_bottom": (-1, 0), "bottom_to_top": (1, 0)}
    for d, name in enumerate(DIRECTIONS):
        for k, offset in enumerate((-1, 0, 1)):
            down, right = back[name]
            down, right = (offset, right) if right else (down, offset)
            for i in range(5):
                for j in range(6):
                    y, x = i + down, j + right
                    inside = 0 <= y < 5 and 0 <= x < 6
                    assert found[0, d, k, i, j] == (inside and labels[0, y, x] == labels[0, i, j])


def test_listening_to_ones_own_costs_nothing():
    labels = LABELS.where(LABELS < 2, 1)
    own = same_label(labels, 3)[:, None, :, :, None].float()
    listening = own / own.sum(3, keepdim=True).clamp_min(1)
    assert float(affinity_loss(listening, labels)) < 1e-6
    others = 1 - own
    assert float(affinity_loss(others / others.sum(3, keepdim=True).clamp_min(1), labels)) > 3
