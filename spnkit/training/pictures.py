"""Two pictures of a trained SPN: what it refines, and what one pixel listens to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import cast

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from torch import Tensor

from spnkit.nn import SPN
from spnkit.training.coarse import to_tensor
from spnkit.training.files import whole_file
from spnkit.training.modules import Training
from spnkit.training.prepared import Prepared
from spnkit.training.task import Task

PALETTE = (
    *("#20242c", "#e8b796", "#7b4b2a", "#b5793f", "#2f7fd0", "#65b7f3", "#f4d35e", "#c1121f", "#5c0a14"),
    *("#ff7a70", "#6a4c93", "#2a9d8f", "#8ab17d", "#577590", "#f3722c", "#90be6d", "#43aa8b", "#4d908e"),
    *("#277da1", "#f9c74f", "#adb5bd"),
)


def draw_crops(task: Task, model: Training, photos: Prepared, path: Path, count: int = 3) -> None:
    """Parts of the first `count` photos, not the best: photo, rows of the table, truth.

    Parameters
    ----------
    task : Task
        Says which parts.
    model : Training
        As from `model_of`.
    photos : Prepared
        What to show.
    path : pathlib.Path
        PNG to write, whole or not at all.
    count : int
        How many photos; fewer if there are not as many.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    rows = [row for index in range(min(count, len(photos))) for row in _crops(task, model, photos, index)]
    columns = list(rows[0])
    figure = Figure(figsize=(1.7 * len(columns), 1.7 * len(rows) + 0.9), layout="constrained")
    palette = [colour for colour, _ in zip(cycle(PALETTE), model.classes, strict=False)]
    colours = ListedColormap(palette).with_extremes(over="white")
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for ax, title in zip(axes[0], columns, strict=True):
        ax.set_title(title, fontsize=9)
    for line, row in zip(axes, rows, strict=True):
        for ax, picture in zip(line, row.values(), strict=True):
            ax.imshow(picture, cmap=colours, vmin=-0.5, vmax=len(model.classes) - 0.5, interpolation="nearest")
            ax.set_axis_off()
    names = [name.replace("_", " ") for name in model.classes]
    keys = [Patch(color=colour, label=name) for colour, name in zip(palette, names, strict=True)]
    figure.legend(handles=keys, loc="outside lower center", ncols=min(6, len(names)), fontsize=8, frameon=False)
    _save(figure, path)


def _crops(task: Task, model: Training, photos: Prepared, index: int) -> list[dict[str, NDArray]]:
    photo, labels = photos[index]
    predicted = {row: task.decided(said).numpy() for row, said in task.predict(model, photos, index).items()}
    pictures = {"photo": photo, **predicted, "truth": labels}
    return [{title: picture[w] for title, picture in pictures.items()} for w in task.windows(labels)]


def window(centre: Sequence[float], side: int, shape: Sequence[int]) -> tuple[slice, slice]:
    """A square of `side` pixels around a point (x, y), moved into a photo (H, W)."""
    starts = (
        int(np.clip(round(c - side / 2), 0, length - side)) for c, length in zip(centre[::-1], shape, strict=True)
    )
    row, column = starts
    return slice(row, row + side), slice(column, column + side)


def draw_listening(task: Task, model: Training, photos: Prepared, path: Path) -> None:
    """Whom some pixels of the first photo listen to, in the SPN and in its control.

    That is the gradient of a pixel's own class score with respect to the coarse map, through the propagation
    alone: its row of the affinity of the whole module.

    Parameters
    ----------
    task : Task
        Says which pixels.
    model : Training
        As from `model_of`, with an SPN.
    photos : Prepared
        The first is shown.
    path : pathlib.Path
        PNG to write, whole or not at all.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    photo, labels = photos[0]
    points, coarse = task.points(labels, model.classes), task.coarse(model, photos, 0)
    figure = Figure(figsize=(2.3 * (1 + len(model.networks)), 2.4 * len(points)), layout="constrained")
    axes = figure.subplots(len(points), 1 + len(model.networks), squeeze=False)
    for line, (name, point) in zip(axes, points.items(), strict=True):
        place = window(point, model.options.patch, labels.shape)
        pixel = round(point[1]) - place[0].start, round(point[0]) - place[1].start
        image, patch = to_tensor(photo[place] / np.float32(255)), coarse[:, place[0], place[1]]
        pictures: dict[str, NDArray] = {f"a pixel of the {name}": photo[place]}
        for row, network in model.networks.items():
            pictures[row] = listening(cast(SPN, network), model.photo(row, image), patch, pixel)
        for ax, (title, picture) in zip(line, pictures.items(), strict=True):
            # The square root shows the weak far reach beside the strong neighbourhood.
            ax.imshow(picture if picture.ndim == 3 else np.sqrt(picture), cmap="magma")
            ax.plot(*reversed(pixel), marker="+", color="#39d5ff", markersize=10)
            ax.set_axis_off()
            ax.set_title(title, fontsize=9)
    _save(figure, path)


def listening(network: SPN, image: Tensor, coarse: Tensor, pixel: tuple[int, int]) -> NDArray[np.floating]:
    """Row of the propagation module's Jacobian at `pixel` (row, column), summed in size over the classes.

    Parameters
    ----------
    network : SPN
    image : Tensor, (3, H, W)
    coarse : Tensor, (num_classes, H, W)
    pixel : tuple of int
        Its score for the class that wins there is differentiated.

    Returns
    -------
    numpy.ndarray, (H, W)
    """
    network.eval()
    device = next(network.parameters()).device
    coarse = coarse.to(device)[None].requires_grad_()
    logits = network.refinement(image.to(device)[None], coarse)
    (gradient,) = torch.autograd.grad(logits[(0, slice(None), *pixel)].max(), coarse)
    return gradient[0].abs().sum(0).cpu().numpy()


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=150)
