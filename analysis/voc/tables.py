"""Tables 2 and 4 of the paper on real photographs: one SPN, trained on the maps of one model, refines those of others.

Trains on the maps of `deeplab_mnv2_257` of the train split, chooses on val, and scores a split, by default val, on the
maps of every model that is there. What is ready is kept in runs/voc and not done again. Once nothing is open:

    python analysis/voc/tables.py --data DATA --split test

DATA holds `voc2012/`, in VOC's layout, and `voc2012_coarse/*.npz`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # the idle one of two thread pools must sleep

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import torch
from rich.console import Console

from analysis.common import record
from analysis.common.faces.classical import dense_crf, grid
from analysis.common.refinement.rows import network
from analysis.common.voc.rows import (
    BOTH,
    COARSE,
    CRF,
    CRF_OF_ITS_OWN,
    GROUPS,
    OPTIONS,
    ROWS,
    SEVERAL,
    SOURCE,
    WITHOUT_CLASSES,
)
from analysis.common.voc.tally import Tally, summary
from spnkit.nn import mask_refiner
from spnkit.tasks import Voc, VocOptions
from spnkit.training import Run, model_of, table
from spnkit.training.files import read_checkpoint, whole_file
from spnkit.training.runs import check_same, open_run

CHOICES = grid(reach=(30,), colour=(5,), strength=(1, 2, 5))
LIKELY = 0.01
"""Dense CRF is asked of the classes that are likelier than this anywhere."""
SMALL = {"patch": 32, "width": 0.05, "hidden": 2, "steps": 2, "guidance": "unet", "batch": 2}


class Tables:
    """The experiment: networks by row and seed, and counts by model, row and seed, each kept in a file."""

    def __init__(self, options: VocOptions, data: Path, out: Path, seeds: int, limit: int | None, every: int) -> None:
        self.options, self.out, self.seeds, self.limit, self.every = options, out, seeds, limit, every
        self.console = Console()
        self.stored = {path.stem: path for path in sorted((data / "voc2012_coarse").glob("*.npz"))}
        open_run(out, replace(options, split="test"), resume=(out / "options.json").exists())
        self.run = Run(Voc(options), out, self.console)
        self.folder = self.run.task.open(options.data)
        self.curves: dict[str, list] = {}
        self.seconds: dict[str, float] = {}

    def runs(self, row):
        """Seeds of a row."""
        return range(self.options.seed, self.options.seed + (self.seeds if row in SEVERAL else 1))

    def train(self, row, seed):
        """Train a row, unless its checkpoint says that it is done."""
        name = f"{slug(row)}-{seed}"
        options = replace(self.options, seed=seed, **ROWS[row])
        checkpoint = self.out / f"{name}.ckpt"
        if checkpoint.exists():
            before = model_of(checkpoint, Voc).options.as_dict() | {"split": options.split}
            check_same(before, options, checkpoint)
        if not checkpoint.exists() or read_checkpoint(checkpoint)["global_step"] < options.steps:
            run = Run(Voc(options), self.out, self.console)
            run.task.open(options.data)
            run.task.refinement(run, self.folder.classes, run.prepared(self.folder, "train"), name)
        progress = read_checkpoint(checkpoint)["callbacks"]["StageProgress"]
        self.curves[name] = progress["history"][:: max(1, options.steps // 50)]
        self.seconds[name] = progress["seconds_per_step"]

    def network(self, row, seed):
        """What refines in a row; what it makes of a photo alone is asked once for the maps of all models."""
        model = model_of(self.out / f"{slug(row)}-{seed}.ckpt", Voc)
        (title,) = model.networks
        network = model.networks[title]
        reads = "guidance" if hasattr(network, "guidance") else "features"
        setattr(network, reads, Remembered(getattr(network, reads)))
        return partial(model.refined, title)

    def photos(self, sources, split):
        """`(photo, coarse maps, truth)` of a split: the maps of some models as they are stored, not padded."""
        tasks = [Voc(replace(self.options, maps=str(self.stored[source]))) for source in sources]
        for task in tasks:
            task.open(self.options.data)
        for name in self.folder.splits[split][: self.limit : self.every if split == "test" else 1]:
            found = self.folder.load(name)
            yield found.image, [task.coarse_map(name, found.image)[:] for task in tasks], found.labels

    def tallies(self, split, sources, row, seed, make):
        """Counts of a row on the maps of some models, from the files that keep them or by refining now."""
        paths = {source: self.out / "scores" / f"{split}-{source}-{slug(row)}-{seed}.npz" for source in sources}
        missing = [source for source, path in paths.items() if not path.exists()]
        if missing:
            for source, found in zip(missing, Tally.each(make(), self.photos(missing, split)), strict=True):
                with whole_file(paths[source]) as file:
                    found.save(file)
                shown = ", ".join(f"{name} {value:.2f}" for name, value in found.scores().items())
                self.console.print(f"{split}, {source}, {row}, seed {seed}: {shown}", highlight=False)
        return {source: Tally.load(path) for source, path in paths.items()}

    def tuned(self, source):
        """Parameters of dense CRF that are best on val for the maps of a model."""

        def value(chosen):
            text = "-".join(f"{name}{value:g}" for name, value in chosen.items())
            found = self.tallies("val", [source], f"{CRF} {text}", 0, lambda: crf(chosen))
            return found[source].scores()["mean IoU"]

        return max(CHOICES, key=value)


class Remembered(torch.nn.Module):
    """A network that, asked of the same photo again, says what it said."""

    def __init__(self, network):
        super().__init__()
        self.network, self.last = network, (torch.zeros(0), torch.zeros(0))

    def forward(self, image):
        """What the network says."""
        if not torch.equal(self.last[0], image):
            self.last = image, self.network(image)
        return self.last[1]


def crf(chosen, refined=None):
    """Dense CRF on the coarse map, or on what a network makes of it."""

    def refine(photo, coarse):
        found = (refined(photo, coarse) if refined else coarse).clone().numpy()
        there = found.max((1, 2)) > LIKELY
        found[there] = dense_crf(photo, found[there] / found[there].sum(0), **chosen)
        found[~there] = 0
        return found

    return refine


def without_classes():
    """The refiner that comes with the project."""
    refiner = mask_refiner()
    return lambda photo, coarse: network(refiner, photo, coarse.numpy())


def slug(name):
    """A name as part of a file name."""
    return name.replace(",", "").replace(" ", "-").lower()


def identity(_photo, coarse):
    """The coarse map itself."""
    return coarse


def fill(tables, split, rows, sources, own, both):
    """All tallies, by model and row; and what was chosen on val."""
    first = partial(tables.network, "SPN, three-way", tables.options.seed)
    chosen = {CRF: tables.tuned(SOURCE)}
    ask = partial(tables.tallies, split, sources)
    counts = {COARSE: [ask(COARSE, 0, lambda: identity)]}
    for row in rows:
        counts[row] = [ask(row, seed, partial(tables.network, row, seed)) for seed in tables.runs(row)]
    counts[WITHOUT_CLASSES] = [ask(WITHOUT_CLASSES, 0, without_classes)]
    counts[CRF] = [ask(CRF, 0, lambda: crf(chosen[CRF]))]
    if both:
        counts[BOTH] = [ask(BOTH, 0, lambda: crf(chosen[CRF], first()))]
    found = {source: {row: [of[source] for of in each] for row, each in counts.items()} for source in sources}
    for source in set(sources) - {SOURCE} if own else ():
        chosen[f"{CRF_OF_ITS_OWN}: {source}"] = best = tables.tuned(source)
        of = tables.tallies(split, [source], CRF_OF_ITS_OWN, 0, lambda best=best: crf(best))
        found[source][CRF_OF_ITS_OWN] = [of[source]]
    return found, chosen


def arguments():
    """The command line."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of voc2012/ and voc2012_coarse/")
    parser.add_argument("--name", default="tables", help="of the result and of the folder in runs/voc")
    parser.add_argument("--runs", type=Path, default=Path("runs/voc"), help="where work is kept")
    parser.add_argument("--split", choices=("val", "test"), default="val", help="what to score (val)")
    parser.add_argument("--seeds", type=int, default=2, help="of the SPN with each connection (2)")
    parser.add_argument("--steps", type=int, default=300, help="of every network (300)")
    parser.add_argument("--groups", nargs="*", choices=GROUPS, default=["headline"], help="rows to train")
    parser.add_argument("--without", nargs="*", choices=ROWS, default=[], metavar="ROW", help="rows to leave out")
    parser.add_argument("--sources", nargs="*", help="models whose maps are refined (all)")
    parser.add_argument("--every", type=int, default=1, help="score each so-manieth test photo (1: all)")
    parser.add_argument("--train-only", action="store_true", help="train, and score nothing yet")
    parser.add_argument("--no-both", action="store_true", help="leave out dense CRF after the SPN")
    parser.add_argument("--no-own", action="store_true", help="leave out dense CRF tuned for each model")
    chosen = parser.parse_args()
    if chosen.split == "test" and chosen.groups != ["headline"]:
        parser.error("--groups: what is chosen from is scored on val, got --split test")
    return chosen


