"""Backends: the same two functions on every machine.

`forward(x, gates, y, winner, plan, hidden=None)` fills `y`, and `winner` where it is not None.
`backward(grad, winner, x, gates, dx, dgates, plan, hidden=None)` fills `dx`, and `dgates` where it is not None.
`hidden` is memory in which the first leaves of h what saves the second another scan: for `cpu` as many bytes as
`hidden_bytes(shape, itemsize, plan)` says, if any, for `cuda` an array. `READS_TENSORS`: whether arrays may be torch's.

x, dx : (N, C, H, W); gates, dgates : (N, D, K, C or 1, H, W); winner : (N, C, H, W) uint8;
y, grad : (N, C, H, W), or (N, D, C, H, W) without integration. Inputs may have any strides; outputs are new.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from functools import cache
from types import ModuleType

from spnkit.plan import ASKED_FOR, look_up

forked = False
"""Whether this is a forked child, which must not enter the pool of threads that its parent left: it computes on one
core. Known here and not in `cpu/`, since the child may be the first to need that."""


def _after_fork() -> None:
    global forked
    forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class BackendUnavailableError(RuntimeError):
    """A backend that this machine cannot run; the message says how to get it."""


def backend(name: str) -> ModuleType:
    """The backend of that name, which adapters have for "auto"; `reference` for `cpu` where Numba must not compile.

    Raises
    ------
    ValueError
        If there is no such backend.
    BackendUnavailableError
        If this machine cannot run it.
    """
    look_up("backend", name, ASKED_FOR)
    return _module(name)


@cache
def _module(name):
    if name == "cuda":
        _require_cuda()
    if name == "cpu" and not _compiles():
        name = "reference"
    return importlib.import_module(f"spnkit.backends.{name}")


def _compiles() -> bool:
    """Whether Numba compiles: with NUMBA_DISABLE_JIT, as debuggers and coverage want it, there are no registers."""
    from numba.core import config

    if config.DISABLE_JIT:
        warnings.warn(
            "NUMBA_DISABLE_JIT is set: the readable backend 'reference' computes in place of 'cpu', slowly",
            RuntimeWarning,
            stacklevel=2,
        )
    return not config.DISABLE_JIT


@cache
def _require_cuda() -> None:
    """numba-cuda, and a GPU or Numba's simulator of one."""
    from numba import cuda
    from numba.core import config

    if config.ENABLE_CUDASIM:
        return
    if importlib.util.find_spec("numba_cuda") is None:
        raise BackendUnavailableError("backend 'cuda' needs numba-cuda: from a clone, pip install '.[cuda]'")
    if not cuda.is_available():
        raise BackendUnavailableError("backend 'cuda' found no NVIDIA GPU with a driver; use 'cpu' or 'reference'")
