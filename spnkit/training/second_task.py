"""What the network that reads the photo is taught besides refinement: to parse, and not to shout."""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from spnkit.nn import SPN
from spnkit.nn.blocks import EncoderDecoder


class Kept(list[Tensor]):
    """What passed a module last while it trained, until it is taken: its input, as a hook before it, or its output."""

    def __call__(self, module: nn.Module, given: tuple[Any, ...], said: Tensor | None = None) -> None:
        if module.training:
            self[:] = [given[0] if said is None else said]

    def __reduce__(self) -> tuple[Any, ...]:
        return Kept, ()  # a copy of the network begins with nothing: what hangs on a graph cannot be copied

    def taken(self) -> Tensor:
        """What was kept."""
        if not self:
            raise RuntimeError("the network has seen no photo in training since this was last asked for")
        return self.pop()


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

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import SPN
    >>> from spnkit.training import ParsingHead, segmentation_loss
    >>> network, labels = SPN(5), torch.randint(0, 5, (2, 128, 128))
    >>> head = ParsingHead(network, 5)
    >>> refined = network(torch.rand(2, 3, 128, 128), torch.rand(2, 5, 128, 128).softmax(1))
    >>> loss = segmentation_loss(refined, labels) + segmentation_loss(head(labels), labels)
    """

    def __init__(self, network: nn.Module, num_classes: int) -> None:
        reader = cast(EncoderDecoder, network.guidance if isinstance(network, SPN) else network.features)
        super().__init__(reader.out.in_channels, num_classes, 1)
        self.kept = Kept()
        reader.out.register_forward_pre_hook(self.kept)

    def forward(self, labels: Tensor) -> Tensor:
        """Logits of the photo that the network saw last, at the size of its labels (N, H, W)."""
        features = self.kept.taken()
        return interpolate(super().forward(features), labels.shape[-2:], mode="bilinear", align_corners=False)


class GateExcess(nn.Module):
    """How far the weights of an SPN add up to more than one, in the mean over pixels, directions and channels.

    Where they do, clipping forgets by how much, so nothing pulls them back; and a one-way weight, which is
    then one or minus one, learns nothing any more.

    Parameters
    ----------
    network : SPN
        Unchanged, but that its weights are kept while it trains.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import SPN
    >>> from spnkit.training import GateExcess
    >>> network = SPN(5, connection="one_way")
    >>> excess = GateExcess(network)
    >>> refined = network(torch.rand(2, 3, 128, 128), torch.rand(2, 5, 128, 128).softmax(1))
    >>> bool(excess() >= 0)  # to be added to the loss
    True
    """

    def __init__(self, network: SPN) -> None:
        super().__init__()
        if not isinstance(network, SPN):
            raise TypeError(f"network must be an SPN, got {type(network).__name__}")
        self.shape, self.kept = network.propagation.gate_shape, Kept()
        network.guidance.register_forward_hook(self.kept)

    def forward(self) -> Tensor:
        """A scalar, from the photo that the network saw last."""
        gates = self.kept.taken().unflatten(1, self.shape)
        return relu(gates.abs().sum(3) - 1).mean()
