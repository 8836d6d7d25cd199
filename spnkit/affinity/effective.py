"""What a pixel of the whole propagation unit listens to, node-wise max included."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import spnkit
from spnkit.affinity.weights import as_pixel
from spnkit.directions import DIRECTIONS
from spnkit.plan import names_of
from spnkit.propagation import scan_adjoint


def effective_affinity(
    x: np.ndarray,
    gates: np.ndarray,
    pixel: tuple[int, int],
    *,
    sample: int = 0,
    channel: int = 0,
    units: int = 1,
    directions: Sequence[str] = DIRECTIONS,
    normalization: str = "clip",
    integration: str = "max",
) -> np.ndarray:
    r"""A row of the Jacobian of the whole unit, :math:`\partial y_n / \partial x`, at the given input.

    The node-wise max of four linear maps is piecewise linear: around an input each node takes the value of
    the direction that wins there. So "the affinity of the unit" at a pixel is the row of that
    direction's G; for cascaded units the rows of the first are combined by the row of the last, each
    node by its own winner. It costs one forward pass and one adjoint scan per unit and direction.

    Parameters
    ----------
    x : ndarray (N, C, H, W)
        The input map, as in `spnkit.propagate`.
    gates : ndarray (N, D, K, C or 1, H, W)
        Gates of each direction.
    pixel : (int, int)
        Image row and column of the output that listens.
    sample, channel : int
        Which map: channels do not mix.
    units : int
        How many units follow one another with the same gates (2 in the authors' network).
    directions, normalization
        As in `spnkit.propagate`.
    integration : {"max", "mean", "sum"}
        As in `spnkit.propagate`; with "mean" and "sum" the row does not depend on `x`.

    Returns
    -------
    ndarray (H, W)
        Where several directions tie for the max, the first of them counts, as in `spnkit.propagate`.

    Raises
    ------
    ValueError, TypeError
        If an argument has a wrong kind, shape or name, or an index is out of range.

    Examples
    --------
    Both scans reach the middle, and the one that brings more wins:

    >>> x, gates = np.array([[[[1.0, 0.0, 3.0]]]]), np.full((1, 2, 1, 1, 1, 3), 0.5)
    >>> effective_affinity(x, gates, (0, 1), directions=("left_to_right", "right_to_left"))
    array([[0. , 0.5, 0.5]])
    """
    directions = names_of(directions)
    state, weights = _own_plane(x, gates, sample, channel)
    i, j = as_pixel(pixel, state.shape[2:])
    if units < 1:
        raise ValueError(f"units must be at least 1, got {units}")
    weights = spnkit.normalize_gates(weights, normalization)
    shares = []
    for _ in range(units):
        h = spnkit.propagate(state, weights, directions=directions, normalization="none", integration=None)
        shares.append(_shares(h, integration))
        state = (shares[-1] * h).sum(axis=1)
    row = np.zeros_like(state)
    row[..., i, j] = 1
    for share in reversed(shares):
        back = [scan_adjoint(share[:, d] * row, weights[:, d], name) for d, name in enumerate(directions)]
        row = np.sum(back, axis=0)
    return row[0, 0]


def _own_plane(x, gates, sample: int, channel: int) -> tuple[np.ndarray, np.ndarray]:
    """The one map (1, 1, H, W) that is asked about, and its gates (1, D, K, 1, H, W)."""
    for name, array, ndim in (("x", x, 4), ("gates", gates, 6)):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} must be a NumPy array, got {type(array).__name__}")
        if array.ndim != ndim:
            raise ValueError(f"{name} must have {ndim} axes, got shape {array.shape}")
    n, c = x.shape[:2]
    if gates.shape[0] != n or gates.shape[3] not in (1, c):
        raise ValueError(f"gates must have shape ({n}, D, K, {c} or 1, H, W), got {gates.shape}")
    for name, index, size in (("sample", sample, n), ("channel", channel, c)):
        if not 0 <= index < size:
            raise ValueError(f"{name} must lie between 0 and {size - 1}, got {index}")
    own = channel if gates.shape[3] > 1 else 0
    return x[sample, channel][None, None], gates[sample, :, :, own][None, :, :, None]


def _shares(h: np.ndarray, integration: str) -> np.ndarray:
    """What each direction contributes to each node, (1, D, 1, H, W)."""
    count = h.shape[1]
    if integration == "max":
        return (h.argmax(axis=1, keepdims=True) == np.arange(count)[:, None, None, None]).astype(h.dtype)
    if integration not in ("mean", "sum"):
        raise ValueError(f"integration must be 'max', 'mean' or 'sum', got {integration!r}")
    return np.full_like(h, 1 if integration == "sum" else 1 / count)
