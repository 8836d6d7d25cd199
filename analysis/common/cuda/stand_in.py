"""A stand-in for the driver: all that a call does on the host, up to its launches, without a GPU."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from types import SimpleNamespace
from unittest.mock import patch

import cuda.core
import numba
import torch
from numba import types
from numba.cuda.cudadrv import driver

import spnkit.adapters.torch as adapter
from spnkit.adapters import known
from spnkit.backends import exchange
from spnkit.backends.cuda import backend, bridge, machine
from spnkit.backends.dlpack import CPU, CUDA, Api, pointer_of
from spnkit.backends.exchange_code import call, poke

STREAM = 77
LIMITS = machine.Limits(0, 132, 232448, True)  # an H100's


@contextmanager
def gpu(number=lambda layout: 0, entered=nullcontext):
    """Have tensors in host memory taken for those of GPU `number(layout)`; GPU 0 is current, others are `entered(it)`.

    Yields
    ------
    list
        Of launches: stream, configuration, kernel and the values that it takes.

    A driver that is asked for anything but its current context raises an AttributeError; to wait is a TypeError.
    """
    launches: list = []
    api = _api()
    stand_ins = {
        (backend, "limits"): lambda device: LIMITS._replace(device=device),
        (backend, "_kernel"): lambda variant, asynchronous: variant,
        (machine, "_loaded"): lambda kernel, types, gpu: kernel,
        (machine, "_context"): lambda device: 1000 + device,
        (machine, "_stream"): lambda handle, device: handle,
        (machine, "cuda"): SimpleNamespace(gpus=_Gpus(entered)),
        (bridge, "_gpu"): lambda name, layout: number(layout),
        (exchange, "_way"): cache(lambda kinds: api),
        (known, "_calls"): {},
        (adapter, "on_gpu"): lambda tensor: True,
        (adapter, "backend"): lambda name: backend,
        (cuda.core, "launch"): lambda *launch: launches.append(launch),
        (driver, "binding"): SimpleNamespace(cuCtxGetCurrent=lambda: (0, 1000)),
        (torch.cuda, "synchronize"): None,
    }
    with ExitStack() as stack:
        for (module, name), stand_in in stand_ins.items():
            stack.enter_context(patch.object(module, name, stand_in))
        for remembered in (backend._forward, backend._backward):
            remembered.cache_clear()
            stack.callback(remembered.cache_clear)
        yield launches


@cache
def _api():
    """torch's exchange API, but for what depends on a GPU: tensors are on one, as is what is allocated there."""
    table = Api.from_buffer_copy(Api.from_address(pointer_of(getattr(torch.Tensor, exchange.NAME), exchange.CAPSULE)))
    describe, allocate = table.describe, table.allocate
    word, status = types.int64, types.int32

    @numba.cfunc(status(word, word))
    def on_gpu(array, tensor):
        failed = call(describe, (array, tensor))
        poke(tensor + 8, CUDA)
        return failed

    @numba.cfunc(status(word, word, word, word))
    def on_host(prototype, out, context, refuse):
        poke(prototype + 8, CPU)
        return call(allocate, (prototype, out, context, refuse))

    @numba.cfunc(status(status, status, word))
    def stream(device, number, out):
        poke(out, STREAM)
        return 0

    table.describe, table.allocate, table.current_stream = on_gpu.address, on_host.address, stream.address
    made = exchange.Exchange(table)
    made.kept = table, on_gpu, on_host, stream
    return made


class _Gpus:
    def __init__(self, entered):
        self.entered = entered

    def __getitem__(self, device):
        return self.entered(device)
