"""The one file that speaks Numba's CUDA: compile, launch, and what a kernel asks of the GPU beyond arithmetic.

Addresses are plain integers in bytes. Under Numba's simulator (NUMBA_ENABLE_CUDASIM=1) the same operations
work on the memory of this process.
"""

from __future__ import annotations

import math
from collections import namedtuple
from functools import cache, lru_cache

import numba
from numba import cuda, types
from numba.core import config

SIMULATED = bool(config.ENABLE_CUDASIM)

if SIMULATED:
    from spnkit.backends.cuda_simulator import add, arrived, commit, copy, load, opaque, peek, poke, store

    SCALARS: dict = {}
    SYNCHRONOUS: dict = {}
    short = int
else:
    from spnkit.backends.cuda_memory import (
        add,
        arrived,
        commit,
        copy,
        copy_now,
        filled,
        load,
        nothing,
        opaque,
        peek,
        poke,
        store,
    )

    SCALARS = {"exp": math.exp, "filled": filled}  # in place of those in `spnkit.scalars`
    SYNCHRONOUS = {"copy": copy_now, "commit": nothing, "arrived": nothing}  # for a GPU before compute capability 8.0
    short = types.int32

FLOATS = {"float32": types.float32, "float64": types.float64}  # what kernels compute in

__all__ = [
    "FLOATS", "SCALARS", "SIMULATED", "SYNCHRONOUS", "add", "arrived", "commit", "copy", "cuda", "jit_device",
    "jit_kernel", "launch", "limits", "load", "opaque", "peek", "poke", "short", "store", "types",
]  # fmt: skip

Limits = namedtuple("Limits", "multiprocessors shared asynchronous")  # shared memory of a block, in bytes
SIMULATED_LIMITS = Limits(4, 1 << 16, True)


def jit_device(function):
    """Compile what a kernel calls; all of it is inlined."""
    return function if SIMULATED else cuda.jit(device=True, forceinline=True)(function)


def jit_kernel(function, threads: int, blocks: int):
    """Compile a kernel for at most so many threads in a block, and so many blocks on a multiprocessor."""
    return cuda.jit(function) if SIMULATED else cuda.jit(launch_bounds=(threads, blocks))(function)


@cache
def limits(device: int) -> Limits:
    """What a GPU has."""
    if SIMULATED:
        return SIMULATED_LIMITS
    gpu = cuda.gpus[device]
    asynchronous = gpu.compute_capability >= (8, 0)
    return Limits(gpu.MULTIPROCESSOR_COUNT, gpu.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, asynchronous)


def launch(kernel, grid: int, block: int, shared: int, device: int, stream: int, arguments: tuple) -> None:
    """Launch a compiled kernel; `arguments` are integers and tuples of them."""
    if SIMULATED:
        kernel[grid, block, 0, shared](*arguments)
        return
    # Numba's own marshalling takes some 5 us for every integer of a tuple; this one less than 0.1.
    from cuda.core import Stream
    from cuda.core import launch as start

    flat = [value for argument in arguments for value in (argument if isinstance(argument, tuple) else (argument,))]
    with cuda.gpus[device]:
        function = _loaded.get((kernel, device)) or _load(kernel, device, arguments)
        start(Stream.from_handle(stream), _configuration(grid, block, shared), function, *flat)


_loaded: dict = {}


def _load(kernel, device, arguments):
    """Compile a kernel for the current device, with all of its shared memory at the kernel's disposal."""
    from numba.cuda.cudadrv.driver import binding, driver

    function = kernel.compile(tuple(map(numba.typeof, arguments))).library.get_cufunc()
    attribute = binding.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    driver.cuKernelSetAttribute(attribute, limits(device).shared, function.handle, device)
    return _loaded.setdefault((kernel, device), function.kernel)


@lru_cache(maxsize=256)
def _configuration(grid, block, shared):
    from cuda.core import LaunchConfig

    return LaunchConfig(grid=(grid, 1, 1), block=(block, 1, 1), shmem_size=shared)
