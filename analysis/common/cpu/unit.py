"""One call of the CPU kernels: its arrays, its mandatory traffic, and memory for its results."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

import spnkit
from spnkit.backends import backend
from spnkit.plan import plan

LINE = 64  # bytes
BLOCK = (1 << 22) - 3  # random values drawn for an array, which repeats them: drawing takes longer than most timings


class Unit:
    """Random arrays of one size, and the calls on them.

    The kernels are called with memory for the results that is touched before, as is the target of the copy. The
    public calls allocate theirs, and so wait for the system to hand out pages as well.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        planes: int,
        height: int,
        width: int | None = None,
        *,
        dtype: type = np.float32,
        connections: int = 3,
        shared: bool = False,
        directions: tuple[str, ...] = spnkit.DIRECTIONS,
    ):
        width = width or height
        self.x = _normal(rng, (1, planes, height, width), dtype)
        shape = (1, len(directions), connections, 1 if shared else planes, height, width)
        self.gates = _normal(rng, shape, dtype)
        self.plan = plan(directions, "clip", "max" if len(directions) > 1 else "sum")
        self.y = aligned(self.x.shape, dtype)
        self.forward_bytes = self.gates.nbytes + 2 * self.x.nbytes  # 14 values for each pixel and channel
        self.both_bytes = 3 * self.gates.nbytes + 5 * self.x.nbytes  # 41
        self.backward_bytes = self.both_bytes - self.forward_bytes  # 27

    @cached_property
    def winner(self) -> np.ndarray:
        """A byte for each pixel."""
        return aligned(self.x.shape, np.uint8)

    @cached_property
    def hidden(self) -> np.ndarray | None:
        """Room for the rows of h that the way there keeps."""
        size = backend("cpu").hidden_bytes(self.x.shape, self.x.itemsize, self.plan)
        return aligned((size,), np.uint8) if size else None

    @cached_property
    def gradients(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The gradient that comes in, here simply x, and memory for those of x and the gates."""
        return self.x, aligned(self.x.shape, self.x.dtype), aligned(self.gates.shape, self.x.dtype)

    def forward(self) -> None:
        """The kernel that serves where no gradient is wanted."""
        backend("cpu").forward(self.x, self.gates, self.y, None, self.plan)

    def backward(self) -> None:
        """The kernel of the gradients; `both` must have run."""
        grad, dx, dgates = self.gradients
        backend("cpu").backward(grad, self.winner, self.x, self.gates, dx, dgates, self.plan, self.hidden)

    def both(self) -> None:
        """Forward, with the winners and rows of h kept, and backward."""
        backend("cpu").forward(self.x, self.gates, self.y, self.winner, self.plan, self.hidden)
        self.backward()


def _normal(rng, shape, dtype):
    array = aligned(shape, dtype)
    array[...] = np.resize(rng.standard_normal(min(math.prod(shape), BLOCK), dtype), shape)
    return array


def aligned(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Memory that is touched and begins on a cache line, as torch allocates it."""
    raw = np.ones(math.prod(shape) * np.dtype(dtype).itemsize + LINE, np.uint8)
    begin = -raw.ctypes.data % LINE
    return raw[begin : raw.size - LINE + begin].view(dtype).reshape(shape)
