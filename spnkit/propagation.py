"""The public calls: validate, choose the adapter for the kind of array, let it run the backend."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, TypeVar

from spnkit.checks import adapter_of, check_float, check_pair
from spnkit.directions import DIRECTIONS, TABLE
from spnkit.normalization import Normalization
from spnkit.plan import look_up, names_of

Array = TypeVar("Array", bound=Any)  # a NumPy array, a torch tensor, or what speaks DLPack: what goes in comes out


def scan(x: Array, gates: Array, direction: str, *, normalization: str = "clip", backend: str = "auto") -> Array:
    """Propagate a map linearly in one direction, Eq. (1) with the connections of Eq. (9) or (10).

    Parameters
    ----------
    x : (N, C, H, W) NumPy array or torch tensor
        The map to propagate; an array of another library (CuPy, JAX) will do if it speaks DLPack. float32 or
        float64; float16 and bfloat16 are computed in float32.
    gates : (N, K, C or 1, H, W), of the same kind, dtype and device
        What the weights are made of, read at the destination pixel. K = 1 is the one-way connection, K = 3
        the three-way one; gate 0 pairs with the smaller cross-scan index (up, or left) in every direction.
        One gate map for all channels (size 1) is never expanded in memory.
    direction : {"left_to_right", "right_to_left", "top_to_bottom", "bottom_to_top"}
        Which way the scan runs.
    normalization : {"clip", "always", "softmax", "sigmoid", "none"}
        The rule that makes weights of gates, see `normalize_gates`.
    backend : {"auto", "cpu", "cuda", "reference"}
        "auto" takes the fast backend of the device that the arrays are on; data is never moved.

    Returns
    -------
    (N, C, H, W) of the same kind and dtype
        The hidden map h. For torch it is differentiable, any number of times, in x and in gates.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, dtype, device, shape or name; the message says which.

    Examples
    --------
    An impulse in the first column, carried on with weight one half:

    >>> import numpy as np, spnkit
    >>> x = np.array([[[[1.0, 0.0, 0.0, 0.0]]]])
    >>> spnkit.scan(x, np.full((1, 1, 1, 1, 4), 0.5), "left_to_right")
    array([[[[1.   , 0.5  , 0.25 , 0.125]]]])
    """
    if (adapter := adapter_of(x)).FOREIGN:
        options = {"direction": direction, "normalization": normalization, "backend": backend}
        return adapter.call(scan, {"x": x, "gates": gates}, **options)
    check_pair(adapter, x, gates)
    look_up("direction", direction, TABLE)
    # The sum over one direction is the scan itself.
    return adapter.propagate(x, gates[:, None], (direction,), normalization, "sum", backend)


def propagate(
    x: Array,
    gates: Array,
    *,
    directions: Sequence[str] = DIRECTIONS,
    normalization: str = "clip",
    integration: str | None = "max",
    backend: str = "auto",
) -> Array:
    """One propagation unit: scans in several directions, integrated node by node (Section 4).

    Parameters
    ----------
    x : (N, C, H, W) NumPy array or torch tensor
        The map to propagate.
    gates : (N, D, K, C or 1, H, W), of the same kind, dtype and device
        Gates for each of the D directions, as in `scan`.
    directions : sequence of str
        The D directions, in the order of the gates.
    normalization : {"clip", "always", "softmax", "sigmoid", "none"}
        The rule that makes weights of gates, see `normalize_gates`.
    integration : {"max", "mean", "sum"} or None
        How the D hidden maps become one; None returns them all.
    backend : {"auto", "cpu", "cuda", "reference"}
        "auto" takes the fast backend of the device that the arrays are on; data is never moved.

    Returns
    -------
    (N, C, H, W), or (N, D, C, H, W) without integration
        Of the same kind and dtype; for torch differentiable, any number of times, in x and in gates.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, dtype, device, shape or name; the message says which.

    Examples
    --------
    With positive weights that sum to less than one, a bright pixel reaches the whole map:

    >>> import numpy as np, spnkit
    >>> x = np.zeros((1, 1, 5, 5)); x[..., 2, 2] = 1
    >>> y = spnkit.propagate(x, np.full((1, 4, 3, 1, 5, 5), 0.3))
    >>> bool((y > 0).all())
    True
    """
    directions = names_of(directions)
    if (adapter := adapter_of(x)).FOREIGN:
        options = {"directions": directions, "normalization": normalization, "integration": integration}
        return adapter.call(propagate, {"x": x, "gates": gates}, **options, backend=backend)
    if (y := adapter.again(x, gates, directions, normalization, integration, backend)) is not None:
        return y
    check_pair(adapter, x, gates, len(directions))
    return adapter.propagate(x, gates, directions, normalization, integration, backend)


def normalize_gates(gates: Array, normalization: str = "clip", axis: int = -4) -> Array:
    """Weights from gates, by one of the rules that Theorem 3 allows.

    With s the sum of absolute values over the connections of a pixel:

    - ``clip``: divide by s where s > 1 (the authors' rule);
    - ``always``: divide by s everywhere, all-zero gates stay zero;
    - ``softmax``: exp(g) over its sum: non-negative, rows of w_t sum to one;
    - ``sigmoid``: 1 / (1 + exp(-g)) over its sum;
    - ``none``: the gates are weights already.

    The middle three spend the whole weight on neighbours. With ``softmax`` and ``sigmoid`` a pixel's own value then
    counts in the first step and at the border alone: scale the weights, and pass them on with ``none``, to keep a share
    for it. With a single connection all three make every weight one (``always``: or minus one): nothing can be learned.

    Parameters
    ----------
    gates : NumPy array or torch tensor
        Raw gates, float, with the connections along `axis`.
    normalization : str
        The rule.
    axis : int
        The axis of the connections; -4 fits `scan` and `propagate`.

    Returns
    -------
    Array of the same kind, shape and dtype
        The weights p. The drop of neighbours outside the map is not part of it: the scan does that.

    Raises
    ------
    TypeError, ValueError
        If gates are not a float array, the axis does not exist, or there is no such rule.

    Examples
    --------
    >>> import numpy as np, spnkit
    >>> spnkit.normalize_gates(np.array([2.0, -1.0, 1.0]), axis=0)
    array([ 0.5 , -0.25,  0.25])
    """
    if (adapter := adapter_of(gates, "gates")).FOREIGN:
        return adapter.call(normalize_gates, {"gates": gates}, normalization=normalization, axis=axis)
    check_float(adapter, gates, "gates")
    if not isinstance(axis, Integral):
        raise TypeError(f"axis got {axis!r}, expected an integer")
    if not -gates.ndim <= axis < gates.ndim:
        raise ValueError(f"axis got {axis}, but gates has shape {tuple(gates.shape)}")
    return adapter.normalize(gates, look_up("normalization", normalization, Normalization.__members__), axis)


def scan_adjoint(
    grad: Array, gates: Array, direction: str, *, normalization: str = "none", backend: str = "auto"
) -> Array:
    """The transpose of `scan` applied to a map: `<scan(x), g> = <x, scan_adjoint(g)>` for every x.

    Parameters
    ----------
    grad : (N, C, H, W) array
        The map to carry back, of any kind that `scan` takes.
    gates, direction, normalization, backend
        As in `scan`, but with weights that are normalised already by default.

    Returns
    -------
    (N, C, H, W) Array of the same kind and dtype
        One adjoint scan: with ones at a single pixel, that pixel's row of G. In torch it is differentiable.

    Raises
    ------
    TypeError, ValueError
        As `scan`.

    Examples
    --------
    >>> import numpy as np
    >>> from spnkit.propagation import scan_adjoint
    >>> scan_adjoint(np.array([[[[0.0, 0.0, 1.0]]]]), np.full((1, 1, 1, 1, 3), 0.5), "left_to_right")
    array([[[[0.25, 0.25, 0.5 ]]]])
    """
    if (adapter := adapter_of(grad, "grad")).FOREIGN:
        options = {"direction": direction, "normalization": normalization, "backend": backend}
        return adapter.call(scan_adjoint, {"grad": grad, "gates": gates}, **options)
    check_pair(adapter, grad, gates, first="grad")
    look_up("direction", direction, TABLE)
    return adapter.adjoint(grad, gates[:, None], (direction,), normalization, backend)
