"""Rows of a table of refiners: each method's scores over the same photos."""

from __future__ import annotations

import numpy as np

from analysis.common.refinement.maps import COUNTED
from analysis.common.refinement.tally import Tally
from spnkit.nn.whole import refined

LIKELY = 0.02
"""Classes that are nowhere likelier are left out: with 21 classes most are not in a photo."""


def network(refiner, photo, coarse):
    """A refiner as a row of the table."""
    likely = np.flatnonzero(coarse.max((1, 2)) > LIKELY)
    found = np.zeros_like(coarse)
    found[likely] = refined(photo, np.ascontiguousarray(coarse[likely]), refiner)
    return found


def tallied(methods, found):
    """A tally of each method over the same photos."""
    tallies = {}
    for case in found:
        for name, method in methods.items():
            tally = tallies.setdefault(name, Tally(len(case.coarse), COUNTED.get(case.set)))
            tally.add(method, case)
    return tallies


def scored(methods, found):
    """Scores of each method over the same photos, and how many these are."""
    tallies = tallied(methods, found)
    rows = {row: {k: round(v, 3) for k, v in tally.scores().items()} for row, tally in tallies.items()}
    return rows, len(next(iter(tallies.values())).seconds)
