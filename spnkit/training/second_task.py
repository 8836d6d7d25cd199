"""A second task for the network that reads the photo: to parse it, by a head that only training has."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn
from torch.nn.functional import interpolate

from spnkit.nn import SPN
from spnkit.nn.blocks import EncoderDecoder


class ParsingHead(nn.Conv2d):
    """Class logits of the photo, from the features that the refining network's last layer is given.

    Affinities are learned through what propagation makes of them, from which little is to be had as long as they
    say nothing. Features that tell one part of a face from another are what affinities can be made of.

    Parameters
    ----------
    network : SPN or PlainRefinement
        Unchanged, but that its features are kept for the head while it trains.
    num_classes : int
        Channels of the logits.
    """

    def __init__(self, network: nn.Module, num_classes: int) -> None:
        reader = cast(EncoderDecoder, network.guidance if isinstance(network, SPN) else network.features)
        super().__init__(reader.out.in_channels, num_classes, 1)
        self.kept: list[Tensor] = []
        reader.out.register_forward_pre_hook(self.keep)

    def keep(self, _layer: nn.Module, given: tuple[Any, ...]) -> None:
        """Take note of what the last layer is given."""
        if self.training:
            self.kept = [given[0]]

    def forward(self, labels: Tensor) -> Tensor:
        """Logits of the photo that the network saw last, at the size of its labels (N, H, W)."""
        features = self.kept.pop()
        return interpolate(super().forward(features), labels.shape[-2:], mode="bilinear", align_corners=False)
