"""Maps of many photos, which may be of any size, in one tensor."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Maps:
    """Coarse maps (C, H, W), in half precision: one tensor, as each that goes to a worker takes an open file.

    Examples
    --------
    >>> maps = Maps([torch.zeros(2, 3, 4), torch.ones(2, 5, 6)])
    >>> maps[1].shape, float(maps[1].mean())
    (torch.Size([2, 5, 6]), 1.0)
    """

    def __init__(self, maps: Iterable[Tensor]) -> None:
        flat = []
        self.shapes: list[torch.Size] = []
        for each in maps:
            self.shapes.append(each.shape)
            flat.append(each.half().flatten())
        self.values = torch.cat(flat)
        self.starts = [0, *torch.tensor([len(each) for each in flat]).cumsum(0).tolist()]

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, index: int) -> Tensor:
        return self.values[self.starts[index] : self.starts[index + 1]].view(self.shapes[index])
