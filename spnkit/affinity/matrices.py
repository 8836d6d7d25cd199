"""The matrices of section 3.1, built on small maps from the paper's block formula.

They share no code with the kernels, so that each can check the other. All are `scipy.sparse.csr_array`
of shape (H*W, H*W) whose structure depends on the map's shape alone: a weight that happens to be
zero is stored all the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from spnkit.affinity.blocks import from_bands, products_by_lag, sorted_csr
from spnkit.affinity.structure import MAX_BYTES, index_type, stored_entries
from spnkit.affinity.weights import along_scan, as_scan, reach_of_step, scan_order
from spnkit.directions import Direction


def build_W(p: ArrayLike, direction: str = "left_to_right", order: str = "scan") -> csr_array:
    r"""One step of the recurrence: :math:`(I - W) H = \Lambda X` is Eq. (1) for all steps at once.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights, K = 1 or 3. Index 0 pairs with the upper (or left) of three neighbours.
    direction : str
        One of `spnkit.DIRECTIONS`.
    order : {"scan", "image"}
        The paper's vectorisation, step after step, in which the matrix is block lower triangular; or
        row-major pixels, in which `matrix @ x.ravel()` speaks of images.

    Returns
    -------
    csr_array (H*W, H*W)
        In scan order the blocks :math:`w_2, \dots, w_T` stand below the diagonal. Has the dtype of `p`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or `p` is not finite.
    MemoryError
        If the matrix would be too large to store, before memory is taken.

    Examples
    --------
    >>> build_W([[[0.0, 0.5, 0.2]]]).toarray()
    array([[0. , 0. , 0. ],
           [0.5, 0. , 0. ],
           [0. , 0.2, 0. ]])
    """
    weights, along = checked("W", p, direction, order)
    inside = along_scan(weights, along)
    r = reach_of_step(inside)
    first_step_dropped = inside[:, 1:].transpose(1, 2, 0)
    return in_order(from_bands([(1, r, first_step_dropped)], inside), weights, along, order)


def build_G(p: ArrayLike, direction: str = "left_to_right", order: str = "scan") -> csr_array:
    r"""The whole scan as one matrix, Eq. (3): :math:`H_v = G X_v`, every row summing to one.

    Block :math:`(t, k)` is :math:`w_t w_{t-1} \cdots w_{k+1} \lambda_k` with
    :math:`\lambda_k = I - d_k` and :math:`\lambda_1 = I`, the largest index on the left.

    Parameters and errors are those of `build_W`; the cost is one multiplication per connection
    and stored entry, see `stored_entries`.

    Returns
    -------
    csr_array (H*W, H*W)
        Row `n` holds what pixel `n` listens to, column `n` whom pixel `n` reaches.

    Examples
    --------
    >>> build_G([[[0.0, 0.5, 0.5]]]).toarray()
    array([[1.  , 0.  , 0.  ],
           [0.5 , 0.5 , 0.  ],
           [0.25, 0.25, 0.5 ]])
    """
    weights, along = checked("G", p, direction, order)
    inside = along_scan(weights, along)
    blocks = products_by_lag(inside, start=1 - inside.sum(axis=0))
    return in_order(from_bands(blocks, inside), weights, along, order)


def build_D(p: ArrayLike, direction: str = "left_to_right", order: str = "scan") -> csr_array:
    r"""The degree matrix of Theorem 2: the :math:`d_t`, FULL row sums of :math:`w_t`, on the diagonal.

    Eq. (2) as printed leaves out `j = i`; Theorem 1 needs it (see `spnkit.affinity.eq2_as_printed`).
    Parameters and errors are those of `build_W`.

    Examples
    --------
    >>> build_D([[[0.0, 0.5, 0.2]]]).diagonal()
    array([0. , 0.5, 0.2])
    """
    weights, along = checked("D", p, direction, order)
    inside = along_scan(weights, along)
    degrees = inside.sum(axis=0)[:, :, None]
    return in_order(from_bands([(0, 0, degrees)], inside), weights, along, order)


def build_A(p: ArrayLike, direction: str = "left_to_right", order: str = "scan") -> csr_array:
    r"""The affinity matrix of Theorem 2: the off-diagonal part of `G`.

    Directed: `A[n, m]` is how much pixel `n` listens to pixel `m`; within one scan `A[n, m]` or `A[m, n]` is
    always zero. Parameters and errors are those of `build_W`.

    Examples
    --------
    >>> build_A([[[0.0, 0.5, 0.5]]]).toarray()
    array([[0.  , 0.  , 0.  ],
           [0.5 , 0.  , 0.  ],
           [0.25, 0.25, 0.  ]])
    """
    G = build_G(p, direction, order).tocoo()
    apart = G.row != G.col
    return sorted_csr(G.data[apart], G.row[apart], G.col[apart], G.shape)


def build_L(p: ArrayLike, direction: str = "left_to_right", order: str = "scan") -> csr_array:
    r"""The Laplacian of Theorem 2, :math:`L = D - A = I - G`: one scan is one step of diffusion.

    Every row sums to zero, so that a constant map stays as it is. Parameters and errors are those of
    `build_W`.

    Examples
    --------
    >>> build_L([[[0.0, 0.5, 0.5]]]).toarray()
    array([[ 0.  ,  0.  ,  0.  ],
           [-0.5 ,  0.5 ,  0.  ],
           [-0.25, -0.25,  0.5 ]])
    """
    G = build_G(p, direction, order).tocoo()
    degrees = build_D(p, direction, order).diagonal()
    on_diagonal = G.row == G.col
    data = np.where(on_diagonal, degrees[G.row], 0 - G.data)
    return sorted_csr(data, G.row, G.col, G.shape)


def checked(matrix: str, p, direction: str, order: str) -> tuple[np.ndarray, Direction]:
    """The arguments of a builder, checked; MemoryError before any memory is taken."""
    weights, along = as_scan(p, direction)
    if order not in ("scan", "image"):
        raise ValueError(f"order must be 'scan' or 'image', got {order!r}")
    K, H, W = weights.shape
    entries = stored_entries(matrix, (H, W), K, direction)
    size = entries * (weights.itemsize + index_type(H * W, entries)().itemsize)
    if size > MAX_BYTES:
        raise MemoryError(
            f"{matrix} of a {H} x {W} map has {entries} entries, {size / 2**30:.1f} GiB to store (limit "
            f"{MAX_BYTES / 2**30:g} GiB); use spnkit.affinity.AffinityOperator, which stores no matrix"
        )
    return weights, along


def in_order(matrix: csr_array, weights: np.ndarray, along: Direction, order: str) -> csr_array:
    """A matrix in scan order, renumbered by row-major pixels if that is wanted."""
    if order == "scan":
        return matrix
    image = scan_order(weights.shape[1:], along)
    entries = matrix.tocoo()
    return sorted_csr(entries.data, image[entries.row], image[entries.col], matrix.shape)
