"""A refiner without classes, for anybody's masks: learned from made-up scenes, or from a folder of photos and masks."""

from __future__ import annotations

from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from spnkit.data import LabelledFolder, open_images
from spnkit.data.scenes import COARSE, coarse_map, make_scenes
from spnkit.directions import CONNECTIONS
from spnkit.nn.refiner import MaskRefiner, loaded, mask_refiner, packed
from spnkit.nn.spreading import spread
from spnkit.nn.whole import refined
from spnkit.training.coarsened import Coarsened
from spnkit.training.devices import MachineOptions
from spnkit.training.experiment import Run
from spnkit.training.files import whole_file
from spnkit.training.mapped import MapsOnDemand
from spnkit.training.modules import CycleOptions, Training, digest_of
from spnkit.training.options import OptionGroup, grouped, option
from spnkit.training.prepared import DataOptions, Padded, Prepared
from spnkit.training.refiner_losses import SPARED, affinity_loss, relative_loss
from spnkit.training.stored import StoredMap, StoredMaps
from spnkit.training.task import Task

ROW = "refined"
WEIGHTS = "refiner.pt"
"""What a run leaves for `mask_refiner` and `spnkit refine --weights`."""


def odds_of(text: str) -> dict[str, float]:
    """The odds that `KIND=ODDS,KIND=ODDS` says, for `kind_of`.

    Raises
    ------
    ValueError
        If it says something else.

    Examples
    --------
    >>> from spnkit.tasks.refinement import odds_of
    >>> odds_of("averaged=0.5,exact=0")
    {'averaged': 0.5, 'exact': 0.0}
    """
    found = {}
    for pair in filter(None, text.split(",")):
        kind, _, often = pair.partition("=")
        try:
            found[kind.strip()] = float(often)
        except ValueError:
            raise ValueError(f"odds: expected KIND=ODDS, got {pair!r}") from None
    if unknown := found.keys() - COARSE:
        raise ValueError(f"odds: no kind {sorted(unknown)[0]!r}; there are {', '.join(COARSE)}")
    if not all(0 <= often < float("inf") for often in found.values()):
        raise ValueError(f"odds: expected numbers from 0 on, got {text!r}")
    if not any(found.get(name, often) for name, (_, often) in COARSE.items()):
        raise ValueError(f"odds: some kind must be left, got {text!r}")
    return found


def _told() -> str:
    return ", ".join(f"{name} {often}" for name, (_, often) in COARSE.items())


@grouped
class SceneOptions(DataOptions):
    """Where photos and their labels come from."""

    group = "data"

    data: str | None = option(
        "folder of photos with masks: JPEGImages/ + SegmentationClass/ + ImageSets/, or images/ + labelsNN/ + splits/ "
        "(default: made-up scenes)",
        default=None,
        more="In any layout of `spnkit.data.open_images`; how many classes and which does not matter.",
    )
    labels: str | None = option("which labelsNN, where there are several (default: most classes)", default=None)
    maps: str | None = option(
        "file of coarse maps that another model made of these photos, an NPZ with one for each",
        default=None,
        more="Half of the patches have them, the others maps of all other kinds; scored are these maps. "
        "`spnkit.training.StoredMaps` says what is in the file.",
    )
    made: int = option("training scenes to make up", default=1200, more="And a fiftieth of that for val and test.")
    scene: int = option("side of a made-up scene", default=256, least=32)

    def check(self) -> None:
        if self.maps is not None:
            if self.data is None:
                raise ValueError("maps: made-up scenes have none; expected data too, the photos that they are of")
            StoredMaps(Path(self.maps), 0)


@grouped
class SpreadingOptions(OptionGroup):
    """What refines without classes."""

    group = "refiner"

    connection: str = option("connections of each pixel", default="three_way", choices=tuple(CONNECTIONS))
    units: int = option("rounds of propagation in cascade", default=2)
    patch: int = option("side of a training patch", default=112, least=16)
    affinity: float = option(
        "weight of a second loss, on listening beyond outlines",
        default=0.3,
        least=0,
        more="It falls to a tenth over the first 70 % of the steps.",
    )
    odds: str = option(
        "odds of kinds of coarse maps in training, as KIND=ODDS,KIND=ODDS: others than " + _told(),
        default="",
        more="More of the truth and its averages do less harm to good maps.",
    )
    harm: float = option(
        "what is added to the loss for each part by which ours is greater than the coarse map's", default=0.0, least=0
    )
    spared: float = option(
        "what is added to a coarse map's loss before ours is divided by it",
        default=SPARED,
        more="The less, the more it costs to ruin a map that is nearly perfect.",
    )
    begin: str | None = option("weights to begin with, such as those of another run's refiner.pt", default=None)

    def check(self) -> None:
        odds_of(self.odds)
        if self.begin is not None:
            mask_refiner(self.begin)


@grouped
class RefinementOptions(SceneOptions, SpreadingOptions, CycleOptions, MachineOptions):
    """Choices of a run."""

    group = "training"

    steps: int = option("training steps", default=3000)
    batch: int = option("patches a step", default=6)
    rate: float = option("peak learning rate", default=3e-3, more="Of one cycle.")
    clip: float = option(
        "greatest norm of a step's gradient; 0: any",
        default=1.0,
        least=0,
        more="A patch that is nearly perfect may weigh much.",
    )


