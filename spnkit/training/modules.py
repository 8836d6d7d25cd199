"""What Lightning trains: the parsers together, then the SPN and its control on the same patches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import cos, pi
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from spnkit.nn import SPN, FaceParser, UNetGuidance
from spnkit.nn.blocks import WIDTHS
from spnkit.training.losses import segmentation_loss
from spnkit.training.options import Options

WARM_UP = 0.1
SPN_ROW, CONTROL_ROW = "SPN", "SPN, blank photo"


def one_cycle(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step: a linear rise over the first tenth, then half a cosine."""
    return min(1.0, (step + 1) / (WARM_UP * steps)) * (1 + cos(pi * step / steps)) / 2


class Training(lightning.LightningModule):
    """Adam on one cycle, and hyper-parameters that rebuild the networks from a checkpoint.

    Parameters
    ----------
    classes : sequence of str
        Class names in index order.
    options : Options or dict
        Choices of the run.
    """

    steps_option: str

    def __init__(self, classes: Sequence[str], options: Options | dict[str, Any]) -> None:
        super().__init__()
        self.options = options if isinstance(options, Options) else Options(**options)
        self.classes = tuple(classes)
        self.save_hyperparameters({"classes": list(classes), "options": self.options.as_dict()})
        self.widths = [max(1, round(self.options.width * width)) for width in WIDTHS]
        parsers = (FaceParser(len(classes), widths=self.widths) for _ in range(self.options.folds))
        self.parsers = nn.ModuleList(parsers)

    def configure_optimizers(self):
        trained = [p for p in self.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(trained, self.options.rate)
        steps = getattr(self.options, self.steps_option)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(one_cycle, steps=steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class ParserTraining(Training):
    """Train one parser a fold, each on the faces of the other folds."""

    steps_option = "parser_steps"

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        losses = []
        for fold, parser in enumerate(self.parsers):
            seen = (batch["fold"] != fold) | (len(self.parsers) == 1)
            losses.append(segmentation_loss(parser(batch["image"][seen]), batch["labels"][seen]))
        return torch.stack(losses).mean()


class RefinementTraining(Training):
    """Train the SPN and, on the same patches, its control, which never sees a photo.

    Their weights are disjoint and Adam treats every weight alone, so neither influences the other. The
    parsers are carried along, frozen: one checkpoint holds all that turns a photo into a refined map.
    """

    steps_option = "steps"

    def __init__(self, classes: Sequence[str], options: Options | dict[str, Any]) -> None:
        super().__init__(classes, options)
        self.parsers.requires_grad_(False)
        rows = [SPN_ROW, CONTROL_ROW] if self.options.control else [SPN_ROW]
        self.networks = nn.ModuleDict({row: self._network() for row in rows})

    def _network(self) -> SPN:
        chosen = self.options
        return SPN(
            len(self.classes),
            lambda channels, stride: UNetGuidance(channels, stride=stride, widths=self.widths),
            chosen.connection,
            chosen.hidden,
            chosen.propagated,
            chosen.units,
        )

    def photo(self, row: str, image: Tensor) -> Tensor:
        """What the network of a row is shown."""
        return torch.zeros_like(image) if row == CONTROL_ROW else image

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        losses = [
            segmentation_loss(network(self.photo(row, batch["image"]), batch["coarse"]), batch["labels"])
            for row, network in self.networks.items()
        ]
        return torch.stack(losses).sum()
