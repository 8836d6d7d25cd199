"""The pieces every network here is made of: convolution blocks, resampling, the encoder-decoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, pad
from torch.nn.utils.fusion import fuse_conv_bn_eval

from spnkit.directions import ordered
from spnkit.nn.checks import check_counts

WIDTHS = (32, 64, 128, 256, 512)
"""Channels of the five levels of Section 5, each double the one before."""


def scaled(channels: int, width: float) -> int:
    """Channels at a share of a network's width."""
    return max(1, round(width * channels))


def conv(in_channels: int, out_channels: int, *, batch_norm: bool, activation=nn.ReLU) -> nn.Sequential:
    """A 3x3 convolution, normalised if asked (its bias would then cancel), and its activation."""
    layers: list[nn.Module] = [nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=not batch_norm)]
    if batch_norm:
        layers.append(nn.BatchNorm2d(out_channels))
    return nn.Sequential(*layers, activation())


def fused(network: nn.Module) -> nn.Module:
    """A network in eval mode, each normalisation made part of the convolution before it, each ReLU done in place."""
    for block in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        if len(block) > 1 and isinstance(block[1], nn.BatchNorm2d):
            block[0] = fuse_conv_bn_eval(cast(nn.Conv2d, block[0]), block[1])
            del block[1]
        for module in block:
            if isinstance(module, nn.ReLU):
                module.inplace = True
    return network


def halve(x: Tensor) -> Tensor:
    """Max-pool by two; an odd last row or column makes a cell of its own, so any size goes down."""
    if torch.compiler.is_exporting():  # the same in a form of which a program for all sizes can be made
        return max_pool2d(pad(x, (0, 1, 0, 1), mode="replicate"), 2)
    return max_pool2d(x, 2, ceil_mode=True)


def halved(size: int) -> int:
    """The side of a map that `halve` makes of one of that side."""
    return (size - 1) // 2 + 1


def fitted(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Maps of size (H, W): what lies beyond is cut off, what is missing repeats the last row and column."""
    if torch.compiler.is_exporting():  # cutting and padding would fix whether there is something to do
        for axis, side in zip((-2, -1), size, strict=True):
            last = maps.shape[axis] - 1
            maps = maps.index_select(axis, torch.arange(side, device=maps.device).clamp(max=last))
        return maps
    height, width = size
    missing = (0, max(0, width - maps.shape[-1]), 0, max(0, height - maps.shape[-2]))
    return pad(maps, missing, mode="replicate")[..., :height, :width]


def upsampled(x: Tensor, factor: int) -> Tensor:
    """Bilinear upsampling of (N, C, H, W) by an integer factor: blocks of pixels stay where they were."""
    return interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def upsampled_to(x: Tensor, size: Sequence[int], factor: int) -> Tensor:
    """`upsampled`, cut to (H, W): a cut of its own would fix, in an exported program, whether anything is cut off."""
    return torch.ops.aten.upsample_bilinear2d(x, list(size), False, float(factor), float(factor))


def double(x: Tensor, like: Tensor) -> Tensor:
    """Upsampling by two, cut to the map that `halve` once came from."""
    return upsampled_to(x, like.shape[-2:], 2)


def levels_of(stride: int, deepest: int) -> int:
    """log2 of a resolution `stride`, checked to be one of the network's levels."""
    if stride not in (choices := [2**level for level in range(deepest + 1)]):
        raise ValueError(f"stride must be one of {choices}, got {stride!r}")
    return choices.index(stride)


class EncoderDecoder(nn.Module):
    """The symmetric network of Section 5: down by conv + ReLU + max-pool, up by bilinear + conv + ReLU.

    Maps of the same size on the way down and up are summed. The last sub-module has no skip and no
    activation: it is the output layer.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the image and of the output.
    widths : sequence of int
        Channels of each level, from the finest to the bottleneck.
    stride : int
        Where the upsampling part ends: 1 gives an output of the image's size, 2 of half of it, ...
    batch_norm : bool
        Whether every convolution but the last is normalised.

    Raises
    ------
    ValueError
        If a number of channels is no positive integer, or `stride` not that of a level.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        widths: Sequence[int] = WIDTHS,
        stride: int = 1,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        widths = ordered("widths", widths, "channels of each level, from the finest")
        check_counts(out_channels=out_channels, **{f"widths[{level}]": width for level, width in enumerate(widths)})
        self.stride = stride
        kept = widths[max(levels_of(stride, len(widths)) - 1, 0) :]
        down, up = pairwise([in_channels, *widths]), pairwise(reversed(kept))
        self.down = nn.ModuleList(conv(a, b, batch_norm=batch_norm) for a, b in down)
        self.up = nn.ModuleList(conv(a, b, batch_norm=batch_norm) for a, b in up)
        self.out = nn.Conv2d(kept[0], out_channels, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Map `(N, in_channels, H, W)` to `(N, out_channels, ceil(H / stride), ceil(W / stride))`."""
        maps = [image]
        for down in self.down:
            maps.append(halve(down(maps[-1])))
        x = maps.pop()
        for up in self.up:
            skip = maps.pop()
            x = up(double(x, like=skip)) + skip
        return self.out(double(x, like=image) if self.stride == 1 else x)
