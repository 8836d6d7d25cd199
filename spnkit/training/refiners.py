"""The network that refines: what there is to choose, and how it begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from spnkit.directions import CONNECTIONS
from spnkit.nn import SPN, PlainRefinement, SpatialPropagation, UNetGuidance, VGGGuidance, efficientnet_lite0
from spnkit.nn.blocks import WIDTHS, scaled
from spnkit.nn.checks import UNREADABLE
from spnkit.nn.guidance import VGG16Features
from spnkit.training.options import OptionGroup, grouped, option

NORMALIZATIONS = ("clip", "always", "softmax", "sigmoid")
INTEGRATIONS = ("max", "mean", "sum")
STARTS = {"random": (1.0, 0.0), "still": (0.1, 0.0), "flowing": (0.1, 0.75), "copying": (0.1, 0.0)}
"""Share of torch's first weights that the gates begin with, and what they add up to before any."""
CERTAIN = 8.0
"""Logit that a copy of the coarse map begins with where it is sure."""
REFINER_ROWS = {"spn": "SPN", "plain": "plain convolutions"}
BLANK = ", blank photo"
GUIDANCE: dict[str, Callable[..., nn.Module]] = {
    "unet": UNetGuidance,
    "vgg16": VGGGuidance,
    "efficientnet_lite0": efficientnet_lite0,
}


@grouped
class RefinerOptions(OptionGroup):
    """What refines a coarse map."""

    group = "refiner"

    refiner: str = option(
        "the SPN, or convolutions of photo and map in its place",
        default="spn",
        choices=tuple(REFINER_ROWS),
        more="These are the same guidance network without propagation, `spnkit.nn.PlainRefinement`.",
    )
    guidance: str = option(
        "what reads the photo: the paper's encoder-decoder, VGG-16, or EfficientNet-Lite0",
        default="unet",
        choices=tuple(GUIDANCE),
        more="The last has weights of ImageNet with it (`spnkit[backbones]`).",
    )
    vgg16: str | None = option("file of torchvision's weights of VGG-16, for --guidance vgg16", default=None)
    backbone_rate: float = option(
        "share of the rate for a backbone that has learned already; 0 leaves it as it is",
        default=0.1,
        least=0,
        more="As in the paper.",
    )
    connection: str = option("connections of each pixel", default="three_way", choices=tuple(CONNECTIONS))
    normalization: str = option(
        "rule for the weights", default="clip", choices=NORMALIZATIONS, more="As in `spnkit.propagate`."
    )
    integration: str = option(
        "rule for the directions", default="max", choices=INTEGRATIONS, more="As in `spnkit.propagate`."
    )
    start: str = option(
        "the SPN before training: its gates, or all of it copying the coarse map",
        default="random",
        choices=tuple(STARTS),
        more="The gates are as torch begins a convolution, so large that most are clipped; a tenth of it, so that each "
        'pixel keeps its own value; or such that it takes three quarters of its neighbours\'. With "copying" the gates '
        "are still, and the convolutions around the propagation begin as a copy of the map.",
    )
    share_weights: bool = option("all units use the same weights", default=True)
    per_channel: bool = option("each propagated channel has weights of its own", default=True, more="As in the paper.")
    hidden: int = option("channels that are propagated", default=16)
    propagated: int = option(
        "side of the propagated map of a 128 x 128 patch", default=64, choices=(4, 8, 16, 32, 64, 128)
    )
    units: int = option("propagation units in cascade", default=2)
    residual: bool = option("the coarse map's log-probabilities are added to the refinement", default=True)
    batch_norm: bool = option("the refining network normalises its convolutions", default=True)
    blank: bool = option(
        "give the refining network a blank photo",
        default=False,
        more="What is gained then is no refinement, but a recalibration.",
    )
    control: bool = option(
        "also train a network that never sees a photo", default=True, more="It learns on the same patches."
    )
    width: float = option(
        "share of the paper's channels in all encoder-decoders", default=0.5, more="The paper has 32 to 512."
    )
    patch: int = option(
        "side of a training patch and of a tile at test",
        default=128,
        least=2,
        more="A patch of one pixel has nothing to refine.",
    )
    whole: bool = option(
        "refine photos in one piece at test, not tile by tile", default=False, more="Of photos that fit into memory."
    )

    def check(self) -> None:
        if self.vgg16 is not None and self.guidance != "vgg16":
            raise ValueError(f"vgg16: its weights are for guidance vgg16 alone, got guidance {self.guidance}")


def scaled_widths(width: float) -> list[int]:
    """Channels of the five levels of an encoder-decoder, as a share of the paper's."""
    return [scaled(each, width) for each in WIDTHS]


def refiner(chosen: RefinerOptions, num_classes: int, widths: Sequence[int]) -> nn.Module:
    """The network that refines: `(image, coarse) -> logits`."""
    shape: dict[str, Any] = {"widths": widths, "batch_norm": chosen.batch_norm}
    if chosen.refiner == "plain":
        made = None if chosen.guidance == "unet" else partial(GUIDANCE[chosen.guidance], batch_norm=chosen.batch_norm)
        return PlainRefinement(num_classes, chosen.hidden, chosen.propagated, made, residual=chosen.residual, **shape)
    if chosen.guidance != "unet":
        del shape["widths"]
    spn = SPN(
        num_classes,
        partial(GUIDANCE[chosen.guidance], **shape),
        chosen.connection,
        chosen.hidden,
        chosen.propagated,
        chosen.units,
        share_weights=chosen.share_weights,
        per_channel=chosen.per_channel,
        residual=chosen.residual,
        propagation=SpatialPropagation(normalization=chosen.normalization, integration=chosen.integration),
    )
    begin(spn, *STARTS[chosen.start])
    if chosen.start == "copying":
        copy_coarse(spn)
    return spn


def learned_vgg16(path: str) -> dict[str, Tensor]:
    """The weights of a file that torchvision publishes, for `VGGGuidance`.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds something else; the message names it.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no weights of VGG-16 there")
    try:  # the published file is older than the format whose checksums can be looked at
        found = torch.load(path, map_location="cpu", weights_only=True)
        with torch.device("meta"):
            wanted = VGG16Features().state_dict()
        fits = all(found[f"features.{name}"].shape == value.shape for name, value in wanted.items())
    except UNREADABLE as error:
        raise ValueError(f"{path}: damaged, or no weights of torchvision's vgg16") from error
    if not fits:
        raise ValueError(f"{path}: weights of another network than torchvision's vgg16")
    return found


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
