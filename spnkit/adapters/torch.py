"""torch tensors: a registered operator whose backward is an operator too, so that autograd, `torch.compile`,
export and autocast see ordinary nodes. CPU tensors cross to NumPy by DLPack, CUDA tensors to the kernels by their
address, without a copy.

Derivatives beyond the first, forward-mode ones and functorch transforms go through `torch_recurrence.py`.
"""

from __future__ import annotations

import numpy as np
import torch

from spnkit.adapters import torch_recurrence
from spnkit.backends import backend
from spnkit.normalization import Normalization, normalized_array
from spnkit.plan import plan

SETTINGS = "str[] directions, str normalization, str? integration, str backend"

library = torch.library.Library("spnkit", "DEF")
library.define(f"propagate(Tensor x, Tensor gates, {SETTINGS}, bool track) -> (Tensor, Tensor)")
library.define(
    "propagate_backward(Tensor grad, Tensor winner, Tensor x, Tensor gates, "
    f"{SETTINGS}, bool needs_gates) -> (Tensor, Tensor)"
)
library.define("recurrence(Tensor x, Tensor p, str direction, str backend) -> Tensor")


def propagate(x, gates, directions, normalization, integration, backend_name):
    """`spnkit.propagate` for tensors whose shapes and dtypes are checked."""
    if gates.device != x.device:
        raise ValueError(f"gates is on {gates.device}, expected the device of x, {x.device}")
    settings = (list(directions), normalization, integration, backend_name)
    if not torch.compiler.is_compiling() and torch_recurrence.in_transform(x, gates):
        return torch_recurrence.propagate(x, gates, plan(directions, normalization, integration), backend_name)
    track = torch.is_grad_enabled() and (x.requires_grad or gates.requires_grad)
    y, _ = torch.ops.spnkit.propagate(x, gates, *settings, track)
    return y


def adjoint(grad, gates, directions, normalization, backend_name):
    """`spnkit.propagation.scan_adjoint` for tensors whose shapes and dtypes are checked."""
    settings = (list(directions), normalization, "sum", backend_name)
    winner = torch.empty(0, dtype=torch.uint8, device=grad.device)
    return torch.ops.spnkit.propagate_backward(grad, winner, grad, gates, *settings, False)[0]


def casts(tensor):
    """Whether tensors of another dtype may be mixed in: under autocast, which makes them float32."""
    return torch.is_autocast_enabled(tensor.device.type)


def normalize(gates, rule: Normalization, axis: int):
    """`spnkit.normalize_gates` for a tensor."""
    return normalized_array(torch, _widened(gates), rule, axis).to(gates.dtype)


@torch.library.impl(library, "propagate", "CUDA")
@torch.library.impl(library, "propagate", "CPU")
def _propagate(x, gates, directions, normalization, integration, backend_name, track):
    y, winner = _results(_widened(x), gates, directions, normalization, integration, backend_name, track)
    resolved = plan(tuple(directions), normalization, integration)
    _engine(backend_name, x).forward(_view(x), _view(gates), _view(y), _view(winner), resolved)
    return y.to(x.dtype), winner


@torch.library.impl(library, "propagate_backward", "CUDA")
@torch.library.impl(library, "propagate_backward", "CPU")
def _propagate_backward(grad, winner, x, gates, directions, normalization, integration, backend_name, needs_gates):
    dx, dgates = _gradients(grad, winner, _widened(x), _widened(gates), (), "", "", "", needs_gates)
    inputs, results = map(_view, (grad, winner, x, gates)), map(_view, (dx, dgates))
    resolved = plan(tuple(directions), normalization, integration)
    _engine(backend_name, x).backward(*inputs, *results, resolved)
    return dx.to(x.dtype), dgates.to(gates.dtype)


@torch.library.impl(library, "recurrence", "CUDA")
@torch.library.impl(library, "recurrence", "CPU")
def _recurrence(x, p, direction, backend_name):
    h = x.new_empty(x.shape)
    plan = torch_recurrence.bare(direction)
    _engine(backend_name, x).forward(_view(x), _view(p[:, None]), _view(h), None, plan)
    return h


