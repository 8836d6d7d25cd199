r"""Theorem 2: repeated scans as steps of the diffusion :math:`\partial_T U = -L U`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import eye_array
from scipy.sparse.linalg import aslinearoperator, expm_multiply

from spnkit.affinity.operator import MixedAffinityOperator, as_operator
from spnkit.directions import ordered


def diffuse(operator: MixedAffinityOperator, x: ArrayLike, time: float = 1.0, steps: int | None = None) -> np.ndarray:
    r"""Let a map diffuse for some time, continuously or in steps of scans.

    With :math:`L = I - G`, one scan is the explicit Euler step of length one,
    :math:`U \leftarrow (I - L) U`; a step of length :math:`\tau` is the blend
    :math:`(1 - \tau) U + \tau G U`. As :math:`\tau \to 0` the steps approach :math:`\exp(-T L) U`, with an
    error of first order in :math:`\tau`.

    For :math:`p \ge 0` and :math:`\sum p \le 1` no state leaves the range of the initial one. With negative
    weights, where :math:`\sum p < 0`, it may grow without end, though :math:`\sum |p| \le 1`.

    Parameters
    ----------
    operator : AffinityOperator or MixedAffinityOperator
        G: one direction, or a mix of them.
    x : array_like (H, W) or (H, W, channels)
        The initial state, or several: a photo's colours diffuse each for itself.
    time : float
        T, not negative.
    steps : int, optional
        How many equal steps to take; by default :math:`\exp(-T L) U` itself, by `expm_multiply`.

    Returns
    -------
    ndarray
        As `x`.

    Raises
    ------
    ValueError, TypeError
        If `operator` is none, `x` does not fit it, `time` is negative or `steps` less than 1.

    Examples
    --------
    >>> from spnkit.affinity import AffinityOperator
    >>> G = AffinityOperator([[[0.0, 0.5, 0.5]]])
    >>> diffuse(G, [[1, 0, 0]], time=2, steps=2)
    array([[1.  , 0.75, 0.5 ]])
    >>> diffuse(G, [[1, 0, 0]], time=2).round(4)
    array([[1.    , 0.6321, 0.4482]])
    """
    state = np.asarray(x, as_operator(operator).dtype)
    if state.shape[:2] != operator.map_shape or state.ndim > 3:
        raise ValueError(f"x must have the operator's map shape {operator.map_shape}, got {state.shape}")
    if not time >= 0:
        raise ValueError(f"time must not be negative, got {time}")
    if steps is not None and steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    shape, state = state.shape, state.reshape(operator.shape[0], *state.shape[2:])
    if steps is None:
        pixels = operator.shape[0]
        minus_L = operator - aslinearoperator(eye_array(pixels, dtype=operator.dtype))
        state = expm_multiply(time * minus_L, state, traceA=time * (operator.trace() - pixels))
    else:
        for _ in range(steps):
            state = state + (time / steps) * (operator @ state - state)
    return state.reshape(shape)


def observed_orders(operator: MixedAffinityOperator, x: ArrayLike, time: float, steps: list[int]) -> np.ndarray:
    r"""How fast the steps approach the continuous diffusion: 1 for an error proportional to the step.

    Parameters
    ----------
    operator, x, time
        As in `diffuse`.
    steps : list of int
        Numbers of steps, increasing.

    Returns
    -------
    ndarray (len(steps) - 1,)
        :math:`\log(e_i / e_{i+1}) / \log(n_{i+1} / n_i)` for the largest errors :math:`e_i` of
        :math:`n_i` steps; infinite where there is no error to speak of (the steps are exact).

    Raises
    ------
    ValueError, TypeError
        As `diffuse`.

    Examples
    --------
    >>> from spnkit.affinity import AffinityOperator
    >>> G = AffinityOperator([[[0.0, 0.5, 0.5]]])
    >>> observed_orders(G, [[1, 0, 0]], 1.0, [32, 64, 128]).round(1)
    array([1., 1.])
    """
    counts, x = ordered("steps", steps, "numbers of steps, increasing"), np.asarray(x, as_operator(operator).dtype)
    limit = diffuse(operator, x, time)
    errors = np.array([np.abs(diffuse(operator, x, time, n) - limit).max() for n in counts])
    rounding = max(counts) * np.finfo(operator.dtype).eps * max(np.abs(limit).max(), np.abs(x).max())
    with np.errstate(divide="ignore", invalid="ignore"):
        orders = np.log(errors[:-1] / errors[1:]) / np.log(np.divide(counts[1:], counts[:-1]))
    return np.where(errors[1:] <= rounding, np.inf, orders)
