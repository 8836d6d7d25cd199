"""Plain refinement: what the SPN is compared with."""

import naive
import pytest
import torch
from tolerances import assert_close

from spnkit.nn import SPN, PlainRefinement, UNetGuidance

WIDTHS = (4, 8)


@pytest.fixture
def pair(rng):
    """A photo and a coarse map of odd size."""
    coarse = torch.from_numpy(rng.dirichlet((1, 1, 1), (2, 15, 13))).float().permute(0, 3, 1, 2)
    return torch.from_numpy(rng.random((2, 3, 15, 13))).float(), coarse


@pytest.mark.parametrize("size", [64, 128])
def test_any_size_of_image(pair, size):
    assert PlainRefinement(3, 4, size, widths=WIDTHS)(*pair).shape == (2, 3, 15, 13)


def test_it_begins_beside_the_coarse_map(pair):
    network = PlainRefinement(3, 4, widths=WIDTHS).eval()
    torch.nn.init.zeros_(network.classify.weight)
    torch.nn.init.zeros_(network.classify.bias)
    floored = pair[1].clamp(min=1e-3)
    torch.testing.assert_close(network(*pair).softmax(1), floored / floored.sum(1, keepdim=True))


def test_what_is_classified_are_the_positive_features_upsampled(pair):
    torch.manual_seed(0)
    network, seen = PlainRefinement(3, 4, widths=WIDTHS).eval(), []
    network.features.register_forward_hook(lambda _m, _args, out: seen.append(out))
    network.classify.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    with torch.no_grad():
        network(*pair)
    features, classified = seen
    assert (features < 0).any()
    assert_close(classified, naive.double(features.relu().numpy())[..., :15, :13])


def test_it_reads_both_and_every_weight_learns(pair):
    network = PlainRefinement(3, 4, widths=WIDTHS)
    image, coarse = (x.requires_grad_() for x in pair)
    network(image, coarse).square().sum().backward()
    assert image.grad.any()
    assert coarse.grad.any()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_its_features_are_the_guidance_network():
    """All that differs is what goes in and what comes out."""
    plain = PlainRefinement(3, 4, widths=WIDTHS)
    spn = SPN(3, lambda channels, stride: UNetGuidance(channels, stride=stride, widths=WIDTHS), hidden=4)
    sizes = [[tuple(p.shape) for p in part.parameters()] for part in (plain.features, spn.guidance)]
    different = [(a, b) for a, b in zip(*sizes, strict=True) if a != b]
    assert [(a[1] - b[1]) for a, b in different[:1]] == [3]
    assert len(different) == 3  # the first convolution, and the last with its bias


def test_what_does_not_fit_is_refused(pair):
    image, coarse = pair
    network = PlainRefinement(4, 4, widths=WIDTHS)
    with pytest.raises(ValueError, match=r"coarse must be \(N, 4, H, W\)"):
        network(image, coarse)
