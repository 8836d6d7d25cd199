"""Maps of which only some pixels are known: what those say, propagated to the others as a weighted mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

from spnkit.checks import adapter_of, check_like, check_pair
from spnkit.directions import DIRECTIONS
from spnkit.plan import names_of
from spnkit.propagation import Array, normalize_gates, propagate


def fill(
    values: Array,
    confidence: Array,
    gates: Array | Sequence[Array],
    *,
    directions: Sequence[str] = DIRECTIONS,
    normalization: str = "clip",
    integration: str = "mean",
    empty: Array | float | str = "error",
    backend: str = "auto",
) -> Array:
    r"""Fill a map from the pixels that are known: normalised propagation.

    With values v, confidence c and the weights p of `gates`, one unit propagates the pair (c v, c), and the result is
    a quotient,

    .. math:: y = \frac{G (c v)}{G c},

    where G is the mean over the directions, Eq. (3), of weights :math:`(1 - c_i) p_i`: the surer a pixel is, the less
    it listens. One that is quite sure keeps its value to the bit, and stands between its neighbours; one that knows
    nothing says nothing. For weights that are not negative y is a mean of known values, so it stays in their range, up
    to rounding. A pixel that shall keep to its value less strictly has a smaller confidence.

    Parameters
    ----------
    values : (N, C, H, W) NumPy array or torch tensor
        What is known, as in `propagate`. Where the confidence is 0 nothing is read: NaN will do.
    confidence : (N, 1 or C, H, W), of the same kind, dtype and device
        How sure each pixel is, or each channel of it, from 0 to 1.
    gates : (N, D, K, C or 1, H, W), or a sequence of such
        Gates as in `propagate`; several are units in cascade, through which the pair goes before it is divided.
    directions : sequence of str
        The D directions, in the order of the gates.
    normalization : {"clip", "always", "softmax", "sigmoid", "none"}
        The rule that makes weights of gates, see `normalize_gates`. Where weights are negative the quotient is no mean
        any more, and a denominator that they bring to 0 or below counts as nothing heard.
    integration : {"mean", "sum"}
        How the directions become one. Both have the same quotient; "max" has none, for it may take the two parts from
        different directions.
    empty : {"error", "nan"}, number or array that broadcasts to (N, C, H, W)
        What stands where no known pixel is heard: where the denominator is not above the smallest normal number
        divided by its precision (1e-31 in float32), below which digits of the numerator are lost. "error" looks at the
        numbers, which a GPU waits for and which programs that are compiled, exported or transformed do not have.
    backend : {"auto", "cpu", "cuda", "reference"}
        As in `propagate`.

    Returns
    -------
    (N, C, H, W) of the same kind and dtype
        For torch it is differentiable, any number of times, in values, confidence and gates. Where the confidence is 0
        no gradient goes to it or to the value; where nothing is heard it goes to `empty` alone.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong kind, dtype, device, shape or name, a confidence lies outside 0 to 1 (seen wherever
        the numbers can be looked at), or pixels hear nothing and `empty` is "error"; the message says which.

    Examples
    --------
    Two pixels are known, one in the first column and one in the last:

    >>> import numpy as np, spnkit
    >>> values = np.array([[[[10.0, np.nan, np.nan, 40.0]]]])
    >>> confidence = np.array([[[[1.0, 0.0, 0.0, 1.0]]]])
    >>> spnkit.fill(values, confidence, np.full((1, 4, 1, 1, 1, 4), 0.5))
    array([[[[10., 20., 30., 40.]]]])
    """
    directions = names_of(directions)
    if (adapter := adapter_of(values, "values")).FOREIGN:
        options = {"directions": directions, "normalization": normalization, "integration": integration}
        arrays = {"values": values, "confidence": confidence, "gates": gates}
        return adapter.call(fill, arrays, **options, empty=empty, backend=backend)
    units = gates if isinstance(gates, list | tuple) else (gates,)
    _check_integration(integration)
    _check_arrays(adapter, values, confidence, units, len(directions))
    _check_empty(adapter, values, empty)
    wide, sure = adapter.wide(values), adapter.wide(confidence)
    pair = _propagated(adapter, wide, sure, units, directions, normalization, backend)
    y, nothing = _quotient(adapter.LIBRARY, pair)
    y = _completed(adapter.LIBRARY, y.reshape(values.shape), nothing.reshape(len(values), -1, *values.shape[2:]), empty)
    return adapter.rounded(y, values.dtype)


def _propagated(adapter, values, confidence, units, directions, normalization, backend):
    """The pair of numerator and denominator, stacked as channels, after all units.

    (N, C + 1, H, W); where channels have gates or a confidence of their own, each goes as a sample: (N C, 2, H, W).
    """
    xp, (n, _, *plane) = adapter.LIBRARY, values.shape
    groups = max(confidence.shape[1], *(gates.shape[-3] for gates in units))
    known = confidence > 0
    confidence = xp.where(known, confidence, 0)
    said = confidence * xp.where(known, values, 0)
    confidence = xp.broadcast_to(confidence, (n, groups, *plane))
    pair = xp.concatenate([part.reshape(n * groups, -1, *plane) for part in (said, confidence)], 1)
    for gates in units:
        p = _weights(normalize_gates(adapter.wide(gates), normalization), 1 - confidence)
        pair = propagate(pair, p, directions=directions, normalization="none", integration="mean", backend=backend)
    return pair


def _weights(p, share):
    """Weights p (N, D, K, G or 1, H, W) times the share (N, G, H, W) that is left for others: (NG, D, K, 1, H, W)."""
    scaled = p.swapaxes(2, 3).swapaxes(1, 2) * share[:, :, None, None]
    return scaled.reshape(-1, *p.shape[1:3], 1, *p.shape[4:])


def _quotient(xp, pair):
    """Numerator over denominator, and where that is not defined; there it is not taken, nor its derivative."""
    info = xp.finfo(pair.dtype)
    numerator, denominator = pair[:, :-1], pair[:, -1:]
    nothing = denominator <= float(info.tiny) / float(info.eps)  # a NaN of the gates stays one
    return numerator / xp.where(nothing, 1, denominator), nothing


def _completed(xp, y, nothing, empty):
    """The quotient y (N, C, H, W), and `empty` where nothing (N, C or 1, H, W) is heard."""
    if not isinstance(empty, str):
        return xp.where(nothing, empty, y)
    if empty == "nan":
        return xp.where(nothing, xp.nan, y)
    if nothing.any():
        raise ValueError(
            f"empty got 'error', and {int(nothing.sum())} of {math.prod(nothing.shape)} pixels hear no pixel with a "
            "confidence above 0; expected 'nan' or a value for those, or gates and a confidence that reach them"
        )
    return y


def _check_integration(integration):
    """One that takes both parts of the quotient from the same directions."""
    if integration not in ("mean", "sum"):
        raise ValueError(
            f"integration got {integration!r}, expected mean or sum: "
            "others need not take numerator and denominator from the same directions"
        )


def _check_arrays(adapter, values, confidence, units, directions):
    """Gates for each unit, and a confidence for each pixel, from 0 to 1 as far as that can be seen."""
    if not units:
        raise ValueError("gates is empty, expected those of at least one unit")
    for gates in units:
        check_pair(adapter, values, gates, directions, first="values")
    check_like(adapter, values, confidence, "confidence", first="values")
    n, channels, *plane = values.shape
    if tuple(confidence.shape) not in ((n, 1, *plane), (n, channels, *plane)):
        raise ValueError(
            f"confidence has shape {tuple(confidence.shape)}, expected (N, 1 or C, H, W) for values of shape "
            f"{tuple(values.shape)}"
        )
    if adapter.readable(confidence) and not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError(f"confidence runs from {confidence.min():g} to {confidence.max():g}, expected from 0 to 1")


def _check_empty(adapter, values, empty):
    """One of the two words, a number, or an array like the values."""
    if isinstance(empty, str):
        if empty not in ("error", "nan"):
            raise ValueError(f"empty got {empty!r}, expected 'error', 'nan', a number or an array")
        if empty == "error" and not adapter.readable(values):
            raise ValueError(
                "empty got 'error', which looks at the numbers, and what is compiled, exported or transformed has "
                "none yet; expected 'nan' or a value"
            )
    elif not isinstance(empty, Real):
        check_like(adapter, values, empty, "empty", first="values")
        shape = tuple(values.shape)
        if empty.ndim > 4 or any(a not in (1, b) for a, b in zip(empty.shape[::-1], shape[::-1], strict=False)):
            raise ValueError(f"empty has shape {tuple(empty.shape)}, expected one that broadcasts to {shape}")
