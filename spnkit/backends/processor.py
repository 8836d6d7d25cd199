"""The processor that CPU kernels are compiled for, as Numba sees it: the one place that asks.

`NUMBA_CPU_NAME`, `NUMBA_CPU_FEATURES` and `NUMBA_ENABLE_AVX` may ask for another than the one that computes, as homes
shared by unlike computers do; then the width of a register has to be that of the other one. `SPNKIT_REGISTER_BYTES`
asks for a width alone: 16, 32 or 64.
"""

from __future__ import annotations

import os
import sys
from functools import cache

import llvmlite
import numba
from llvmlite import binding as llvm
from numba import config
from numba.core.codegen import get_host_cpu_features

# Settings of Numba's that end in other code. A version that lacks one has nothing to tell apart.
SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "USING_SVML")


WIDTHS = ("16", "32", "64")


@cache
def features() -> str:
    """What LLVM may use, as "+avx2,-avx512f,..."."""
    return get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES


@cache
def register_bytes() -> int:
    """Bytes of a vector register; of narrower ones two are taken for one."""
    if asked := os.environ.get("SPNKIT_REGISTER_BYTES"):
        if asked not in WIDTHS:
            raise ValueError(f"SPNKIT_REGISTER_BYTES must be one of {', '.join(WIDTHS)}, got {asked!r}")
        return int(asked)
    return 64 if "+avx512f" in features().split(",") else 32


def compiled_for() -> tuple[str, ...]:
    """All that a compiled kernel depends on, beside its sources: it must not be run where any of this differs."""
    compilers = (numba.__version__, llvmlite.__version__, sys.implementation.cache_tag, getattr(sys, "abiflags", ""))
    processor = (llvm.get_default_triple(), config.CPU_NAME or llvm.get_host_cpu_name(), features())
    settings = (repr(getattr(config, name, None)) for name in SETTINGS)
    return (*map(str, compilers), *processor, str(register_bytes()), *settings)
