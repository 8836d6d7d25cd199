"""The paper's face experiment: Table 1 with what else one could use, controls, ablations and other sources.

Trains on the train split, tunes what has parameters on val, and scores a split, by default val. Everything that
is ready is kept in runs/table1/NAME and not done again: call it with more groups or seeds, or after Ctrl-C, and
it goes on. Without --data the faces are made up. The test split is scored once, when nothing is open any more:

    python analysis/table1.py --data ../shared/data/fasseg --name real --split test

Whole frames are refined at once, one after the other; times are those of one thread or as many as torch has.
"""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # the idle one of two thread pools must sleep

import _record
import numpy as np
import torch
from _classical import METHODS
from _sources import SOURCES, USED
from _tally import Tally, interval, resampled
from rich.console import Console

from spnkit.data import open_faces
from spnkit.training import Experiment, Options, load_model, table
from spnkit.training.files import whole_file
from spnkit.training.runs import open_run

BASELINE, HIGHRES = "baseline CNN", "Highres-CNN"
HEADLINE = {
    "SPN, three-way": {},
    "SPN, one-way": {"connection": "one_way"},
    "plain convolutions": {"refiner": "plain"},
}
CONTROLS = {f"{name}, blank photo": change | {"blank": True} for name, change in HEADLINE.items()}
ABLATIONS = {
    "SPN, weights of its own for each unit": {"share_weights": False},
    "SPN, one unit": {"units": 1},
    "SPN, weights normalised always": {"normalization": "always"},
    "SPN, softmax weights": {"normalization": "softmax"},
    "SPN, mean of the directions": {"integration": "mean"},
}
GROUPS = {"headline": HEADLINE, "controls": CONTROLS, "ablations": ABLATIONS}
ROWS = HEADLINE | CONTROLS | ABLATIONS
PAIRS = (("SPN, three-way", "SPN, one-way"), ("SPN, three-way", "plain convolutions"))
SET_HELP = "other fields of spnkit.training.Options, such as device=cuda size=1024 factor=8 width=1.0 hidden=32 batch=8"
SMALL = {"size": 64, "patch": 32, "width": 0.05, "hidden": 2, "made": 6, "parser_steps": 2, "steps": 2}


class Table:
    """The experiment on one folder of faces.

    Parameters
    ----------
    options : Options
        Of the headline row; every other row is a change to them.
    out : pathlib.Path
        Where everything that is ready is kept.
    seeds : int
        How often the headline rows are trained.
    """

    def __init__(self, options: Options, out: Path, seeds: int) -> None:
        self.options, self.out, self.seeds = options, out, seeds
        self.console = Console()
        open_run(out, replace(options, split="test"), resume=(out / "options.json").exists())
        first = self.experiment()
        folder = open_faces(options.data) if options.data else first.made_faces()
        self.folder, self.classes = folder, folder.classes
        self.learned = first.aligned(folder, "train")
        self.device = torch.device(options.device)
        self.curves: dict[str, list] = {}

    def experiment(self, **change) -> Experiment:
        """The experiment with other options."""
        return Experiment(replace(self.options, **change), self.out, self.console)

    def parsers(self, name="parsers", **change):
        """Baseline parsers, trained or read back."""
        experiment = self.experiment(**change)
        module = experiment.parsers(self.classes, self.learned, name)
        self.curves[name] = experiment.stages[name]["history"]
        return module.parsers.eval()

    def runs(self, row):
        """Seeds of a row: several for the headline, one for all others."""
        return range(self.options.seed, self.options.seed + (self.seeds if row in HEADLINE else 1))

    def train(self, row, seed):
        """Train a row, unless its checkpoint says that it is done."""
        name = f"{slug(row)}-{seed}"
        experiment = self.experiment(seed=seed, **ROWS[row])
        baseline = self.experiment().parsers(self.classes, self.learned)
        experiment.refinement(baseline, self.learned, name)
        self.curves[name] = experiment.stages[name]["history"]

    def network(self, row, seed):
        """What refines in a row: `(photo, coarse) -> probabilities`, on the whole frame."""
        model = load_model(self.out / f"{slug(row)}-{seed}.ckpt").to(self.device).eval()
        ((title, network),) = model.networks.items()

        @torch.inference_mode()
        def refine(photo, coarse):
            image = torch.from_numpy(photo.transpose(2, 0, 1) / np.float32(255)).to(self.device)
            return network(model.photo(title, image)[None], coarse.to(self.device)[None])[0].softmax(0).cpu()

        return refine

    def coarse(self, source, split):
        """The coarse maps of a split by a source."""
        faces = self.experiment().aligned(self.folder, split)
        return faces, SOURCES[source](self, faces)

    def tally(self, split, source, row, seed, make, maps):
        """Counts of a row on a source, from the file that keeps them or by refining now."""
        path = self.out / "scores" / f"{split}-{slug(source)}-{slug(row)}-{seed}.npz"
        if not path.exists():
            faces, coarse = maps()
            found = Tally.of(make(), faces, coarse, self.classes)
            with whole_file(path) as file:
                found.save(file)
            self.console.print(f"{split}, {source}, {row}, seed {seed}: {self.overall(found):.2f}", highlight=False)
        return Tally.load(path)

    def overall(self, tally):
        """What is tuned and compared."""
        scores = tally.scores(self.classes)
        return scores.get("overall", scores["mean IoU"])

    def tuned(self, method):
        """A method without training, with the parameters that are best on val."""
        call, choices = METHODS[method]
        maps = cached(lambda: self.coarse(USED, "val"))

        def bound(parameters):
            return lambda photo, coarse: call(photo, coarse.numpy(), **parameters)

        def value(parameters):
            text = "-".join(f"{name}{value:g}" for name, value in parameters.items())
            return self.overall(self.tally("val", USED, f"{method}-{text}", 0, lambda: bound(parameters), maps))

        best = max(choices, key=value)
        return bound(best), best


