"""The affinity of a linear propagation as a matrix, an operator and a directed graph.

The theory of section 3.1, on NumPy and SciPy alone. The matrices are built from the paper's formulas and know
nothing of the kernels; the operator runs the kernels and stores no matrix.
"""

from spnkit.affinity.matrices import build_A, build_D, build_G, build_L, build_W
from spnkit.affinity.operator import AffinityOperator, MixedAffinityOperator
from spnkit.affinity.structure import stored_entries

__all__ = [
    "AffinityOperator",
    "MixedAffinityOperator",
    "build_A",
    "build_D",
    "build_G",
    "build_L",
    "build_W",
    "stored_entries",
]
