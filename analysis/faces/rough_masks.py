"""Masks drawn by hand, roughly, refined by networks that have never seen such: fasseg's `coarse6`.

Uses the networks that analysis/faces/table1.py has trained on the folder, and the frontal faces of the test split
that were drawn twice. The rough masks know six classes: brows are hair there, and of the nose its base alone is
drawn, so what is scored is skin, eyes, mouth and hair. They are refined as drawn, and averaged to the baseline's
resolution, as its own maps are.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
import torch

from analysis.common import record
from analysis.common.faces.classical import METHODS
from analysis.common.faces.rows import CONTROLS, HEADLINE
from analysis.common.faces.tally import Tally
from analysis.faces.table1 import Table, identity, slug
from spnkit.data import IGNORE, align
from spnkit.data.files import read_indices
from spnkit.nn import soften
from spnkit.training import table

SIDES = {"eyes": ("left_eye", "right_eye")}
RESOLUTIONS = ("as drawn", "at the baseline's resolution")
SCORED = ("skin", "eyes", "mouth", "hair")


def rough_map(labels, rough_classes, classes, factor):
    """Labels of the rough classes (H, W) as probabilities of the fine ones (C, H, W)."""
    left = np.arange(labels.shape[1]) < labels.shape[1] / 2
    fine = np.zeros(labels.shape, np.int64)
    for index, name in enumerate(rough_classes):
        one, other = (classes.index(side) for side in SIDES.get(name, (name, name)))
        fine = np.where(labels == index, np.where(left, one, other), fine)
    return soften(torch.from_numpy(fine)[None], len(classes), factor)[0]


def twice_drawn(experiment, root):
    """Aligned test faces that have a rough mask, and these masks as maps, at both resolutions."""
    options, folder = experiment.options, experiment.folder
    factors = dict(zip(RESOLUTIONS, (1, options.factor), strict=True))
    rough_classes = [line.split()[1] for line in (root / "classes6.txt").read_text().splitlines() if line.strip()]
    faces: list[tuple] = []
    maps: dict[str, list] = {name: [] for name in factors}
    for name in folder.splits["test"]:
        if not (path := root / "coarse6" / f"{name}.png").exists():
            continue
        face = folder.load(name)
        rough = read_indices(path)
        faces.append(align(face.image, face.labels, face.keypoints, options.size))
        _, moved = align(face.image, rough, face.keypoints, options.size)
        known = np.where(moved == IGNORE, 0, moved)
        for resolution, factor in factors.items():
            maps[resolution].append(rough_map(known, rough_classes, folder.classes, factor))
    return faces, maps


def scores(tally, classes):
    """The F-score of every class that both kinds of masks have."""
    found = tally.scores(classes)
    hair = classes.index("hair")
    pixels = tally.pixels.sum(0)
    found["hair"] = 200 * pixels[hair, hair] / (pixels[hair].sum() + pixels[:, hair].sum())
    return {name: round(found[name], 2) for name in SCORED}


def mean_scores(tallies, classes):
    """Their mean over seeds."""
    each = [scores(tally, classes) for tally in tallies]
    return {name: round(float(np.mean([one[name] for one in each])), 2) for name in SCORED}


def main() -> None:
    """Refine, write and print."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/table1/real"), help="of analysis/faces/table1.py")
    parser.add_argument("--seeds", type=int, default=3, help="of the headline rows (3)")
    chosen = parser.parse_args()
    experiment = Table.reopened(chosen.run, chosen.seeds)
    options = experiment.options
    faces, maps = twice_drawn(experiment, Path(options.data))
    rows = {"rough masks": [identity]}
    for name in METHODS:
        rows[name] = [experiment.tuned(name)[0]]
    for row in HEADLINE | CONTROLS:
        if (chosen.run / f"{slug(row)}-{chosen.seed}.ckpt").exists():
            rows[row] = [experiment.network(row, seed) for seed in experiment.runs(row)]
    found = {}
    for resolution in RESOLUTIONS:
        tallies = {row: [Tally.of(m, faces, maps[resolution], experiment.classes) for m in rows[row]] for row in rows}
        found[resolution] = {row: mean_scores(each, experiment.classes) for row, each in tallies.items()}
        print(f"{resolution}\n{table(found[resolution])}")
    figures = {"steps": options.steps, "faces": len(faces), "rows": found}
    record.write("rough-masks", figures, seed=chosen.seed, out=record.folder(chosen))


if __name__ == "__main__":
    main()
