import math

import numpy as np
import pytest
import torch

from spnkit.data import HELEN_CLASSES
from spnkit.training import FaceScores, table

PARTS = {
    "skin": {1},
    "brows": {2, 3},
    "eyes": {4, 5},
    "nose": {6},
    "mouth": {7, 8, 9},
    "U-lip": {7},
    "L-lip": {9},
    "in-mouth": {8},
}
OVERALL = ("brows", "eyes", "nose", "mouth")


def by_sets(claims, truths):
    """The scores from sets of pixels, one face at a time."""
    hits = dict.fromkeys(PARTS, 0)
    sizes = dict.fromkeys(PARTS, 0)
    for claim, truth in zip(claims, truths, strict=True):
        known = truth != 255
        for name, members in PARTS.items():
            claimed, true = np.isin(claim, list(members)) & known, np.isin(truth, list(members)) & known
            hits[name] += (claimed & true).sum()
            sizes[name] += claimed.sum() + true.sum()
    scores = {name: 200 * hits[name] / sizes[name] for name in PARTS}
    pooled = 200 * sum(hits[n] for n in OVERALL) / sum(sizes[n] for n in OVERALL)
    known = truths != 255
    ious = [((claims == c) & (truths == c)).sum() / (((claims == c) & known) | (truths == c)).sum() for c in range(11)]
    return scores | {"overall": pooled, "mean IoU": 100 * np.mean(ious)}


def test_scores_by_their_definition():
    rng = np.random.default_rng(0)
    truths = rng.integers(0, 11, (3, 20, 20))
    claims = np.where(rng.random(truths.shape) < 0.6, truths, rng.integers(0, 11, truths.shape))
    truths[rng.random(truths.shape) < 0.1] = 255
    scores = FaceScores(HELEN_CLASSES)
    for claim, truth in zip(claims, truths, strict=True):
        scores.update(torch.from_numpy(claim)[None], torch.from_numpy(truth)[None])
    found = scores.compute()
    assert found.pop("boundary F") > 0
    assert found == pytest.approx(by_sets(claims, truths))


def outline(mask, known):
    """Pixels of a mask beside a known pixel outside it."""
    inside = np.argwhere(mask & known)
    return {(i, j) for i, j in inside if (known & ~mask)[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2].any()}


def test_boundary_score_by_its_definition():
    """For every class the F-score of the pixels of one outline within reach of the other, and their mean."""
    rng = np.random.default_rng(1)
    side, reach = 160, 2  # 0.75 % of the diagonal
    truth, claim = np.zeros((2, side, side), np.int64)
    for labels in (truth, claim):
        for c in (1, 2):
            i, j = rng.integers(10, 100, 2)
            labels[i : i + 40, j : j + 30] = c
    claim[:, 80:] = truth[:, 80:]
    truth[:9] = 255
    expected = []
    for c in range(3):
        claimed, true = (sorted(outline(labels == c, truth != 255)) for labels in (claim, truth))
        apart = np.abs(np.array(claimed)[:, None] - np.array(true)[None]).max(-1)
        precision, recall = (apart.min(1) <= reach).mean(), (apart.min(0) <= reach).mean()
        expected.append(200 * precision * recall / (precision + recall))
    scores = FaceScores(("background", "nose", "hair"))
    scores.update(torch.from_numpy(claim), torch.from_numpy(truth))
    assert scores.compute()["boundary F"] == pytest.approx(np.mean(expected))
    assert min(expected) < 100


def test_mistaking_one_lip_for_the_other_is_no_mistake_of_the_mouth():
    scores = FaceScores(HELEN_CLASSES)
    scores.update(torch.tensor([[7, 7, 0]]), torch.tensor([[7, 9, 0]]))
    found = scores.compute()
    assert found["mouth"] == 100
    assert found["L-lip"] == 0


def test_a_part_that_nobody_has_or_claims_has_no_score():
    scores = FaceScores(HELEN_CLASSES)
    scores.update(torch.tensor([[0, 6]]), torch.tensor([[0, 6]]))
    found = scores.compute()
    assert math.isnan(found["eyes"])
    assert found["nose"] == found["overall"] == found["mean IoU"] == 100


def test_classes_without_parts_have_no_columns():
    scores = FaceScores(("road", "sky"))
    scores.update(torch.tensor([[0, 1]]), torch.tensor([[0, 1]]))
    assert scores.compute() == {"mean IoU": 100, "boundary F": 100}


def test_markdown_table():
    text = table({"a": {"nose": 1.0, "eyes": math.nan}, "long": {"nose": 22.222, "eyes": 3.0}}, markdown=True)
    assert text.splitlines() == [
        "| Method |  nose | eyes |",
        "| ------ | ----: | ---: |",
        "| a      |  1.00 |    - |",
        "| long   | 22.22 | 3.00 |",
    ]
