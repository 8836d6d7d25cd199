"""Every choice of a run, in one place that can be saved, compared and shown."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from itertools import count
from math import ceil, inf, log2
from typing import Any

from spnkit.data import SPLITS
from spnkit.directions import CONNECTIONS
from spnkit.nn.blocks import WIDTHS

NORMALIZATIONS = ("clip", "always", "softmax", "sigmoid")
INTEGRATIONS = ("max", "mean", "sum")
REFINERS = ("spn", "plain")
STARTS = ("random", "still", "flowing", "copying")
LOSSES = ("balanced", "softmax")
OPTIMIZERS = ("adam", "sgd")
KINDS: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "str": str, "str | None": (str, type(None))}
"""What an option may be, by its annotation."""
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed")
LEAST = {"seed": 0, "workers": 0, "parsing": 0, "restraint": 0, "patch": 2}
"""Other least values than 1, or more than 0; a patch of one pixel has nothing to refine."""
LAST_SEED = 2**32 - 2
"""torch takes 32 bits, and the second stage has the seed after the run's."""


@dataclass(frozen=True)
class Options:
    """Choices of a run. The defaults fit two CPU cores and a few minutes, not the paper's GPUs and days.

    Attributes
    ----------
    data : str or None
        Folder of faces, in any layout of `spnkit.data.open_faces`; None makes some up.
    size : int
        Side of the frame that faces are aligned to.
    factor : int
        The baseline parser sees the face this many times smaller.
    highres : bool
        Whether the parser is the paper's Highres-CNN, which sees the whole face.
    folds : int
        Parsers trained, each on the faces outside its fold, so that no training face is parsed by a network
        that has seen it. At test their probabilities are averaged. 1 is the paper's procedure: one parser,
        which parses the faces it was trained on better than any others.
    people : str or None
        Regular expression, whose first match in a face's name says whom it shows. All photos of a person are in
        one fold: a parser that has seen somebody from another side knows the face. None is a person a photo.
    cross_fitted : bool
        Whether the refinement learns from the maps of parsers that had not seen the face, or of one that had.
    parser_steps, steps : int
        Optimisation steps of the parsers and of the SPN.
    parser_batch, batch : int
        Faces, and patches, a step.
    rate : float
        Peak learning rate of one cycle.
    optimizer : {"adam", "sgd"}
        What trains; SGD, the paper's, with a momentum of 0.9.
    loss : {"balanced", "softmax"}
        Of the refining network: `spnkit.training.segmentation_loss`, or the paper's softmax loss alone.
    refiner : {"spn", "plain"}
        What refines: the SPN, or the same guidance network without propagation, `spnkit.nn.PlainRefinement`.
    connection : {"three_way", "one_way"}
        Connections of each pixel.
    normalization, integration : str
        Rules of the propagation units, as in `spnkit.propagate`.
    start : {"random", "still", "flowing", "copying"}
        The gates before training: as torch begins a convolution, so large that most are clipped; a tenth of it,
        so that each pixel keeps its own value; or such that it takes three quarters of its neighbours'. With
        "copying" the gates are still, and the convolutions around the propagation begin as a copy of the map.
    share_weights : bool
        Whether all units use the same weights.
    hidden : int
        Channels that are propagated.
    propagated : int
        Side of the propagated map of a 128 x 128 patch.
    units : int
        Cascaded propagation units.
    residual : bool
        Whether the log-probabilities of the coarse map are added to what the network says.
    batch_norm : bool
        Whether the refining network normalises its convolutions.
    parsing : float
        Weight of a second loss: what reads the photo also learns to parse it. The paper has none.
    restraint : float
        Weight of a third, on gates that add up to more than one. The paper has none.
    blank : bool
        Give the refining network a blank photo: what is gained then is no refinement, but a recalibration.
    width : float
        All encoder-decoders have this share of the paper's channels (32 to 512).
    patch : int
        Side of a training patch, and of a tile at test.
    control : bool
        Whether to train, on the same patches, a second network that is given a blank photo.
    split : {"test", "val"}
        What to score. Choices are to be made on "val".
    made : int
        Training faces made up where there is no `data`; a sixth as many for val, a third for test.
    seed : int
        Source of all chance, below 4294967295.
    device : str
        Where to train, as torch calls it.
    workers : int
        Processes that prepare patches besides the main one.
    devices : int
        Processes, or GPUs, that train together; each takes `batch` samples a step (DDP).
    accumulate : int
        Batches a step of each. A step sees `devices * accumulate * batch` samples; the weights that it learns from
        them do not depend on which of the two made them many, what batch normalisation keeps does a little.
    precision : {"32-true", "16-mixed", "bf16-mixed"}
        As Lightning calls it; mixed is for a GPU.
    """

    data: str | None = None
    size: int = 256
    factor: int = 4
    highres: bool = False
    folds: int = 2
    people: str | None = None
    cross_fitted: bool = True
    parser_steps: int = 400
    steps: int = 250
    parser_batch: int = 8
    batch: int = 4
    rate: float = 6e-3
    optimizer: str = "adam"
    loss: str = "balanced"
    refiner: str = "spn"
    connection: str = "three_way"
    normalization: str = "clip"
    integration: str = "max"
    start: str = "random"
    share_weights: bool = True
    hidden: int = 16
    propagated: int = 64
    units: int = 2
    residual: bool = True
    batch_norm: bool = True
    parsing: float = 0.0
    restraint: float = 0.0
    blank: bool = False
    width: float = 0.5
    patch: int = 128
    control: bool = True
    split: str = "test"
    made: int = 96
    seed: int = 0
    device: str = "cpu"
    workers: int = 0
    devices: int = 1
    accumulate: int = 1
    precision: str = "32-true"

    def __post_init__(self) -> None:
        """Refuse what no run could be made of.

        Raises
        ------
        TypeError, ValueError
            If a value has a wrong type, is too small, unknown, or does not fit another; the message names it.
        """
        for name, kind, value in ((field.name, str(field.type), getattr(self, field.name)) for field in fields(self)):
            if not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "bool"):
                raise TypeError(f"{name}: expected {kind}, got {value!r}")
            least = LEAST.get(name, 1 if kind == "int" else 1e-9)
            if kind in ("int", "float") and not least <= value < inf:
                raise ValueError(f"{name}: expected at least {least}, got {value}")
        if self.seed > LAST_SEED:
            raise ValueError(f"seed: expected at most {LAST_SEED}, got {self.seed}")
        try:
            re.compile(self.people or "")
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"people: expected a regular expression, got {self.people!r} ({error})") from error
        choices = {
            "refiner": REFINERS,
            "optimizer": OPTIMIZERS,
            "loss": LOSSES,
            "connection": tuple(CONNECTIONS),
            "start": STARTS,
            "normalization": NORMALIZATIONS,
            "integration": INTEGRATIONS,
            "propagated": (4, 8, 16, 32, 64, 128),
            "split": SPLITS[1:],
            "precision": PRECISIONS,
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: expected one of {', '.join(map(str, known))}, got {getattr(self, name)}")
        if self.folds > 1 and self.parser_batch == 1:
            raise ValueError(
                f"parser_batch: expected at least 2 for {self.folds} folds, got 1: no parser sees its own fold"
            )
        if self.devices > 1 and ":" in self.device:
            raise ValueError(f"devices: {self.device} is one device, got {self.devices}; name none, as in cuda")
        if self.size % self.factor:
            raise ValueError(f"factor: expected a divisor of size = {self.size}, got {self.factor}")
        if self.highres and self.factor & (self.factor - 1):
            raise ValueError(f"factor: expected a power of two for the Highres-CNN, got {self.factor}")
        if self.patch > self.size:
            raise ValueError(f"patch: expected at most size = {self.size}, got {self.patch}")
        if self.data is None and self.made < self.folds:
            raise ValueError(f"folds: expected at most made = {self.made} faces, got {self.folds}")
        if self.data is None and self.size < 32:
            raise ValueError(f"size: expected at least 32 for made-up faces, got {self.size}")
        self._check_normalised()

    def _check_normalised(self) -> None:
        """Batch normalisation needs more than one value of a channel, also where the map is smallest."""
        deepest = len(WIDTHS) - 1 + (round(log2(self.factor)) if self.highres else 0)
        side = self.size // self.seen_factor
        needed = next(batch for batch in count(1) if values_seen(batch, self.folds, side, deepest) > 1)
        if self.parser_batch < needed:
            raise ValueError(
                f"parser_batch: expected at least {needed} for {self.folds} folds of faces seen in {side} x {side} "
                f"pixels, got {self.parser_batch}"
            )
        if self.batch_norm and values_seen(self.batch, 1, self.patch, len(WIDTHS) - 1) < 2:
            raise ValueError(
                f"batch: expected at least 2 for patches of {self.patch} x {self.patch} pixels, got {self.batch}"
            )

    @property
    def seen_factor(self) -> int:
        """How many times smaller the parsers see a face."""
        return 1 if self.highres else self.factor

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)


def values_seen(batch: int, folds: int, side: int, halvings: int) -> int:
    """Values of a channel on the smallest map, in the part of a batch that a parser is shown at least."""
    others = batch - ceil(batch / folds) if folds > 1 else batch
    return others * ceil(side / 2**halvings) ** 2
