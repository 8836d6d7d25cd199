"""The coarse models: what the papers count, published names, sizes, and an SPN on top of any model."""

import pytest
import torch
from tolerances import assert_close
from torch import nn

from spnkit.nn import SPN, RefinedModel
from spnkit.nn.segmenters import (
    FCN8s,
    ResNetFeatures,
    VGGSegmenter,
    context_module,
    deeplab_resnet101,
    deeplab_vgg,
    front_end,
    torchvision_resnet101,
)
from spnkit.nn.segmenters.context import CONTEXT
from spnkit.nn.segmenters.vgg import LAYOUTS, enlarging

VGG16 = ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256), *[(256, 256)] * 2, (256, 512), *[(512, 512)] * 5)
PLACES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


@pytest.fixture(autouse=True)
def _few_threads(one_thread):
    """Small maps."""


def parameters(module):
    return sum(each.numel() for each in module.parameters())


@pytest.mark.parametrize(
    ("make", "published"),
    [
        # Long et al. (2015), Table 1: 134 M with VGG-16; the scores of two pools and three upsamplings come on top
        (FCN8s, 134_260_544 + 21 * (4097 + 513 + 257) + 21**2 * (16 + 16 + 256)),
        # Chen et al. (2015), Table 2: 20.5 M for LargeFOV
        (lambda: deeplab_vgg(layout="large_fov"), 20_505_429),
        (lambda: deeplab_vgg(), 14_714_688 + 4 * (20_505_429 - 14_714_688)),
        (front_end, 134_260_544 + 21 * 4097),  # VGG-16 of 138,357,544 with 21 classes in place of 1000
        (ResNetFeatures, 44_549_160 - 2049 * 1000),  # torchvision: resnet101 without its classifier
        (deeplab_resnet101, 44_549_160 - 2049 * 1000 + 4 * (9 * 2048 + 1) * 21),
        (lambda: torchvision_resnet101("fcn"), 54_314_346),  # torchvision's table of weights
        (lambda: torchvision_resnet101("deeplabv3"), 60_996_202),
    ],
)
def test_parameters_are_as_many_as_published(make, published):
    with torch.device("meta"):
        assert parameters(make()) == published


def test_the_context_module_has_64_squared_weights_and_begins_as_the_identity():
    """Yu and Koltun (2016), Section 3: "the total number of parameters in the basic module is approximately 64 C^2"."""
    module = context_module(21)
    assert sum(p.numel() for p in module.parameters() if p.ndim > 1) == 64 * 21**2
    assert 1 + sum((kernel - 1) * dilation for kernel, dilation in CONTEXT) == 67
    maps = torch.rand(1, 21, 20, 9)
    assert_close(module(maps).detach(), maps)