class RefinerTraining(Training):
    """Train the refiner: relative to what it was given, and by whom its pixels listen to."""

    def __init__(self, classes: tuple[str, ...], options: RefinementOptions) -> None:
        super().__init__(classes, options)
        begun = loaded(Path(options.begin)) if options.begin else MaskRefiner(options.connection, options.units)
        self.networks = nn.ModuleDict({ROW: begun})
        self.watched: dict[str, Tensor] = {}
        self.curve: list[tuple[int, float]] = []

    @property
    def network(self) -> Any:
        """The refiner."""
        return self.networks[ROW]

    def losses(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """What is left of the coarse maps' loss, and how far weights listen to others."""
        coarse = batch["coarse"]
        weights, confidence, kept = self.network.guidance(batch["image"], coarse)
        found = spread(coarse, coarse.sum(1, keepdim=True), confidence, kept, weights.unbind(1))
        left = relative_loss(found, coarse, batch["labels"], self.options.spared, self.options.harm)
        return left, affinity_loss(weights, batch["shown"])

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        left, listening = self.losses(batch)
        done = self.global_step / self.options.steps
        return left + self.options.affinity * max(0.1, 1 - done / 0.7) * listening

    @torch.no_grad()
    def on_train_epoch_end(self) -> None:
        """One more point of the validation curve: what is left of the loss of patches that are not learned from."""
        self.eval()
        left, _ = self.losses({name: value.to(self.device) for name, value in self.watched.items()})
        self.curve.append((self.global_step, float(left)))
        self.train()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint["curve"] = self.curve

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.curve = [*map(tuple, checkpoint["curve"])]

    def refined(self, row: str, photo: NDArray[np.uint8], coarse: Tensor) -> Tensor:
        network = cast(MaskRefiner, self.networks[row]).eval().cpu()
        return torch.from_numpy(refined(photo, coarse.numpy(), network))


class Refinement(Task):
    """Photos with masks of any classes; coarse maps are made of the masks, of every kind that there is."""

    name, what, options_class = "refinement", "photos", RefinementOptions
    training: type[RefinerTraining] = RefinerTraining
    """What is trained; a control may take its place."""

    folder: LabelledFolder

    def open(self, data: str) -> LabelledFolder:
        self.folder = open_images(data, self.options.labels)
        return self.folder

    @cached_property
    def maps(self) -> StoredMaps | None:
        """The maps that another model made."""
        return None if self.options.maps is None else StoredMaps(Path(self.options.maps), len(self.folder.classes))

    def check(self, given: LabelledFolder | None) -> None:
        """Any folder will do, or none."""

    def make(self, out: Path) -> LabelledFolder:
        made = self.options.made
        counts = {"train": made, "val": max(4, made // 50), "test": max(4, made // 50)}
        return make_scenes(out / "scenes", **counts, size=self.options.scene, seed=self.options.seed)

    def frame(self) -> Padded:
        return Padded(self.options.patch, 1)

    def learn(self, run: Run, folder: LabelledFolder, learned: Prepared) -> Training:
        chosen = self.options
        module = run.seeded(0, self.training, folder.classes)
        module.made_from = {self.what: learned.digest()} | ({"begin": digest_of(module)} if chosen.begin else {})
        if self.maps is not None:
            module.made_from["coarse maps"] = self.maps.digest()

        def drawn(photos: Prepared) -> Coarsened:
            stored = None if self.maps is None else MapsOnDemand(self.coarse_map, photos)
            how = {"size": chosen.patch, "stored": stored, "odds": odds_of(chosen.odds)}
            return Coarsened(photos, folder.classes, chosen.seed, **how)

        samples, unseen = drawn(learned), drawn(run.prepared(folder, "val"))
        watched = [unseen[0, index] for index in range(8 * chosen.batch)]
        module.watched = {name: torch.stack([each[name] for each in watched]) for name in watched[0]}
        with run.timed("training the refiner"):
            run.fit(module, samples, "spn", chosen.batch)
        with whole_file(run.out / WEIGHTS) as file:
            torch.save(packed(module.network), file)
        draw_curve(module.curve, run.out / "curve.png")
        return module

    @classmethod
    def module_of(cls, _weights: Any) -> type[Training]:
        return cls.training

    def coarse_map(self, name: str, photo: NDArray[np.uint8]) -> StoredMap:
        """The map that another model made of a photo."""
        return cast(StoredMaps, self.maps).on(self.folder, name, photo)

    def coarse(self, model: Training, photos: Prepared, index: int) -> Tensor:
        if self.maps is not None:
            return self.coarse_map(photos.names[index], photos[index][0])[:]
        kind = next(islice(cycle(COARSE), index, None))
        rng = np.random.default_rng([self.options.seed, index])
        return torch.from_numpy(coarse_map(photos[index][1], len(model.classes), rng, kind))

    def listens(self) -> bool:
        return False


def draw_curve(curve: list[tuple[int, float]], path: Path) -> None:
    """What was left of the coarse maps' loss on photos that were not learned from, by step."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3), layout="constrained")
    ax = figure.subplots()
    ax.plot(*zip(*curve, strict=True), marker=".")
    ax.axhline(1, color="0.6", linewidth=1)
    ax.set(xlabel="step", ylabel="loss left, of the coarse map's", ylim=(0, None))
    with whole_file(path) as file:
        figure.savefig(file, dpi=150)
