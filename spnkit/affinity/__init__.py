"""The affinity of a linear propagation as a matrix, an operator and a directed graph.

The theory of section 3.1, on NumPy and SciPy alone. The matrices are built from the paper's formulas and know
nothing of the kernels; the operator runs the kernels and stores no matrix.
"""

from spnkit.affinity.diffusion import diffuse, observed_orders
from spnkit.affinity.effective import effective_affinity
from spnkit.affinity.errata import eq2_as_printed
from spnkit.affinity.graph import asymmetry, spectrum, stationary_distribution, to_networkx, to_pygsp
from spnkit.affinity.makers import (
    color_similarity_weights,
    domain_transform_weights,
    recursive_filter_weights,
)
from spnkit.affinity.matrices import build_A, build_D, build_G, build_L, build_W
from spnkit.affinity.operator import AffinityOperator, MixedAffinityOperator
from spnkit.affinity.photos import edge_scale
from spnkit.affinity.reach import effective_area, gradient_norms, mean_reach
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
from spnkit.affinity.walks import hitting_probability, sample_walks, survival

__all__ = [
    "AffinityOperator",
    "Check",
    "MixedAffinityOperator",
    "Report",
    "asymmetry",
    "balance",
    "build_A",
    "build_D",
    "build_G",
    "build_L",
    "build_W",
    "color_similarity_weights",
    "diffuse",
    "domain_transform_weights",
    "edge_scale",
    "effective_affinity",
    "effective_area",
    "eq2_as_printed",
    "exact_row_sums",
    "gershgorin_discs",
    "gradient_norms",
    "growth_bound",
    "hitting_probability",
    "listened_to",
    "mean_reach",
    "observed_orders",
    "recursive_filter_weights",
    "sample_walks",
    "spectral_bound",
    "spectrum",
    "stationary_distribution",
    "step_matrices",
    "stored_entries",
    "strength",
    "survival",
    "to_networkx",
    "to_pygsp",
    "verify",
    "worst_step",
]
