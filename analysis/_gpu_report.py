"""What `gpu_benchmark.py` makes of its times: comparisons, and the short table."""

from __future__ import annotations

import spnkit


def comparisons(rows):
    """Goals that set two cases side by side."""

    def ratio(one, other, goal, least):
        if "ms" in rows.get(one, {}) and "ms" in rows.get(other, {}):
            value = rows[one]["ms"] / rows[other]["ms"]
            return {"ratio": value, "goal": goal, "met": value >= goal if least else value <= goal}
        return {"failed": "one of the two is missing"}

    ways = {name: row["ms"] for name, row in rows.items() if name in spnkit.DIRECTIONS and "ms" in row}
    across = sorted(ways, key=ways.get)
    horizontal = next((name for name in reversed(across) if "left" in name), "none")
    vertical = next((name for name in across if "left" not in name), "none")
    return {
        "slowest horizontal / fastest vertical": ratio(horizontal, vertical, 1.15, False),
        "gates per channel / shared": ratio("forward", "forward, shared gates", 3, True),
        "rival, launch per column / ours": ratio("rival: launch per column", "left_to_right", 1, True),
        "rival, torch loop / ours": ratio("rival: torch loop", "forward", 1, True),
    }


def table(figures):
    """The short table."""
    print(f"\ncopy {figures['copy GB/s']:.0f} GB/s, host {figures.get('host us', float('nan')):.1f} us a call")
    for name, seen in figures.get("profiler", {}).items():
        print(f"profiler, {name}:", ", ".join(f"{key} {value}" for key, value in seen.items()))
    print(f"{'case':26} {'ms':>9} {'GB/s':>6} {'floors':>7}  goal")
    for name, row in figures["cases"].items():
        if "failed" in row:
            print(f"{name:26} {row['failed'][:90]}")
            continue
        numbers = f"{row['ms']:9.4f} {row.get('GB/s', float('nan')):6.0f} {row.get('floors', float('nan')):7.2f}"
        print(f"{name:26} {numbers}  {row.get('goal', '')} {verdict(row)}")
    for name, row in figures["comparisons"].items():
        print(f"{name:38} {row.get('ratio', float('nan')):7.2f}  goal {row.get('goal', '')} {verdict(row)}")


def verdict(row):
    """In a word."""
    return {True: "met", False: "MISSED", None: ""}[row.get("met")]