@torch.library.register_fake("spnkit::propagate")
def _results(x, gates, directions, normalization, integration, backend_name, track):
    """The results, uninitialised: all that tracing needs to know, and where the real ones go."""
    n, c, h, w = x.shape
    shape = (n, c, h, w) if integration is not None else (n, len(directions), c, h, w)
    keeps = track and plan(tuple(directions), normalization, integration).keeps_winner
    return x.new_empty(shape), x.new_empty(x.shape if keeps else (0,), dtype=torch.uint8)


@torch.library.register_fake("spnkit::propagate_backward")
def _gradients(grad, winner, x, gates, directions, normalization, integration, backend_name, needs_gates):
    """The gradients, uninitialised."""
    return x.new_empty(x.shape), gates.new_empty(gates.shape if needs_gates else (0,))


@torch.library.register_fake("spnkit::recurrence")
def _hidden(x, p, direction, backend_name):
    return x.new_empty(x.shape)


def _setup(ctx, inputs, output):
    x, gates, *ctx.settings, track = inputs
    if not track:
        raise RuntimeError("spnkit::propagate was called with track=False on tensors that require gradients")
    ctx.save_for_backward(x, gates, output[1])


def _backward(ctx, grad, _):
    x, gates, winner = ctx.saved_tensors
    needs_gates = ctx.needs_input_grad[1]
    dx, dgates = torch.ops.spnkit.propagate_backward(grad, winner, x, gates, *ctx.settings, needs_gates)
    return dx, dgates if needs_gates else None, *[None] * 5


def _setup_backward(ctx, inputs, output):
    grad, winner, x, gates, *ctx.settings, ctx.needs_gates = inputs
    ctx.save_for_backward(grad, winner, x, gates)


def _double_backward(ctx, ddx, ddgates):
    """Derivatives of the gradients: the same unit again, as a composition that autograd knows."""
    grad, winner, *inputs = ctx.saved_tensors
    directions, normalization, integration, backend_name = ctx.settings
    resolved = plan(tuple(directions), normalization, integration)
    with torch.enable_grad():
        grad, x, gates = (t if t.requires_grad else t.detach().requires_grad_() for t in (grad, *inputs))
        chosen = winner if winner.numel() else None
        y = torch_recurrence.propagate(x, gates, resolved, backend_name, chosen)
        first = torch.autograd.grad(y, (x, gates), grad, create_graph=True)
        cotangents = (ddx, ddgates if ctx.needs_gates else torch.zeros_like(gates))
        second = torch.autograd.grad(
            first, (grad, x, gates), cotangents, create_graph=torch.is_grad_enabled(), allow_unused=True
        )
    return second[0], None, second[1], second[2], *[None] * 5


torch.library.register_autograd("spnkit::propagate", _backward, setup_context=_setup)
torch.library.register_autograd("spnkit::propagate_backward", _double_backward, setup_context=_setup_backward)
for _name in ("propagate", "propagate_backward", "recurrence"):
    for _device in ("cpu", "cuda"):
        torch.library.register_autocast(f"spnkit::{_name}", _device, torch.float32)


def _engine(name, x):
    """The backend module; "auto" is the fast one of the device, and data is never moved."""
    if name == "auto":
        name = "cuda" if x.is_cuda else "cpu"
    if x.is_cuda != (name == "cuda") or x.device.type not in ("cpu", "cuda"):
        raise ValueError(f"backend {name!r} cannot take x on {x.device}")
    return backend(name)


def _view(tensor) -> np.ndarray | torch.Tensor | None:
    """A tensor as its backend takes it, a CPU tensor as a NumPy array; None for an absent (empty) one."""
    if not tensor.numel():
        return None
    plain = _widened(tensor.detach()).resolve_neg()
    return plain if plain.is_cuda else np.from_dlpack(plain)


def _widened(tensor):
    """Half precision is computed in float32."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
