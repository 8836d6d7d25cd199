"""The layer, and the propagation module that the paper builds from it (Section 4)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from spnkit.directions import CONNECTIONS, DIRECTIONS
from spnkit.nn.blocks import fitted, halved, upsampled
from spnkit.plan import ASKED_FOR, look_up, names_of, plan
from spnkit.propagation import propagate


class SpatialPropagation(nn.Module):
    """`spnkit.propagate` as a layer: one propagation unit, without weights of its own (Eqs. 9 and 10).

    Parameters
    ----------
    directions, normalization, integration, backend
        As in `spnkit.propagate`.

    Raises
    ------
    TypeError, ValueError
        If there is no direction, rule, integration or backend of that name.

    Examples
    --------
    >>> import torch
    >>> from spnkit.nn import SpatialPropagation
    >>> layer = SpatialPropagation()
    >>> layer(torch.rand(2, 8, 16, 20), torch.randn(2, 4, 3, 8, 16, 20)).shape
    torch.Size([2, 8, 16, 20])
    """

    def __init__(
        self,
        directions: Sequence[str] = DIRECTIONS,
        normalization: str = "clip",
        integration: str | None = "max",
        backend: str = "auto",
    ) -> None:
        super().__init__()
        self.directions = names_of(directions)
        plan(self.directions, normalization, integration)  # names that do not exist are refused here
        look_up("backend", backend, ASKED_FOR)
        self.normalization = normalization
        self.integration = integration
        self.backend = backend

    def forward(self, x: Tensor, gates: Tensor) -> Tensor:
        """Propagate `x` (N, C, H, W) by `gates` (N, D, K, C or 1, H, W); result and errors as of `spnkit.propagate`."""
        return propagate(
            x,
            gates,
            directions=self.directions,
            normalization=self.normalization,
            integration=self.integration,
            backend=self.backend,
        )

    def extra_repr(self) -> str:
        return (
            f"directions={self.directions}, normalization={self.normalization!r}, "
            f"integration={self.integration!r}, backend={self.backend!r}"
        )


class PropagationModule(nn.Module):
    """The upper half of Figure 2: a convolution, cascaded propagation units, two convolutions.

    The map is halved (`stride` 2) after the first convolution and brought back before the last, so that the
    units work on 64 x 64 x 32 for a 128 x 128 patch. Each is fed the integrated map of the one before.

    Parameters
    ----------
    num_classes : int
        Channels of the input map and of the output.
    connection : {"three_way", "one_way"}
        Connections of each pixel.
    hidden : int
        Channels that are propagated.
    stride : int
        The input is this many times larger than the propagated map.
    units : int
        Cascaded units.
    share_weights : bool
        Whether every unit uses the same weights.
    per_channel : bool
        Whether each propagated channel has weights of its own.
    propagation : SpatialPropagation, optional
        The unit; by default four directions, clipped weights, node-wise max.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        connection: str = "three_way",
        hidden: int = 32,
        stride: int = 2,
        units: int = 2,
        share_weights: bool = True,
        per_channel: bool = True,
        propagation: SpatialPropagation | None = None,
    ) -> None:
        super().__init__()
        if connection not in CONNECTIONS:
            raise ValueError(f"connection must be one of {sorted(CONNECTIONS)}, got {connection!r}")
        if not isinstance(propagation, SpatialPropagation | None):
            raise TypeError(f"propagation must be a SpatialPropagation, got {propagation!r}")
        if propagation is not None and propagation.integration is None:
            raise ValueError("propagation must integrate its directions, got integration=None")
        self.hidden, self.stride, self.units, self.share_weights = hidden, stride, units, share_weights
        self.per_channel = per_channel
        self.connections = len(CONNECTIONS[connection])
        self.before = nn.Conv2d(num_classes, hidden, 3, padding=1)
        self.unit = propagation or SpatialPropagation()
        self.after = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.classify = nn.Conv2d(hidden, num_classes, 3, padding=1)

    @property
    def gate_shape(self) -> tuple[int, int, int, int]:
        """Sets of weights, directions, connections, channels: what the guidance outputs at each pixel."""
        sets = 1 if self.share_weights else self.units
        return sets, len(self.unit.directions), self.connections, self.hidden if self.per_channel else 1

    def forward(self, coarse: Tensor, guidance: Tensor) -> Tensor:
        """Logits of `coarse` (N, num_classes, H, W), propagated by `guidance` (N, prod(gate_shape), h, w)."""
        size = coarse.shape[-2:]
        whole = fitted(coarse, [self.propagated(side) * self.stride for side in size])
        # Halving by bilinear interpolation is the mean of four pixels.
        h = avg_pool2d(self.before(whole), self.stride)
        for gates in self.gates(guidance):
            h = self.unit(h, gates)
        h = relu(self.after(h))
        return fitted(self.classify(upsampled(h, self.stride)), size)

    def propagated(self, size: int) -> int:
        """The side of the propagated map for an image of that side."""
        for _ in range(self.stride.bit_length() - 1):
            size = halved(size)
        return size

    def gates(self, guidance: Tensor) -> Sequence[Tensor]:
        """The weights of each unit; a view where all share them, whose gradient then needs no copy."""
        if self.share_weights:
            return [guidance.unflatten(1, self.gate_shape[1:])] * self.units
        return guidance.unflatten(1, self.gate_shape).unbind(1)

    def extra_repr(self) -> str:
        weights = f"share_weights={self.share_weights}, per_channel={self.per_channel}"
        return f"stride={self.stride}, units={self.units}, {weights}"
