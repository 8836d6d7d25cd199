"""The networks of Section 5 against its text: channels and size of every level, number of weights."""

from itertools import pairwise

import pytest
import torch
from tolerances import assert_close

from spnkit.nn import FaceParser, HighResFaceParser, PlainRefinement, UNetGuidance, VGGGuidance


def shapes_of(modules, network, image):
    """The output (C, H, W) of each of `modules` while `network` reads `image`."""
    seen = []
    handles = [m.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:]))) for m in modules]
    with torch.no_grad():
        network.eval()(image)
    for handle in handles:
        handle.remove()
    return seen


def weights_of(network):
    return sum(p.numel() for p in network.parameters())


DOWN = [(32, 128, 128), (64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8)]  # before each max-pool
UP = [(256, 8, 8), (128, 16, 16), (64, 32, 32), (32, 64, 64)]


@pytest.mark.parametrize(("network", "out"), [(FaceParser(11), (11, 128, 128)), (UNetGuidance(384), (384, 64, 64))])
def test_every_level_has_the_papers_shape(network, out):
    image = torch.rand(1, 3, 128, 128)
    assert shapes_of(network.down, network, image) == DOWN
    assert shapes_of(network.up, network, image) == UP
    assert shapes_of([network.out], network, image) == [out]


def test_bottleneck_is_4_x_4_x_512():
    parser = FaceParser(11).eval()
    widest = []
    parser.up[0].register_forward_pre_hook(lambda _m, args: widest.append(tuple(args[0].shape[1:])))
    with torch.no_grad():
        parser(torch.rand(1, 3, 128, 128))
    assert widest == [(512, 8, 8)]  # 4 x 4 x 512, upsampled


def test_high_res_parser_has_three_more_levels_of_16_at_each_end():
    parser, image = HighResFaceParser(11), torch.rand(1, 3, 1024, 1024)
    ends = [(16, 1024, 1024), (16, 512, 512), (16, 256, 256)]
    assert shapes_of(parser.down, parser, image) == ends + DOWN
    assert shapes_of(parser.up, parser, image) == [*UP, (16, 128, 128), (16, 256, 256), (16, 512, 512)]
    assert shapes_of([parser.out], parser, image) == [(11, 1024, 1024)]


def test_baseline_is_the_papers_12_megabytes():
    weights = weights_of(FaceParser(11, batch_norm=False))
    assert weights == 3_138_955
    assert weights * 4 / 2**20 == pytest.approx(12, abs=0.1)


def test_batch_norm_adds_two_weights_and_takes_the_bias_of_each_hidden_channel():
    hidden = (32 + 64 + 128 + 256 + 512) + (256 + 128 + 64 + 32)
    assert weights_of(FaceParser(11)) == 3_138_955 + hidden


def test_skips_are_summed():
    """With the bottleneck path silenced, the last level still hears the first through the sum."""
    parser = FaceParser(11, batch_norm=False).eval()
    with torch.no_grad():
        for up in parser.up:
            up[0].weight.zero_()
            up[0].bias.zero_()
        first = parser.down[0](image := torch.rand(1, 3, 32, 32))
        expected = parser.out(
            torch.nn.functional.interpolate(torch.nn.functional.max_pool2d(first, 2), scale_factor=2, mode="bilinear")
        )
        torch.testing.assert_close(parser(image), expected)


def test_vgg_levels():
    """The skips are conv5_3, conv4_3 and conv3_3; the output is at 64 x 64."""
    network, image = VGGGuidance(), torch.rand(1, 3, 128, 128)
    layers = list(network.features)
    pooled = [layer for layer, after in pairwise(layers) if isinstance(after, torch.nn.MaxPool2d)]
    assert shapes_of(pooled, network, image) == [
        (64, 128, 128),
        (128, 64, 64),
        (256, 32, 32),
        (512, 16, 16),
        (512, 8, 8),
    ]
    assert shapes_of([network.bridge], network, image) == [(512, 4, 4)]
    assert shapes_of(network.up, network, image) == [(512, 8, 8), (512, 16, 16), (256, 32, 32)]
    assert shapes_of([network.out], network, image) == [(384, 64, 64)]


def test_vgg_reads_torchvision_weights():
    """Layer numbers and shapes as torchvision's vgg16 publishes them; its classifier is left out."""
    convolutions = {0: (64, 3), 2: (64, 64), 5: (128, 64), 7: (128, 128), 10: (256, 128), 12: (256, 256)}
    convolutions |= {14: (256, 256), 17: (512, 256), 19: (512, 512), 21: (512, 512)}
    convolutions |= {24: (512, 512), 26: (512, 512), 28: (512, 512)}
    published = {"classifier.6.bias": torch.zeros(1000)}
    for i, (out, of) in convolutions.items():
        published |= {
            f"features.{i}.weight": torch.full((out, of, 3, 3), float(i)),
            f"features.{i}.bias": torch.zeros(out),
        }
    network = VGGGuidance()
    network.load_vgg16(published)
    assert torch.equal(network.features[28].weight, published["features.28.weight"])
    del published["features.14.bias"]
    with pytest.raises(RuntimeError, match=r"features\.14\.bias"):
        network.load_vgg16(published)


