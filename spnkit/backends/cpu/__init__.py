"""The CPU backend: the definition compiled for vector registers and all cores.

Who calls whom, from the top:

    common.py     the variants of usual calls, to be compiled beforehand
    backend.py    forward and backward: reads arrays, has the kernel compiled that the call needs, and runs it
    calls.py      what a call is in numbers, once for all of the same layouts and settings
    kernels.py    the way there: threads take planes, a plane is scanned in every direction, row by row
    adjoint.py    the way back: the same walk from the last row to the first
    planes.py     what the numbers of a call mean; planes as they lie in memory, or turned in scratch
    tiles.py      memory to rows and back; a tile is transposed where pixels of a row are not neighbours
    pool.py       threads that help, and scratch; team.py is what they do, a call piece by piece

What these are written in and how it becomes a kernel:

    simd.py       vector registers, and all that a kernel does to memory; atomics.py: words that threads share
    exponential.py    e to the power of a register
    values.py     numbers and registers as objects, whose arithmetic emits instructions of LLVM
    compiler.py   source text, statement by statement; control.py: its branches and loops
    native.py     text made a function, optimised by way of Numba

`kernels.py`, `adjoint.py`, `planes.py`, `tiles.py` and `team.py` are source text: plain Python that is never run, but
emitted, with the recurrence and its rules, for the names in capitals that a variant fixes. What comes of it is kept
on disk by `spnkit.backends.cache`; `spnkit.backends.processor` says which processor it is made for.

The page `docs/cpu_kernels.md` says why it is built so, and what it costs.
"""

from spnkit.backends.cpu.backend import backward, forward
from spnkit.backends.cpu.calls import hidden_bytes

READS_TENSORS = True

__all__ = ["READS_TENSORS", "backward", "forward", "hidden_bytes"]
