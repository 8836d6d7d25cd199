"""How much of a matrix there is to store, known before it is built."""

from __future__ import annotations

import numpy as np

from spnkit.affinity.weights import as_direction, as_shape

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
    ValueError, TypeError
        If `matrix`, `K` or `direction` is none of the above, or `shape` no pair of sides.

    Examples
    --------
    >>> stored_entries("G", (64, 64), K=1), stored_entries("G", (64, 64), K=3)
    (133120, 4282720)
    """
    if K not in (1, 3):
        raise ValueError(f"K must be 1 or 3, got {K!r}")
    shape = as_shape(shape)
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


def index_type(pixels: int, entries: int) -> type[np.integer]:
    """The smallest integer type that SciPy can index such a matrix with."""
    return np.int32 if max(pixels, entries) < 2**31 else np.int64
