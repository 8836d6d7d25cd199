"""What `analysis/cuda/benchmark.py` makes of its times: comparisons, and the short table."""

from __future__ import annotations

import spnkit

ONE_SPEED = 1.15  # horizontal as vertical
SHARED = 3  # times faster than gates per channel
COLUMNS = (("GB", "6.2f"), ("floor ms", "9.4f"), ("ms", "9.4f"), ("GB/s", "6.0f"), ("floors", "7.2f"))
BESIDE = {  # comparison: the slower of two cases, as we hope; the faster; how many times; at least, or at most
    "gates per channel / shared": ("forward", "forward, shared gates", SHARED, True),
    "the same, there and back": ("forward and backward", "there and back, shared gates", SHARED, True),
    "rival, launch per column / ours": ("rival: launch per column", "left_to_right", 1, True),
    "rival, Triton left_to_right / ours": ("rival: Triton, left_to_right", "left_to_right", 1, True),
    "rival, Triton top_to_bottom / ours": ("rival: Triton, top_to_bottom", "top_to_bottom", 1, True),
    "rival, Triton forward / ours": ("rival: Triton, forward", "forward", 1, True),
    "rival, torch.compile / ours": ("rival: torch.compile", "forward", 1, True),
    "rival, torch loop / ours": ("rival: torch loop", "forward", 1, True),
}


def comparisons(rows):
    """Goals that set two cases side by side."""
    ways = {name: row["ms"] for name, row in rows.items() if name in spnkit.DIRECTIONS and "ms" in row}
    across = sorted(ways, key=ways.get)
    horizontal = next((name for name in reversed(across) if "left" in name), "none")
    vertical = next((name for name in across if "left" not in name), "none")
    pairs = {"slowest horizontal / fastest vertical": (horizontal, vertical, ONE_SPEED, False)} | BESIDE
    return {name: _ratio(rows, *pair) for name, pair in pairs.items()}


def _ratio(rows, one, other, goal, least):
    if "ms" in rows.get(one, {}) and "ms" in rows.get(other, {}):
        value = rows[one]["ms"] / rows[other]["ms"]
        return {"ratio": value, "goal": goal, "met": value >= goal if least else value <= goal}
    return {"failed": "one of the two is missing"}


def table(figures):
    """The short table: a line a case, what was not measured and why in its place."""
    nan = float("nan")
    print(f"\ncopy {figures.get('copy GB/s', nan):.0f} GB/s, host {figures.get('host us', nan):.1f} us a call")
    print(" ".join([f"{'case':30}", *(f"{key:>{form.split('.')[0]}}" for key, form in COLUMNS)]), " goal")
    for name, row in figures["cases"].items():
        print(f"{name:30} {line(row)}".rstrip())
    for name, row in figures["comparisons"].items():
        print(f"{name:38} {row.get('ratio', nan):7.2f}  goal {row.get('goal', '')} {verdict(row)}".rstrip())


def line(row):
    """Numbers of a case, its goal, which kernels ran."""
    if "ms" not in row:
        return next((f"{key}: {row[key]}"[:90] for key in ("failed", "absent") if key in row), "")
    row = row | ({"GB": row["bytes"] / 1e9} if "bytes" in row else {})
    numbers = " ".join(f"{row[key]:{form}}" if key in row else " " * int(form.split(".")[0]) for key, form in COLUMNS)
    ran = "; ".join(f"{kernel} {us:.0f} us" for kernel, us in row.get("kernels", {}).items())
    said = (row.get("goal", ""), verdict(row), row.get("wrong", ""), row.get("how", ""), ran)
    return f"{numbers}  {' '.join(filter(None, said))}"


def verdict(row):
    """In a word."""
    return {True: "met", False: "MISSED", None: ""}[row.get("met")]
