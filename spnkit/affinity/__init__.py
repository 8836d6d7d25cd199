"""The affinity of a linear propagation as a matrix, an operator and a directed graph.

The theory of section 3.1, on NumPy and SciPy alone. The matrices are built from the paper's formulas and know
nothing of the kernels; the operator runs the kernels and stores no matrix.
"""

from spnkit.affinity.diffusion import diffuse, observed_orders
from spnkit.affinity.matrices import build_A, build_D, build_G, build_L, build_W
from spnkit.affinity.operator import AffinityOperator, MixedAffinityOperator
from spnkit.affinity.report import Check, Report
from spnkit.affinity.stability import (
    balance,
    growth_bound,
    listened_to,
    spectral_bound,
    step_matrices,
    strength,
    worst_step,
)
from spnkit.affinity.structure import stored_entries
from spnkit.affinity.theorems import exact_row_sums, gershgorin_discs, verify

__all__ = [
    "AffinityOperator",
    "Check",
    "MixedAffinityOperator",
    "Report",
    "balance",
    "build_A",
    "build_D",
    "build_G",
    "build_L",
    "build_W",
    "diffuse",
    "exact_row_sums",
    "gershgorin_discs",
    "growth_bound",
    "listened_to",
    "observed_orders",
    "spectral_bound",
    "step_matrices",
    "stored_entries",
    "strength",
    "verify",
    "worst_step",
]