@pytest.mark.parametrize("size", [(1, 1), (33, 65), (64, 50)])
@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "fcn8s"])
def test_vgg_models_give_logits_at_stride_8(layout, size):
    with torch.no_grad():
        out = VGGSegmenter(4, layout, width=0.02).eval()(torch.rand(1, 3, *size))
    assert out.shape == (1, 4, *(-(-side // 8) for side in size))


@pytest.mark.parametrize("size", [(1, 1), (33, 70), (64, 64)])
def test_fcn8s_gives_logits_of_every_pixel(size):
    with torch.no_grad():
        assert FCN8s(4, width=0.02).eval()(torch.rand(1, 3, *size)).shape == (1, 4, *size)


@pytest.mark.parametrize("size", [(33, 65), (64, 50)])
def test_resnet_models_give_logits_at_stride_8(size):
    for model in (
        deeplab_resnet101(4, width=0.03),
        *(torchvision_resnet101(h, 4, width=0.03) for h in ("fcn", "deeplabv3")),
    ):
        with torch.no_grad():
            assert model.eval()(torch.rand(1, 3, *size)).shape == (1, 4, *(-(-side // 8) for side in size))


def test_upsampling_begins_bilinear():
    maps = torch.arange(6.0).expand(1, 2, 5, 6)
    found = enlarging(2, 4)(maps).detach()
    assert found.shape[-2:] == (20, 24)
    expected = nn.functional.interpolate(maps, scale_factor=4.0, mode="bilinear", align_corners=False)
    assert_close(found[..., 4:-4, 4:-4], expected[..., 4:-4, 4:-4])


def test_scales_share_weights_and_the_greatest_logit_counts():
    one, two = deeplab_resnet101(3, width=0.03, scales=(1.0,)), deeplab_resnet101(3, width=0.03, scales=(1.0, 0.5))
    assert parameters(one) == parameters(two)
    two.load_state_dict(one.state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert (two.eval()(image) >= one.eval()(image)).all()


def published_vgg16():
    """torchvision's names and shapes, with numbers that tell where they came from."""
    found = {}
    for place, (channels, width) in zip(PLACES, VGG16, strict=True):
        found[f"features.{place}.weight"] = torch.full((width, channels, 3, 3), float(place))
        found[f"features.{place}.bias"] = torch.full((width,), float(place))
    return found


def test_published_vgg16_is_read_whatever_the_poolings():
    for layout in ("large_fov", "aspp_l"):
        model = VGGSegmenter(2, layout)
        model.load_vgg16(published_vgg16())
        convolutions = [layer for layer in model.features if isinstance(layer, nn.Conv2d)]
        assert [layer.bias[0].item() for layer in convolutions] == list(PLACES)
    with pytest.raises(RuntimeError, match="Missing key"):
        VGGSegmenter(2).load_vgg16({})


def test_fully_connected_layers_become_convolutions():
    """Of a photo of 224 x 224 a convolution over 7 x 7 says at its middle what the fully connected layer said."""
    model = VGGSegmenter(2, "front_end", width=0.02)
    fc6 = model.head[0][0]
    with torch.device("meta"):
        whole = VGGSegmenter(2, "front_end")
    assert tuple(whole.head[0][0].weight.shape) == (4096, 512, 7, 7)
    dense = nn.Linear(fc6.weight[0].numel(), len(fc6.weight))
    with torch.no_grad():
        fc6.weight.copy_(dense.weight.view_as(fc6.weight))
        fc6.bias.copy_(dense.bias)
        maps = torch.rand(1, fc6.in_channels, 25, 25)
        assert_close(fc6(maps)[0, :, 12, 12], dense(maps[:, :, ::4, ::4].flatten(1))[0])


def test_torchvision_names():
    """A few of each part; there are hundreds."""
    names = set(torchvision_resnet101("deeplabv3", width=0.02).state_dict())
    expected = (
        *("backbone.conv1.weight", "backbone.bn1.running_mean", "backbone.layer1.0.downsample.0.weight"),
        *("backbone.layer3.22.conv3.weight", "classifier.0.convs.0.0.weight", "classifier.0.convs.4.1.weight"),
        *("classifier.0.project.1.bias", "classifier.1.weight", "classifier.2.weight", "classifier.4.bias"),
        *("aux_classifier.0.weight", "aux_classifier.1.running_var", "aux_classifier.4.weight"),
    )
    assert names.issuperset(expected)
    assert "classifier.4.bias" in torchvision_resnet101("fcn", width=0.02).state_dict()


class Says(nn.Module):
    """Logits at stride 8, bare or as torchvision has them."""

    def __init__(self, named, classes=3):
        super().__init__()
        self.named, self.layer = (
            named,
            nn.Sequential(nn.Conv2d(3, classes, 3, stride=8, padding=1), nn.BatchNorm2d(classes)),
        )

    def forward(self, image):
        found = self.layer(image)
        return {"out": found, "aux": None} if self.named else found


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("joint", [False, True])
def test_a_model_learns_with_its_refiner_or_stays(named, joint):
    both = RefinedModel(Says(named), SPN(3, hidden=2), joint=joint)
    assert both.train().model.training is joint
    before = both.model.layer[1].running_mean.clone()
    both(torch.rand(2, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None for p in both.refiner.parameters())
    assert all((p.grad is not None) is joint for p in both.model.parameters())
    assert torch.equal(both.model.layer[1].running_mean, before) is not joint


def test_the_refiner_sees_the_photo_and_the_model_what_it_wants():
    seen = []
    both = RefinedModel(Says(False), SPN(3, hidden=2), prepare=lambda image: 2 * image - 1).eval()
    both.model.register_forward_pre_hook(lambda _m, given: seen.append(given[0]))
    both.refiner.register_forward_pre_hook(lambda _m, given: seen.extend(given))
    image = torch.rand(1, 3, 40, 24)
    with torch.no_grad():
        both(image)
    assert_close(seen[0], 2 * image - 1)
    assert torch.equal(seen[1], image)
    assert_close(seen[2].sum(1), torch.ones(1, 40, 24))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RefinedModel("model", SPN(3, hidden=2)), TypeError, "model must be a module, got str"),
        (lambda: RefinedModel(nn.Flatten(), None), TypeError, "refiner must be a module, got NoneType"),
        (lambda: RefinedModel(nn.Flatten(), SPN(3, hidden=2))(torch.rand(1, 3, 8, 8)), ValueError, r"\(1, 192\)"),
        (
            lambda: RefinedModel(Says(True, 5), SPN(3, hidden=2)).eval()(torch.rand(1, 3, 8, 8)),
            ValueError,
            r"\(1, 3, h, w\)",
        ),
        (lambda: VGGSegmenter(2, "resnet"), ValueError, "layout must be one of"),
        (lambda: deeplab_vgg(2, width=2), ValueError, r"width must be in \(0, 1\], got 2"),
        (lambda: FCN8s(0), ValueError, "num_classes must be a positive integer"),
        (lambda: torchvision_resnet101("lraspp"), ValueError, "head must be one of"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