def main() -> None:
    """Train, score, write the result and print the tables."""
    chosen = arguments()
    maps = chosen.data / "voc2012_coarse" / f"{SOURCE}.npz"
    given = {"data": str(chosen.data / "voc2012"), "maps": str(maps), "seed": chosen.seed, "steps": chosen.steps}
    options = VocOptions(**OPTIONS | given | (SMALL if chosen.small else {}))
    limit = 2 if chosen.small else None
    tables = Tables(options, chosen.data, record.work(chosen) / chosen.name, chosen.seeds, limit, chosen.every)
    rows = [row for group in chosen.groups for row in GROUPS[group] if row not in chosen.without]
    for row in rows:
        for seed in tables.runs(row):
            tables.train(row, seed)
    if chosen.train_only:
        return
    counts, best = fill(
        tables, chosen.split, rows, chosen.sources or list(tables.stored), not chosen.no_own, not chosen.no_both
    )
    sources = {source: summary(of, chosen.seed, COARSE) for source, of in counts.items()}
    kept = options.as_dict() | {"data": "voc2012", "maps": maps.name}
    figures = {
        "split": chosen.split,
        "every": chosen.every,
        "photos": repr(tables.folder).split(": ")[1].rstrip(">"),
        "options": kept,
    }
    figures |= {"chosen on val": best, "seconds a step": tables.seconds, "sources": sources, "curves": tables.curves}
    figures["changes"] = {row: ROWS[row] for row in rows}
    name = chosen.name if chosen.split == "test" else f"{chosen.name}-val"
    record.write(name, figures, seed=chosen.seed, out=record.folder(chosen))
    for source, found in sources.items():
        print(f"\n{source}\n{table({row: of['scores'] | {'gain': of['gain']} for row, of in found.items()})}")


if __name__ == "__main__":
    main()