@pytest.mark.parametrize("deviations", [0, 1, -2])
def test_vgg_normalises_with_imagenet_statistics(deviations):
    """A photo of the ImageNet mean colour is a zero input, and one deviation away from it is one."""
    network, seen = VGGGuidance().eval(), []
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    network.features[0].register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    with torch.no_grad():
        network((mean + deviations * std).expand(1, 3, 32, 32))
    torch.testing.assert_close(seen[0], torch.full((1, 3, 32, 32), float(deviations)))


def test_vgg_ends_in_an_elu():
    """Section 5 names it for the last step alone; it lets through what is negative, down to -1."""
    network, seen = VGGGuidance().eval(), []
    network.last[-2].register_forward_hook(lambda _m, _args, out: seen.append(out.clone()))
    network.out.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    with torch.no_grad():
        network(torch.rand(1, 3, 32, 32))
    before, after = seen
    assert (before < 0).any()
    torch.testing.assert_close(after, torch.where(before > 0, before, before.exp() - 1))
    assert all(isinstance(up[-1], torch.nn.ReLU) for up in network.up)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (37, 50), (64, 96)])
@pytest.mark.parametrize("network", [FaceParser(5), UNetGuidance(6), VGGGuidance(6)], ids=lambda n: type(n).__name__)
def test_any_size(network, size):
    with torch.no_grad():
        out = network.eval()(torch.rand(1, 3, *size))
    stride = getattr(network, "stride", 1)
    assert tuple(out.shape[-2:]) == tuple(-(-side // stride) for side in size)
    assert torch.isfinite(out).all()


def test_pixels_stay_aligned_on_odd_sizes():
    """A crop at the far end does not move what the near end sees."""
    parser = FaceParser(2, widths=(4, 8)).double().eval()
    image = torch.rand(1, 3, 61, 43, dtype=torch.float64)
    with torch.no_grad():
        whole, cut = parser(image), parser(image[..., :59, :41])
    assert_close(whole[..., :32, :24], cut[..., :32, :24])


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_guidance_ends_at_any_level(stride):
    with torch.no_grad():
        out = UNetGuidance(6, stride=stride, widths=(4, 8, 16)).eval()(torch.rand(1, 3, 32, 48))
    assert tuple(out.shape) == (1, 6, 32 // stride, 48 // stride)


@pytest.mark.parametrize("stride", [0, 3, 64])
def test_unknown_stride_is_refused(stride):
    with pytest.raises(ValueError, match=rf"stride must be one of .* got {stride}"):
        UNetGuidance(6, stride=stride)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: FaceParser(0), "num_classes"),
        (lambda: UNetGuidance(0), "out_channels"),
        (lambda: FaceParser(3, widths=(8, 0)), r"widths\[1\]"),
        (lambda: PlainRefinement(0), "num_classes"),
    ],
)
def test_no_channels_are_refused(make, name):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got 0"):
        make()


def test_vgg_may_get_its_memory_late():
    network, image = VGGGuidance().eval(), torch.rand(1, 3, 32, 32)
    with torch.device("meta"):
        late = VGGGuidance().eval()
    late.load_state_dict(network.state_dict(), assign=True)
    assert torch.equal(late(image), network(image))


def test_vgg_refuses_another_stride():
    with pytest.raises(ValueError, match=r"stride must be one of \[1, 2, 4, 8, 16, 32\].* got 64"):
        VGGGuidance(stride=64)


@pytest.mark.parametrize("network", [FaceParser(5), UNetGuidance(6), VGGGuidance(6)], ids=lambda n: type(n).__name__)
@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (torch.rand(1, 1, 8, 8), ValueError, r"image must be \(N, 3, H, W\).* \(1, 1, 8, 8\)"),
        (torch.rand(3, 8, 8), ValueError, r"image must be \(N, 3, H, W\).* \(3, 8, 8\)"),
        (torch.rand(0, 3, 8, 8), ValueError, "not empty"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), TypeError, "image must be floating, got torch.uint8"),
        (torch.full((1, 3, 8, 8), torch.nan), ValueError, "image must be finite"),
        ([[0.0]], TypeError, r"image must be a torch\.Tensor, got list"),
    ],
)
def test_bad_images_are_refused(network, image, error, message):
    with pytest.raises(error, match=message):
        network(image)


def test_the_edge_is_one_output_more():
    parser, image = FaceParser(3, widths=(2, 4), edge=True).eval(), torch.rand(2, 3, 8, 8)
    logits, edge = parser.with_edge(image)
    assert logits.shape == (2, 3, 8, 8)
    assert edge.shape == (2, 8, 8)
    assert torch.equal(parser(image), logits)
    with pytest.raises(ValueError, match="edge=True"):
        FaceParser(3, widths=(2, 4)).with_edge(image)


def test_high_res_parser_may_be_smaller():
    parser = HighResFaceParser(3, levels=1, widths=(2, 4))
    assert len(parser.down) == 3
    assert parser(torch.rand(1, 3, 16, 16)).shape == (1, 3, 16, 16)
