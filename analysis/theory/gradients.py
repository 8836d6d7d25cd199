"""Gradients: what is left of them after n steps back, as a function of the weights.

    python analysis/theory/gradients.py

Picture: the sum norm, which Theorem 3 keeps at most 1, and the max norm, which it does not.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

import numpy as np
from matplotlib.figure import Figure

from analysis.common import record, weights
from spnkit import plot
from spnkit.affinity import gradient_norms, strength


def main() -> None:
    options = weights.add_checkpoint(record.parser(__file__, __doc__)).parse_args()
    size = 12 if options.small else 48
    sets = {name: p[0] for name, p in weights.weight_sets(options, size).items()} | controlled(size)
    norms = {kind: {name: gradient_norms(p, norm=kind) for name, p in sets.items()} for kind in ("sum", "max")}
    figures = {
        name: {
            "s": strength(p),
            "rate per step": rate(norms["sum"][name]),
            "sum norm": norms["sum"][name],
            "largest max norm": norms["max"][name].max(),
        }
        for name, p in sets.items()
    }
    pictures = {"decay": draw(norms)}
    record.write("gradients", figures, seed=options.seed, out=record.folder(options), pictures=pictures)


def controlled(size: int) -> dict[str, np.ndarray]:
    """Weights whose fate the theory foretells."""
    funnel = np.zeros((3, size, size))
    funnel[2, : size // 2], funnel[1, size // 2], funnel[0, size // 2 + 1 :] = 1, 1, 1
    return {"even, s = 0.9": np.full((3, size, size), 0.3), "all to the middle": funnel}


def rate(norms: np.ndarray) -> float:
    """What is kept per step, on average over the scan."""
    return float(norms[-1] ** (1 / (len(norms) - 1)))


def draw(norms: dict[str, dict[str, np.ndarray]]) -> Figure:
    figure = Figure(figsize=(10.5, 4.2), layout="constrained")
    titles = {"sum": "sum norm: never grows (Theorem 3)", "max": "max norm: may grow to the number of lanes"}
    for ax, (kind, curves) in zip(figure.subplots(1, 2), norms.items(), strict=True):
        plot.decay(curves, ax, title=titles[kind])
        ax.axhline(1, color="black", linewidth=0.8, linestyle="--")
    return figure


if __name__ == "__main__":
    main()
