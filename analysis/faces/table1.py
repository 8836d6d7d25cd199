"""The paper's face experiment: Table 1 with what else one could use, controls, ablations and other sources.

Trains on the train split, tunes what has parameters on val, and scores a split, by default val. Everything that
is ready is kept in runs/table1/NAME and not done again: call it with more groups or seeds, or after Ctrl-C, and
it goes on. Without --data the faces are made up. The test split is scored once, when nothing is open any more:

    python analysis/faces/table1.py --data FASSEG --name real --split test

Faces are refined one after the other, tile by tile. How long that takes is measured at the end, all rows in turn;
analysis/faces/table1_times.py measures it again.
"""

from __future__ import annotations

import ast
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
from analysis.common.faces.classical import METHODS
from analysis.common.faces.rows import BASELINE, ELSEWHERE, GROUPS, HEADLINE, HIGHRES, REPORTED, ROWS
from analysis.common.faces.sources import SOURCES, USED, WHOLE, highres_parsers
from analysis.common.faces.tally import Tally, summary
from analysis.faces import table1_times
from spnkit.data import open_faces
from spnkit.training import Experiment, Options, load_model, options_of, parse, table, upsample
from spnkit.training.files import whole_file
from spnkit.training.folds import people_of
from spnkit.training.runs import check_same, open_run

SET_HELP = "other fields of spnkit.training.Options, such as device=cuda size=1024 factor=8 width=1.0 hidden=32 batch=8"
ONE_WAY_HELP = "the same for the rows with one-way connections alone, such as restraint=1.0"
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
    one_way : dict, optional
        What every row with one-way connections changes besides.
    """

    def __init__(self, options: Options, out: Path, seeds: int, one_way: dict | None = None) -> None:
        self.options, self.out, self.seeds, self.one_way = options, out, seeds, one_way or {}
        self.console = Console()
        open_run(out, replace(options, split="test"), resume=(out / "options.json").exists())
        first = self.experiment()
        folder = open_faces(options.data) if options.data else first.made_faces()
        self.folder, self.classes = folder, folder.classes
        self.learned = first.aligned(folder, "train")
        self.device = torch.device(options.device)
        self.curves: dict[str, list] = {}

    @classmethod
    def reopened(cls, out: Path, seeds: int = 1) -> Table:
        """The experiment that was begun in a folder."""
        return cls(options_of(out), out, seeds)

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

    def change(self, row):
        """What a row changes in the options."""
        change = ROWS[row]
        return self.one_way | change if change.get("connection") == "one_way" else change

    def train(self, row, seed):
        """Train a row, unless its checkpoint says that it is done."""
        name = f"{slug(row)}-{seed}"
        experiment = self.experiment(seed=seed, **self.change(row))
        if (begun := self.out / f"{name}.ckpt").exists():
            check_same(load_model(begun).options.as_dict() | {"split": self.options.split}, experiment.options, begun)
        baseline = self.experiment().parsers(self.classes, self.learned)
        experiment.refinement(baseline, self.learned, name)
        self.curves[name] = experiment.stages[name]["history"]

    def network(self, row, seed):
        """What refines in a row: `(photo, coarse) -> probabilities`."""
        model = load_model(self.out / f"{slug(row)}-{seed}.ckpt").to(self.device)
        (title,) = model.networks
        return partial(model.refined, title)

    def mapped(self, parsers, photo, factor):
        """The coarse map of a photo by parsers that see it `factor` times smaller, at the size of the frame."""
        return upsample(parse(parsers, photo, factor, self.device), factor)

    def parsing(self, highres):
        """Rows that parse the photo, whatever the coarse map."""
        made = {BASELINE: (self.parsers, self.options.factor)}
        if highres:
            made[HIGHRES] = (partial(highres_parsers, self), 1)

        def row(parsers, factor):
            return lambda photo, _coarse: self.mapped(parsers, photo, factor)

        return {name: lambda make=make, factor=factor: row(make(), factor) for name, (make, factor) in made.items()}

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


def fill(experiment, split, rows, classical, sources):
    """All counts: source to row to the tallies of its seeds; and the parameters chosen on val."""
    for row in rows:
        for seed in experiment.runs(row):
            experiment.train(row, seed)
    tuned = {name: experiment.tuned(name) for name in classical}
    methods = {BASELINE: lambda: identity} | {name: lambda method=of[0]: method for name, of in tuned.items()}
    parsing = experiment.parsing(HIGHRES in sources)
    counts = {
        source: tallies(experiment, split, source, methods | parsing if source == USED else methods, rows)
        for source in sources
    }
    return counts, {name: best for name, (_, best) in tuned.items()}


def tallies(experiment, split, source, methods, rows):
    """All counts on one source; away from the baseline's maps one seed speaks for a row, and ablations do not.

    Only of the stronger baseline all seeds are asked as well.
    """
    maps, used = cached(lambda: experiment.coarse(source, split)), source == USED

    def tally(row, make, seed=0):
        return experiment.tally(split, source, row, seed, make, maps)

    here = {name: [tally(name, make)] for name, make in methods.items()}
    for row in rows if used else [row for row in rows if row in ELSEWHERE]:
        seeds = experiment.runs(row) if source in (USED, WHOLE) else experiment.runs(row)[:1]
        here[row] = [tally(row, lambda row=row, seed=seed: experiment.network(row, seed), seed) for seed in seeds]
    return here


def option(text):
    """`name=value` as a pair; what is no Python literal is a string."""
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value


def arguments():
    """The command line, and the options of the headline row that follow from it."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--data", help="folder of faces (default: made-up faces)")
    parser.add_argument("--name", default="made-up", help="of the result and of the folder in runs/table1")
    parser.add_argument("--runs", type=Path, default=Path("runs/table1"), help="where work is kept")
    parser.add_argument("--split", choices=("val", "test"), default="val", help="what to score (val)")
    parser.add_argument("--seeds", type=int, default=3, help="of the headline rows (3)")
    parser.add_argument("--steps", type=int, default=400, help="of every refining network (400)")
    parser.add_argument("--parser-steps", type=int, default=2500, help="of the baseline parsers (2500)")
    parser.add_argument("--groups", nargs="*", choices=GROUPS, default=list(REPORTED), help="rows to train")
    parser.add_argument(
        "--without", nargs="*", choices=ROWS, default=[], metavar="ROW", help="rows of them to leave out"
    )
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS), help="to compare (all)")
    parser.add_argument("--sources", nargs="*", choices=SOURCES, default=list(SOURCES), help="coarse maps (all)")
    parser.add_argument("--set", nargs="*", type=option, default=[], metavar="NAME=VALUE", help=SET_HELP)
    parser.add_argument("--one-way", nargs="*", type=option, default=[], metavar="NAME=VALUE", help=ONE_WAY_HELP)
    chosen = parser.parse_args()
    if chosen.split == "test" and (tried := [group for group in chosen.groups if group not in REPORTED]):
        parser.error(f"--groups {' '.join(tried)}: what is chosen from is scored on val, got --split test")
    given = {name: getattr(chosen, name) for name in ("data", "seed", "steps", "parser_steps")}
    of_all = {"factor": 8, "control": False, "made": 128, "parser_batch": 16}
    return chosen, Options(**of_all | given | (SMALL if chosen.small else {}) | dict(chosen.set))


