"""Models on VGG-16: FCN-8s, DeepLab's LargeFOV and ASPP-L, the dilated front end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from spnkit.nn.blocks import scaled
from spnkit.nn.guidance import VGG16_STAGES, vgg16_layers
from spnkit.nn.segmenters.pieces import Photo, Summed, check_width


class Layout(NamedTuple):
    """What a model makes of VGG-16: strides and dilations of its stages, and the layers that follow."""

    strides: Sequence[int]  # of the pooling after each stage; 0: none
    dilations: Sequence[int]  # of the convolutions of each stage
    kernel: int  # of fc6
    rates: Sequence[int]  # dilation of fc6 of each branch
    hidden: int  # channels of fc6 and fc7


LAYOUTS = {
    "fcn8s": Layout((2, 2, 2, 2, 2), (1, 1, 1, 1, 1), 7, (1,), 4096),
    "large_fov": Layout((2, 2, 2, 1, 1), (1, 1, 1, 1, 2), 3, (12,), 1024),
    "aspp_s": Layout((2, 2, 2, 1, 1), (1, 1, 1, 1, 2), 3, (2, 4, 8, 12), 1024),
    "aspp_l": Layout((2, 2, 2, 1, 1), (1, 1, 1, 1, 2), 3, (6, 12, 18, 24), 1024),
    "front_end": Layout((2, 2, 2, 0, 0), (1, 1, 1, 1, 2), 7, (4,), 4096),
}
"""Long et al. (2015), Chen et al. (2015 and 2018), Yu and Koltun (2016)."""
VGG16_CLASSIFIER = {"0": "head.0.0", "3": "head.0.3"}
"""torchvision's fully connected layers, and the convolutions that they become."""


