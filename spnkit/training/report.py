"""What a run leaves behind in numbers: metrics.json and the table, and the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

from spnkit.provenance import versions
from spnkit.training.files import write_json, write_text

Scores = Mapping[str, Mapping[str, float]]
LIBRARIES = ("torch", "lightning", "torchmetrics", "numba", "numpy", "scikit-image", "pillow")


def write_report(folder: Path, scores: Scores, facts: Mapping[str, Any]) -> None:
    """Write metrics.json, table.txt and table.md.

    Parameters
    ----------
    folder : pathlib.Path
        Where to.
    scores : mapping
        Row name to column name to score in percent.
    facts : mapping
        What else belongs to the numbers: the command, the options, the timings.
    """
    write_json(folder / "metrics.json", {**facts, "versions": versions(LIBRARIES), "scores": rounded(scores)})
    write_text(folder / "table.txt", table(scores))
    write_text(folder / "table.md", table(scores, markdown=True))


def rounded(scores: Scores) -> dict[str, dict[str, float | None]]:
    """As a file has them: three digits, and None for NaN, which JSON does not know."""
    return {
        row: {name: None if isnan(score) else round(score, 3) for name, score in of.items()}
        for row, of in scores.items()
    }


def table(scores: Scores, markdown: bool = False) -> str:
    """Rows and columns as in Table 1 of the paper, as aligned text or as Markdown.

    Parameters
    ----------
    scores : mapping
        Row name to column name to score in percent; all rows have the columns of the first. NaN is shown as a dash.
    markdown : bool
        Whether as a Markdown table.

    Returns
    -------
    str
        Lines that each end in a newline.

    Examples
    --------
    >>> print(table({"baseline": {"nose": 89.163, "overall": 82.9}, "SPN": {"nose": 92.6, "overall": 89.3}}))
    Method     nose  overall
    baseline  89.16    82.90
    SPN       92.60    89.30
    <BLANKLINE>
    """
    columns = list(next(iter(scores.values())))
    rows = [["Method", *columns]]
    rows += [[row, *(_shown(of[column]) for column in columns)] for row, of in scores.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_aligned(row, widths) for row in rows]
    if markdown:
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        return "".join(f"| {' | '.join(cells)} |\n" for cells in (lines[0], rule, *lines[1:]))
    return "".join("  ".join(cells).rstrip() + "\n" for cells in lines)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        row[0].ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
    ]


def _shown(score: float) -> str:
    return "-" if isnan(score) else f"{score:.2f}"
