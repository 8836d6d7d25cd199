"""Theorem 3: what sum |p| <= 1 bounds and what it does not, and the price of bounding the rest.

    python analysis/theory/theorem3.py

Pictures: Gershgorin discs with the eigenvalues inside; singular values of all steps, also after `balance`.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
from matplotlib.figure import Figure

from analysis.common import record, weights
from spnkit import DIRECTIONS, plot
from spnkit.affinity import (
    AffinityOperator,
    balance,
    growth_bound,
    mean_reach,
    spectral_bound,
    step_matrices,
    verify,
    worst_step,
)


def main() -> None:
    options = weights.add_checkpoint(record.parser(__file__, __doc__)).parse_args()
    sets = weights.weight_sets(options, size=8 if options.small else 32)
    figures = {name: {"checks": bounds(p), "price of balance": price(p)} for name, p in sets.items()}
    figures["extremal"] = extremal()
    pictures = {"discs": draw_discs(sets), "singular-values": draw_singular_values(sets)}
    record.write("theorem3", figures, seed=options.seed, out=record.folder(options), pictures=pictures)


def bounds(p: np.ndarray) -> dict[str, dict[str, float]]:
    """The worst value of each check of Theorem 3 over the four directions, with its bound."""
    worst: dict[str, dict[str, float]] = {}
    for each, direction in zip(p, DIRECTIONS, strict=True):
        for check in verify(each, direction):
            if check.theorem == 3 and check.value > worst.get(check.name, {}).get("value", -np.inf):
                worst[check.name] = {"value": check.value, "bound": check.bound}
    return worst


def balanced(p: np.ndarray) -> np.ndarray:
    return np.stack([balance(each, direction) for each, direction in zip(p, DIRECTIONS, strict=True)])


def singular_values(p: np.ndarray) -> np.ndarray:
    """The largest of each step of each direction."""
    steps = [step_matrices(each, direction) for each, direction in zip(p, DIRECTIONS, strict=True)]
    return np.concatenate([np.linalg.norm(w, 2, axis=(1, 2)) for w in steps])


def price(p: np.ndarray) -> dict[str, float]:
    """What `balance` takes away, in singular values, weights and steps of reach (of |p|, as shares)."""
    after = balanced(p)

    def steps_back(weights):
        return np.mean([mean_reach(abs(each), d).mean() for each, d in zip(weights, DIRECTIONS, strict=True)])

    return {
        "largest singular value before": singular_values(p).max(),
        "largest singular value after": singular_values(after).max(),
        "steps with a singular value above 1 before": (singular_values(p) > 1 + 1e-9).mean(),
        "mean |p| kept": abs(after).mean() / abs(p).mean(),
        "mean reach before": steps_back(p),
        "mean reach after": steps_back(after),
    }


def extremal() -> dict[str, float]:
    """The cases that reach the bounds."""
    alternating = (-1.0) ** np.arange(50)
    return {
        "worst step: spectral norm": np.linalg.norm(step_matrices(worst_step())[0], 2),
        "worst step: bound": spectral_bound(3, 3),
        "p = -1, x alternating: h after 50 steps": (AffinityOperator(np.full((1, 1, 50), -1.0)) @ alternating)[-1],
        "p = -1: bound": growth_bound(1, 50),
        "p = -0.9, x alternating: largest |h|": abs(
            AffinityOperator(np.full((1, 1, 500), -0.9)) @ np.tile(alternating, 10)
        ).max(),
        "p = -0.9: bound (1 + s) / (1 - s)": 1.9 / 0.1,
    }


def draw_discs(sets: dict[str, np.ndarray]) -> Figure:
    chosen = {name: p for name, p in sets.items() if p.shape[1] == 3}
    figure = Figure(figsize=(4 * len(chosen), 4.1), layout="constrained")
    axes = figure.subplots(1, len(chosen), squeeze=False)[0]
    for ax, (name, p) in zip(axes, chosen.items(), strict=True):
        plot.gershgorin(p[0], step=p.shape[-1] // 2, ax=ax, title=name)
    return figure


def draw_singular_values(sets: dict[str, np.ndarray]) -> Figure:
    chosen = {name: p for name, p in sets.items() if p.shape[1] == 3}
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    ax = figure.subplots()
    for (name, p), color in zip(chosen.items(), plot.LINES, strict=False):
        before, after = np.sort(singular_values(p)), np.sort(singular_values(balanced(p)))
        share = np.linspace(0, 1, len(before))
        ax.plot(share, before, color=color, linewidth=1.8, label=name)
        if not np.allclose(before, after):
            ax.plot(share, after, ":", color=color, linewidth=1.8, label=f"{name}, balanced")
    for height, text in ((1, "1: Eq. (11)"), (np.sqrt(3), "$\\sqrt{3}$: Theorem 3")):
        ax.axhline(height, color="black", linewidth=0.9, linestyle="--")
        ax.text(1.06, height, text, fontsize=8, va="center")
    ax.set(xlabel="share of the steps, sorted", ylabel="largest singular value of $w_t$", ylim=(None, 1.8))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, 0.95))
    return figure


if __name__ == "__main__":
    main()
