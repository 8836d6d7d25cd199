"""The one file that speaks Numba's CUDA: compile, launch, and what a kernel asks of the GPU beyond arithmetic.

Addresses are plain integers in bytes. Under Numba's simulator (NUMBA_ENABLE_CUDASIM=1) the same operations
work on the memory of this process.
"""

from __future__ import annotations

import math
from collections import namedtuple
from contextlib import nullcontext
from functools import cache, lru_cache

import numba
from numba import cuda, types
from numba.core import config

from spnkit.backends.cache import jit_cached

SIMULATED = bool(config.ENABLE_CUDASIM)

if SIMULATED:
    from spnkit.backends.cuda.simulator import (
        add,
        arrived,
        commit,
        copy,
        load,
        opaque,
        peek,
        poke,
        quotient,
        store,
        widened,
    )

    SCALARS: dict = {}
    SYNCHRONOUS: dict = {}
    short = int
else:
    from numba.cuda.cudadrv import driver

    from spnkit.backends.cuda.memory import (
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
        quotient,
        reciprocal,
        store,
        widened,
    )

    SCALARS = {"exp": math.exp, "filled": filled, "reciprocal": reciprocal}  # in place of those of the definition
    # For a GPU before compute capability 8.0.
    SYNCHRONOUS = {"copy": copy_now, "commit": nothing, "arrived": nothing}
    short = types.int32

FLOATS = {"float32": types.float32, "float64": types.float64}  # what kernels compute in
HALVES = {"float16": types.float16, "bfloat16": types.uint16}  # what they only read and write; see `memory.py`

__all__ = [
    "FLOATS", "HALVES", "SCALARS", "SIMULATED", "SYNCHRONOUS", "Launch", "add", "arrived", "commit", "computed", "copy",
    "cuda", "item", "jit_device", "jit_kernel", "launch_all", "limits", "load", "opaque", "peek", "poke", "quotient",
    "short", "store", "stream_operations", "types", "widened",
]  # fmt: skip

Limits = namedtuple("Limits", "device multiprocessors shared asynchronous")  # shared memory of a block, in bytes
SIMULATED_LIMITS = Limits(0, 4, 1 << 16, True)


def computed(dtype: str) -> str:
    """What a dtype is computed in."""
    return "float32" if dtype in HALVES else dtype


def item(dtype: str) -> int:
    """Bytes of a value."""
    return (FLOATS | HALVES)[dtype].bitwidth // 8


def stream_operations() -> dict:
    """`SCALARS` with the instructions of a GPU from compute capability 8.0 on."""
    from spnkit.backends.cuda.isa import reciprocal_above_one

    return SCALARS | {"reciprocal_above_one": reciprocal_above_one}


def jit_device(function):
    """Compile what a kernel calls; all of it is inlined."""
    return function if SIMULATED else cuda.jit(device=True, forceinline=True)(function)


def jit_kernel(function, threads: int, blocks: int):
    """Compile a kernel for at most so many threads in a block, and so many blocks on a multiprocessor."""
    return cuda.jit(function) if SIMULATED else jit_cached(function, cuda.jit, launch_bounds=(threads, blocks))


@cache
def limits(device: int) -> Limits:
    """What a GPU has."""
    if SIMULATED:
        return SIMULATED_LIMITS
    gpu = cuda.gpus[device]
    asynchronous = gpu.compute_capability >= (8, 0)
    return Limits(device, gpu.MULTIPROCESSOR_COUNT, gpu.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, asynchronous)


class Launch:
    """A kernel with all that a launch takes but addresses; in their place `arguments` has the names of arrays."""

    def __init__(self, kernel, gpu: Limits, grid: int, block: tuple[int, int], shared: int, arguments: tuple):
        self.kernel, self.gpu, self.arguments = kernel, gpu, arguments
        self.configuration = (grid, block, shared)
        self.flat = [value for argument in arguments for value in _values(argument)]
        self.named = [(place, value) for place, value in enumerate(self.flat) if isinstance(value, str)]
        self.ready: tuple | None = None

    def start(self, addresses: dict, stream) -> None:
        """Launch, on a stream of `cuda.core`."""
        start, configuration, function = self.ready or self._prepare()
        values = self.flat.copy()
        for place, name in self.named:
            values[place] = addresses[name]
        # Numba's own marshalling takes some 5 us for every integer of a tuple; this one less than 0.1.
        start(stream, configuration, function, *values)

    def simulate(self, addresses: dict) -> None:
        """Launch in Numba's simulator."""
        grid, block, shared = self.configuration
        self.kernel[grid, block, 0, shared](*_filled(self.arguments, addresses))

    def _prepare(self):
        from cuda.core import LaunchConfig, launch

        grid, block, shared = self.configuration
        configuration = LaunchConfig(grid=(grid, 1, 1), block=(*block, 1), shmem_size=shared)
        types_ = tuple(map(numba.typeof, _filled(self.arguments, dict.fromkeys(dict(self.named).values(), 0))))
        self.ready = launch, configuration, _loaded(self.kernel, types_, self.gpu)
        return self.ready


def launch_all(launches: list[Launch], addresses: dict, stream: int) -> None:
    """Launch one after the other, for arrays at these addresses, on a stream by its handle."""
    if SIMULATED:
        for launch in launches:
            launch.simulate(addresses)
        return
    device = launches[0].gpu.device
    with _current(device):
        queue = _stream(stream, device)
        for launch in launches:
            launch.start(addresses, queue)


def _current(device):
    """What makes a GPU the current one: nothing, as a rule, for Numba's way asks the driver a lot."""
    context = driver.binding.cuCtxGetCurrent()[1]
    return nullcontext() if int(context) == _context(device) else cuda.gpus[device]


@cache
def _context(device):
    return int(cuda.gpus[device].get_primary_context().handle)


def _values(argument):
    return argument if isinstance(argument, tuple) else (argument,)


def _filled(argument, addresses):
    """The argument with addresses in place of names."""
    if isinstance(argument, tuple):
        values = (_filled(value, addresses) for value in argument)
        return argument._make(values) if hasattr(argument, "_make") else tuple(values)
    return addresses[argument] if isinstance(argument, str) else argument


@lru_cache(maxsize=256)
def _stream(handle, device):
    """A stream of `cuda.core`; one handle may mean a stream on each device."""
    from cuda.core import Stream

    return Stream.from_handle(handle)


@cache
def _loaded(kernel, types_, gpu):
    """A kernel compiled for the current device, with all of its shared memory at the kernel's disposal."""
    function = kernel.compile(types_).library.get_cufunc()
    attribute = driver.binding.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    driver.driver.cuKernelSetAttribute(attribute, gpu.shared, function.handle, gpu.device)
    function.set_shared_memory_carveout(100)  # or the driver may leave no room for a second block
    return function.kernel
