"""A refiner that knows no classes: what it promises whatever it has learned."""

import math

import numpy as np
import pytest
import torch
from tolerances import assert_close

from spnkit.nn import spreading, whole
from spnkit.nn.blocks import fused
from spnkit.nn.refiner import MaskRefiner, facts, mask_refiner, packed
from spnkit.nn.spreading import spread

SMALL = {"widths": (4, 6, 8), "judging": (3, 4)}


@pytest.fixture
def refiner():
    """One that has seen something, with weights that differ from place to place."""
    torch.manual_seed(0)
    made = MaskRefiner(**SMALL)
    for out in (made.weigh, made.trust, made.sight):
        torch.nn.init.normal_(out.weight, std=1.0)
    with torch.no_grad():
        for _ in range(3):
            made(torch.rand(2, 3, 24, 24), torch.rand(2, 3, 24, 24).softmax(1))
    return made.eval()


def given(height=37, width=50, classes=4):
    generator = torch.Generator().manual_seed(1)
    photo = torch.rand(1, 3, height, width, generator=generator)
    return photo, (3 * torch.randn(1, classes, height, width, generator=generator)).softmax(1)


@torch.no_grad()
def test_permuted_classes_permute_the_result(refiner):
    photo, coarse = given()
    order = torch.tensor([2, 0, 3, 1])
    assert_close(refiner(photo, coarse[:, order]), refiner(photo, coarse)[:, order])


@torch.no_grad()
def test_classes_that_nothing_belongs_to_change_nothing(refiner):
    photo, coarse = given()
    more = torch.cat([coarse, torch.zeros_like(coarse)], 1)
    assert_close(refiner(photo, more)[:, :4], refiner(photo, coarse))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (17, 33), (64, 64)])
@torch.no_grad()
def test_probabilities_stay_probabilities(refiner, size):
    refined = refiner(*given(*size))
    assert refined.shape == (1, 4, *size)
    assert refined.min() >= 0
    assert_close(refined.sum(1), torch.ones(1, *size))


@torch.no_grad()
def test_what_is_unknown_is_filled_and_constant_maps_stay(refiner):
    photo, _ = given()
    coarse = torch.zeros(1, 2, 37, 50)
    coarse[:, 1] = 1
    coarse[..., 10:20, 10:30] = 0  # nothing is known there
    refined = refiner(photo, coarse)
    assert_close(refined[:, 1], torch.ones(1, 37, 50))
    assert_close(refined[:, 0], torch.zeros(1, 37, 50))


def test_facts_are_of_no_class():
    coarse = torch.tensor([[[[1.0, 0.5]], [[0.0, 0.5]]]])
    greatest, zeros, right, lower = facts(coarse)[0, :, 0]
    assert greatest.tolist() == [1, 0.5]
    assert_close(zeros, torch.tensor([1, math.log10(2) / 4]))
    assert right.tolist() == [0.5, 0]
    assert lower.tolist() == [0, 0]


def test_it_learns_in_all_its_parts(refiner):
    refiner.train()(*given()).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in refiner.parameters())


def arrays(photo, coarse):
    return photo[0].permute(1, 2, 0).numpy().copy(), coarse[0].numpy().copy()


@torch.no_grad()
def test_tiles_agree_with_the_whole(refiner):
    photo, coarse = given(200, 330)
    shares = lambda window: coarse[..., *window]  # noqa: E731
    one, many = (whole.guided(refiner, arrays(photo, coarse)[0], shares, tile) for tile in (1024, 64))
    for a, b in zip(one, many, strict=True):
        assert_close(a, b)


@pytest.mark.parametrize("size", [(40, 53), (5, 16), (1, 30), (30, 1)])
def test_strips_hear_what_the_whole_hears(size, monkeypatch):
    monkeypatch.setattr(spreading, "STRIP", 7)
    generator = torch.Generator().manual_seed(1)
    x, gates = (torch.rand(1, n, *size, generator=generator, dtype=torch.float64) for n in (3, 12))
    gates = (gates / 3).half().unflatten(1, (4, 3, 1))
    assert_close(spreading.heard(x, gates), spreading.heard(x, gates.double()))


def test_photos_of_bytes_are_those_of_numbers(refiner):
    photo, coarse = arrays(*given(40, 50))
    pixels = np.rint(255 * photo).astype(np.uint8)
    expected = whole.refined((pixels / 255).astype(np.float32), coarse, refiner)
    np.testing.assert_array_equal(whole.refined(pixels, coarse, refiner), expected)


def test_weights_in_half_precision_change_little(refiner, monkeypatch):
    photo, coarse = arrays(*given(60, 70))
    exact = whole.refined(photo, coarse, refiner)
    monkeypatch.setattr(whole, "LARGE", 100)
    np.testing.assert_allclose(whole.refined(photo, coarse, refiner), exact, atol=1e-3)


@pytest.mark.parametrize("large", [100, 4_000_000])
def test_labels_are_refined_as_their_maps_are(refiner, monkeypatch, large):
    photo, coarse = arrays(*given(60, 70))
    labels = coarse.argmax(0)
    labels[5:9, 5:30] = -1
    maps = (labels == np.arange(4)[:, None, None]).astype(np.float32)
    monkeypatch.setattr(whole, "LARGE", large)
    refined = whole.refined(photo, maps, refiner)
    np.testing.assert_array_equal(whole.refined_labels(photo, labels, 4, refiner), refined.argmax(0))


def test_spreading_is_the_quotient_of_what_is_heard():
    coarse, confidence = torch.tensor([[[[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]]]]), torch.tensor([[[[1.0, 0.5, 1.0]]]])
    known, kept = coarse.sum(1, keepdim=True), torch.zeros(1, 1, 1, 3)
    gates = torch.full((1, 4, 1, 1, 1, 3), 0.5)
    found = spread(coarse, known, confidence, kept, [gates])
    assert found[0, 0, 0, 1] == found[0, 1, 0, 1] == 0.5  # it knows nothing, and hears both as well


def test_weights_are_read_back_and_damaged_files_named(refiner, tmp_path):
    torch.save(packed(refiner), tmp_path / "some.pt")
    again = mask_refiner(tmp_path / "some.pt")
    with torch.no_grad():
        np.testing.assert_allclose(again(*given()), refiner(*given()), atol=0.02)
    (tmp_path / "broken.pt").write_bytes((tmp_path / "some.pt").read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"broken\.pt: damaged"):
        mask_refiner(tmp_path / "broken.pt")
    with pytest.raises(FileNotFoundError, match=r"none\.pt"):
        mask_refiner(tmp_path / "none.pt")


def test_weights_are_none_of_them_negative_and_add_up_to_less_than_one(refiner):
    weights, confidence, kept = refiner.guidance(*given())
    assert weights.shape == (1, 2, 4, 3, 1, 37, 50)
    assert weights.min() >= 0
    assert weights.sum(3).max() < 1
    for share in (confidence, kept):
        assert 0 <= share.min() <= share.max() <= 1


@torch.no_grad()
def test_a_fused_network_says_the_same():
    torch.manual_seed(0)
    made = MaskRefiner(**SMALL)
    for _ in range(2):
        made(torch.rand(2, 3, 24, 24), torch.rand(2, 3, 24, 24).softmax(1))
    whole_network = made.eval()
    expected = whole_network(*given())
    again = fused(whole_network)
    assert not [module for module in again.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert_close(again(*given()), expected)
