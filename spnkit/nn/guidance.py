"""Guidance networks (Sections 4 and 5): from the photo to every weight of the propagation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from spnkit.nn.blocks import WIDTHS, EncoderDecoder, halve, scaled
from spnkit.nn.checks import check_image
from spnkit.nn.pyramid import PyramidGuidance

VGG16_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class UNetGuidance(EncoderDecoder):
    """The guidance network for HELEN (Section 5): the baseline parser, its upsampling stopped early.

    Parameters
    ----------
    out_channels : int
        Weights per pixel: 384 = 4 directions x 3 connections x 32 channels, in this order.
    stride : int
        The image is this many times larger than the weight map: 2 gives 64 x 64 for a 128 x 128 patch.
    widths : sequence of int
        Channels of each level.
    batch_norm : bool
        Normalise every convolution but the last. On by default: without it the outputs grow to hundreds,
        every pixel is clipped, and clipping to unit sum forgets the scale, so that nothing pulls them back.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import UNetGuidance
    >>> UNetGuidance()(torch.rand(2, 3, 128, 128)).shape
    torch.Size([2, 384, 64, 64])
    """

    def __init__(
        self,
        out_channels: int = 384,
        *,
        stride: int = 2,
        widths: Sequence[int] = WIDTHS,
        batch_norm: bool = True,
    ) -> None:
        super().__init__(3, out_channels, widths=widths, stride=stride, batch_norm=batch_norm)

    def forward(self, image: Tensor) -> Tensor:
        """Unnormalised weights `(N, out_channels, ceil(H / stride), ceil(W / stride))` of RGB in [0, 1]."""
        check_image(image)
        return super().forward(image)


class VGGGuidance(PyramidGuidance):
    """The guidance network for VOC (Section 5): VGG-16 to pool5, then upsampling with summed skips.

    After pool5 a 1x1 convolution (512); then to conv5_3, conv4_3 and conv3_3 in turn by bilinear upsampling,
    3x3 convolution, ReLU and the sum; once more up, to half the image, ELU, and the output convolution.
    The paper leaves the width of that last step open; 128 is what VGG-16 has at this size.

    Parameters
    ----------
    out_channels : int
        Weights per pixel: 384 = 4 directions x 3 connections x 32 channels, in this order.
    stride : int
        The image is this many times larger than the weight map: 1, 2, 4, 8, 16 or 32; finer features are left out.
    batch_norm : bool
        Normalise the upsampling part, for the reason given at `UNetGuidance`. VGG-16 itself stays as trained.

    Attributes
    ----------
    features : nn.Sequential
        VGG-16's convolutional part, layer for layer under torchvision's names (`features.0.weight`, ...).

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import VGGGuidance
    >>> VGGGuidance()(torch.rand(1, 3, 128, 128)).shape
    torch.Size([1, 384, 64, 64])
    """

    def __init__(self, out_channels: int = 384, *, stride: int = 2, batch_norm: bool = True) -> None:
        shapes = ((256, 512, 512, 512), (4, 8, 16, 32))
        super().__init__(VGG16Features(), out_channels, stride=stride, batch_norm=batch_norm, shapes=shapes)

    def load_vgg16(self, state_dict: Mapping[str, Tensor]) -> None:
        """Copy the `features.*` entries of a torchvision `vgg16` state dict, such as its ImageNet weights.

        Raises
        ------
        RuntimeError
            If one is missing or of another shape.
        """
        found = {name: value for name, value in state_dict.items() if name.startswith("features.")}
        nn.ModuleDict({"features": self.features}).load_state_dict(found)


class VGG16Features(nn.Sequential):
    """VGG-16 to pool5 (Simonyan and Zisserman, configuration D): conv3_3, conv4_3 and conv5_3, and pool5."""

    def __init__(self) -> None:
        super().__init__(*vgg16_layers())

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps of a normalised image, finer ones first."""
        before_pool = []
        for layer in self:
            if isinstance(layer, nn.MaxPool2d):
                before_pool.append(x)
                x = halve(x)
            else:
                x = layer(x)
        return [*before_pool[2:], x]


def vgg16_layers(
    strides: Sequence[int] = (2, 2, 2, 2, 2), dilations: Sequence[int] = (1, 1, 1, 1, 1), width: float = 1.0
) -> list[nn.Module]:
    """VGG-16's convolutions and poolings in torchvision's order, as long as no stage is without pooling.

    `strides` are of the pooling after each stage, 0 for none; `dilations` of the convolutions of each stage; `width` is
    a share of the channels.
    """
    layers: list[nn.Module] = []
    channels = 3
    for stage, stride, dilation in zip(VGG16_STAGES, strides, dilations, strict=True):
        for each in stage:
            layers += [nn.Conv2d(channels, scaled(each, width), 3, padding=dilation, dilation=dilation), nn.ReLU()]
            channels = scaled(each, width)
        if stride == 2:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        elif stride:
            layers.append(nn.MaxPool2d(3, stride=1, padding=1))
    return layers
