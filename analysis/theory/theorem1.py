"""Theorem 1: every row of G sums to one, and with Eq. (2) as printed it does not.

    python analysis/theory/theorem1.py

Pictures: the entries of G, one-way and three-way side by side; the row sums of both readings of Eq. (2).
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
from matplotlib.figure import Figure

from analysis.common import record, weights
from spnkit import DIRECTIONS, plot
from spnkit.affinity import build_G, eq2_as_printed, exact_row_sums


def main() -> None:
    options = weights.add_checkpoint(record.parser(__file__, __doc__)).parse_args()
    sets = weights.weight_sets(options, size=8 if options.small else 32)
    figures = {name: row_sums(p) for name, p in sets.items()}
    pictures = {"sparsity": draw_sparsity(), "row-sums": draw_row_sums(sets)}
    record.write("theorem1", figures, seed=options.seed, out=record.folder(options), pictures=pictures)


def row_sums(p: np.ndarray) -> dict[str, float]:
    """The worst of all rows of all four directions, and how many a rational sum finds wrong."""
    right = np.concatenate([build_G(each, d).sum(axis=1) for each, d in zip(p, DIRECTIONS, strict=True)])
    printed = np.concatenate([eq2_as_printed(each, d).sum(axis=1) for each, d in zip(p, DIRECTIONS, strict=True)])
    corner = [total for each, d in zip(p[..., :6, :6], DIRECTIONS, strict=True) for total in exact_row_sums(each, d)]
    return {
        "rows": len(right),
        "largest |sum - 1|": abs(right - 1).max(),
        "rational rows": len(corner),
        "rational sums not 1": sum(total != 1 for total in corner),
        "as printed: least sum": printed.min(),
        "as printed: largest sum": printed.max(),
    }


def draw_sparsity(side: int = 10) -> Figure:
    """One-way against three-way on a map small enough to see every entry."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.subplots(1, 2)
    for ax, K, title in zip(axes, (1, 3), ("one-way: one line each", "three-way: a widening plane"), strict=True):
        plot.sparsity(build_G(np.full((K, side, side), 0.9 / K)), ax, lanes=side, title=title, colorbar=K == 3)
    figure.suptitle(f"G of a {side} x {side} map, left to right", fontsize=11)
    return figure


def draw_row_sums(sets: dict[str, np.ndarray]) -> Figure:
    """Sorted row sums: a flat line where Theorem 1 holds."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    ax = figure.subplots()
    for (name, p), color in zip(sets.items(), plot.LINES, strict=False):
        sums = np.sort(eq2_as_printed(p[0]).sum(axis=1))
        ax.plot(np.linspace(0, 1, len(sums)), sums, color=color, linewidth=1.6, label=name)
    ax.axhline(1, color="black", linewidth=1.6, label="d with j = i: all of them")
    ax.set(xlabel="share of the rows of G, sorted", ylabel="sum of the row")
    ax.set_title("Row sums with Eq. (2) as printed, j = i left out", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    main()
