"""The picture of a benchmark: how many floors each case took, ours and rivals, with the goals marked."""

from __future__ import annotations

OURS, RIVALS, GOAL = "tab:blue", "tab:gray", "tab:red"


def bars(record):
    """A figure of a result file of `analysis/cuda/benchmark.py`, on a logarithmic scale."""
    from matplotlib.figure import Figure

    rows = {name: row for name, row in record["figures"]["cases"].items() if "floors" in row}
    figure = Figure(figsize=(8, 1.2 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for at, (name, row) in enumerate(rows.items()):
        axes.barh(at, row["floors"], color=RIVALS if name.startswith("rival") else OURS)
        axes.text(row["floors"], at, f" {row['floors']:.2f}{' WRONG' if 'wrong' in row else ''}", va="center", size=7)
        if "floors" in row.get("goal", ""):
            axes.plot([float(row["goal"].split()[0])] * 2, [at - 0.4, at + 0.4], color=GOAL)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", yticks=range(len(rows)), yticklabels=list(rows))
    axes.set_xlabel("multiples of the time in which a copy moves the same bytes; red: goal; grey: rivals")
    axes.margins(x=0.15, y=0.01)
    axes.invert_yaxis()
    axes.set_title(record["device"].get("gpu", "no GPU"), size=9)
    return figure
