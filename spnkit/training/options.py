"""Every choice of a run, in one place that can be saved, compared and shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from spnkit.data import SPLITS
from spnkit.directions import CONNECTIONS


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
    folds : int
        Parsers trained, each on the faces outside its fold, so that no training face is parsed by a network
        that has seen it. At test their probabilities are averaged. 1 is the paper's procedure: one parser,
        which parses the faces it was trained on better than any others.
    parser_steps, steps : int
        Optimisation steps of the parsers and of the SPN.
    parser_batch, batch : int
        Faces, and patches, a step.
    rate : float
        Peak learning rate (Adam, one cycle).
    connection : {"three_way", "one_way"}
        Connections of each pixel.
    hidden : int
        Channels that are propagated.
    propagated : int
        Side of the propagated map of a 128 x 128 patch.
    units : int
        Cascaded propagation units.
    width : float
        All encoder-decoders have this share of the paper's channels (32 to 512).
    patch : int
        Side of a training patch, and of a tile at test.
    control : bool
        Whether to train, on the same patches, a second SPN that is given a blank photo.
    split : {"test", "val"}
        What to score. Choices are to be made on "val".
    made : int
        Training faces made up where there is no `data`; a sixth as many for val, a third for test.
    seed : int
        Source of all chance.
    device : str
        Where to train, as torch calls it.
    workers : int
        Processes that prepare patches besides the main one.
    """

    data: str | None = None
    size: int = 256
    factor: int = 4
    folds: int = 2
    parser_steps: int = 400
    steps: int = 250
    parser_batch: int = 8
    batch: int = 4
    rate: float = 6e-3
    connection: str = "three_way"
    hidden: int = 16
    propagated: int = 64
    units: int = 2
    width: float = 0.5
    patch: int = 128
    control: bool = True
    split: str = "test"
    made: int = 96
    seed: int = 0
    device: str = "cpu"
    workers: int = 0

    def __post_init__(self) -> None:
        """Refuse what no run could be made of."""
        for name, value in asdict(self).items():
            least = 0 if name in ("seed", "workers") else 1 if isinstance(value, int) else 1e-9
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value < least:
                raise ValueError(f"{name}: expected at least {least}, got {value}")
        choices = {"connection": tuple(CONNECTIONS), "split": SPLITS[1:], "propagated": (4, 8, 16, 32, 64, 128)}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name}: expected one of {', '.join(map(str, known))}, got {getattr(self, name)}")
        if self.size % self.factor:
            raise ValueError(f"factor: expected a divisor of size = {self.size}, got {self.factor}")
        if self.patch > self.size:
            raise ValueError(f"patch: expected at most size = {self.size}, got {self.patch}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)
