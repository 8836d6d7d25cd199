"""What the coarse models share: branches that are summed, photos normalised, several scales."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from spnkit.nn.checks import check_counts, check_image
from spnkit.nn.pyramid import normalised


class Photo(nn.Module):
    """RGB in [0, 1] as networks trained on ImageNet want it."""

    def forward(self, image: Tensor) -> Tensor:
        """An image of the same size."""
        check_image(image)
        return normalised(image)


class Summed(nn.ModuleList):
    """Branches of the same maps, added up: atrous spatial pyramid pooling (Chen et al., 2018)."""

    def forward(self, x: Tensor) -> Tensor:
        """The sum of what the branches make of `x`."""
        return torch.stack([branch(x) for branch in self]).sum(0)


class MultiScale(nn.Module):
    """A model on the photo at several scales, with one set of weights, and the greatest logit of each pixel.

    Parameters
    ----------
    model : nn.Module
        `(N, 3, H, W) -> (N, C, h, w)`.
    scales : sequence of float
        Shares of the photo's sides; 1, 0.75 and 0.5 in DeepLab.
    """

    def __init__(self, model: nn.Module, scales: Sequence[float] = (1.0, 0.75, 0.5)) -> None:
        super().__init__()
        self.model, self.scales = model, tuple(scales)

    def forward(self, image: Tensor) -> Tensor:
        """Logits at the stride of the first scale."""
        size = image.shape[-2:]
        found: list[Tensor] = []
        for scale in self.scales:
            sides = [max(1, round(scale * side)) for side in size]
            maps = self.model(image if scale == 1 else resized(image, sides))
            found.append(maps if not found else resized(maps, found[0].shape[-2:]))
        return torch.stack(found).amax(0)


def resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear resizing to (H, W)."""
    return interpolate(maps, list(size), mode="bilinear", align_corners=False)


def check_width(num_classes: int, width: float) -> None:
    """Refuse what no network can have."""
    check_counts(num_classes=num_classes)
    if not 0 < width <= 1:
        raise ValueError(f"width must be in (0, 1], got {width!r}")
