"""The spatial propagation network as a refinement model (Sections 4 and 5, Figure 2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from torch import Tensor, nn

from spnkit.nn.checks import check_counts, check_pair
from spnkit.nn.guidance import UNetGuidance
from spnkit.nn.propagation import PropagationModule, SpatialPropagation

PATCH = 128
FLOOR = 1e-3
"""Least probability of a coarse class: one hard mistake then weighs 7 in the logits and can be undone."""


class SPN(nn.Module):
    """Refine a coarse segmentation by affinities learned from the photo.

    The guidance network reads the photo alone and outputs all weights; the propagation module spreads the
    coarse map by them. As the affinity knows nothing of that map, one model refines the maps of any source.

    Parameters
    ----------
    num_classes : int
        Channels of the coarse map and of the result.
    guidance : nn.Module or callable, default `UNetGuidance`
        A network `(N, 3, H, W) -> (N, gate_channels, ceil(H / stride), ceil(W / stride))`, or what makes it
        when called with `gate_channels` and `stride=`, such as `UNetGuidance` and `VGGGuidance`.
    connection : {"three_way", "one_way"}
        Connections of each pixel (Eqs. 10 and 9).
    hidden : int
        Channels that are propagated.
    size : int
        Side of the propagated map for a 128 x 128 patch; 128 / size is a power of two. Images of another size
        are propagated at the same fraction of it.
    units : int
        Cascaded propagation units.
    share_weights : bool
        Whether all units use the same weights, as in the authors' code and as the paper's 384 = 4 x 3 x 32
        outputs imply. If not, the guidance network outputs a set for each.
    per_channel : bool
        Whether each propagated channel has weights of its own, as in the paper. If not, all take one set: the guidance
        network outputs a `hidden`-th, there is less to learn, and what is learned is of no class.
    residual : bool
        Add the log-probabilities of the coarse map to the result. On by default: the network then begins near
        the identity and learns the refinement; otherwise it first spends its training on copying the map.
    propagation : SpatialPropagation, optional
        The unit, if not four directions, clipped weights and node-wise max.

    Raises
    ------
    TypeError, ValueError
        If a number is no positive integer, `size` or `connection` none of the above, or `guidance` or `propagation`
        something else; the message names the argument.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import SPN
    >>> image, coarse = torch.rand(1, 3, 128, 128), torch.rand(1, 11, 128, 128).softmax(1)
    >>> SPN(11)(image, coarse).shape
    torch.Size([1, 11, 128, 128])
    """

    def __init__(
        self,
        num_classes: int,
        guidance: nn.Module | Callable[..., nn.Module] = UNetGuidance,
        connection: str = "three_way",
        hidden: int = 32,
        size: int = 64,
        units: int = 2,
        *,
        share_weights: bool = True,
        per_channel: bool = True,
        residual: bool = True,
        propagation: SpatialPropagation | None = None,
    ) -> None:
        super().__init__()
        check_counts(num_classes=num_classes, hidden=hidden, size=size, units=units)
        self.num_classes, self.residual = num_classes, residual
        self.propagation = PropagationModule(
            num_classes,
            connection=connection,
            hidden=hidden,
            stride=stride_of(size),
            units=units,
            share_weights=share_weights,
            per_channel=per_channel,
            propagation=propagation,
        )
        if not isinstance(guidance, nn.Module):
            if not callable(guidance):
                raise TypeError(f"guidance must be a module or what makes one, got {guidance!r}")
            guidance = guidance(self.gate_channels, stride=self.propagation.stride)
        self.guidance: nn.Module = guidance

    @property
    def gate_channels(self) -> int:
        """Channels expected of the guidance network."""
        return prod(self.propagation.gate_shape)

    def forward(self, image: Tensor, coarse: Tensor) -> Tensor:
        """Refined logits.

        Parameters
        ----------
        image : Tensor, (N, 3, H, W), floating
            RGB in [0, 1], of any size.
        coarse : Tensor, (N, num_classes, H, W), as `image`
            Probabilities of the classes, upsampled to the image. Those below 0.001 count as 0.001.

        Returns
        -------
        Tensor, (N, num_classes, H, W)

        Raises
        ------
        TypeError, ValueError
            If the two are not finite floating tensors of matching shape, dtype and device, or
            if the guidance network's output does not fit them.

        Warns
        -----
        UserWarning
            If `coarse` has values that no probabilities have: negative ones, as logits do, or such as 255; or if
            `image` has values that no photo in [0, 1] has.
        """
        check_pair(image, coarse, self.num_classes)
        logits = self.refinement(image, coarse)
        return logits + log_coarse(coarse) if self.residual else logits

    def refinement(self, image: Tensor, coarse: Tensor) -> Tensor:
        """What the propagation makes of the map, without the residual; arguments are those of `forward`, unchecked."""
        guidance = self.guidance(image)
        self._check_guidance(guidance, image.shape[-2:])
        return self.propagation(coarse, guidance)

    def _check_guidance(self, guidance: Tensor, size: Sequence[int]) -> None:
        got, expected = tuple(guidance.shape[1:]), (self.gate_channels, *map(self.propagation.propagated, size))
        if got != expected:
            raise ValueError(f"the guidance network must output (N, C, H, W) with C, H, W = {expected}, got {got}")

    def extra_repr(self) -> str:
        return f"num_classes={self.num_classes}, residual={self.residual}"


def log_coarse(coarse: Tensor) -> Tensor:
    """The coarse map as logits that the refinement is added to."""
    return coarse.clamp(min=FLOOR).log()


def stride_of(size: int) -> int:
    """How many times smaller than the image the propagated map is."""
    stride = PATCH // size
    if stride * size != PATCH or stride & (stride - 1):
        raise ValueError(f"size must be {PATCH} divided by a power of two, got {size}")
    return stride
