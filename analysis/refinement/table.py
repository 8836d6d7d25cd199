"""One affinity for anybody's masks: refiners and their rivals on coarse maps of all kinds.

    python analysis/refinement/table.py --data DATA --split val --images 12
    python analysis/refinement/table.py --data DATA                      # the test split, all images

Rivals are tuned on the validation split, for each set and kind. Every set and kind is written as soon as it is done,
and a run that was stopped goes on where it was: a table that is there gets the rows that it has not. Rows of networks:
`--network NAME=FILE`, besides the one that ships. `--again ROW` scores a row once more, on the photos of its table.
"""

from __future__ import annotations

import json
import os
import sys
from functools import cache, partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np

from analysis.common import record
from analysis.common.refinement.maps import KINDS, OBJECTS, cases
from analysis.common.refinement.rivals import BINARY_RIVALS, RIVALS
from analysis.common.refinement.rows import network, scored, tallied
from spnkit.nn.refiner import mask_refiner


@cache
def working(which):
    """Those rivals that are here: a package may be missing, or made without a part, as OpenCV's wheel without Eigen."""
    photo, coarse = np.zeros((24, 24, 3), np.uint8), np.full((2, 24, 24), 0.5, np.float32)
    found = {}
    for name, (call, choices) in {"all": RIVALS, "binary": BINARY_RIVALS}[which].items():
        try:
            call(photo, coarse, **choices[0])
        except Exception as error:
            print(f"{name}: left out, {' '.join(str(error).split())}")
        else:
            found[name] = call, choices
    return found


def tuned(rivals, found):
    """Each rival with the parameters that have the best sum of mean IoU and boundary F."""
    best = {}
    for name, (call, choices) in rivals.items():
        tallies = tallied({index: partial(call, **chosen) for index, chosen in enumerate(choices)}, found)
        scores = {index: tally.scores() for index, tally in tallies.items()}
        index = max(scores, key=lambda i: scores[i]["mean IoU"] + scores[i]["boundary F"])
        best[name] = choices[index]
    return best


def completed(table, options, name, kind, networks):
    """A table of one set and kind, with the rows that it had not; those on the photos that it was made of."""
    table = {"parameters": {}, "images": options.images, "rows": {}} | table
    chosen = {}
    if options.tune:
        rivals = working("all") | (working("binary") if name == OBJECTS else {})
        missing = {rival: found for rival, found in rivals.items() if rival not in table["rows"]}
        chosen = tuned(missing, list(cases(options.data, name, kind, "val", options.tune))) if missing else {}
    methods = {"as given": lambda photo, coarse: coarse, **networks}
    methods |= {rival: partial(rivals[rival][0], **parameters) for rival, parameters in chosen.items()}
    if new := {row: method for row, method in methods.items() if row not in table["rows"]}:
        rows, table["images"] = scored(new, cases(options.data, name, kind, options.split, table["images"]))
        table["rows"] |= rows
        table["parameters"] |= chosen
    return table


def main() -> None:
    """Score what is not scored yet, write and print."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SPNKIT_DATA", "data")), help="folder of sets")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--images", type=int, help="of each set (default: all)")
    parser.add_argument("--tune", type=int, default=8, help="validation images to tune rivals on (8; 0: none)")
    parser.add_argument("--sets", nargs="+", choices=tuple(KINDS), default=tuple(KINDS))
    parser.add_argument("--network", action="append", default=[], metavar="NAME=FILE", help="another row")
    parser.add_argument("--again", action="append", default=[], metavar="ROW", help="score this row once more")
    options = parser.parse_args()
    files = dict(pair.split("=", 1) for pair in options.network)
    refiners = {"ours, as shipped": mask_refiner()} | {row: mask_refiner(file) for row, file in files.items()}
    networks = {row: partial(network, refiner) for row, refiner in refiners.items()}
    out, target = record.folder(options), f"table-{options.split}"
    figures = json.loads((out / f"{target}.json").read_text())["figures"] if (out / f"{target}.json").exists() else {}
    for table in figures.values():
        for row in options.again:
            table["rows"].pop(row, None)
    for name in options.sets:
        for kind in KINDS[name]:
            key = f"{name}: {kind}"
            figures[key] = completed(figures.get(key, {}), options, name, kind, networks)
            record.write(target, figures, seed=options.seed, out=out)
            for row, scores in figures[key]["rows"].items():
                print(f"{key:50} {row:24}", *(f"{column} {value:.2f}" for column, value in scores.items()))


if __name__ == "__main__":
    main()
