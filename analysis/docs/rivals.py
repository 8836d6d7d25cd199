"""README's chart of speed: the times of `analysis/cpu/results/speed.json`, as bars.

python analysis/docs/rivals.py
"""

import json
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root, in place of this folder

from matplotlib.figure import Figure

from analysis.common import record
from spnkit.plot.shown import BLUE

SOURCE = record.ROOT / "analysis/cpu/results/speed.json"
SIZE = "32 x 256 x 256"
NAMES = {"torch call": "spnkit", "C++ loop": "C++ loop", "torch loop": "torch loop", "jax lax.scan": "jax lax.scan"}
PASSES = {"forward": "forward", "both": "forward and backward"}


def main() -> None:
    """Read and draw."""
    options = record.parser(__file__, __doc__).parse_args()
    ms = json.loads(SOURCE.read_text())["figures"]["parts"]["rivals"]["result"][SIZE]["ms"]
    figures = {title: {name: ms[f"{key}, {row}"] for row, name in NAMES.items()} for key, title in PASSES.items()}
    figure = Figure(figsize=(8, 2.2), layout="constrained")
    for ax, (title, times) in zip(figure.subplots(1, 2, sharey=True), figures.items(), strict=True):
        bars = ax.barh(list(times), list(times.values()), color=[BLUE, *["#999999"] * (len(times) - 1)])
        ax.bar_label(bars, [f"{time:.1f} ms" if time < 100 else f"{time:.0f} ms" for time in times.values()], padding=3)
        ax.set(title=title, xlim=(0, 1.25 * max(times.values())), xticks=[])
        ax.spines[["top", "right", "bottom"]].set_visible(False)
    figure.axes[0].invert_yaxis()  # of both
    record.write("rivals", figures, seed=options.seed, out=record.folder(options), pictures={"bars": figure})


if __name__ == "__main__":
    main()
