"""Backends: the same two functions on every machine.

`forward(x, gates, y, winner, plan)` fills `y`, and `winner` where it is not None.
`backward(grad, winner, x, gates, dx, dgates, plan)` fills `dx`, and `dgates` where it is not None.

x, dx : (N, C, H, W); gates, dgates : (N, D, K, C or 1, H, W); winner : (N, C, H, W) uint8;
y, grad : (N, C, H, W), or (N, D, C, H, W) without integration. Inputs may have any strides; outputs are new.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from types import ModuleType

BACKENDS = ("reference", "cpu", "cuda")


class BackendUnavailableError(RuntimeError):
    """A backend that this machine cannot run; the message says how to get it."""


@cache
def backend(name: str) -> ModuleType:
    """The backend module of that name.

    Raises
    ------
    ValueError
        If there is no such backend.
    BackendUnavailableError
        If this machine cannot run it.
    """
    if name not in BACKENDS:
        raise ValueError(f"backend got {name!r}, expected one of auto, {', '.join(BACKENDS)}")
    if name == "cuda":
        _require_cuda()
    return importlib.import_module(f"spnkit.backends.{name}")


@cache
def _require_cuda() -> None:
    """numba-cuda, and a GPU or Numba's simulator of one."""
    from numba import cuda
    from numba.core import config

    if config.ENABLE_CUDASIM:
        return
    if importlib.util.find_spec("numba_cuda") is None:
        raise BackendUnavailableError("backend 'cuda' needs numba-cuda: pip install 'spnkit[cuda]'")
    if not cuda.is_available():
        raise BackendUnavailableError("backend 'cuda' found no NVIDIA GPU with a driver; use 'cpu' or 'reference'")
