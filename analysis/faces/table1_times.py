"""How long every row of Table 1 takes for one face: to parse it for the two CNNs, to refine its map for all others.

Times do not depend on what the weights are, so networks are made anew and nothing has to be trained: the rows,
their options and the parameters of what needs no training come from the result file. The photo is one that
scikit-image ships, as dense CRF takes longer the more colours there are. All rows of a file take turns, on as many
threads as torch has. Writes NAME-times.json beside it; analysis/faces/table1.py does so when it is done.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
import torch
from skimage.data import astronaut
from skimage.transform import resize

from analysis.common import record
from analysis.common.faces.classical import METHODS
from analysis.common.faces.rows import BASELINE, HIGHRES
from analysis.common.faces.sources import USED
from analysis.common.timing import alternate, median
from spnkit.data import HELEN_CLASSES, open_faces
from spnkit.training import Options, parse, upsample
from spnkit.training.modules import ParserTraining, RefinementTraining

TURNS = 7
FACE = np.s_[29:194, 144:309]  # of the photo


def contestants(figures, seed):
    """Row to what is timed, for a table as analysis/faces/table1.py writes it."""
    rng, options = np.random.default_rng(seed), Options(**figures["options"])
    classes, size = open_faces(options.data).classes if options.data else HELEN_CLASSES, options.size
    photo = np.rint(resize(astronaut()[FACE], (size, size), anti_aliasing=True) * 255).astype(np.uint8)
    low = rng.dirichlet(np.ones(len(classes)), (size // options.factor,) * 2).transpose(2, 0, 1)
    coarse = upsample(torch.from_numpy(low), options.factor)
    rows = figures["sources"][USED]["rows"]
    found = {BASELINE: parsing(classes, options, photo)}
    if HIGHRES in rows:
        found[HIGHRES] = parsing(classes, replace(options, highres=True, folds=1), photo)
    for name, parameters in figures["chosen on val"].items():
        found[name] = partial(METHODS[name][0], photo, coarse.numpy(), **parameters)
    for row, change in figures["changes"].items():
        found[row] = refining(classes, replace(options, **change), photo, coarse)
    return {row: found[row] for row in rows}


def parsing(classes, options, photo):
    """The parsers of a run, on a photo."""
    return partial(parse, ParserTraining(classes, options).parsers, photo, options.seen_factor, torch.device("cpu"))


def refining(classes, options, photo, coarse):
    """The refining network of a run, on a photo and its coarse map."""
    model = RefinementTraining(classes, options)
    (row,) = model.networks
    return partial(model.refined, row, photo, coarse)


def write(name, figures, seed, out):
    """Measure the rows of one result and write their milliseconds."""
    seconds = median(alternate(contestants(figures, seed), TURNS))
    found = {row: round(1e3 * value, 1) for row, value in seconds.items()}
    record.write(f"{name}-times", {"threads": torch.get_num_threads(), "milliseconds": found}, seed=seed, out=out)


def main() -> None:
    """Measure again for the results that are named."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("names", nargs="*", default=["made-up", "real", "rendered"], help="of results (all three)")
    chosen = parser.parse_args()
    out = record.folder(chosen)
    for name in chosen.names:
        write(name, json.loads((out / f"{name}.json").read_text())["figures"], chosen.seed, out)


if __name__ == "__main__":
    main()
