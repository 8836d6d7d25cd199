"""Photos and maps whose values cannot be what is documented do not pass in silence."""

import warnings

import pytest
import torch

from spnkit.nn import SPN, FaceParser, PlainRefinement, UNetGuidance
from spnkit.nn.pretrained import build

TINY = {"widths": [2, 4], "batch_norm": False}
PHOTO = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
COARSE = PHOTO.softmax(1)[:, :2] / PHOTO.softmax(1)[:, :2].sum(1, keepdim=True)


def spn():
    return SPN(2, UNetGuidance(4 * 3 * 2, widths=[2, 4]), hidden=2).eval()


def refiner():
    return build(["a", "b"], [2, 4], "three_way", 2, 32, 4, True).eval()


OF_PHOTO = {
    "refiner": refiner,
    "parser": lambda: FaceParser(2, **TINY),
    "edge": lambda: FaceParser(2, edge=True, **TINY).with_edge,
    "guidance": lambda: UNetGuidance(4, **TINY),
    "SPN": lambda: lambda photo: spn()(photo, COARSE.to(photo)),
    "plain": lambda: lambda photo: PlainRefinement(2, 2, **TINY)(photo, COARSE.to(photo)),
}
OF_MAP = {"SPN": spn, "plain": lambda: PlainRefinement(2, 2, **TINY)}


@pytest.mark.parametrize("made", OF_PHOTO.values(), ids=OF_PHOTO)
@pytest.mark.parametrize(
    ("photo", "words"),
    [(255 * PHOTO, "far above 1 .of 0 to 255"), ((PHOTO - 0.45) / 0.225, "below 0"), (1.6 * PHOTO, "above 1")],
    ids=["0 to 255", "normalised", "too bright"],
)
def test_a_photo_that_is_none(made, photo, words):
    with pytest.warns(UserWarning, match=rf"image should be RGB in \[0, 1\], got values {words}") as told:
        made()(photo)
    assert {warning.filename for warning in told} == {__file__}


@pytest.mark.parametrize("made", OF_MAP.values(), ids=OF_MAP)
@pytest.mark.parametrize(
    ("coarse", "words"),
    [(255 * COARSE, "values far above 1"), (1.5 * COARSE, "values above 1"), (COARSE.log(), "negative values")],
    ids=["0 to 255", "too sure", "logarithms"],
)
def test_a_map_that_is_none(made, coarse, words):
    with pytest.warns(UserWarning, match=f"coarse should hold probabilities, got {words}"):
        made()(PHOTO, coarse)


def test_it_is_said_once_however_many_networks_see_it():
    refine = refiner()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        refine(255 * PHOTO)
    assert len(told) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_what_is_documented_is_not_warned_about(dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for photo in (PHOTO, PHOTO.round(), 1.2 * PHOTO.clamp(max=1) - 0.1):
            spn().to(dtype)(photo.to(dtype), COARSE.to(dtype))
            refiner().to(dtype)(photo.to(dtype))
