"""What Lightning trains: the parsers together, then a refining network and its control on the same patches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from math import cos, pi
from typing import Any, cast

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spnkit.nn import SPN, FaceParser
from spnkit.nn.blocks import WIDTHS
from spnkit.nn.pyramid import PyramidGuidance
from spnkit.training.coarse import refine, refine_whole, to_tensor
from spnkit.training.devices import MachineOptions
from spnkit.training.losses import multi_objective_loss, segmentation_loss, softmax_loss
from spnkit.training.options import OptionGroup, grouped, option
from spnkit.training.parsers import CoarseOptions, make_parsers, values_seen
from spnkit.training.refiners import BLANK, REFINER_ROWS, RefinerOptions, refiner, scaled_widths
from spnkit.training.second_task import GateExcess, ParsingHead

WARM_UP = 0.1
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}


def one_cycle(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step: a linear rise over the first tenth, then half a cosine."""
    return min(1.0, (step + 1) / (WARM_UP * steps)) * (1 + cos(pi * step / steps)) / 2


def poly(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step: it falls to zero, first almost straight (Chen et al., 2018)."""
    return (1 - step / steps) ** 0.9 if step < steps else 0.0


SCHEDULES = {"cycle": one_cycle, "poly": poly}
LOSSES = {"balanced": segmentation_loss, "softmax": softmax_loss}
LAST_SEED = 2**32 - 2
"""torch takes 32 bits, and the second stage has the seed after the run's."""


@grouped
class CycleOptions(OptionGroup):
    """How long, and how fast, what refines is trained."""

    group = "training"

    steps: int = option("training steps of what refines", default=250)
    batch: int = option("patches a step", default=4)
    rate: float = option("peak learning rate", default=6e-3, more="Of one cycle.")
    optimizer: str = option(
        "what trains",
        default="adam",
        choices=tuple(OPTIMIZERS),
        more="SGD, the paper's, has a momentum of 0.9.",
    )
    schedule: str = option(
        "how the rate goes on: one cycle, or falling from its peak by the power 0.9",
        default="cycle",
        choices=tuple(SCHEDULES),
        more="The latter is that of DeepLab and of the paper on PASCAL VOC.",
    )
    clip: float = option("greatest norm of a step's gradient; 0: any", default=0.0, least=0)
    seed: int = option("source of all chance", default=0, least=0, more=f"At most {LAST_SEED}.")

    def check(self) -> None:
        if self.seed > LAST_SEED:
            raise ValueError(f"seed: expected at most {LAST_SEED}, got {self.seed}")


@grouped
class TrainingOptions(CycleOptions):
    """What a refinement of known classes is trained for."""

    group = "training"

    loss: str = option(
        "of the refining network: balanced, or the paper's softmax",
        default="balanced",
        choices=tuple(LOSSES),
        more="They are `spnkit.training.segmentation_loss`, and the softmax loss alone.",
    )
    tempered: float = option(
        "how much surer or less sure coarse maps are made by chance",
        default=0.0,
        least=0,
        more="Each is raised to a power from 1 / (1 + tempered) to 1 + tempered, for maps of other models.",
    )
    parsing: float = option(
        "weight of a second loss, by which what reads the photo learns to parse it",
        default=0.0,
        least=0,
        more="The paper has none.",
    )
    restraint: float = option(
        "weight of a third, on gates that add up to more than one", default=0.0, least=0, more="The paper has none."
    )


@grouped
class RefinementOptions(RefinerOptions, TrainingOptions, MachineOptions):
    """All that training a refinement asks for; a task adds where its photos and coarse maps come from."""

    def check(self) -> None:
        if self.batch_norm and values_seen(self.batch, 1, self.patch, len(WIDTHS) - 1) < 2:
            raise ValueError(
                f"batch: expected at least 2 for patches of {self.patch} x {self.patch} pixels, got {self.batch}"
            )


def digest_of(module: nn.Module) -> str:
    """A number of all weights and statistics."""
    found = blake2b(digest_size=16)
    for name, value in sorted(module.state_dict().items()):
        found.update(name.encode() + b"\0" + value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


class Training(lightning.LightningModule):
    """A schedule of the learning rate, and hyper-parameters that rebuild the networks from a checkpoint.

    Parameters
    ----------
    classes : sequence of str
        Class names in index order.
    options : OptionGroup
        Choices of the run; with `CoarseOptions` among them there are parsers.
    """

    steps_option = "steps"
    options: Any

    def __init__(self, classes: Sequence[str], options: OptionGroup) -> None:
        super().__init__()
        self.options, self.classes = options, tuple(classes)
        self.save_hyperparameters({"classes": list(classes), "options": options.as_dict()})
        self.parsers = nn.ModuleList()
        if isinstance(options, CoarseOptions):
            self.parsers.extend(make_parsers(options, len(classes), self.widths))
        self.networks = nn.ModuleDict()  # what refines their maps, by row of the table
        self.made_from: dict[str, str] = {}

    @property
    def widths(self) -> Sequence[int]:
        """Channels of the levels of all encoder-decoders."""
        return scaled_widths(self.options.width)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Each checkpoint says what else than options and classes went into it."""
        checkpoint["made_from"] = self.made_from

    def photo(self, row: str, image: Tensor) -> Tensor:
        """What the network of a row is shown."""
        return torch.zeros_like(image) if row.endswith(BLANK) else image

    def refined(self, row: str, photo: NDArray[np.uint8], coarse: Tensor) -> Tensor:
        """Class probabilities (num_classes, H, W) of a whole photo (H, W, 3) by the network of a row."""
        image, patch = to_tensor(photo / np.float32(255)), self.options.patch
        given = self.photo(row, image).to(self.device), coarse.to(self.device)
        if self.options.whole:
            return refine_whole(self.networks[row], *given)
        return refine(self.networks[row], *given, patch=patch, overlap=patch // 4)

    @property
    def schedule(self) -> Callable[..., float]:
        """Share of the peak rate, by step and steps."""
        return SCHEDULES[self.options.schedule]

    def backbones(self) -> Iterator[nn.Module]:
        """What has learned already."""
        return (module.features for module in self.modules() if isinstance(module, PyramidGuidance))

    def groups(self) -> list[dict[str, Any]]:
        """What is trained: backbones, which have learned already, at a share of the rate."""
        slow = {p for backbone in self.backbones() for p in backbone.parameters()}
        trained = [p for p in self.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [{"params": [p for p in trained if p not in slow]}]
        if slow:
            rate = self.options.rate * self.options.backbone_rate
            groups.append({"params": [p for p in trained if p in slow], "lr": rate})
        return groups

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        if self.options.clip:
            self.clip_gradients(optimizer, gradient_clip_val=self.options.clip, gradient_clip_algorithm="norm")

    def configure_optimizers(self) -> Any:
        optimizer = OPTIMIZERS[self.options.optimizer](self.groups(), lr=self.options.rate)
        steps = getattr(self.options, self.steps_option)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(self.schedule, steps=steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class ParserTraining(Training):
    """Train one parser a fold, each on the photos of the other folds."""

    steps_option, schedule = "parser_steps", staticmethod(one_cycle)

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """Parsers have none."""

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

    def __init__(self, classes: Sequence[str], options: RefinementOptions) -> None:
        super().__init__(classes, options)
        self.parsers.requires_grad_(False)
        row = REFINER_ROWS[self.options.refiner]
        rows = [row + BLANK * self.options.blank, *[row + BLANK] * self.options.control]
        self.networks = nn.ModuleDict({row: refiner(self.options, len(classes), self.widths) for row in rows})
        for backbone in self.backbones():
            backbone.requires_grad_(self.options.backbone_rate > 0)
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
