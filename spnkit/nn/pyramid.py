"""Guidance on a backbone that somebody trained: its features at several strides, upsampled with summed skips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from spnkit.nn.blocks import conv, halved, upsampled_to
from spnkit.nn.checks import check_counts, check_image

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PROBE = 64
"""Side of the photo by which channels and strides of unknown features are found."""


class PyramidGuidance(nn.Module):
    """A guidance network on the features of any backbone, as Section 5 has it on VGG-16.

    From the coarsest features a 1x1 convolution; then to the next finer ones in turn by bilinear upsampling, 3x3
    convolution, ReLU and the sum; from the finest up to `stride`, 3x3 convolution, ELU, and the output convolution.

    Parameters
    ----------
    features : nn.Module
        `(N, 3, H, W) -> feature maps`, a sequence or a dict of them, finer ones first: what timm makes with
        `features_only=True`, and torchvision with `create_feature_extractor`. Its own normalisations stay as they
        were trained, in training too: batches of a few patches tell little about photos.
    out_channels : int
        Weights per pixel: 384 = 4 directions x 3 connections x 32 channels, in this order.
    stride : int
        The image is this many times larger than the weight map; at most that of the coarsest features. Features finer
        than that are left out.
    width : int
        Channels of the last step.
    batch_norm : bool
        Normalise the upsampling part, for the reason given at `UNetGuidance`.
    mean, std : sequence of float
        Of the photos that the backbone was trained on, by channel; those of ImageNet by default.
    shapes : pair of sequences of int, optional
        Channels and strides of the features; found by showing the backbone a blank photo, if not given.

    Attributes
    ----------
    features : nn.Module
        The backbone. `spnkit.training` trains it at a share of the rate, as it has learned already.
    stride : int

    Raises
    ------
    TypeError, ValueError
        If the features are none, or do not become coarser from one to the next by powers of two; or if `stride` is
        none that they can be brought to.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import PyramidGuidance
    >>> class Stub(torch.nn.Module):
    ...     def forward(self, image):
    ...         fine = torch.nn.functional.avg_pool2d(image, 4, ceil_mode=True)
    ...         return [fine, torch.nn.functional.avg_pool2d(fine, 2, ceil_mode=True)]
    >>> PyramidGuidance(Stub(), 96)(torch.rand(1, 3, 128, 128)).shape
    torch.Size([1, 96, 64, 64])
    """

    def __init__(
        self,
        features: nn.Module,
        out_channels: int = 384,
        *,
        stride: int = 2,
        width: int = 128,
        batch_norm: bool = True,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        shapes: tuple[Sequence[int], Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(features, nn.Module):
            raise TypeError(f"features must be a module, got {type(features).__name__}")
        check_counts(out_channels=out_channels, width=width)
        channels, strides = shapes or shapes_of(features)
        allowed = [2**level for level in range(strides[-1].bit_length())]
        if stride not in allowed:
            raise ValueError(f"stride must be one of {allowed}, for features up to {strides[-1]}, got {stride!r}")
        self.finer = sum(each < stride for each in strides)
        self.strides, channels = tuple(strides[self.finer :]), channels[self.finer :]
        self.stride, self.mean, self.std = stride, tuple(mean), tuple(std)
        self.features = features
        self.bridge = nn.Conv2d(channels[-1], channels[-1], 1)
        self.up = nn.ModuleList(conv(a, b, batch_norm=batch_norm) for a, b in pairwise(reversed(channels)))
        self.last = conv(channels[0], width, batch_norm=batch_norm, activation=nn.ELU)
        self.out = nn.Conv2d(width, out_channels, 3, padding=1)
        self.train()

    def train(self, mode: bool = True) -> PyramidGuidance:
        """Training mode, but for the backbone's normalisations."""
        super().train(mode)
        for module in self.features.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        """Unnormalised weights `(N, out_channels, ceil(H / stride), ceil(W / stride))` of RGB in [0, 1]."""
        check_image(image)
        *finer, x = listed(self.features(normalised(image, self.mean, self.std)))[self.finer :]
        x = self.bridge(x)
        factors = [coarse // fine for fine, coarse in pairwise(self.strides)]
        for up, skip, factor in zip(self.up, reversed(finer), reversed(factors), strict=True):
            x = up(upsampled_to(x, skip.shape[-2:], factor)) + skip
        size = [*image.shape[-2:]]
        for _ in range(self.stride.bit_length() - 1):
            size = [halved(side) for side in size]  # in a form that an exported program for all sizes knows
        return self.out(self.last(upsampled_to(x, size, self.strides[0] // self.stride)))


def normalised(image: Tensor, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD) -> Tensor:
    """RGB (N, 3, H, W) in [0, 1] as a backbone wants it, by default one that was trained on ImageNet."""
    offset, scale = (image.new_tensor(values).view(3, 1, 1) for values in (mean, std))
    return (image - offset) / scale


def listed(maps: Any) -> list[Tensor]:
    """Feature maps of a backbone, whatever it holds them in."""
    found = list(maps.values() if isinstance(maps, Mapping) else maps if isinstance(maps, list | tuple) else [maps])
    if not found or any(not isinstance(each, Tensor) or each.ndim != 4 for each in found):
        raise TypeError(f"features must give maps (N, C, h, w), a sequence or dict of them, got {type(maps).__name__}")
    return found


@torch.no_grad()
def shapes_of(features: nn.Module) -> tuple[list[int], list[int]]:
    """Channels and strides of a backbone's feature maps, found by showing it a blank photo."""
    training, like = features.training, next(features.parameters(), torch.zeros(()))
    if like.is_meta:
        raise ValueError("features must have memory: their shapes are found by a trial")
    maps = listed(features.eval()(torch.zeros(1, 3, PROBE, PROBE, dtype=like.dtype, device=like.device)))
    features.train(training)
    sizes = [tuple(each.shape[-2:]) for each in maps]
    strides = [PROBE // max(1, width) for _, width in sizes]
    halving = all(stride * side == PROBE for stride, size in zip(strides, sizes, strict=True) for side in size)
    if not halving or any(a >= b for a, b in pairwise(strides)):  # 64 is a power of two, and so are its divisors
        raise ValueError(f"features must become coarser from one to the next by powers of two, got {sizes} of {PROBE}")
    return [cast(int, each.shape[1]) for each in maps], strides
