"""Reach: one-way connections see a cross, three-way ones the plane (the paper's Figure 1, computed).

    python analysis/theory/reach.py

Pictures: whom the centre listens to in each direction and in all four; the same for pixels of a photograph.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
from matplotlib.figure import Figure

from analysis.common import record, weights
from spnkit import DIRECTIONS, plot
from spnkit.affinity import AffinityOperator, MixedAffinityOperator, effective_area, mean_reach

PIXELS = {"eye": (0.44, 0.37), "lips": (0.71, 0.50), "hair": (0.18, 0.50)}
"""Row and column in the photograph, as shares of its sides."""


def main() -> None:
    options = weights.add_checkpoint(record.parser(__file__, __doc__)).parse_args()
    side = 15 if options.small else 41
    even = {"one-way": np.full((4, 1, side, side), 0.9), "three-way": np.full((4, 3, side, side), 0.3)}
    photo = weights.photograph(32 if options.small else 128)
    sets = {"one-way": weights.domain_transform(photo), "three-way": weights.color_similarity(photo)}
    if options.checkpoint:
        for name, trained in (("before training", False), ("after training", True)):
            sets[name] = weights.learned_weights(options.checkpoint, len(photo), trained=trained)
    centre = (side // 2, side // 2)
    figures = {"even weights": {name: spread(p, centre) for name, p in even.items()}}
    for part, place in PIXELS.items():
        pixel = place_in(photo, place)
        figures[f"photograph, {part}"] = {name: spread(p, pixel) for name, p in sets.items()}
    pictures = {"directions": draw_directions(even, centre), "photograph": draw_photograph(photo, sets)}
    record.write("reach", figures, seed=options.seed, out=record.folder(options), pictures=pictures)


def place_in(photo: np.ndarray, place: tuple[float, float]) -> tuple[int, int]:
    return int(place[0] * photo.shape[0]), int(place[1] * photo.shape[1])


def listening(p: np.ndarray, pixel: tuple[int, int]) -> np.ndarray:
    """Size of the row of the mix of four; of learned weights, its mean over the hidden channels."""
    channels = p if p.ndim == 5 else p[None]
    return np.mean([abs(MixedAffinityOperator(each).row(pixel)) for each in channels], axis=0)


def spread(p: np.ndarray, pixel: tuple[int, int]) -> dict[str, object]:
    """How much of the map the mix of four listens to."""
    row = listening(p, pixel)
    numbers: dict[str, object] = {
        "share of the map listened to": np.count_nonzero(row) / row.size,
        "effective pixels": effective_area(row),
    }
    if p.min() >= 0:
        reaches = [mean_reach(each, d)[pixel] for each, d in zip(p, DIRECTIONS, strict=True)]
        numbers["mean steps back"] = dict(zip(DIRECTIONS, reaches, strict=True))
    return numbers


def draw_directions(sets: dict[str, np.ndarray], pixel: tuple[int, int]) -> Figure:
    figure = Figure(figsize=(11.5, 5.2), layout="constrained")
    axes = figure.subplots(2, 5, sharex=True, sharey=True)
    for line, (name, p) in zip(axes, sets.items(), strict=True):
        operators = {d.replace("_", " "): AffinityOperator(each, d) for each, d in zip(p, DIRECTIONS, strict=True)}
        operators["all four"] = MixedAffinityOperator(p)
        for ax, (title, operator) in zip(line, operators.items(), strict=True):
            plot.reach(operator.row(pixel), pixel, ax, title=title if name == "one-way" else "")
            ax.label_outer()
        line[0].set_ylabel(f"{name}\nrow")
    return figure


def draw_photograph(photo: np.ndarray, sets: dict[str, np.ndarray]) -> Figure:
    figure = Figure(figsize=(3 * (1 + len(sets)), 9), layout="constrained")
    axes = figure.subplots(len(PIXELS), 1 + len(sets))
    for line, (part, place) in zip(axes, PIXELS.items(), strict=True):
        pixel = place_in(photo, place)
        line[0].imshow(photo)
        line[0].set_title(f"a pixel of the {part}", fontsize=10)
        line[0].set_axis_off()
        for ax, (name, p) in zip(line[1:], sets.items(), strict=True):
            plot.listens_to(photo, listening(p, pixel), pixel, ax, title=name)
    return figure


if __name__ == "__main__":
    main()
