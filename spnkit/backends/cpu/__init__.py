"""The CPU backend: the definition compiled by Numba for vector registers and all cores.

Who calls whom, from the top:

    backend.py    forward and backward: packs a call into numbers, chooses the variant, has its kernel compiled
    kernels.py    the way there: cores share the planes, a plane is scanned in every direction, row by row
    adjoint.py    the way back: the same walk from the last row to the first
    planes.py     what the numbers of a call mean; planes as they lie in memory, or turned in scratch
    tiles.py      memory to rows and back; a tile is transposed where pixels of a row are not neighbours
    simd.py       vector registers, and all that a kernel does to memory: the one file that speaks LLVM

`kernels.py`, `adjoint.py`, `planes.py` and `tiles.py` are source text. They hold functions that `backend.py` gives to
`spnkit.scalars.compiled` with the recurrence and its rules; names in capitals are fixed then, once for each variant,
and in place of `exp`, `where` and the like stand those of `simd.py`. What Numba made of them is kept on disk by
`spnkit.backends.cache`; `spnkit.backends.processor` says which processor it is made for.

The page `docs/cpu_kernels.md` says why it is built so, and what it costs.
"""

from spnkit.backends.cpu.backend import backward, forward

__all__ = ["backward", "forward"]
