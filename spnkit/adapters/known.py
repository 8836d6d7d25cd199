"""Calls on torch tensors whose arguments were checked before: to check them anew takes as long as to launch a kernel.

What checks depend on are layouts (shapes, strides, dtypes, devices), which one call tells, and settings.
"""

from __future__ import annotations

from functools import cache, partial

import torch
from torch.autograd import forward_ad

from spnkit.backends.exchange import LAYOUTS, reader

PLAIN = {torch.Tensor, torch.nn.Parameter}
MOST = 256  # calls that are remembered

_calls: dict[tuple, tuple] = {}
_reader = cache(partial(reader, torch.Tensor))  # not compiled before it is needed


def find(x, gates, settings: tuple) -> tuple | None:
    """What was kept of such a call; None where that is nothing, or anybody but autograd may look at the tensors."""
    if type(x) not in PLAIN or type(gates) not in PLAIN or _looked_on():
        return None
    try:
        return _calls.get((_layouts(x, gates), settings))
    except TypeError:  # no setting that can be told apart: to be refused by name
        return None


def keep(x, gates, settings: tuple, call: tuple) -> None:
    """Have `find` find a call, of which everything is checked."""
    if (layouts := _layouts(x, gates)) is not None:
        if len(_calls) >= MOST:
            _calls.clear()
        _calls[layouts, settings] = call


def reads() -> bool:
    """Whether torch tells addresses and layouts by one call."""
    return _reader() is not None


def _looked_on():
    return (
        torch._C._len_torch_dispatch_stack()
        or torch._C._are_functorch_transforms_active()
        or torch._C._get_tracing_state()
        or torch._C._is_any_autocast_enabled()
        or forward_ad._current_level >= 0
    )


def _layouts(x, gates):
    """None where torch does not tell them by one call: before 2.10, and of what is no dense tensor in memory."""
    try:
        return _reader()(x, gates)[LAYOUTS:]
    except Exception:
        return None
