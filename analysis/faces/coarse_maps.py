"""How good the baseline's maps are where a refinement learns from them, and on faces that no parser has seen.

The two should be alike: a refinement that learns from better maps than it gets later trusts them too much. Names are
those of folders in runs/table1, where analysis/faces/table1.py has trained parsers: `--groups --methods` trains no
more.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

from analysis.common import record
from analysis.common.faces.sources import USED
from analysis.common.faces.tally import Tally
from analysis.faces.table1 import Table, identity


def overall(experiment, split):
    """The overall F-score of the maps of a split: of training faces by the parser of their fold, as in training."""
    if split == "train":
        faces, parsers = experiment.learned, experiment.parsers()
        own = ([parsers[fold]] for fold in experiment.experiment().folds(faces))
        photos = (faces[index][0] for index in range(len(faces)))
        maps = [experiment.mapped(*each, experiment.options.factor) for each in zip(own, photos, strict=True)]
    else:
        faces, maps = experiment.coarse(USED, split)
    return round(experiment.overall(Tally.of(identity, faces, maps, experiment.classes)), 2)


def of_run(run):
    """Split to the overall F-score of its maps."""
    experiment = Table.reopened(run)
    return {split: overall(experiment, split) for split in ("train", "val")}


def main() -> None:
    """Measure, write and print."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("names", nargs="+", help="of runs, such as real")
    parser.add_argument("--runs", type=Path, default=Path("runs/table1"), help="where they are")
    chosen = parser.parse_args()
    figures = {name: of_run(record.work(chosen) / name) for name in chosen.names}
    record.write("coarse-maps", figures, seed=chosen.seed, out=record.folder(chosen))
    for name, of in figures.items():
        print(f"{name}: " + ", ".join(f"{split} {value:.2f}" for split, value in of.items()))


if __name__ == "__main__":
    main()
