"""One call for a photo and a mask: the same kind comes back, whatever it is."""

import sys
import warnings

import numpy as np
import pytest
import torch

from spnkit.nn import MaskRefiner, refine
from spnkit.nn.refine import codings_of, refine_coding
from spnkit.nn.whole import refined

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (32, 48, 3), np.uint8)
OBJECT = np.hypot(*np.mgrid[-16:16, -24:24]) < 11
LABELS = (OBJECT + np.roll(OBJECT, 15, 1) * 2).clip(0, 2).astype(np.uint8)
SOFT = 1 / (1 + np.exp(np.hypot(*np.mgrid[-16:16, -24:24]) - 11))
LIKELY = np.stack([1 - SOFT, SOFT / 4, 3 * SOFT / 4]).astype(np.float32)


@pytest.fixture(scope="module")
def refiner():
    torch.manual_seed(0)
    return MaskRefiner(widths=(4, 4, 4, 4, 4)).eval()


MASKS = {
    **{f"labels {dtype}": LABELS.astype(dtype) for dtype in ("uint8", "int16", "int32", "int64", "float32", "uint16")},
    **{f"0/1 {dtype}": OBJECT.astype(dtype) for dtype in ("bool", "uint8", "int64", "float64")},
    "0/255": 255 * OBJECT.astype(np.uint8),
    "8-bit soft": np.rint(255 * SOFT).astype(np.uint8),
    **{f"soft {dtype}": SOFT.astype(dtype) for dtype in ("float16", "float32", "float64")},
    **{f"probabilities {dtype}": LIKELY.astype(dtype) for dtype in ("float16", "float32", "float64")},
    "classes last": LIKELY.transpose(1, 2, 0),
    "masks": np.stack([OBJECT, ~OBJECT]),
    "masks that overlap": np.stack([OBJECT, np.roll(OBJECT, 3, 0)]),
    "masks that overlap, last": np.stack([OBJECT, np.roll(OBJECT, 3, 0)], 2),
}


@pytest.mark.parametrize("name", MASKS)
def test_the_same_kind_comes_back(refiner, name):
    mask = MASKS[name]
    kept = mask.copy()
    found = refine(PHOTO, mask, refiner=refiner)
    assert (found.shape, found.dtype) == (mask.shape, mask.dtype)
    assert np.array_equal(mask, kept)
    if "soft" in name or "prob" in name or "last" in name:
        assert found.min() >= 0
        assert found.max() <= 255 if mask.dtype == np.uint8 else 1
    else:
        assert set(np.unique(found)) <= set(np.unique(mask))
    as_tensor = refine(torch.tensor(PHOTO), torch.tensor(mask), refiner=refiner)
    assert as_tensor.dtype == torch.tensor(mask).dtype
    np.testing.assert_array_equal(as_tensor.numpy(), found)


def test_bfloat16(refiner):
    found = refine(torch.tensor(PHOTO), torch.tensor(SOFT).bfloat16(), refiner=refiner)
    assert found.dtype == torch.bfloat16


def test_probabilities_are_what_the_network_says(refiner):
    expected = refined(PHOTO.astype(np.float32) / 255, LIKELY, refiner)
    np.testing.assert_allclose(refine(PHOTO, LIKELY, refiner=refiner), expected, atol=1e-5)
    np.testing.assert_allclose(expected.sum(0), 1, rtol=1e-4)


def test_all_ways_to_give_a_photo(refiner):
    expected = refine(PHOTO, LIKELY, refiner=refiner)
    grey = refine(PHOTO[..., 0], LIKELY, refiner=refiner)
    for photo, wanted in (
        (PHOTO / 255, expected),
        ((PHOTO / 255).astype(np.float32), expected),
        (PHOTO.astype(np.uint16) * 257, expected),
        (np.dstack([PHOTO, PHOTO[..., 0]]), expected),
        (torch.tensor(PHOTO).permute(2, 0, 1), expected),
        (PHOTO[..., :1].repeat(3, 2), grey),
        (PHOTO[..., :1], grey),
    ):
        np.testing.assert_allclose(refine(photo, LIKELY, refiner=refiner), wanted, atol=1e-4)