def main() -> None:
    """Train, score, write the result and print the table."""
    chosen, options = arguments()
    experiment = Table(options, record.work(chosen) / chosen.name, chosen.seeds, dict(chosen.one_way))
    rows = [row for group in chosen.groups for row in GROUPS[group] if row not in chosen.without]
    sources = [USED, *(source for source in chosen.sources if source != USED)]  # all else is compared with it
    counts, tuned = fill(experiment, chosen.split, rows, chosen.methods, sources)
    people = people_of(experiment.folder.splits[chosen.split], options.people)
    sources = {source: summary(of, experiment.classes, chosen.seed, people) for source, of in counts.items()}
    figures = {
        "faces": repr(experiment.folder),
        "split": chosen.split,
        "options": options.as_dict(),
        "changes": {row: experiment.change(row) for row in ROWS if row in counts[USED]},
        "chosen on val": tuned,
        "sources": sources,
        "curves": experiment.curves,
    }
    out = record.folder(chosen)
    name = chosen.name if chosen.split == "test" else f"{chosen.name}-val"
    record.write(name, figures, seed=chosen.seed, out=out)
    if chosen.split == "test":
        table1_times.write(name, figures, chosen.seed, out)
    for source, found in sources.items():
        print(f"\n{source}\n{table({row: of['scores'] for row, of in found['rows'].items()})}")


if __name__ == "__main__":
    main()
