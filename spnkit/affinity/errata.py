"""Where the paper is wrong or silent, and the function that shows it.

1. Eq. (2) leaves out j = i: `eq2_as_printed`, against `build_G`.
2. Eq. (11) wants the largest singular value, Theorem 3 bounds eigenvalues: `spectral_bound`, `worst_step`;
   `balance` makes the claim true.
3. Stability of the homogeneous system does not bound h: `growth_bound`.
4. The products in the proof of Theorem 1 run over tau, the largest index on the left: `build_G`.
5. One direction is block triangular, its eigenvalues are 1 - d, and it ends in its first column: `spectrum`;
   only a mix of directions diffuses both ways: `stationary_distribution`.
6. Node-wise max is not linear: `effective_affinity` is the row of the Jacobian.
7. With negative weights the diffusion of Theorem 2 grows without end: `diffuse`.
8. A norm of at most one keeps gradients from exploding, not from vanishing: `gradient_norms`.
"""

from __future__ import annotations

from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from spnkit.affinity.blocks import from_bands, products_by_lag
from spnkit.affinity.matrices import checked, in_order
from spnkit.affinity.weights import along_scan


def eq2_as_printed(p: ArrayLike, direction: str = "left_to_right", order: str = "scan") -> csr_array:
    r"""G of Eq. (3) with the degree of Eq. (2) as printed, :math:`d_t(i, i) = \sum_{j \ne i} w_t(i, j)`.

    Its rows do not sum to one, so Theorem 1 fails: the proof needs the full row sum, as the sentence above
    Eq. (2) has it. One-way it is worst: the printed degree is zero and :math:`h_t = x_t + p h_{t-1}`.
    Parameters, result and errors are those of `build_G`.

    Examples
    --------
    >>> eq2_as_printed([[[0.0, 0.5, 0.5]]]).sum(axis=1)
    array([1.  , 1.5 , 1.75])
    """
    weights, along = checked("G", p, direction, order)
    inside = along_scan(weights, along)
    printed = inside[::2].sum(axis=0) if len(inside) == 3 else 0 * inside[0]
    return in_order(from_bands(products_by_lag(inside, start=1 - printed), inside), weights, along, order)
