"""Compile the kernels of usual calls beforehand, into the folder where they are kept.

    spnkit warmup                            a minute on one core; again, it only looks whether all is there
    NUMBA_CACHE_DIR=/opt/kernels spnkit warmup

For images of containers and for clusters: afterwards the folder may be read-only. It serves machines of the kind
that it was made on; for several kinds, NUMBA_CPU_NAME and NUMBA_CPU_FEATURES name one that they all can run.
"""

from __future__ import annotations

import argparse
import os
import sys

HELP = "compile the kernels beforehand"


def options(command: argparse.ArgumentParser) -> None:
    """Nothing to choose."""


def run(asked: argparse.Namespace) -> int:
    """Compile what is not there yet, and say where it is."""
    from spnkit.backends import backend
    from spnkit.backends.cache import folder

    if backend("cpu").__name__ != "spnkit.backends.cpu":
        raise ValueError("NUMBA_DISABLE_JIT is set, expected a Numba that compiles")
    from spnkit.backends.cpu.common import usual

    place = folder()
    if place is None:
        raise ValueError("this user has no home folder, expected NUMBA_CACHE_DIR to name one that can be written")
    place.mkdir(parents=True, exist_ok=True)
    kernels, before, on_one_line = usual(), len(list(place.iterdir())), sys.stderr.isatty()
    os.environ["SPNKIT_QUIET"] = "1"  # what is said below says more
    for i, (name, compile_it) in enumerate(kernels.items(), 1):
        if on_one_line or i % 10 == 1:
            print(f"{i:3} of {len(kernels)}: {name:60}", end="\r" if on_one_line else "\n", file=sys.stderr, flush=True)
        compile_it()
    if on_one_line:
        print(file=sys.stderr)
    print(f"{place}: {len(list(place.iterdir())) - before} new files, {len(kernels)} kinds of kernels")
    return 0
