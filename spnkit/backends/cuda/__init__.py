"""The CUDA backend: the definition compiled by numba-cuda for NVIDIA's GPUs.

Who calls whom, from the top:

    backend.py      forward and backward: chooses kernels, variants, blocks and rooms; plans are remembered by layouts
    bridge.py       arrays to addresses by DLPack, and a plan to launches
    machine.py      compile and launch: the one file that speaks Numba's CUDA

By tiles, for any map:

    kernels.py      the way there: a block scans a plane, a thread a lane; also the kernel that integrates
    adjoint.py      the way back
    tiles.py        tiles in shared memory, and the copies that are on their way
    geometry.py     where a pixel lies, and whose it is

By streams of warps, for large maps that lie in pieces of 16 bytes:

    streams.py      which calls they serve, in which shape, and their kernels
    sides.py        a block looks which way it scans
    stream.py       the way there
    stream_back.py  the way back
    block.py        how the warps of a block work together
    warp.py         how a warp walks a plane, and where in its ring a pixel lies

What a GPU can do beyond Numba's words:

    memory.py       device memory by address, half precision
    isa.py          instructions of streams
    simulator.py    the same operations on the memory of this process, under Numba's simulator

The middle two groups are source text, all but `streams.py`: `backend.py` and `streams.py` give it to
`spnkit.scalars.compiled` with the recurrence and its rules; names in capitals are fixed then, once for each variant.

The page `docs/cuda_kernels.md` says why it is built so, and what it costs.
"""

from spnkit.backends.cuda.backend import backward, forward

READS_TENSORS = True

__all__ = ["READS_TENSORS", "backward", "forward"]
