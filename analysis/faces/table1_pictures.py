"""Pictures of what analysis/faces/table1.py has trained: regions of the face, errors, what pixels listen to, losses.

Pictures of made-up faces go to the results; those of a folder of faces stay in its run, as they show people.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from analysis.common import record
from analysis.common.faces.rows import HEADLINE
from analysis.faces.table1 import Table, slug
from spnkit.data import IGNORE
from spnkit.tasks import Faces
from spnkit.training import draw_crops, draw_listening, load_model
from spnkit.training.files import whole_file

SHOWN = ("SPN, one-way", "SPN, three-way", "plain convolutions")
WRONG, GREY = (0.86, 0.08, 0.12), (0.3, 0.59, 0.11)


def together(run, rows, seed):
    """One model with the networks of several rows."""
    models = {row: load_model(run / f"{slug(row)}-{seed}.ckpt").eval() for row in rows}
    model = models[rows[0]]
    model.networks = nn.ModuleDict({row: next(iter(one.networks.values())) for row, one in models.items()})
    return model


def draw_errors(model, faces):
    """Wrong pixels of the first faces, in red over the photo."""
    task, count = Faces(model.options), min(3, len(faces))
    rows = [task.coarse_row, *model.networks]
    figure = Figure(figsize=(2.4 * (1 + len(rows)), 2.5 * count), layout="constrained")
    axes = figure.subplots(count, 1 + len(rows), squeeze=False)
    for line, index in zip(axes, range(count), strict=True):
        photo, labels = faces[index]
        pictures = {"photo": photo / 255}
        for row, probabilities in task.predict(model, faces, index).items():
            wrong = (probabilities.argmax(0).numpy() != labels) & (labels != IGNORE)
            grey = np.repeat((photo @ np.array(GREY) / 255)[..., None], 3, axis=2) * 0.5 + 0.5
            pictures[f"{row}: {100 * wrong.mean():.1f} % wrong"] = np.where(wrong[..., None], WRONG, grey)
        for ax, (title, picture) in zip(line, pictures.items(), strict=True):
            ax.imshow(picture)
            ax.set_title(title, fontsize=8)
            ax.set_axis_off()
    return figure


def draw_curves(run, seeds):
    """Training loss by step: the mean over seeds, and each of them faintly."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    ax = figure.subplots()
    for number, row in enumerate(HEADLINE):
        histories = [history(run / f"{slug(row)}-{seed}.ckpt") for seed in seeds]
        steps = [entry["step"] for entry in histories[0]]
        losses = np.array([[entry["loss"] for entry in one] for one in histories])
        for one in losses:
            ax.plot(steps, one, color=f"C{number}", alpha=0.25, linewidth=1)
        ax.plot(steps, losses.mean(0), color=f"C{number}", label=row)
    ax.set(xlabel="step", ylabel="training loss")
    ax.legend(frameon=False)
    return figure


def history(checkpoint):
    """Losses that a checkpoint has kept."""
    return torch.load(checkpoint, weights_only=True)["callbacks"]["StageProgress"]["history"]


def main() -> None:
    """Draw all four."""
    parser = record.parser(__file__, __doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/table1/made-up"), help="of analysis/faces/table1.py")
    parser.add_argument("--seeds", type=int, default=3, help="of the headline rows (3)")
    chosen = parser.parse_args()
    experiment = Table.reopened(chosen.run, chosen.seeds)
    faces = experiment.experiment().aligned(experiment.folder, "test")
    model = together(chosen.run, SHOWN, chosen.seed)
    made_up = experiment.options.data is None
    target = record.folder(chosen) if made_up else chosen.run / "pictures"
    target.mkdir(parents=True, exist_ok=True)
    draw_crops(model, faces, target / f"{chosen.run.name}-crops.png")
    draw_listening(together(chosen.run, SHOWN[:2], chosen.seed), faces, target / f"{chosen.run.name}-listening.png")
    figures = {"errors": draw_errors(model, faces), "curves": draw_curves(chosen.run, experiment.runs(SHOWN[1]))}
    for name, figure in figures.items():
        with whole_file(target / f"{chosen.run.name}-{name}.png") as file:
            figure.savefig(file, format="png", dpi=90, metadata={"Software": None})


if __name__ == "__main__":
    main()
