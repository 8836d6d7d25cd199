"""ONNX: the propagation as standard operators, a Scan over the lines of a map for each direction.

torch.onnx.export(network, inputs, "network.onnx", dynamo=True, custom_translation_table=TRANSLATIONS)
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, Union

import torch

import spnkit.adapters.torch  # noqa: F401 - registers the operator that is translated
from spnkit.directions import TABLE
from spnkit.extras import needs
from spnkit.normalization import SMALLEST

with needs("spnkit.nn.onnx", "onnx"):
    from onnxscript import DOUBLE, FLOAT, graph, script
    from onnxscript import opset18 as op
    from onnxscript.values import Opset

TO_FLOAT = 1
"""ONNX's number of float32."""
Maps = TypeVar("Maps", bound=Union[FLOAT, DOUBLE])  # noqa: UP007 - onnxscript reads it


@script(Opset("spnkit", 1), default_opset=op)
def scan(
    x: Maps,
    p: Maps,
    axis: int,
    axes: Sequence[int],
    reverse: Sequence[int],
    axis_out: Sequence[int],
    reverse_out: Sequence[int],
) -> Maps:
    """h (N, C, H, W) of x along an axis by three-way weights p (N, 3, C or 1, H, W), Eq. (10)."""

    @graph()
    def line(begun, h, x_t, p_t):
        # A neighbour outside the map is the pixel itself, of which the blend adds nothing.
        before = op.Concat(op.Slice(x_t, [0], [1], [-1]), op.Slice(h, [0], [-1], [-1]), axis=-1)
        after = op.Concat(op.Slice(h, [1], [2147483647], [-1]), op.Slice(x_t, [-1], [2147483647], [-1]), axis=-1)
        heard = op.Concat(op.Unsqueeze(before, [1]), op.Unsqueeze(h, [1]), op.Unsqueeze(after, [1]), axis=1)
        added = op.ReduceSum(op.Mul(p_t, op.Sub(heard, op.Unsqueeze(x_t, [1]))), [1], keepdims=0)
        new = op.Where(begun, op.Add(x_t, added), x_t)
        return op.Or(begun, op.Not(begun)), new, op.Identity(new)

    _begun, _last, h = op.Scan(
        op.Cast(0, to=9),
        op.Gather(x, 0, axis=axis),  # of the right shape; the first line listens to nobody
        x,
        p,
        body=line,
        num_scan_inputs=2,
        scan_input_axes=axes,
        scan_input_directions=reverse,
        scan_output_axes=axis_out,
        scan_output_directions=reverse_out,
    )
    return h


def _normalized(g: Any, rule: str) -> Any:
    """The weights of gates (N, D, K, C, H, W): `spnkit.normalization` in ONNX."""
    if rule == "none":
        return g
    if rule == "softmax":
        return op.Softmax(g, axis=2)
    lifted = op.Sigmoid(g) if rule == "sigmoid" else g
    total = op.ReduceSum(op.Abs(lifted), [2], keepdims=1)
    one = op.CastLike(1.0, g)
    if rule == "clip":
        return op.Div(lifted, op.Max(total, one))
    if rule not in ("always", "sigmoid"):
        raise NotImplementedError(f"normalization {rule!r} has no translation to ONNX")
    nothing = op.LessOrEqual(total, op.CastLike(SMALLEST, g))
    return op.Where(nothing, op.CastLike(0.0, g), op.Div(lifted, op.Where(nothing, one, total)))


def _integrated(maps: list[Any], how: str | None) -> Any:
    if how is None:
        return op.Concat(*(op.Unsqueeze(h, [1]) for h in maps), axis=1)
    return {"max": op.Max, "mean": op.Mean, "sum": op.Sum}[how](*maps)


def propagate(
    x: Any,
    gates: Any,
    directions: Sequence[str],
    normalization: str,
    integration: str | None,
    backend: str,
    track: bool,
) -> tuple[Any, Any, Any]:
    """`spnkit::propagate` in ONNX; what it keeps for the way back is empty."""
    given, connections = x, gates.shape[2]
    if str(x.dtype) in ("FLOAT16", "BFLOAT16"):  # computed in float32 and rounded once
        x, gates = op.Cast(x, to=TO_FLOAT), op.Cast(gates, to=TO_FLOAT)
    weights, maps = _normalized(gates, normalization), []
    for index, name in enumerate(directions):
        p, direction = op.Gather(weights, index, axis=1), TABLE[name]
        if connections == 1:
            nobody = op.Mul(p, op.CastLike(0.0, p))
            p = op.Concat(nobody, p, nobody, axis=1)
        axis, reverse = (3 if direction.horizontal else 2), int(direction.reverse)
        along = {"axis": axis, "axes": [axis, axis + 1], "axis_out": [axis]}
        maps.append(scan(x, p, reverse=[reverse, reverse], reverse_out=[reverse], **along))
    y, nothing = _integrated(maps, integration), op.Constant(value_ints=[])
    return op.CastLike(y, given), nothing, nothing


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {torch.ops.spnkit.propagate.default: propagate}
"""For `custom_translation_table` of `torch.onnx.export`."""
