"""What a mask is taken for, and that its coding leads back to it."""

import numpy as np
import pytest

from spnkit.nn.codings import coding_of
from spnkit.nn.pieces import vanished
from spnkit.nn.scales import place_in, resized, same_scale

HALVES = np.repeat([[0] * 8 + [1] * 8], 16, axis=0)
DISC = np.hypot(*np.mgrid[-15:16, -15:16]) < 9
SMOOTH = (np.clip(9 - np.hypot(*np.mgrid[-15:16, -15:16]), -4, 4) + 4) / 8
LIKELY = np.stack([1 - SMOOTH, SMOOTH / 3, 2 * SMOOTH / 3])

MASKS = {  # name: the mask, its kind and what it is taken for
    "bool": (DISC, "labels", "a mask of one object"),
    "0/1": (DISC.astype(np.uint8), "labels", "0 and 1: a mask of one object"),
    "0/255": (255 * DISC.astype(np.uint8), "labels", "0 and 255: a mask of one object"),
    "0/1, floating": (DISC.astype(np.float32), "labels", "0 and 1: a mask of one object"),
    "0/65535": (65535 * DISC.astype(np.uint16), "labels", "0 and 65535: a mask of one object"),
    "labels": (7 * DISC.astype(np.int64) + 3, "labels", "2 labels, 3 and 10"),
    "labels, floating": (HALVES * 4.0, "labels", "2 labels, 0 and 4"),
    "three labels": (HALVES + 5 * HALVES.T, "labels", "4 labels, 0 to 6"),
    "void 255": (np.where(DISC, 255, 3).astype(np.uint8), "labels", "1 label, 3, with 255 unknown"),
    "void -1": (DISC.astype(int) - 1, "labels", "1 label, 0, with -1 unknown"),
    "instances": (HALVES * 26001 + 255, "labels", "2 labels, 255 and 26256"),
    "one label alone": (np.full((9, 9), 7, np.uint8), "labels", "1 label, 7"),
    "all 255": (np.full((9, 9), 255, np.uint8), "labels", "1 label, 255"),
    "8-bit soft": (np.rint(255 * SMOOTH).astype(np.uint8), "soft", "0 to 255: a soft mask of one object"),
    "16-bit soft": (np.rint(65535 * SMOOTH).astype(np.uint16), "soft", "0 to 65535: a soft mask of one object"),
    "floating soft": (SMOOTH, "soft", "0 to 1: a soft mask of one object"),
    "half precision": (SMOOTH.astype(np.float16), "soft", "0 to 1: a soft mask of one object"),
    "probabilities": (LIKELY, "probabilities", "probabilities of 3 classes"),
    "masks apart": (np.stack([DISC, ~DISC]), "masks", "2 masks, one a class"),
    "masks with a rest": (255 * np.stack([DISC, DISC & False]).astype(np.uint8), "masks", "2 masks, one a class"),
    "an axis too many": (DISC[None], "labels", "a mask of one object"),
}


@pytest.mark.parametrize("name", MASKS)
def test_there_and_back(name):
    mask, kind, words = MASKS[name]
    coding = coding_of(mask)
    assert (coding.kind, coding.words) == (kind, words)
    found = coding.back(coding.content)
    assert found.dtype == mask.dtype
    np.testing.assert_allclose(found, mask, atol=1e-6 if mask.dtype.kind == "f" and found.ndim == 3 else 1e-3)
    if coding.content.ndim == 3:
        np.testing.assert_allclose(coding.content.sum(0), 1, rtol=1e-5)


def test_several_voids_are_kept_apart():
    mask = np.array([[0, 1, 254, 255, -1]])
    coding = coding_of(mask)
    assert coding.content.tolist() == [[0, 1, -2, -3, -1]]
    np.testing.assert_array_equal(coding.back(coding.content), mask)


def test_void_can_be_decided():
    mask = np.array([[0, 1, 254, 255]], np.uint8)
    assert coding_of(mask, void=None).content.tolist() == [[0, 1, 2, 3]]
    assert coding_of(mask, void=1).content.tolist() == [[0, -1, 1, 2]]
    assert coding_of(np.array([[0, 255]], np.uint8), void=255).content.tolist() == [[0, -1]]
    assert (
        coding_of(np.arange(256, dtype=np.uint8)[None], "labels").content.max() == 254
    )  # with 253 there, 254 is a label


