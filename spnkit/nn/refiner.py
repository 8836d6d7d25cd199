"""A refiner that knows no classes: the photo and the coarse map's own doubts say what is copied from where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from spnkit.directions import CONNECTIONS, DIRECTIONS
from spnkit.nn.blocks import conv, double, fused, halve
from spnkit.nn.checks import UNREADABLE, load_whole
from spnkit.nn.spreading import spread

WIDTHS = (16, 24, 48, 96, 128)
WEIGHTS = Path(__file__).with_name("mask_refiner.pt")
JUDGING = (16, 16, 24, 32)
STAY = -1.0
"""Logit of a pixel's staying with what it has; those of its neighbours begin at zero."""
FACTS = 4
"""What is told of the coarse map at each pixel, whatever its classes are."""
CERTAIN = 1e-4
"""Distance from one that is as good as none."""
LEAST = 1e-3
"""Least confidence: somebody is heard everywhere."""


def facts(coarse: Tensor) -> Tensor:
    """What a coarse map (N, C, H, W) says at each pixel, but for which class it is: (N, 4, H, W).

    The greatest probability; how many zeros its distance from one begins with, of four, so that a network's certainty
    is not taken for that of a mask; and how far the pixel differs from its right and lower neighbour (half the sum of
    absolute differences: the share of probability that lies elsewhere).
    """
    greatest = coarse.amax(1)
    zeros = (1 - greatest).clamp_min(CERTAIN).log10() / math.log10(CERTAIN)
    right = pad(coarse[..., 1:] - coarse[..., :-1], (0, 1)).abs().sum(1) / 2
    lower = pad(coarse[..., 1:, :] - coarse[..., :-1, :], (0, 0, 0, 1)).abs().sum(1) / 2
    return torch.stack([greatest, zeros, right, lower], dim=1)


class UNet(nn.Module):
    """Two convolutions a level on the way down, two on the way up, skips summed; each level may be told more.

    Parameters
    ----------
    in_channels : int
        Of the input.
    told : sequence of int
        Channels that are told to each level besides.
    widths : sequence of int
        Channels of the levels.
    """

    def __init__(self, in_channels: int, told: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Sequential(conv(a + more, b, batch_norm=True), conv(b, b, batch_norm=True))
            for (a, b), more in zip(pairwise([in_channels, *widths]), told, strict=True)
        )
        self.up = nn.ModuleList(conv(a, b, batch_norm=True) for a, b in pairwise(reversed(widths)))
        self.join = nn.ModuleList(conv(width, width, batch_norm=True) for width in reversed(widths[:-1]))

    def forward(self, x: Tensor, told: Sequence[Tensor | None]) -> list[Tensor]:
        """Maps of all levels on the way up, the finest last."""
        skips = []
        for level, (down, more) in enumerate(zip(self.down, told, strict=True)):
            x = halve(x) if level else x
            x = down(x if more is None else torch.cat([x, more], 1))
            skips.append(x)
        found = [skips.pop()]
        for up, join in zip(self.up, self.join, strict=True):
            skip = skips.pop()
            found.append(join(double(up(found[-1]), like=skip).add_(skip)))
        return found


