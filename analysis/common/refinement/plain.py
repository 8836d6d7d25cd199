"""The control of the refiner without classes: the same networks, the same inputs, and no propagation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spnkit.nn.blocks import double
from spnkit.nn.refiner import FACTS, JUDGING, WIDTHS, MaskRefiner, UNet, facts, planes, pooled
from spnkit.tasks import Refinement
from spnkit.tasks.refinement import ROW, RefinerTraining
from spnkit.training.refiner_losses import relative_loss

LEAST = 1e-3
"""Least probability whose logarithm is taken."""


class PlainMaskRefiner(MaskRefiner):
    """One class at a time, the judge is told the class's map beside the facts, and says how much likelier it becomes.

    So it knows no classes either: any number of them, in any order.
    """

    def __init__(self, widths=WIDTHS, judging=JUDGING) -> None:
        super().__init__(widths=widths, judging=judging)
        del self.weigh
        finest, *others = judging
        told = [2 * (FACTS + 1) + finest, *(FACTS + 1 + few for few in others)]
        self.judge = UNet(0, told, judging)
        self.trust, self.sight = nn.Conv2d(finest, 1, 1), nn.Conv2d(FACTS + 1 + widths[0], 1, 1)
        for out in (self.trust, self.sight):
            nn.init.normal_(out.weight, std=0.01)
            nn.init.zeros_(out.bias)

    def forward(self, photo: Tensor, coarse: Tensor) -> Tensor:
        *features, finest = self.reader(2 * photo - 1, [None] * (len(self.seen) + 1))
        levels, seen = [coarse], [see(maps) for see, maps in zip(self.seen, reversed(features), strict=True)]
        for _ in seen:
            levels.append(pooled(levels[-1]))
        told = [facts(level) for level in levels]
        classes = range(coarse.shape[1])
        likelier = torch.cat([self.one(photo, finest, seen, levels, told, each) for each in classes], 1)
        return (coarse.clamp_min(LEAST).log() + likelier).softmax(1) * coarse.sum(1, keepdim=True)

    def one(self, photo, finest, seen, levels, told, each) -> Tensor:
        """What is added to the logarithm of one class."""
        own = [torch.cat([level[:, each : each + 1], known], 1) for level, known in zip(levels, told, strict=True)]
        first, *others = (torch.cat([maps, known], 1) for maps, known in zip(seen, own[1:], strict=True))
        start = photo.new_empty(len(photo), 0, *first.shape[-2:])
        *_, judged = self.judge(start, [torch.cat([pooled(own[0]), first], 1), *others])
        return double(planes(self.trust, judged), like=photo) + planes(self.sight, torch.cat([own[0], finest], 1))


class PlainTraining(RefinerTraining):
    """Its training: the same loss on the same patches, without weights to judge."""

    def __init__(self, classes, options) -> None:
        super().__init__(classes, options)
        self.networks[ROW] = PlainMaskRefiner()

    def losses(self, batch) -> tuple[Tensor, Tensor]:
        coarse = batch["coarse"]
        found = self.network(batch["image"], coarse)
        left = relative_loss(found, coarse, batch["labels"], self.options.spared, self.options.harm)
        return left, left.new_zeros(())

    def refined(self, row, photo, coarse) -> Tensor:
        return torch.from_numpy(plainly(self.networks[row].eval().cpu(), photo, coarse))


def plain_refiner(path) -> PlainMaskRefiner:
    """The control as a run left it."""
    found = PlainMaskRefiner()
    weights = torch.load(path, weights_only=True)["weights"]
    found.load_state_dict({name: value.float() for name, value in weights.items()})
    return found.eval()


@torch.no_grad()
def plainly(network: nn.Module, photo, coarse):
    """A whole photo (H, W, 3) at once."""
    image = torch.tensor(photo).permute(2, 0, 1)[None] / 255
    return network(image, torch.as_tensor(coarse)[None])[0].numpy()


class PlainControl(Refinement):
    """The task with the control in the refiner's place."""

    training = PlainTraining
