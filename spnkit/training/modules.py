"""What Lightning trains: the parsers together, then a refining network and its control on the same patches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from math import cos, log2, pi
from typing import Any, cast

import lightning
import torch
from torch import Tensor, nn

from spnkit.nn import SPN, FaceParser, HighResFaceParser, PlainRefinement, SpatialPropagation, UNetGuidance
from spnkit.nn.blocks import WIDTHS
from spnkit.training.losses import multi_objective_loss, segmentation_loss, softmax_loss
from spnkit.training.options import Options
from spnkit.training.second_task import GateExcess, ParsingHead

WARM_UP = 0.1
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}
LOSSES = {"balanced": segmentation_loss, "softmax": softmax_loss}
STARTS = {"random": (1.0, 0.0), "still": (0.1, 0.0), "flowing": (0.1, 0.75), "copying": (0.1, 0.0)}
"""Share of torch's first weights that the gates begin with, and what they add up to before any."""
CERTAIN = 8.0
"""Logit that a copy of the coarse map begins with where it is sure."""
REFINER_ROWS = {"spn": "SPN", "plain": "plain convolutions"}
BLANK = ", blank photo"


def digest_of(module: nn.Module) -> str:
    """A number of all weights and statistics."""
    found = blake2b(digest_size=16)
    for name, value in sorted(module.state_dict().items()):
        found.update(name.encode() + b"\0" + value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def one_cycle(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step: a linear rise over the first tenth, then half a cosine."""
    return min(1.0, (step + 1) / (WARM_UP * steps)) * (1 + cos(pi * step / steps)) / 2


class Training(lightning.LightningModule):
    """One cycle of the learning rate, and hyper-parameters that rebuild the networks from a checkpoint.

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
        kind: Callable[..., FaceParser] = FaceParser
        if self.options.highres:
            kind = partial(HighResFaceParser, levels=round(log2(self.options.factor)))
        parsers = (kind(len(classes), widths=self.widths, edge=True) for _ in range(self.options.folds))
        self.parsers = nn.ModuleList(parsers)
        self.networks = nn.ModuleDict()  # what refines their maps, by row of the table
        self.made_from: dict[str, str] = {}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Each checkpoint says what else than options and classes went into it."""
        checkpoint["made_from"] = self.made_from

    def photo(self, row: str, image: Tensor) -> Tensor:
        """What the network of a row is shown."""
        return torch.zeros_like(image) if row.endswith(BLANK) else image

    def configure_optimizers(self):
        trained = [p for p in self.parameters() if p.requires_grad]
        optimizer = OPTIMIZERS[self.options.optimizer](trained, lr=self.options.rate)
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
            logits, edge = cast(FaceParser, parser).with_edge(batch["image"][seen])
            losses.append(multi_objective_loss(logits, edge, batch["labels"][seen]))
        return torch.stack(losses).mean()


class RefinementTraining(Training):
    """Train the SPN (or what takes its place) and, on the same patches, its control, which never sees a photo.

    Their weights are disjoint and Adam treats every weight alone, so neither influences the other. The
    parsers are carried along, frozen: one checkpoint holds all that turns a photo into a refined map.
    """

    steps_option = "steps"

    def __init__(self, classes: Sequence[str], options: Options | dict[str, Any]) -> None:
        super().__init__(classes, options)
        self.parsers.requires_grad_(False)
        row = REFINER_ROWS[self.options.refiner]
        rows = [row + BLANK * self.options.blank, *[row + BLANK] * self.options.control]
        self.networks = nn.ModuleDict({row: refiner(self.options, len(classes), self.widths) for row in rows})
        # A step takes a sixth less, without propagation a third.
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        second = self.networks.items() if self.options.parsing else ()
        self.heads = nn.ModuleDict({row: ParsingHead(network, len(classes)) for row, network in second})
        restrained = [n for n in self.networks.values() if isinstance(n, SPN)] if self.options.restraint else []
        self.excesses = nn.ModuleList(GateExcess(network) for network in restrained)

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        loss, labels = LOSSES[self.options.loss], batch["labels"]
        losses = [
            loss(network(self.photo(row, batch["image"]), batch["coarse"]), labels)
            for row, network in self.networks.items()
        ]
        losses += [self.options.parsing * loss(cast(nn.Module, head)(labels), labels) for head in self.heads.values()]
        losses += [self.options.restraint * excess() for excess in self.excesses]
        return torch.stack(losses).sum()


def refiner(chosen: Options, num_classes: int, widths: Sequence[int]) -> nn.Module:
    """The network that refines: `(image, coarse) -> logits`."""
    shape: dict[str, Any] = {"widths": widths, "batch_norm": chosen.batch_norm}
    if chosen.refiner == "plain":
        return PlainRefinement(num_classes, chosen.hidden, chosen.propagated, residual=chosen.residual, **shape)
    spn = SPN(
        num_classes,
        partial(UNetGuidance, **shape),
        chosen.connection,
        chosen.hidden,
        chosen.propagated,
        chosen.units,
        share_weights=chosen.share_weights,
        residual=chosen.residual,
        propagation=SpatialPropagation(normalization=chosen.normalization, integration=chosen.integration),
    )
    begin(spn, *STARTS[chosen.start])
    if chosen.start == "copying":
        copy_coarse(spn)
    return spn


@torch.no_grad()
def begin(spn: SPN, share: float, total: float) -> None:
    """Set the first weights of the layer that gates come from: a share of what they are, about a given sum."""
    last = cast(UNetGuidance, spn.guidance).out
    for parameter in last.parameters():
        parameter.mul_(share)
    cast(Tensor, last.bias).add_(total / spn.propagation.connections)


@torch.no_grad()
def copy_coarse(spn: SPN) -> None:
    """Let the convolutions around the propagation begin near the identity: what is propagated is the result."""
    module = spn.propagation
    for convolution, gain in ((module.before, 1.0), (module.after, 1.0), (module.classify, CERTAIN)):
        first = convolution.weight.clone()
        nn.init.dirac_(convolution.weight)
        convolution.weight.mul_(gain).add_(first, alpha=0.1)
        cast(Tensor, convolution.bias).zero_()
