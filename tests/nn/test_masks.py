"""Labels as coarse maps."""

import warnings

import numpy as np
import pytest
import torch

from spnkit.nn import SPN, soften


def test_shares_of_blocks_upsampled():
    """Against the textbook: count in each block, then interpolate between their centres."""
    labels = torch.randint(0, 3, (2, 16, 24), generator=torch.Generator().manual_seed(0))
    shares = torch.stack(
        [(labels == k).float().unflatten(2, (6, 4)).unflatten(1, (4, 4)).mean((2, 4)) for k in range(3)], 1
    )
    expected = torch.nn.functional.interpolate(shares, size=(16, 24), mode="bilinear", align_corners=False)
    torch.testing.assert_close(soften(labels, 3, block=4), expected)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (2, 9, 1), (1, 17, 30)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64])
def test_probabilities_of_any_size(shape, dtype):
    labels = torch.randint(0, 4, shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    labels[0, 0, 0] = 255
    found = soften(labels, 4)
    assert found.shape == (shape[0], 4, *shape[1:])
    torch.testing.assert_close(found.sum(1), torch.ones(shape))
    assert (found >= 0).all()


def test_one_class_is_certain_and_a_block_of_one_changes_nothing():
    assert torch.equal(soften(torch.ones(1, 10, 10, dtype=torch.uint8), 2)[:, 1], torch.ones(1, 10, 10))
    labels = torch.eye(5, dtype=torch.int64)[None]
    assert torch.equal(soften(labels, 2, block=1).argmax(1), labels)


def test_unknown_pixels_count_for_nothing():
    labels = torch.full((1, 8, 16), 255)
    labels[0, 0, 0] = 1
    found = soften(labels, 2)
    assert found[0, :, 0, 0].tolist() == [0.0, 1.0]
    assert found[0, :, 0, -1].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("dtype", [bool, "uint8", "int64"])
def test_arrays_and_single_maps_alike(dtype):
    labels = np.random.default_rng(0).integers(0, 2, (13, 15)).astype(dtype)
    expected = soften(torch.tensor(labels)[None], 2)[0]
    assert torch.equal(soften(torch.tensor(labels), 2), expected)
    np.testing.assert_array_equal(soften(labels, 2), expected.numpy())
    np.testing.assert_array_equal(soften(labels[None, ::-1], 2), soften(torch.tensor(labels).flip(0)[None], 2).numpy())


def test_an_spn_takes_them():
    labels = torch.randint(0, 3, (1, 13, 15))
    assert SPN(3, hidden=2).eval()(torch.rand(1, 3, 13, 15), soften(labels, 3)).shape == (1, 3, 13, 15)


@pytest.mark.parametrize(
    ("labels", "block", "error", "message"),
    [
        ([[0]], 8, TypeError, "labels must be a NumPy array or torch.Tensor, got list"),
        (torch.zeros(1, 2, 2), 8, TypeError, "labels must be integers, got torch.float32"),
        (
            torch.zeros(2, dtype=torch.uint8),
            8,
            ValueError,
            r"labels must be \(N, H, W\) or \(H, W\) and not empty, got \(2,\)",
        ),
        (torch.zeros(1, 0, 2, dtype=torch.uint8), 8, ValueError, "not empty"),
        (torch.full((1, 2, 2), 3), 8, ValueError, "labels must be 0 to 2, or 255, got 3"),
        (torch.full((1, 2, 2), -1), 8, ValueError, "got -1"),
        (torch.zeros(1, 2, 2, dtype=torch.uint8), 0, ValueError, "block must be a positive integer, got 0"),
    ],
)
def test_labels_that_are_none(labels, block, error, message):
    with pytest.raises(error, match=message):
        soften(labels, 3, block)


def coded(coding):
    mask = (torch.rand(2, 16, 24, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    return {"bool": mask.bool(), "0/1": mask.long(), "0/255": (255 * mask).to(torch.uint8)}[coding]


@pytest.mark.filterwarnings("ignore:labels are 0 and 255")
@pytest.mark.parametrize("coding", ["bool", "0/255"])
def test_a_mask_is_a_mask_in_any_coding(coding):
    assert torch.equal(soften(coded(coding), 2), soften(coded("0/1"), 2))
    assert torch.equal(soften(torch.ones(1, 8, 8, dtype=torch.bool), 3), soften(torch.ones(1, 8, 8).long(), 3))


def test_a_guess_at_255_is_said_and_can_be_decided():
    with pytest.warns(UserWarning, match="255 is taken for class 1") as told:
        soften(coded("0/255"), 2)
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not soften(coded("0/255"), 2, ignore=255)[:, 1].gt(0.5).any()
        assert torch.equal(soften(coded("0/255"), 2, ignore=-1), soften(coded("0/1"), 2))
        soften(torch.tensor([[[0, 1, 255]]]), 2)
        soften(torch.tensor([[[0, 0, 255]]]), 3)