class VGGSegmenter(nn.Module):
    """VGG-16 made convolutional, with the strides, dilations and last layers of a row of `LAYOUTS`.

    Parameters
    ----------
    num_classes : int
        Channels of the logits.
    layout : {"fcn8s", "large_fov", "aspp_s", "aspp_l", "front_end"}
        Which.
    width : float
        Share of the channels; published weights have all.

    Raises
    ------
    ValueError
        If there is no such layout or width.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn.segmenters import VGGSegmenter
    >>> VGGSegmenter(21, "large_fov", width=0.1)(torch.rand(1, 3, 65, 97)).shape
    torch.Size([1, 21, 9, 13])
    """

    def __init__(self, num_classes: int = 21, layout: str = "large_fov", *, width: float = 1.0) -> None:
        super().__init__()
        if layout not in LAYOUTS:
            raise ValueError(f"layout must be one of {sorted(LAYOUTS)}, got {layout!r}")
        check_width(num_classes, width)
        self.layout, self.num_classes, self.photo = LAYOUTS[layout], num_classes, Photo()
        self.features = nn.Sequential(*vgg16_layers(self.layout.strides, self.layout.dilations, width))
        channels, hidden = scaled(VGG16_STAGES[-1][-1], width), scaled(self.layout.hidden, width)
        self.head = Summed(self._branch(channels, hidden, rate) for rate in self.layout.rates)

    def _branch(self, channels: int, hidden: int, rate: int) -> nn.Sequential:
        """fc6, fc7 and fc8 of one dilation; the maps keep their size."""
        kernel = self.layout.kernel
        fc6 = nn.Conv2d(channels, hidden, kernel, padding=rate * (kernel // 2), dilation=rate)
        rest = [nn.ReLU(), nn.Dropout(), nn.Conv2d(hidden, hidden, 1), nn.ReLU(), nn.Dropout()]
        return nn.Sequential(fc6, *rest, nn.Conv2d(hidden, self.num_classes, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Logits `(N, num_classes, h, w)` at the model's stride of RGB in [0, 1]."""
        return self.head(self.features(self.photo(image)))

    def load_vgg16(self, state_dict: Mapping[str, Tensor]) -> None:
        """Copy torchvision's `vgg16` weights: all convolutions and, where fc6 and fc7 are as in VGG-16, these too.

        Raises
        ------
        RuntimeError
            If one is missing or of another shape.
        """
        found = {name: value for name, value in state_dict.items() if name.startswith("features.")}
        convolutions = [layer for layer in self.features if isinstance(layer, nn.Conv2d)]
        places = [n for n, layer in enumerate(vgg16_layers(width=0.01)) if isinstance(layer, nn.Conv2d)]
        for place, layer in zip(places, convolutions, strict=True):
            prefix = f"features.{place}."
            layer.load_state_dict(
                {name.removeprefix(prefix): v for name, v in found.items() if name.startswith(prefix)}
            )
        if (self.layout.kernel, self.layout.hidden) == (7, 4096):
            for there, here in VGG16_CLASSIFIER.items():
                dense = cast(nn.Conv2d, self.get_submodule(here))
                weight = state_dict[f"classifier.{there}.weight"].view_as(dense.weight)
                dense.load_state_dict({"weight": weight, "bias": state_dict[f"classifier.{there}.bias"]})


class FCN8s(VGGSegmenter):
    """FCN-8s (Long et al., 2015): scores at strides 32, 16 and 8, each upsampled by two and added to the next.

    Where the authors pad the photo by 100 pixels and crop, the 7x7 convolution pads itself: no pixel moves.

    Parameters
    ----------
    num_classes, width
        As in `VGGSegmenter`.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn.segmenters import FCN8s
    >>> FCN8s(width=0.1)(torch.rand(1, 3, 65, 97)).shape
    torch.Size([1, 21, 65, 97])
    """

    def __init__(self, num_classes: int = 21, *, width: float = 1.0) -> None:
        super().__init__(num_classes, "fcn8s", width=width)
        pool3, pool4 = (scaled(VGG16_STAGES[stage][-1], width) for stage in (2, 3))
        self.score_pool3, self.score_pool4 = (nn.Conv2d(each, num_classes, 1) for each in (pool3, pool4))
        self.upscore2, self.upscore_pool4, self.upscore8 = (enlarging(num_classes, by) for by in (2, 2, 8))

    def forward(self, image: Tensor) -> Tensor:
        """Logits `(N, num_classes, H, W)` of RGB in [0, 1]."""
        x, pooled = self.photo(image), []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                pooled.append(x)
        score = cut(self.upscore2(self.head(x)), pooled[3]) + self.score_pool4(pooled[3])
        score = cut(self.upscore_pool4(score), pooled[2]) + self.score_pool3(pooled[2])
        return cut(self.upscore8(score), image)


def enlarging(channels: int, factor: int) -> nn.ConvTranspose2d:
    """Upsampling that can learn, and begins as the bilinear one."""
    layer = nn.ConvTranspose2d(channels, channels, 2 * factor, stride=factor, padding=factor // 2, bias=False)
    ramp = 1 - (torch.arange(2 * factor) + 0.5 - factor).abs() / factor
    nn.init.zeros_(layer.weight)
    for channel in range(channels):
        layer.weight.data[channel, channel] = ramp[:, None] * ramp
    return layer


def cut(maps: Tensor, like: Tensor) -> Tensor:
    """Maps without what rounding up has added below and to the right."""
    return maps[..., : like.shape[-2], : like.shape[-1]]


def deeplab_vgg(num_classes: int = 21, layout: str = "aspp_l", *, width: float = 1.0) -> VGGSegmenter:
    """DeepLab on VGG-16 (Chen et al., 2018): ASPP-L, ASPP-S or LargeFOV, logits at stride 8."""
    return VGGSegmenter(num_classes, layout, width=width)


def front_end(num_classes: int = 21, *, width: float = 1.0) -> VGGSegmenter:
    """The dilated front end (Yu and Koltun, 2016): VGG-16 without its last two poolings, logits at stride 8."""
    return VGGSegmenter(num_classes, "front_end", width=width)
