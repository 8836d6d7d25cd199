r"""How far a pixel listens, and how much of a gradient survives n steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from spnkit.affinity.blocks import products_by_lag
from spnkit.affinity.operator import AffinityOperator
from spnkit.affinity.walks import as_chances
from spnkit.affinity.weights import along_scan, as_scan
from spnkit.directions import orient


def gradient_norms(p: ArrayLike, direction: str = "left_to_right", *, norm: str = "sum") -> np.ndarray:
    r"""How large a gradient can still be after n steps back: :math:`\max_t \|(w_t \cdots w_{t-n+1})^T\|`.

    The adjoint recurrence multiplies by :math:`w_t^T`. In the sum norm that is
    :math:`\|w_t \cdots w_{t-n+1}\|_\infty \le s^n` with s from `strength`: under Theorem 3 the sum of a
    gradient never grows, and it decays at least as fast as :math:`s^n`. It decays no faster where the
    weights have one sign and sum to s, save for what the borders drop; mixed signs cancel and decay
    faster. In the max norm Theorem 3 allows growth to :math:`\min(2n + 1, lanes)`: many pixels
    may send their gradients to one.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights of a small map: the cost is that of G.
    direction : str
        One of `spnkit.DIRECTIONS`.
    norm : {"sum", "max"}
        Of the gradients.

    Returns
    -------
    ndarray (steps,)
        For n = 0, 1, ... steps - 1; the first is 1.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or `p` is not finite.

    Examples
    --------
    >>> gradient_norms([[[0.0, 0.5, 0.5, 0.5]]])
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    if norm not in ("sum", "max"):
        raise ValueError(f"norm must be 'sum' or 'max', got {norm!r}")
    inside = along_scan(*as_scan(p, direction))
    start = np.ones(inside.shape[1:], inside.dtype)
    sums = _row_sums if norm == "sum" else _column_sums
    return np.array([sums(np.abs(band)).max() for _, _, band in products_by_lag(inside, start)])


def mean_reach(p: ArrayLike, direction: str = "left_to_right") -> np.ndarray:
    r"""How many steps back a pixel listens on average, for non-negative weights, at any map size.

    The rows of G are then shares that sum to one, so with t the number of the step,
    :math:`\sum_m G_{nm} (t_n - t_m) = t_n - (G t)_n`: one scan of the map t. For one-way weights of
    constant p it is :math:`p (1 - p^{t-1}) / (1 - p)`; three-way the same with :math:`\sum p`, but that a path
    may leave through a border, so nearer to one than a scan is long it is less.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights.
    direction : str
        One of `spnkit.DIRECTIONS`.

    Returns
    -------
    ndarray (H, W)

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or weights are negative or sum to more than one.

    Examples
    --------
    >>> mean_reach([[[0.0, 0.5, 0.5]]])
    array([[0.  , 0.5 , 0.75]])
    """
    weights, along = as_chances(p, direction)
    step = np.empty(weights.shape[1:], weights.dtype)
    steps = orient(step, along)
    steps[:] = np.arange(len(steps))[:, None]
    return step - (AffinityOperator(weights, direction) @ step.ravel()).reshape(step.shape)


def effective_area(row: ArrayLike) -> float:
    r"""How many pixels a row of G is spread over, :math:`(\sum |g|)^2 / \sum g^2`: n for n equal shares.

    Parameters
    ----------
    row : array_like
        Shares of any shape.

    Returns
    -------
    float
        0 where nothing is heard at all.

    Examples
    --------
    >>> effective_area([[0.5, 0.5], [0.0, 0.0]])
    2.0
    """
    shares = np.abs(np.asarray(row, dtype=np.float64))
    return float(shares.sum() ** 2 / (shares**2).sum()) if shares.any() else 0.0


def _row_sums(band: np.ndarray) -> np.ndarray:
    return band.sum(axis=2)


def _column_sums(band: np.ndarray) -> np.ndarray:
    """Sums over i of the entries (i, i + o) that stand in one column j = i + o."""
    m, lanes = band.shape[2] // 2, band.shape[1]
    columns = np.zeros((band.shape[0], lanes + 2 * m), band.dtype)
    for diagonal in range(2 * m + 1):
        columns[:, diagonal : diagonal + lanes] += band[:, :, diagonal]
    return columns[:, m : m + lanes]
