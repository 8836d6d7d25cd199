"""Theorem 2: scans are steps of a diffusion. How close, and where the diffusion of one direction ends.

    python analysis/theory/theorem2.py

Pictures: the error of n steps against exp(-L); a photograph diffused in one direction and in the mix of four;
which of its pixels decide in the long run.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.common import record, weights
from spnkit import DIRECTIONS, plot
from spnkit.affinity import (
    AffinityOperator,
    MixedAffinityOperator,
    diffuse,
    spectrum,
    stationary_distribution,
    verify,
)

TIMES = (0, 2, 10, 40, 1000)


def main() -> None:
    options = weights.add_checkpoint(record.parser(__file__, __doc__)).parse_args()
    size, steps = (8, [64, 128, 256]) if options.small else (32, [8, 16, 32, 64, 128, 256, 512, 1024])
    sets = weights.weight_sets(options, size)
    photo = weights.photograph(size).mean(axis=-1)
    errors = {name: step_errors(p[0], photo, steps) for name, p in sets.items()}
    figures = {
        name: {
            "theorem 2": laplacian(p),
            "steps": steps,
            "error": errors[name],
            "order": order(errors[name], steps),
        }
        for name, p in sets.items()
    }
    large = weights.photograph(32 if options.small else 96)
    mix = MixedAffinityOperator(weights.color_similarity(large))
    figures["mix of four, photograph"] = mixing(mix)
    pictures = {
        "order": draw_order(errors, steps),
        "diffusion": draw_diffusion(mix, large.mean(axis=-1), TIMES[:3] if options.small else TIMES),
        "stationary": draw_stationary(mix, large),
    }
    record.write("theorem2", figures, seed=options.seed, out=record.folder(options), pictures=pictures)


def laplacian(p: np.ndarray) -> dict[str, float]:
    """The worst value of each check of Theorem 2 over the four directions."""
    reports = [verify(each, d) for each, d in zip(p, DIRECTIONS, strict=True)]
    checks = [check for report in reports for check in report if check.theorem == 2 and check.relation == "<="]
    return {name: max(c.value for c in checks if c.name == name) for name in dict.fromkeys(c.name for c in checks)}


def step_errors(p: np.ndarray, x: np.ndarray, steps: list[int]) -> list[float]:
    """Largest error at time 1 of n equal steps, for each n."""
    operator = AffinityOperator(p)
    limit = diffuse(operator, x)
    return [float(abs(diffuse(operator, x, 1.0, n) - limit).max()) for n in steps]


def order(errors: list[float], steps: list[int]) -> float:
    """Observed over the last refinement."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(steps[-1] / steps[-2]))


def mixing(mix: MixedAffinityOperator) -> dict[str, object]:
    """Spectrum and stationary distribution of the directed graph."""
    values, pi = spectrum(mix, 6), stationary_distribution(mix)
    return {
        "eigenvalues": [[value.real, value.imag] for value in values],
        "pixels": pi.size,
        "largest share of a pixel x pixels": pi.max() * pi.size,
        "least share of a pixel x pixels": pi.min() * pi.size,
    }


def draw_order(errors: dict[str, list[float]], steps: list[int]) -> Figure:
    figure = Figure(figsize=(6, 4), layout="constrained")
    ax = figure.subplots()
    for (name, values), color in zip(errors.items(), plot.LINES, strict=False):
        ax.loglog(steps, values, "o-", color=color, markersize=3.5, linewidth=1.4, label=name)
    guide = 2 * max(values[-1] for values in errors.values()) * steps[-1] / np.array(steps, float)
    ax.loglog(steps, guide, "--", color=plot.GREY, linewidth=1, label="first order")
    ax.set(xlabel="steps n of length 1/n", ylabel="largest error")
    ax.set_title("$(I - L/n)^n$ against $\\exp(-L)$", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)
    return figure


def draw_diffusion(mix: MixedAffinityOperator, photo: np.ndarray, times: tuple[int, ...]) -> Figure:
    """One direction forgets all but its first column; the mix flattens regions, then everything."""
    figure = Figure(figsize=(2 * len(times), 4.5), layout="constrained")
    axes = figure.subplots(2, len(times))
    plot.diffusion(AffinityOperator(mix.p[0]), photo, times, axes[0], cmap="gray")
    for ax in plot.diffusion(mix, photo, times, axes[1], cmap="gray"):
        ax.set_title("")
    for ax, text in zip(axes[:, 0], ("left to right", "all four"), strict=True):
        ax.text(-0.08, 0.5, text, rotation=90, va="center", ha="center", transform=ax.transAxes, fontsize=10)
    return figure


def draw_stationary(mix: MixedAffinityOperator, photo: np.ndarray) -> Figure:
    """Edges and borders decide: their pixels keep to themselves, and even regions listen to them."""
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(photo)
    pi = stationary_distribution(mix)
    image = right.imshow(pi * pi.size, cmap=plot.COLORMAP, norm=LogNorm(0.03, 30))
    figure.colorbar(image, ax=right, extend="both", label="share, of an even one")
    for ax in (left, right):
        ax.set_axis_off()
    return figure


if __name__ == "__main__":
    main()
