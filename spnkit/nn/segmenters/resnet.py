"""Models on ResNet-101: DeepLab with atrous spatial pyramid pooling at several scales, and torchvision's two."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from spnkit.nn.blocks import scaled
from spnkit.nn.segmenters.pieces import MultiScale, Photo, Summed, check_width, resized

STAGES = ((64, 3, 1, 1), (128, 4, 2, 1), (256, 23, 1, 2), (512, 3, 1, 4))
"""Inner channels, blocks, stride and dilation of ResNet-101's stages at an output stride of 8."""
EXPANSION, STEM = 4, 64
RATES = (6, 12, 18, 24)
"""Of DeepLab's four branches (Chen et al., 2018)."""
RATES_V3 = (12, 24, 36)


class Bottleneck(nn.Module):
    """A block of He et al. (2016), under torchvision's names, its stride at the 3x3 convolution."""

    def __init__(self, channels: int, inner: int, outer: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, outer, 1, bias=False), nn.BatchNorm2d(outer)
        self.downsample = None
        if stride > 1 or channels != outer:
            shortcut = nn.Conv2d(channels, outer, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Tensor:
        """The block's maps."""
        found = relu(self.bn2(self.conv2(relu(self.bn1(self.conv1(x))))))
        return relu(self.bn3(self.conv3(found)) + (x if self.downsample is None else self.downsample(x)))


class ResNetFeatures(nn.Module):
    """ResNet-101 without its classifier, dilated to a stride of 8; weights have the names of torchvision's.

    Parameters
    ----------
    width : float
        Share of the channels.
    stages : sequence, optional
        Rows like `STAGES`, for other depths.
    """

    def __init__(self, width: float = 1.0, stages: Sequence[tuple[int, int, int, int]] = STAGES) -> None:
        super().__init__()
        channels, before = scaled(STEM, width), 1
        self.conv1 = nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False)
        self.bn1, self.maxpool = nn.BatchNorm2d(channels), nn.MaxPool2d(3, stride=2, padding=1)
        for number, (inner, blocks, stride, dilation) in enumerate(stages, 1):
            inner = scaled(inner, width)
            outer = EXPANSION * inner
            # As in torchvision, the first block of a dilated stage has the dilation of the stage before.
            first = Bottleneck(channels, inner, outer, stride, before)
            rest = (Bottleneck(outer, inner, outer, 1, dilation) for _ in range(blocks - 1))
            self.add_module(f"layer{number}", nn.Sequential(first, *rest))
            channels, before = outer, dilation
        self.channels, self.depth = channels, len(stages)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of a normalised photo after the last stage but one, and after the last."""
        x = self.maxpool(relu(self.bn1(self.conv1(x))))
        found = []
        for number in range(1, self.depth + 1):
            x = self.get_submodule(f"layer{number}")(x)
            found.append(x)
        return found[-2], found[-1]


class OnResNet(nn.Module):
    """`backbone` and `classifier`, as torchvision names the two parts of its segmentation models."""

    def __init__(self, backbone: ResNetFeatures, classifier: nn.Module, auxiliary: nn.Module | None = None) -> None:
        super().__init__()
        self.photo, self.backbone, self.classifier = Photo(), backbone, classifier
        if auxiliary is not None:
            self.aux_classifier = auxiliary

    def forward(self, image: Tensor) -> Tensor:
        """Logits at stride 8 of RGB in [0, 1]."""
        return self.classifier(self.backbone(self.photo(image))[1])


def deeplab_resnet101(
    num_classes: int = 21, *, width: float = 1.0, scales: tuple[float, ...] = (1.0, 0.75, 0.5)
) -> MultiScale:
    """DeepLab on ResNet-101 (Chen et al., 2018): ASPP-L, at several scales whose greatest logits count.

    Parameters
    ----------
    num_classes : int
        Channels of the logits.
    width : float
        Share of the channels.
    scales : tuple of float
        Of the photo.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn.segmenters import deeplab_resnet101
    >>> deeplab_resnet101(width=0.05)(torch.rand(1, 3, 65, 65)).shape
    torch.Size([1, 21, 9, 9])
    """
    check_width(num_classes, width)
    backbone = ResNetFeatures(width)
    branches = (nn.Conv2d(backbone.channels, num_classes, 3, padding=rate, dilation=rate) for rate in RATES)
    return MultiScale(OnResNet(backbone, Summed(branches)), scales)


def torchvision_resnet101(head: str = "deeplabv3", num_classes: int = 21, *, width: float = 1.0) -> OnResNet:
    """torchvision's `fcn_resnet101` or `deeplabv3_resnet101`: its published weights load by their names.

    Parameters
    ----------
    head : {"fcn", "deeplabv3"}
        Which.
    num_classes, width
        As of `deeplab_resnet101`.

    Raises
    ------
    ValueError
        If there is no such head.
    """
    check_width(num_classes, width)
    if head not in HEADS:
        raise ValueError(f"head must be one of {sorted(HEADS)}, got {head!r}")
    backbone = ResNetFeatures(width)
    auxiliary = fcn_head(backbone.channels // 2, num_classes, width)
    return OnResNet(backbone, HEADS[head](backbone.channels, num_classes, width), auxiliary)


def normed(channels: int, outer: int, kernel: int = 1, dilation: int = 1) -> list[nn.Module]:
    """A convolution, its normalisation and ReLU."""
    padding = dilation * (kernel // 2)
    layer = nn.Conv2d(channels, outer, kernel, padding=padding, dilation=dilation, bias=False)
    return [layer, nn.BatchNorm2d(outer), nn.ReLU()]


def fcn_head(channels: int, num_classes: int, _width: float = 1.0) -> nn.Sequential:
    """torchvision's FCNHead."""
    inner = channels // 4
    return nn.Sequential(*normed(channels, inner, 3), nn.Dropout(0.1), nn.Conv2d(inner, num_classes, 1))


class Everywhere(nn.Sequential):
    """What the whole photo shows, at every pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return resized(super().forward(x), x.shape[-2:])


class Pyramid(nn.Module):
    """torchvision's ASPP of DeepLab v3 (Chen et al., 2017)."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        dilated = (nn.Sequential(*normed(channels, inner, 3, rate)) for rate in RATES_V3)
        whole = Everywhere(nn.AdaptiveAvgPool2d(1), *normed(channels, inner))
        self.convs = nn.ModuleList([nn.Sequential(*normed(channels, inner)), *dilated, whole])
        self.project = nn.Sequential(*normed(len(self.convs) * inner, inner), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        """All branches, brought together."""
        return self.project(torch.cat([branch(x) for branch in self.convs], 1))


def deeplabv3_head(channels: int, num_classes: int, width: float = 1.0) -> nn.Sequential:
    """torchvision's DeepLabHead."""
    inner = scaled(256, width)
    layers = [Pyramid(channels, inner), *normed(inner, inner, 3), nn.Conv2d(inner, num_classes, 1)]
    return nn.Sequential(OrderedDict((str(place), layer) for place, layer in enumerate(layers)))


HEADS = {"fcn": fcn_head, "deeplabv3": deeplabv3_head}
