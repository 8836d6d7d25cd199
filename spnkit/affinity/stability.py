r"""Theorem 3: what :math:`\sum |p| \le 1` bounds, what it does not, and a rule that bounds the rest."""

from __future__ import annotations

from operator import index

import numpy as np
from numpy.typing import ArrayLike

from spnkit.affinity.weights import along_scan, as_scan, neighbours
from spnkit.directions import orient


def step_matrices(p: ArrayLike, direction: str = "left_to_right") -> np.ndarray:
    """The matrices w_2 ... w_T of Eq. (1), dense.

    Parameters
    ----------
    p : array_like (K, H, W)
        Normalised weights.
    direction : str
        One of `spnkit.DIRECTIONS`.

    Returns
    -------
    ndarray (steps - 1, lanes, lanes)
        Diagonal for K = 1, tridiagonal for K = 3.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or name, or `p` is not finite.

    Examples
    --------
    >>> step_matrices([[[0.0, 0.5], [0.0, 0.2]]])
    array([[[0.5, 0. ],
            [0. , 0.2]]])
    """
    return dense_steps(along_scan(*as_scan(p, direction))[:, 1:])


def dense_steps(inside: np.ndarray) -> np.ndarray:
    """One w for each step of weights (K, steps, lanes) along a scan; numbers of any kind."""
    K, steps, lanes = inside.shape
    w = np.zeros((steps, lanes, lanes), inside.dtype)
    lane = np.arange(lanes)
    for connection, here, there in neighbours(K, lanes):
        w[:, lane[here], lane[there]] = inside[connection, :, here]
    return w


def strength(p: ArrayLike, direction: str = "left_to_right") -> float:
    r"""The number that Theorem 3 wants at most 1: :math:`s = \max \sum |p| = \max_t \|w_t\|_\infty`.

    Neighbours outside the map do not count. Parameters and errors are those of `step_matrices`.

    Examples
    --------
    >>> strength([[[9.0, 0.5, -0.75]]])
    0.75
    """
    inside = along_scan(*as_scan(p, direction))
    return float(np.abs(inside).sum(axis=0).max())


def growth_bound(s: float, steps: int) -> float:
    r"""How large h can grow in `steps` steps from :math:`|x| \le 1` with :math:`\sum |p| \le s`; sharp.

    From Eq. (1), :math:`a_t = \max |h_t|` obeys :math:`a_1 = 1`, :math:`a_t \le (1 + s) + s\, a_{t-1}`. For
    :math:`s < 1` that stays below :math:`(1 + s) / (1 - s)` for ever; for :math:`s = 1` it is
    :math:`1 + 2 (t - 1)`: the homogeneous system is stable, yet h grows without bound. One-way weights
    :math:`p = -s` and x alternating between +1 and -1 reach it at every step.

    Parameters
    ----------
    s : float
        `strength` of the weights, not negative.
    steps : int
        Length of the scan, at least 1.

    Raises
    ------
    ValueError, TypeError
        If `s` is negative, or `steps` less than 1 or no integer.

    Examples
    --------
    >>> growth_bound(1, 50), growth_bound(0.5, 10**6)
    (99.0, 3.0)
    """
    if not s >= 0 or not index(steps) >= 1:
        raise ValueError(f"s must not be negative and steps at least 1, got s = {s}, steps = {steps}")
    if s == 1:
        return 1.0 + 2 * (steps - 1)
    with np.errstate(over="ignore"):  # beyond the largest float the bound is infinite
        carried = float(np.float64(s) ** (steps - 1))
    return carried + (1 + s) * (1 - carried) / (1 - s)


def spectral_bound(connections: int, lanes: int) -> float:
    r"""The largest singular value that :math:`\sum |p| \le 1` allows: 1 one-way, :math:`\sqrt 3` three-way.

    Eq. (11) asks for the largest singular value, but the proof of Theorem 3 bounds eigenvalues. Row sums
    of :math:`|w|` at most 1 say :math:`\|w\|_\infty \le 1`. A column of a tridiagonal w has at most three
    entries, each at most 1, so :math:`\|w\|_1 \le 3`. Since :math:`\|w\|_2^2 = \rho(w^T w)`
    and :math:`\rho(w^T w) \le \|w^T w\|_\infty \le \|w\|_1 \|w\|_\infty`, the largest
    singular value is at most :math:`\sqrt 3`. `worst_step` reaches it: three rows put all their weight on one
    pixel, whose column :math:`(1, 1, 1)^T` has length :math:`\sqrt 3`. A map of two lanes has columns of two
    entries, hence :math:`\sqrt{\min(3, lanes)}`.

    Parameters
    ----------
    connections : int
        Weights of a pixel: 1 or 3.
    lanes : int
        Pixels that a step moves together, at least 1.

    Raises
    ------
    ValueError
        If there cannot be so many.

    Examples
    --------
    >>> round(spectral_bound(3, 64), 4), spectral_bound(1, 64)
    (1.7321, 1.0)
    """
    if connections not in (1, 3) or not lanes >= 1:
        raise ValueError(f"connections must be 1 or 3 and lanes at least 1, got {connections} and {lanes}")
    return float(np.sqrt(min(connections, lanes)))


