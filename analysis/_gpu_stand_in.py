"""A stand-in for the driver: all that a call does on the host, up to its launches, without a GPU."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache, partial
from types import SimpleNamespace
from unittest.mock import patch

import cuda.core
import torch
from numba.cuda.cudadrv import driver

import spnkit.adapters.torch as adapter
from spnkit.backends import cuda as backend
from spnkit.backends import cuda_bridge, cuda_machine

STREAM = 77
LIMITS = cuda_machine.Limits(0, 132, 232448, True)  # an H100's


@contextmanager
def gpu(number=lambda tensor: 0, entered=nullcontext):
    """Have tensors in host memory taken for those of GPU `number(tensor)`; GPU 0 is current, others are `entered(it)`.

    Yields
    ------
    list
        Of launches: stream, configuration, kernel and the values that it takes.

    A driver that is asked for anything but its current context raises an AttributeError; to wait is a TypeError.
    """
    launches: list = []
    device = cache(partial(torch.device, "cuda"))  # made once: to ask a tensor for its own takes no longer
    stand_ins = {
        (backend, "limits"): lambda device: LIMITS._replace(device=device),
        (backend, "_kernel"): lambda variant, asynchronous: variant,
        (cuda_machine, "_loaded"): lambda kernel, types, gpu: kernel,
        (cuda_machine, "_context"): lambda device: 1000 + device,
        (cuda_machine, "_stream"): lambda handle, device: handle,
        (cuda_machine, "cuda"): SimpleNamespace(gpus=_Gpus(entered)),
        (cuda_bridge, "_layout"): lambda name, t: (t.shape, t.stride(), t.dtype, device(number(t))),
        (adapter, "on_gpu"): lambda tensor: True,
        (adapter, "backend"): lambda name: backend,
        (cuda.core, "launch"): lambda *launch: launches.append(launch),
        (driver, "binding"): SimpleNamespace(cuCtxGetCurrent=lambda: (0, 1000)),
        (torch.cuda, "current_stream"): lambda device: SimpleNamespace(cuda_stream=STREAM),
        (torch.cuda, "synchronize"): None,
    }
    with ExitStack() as stack:
        for (module, name), stand_in in stand_ins.items():
            stack.enter_context(patch.object(module, name, stand_in))
        for remembered in (backend._forward, backend._backward):
            remembered.cache_clear()
            stack.callback(remembered.cache_clear)
        yield launches


class _Gpus:
    def __init__(self, entered):
        self.entered = entered

    def __getitem__(self, device):
        return self.entered(device)
