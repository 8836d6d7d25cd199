"""Backends: the same two functions on every machine.

`forward(x, gates, y, winner, plan)` fills `y`, and `winner` where it is not None.
`backward(grad, winner, x, gates, dx, dgates, plan)` fills `dx`, and `dgates` where it is not None.

x, dx : (N, C, H, W); gates, dgates : (N, D, K, C or 1, H, W); winner : (N, C, H, W) uint8;
y, grad : (N, C, H, W), or (N, D, C, H, W) without integration. Inputs may have any strides; outputs are new.
"""

from __future__ import annotations

import importlib
from types import ModuleType

BACKENDS = ("reference", "cpu", "cuda")


class BackendUnavailableError(RuntimeError):
    """A backend that this machine cannot run; the message says how to get it."""


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
        raise BackendUnavailableError("backend 'cuda' is not part of this release; use 'cpu' or 'reference'")
    return importlib.import_module(f"spnkit.backends.{name}")
