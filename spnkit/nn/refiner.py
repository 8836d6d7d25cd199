"""A refiner that knows no classes: the photo and the coarse map's own doubts say what is copied from where."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from spnkit.directions import CONNECTIONS, DIRECTIONS
from spnkit.nn.blocks import conv, double, halve
from spnkit.propagation import propagate

WIDTHS = (16, 24, 48, 96, 128)
FACTS = 4
"""What is told of the coarse map at each pixel, whatever its classes are."""
LEAST = 1e-3
"""Least confidence: somebody is heard everywhere."""


def facts(coarse: Tensor) -> Tensor:
    """What a coarse map (N, C, H, W) says at each pixel, but for which class it is: (N, 4, H, W).

    The greatest probability, the chance that two draws agree, and how far the pixel differs from its right and lower
    neighbour (half the sum of absolute differences: the share of probability that lies elsewhere).
    """
    right = pad(coarse[..., 1:] - coarse[..., :-1], (0, 1)).abs().sum(1) / 2
    lower = pad(coarse[..., 1:, :] - coarse[..., :-1, :], (0, 0, 0, 1)).abs().sum(1) / 2
    return torch.stack([coarse.amax(1), coarse.square().sum(1), right, lower], dim=1)


class Reader(nn.Module):
    """The guidance network: a U-Net on the photo, told the facts of the coarse map at each of its resolutions."""

    def __init__(self, out_channels: int, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Sequential(conv(a + FACTS, b, batch_norm=True), conv(b, b, batch_norm=True))
            for a, b in pairwise([3, *widths])
        )
        self.up = nn.ModuleList(conv(a, b, batch_norm=True) for a, b in pairwise(reversed(widths)))
        self.join = nn.ModuleList(conv(width, width, batch_norm=True) for width in reversed(widths[:-1]))
        self.out = nn.Conv2d(widths[0], out_channels, 1)

    def forward(self, photo: Tensor, coarse: Tensor) -> Tensor:
        """(N, 3, H, W) and (N, C, H, W) to (N, out_channels, H, W)."""
        x, maps = 2 * photo - 1, []
        for level, down in enumerate(self.down):
            if level:
                x, coarse = halve(x), avg_pool2d(coarse, 2, ceil_mode=True)
            x = down(torch.cat([x, facts(coarse)], 1))
            maps.append(x)
        maps.pop()
        for up, join in zip(self.up, self.join, strict=True):
            skip = maps.pop()
            x = join(double(up(x), like=skip) + skip)
        return self.out(x)


class MaskRefiner(nn.Module):
    """Sharpen coarse maps of any number of classes along a photo.

    Parameters
    ----------
    connection : {"three_way", "one_way"}
        Connections of each pixel.
    units : int
        Cascaded rounds of propagation, each with weights of its own.
    widths : sequence of int
        Channels of the guidance network's levels.
    """

    def __init__(self, connection: str = "three_way", units: int = 2, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.shape = (units, len(DIRECTIONS), len(CONNECTIONS[connection]))
        self.weights = units * len(DIRECTIONS) * len(CONNECTIONS[connection])
        self.reader = Reader(self.weights + 2, widths)
        nn.init.normal_(self.reader.out.weight, std=0.01)
        nn.init.zeros_(self.reader.out.bias)
        with torch.no_grad():
            self.reader.out.bias[-2:] = torch.tensor([1.0, 0.0])

    def guidance(self, photo: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights (N, units, D, K, 1, H, W), none negative and at most one in sum, confidence and what is kept."""
        found = self.reader(photo, coarse)
        weights = found[:, : self.weights].unflatten(1, self.shape)
        stay = torch.zeros_like(weights[:, :, :, :1])
        weights = torch.cat([weights, stay], 3).softmax(3)[:, :, :, :-1].unsqueeze(4)
        confidence, kept = found[:, self.weights :].sigmoid().unsqueeze(2).unbind(1)
        return weights, LEAST + (1 - LEAST) * confidence, kept

    def forward(self, photo: Tensor, coarse: Tensor) -> Tensor:
        """Refined probabilities (N, C, H, W) of a photo (N, 3, H, W) in [0, 1] and its coarse map (N, C, H, W)."""
        weights, confidence, kept = self.guidance(photo, coarse)
        pair = torch.cat([confidence * coarse, confidence], 1)
        for gates in weights.unbind(1):
            pair = propagate(pair, gates, normalization="none", integration="mean")
        filled = pair[:, :-1] / pair[:, -1:]
        return kept * coarse + (1 - kept) * filled


def mask_refiner() -> MaskRefiner:
    """A refiner, untrained."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MaskRefiner().eval()
