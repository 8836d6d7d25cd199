"""What `verify` hands back: numbers beside their bounds, to be read or to be used."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass

RELATIONS = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True)
class Check:
    """One number that a theorem bounds.

    Attributes
    ----------
    theorem : int
        1, 2 or 3.
    name : str
        What was measured.
    value, bound : float
        The number, and what it is held against.
    relation : {"<=", ">="}
        Which side of the bound it belongs on.
    """

    theorem: int
    name: str
    value: float
    bound: float
    relation: str = "<="

    @property
    def passed(self) -> bool:
        """Whether the value keeps to its bound; NaN never does."""
        return bool(RELATIONS[self.relation](self.value, self.bound))


@dataclass(frozen=True)
class Report:
    """All checks of one set of weights; `str(report)` is a table.

    Attributes
    ----------
    title : str
        Which weights: connection, map and direction.
    checks : tuple of Check
        In the order of the theorems.
    """

    title: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"no check named {name!r}, there are: {', '.join(c.name for c in self.checks)}")

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __str__(self) -> str:
        width = max(len(check.name) for check in self.checks)
        lines = [self.title, f"{'Thm':<4} {'check':<{width}} {'value':>11}    {'bound':>11}"]
        for c in self.checks:
            verdict = "ok" if c.passed else "FAILED"
            lines.append(f"{c.theorem:<4} {c.name:<{width}} {c.value:>11.4g} {c.relation} {c.bound:>11.4g}  {verdict}")
        return "\n".join(lines)