def worst_step(lanes: int = 3) -> np.ndarray:
    r"""Three-way weights (3, lanes, 2) with :math:`\sum |p| \le 1` and :math:`\|w_2\|_2 = \sqrt 3`.

    Parameters
    ----------
    lanes : int
        Rows of the map, at least 3.

    Raises
    ------
    ValueError
        If `lanes` is less than 3.

    Examples
    --------
    >>> w = step_matrices(worst_step())[0]
    >>> w
    array([[0., 1., 0.],
           [0., 1., 0.],
           [0., 1., 0.]])
    >>> bool(np.isclose(np.linalg.norm(w, 2), np.sqrt(3)))
    True
    """
    if lanes < 3:
        raise ValueError(f"lanes must be at least 3, got {lanes}")
    p = np.zeros((3, lanes, 2))
    p[2, 0, 1] = p[1, 1, 1] = p[0, 2, 1] = 1
    return p


def listened_to(p: ArrayLike, direction: str = "left_to_right") -> np.ndarray:
    r"""How much the next step listens to each pixel: the column sums of :math:`|w_{t+1}|`, as an (H, W) map.

    The last step of a scan is listened to by nobody. Parameters and errors are those of `step_matrices`.

    Examples
    --------
    >>> listened_to(worst_step())
    array([[0., 0.],
           [3., 0.],
           [0., 0.]])
    """
    weights, along = as_scan(p, direction)
    columns = np.zeros(weights.shape[1:], weights.dtype)
    orient(columns, along)[:-1] = np.abs(step_matrices(weights, direction)).sum(axis=1)
    return columns


def balance(p: ArrayLike, direction: str = "left_to_right") -> np.ndarray:
    r"""Weights for which Eq. (11) IS true: :math:`\|w_t\|_2 \le 1` and :math:`\|w_t\|_\infty \le 1`.

    First the rule "clip" brings each row sum :math:`r_i` of :math:`|w_t|` (how much pixel i listens) to at
    most 1. Then each weight is divided by :math:`\sqrt{c_j}`, where :math:`c_j` is the sum over its column
    (how much pixel j is listened to), taken as 1 where it is less. By Cauchy and Schwarz, for unit vectors,

    .. math:: \sum_{ij} \frac{|w_{ij}|}{\sqrt{c_j}} |y_i| |x_j|
              &\le \Big(\sum_{ij} |w_{ij}| y_i^2\Big)^{1/2} \\
              &\quad \cdot \Big(\sum_{ij} \frac{|w_{ij}|}{c_j} x_j^2\Big)^{1/2} \\
              &\le 1 .

    Products of such matrices never stretch a gradient in the Euclidean norm either. The price: a pixel
    that many listen to is heard less by each, so weights, and with them the reach, become smaller (by up to
    :math:`\sqrt 3` a step; `analysis/theory/theorem3.py` measures it), and a weight depends on its
    neighbours' weights, no longer on its own pixel alone.

    Parameters and errors are those of `step_matrices`.

    Returns
    -------
    ndarray (K, H, W)
        New weights; for one-way, and wherever no column sum exceeds 1, those of "clip".

    Examples
    --------
    >>> w = step_matrices(balance(worst_step()))[0]
    >>> bool(np.isclose(np.linalg.norm(w, 2), 1))
    True
    """
    weights, along = as_scan(p, direction)
    clipped = weights / np.maximum(1, np.abs(weights).sum(axis=0))
    sources = orient(1 / np.sqrt(np.maximum(1, listened_to(clipped, direction))), along)
    balanced = orient(clipped, along)  # a view: what is written here lands in `clipped`
    for connection, here, there in neighbours(len(weights), sources.shape[1]):
        balanced[connection, 1:, here] *= sources[:-1, there]
    return clipped