def test_names_of_classes_do_not_matter(refiner):
    order = np.array([2, 0, 1])
    np.testing.assert_allclose(
        refine(PHOTO, LIKELY[order], refiner=refiner), refine(PHOTO, LIKELY, refiner=refiner)[order], atol=1e-4
    )
    names = np.array([40, 7, 99], np.uint8)
    found = names[refine(PHOTO, LABELS, refiner=refiner)]
    assert (refine(PHOTO, names[LABELS], refiner=refiner) != found).mean() < 1e-3  # a tie may fall the other way


def test_unknown_pixels_stay_unknown_and_others_do_not_become_so(refiner):
    mask = LABELS.copy()
    mask[:5], mask[-5:] = 255, 254
    found = refine(PHOTO, mask, refiner=refiner)
    np.testing.assert_array_equal(found > 100, mask > 100)
    np.testing.assert_array_equal(found[mask > 100], mask[mask > 100])
    nothing = np.full_like(mask, 255)
    assert np.array_equal(refine(PHOTO, nothing, void=255, refiner=refiner), nothing)
    for maps in (False, True):
        (coding,) = codings_of(mask, mask.shape)
        assert np.isfinite(refine_coding(PHOTO.astype(np.float32) / 255, coding, refiner, maps)).all()


@pytest.mark.filterwarnings("ignore:an object of 30 pixels")
@pytest.mark.parametrize("factor", [2, 4])
def test_another_size_is_brought_to_the_photos_and_that_is_said(refiner, factor):
    for mask in (LABELS, SOFT.astype(np.float32), LIKELY):
        with pytest.warns(UserWarning, match="is brought to the photo's 48 x 32") as told:
            small = refine(PHOTO, np.ascontiguousarray(mask[..., ::factor, ::factor]), refiner=refiner)
        assert small.shape == mask.shape
        assert told[0].filename == __file__
        with pytest.warns(UserWarning, match="is brought to"):
            assert refine(PHOTO, mask.repeat(2, -1).repeat(2, -2), refiner=refiner).shape == mask.shape


def test_an_object_that_would_vanish_stays_and_that_is_said(refiner, monkeypatch):
    module = sys.modules["spnkit.nn.refine"]
    monkeypatch.setattr(module, "refined", lambda _, coarse, __: np.eye(len(coarse))[0][:, None, None] + 0 * coarse)
    monkeypatch.setattr(module, "refined_labels", lambda _, indices, *__: 0 * indices)
    for mask in (LABELS, SOFT.astype(np.float32), LIKELY):
        with pytest.warns(UserWarning, match="of 30 pixels or more would have vanished"):
            found = refine(PHOTO, mask, refiner=refiner)
        kept = mask > 0.5 if mask.ndim == 2 else mask.argmax(0) > 0
        same = np.isclose(found, mask, atol=1e-6)[..., kept]
        assert same.mean() > 0.95  # there are smaller pieces too
    speck = np.zeros((32, 48), np.uint8)
    speck[3:6, 3:6] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not refine(PHOTO, speck, refiner=refiner).any()


@pytest.mark.parametrize(
    ("photo", "mask", "error", "message"),
    [
        (PHOTO, LABELS[:-1], ValueError, "photo's size 48 x 32, .* got 48 x 31"),
        (PHOTO, LABELS.T, ValueError, "got 32 x 48"),
        (PHOTO, LIKELY[:, :-1], ValueError, r"got \(3, 31, 48\)"),
        (PHOTO[..., :2], LABELS, ValueError, r"photo must be \(H, W\)"),
        (PHOTO.astype(np.float32), LABELS, ValueError, "divide by 255"),
        (PHOTO.astype(np.int32), LABELS, TypeError, "photo must be uint8, uint16 or floating, got int32"),
        (np.full((32, 48, 3), np.nan), LABELS, ValueError, "photo must be finite"),
        (PHOTO.tolist(), LABELS, TypeError, "photo must be a NumPy array or torch.Tensor, got list"),
        (PHOTO, LABELS.tolist(), TypeError, "mask must be a NumPy array"),
        (PHOTO, LABELS * np.nan, ValueError, "mask must be finite"),
        (PHOTO[:0], LABELS[:0], ValueError, "not empty"),
    ],
)
def test_what_does_not_go_together(refiner, photo, mask, error, message):
    with pytest.raises(error, match=message):
        refine(photo, mask, refiner=refiner)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (2, 3)])
def test_any_size(refiner, shape):
    photo, mask = np.zeros((*shape, 3), np.uint8), np.eye(*shape, dtype=np.uint8)
    assert refine(photo, mask, refiner=refiner).shape == shape
