"""torch tensors: a registered operator whose backward is an operator too, so that autograd, `torch.compile`,
export and autocast see ordinary nodes; a call that none of them looks at goes straight to the backend. CPU tensors
cross to the kernels as NumPy arrays, CUDA tensors by DLPack, without a copy. A call like one before is checked once.

Derivatives beyond the first, forward-mode ones and functorch transforms go through `torch_recurrence.py`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch._subclasses import FakeTensor

from spnkit.adapters import known, torch_recurrence
from spnkit.adapters.memory import touched
from spnkit.backends import backend
from spnkit.normalization import Normalization, normalized_array
from spnkit.plan import plan

LIBRARY = torch
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
FOREIGN = False  # arrays need not be made into others
SETTINGS = "str[] directions, str normalization, str? integration, str backend"


def _library():
    """The operators' place in torch, emptied of what an earlier import left there.

    Registrations belong to the process: whoever purges `sys.modules` and imports the package anew (notebooks, plug-ins)
    would be refused, or go on with the old code.
    """
    kept = vars(torch.ops.spnkit)  # not ours, or it would be purged too
    if "_library" in kept:
        kept["_library"]._destroy()
    kept["_library"] = torch.library.Library("spnkit", "DEF")
    return kept["_library"]


library = _library()
library.define(f"propagate(Tensor x, Tensor gates, {SETTINGS}, bool track) -> (Tensor, Tensor, Tensor)")
library.define(
    "propagate_backward(Tensor grad, Tensor winner, Tensor hidden, Tensor x, Tensor gates, "
    f"{SETTINGS}, bool needs_gates) -> (Tensor, Tensor)"
)
library.define("recurrence(Tensor x, Tensor p, str direction, str backend) -> Tensor")


def propagate(x, gates, directions, normalization, integration, backend_name):
    """`spnkit.propagate` for tensors whose shapes and dtypes are checked."""
    for name, tensor in (("x", x), ("gates", gates)):
        if tensor.layout != torch.strided:
            raise TypeError(f"{name} has the layout {tensor.layout}, expected a dense tensor")
    track = torch.is_grad_enabled() and (x.requires_grad or gates.requires_grad)
    if torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active():
        torch._dynamo.graph_break()  # the operator has no rules for transforms: torch would take derivatives for zero
    if not torch.compiler.is_compiling():
        resolved = plan(directions, normalization, integration)
        if torch_recurrence.in_transform(x, gates):
            if casts(x, gates):
                x, gates = x.float(), gates.float()
            return torch_recurrence.propagate(x, gates, resolved, backend_name)
        if _unobserved(x, gates):
            settings = directions, normalization, integration, backend_name
            call = resolved, _engine(backend_name, x, gates=gates), settings
            known.keep(x, gates, settings, call)
            return Unit.apply(x, gates, call) if track else _forward(x, gates, *call[:2])
    settings = (list(directions), normalization, integration, backend_name)
    return torch.ops.spnkit.propagate(x, gates, *settings, track)[0]


def again(x, gates, *settings):
    """`propagate` for a call like one that was checked before; None where there was none, or somebody looks on."""
    if torch.compiler.is_compiling() or (call := known.find(x, gates, settings)) is None:
        return None
    if (x.requires_grad or gates.requires_grad) and torch.is_grad_enabled():
        return Unit.apply(x, gates, call)
    return _forward(x, gates, call[0], call[1])


def _unobserved(*tensors):
    """Whether no subclass, mode, tracer, transform or autocast looks at these tensors: autograd alone may."""
    return not (
        torch.compiler.is_compiling()
        or not known.PLAIN.issuperset(map(type, tensors))
        or tensors[0].is_meta
        or torch._C._len_torch_dispatch_stack()
        or torch._C._are_functorch_transforms_active()
        or torch._C._get_tracing_state()
        or torch.is_autocast_enabled("cuda" if tensors[0].is_cuda else "cpu")
    )


def adjoint(grad, gates, directions, normalization, backend_name):
    """`spnkit.propagation.scan_adjoint` for tensors whose shapes and dtypes are checked."""
    settings = (list(directions), normalization, "sum", backend_name)
    nothing = torch.empty(0, dtype=torch.uint8, device=grad.device)
    return torch.ops.spnkit.propagate_backward(grad, nothing, nothing, grad, gates, *settings, False)[0]


def on_gpu(tensor):
    """Whether a tensor is one for the CUDA backend, which takes it by its address and keeps h for the way back."""
    return tensor.is_cuda


def device(tensor):
    """Where its numbers are."""
    return tensor.device


def readable(tensor):
    """Whether its numbers can be looked at, and an error depend on them: not where no numbers are, but a program."""
    return not (
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or isinstance(tensor, FakeTensor)
        or tensor.is_meta
    )


def casts(x, gates):
    """Whether the two may differ in dtype: under autocast, which makes all but float64 float32."""
    return torch.float64 not in (x.dtype, gates.dtype) and torch.is_autocast_enabled(x.device.type)


def normalize(gates, rule: Normalization, axis: int):
    """`spnkit.normalize_gates` for a tensor."""
    return rounded(normalized_array(torch, wide(gates), rule, axis), gates.dtype)


@torch.library.impl(library, "propagate", "CUDA")
@torch.library.impl(library, "propagate", "CPU")
def _propagate(x, gates, directions, normalization, integration, backend_name, track):
    resolved = plan(tuple(directions), normalization, integration)
    winner, hidden = _winner(x, resolved, track), _hidden(x, resolved, track)
    y = _forward(x, gates, resolved, _engine(backend_name, x, gates=gates), winner, hidden)
    return y, *_there(x, winner, hidden)


@torch.library.impl(library, "propagate_backward", "CUDA")
@torch.library.impl(library, "propagate_backward", "CPU")
def _propagate_backward(grad, winner, hidden, x, gates, directions, normalization, integration, name, needs_gates):
    resolved, engine = plan(tuple(directions), normalization, integration), _engine(name, x, gates=gates, grad=grad)
    return _back(grad, _filled(winner), _filled(hidden), x, gates, resolved, engine, needs_gates)


@torch.library.impl(library, "recurrence", "CUDA")
@torch.library.impl(library, "recurrence", "CPU")
def _recurrence(x, p, direction, backend_name):
    return _forward(x, p[:, None], torch_recurrence.bare(direction), _engine(backend_name, x, gates=p))


def _forward(x, gates, resolved, engine, winner=None, hidden=None):
    """The result of a call; `winner` and `hidden` are filled where they are not None."""
    if on_gpu(x):  # nothing is converted, not even asked about: a fifth of a small call
        y = _result(x, resolved)
        engine.forward(*_views(engine, x, gates, y, winner), resolved, _by_direction(hidden))
        return y
    widened = _widened(x)
    y = touched(_result(widened, resolved))
    *arrays, kept = _views(engine, widened, _widened(gates), y, winner, hidden)
    engine.forward(*arrays, resolved, kept)
    return rounded(y, x.dtype)


def _back(grad, winner, hidden, x, gates, resolved, engine, needs_gates):
    """The gradients; none, and an empty tensor, at gates that need none."""
    dtypes = x.dtype, gates.dtype
    grad, x, gates = map(_widened, (grad, x, gates))
    dx, dgates = map(touched, _gradients(grad, winner, hidden, x, gates, (), "", "", "", needs_gates))
    into = dx, dgates if needs_gates else None
    *arrays, kept = _views(engine, grad, winner, x, gates, *into, _by_direction(hidden))
    engine.backward(*arrays, resolved, kept)
    return rounded(dx, dtypes[0]), rounded(dgates, dtypes[1])


def _filled(tensor):
    """The tensor, or None if it is empty."""
    return None if tensor is None or tensor.numel() == 0 else tensor


def _by_direction(hidden):
    """`hidden` with an axis of directions, which the result of a single one lacks."""
    return hidden[:, None] if hidden is not None and hidden.ndim == 4 else hidden


def _result(x, resolved):
    """A new tensor for what comes of x."""
    if resolved.integration:
        return _like(x)
    n, *plane = x.shape
    return x.new_empty((n, len(resolved.directions), *plane))


def _like(x, dtype=None):
    """A new tensor like x, with channels innermost if they are so there; to give the shape anew would take longer."""
    order = torch.channels_last if _channels_last(x) else torch.contiguous_format
    return torch.empty_like(x, dtype=dtype, memory_format=order)


def _winner(x, resolved, track):
    """Room for the direction that won each node; None where no gradient will ask for it."""
    return _like(x, torch.uint8) if track and resolved.keeps_winner else None


def _hidden(x, resolved, track):
    """Room for h of every direction, so that a GPU need not scan again on the way back; None where that is the result.

    It costs a third of what the gates do; in half precision, whose h is float32 as well, two thirds.
    """
    if not track or not on_gpu(x):
        return None
    narrow = x.dtype in (torch.float16, torch.bfloat16)
    if not narrow and not (resolved.integration and len(resolved.directions) > 1):
        return None
    n, *plane = x.shape
    return x.new_empty((n, len(resolved.directions), *plane), dtype=torch.float32 if narrow else x.dtype)


def _rows(x, resolved, engine):
    """Room for those rows of h that the CPU keeps for the way back; None for small maps, and for other backends."""
    size = engine.hidden_bytes(x.shape, 8 if x.dtype == torch.float64 else 4, resolved)
    return torch.empty(size, dtype=torch.uint8) if size else None


def _there(like, *tensors):
    """Empty ones in place of what is None: an operator takes and returns tensors alone."""
    return [like.new_empty(0, dtype=torch.uint8) if tensor is None else tensor for tensor in tensors]


@torch.library.register_fake("spnkit::propagate", lib=library)
def _results(x, gates, directions, normalization, integration, backend_name, track):
    """The results, uninitialised: all that tracing needs to know."""
    resolved = plan(tuple(directions), normalization, integration)
    return _result(x, resolved), *_there(x, _winner(x, resolved, track), _hidden(x, resolved, track))


@torch.library.register_fake("spnkit::propagate_backward", lib=library)
def _gradients(grad, winner, hidden, x, gates, directions, normalization, integration, backend_name, needs_gates):
    """The gradients, uninitialised."""
    order = torch.preserve_format if _channels_last(x) else torch.contiguous_format
    return _like(x), torch.empty_like(gates, memory_format=order) if needs_gates else gates.new_empty(0)


@torch.library.register_fake("spnkit::recurrence", lib=library)
def _scanned(x, p, direction, backend_name):
    return _like(x)


def _channels_last(x):
    """Whether channels are innermost in x; on a GPU results are always channels-first."""
    return x.is_cpu and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _setup(ctx, inputs, output):
    x, gates, *ctx.settings, track = inputs
    ctx.set_materialize_grads(False)
    ctx.call = None
    if not track:
        raise RuntimeError("spnkit::propagate was called with track=False on tensors that require gradients")
    y, winner, hidden = output
    ctx.save_for_backward(x, gates, winner, y if on_gpu(x) and _filled(hidden) is None else hidden)


def _backward(ctx, grad, *_):
    if grad is None:  # nothing depends on the result
        return (None,) * 7
    x, gates, winner, hidden = ctx.saved_tensors
    needs_gates = ctx.needs_input_grad[1]
    if torch_recurrence.in_transform(grad, x, gates):
        return *_composed(grad, winner, x, gates, ctx.settings), *[None] * 5
    if ctx.call is not None and not torch.is_grad_enabled() and _unobserved(grad, x, gates):
        resolved, engine = ctx.call
        dx, dgates = _back(grad, winner, hidden, x, gates, resolved, engine, needs_gates)
    else:
        kept = _there(grad, winner, hidden)
        dx, dgates = torch.ops.spnkit.propagate_backward(grad, *kept, x, gates, *ctx.settings, needs_gates)
    return dx, dgates if needs_gates else None, *[None] * 5


def _composed(grad, winner, x, gates, settings):
    """The gradients by the composition, for a transform that looks at the way back alone."""
    return torch.func.vjp(_composition(settings, winner), x, gates)[1](grad)


def _composition(settings, winner):
    """The unit of these settings as a composition that autograd knows, with ties settled as they were."""
    directions, normalization, integration, backend_name = settings
    resolved, chosen = plan(tuple(directions), normalization, integration), _filled(winner)
    return lambda x, gates: torch_recurrence.propagate(x, gates, resolved, backend_name, chosen)


class Unit(torch.autograd.Function):
    """The operator `spnkit::propagate` for eager calls: the way through the registry takes longer than a small call."""

    backward = staticmethod(_backward)

    @staticmethod
    def forward(ctx, x, gates, call):
        resolved, engine, settings = call
        winner, hidden = _winner(x, resolved, True), _hidden(x, resolved, True)
        if ctx.needs_input_grad[1] and not on_gpu(x):
            hidden = _rows(x, resolved, engine)
        y = _forward(x, gates, resolved, engine, winner, hidden)
        # As `setup_context` it would cost another inspection of signatures a call.
        _setup(ctx, (x, gates, *settings, True), (y, winner, hidden))
        ctx.call = resolved, engine
        return y


def _setup_backward(ctx, inputs, output):
    grad, winner, _, x, gates, *ctx.settings, ctx.needs_gates = inputs
    ctx.save_for_backward(grad, winner, x, gates)


def _double_backward(ctx, ddx, ddgates):
    """Derivatives of the gradients: the same unit again, as a composition."""
    grad, winner, *inputs = ctx.saved_tensors
    again = torch.is_grad_enabled()  # asked for derivatives of these too
    with torch.enable_grad():
        # Aliases, whose history ends here: the saved ones may depend on each other, and autograd goes there itself.
        grad, x, gates = (t.view_as(t) if t.requires_grad else t.detach().requires_grad_() for t in (grad, *inputs))
        y = _composition(ctx.settings, winner)(x, gates)
        first = torch.autograd.grad(y, (x, gates), grad, create_graph=True)
        cotangents = (ddx, ddgates if ctx.needs_gates else torch.zeros_like(gates))
        second = torch.autograd.grad(first, (grad, x, gates), cotangents, create_graph=again, allow_unused=True)
    return second[0], None, None, second[1], second[2], *[None] * 5


torch.library.register_autograd("spnkit::propagate", _backward, setup_context=_setup, lib=library)
torch.library.register_autograd(
    "spnkit::propagate_backward", _double_backward, setup_context=_setup_backward, lib=library
)
for _name in ("propagate", "propagate_backward", "recurrence"):
    for _device in ("cpu", "cuda"):
        torch.library.register_autocast(f"spnkit::{_name}", _device, torch.float32, lib=library)


def _engine(name, x, **others):
    """The backend module; "auto" is the fast one of the device, and data is never moved."""
    for argument, tensor in others.items():
        if tensor.dtype != x.dtype:  # the public calls have checked it, whoever calls the operator has not
            raise TypeError(f"{argument} has dtype {tensor.dtype}, expected that of x, {x.dtype}")
    chosen = ("cuda" if on_gpu(x) else "cpu") if name == "auto" else name
    if not (on_gpu(x) if chosen == "cuda" else x.is_cpu):
        raise ValueError(f"backend {name!r} cannot take x on {x.device}")
    return backend(chosen)


def _views(engine, *tensors) -> list[np.ndarray | torch.Tensor | None]:
    """Tensors as their backend takes them: NumPy arrays for one that does not read tensors."""
    plain = [tensor if tensor is None or not tensor.is_neg() else tensor.resolve_neg() for tensor in tensors]
    if on_gpu(tensors[0]) or (engine.READS_TENSORS and known.reads()):
        return plain
    return [tensor if tensor is None else tensor.detach().numpy() for tensor in plain]


def _widened(tensor):
    """Half precision as float32, but for kernels that widen it themselves."""
    return tensor if on_gpu(tensor) else wide(tensor)


def wide(tensor):
    """Half precision as float32."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def rounded(tensor, dtype):
    """The tensor in the dtype that is returned."""
    return tensor if tensor.dtype == dtype else tensor.to(dtype)