def cached(make):
    """`make`, called when first needed."""
    kept = []

    def get():
        if not kept:
            kept.append(make())
        return kept[0]

    return get


def slug(name):
    """A name as part of a file name."""
    return name.replace(",", "").replace(" ", "-").replace("/", "-").lower()


def identity(_photo, coarse):
    """The coarse map itself."""
    return coarse


def fill(experiment, split, groups, classical, sources):
    """All counts: source to row to the tallies of its seeds; and the parameters chosen on val."""
    rows = [row for group in groups for row in GROUPS[group]]
    for row in rows:
        for seed in experiment.runs(row):
            experiment.train(row, seed)
    methods = {name: experiment.tuned(name) for name in classical}
    counts: dict[str, dict[str, list[Tally]]] = {}
    for source in sources:
        maps = cached(lambda source=source: experiment.coarse(source, split))
        here = counts.setdefault(source, {})
        here[BASELINE] = [experiment.tally(split, source, "none", 0, lambda: identity, maps)]
        for name, (method, _) in methods.items():
            here[name] = [experiment.tally(split, source, name, 0, lambda method=method: method, maps)]
        for row in rows if source == USED else [row for row in rows if row in HEADLINE]:
            seeds = experiment.runs(row) if source == USED else experiment.runs(row)[:1]
            here[row] = [
                experiment.tally(
                    split, source, row, seed, lambda row=row, seed=seed: experiment.network(row, seed), maps
                )
                for seed in seeds
            ]
    return counts, {name: best for name, (_, best) in methods.items()}


def summary(experiment, counts, seed):
    """The numbers of one source: row to scores, spread over seeds, interval over faces, share of the error removed."""
    classes, column = experiment.classes, "overall"
    samples = {row: resampled(tallies, classes, seed) for row, tallies in counts.items()}
    base = np.mean([tally.scores(classes)[column] for tally in counts[BASELINE]])
    rows = {}
    for row, tallies in counts.items():
        each = [tally.scores(classes) for tally in tallies]
        overall = [scores[column] for scores in each]
        mean = {name: float(np.mean([scores[name] for scores in each])) for name in each[0]}
        rows[row] = {
            "scores": {name: round(value, 2) for name, value in mean.items() if value == value},
            "overall by seed": [round(value, 2) for value in overall],
            "interval over faces": interval(samples[row]),
            "share of the error removed": round((mean[column] - base) / (100 - base), 3),
            "milliseconds a face": round(1e3 * float(np.median([tally.seconds for tally in tallies])), 1),
        }
    differences = {
        f"{one} - {other}": {
            "mean": round(rows[one]["scores"][column] - rows[other]["scores"][column], 2),
            "interval over faces": interval(samples[one] - samples[other]),
            "by seed": np.subtract(rows[one]["overall by seed"], rows[other]["overall by seed"]).round(2),
        }
        for one, other in PAIRS
        if one in rows and other in rows
    }
    return {"rows": rows, "differences": differences}


def option(text):
    """`name=value` as a pair; what is no Python literal is a string."""
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def arguments():
    """The command line, and the options of the headline row that follow from it."""
    parser = _record.parser(__doc__)
    parser.add_argument("--data", help="folder of faces (default: made-up faces)")
    parser.add_argument("--name", default="made-up", help="of the result and of the folder in runs/table1")
    parser.add_argument("--runs", type=Path, default=Path("runs/table1"), help="where work is kept")
    parser.add_argument("--split", choices=("val", "test"), default="val", help="what to score (val)")
    parser.add_argument("--seeds", type=int, default=3, help="of the headline rows (3)")
    parser.add_argument("--steps", type=int, default=300, help="of every refining network (300)")
    parser.add_argument("--parser-steps", type=int, default=700, help="of the baseline parsers (700)")
    parser.add_argument("--groups", nargs="*", choices=GROUPS, default=list(GROUPS), help="rows to train (all)")
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS), help="to compare (all)")
    parser.add_argument("--sources", nargs="*", choices=SOURCES, default=list(SOURCES), help="coarse maps (all)")
    parser.add_argument("--set", nargs="*", type=option, default=[], metavar="NAME=VALUE", help=SET_HELP)
    chosen = parser.parse_args()
    of_all = {"data": chosen.data, "control": False, "seed": chosen.seed, "made": 192, "parser_batch": 16}
    steps = {"parser_steps": chosen.parser_steps, "steps": chosen.steps}
    return chosen, Options(**of_all | steps | (SMALL if chosen.small else {}) | dict(chosen.set))


def main() -> None:
    """Train, score, write the result and print the table."""
    chosen, options = arguments()
    experiment = Table(options, chosen.runs / chosen.name, chosen.seeds)
    counts, tuned = fill(experiment, chosen.split, chosen.groups, chosen.methods, chosen.sources)
    sources = {source: summary(experiment, tallies, chosen.seed) for source, tallies in counts.items()}
    figures = {
        "faces": repr(experiment.folder),
        "split": chosen.split,
        "threads": torch.get_num_threads(),
        "options": options.as_dict(),
        "changes": {row: change for row, change in ROWS.items() if row in counts[USED]},
        "chosen on val": tuned,
        "sources": sources,
        "curves": experiment.curves,
    }
    out = _record.folder(chosen)
    _record.write(chosen.name, figures, seed=chosen.seed, out=out if chosen.out or chosen.small else out / "table1")
    for source, found in sources.items():
        print(f"\n{source}\n{table({row: of['scores'] for row, of in found['rows'].items()})}")


if __name__ == "__main__":
    main()