def test_labels_that_reach_far_are_labels_where_they_lie_in_areas():
    areas = np.kron([[0, 140], [150, 255]], np.ones((8, 8))).astype(np.uint8)
    assert coding_of(areas).words == "3 labels, 0 to 150, with 255 unknown"
    assert coding_of(areas, "soft").kind == "soft"


@pytest.mark.parametrize(
    ("mask", "options", "error", "message"),
    [
        (np.full((2, 2), np.nan), {}, ValueError, "mask must be finite"),
        (np.array([[0, 4.99]]), {}, ValueError, r"whole labels or lie in \[0, 1\], got 4.99"),
        (np.array([[0, -3]]), {}, ValueError, r"labels from 0 on, got -3 \(void=-3"),
        (np.arange(2000)[None], {}, ValueError, "at most 1000 labels, got 2000"),
        (np.zeros((0, 4)), {}, ValueError, "not empty"),
        (np.zeros(4), {}, ValueError, r"got \(4,\)"),
        (np.zeros((1, 2, 4, 4)), {}, ValueError, r"got \(1, 2, 4, 4\)"),
        (np.array([["a"]]), {}, TypeError, "numbers or booleans"),
        (np.zeros((2, 2), complex), {}, TypeError, "complex128"),
        (np.stack([LIKELY[0], -LIKELY[1]]), {}, ValueError, "logits"),
        (np.stack([LIKELY[0] + 9, -LIKELY[1]]), {}, ValueError, "logits"),
        (np.random.default_rng(0).integers(0, 255, (9, 9, 3), np.uint8), {"classes_last": True}, ValueError, "colours"),
        (np.full((2, 2, 2), 3e38), {}, ValueError, "sum to one"),
        (DISC, {"kind": "depth"}, ValueError, "kind must be one of"),
        (DISC, {"kind": "probabilities"}, ValueError, r"\(K, H, W\) for probabilities"),
        (LIKELY, {"kind": "labels"}, ValueError, r"\(H, W\) for labels"),
        (LIKELY[0] * 300, {"kind": "soft"}, ValueError, r"in \[0, 1\] for a soft mask"),
    ],
)
def test_what_is_no_mask(mask, options, error, message):
    with pytest.raises(error, match=message):
        coding_of(mask, **options)


def test_probabilities_are_divided_by_their_sum_and_that_is_said():
    with pytest.warns(UserWarning, match="sum to one, got up to 2"):
        np.testing.assert_allclose(coding_of(2 * LIKELY).content, LIKELY, rtol=1e-5)
    with pytest.warns(UserWarning, match="not one at 100%"):
        assert not coding_of(np.zeros((4, 2, 2))).content.any()  # nothing is known


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        *(((480, 640), (480, 640), True), ((480, 640), (60, 80), True), ((60, 80), (480, 640), True)),
        *(((375, 500), (47, 63), True), ((375, 500), (46, 62), True), ((1, 1), (7, 7), True)),
        *(((480, 640), (640, 480), False), ((100, 100), (100, 90), False), ((100, 100), (99, 100), False)),
        *(((100, 100), (90, 110), False), ((480, 640), (512, 512), False), ((375, 500), (49, 62), False)),
    ],
)
def test_sizes_of_the_same_scale(one, other, same):
    assert same_scale(one, other) is same


def test_where_the_classes_are():
    assert place_in((3, 40, 50), (40, 50)) == 0
    assert place_in((40, 50, 3), (40, 50)) == 2
    assert place_in((40, 40, 40), (40, 40)) == 0
    assert place_in((40, 60), (40, 50)) is None


def test_a_smaller_map_is_brought_to_size():
    large = resized(DISC.astype(np.intp) - 1, (62, 62))
    assert set(np.unique(large)) == {-1, 0}
    assert abs(4 * DISC.sum() - (large == 0).sum()) < 40
    np.testing.assert_allclose(resized(LIKELY, (62, 62)).sum(0), 1, rtol=1e-5)


def test_only_pieces_that_are_large_and_wholly_gone_count():
    before = np.zeros((40, 40), int)
    before[:6, :6], before[20:26, 20:26], before[30:33, 30:33] = 1, 1, 1
    after = np.zeros_like(before)
    after[22, 22] = 1
    gone, count = vanished(before, after)
    assert (count, gone.sum(), gone[:6, :6].all()) == (1, 36, True)
    assert vanished(before, before)[1] == 0
