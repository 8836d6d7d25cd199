"""What is computed, and the floor below it: the bytes that any program for it has to move."""

from __future__ import annotations

from dataclasses import dataclass

import torch

import spnkit
from analysis.common.rivals import WAYS as AXES

WAYS = dict(zip(spnkit.DIRECTIONS, AXES, strict=True))


@dataclass
class Problem:
    """Maps x (N, C, H, W), gates (N, D, K, C or 1, H, W), a name for each direction, and how these are integrated."""

    x: torch.Tensor
    gates: torch.Tensor
    ways: tuple = tuple(WAYS)
    how: str = "max"

    @property
    def shared(self):
        """Whether channels share their gates."""
        return self.gates.shape[3] < self.x.shape[1]

    def call(self, x=None, gates=None):
        """The result of the library, for other tensors than its own where they are given."""
        x, gates = self.x if x is None else x, self.gates if gates is None else gates
        if len(self.ways) == 1:
            return spnkit.scan(x, gates[:, 0], self.ways[0])
        return spnkit.propagate(x, gates, integration=self.how)

    def there_and_back(self, grad):
        """A call that goes forward and back; it returns the gradients at x and gates."""
        x, gates = self.x.detach().requires_grad_(), self.gates.detach().requires_grad_()
        return lambda: torch.autograd.grad(self.call(x, gates), (x, gates), grad)

    def visits(self):
        """Pixels of all planes in all directions."""
        return self.x.numel() * len(self.ways)

    def forward_bytes(self):
        """x and gates read, y written."""
        return self.gates.nbytes + 2 * self.x.nbytes

    def both_bytes(self):
        """Forward, and then the gradient, x and gates read, and both gradients written."""
        return 3 * self.gates.nbytes + 5 * self.x.nbytes


@dataclass(frozen=True)
class Floor:
    """The least time in which `moved` bytes can be moved, where a large copy moves `speed` bytes a millisecond."""

    moved: int
    speed: float

    def figures(self, ms):
        """What a time means."""
        floor = self.moved / self.speed
        return {"bytes": self.moved, "floor ms": floor, "GB/s": self.moved / ms / 1e6, "floors": ms / floor}


def drawn(n, c, h, w, directions=tuple(WAYS), channels=None, connections=3, dtype=torch.float32, how="max"):
    """A random problem whose gates are worth clipping."""
    x = torch.randn(n, c, h, w, device="cuda", dtype=dtype)
    gates = torch.randn(n, len(directions), connections, channels or c, h, w, device="cuda", dtype=dtype)
    return Problem(x, gates, directions, how)


def channels_last(problem):
    """The same with channels next to each other in memory."""
    x = problem.x.contiguous(memory_format=torch.channels_last)
    gates = problem.gates.movedim(3, -1).contiguous().movedim(-1, 3)
    return Problem(x, gates, problem.ways, problem.how)
