"""Products of the step matrices w_t, by diagonals: the blocks that G of Eq. (3) is made of."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array

from spnkit.affinity.structure import index_type
from spnkit.affinity.weights import reach_of_step


def products_by_lag(inside: np.ndarray, start: np.ndarray):
    """Yield (lag, m, band) for w_t ... w_{k+1} B_k with lag = t - k, for all t at once.

    `start` (steps, lanes) holds the diagonals B_k, and `band` (steps - lag, lanes, 2 m + 1) the diagonals
    -m ... m of each product.
    """
    r, (_, T, L) = reach_of_step(inside), inside.shape
    m, band = 0, start[:, :, None]
    yield 0, m, band
    for lag in range(1, T):
        band = times_w(inside[:, lag:], band[:-1])
        m += r
        excess = max(m - (L - 1), 0)
        m, band = m - excess, band[:, :, excess : band.shape[2] - excess]
        yield lag, m, band


def times_w(p: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Diagonals of w_t B_{t-1}: entry (i, i + o) is the sum over c of p_c[i] B[i + c, i + o]."""
    r, L = reach_of_step(p), p.shape[2]
    width = band.shape[2] + 2 * r
    padded = np.pad(band, ((0, 0), (r, r), (2 * r, 2 * r)))
    product = np.zeros((p.shape[1], L, width), p.dtype)
    for c in range(-r, r + 1):
        product += p[c + r, :, :, None] * padded[:, r + c : r + c + L, r - c : r - c + width]
    return product


def from_bands(bands, inside: np.ndarray) -> csr_array:
    """Place diagonals, given as (lag, m, band), into the block matrix, corners cut off."""
    _, T, L = inside.shape
    index = index_type(T * L, 0)
    parts = []
    for lag, m, band in bands:
        t, i, o = np.ogrid[lag:T, :L, -m : m + 1]
        t, i, o = np.broadcast_arrays(t, i, o)
        kept = (i + o >= 0) & (i + o < L)
        rows, columns = t * L + i, (t - lag) * L + i + o
        parts.append((band[kept], rows[kept].astype(index), columns[kept].astype(index)))
    data, rows, columns = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sorted_csr(data, rows, columns, (T * L, T * L))


def sorted_csr(data, rows, columns, shape: tuple[int, int]) -> csr_array:
    """A csr_array in canonical form that keeps its zeros."""
    index = index_type(shape[0], len(data))
    places = (rows.astype(index, copy=False), columns.astype(index, copy=False))
    matrix = coo_array((data, places), shape=shape).tocsr()
    matrix.sort_indices()
    return matrix