class MaskRefiner(nn.Module):
    """Sharpen coarse maps of any number of classes along a photo.

    The weights come from the photo alone, as in the paper: one affinity for all maps. How far the coarse map is to be
    trusted, and where it is to be left alone, is judged from the photo's features and the map's facts at all scales
    from half resolution on; of the full one only each pixel's own facts have a say.

    Parameters
    ----------
    connection : {"three_way", "one_way"}
        Connections of each pixel.
    units : int
        Cascaded rounds of propagation, each with weights of its own.
    widths, judging : sequence of int
        Channels of the levels of what reads the photo and of what judges the map; the latter begins a level lower.

    Attributes
    ----------
    step, reach : int
        A window of a photo that begins at a multiple of `step` pixels gets the guidance that the whole photo gets,
        but for `reach` pixels at its borders: what lies further away changes it by some millionths.
    """

    def __init__(
        self,
        connection: str = "three_way",
        units: int = 2,
        widths: Sequence[int] = WIDTHS,
        judging: Sequence[int] = JUDGING,
    ) -> None:
        super().__init__()
        self.made_of = {"connection": connection, "units": units, "widths": [*widths], "judging": [*judging]}
        self.step = 2 ** (len(widths) - 1)
        self.reach = 8 * self.step
        self.shape = (units, len(DIRECTIONS), len(CONNECTIONS[connection]))
        self.weights = units * len(DIRECTIONS) * len(CONNECTIONS[connection])
        self.reader = UNet(3, [0] * len(widths), widths)
        self.seen = nn.ModuleList(nn.Conv2d(width, few, 1) for width, few in zip(widths[1:], judging, strict=True))
        finest, *others = judging
        self.judge = UNet(0, [2 * FACTS + finest, *(FACTS + few for few in others)], judging)
        self.weigh, self.trust = nn.Conv2d(widths[0], self.weights, 1), nn.Conv2d(finest, 2, 1)
        self.sight = nn.Conv2d(FACTS, 2, 1)
        for out in (self.weigh, self.trust, self.sight):
            nn.init.normal_(out.weight, std=0.01)
            nn.init.zeros_(cast(Tensor, out.bias))

    def read(self, photo: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the photo, for `said`; what facts of the map say with them (N, 2, H, W), for `weighed`."""
        *features, finest = self.reader(2 * photo - 1, [None] * (len(self.seen) + 1))
        own = facts(coarse)
        told = [pooled(own)]
        for see, maps in zip(self.seen, reversed(features), strict=True):
            coarse = pooled(coarse)
            told.append(torch.cat([facts(coarse), see(maps)], 1))
        told[:2] = [torch.cat(told[:2], 1)]
        *_, judged = self.judge(coarse.new_empty(photo.shape[0], 0, *told[0].shape[-2:]), told)
        return finest, double(planes(self.trust, judged), like=photo) + planes(self.sight, own)

    def said(self, features: Tensor) -> Tensor:
        """What the photo says of weights, (N, weights, H, W): each pixel's features tell its own."""
        return planes(self.weigh, features)

    def weighed(self, said: Tensor, judged: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights (N, units, D, K, 1, H, W), less than one in sum; confidence and share kept (N, 1, H, W)."""
        logits = said.unflatten(1, self.shape)
        most = logits.detach().amax(3, keepdim=True).clamp_min(STAY)
        shares = (logits - most).exp()
        weights = (shares / (shares.sum(3, keepdim=True) + (STAY - most).exp())).unsqueeze(4)
        confidence, kept = judged.sigmoid().unsqueeze(2).unbind(1)
        return weights, LEAST + (1 - LEAST) * confidence, kept

    def guidance(self, photo: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights, confidence and share kept, for `spread`."""
        features, judged = self.read(photo, coarse)
        return self.weighed(self.said(features), judged)

    def forward(self, photo: Tensor, coarse: Tensor) -> Tensor:
        """Refined probabilities (N, C, H, W) of a photo (N, 3, H, W) in [0, 1] and its coarse map (N, C, H, W).

        Pixels of which nothing is known have zeros in all classes.
        """
        weights, confidence, kept = self.guidance(photo, coarse)
        return spread(coarse, coarse.sum(1, keepdim=True), confidence, kept, weights.unbind(1))


def pooled(maps: Tensor) -> Tensor:
    """Means of two by two pixels."""
    return avg_pool2d(maps, 2, ceil_mode=True)


def planes(out: nn.Conv2d, features: Tensor) -> Tensor:
    """A 1x1 convolution whose result lies plane by plane, as the kernels read it, however the features lie."""
    count, channels, *size = features.shape
    pixels = features.permute(0, 2, 3, 1).reshape(count, -1, channels)  # as it lies, if channels are last
    weight = out.weight.flatten(1).expand(count, -1, -1)
    return torch.baddbmm(cast(Tensor, out.bias)[:, None], weight, pixels.mT).unflatten(2, size)


def mask_refiner(weights: str | Path = WEIGHTS) -> MaskRefiner:
    """The refiner without classes that comes with the project, ready to use.

    It has learned from made-up scenes alone (`spnkit.data.scenes`), so it knows no licence but the project's, and
    photographs only from hearsay. `python analysis/refinement/train.py` trains it anew.

    Parameters
    ----------
    weights : path
        The file to read; by default the one in the package.

    Returns
    -------
    MaskRefiner
        In eval mode, its normalisations made part of its convolutions.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds something else.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import mask_refiner
    >>> with torch.no_grad():
    ...     refined = mask_refiner()(torch.rand(1, 3, 64, 80), torch.rand(1, 5, 64, 80).softmax(1))
    >>> refined.shape
    torch.Size([1, 5, 64, 80])
    """
    whole = cast(Any, fused(loaded(Path(weights)).eval()))
    return whole.to(memory_format=torch.channels_last)  # a third less time


def loaded(path: Path) -> MaskRefiner:
    """A refiner as it was trained, to be trained on."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no weights there; analysis/refinement/train.py trains some")
    try:
        saved = load_whole(path)
        made = MaskRefiner(**saved["made of"])
        made.load_state_dict({name: value.float() for name, value in saved["weights"].items()})
    except UNREADABLE as error:
        raise ValueError(f"{path}: damaged, or no weights of a mask refiner") from error
    return made


def packed(refiner: MaskRefiner) -> dict[str, Any]:
    """What `mask_refiner` reads: two bytes a weight."""
    half = {name: value.half() if value.is_floating_point() else value for name, value in refiner.state_dict().items()}
    return {"made of": refiner.made_of, "weights": half}
