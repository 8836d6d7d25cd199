"""What propagation is worth: the refiner without classes beside plain convolutions of its size, trained alike.

Both begin anew and see the same patches of made-up scenes in the same order, fewer than the refiner that ships. They
are scored on photographs' coarse maps of all kinds. Resumable; an hour and a half on two cores.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

from rich.console import Console

from analysis.common import record
from analysis.common.refinement.maps import KINDS, cases
from analysis.common.refinement.plain import PlainControl, plain_refiner, plainly
from analysis.common.refinement.rows import network, scored
from spnkit.nn import mask_refiner
from spnkit.tasks import Refinement, RefinementOptions
from spnkit.tasks.refinement import WEIGHTS
from spnkit.training import run_task
from spnkit.training.report import rounded

SMALL = {"made": 6, "scene": 64, "patch": 32, "batch": 2, "steps": 2, "workers": 0}
ROWS = {
    "with propagation": (Refinement, mask_refiner, network),
    "plain convolutions": (PlainControl, plain_refiner, plainly),
}
ODDS = "averaged=0.4,exact=0.05,drawn=0.25,predicted=0.5,shifted=0.2"


def main() -> None:
    """Train both, score them, write."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/refinement-control"), help="where work is kept")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SPNKIT_DATA", "data")), help="folder of sets")
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--images", type=int, default=8, help="of each set and kind")
    parser.add_argument("--sets", nargs="*", choices=tuple(KINDS), default=tuple(KINDS))
    parser.add_argument("--steps", type=int, default=1500)
    chosen = parser.parse_args()
    given = {"workers": 1, "batch": 4, "steps": chosen.steps, "seed": chosen.seed, "spared": 0.02, "odds": ODDS}
    options = RefinementOptions(**given | (SMALL if chosen.small else {}))
    methods, sizes, scenes = {"as given": lambda photo, coarse: coarse}, {}, {}
    for row, (task, read, method) in ROWS.items():
        runs = record.work(chosen) / row.replace(" ", "-")
        scenes[row] = rounded(run_task(task(options), runs, resume=(runs / "options.json").exists(), console=Console()))
        refiner = read(runs / WEIGHTS)
        sizes[row] = sum(each.numel() for each in refiner.parameters())
        methods[row] = partial(method, refiner)
    figures = {"options": options.as_dict(), "parameters": sizes, "scenes": scenes, "photographs": {}}
    for name in chosen.sets:
        for kind in KINDS[name]:
            rows, images = scored(methods, cases(chosen.data, name, kind, chosen.split, chosen.images))
            figures["photographs"][f"{name}: {kind}"] = {"images": images, "rows": rows}
            record.write("control", figures, seed=chosen.seed, out=record.folder(chosen))
    record.write("control", figures, seed=chosen.seed, out=record.folder(chosen))


if __name__ == "__main__":
    main()
