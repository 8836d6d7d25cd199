"""The matrices of section 3.1, built on small maps from the paper's block formula.

They share no code with the kernels, so that each can check the other. All are `scipy.sparse.csr_array`
of shape (H*W, H*W) whose structure depends on the map's shape alone: a weight that happens to be
zero is stored all the same.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array

from spnkit.affinity.weights import along_scan, as_direction, as_weights, reach_of_step, scan_order
from spnkit.directions import Direction

MAX_BYTES = 2**30


def stored_entries(matrix: str, shape: tuple[int, int], K: int, direction: str = "left_to_right") -> int:
    r"""Count the stored entries of one of the matrices, before anything is built.

    Let a scan take `T` steps over `L` lanes, and let one step reach `r` lanes up or down
    (0 one-way, 1 three-way). A product of `s` matrices :math:`w_t` has
    :math:`b(s) = L (2m + 1) - m (m + 1)` entries, where :math:`m = \min(r s, L - 1)`: a band `m` wide on
    both sides of the diagonal, less the two corners cut off. Hence

    * `D` has :math:`L T` and `W` has :math:`(T - 1)\, b(1)` entries;
    * `G`, with one block of lag `s` in each of `T - s` block rows, has :math:`\sum_{s<T} (T - s)\, b(s)`.
      One-way this is :math:`L T (T + 1) / 2`. Three-way, with :math:`S = \min(T, L)` and the power sums
      :math:`S_j = \sum_{s<S} s^j`, it is
      :math:`L T S + (T (2L - 1) - L) S_1 - (T + 2L - 1) S_2 + S_3 + L^2 (T - S)(T - S + 1) / 2`;
    * `L` has as many as `G`, and `A` has all but the diagonal.

    Parameters
    ----------
    matrix : {"W", "G", "D", "A", "L"}
        Which matrix.
    shape : (int, int)
        Rows and columns (H, W) of the map.
    K : {1, 3}
        Connections of a pixel.
    direction : str
        One of `spnkit.DIRECTIONS`.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If `matrix`, `K` or `direction` is none of the above.

    Examples
    --------
    >>> stored_entries("G", (64, 64), K=1), stored_entries("G", (64, 64), K=3)
    (133120, 4282720)
    """
    if K not in (1, 3):
        raise ValueError(f"K must be 1 or 3, got {K!r}")
    along = as_direction(direction)
    L, T = shape if along.horizontal else shape[::-1]
    band = L if K == 1 else 3 * L - 2
    counts = {"W": (T - 1) * band, "D": L * T, "G": _entries_of_G(L, T, K)}
    counts |= {"L": counts["G"], "A": counts["G"] - L * T}
    if matrix not in counts:
        raise ValueError(f"matrix must be one of W, G, D, A, L, got {matrix!r}")
    return counts[matrix]


def _entries_of_G(L: int, T: int, K: int) -> int:
    if K == 1:
        return L * T * (T + 1) // 2
    S = min(T, L)
    S1 = S * (S - 1) // 2
    S2 = (S - 1) * S * (2 * S - 1) // 6
    S3 = S1 * S1
    full = L * L * ((T - S) * (T - S + 1) // 2)
    return L * T * S + (T * (2 * L - 1) - L) * S1 - (T + 2 * L - 1) * S2 + S3 + full


def build_W(p, direction: str = "left_to_right", order: str = "scan") -> csr_array:
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
    weights, along = _checked("W", p, direction, order)
    inside = along_scan(weights, along)
    r = reach_of_step(inside)
    first_step_dropped = inside[:, 1:].transpose(1, 2, 0)
    return _in_order(_from_bands([(1, r, first_step_dropped)], inside), weights, along, order)


def build_G(p, direction: str = "left_to_right", order: str = "scan") -> csr_array:
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
    weights, along = _checked("G", p, direction, order)
    inside = along_scan(weights, along)
    return _in_order(_from_bands(_blocks_by_lag(inside), inside), weights, along, order)


def build_D(p, direction: str = "left_to_right", order: str = "scan") -> csr_array:
    r"""The degree matrix of Theorem 2: the :math:`d_t`, FULL row sums of :math:`w_t`, on the diagonal.

    Eq. (2) as printed leaves out `j = i`; Theorem 1 needs it (see `spnkit.affinity.eq2_as_printed`).
    Parameters and errors are those of `build_W`.

    Examples
    --------
    >>> build_D([[[0.0, 0.5, 0.2]]]).diagonal()
    array([0. , 0.5, 0.2])
    """
    weights, along = _checked("D", p, direction, order)
    inside = along_scan(weights, along)
    degrees = inside.sum(axis=0)[:, :, None]
    return _in_order(_from_bands([(0, 0, degrees)], inside), weights, along, order)


def build_A(p, direction: str = "left_to_right", order: str = "scan") -> csr_array:
    r"""The affinity matrix of Theorem 2: the off-diagonal part of `G`.

    Directed: `A[n, m]` is how much pixel `n` listens to pixel `m`, and of the two directions at least one is
    zero within a single scan. Parameters and errors are those of `build_W`.

    Examples
    --------
    >>> build_A([[[0.0, 0.5, 0.5]]]).toarray()
    array([[0.  , 0.  , 0.  ],
           [0.5 , 0.  , 0.  ],
           [0.25, 0.25, 0.  ]])
    """
    G = build_G(p, direction, order).tocoo()
    apart = G.row != G.col
    return _sorted_csr(G.data[apart], G.row[apart], G.col[apart], G.shape)


def build_L(p, direction: str = "left_to_right", order: str = "scan") -> csr_array:
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
    return _sorted_csr(data, G.row, G.col, G.shape)


def _checked(matrix: str, p, direction: str, order: str) -> tuple[np.ndarray, Direction]:
    weights, along = as_weights(p), as_direction(direction)
    if order not in ("scan", "image"):
        raise ValueError(f"order must be 'scan' or 'image', got {order!r}")
    K, H, W = weights.shape
    entries = stored_entries(matrix, (H, W), K, direction)
    size = entries * (weights.itemsize + _index_type(H * W, entries)().itemsize)
    if size > MAX_BYTES:
        raise MemoryError(
            f"{matrix} of a {H} x {W} map has {entries} entries, {size / 2**30:.1f} GiB to store (limit "
            f"{MAX_BYTES / 2**30:g} GiB); use spnkit.affinity.AffinityOperator, which stores no matrix"
        )
    return weights, along


def _index_type(pixels: int, entries: int) -> type[np.integer]:
    return np.int32 if max(pixels, entries) < 2**31 else np.int64


def _blocks_by_lag(inside: np.ndarray):
    """Yield (lag, m, band): the blocks (t, t - lag) of G as (steps - lag, lanes, 2 m + 1) diagonals."""
    r, (_, T, L) = reach_of_step(inside), inside.shape
    m, band = 0, (1 - inside.sum(axis=0))[:, :, None]
    yield 0, m, band
    for lag in range(1, T):
        band = _times_w(inside[:, lag:], band[:-1])
        m += r
        excess = max(m - (L - 1), 0)
        m, band = m - excess, band[:, :, excess : band.shape[2] - excess]
        yield lag, m, band


def _times_w(p: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Diagonals of w_t B_{t-1}: entry (i, i + o) is the sum over c of p_c[i] B[i + c, i + o]."""
    r, L = reach_of_step(p), p.shape[2]
    width = band.shape[2] + 2 * r
    padded = np.pad(band, ((0, 0), (r, r), (2 * r, 2 * r)))
    product = np.zeros((p.shape[1], L, width), p.dtype)
    for c in range(-r, r + 1):
        product += p[c + r, :, :, None] * padded[:, r + c : r + c + L, r - c : r - c + width]
    return product


def _from_bands(bands, inside: np.ndarray) -> csr_array:
    """Place diagonals, given as (lag, m, band), into the block matrix, corners cut off."""
    _, T, L = inside.shape
    parts = []
    for lag, m, band in bands:
        t, i, o = np.ogrid[lag:T, :L, -m : m + 1]
        t, i, o = np.broadcast_arrays(t, i, o)
        kept = (i + o >= 0) & (i + o < L)
        parts.append((band[kept], (t * L + i)[kept], ((t - lag) * L + i + o)[kept]))
    data, rows, columns = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _sorted_csr(data, rows, columns, (T * L, T * L))


def _sorted_csr(data, rows, columns, shape: tuple[int, int]) -> csr_array:
    index = _index_type(shape[0], len(data))
    matrix = coo_array((data, (rows.astype(index), columns.astype(index))), shape=shape).tocsr()
    matrix.sort_indices()
    return matrix


def _in_order(matrix: csr_array, weights: np.ndarray, along: Direction, order: str) -> csr_array:
    if order == "scan":
        return matrix
    image = scan_order(weights.shape[1:], along)
    entries = matrix.tocoo()
    return _sorted_csr(entries.data, image[entries.row], image[entries.col], matrix.shape)
