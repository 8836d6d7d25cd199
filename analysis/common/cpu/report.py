"""What is shown of the measurement: a short table, and the picture of R over sizes."""

from __future__ import annotations

from matplotlib.figure import Figure

TITLES = {"forward": "forward (14 values)", "both": "forward and backward (41 values)"}
CURVES = {  # as contestants are called after "forward, " and "both, ": label and colour
    "kernel": ("spnkit, kernel", "C0"),
    "NumPy call": ("spnkit, NumPy call", "C9"),
    "torch call": ("spnkit, torch call", "C2"),
    "C++ loop": ("C++ loop", "C1"),
    "jax lax.scan": ("jax lax.scan", "C4"),
    "torch loop": ("torch loop", "C3"),
    "torch.compile, each step": ("torch.compile, each step", "C5"),
}


def table(parts: dict[str, dict]) -> str:
    """One line for each figure that issues and pages speak of."""
    return "\n".join(line for name, part in parts.items() for line in _lines(name, part))


def _lines(name, part):
    yield f"\n{name} ({part['seconds']:.0f} s)"
    if "error" in part:
        yield f"  failed: {part['error']}"
        return
    for key, row in part["result"].items():
        if isinstance(row, dict) and "R" in row:
            yield f"  {key}: R {_numbers(row['R'])}   [{_copy(row['copy'])}]"
            yield from _rest(row)
        elif isinstance(row, dict):
            yield from (f"  {key}, {inner}: {_shown(value)}" for inner, value in row.items())
        else:
            yield f"  {key}: {row}"


def _rest(row):
    for key, value in row.items():
        if key not in ("R", "copy", "ms", "R by the fastest copy", "planes", "side", "forward MB") and value != {}:
            yield f"      {key}: {_shown(value)}"


def _shown(value):
    if isinstance(value, dict) and "R" in value:
        return f"R {_numbers(value['R'])}   [{_copy(value['copy'])}]"
    return _numbers(value) if isinstance(value, dict) else value if isinstance(value, str) else f"{value:.3g}"


def _numbers(row):
    return "; ".join(f"{key} {value if isinstance(value, str) else _shown(value)}" for key, value in row.items())


def _copy(copy):
    return f"{copy['GB/s']:.1f} GB/s by {copy['denominator']}"


def picture(parts: dict[str, dict], last_level: str | None) -> Figure:
    """R of the kernels, the public calls and the rivals over the side of the map."""
    figure = Figure(figsize=(10.5, 5), layout="constrained")
    results = [parts.get(name, {}).get("result", {}) for name in ("sizes", "rivals")]
    rows = [row for result in results for row in result.values() if "R" in row]
    for ax, step in zip(figure.subplots(1, 2, sharey=True), TITLES, strict=True):
        for name, (label, color) in CURVES.items():
            curve = _curve(rows, f"{step}, {name}")
            if curve:
                style = (
                    {"linewidth": 2, "marker": "o"}
                    if label.startswith("spnkit")
                    else {"linestyle": "--", "marker": "s"}
                )
                ax.plot(*zip(*sorted(curve.items()), strict=True), label=label, color=color, markersize=4, **style)
        ax.axhline(1, color="black", linewidth=0.8)
        ticks = sorted({row["side"] for row in rows})
        ax.set(xscale="log", yscale="log", title=TITLES[step], xlabel="side of the map; 32 planes, 8 at 1024")
        ax.set_xticks(ticks, ticks)
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    figure.axes[0].set_ylabel("R: multiple of the memory floor")
    if rows:
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    held = f"; the last-level cache holds {last_level}" if last_level else ""
    figure.suptitle(f"R = 1: the time in which the mandatory bytes are copied{held}", fontsize=9)
    return figure


def _curve(rows, name):
    """R by side; where two parts timed the same, the first counts."""
    curve: dict[int, float] = {}
    for row in rows:
        if name in row["R"]:
            curve.setdefault(row["side"], row["R"][name])
    return curve
