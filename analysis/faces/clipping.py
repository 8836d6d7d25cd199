"""How many gates of the networks that analysis/faces/table1.py has trained are clipped, on validation faces.

Clipping forgets by how much a pixel's weights add up to more than one: nothing pulls them back, and a one-way
weight is then one or minus one and learns nothing. Names are those of folders in runs/table1.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import torch

from analysis.common import record
from analysis.common.faces.rows import ROWS
from analysis.faces.table1 import Table, slug
from spnkit.nn import SPN
from spnkit.training import load_model
from spnkit.training.coarse import cut, to_tensor

MEASURED = 12
"""Faces, evenly spread over the validation split; of each, the patch in the middle."""


@torch.inference_mode()
def sums_of(network, patches):
    """What the absolute weights of every pixel, direction and channel add up to, before they are clipped."""
    gates = network.eval().guidance(patches).unflatten(1, network.propagation.gate_shape)
    return gates.abs().sum(3).flatten()


def middle(faces, side):
    """Patches of some faces."""
    some = range(0, len(faces), -(-len(faces) // MEASURED))
    photos = [to_tensor(faces[index][0] / 255) for index in some]
    start = (photos[0].shape[-1] - side) // 2
    return torch.cat([cut(photo, [(start, start)], side) for photo in photos])


def of_run(run, seed):
    """Row to figures, for every SPN in a folder of analysis/faces/table1.py."""
    experiment = Table.reopened(run)
    patches = middle(experiment.experiment().aligned(experiment.folder, "val"), experiment.options.patch)
    found = {}
    for row in ROWS:
        checkpoint = run / f"{slug(row)}-{seed}.ckpt"
        if not checkpoint.exists():
            continue
        model = load_model(checkpoint)
        ((name, network),) = model.networks.items()
        if isinstance(network, SPN):
            sums = sums_of(network, model.photo(name, patches))
            share, median = float((sums > 1).float().mean()), float(sums.median())
            found[row] = {"share clipped": round(share, 4), "median sum": round(median, 3)}
    return found


def main() -> None:
    """Measure, write and print."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("names", nargs="+", help="of runs, such as real-longer")
    parser.add_argument("--runs", type=Path, default=Path("runs/table1"), help="where they are")
    chosen = parser.parse_args()
    figures = {name: of_run(record.work(chosen) / name, chosen.seed) for name in chosen.names}
    record.write("clipping", figures, seed=chosen.seed, out=record.folder(chosen))
    for name, rows in figures.items():
        for row, of in rows.items():
            print(f"{name}, {row}: {100 * of['share clipped']:.1f} % clipped, median sum {of['median sum']:.2f}")


if __name__ == "__main__":
    main()
