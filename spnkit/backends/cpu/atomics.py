"""What threads need that work on one call: words that they share, and functions of C at an address."""

from __future__ import annotations

from llvmlite import binding, ir

from spnkit.backends.cpu.simd import Words, call, pointer
from spnkit.backends.cpu.values import HALF, WORD, Number, builder, word


def added(words: Words, i, number) -> Number:
    """Add to one of the words; returns what it was before."""
    return Number(builder().atomic_rmw("add", _place(words, i), word(number), "seq_cst"))


def taken(words: Words, i) -> Number:
    """A number among the words, which is one more for whoever asks next, on any thread."""
    return added(words, i, 1)


def exchanged(words: Words, i, number) -> Number:
    """Put a number among the words; returns what was there."""
    return Number(builder().atomic_rmw("xchg", _place(words, i), word(number), "seq_cst"))


def swapped(words: Words, i, expected, number) -> Number:
    """`exchanged`, but only if the `expected` number is there."""
    pair = builder().cmpxchg(_place(words, i), word(expected), word(number), "seq_cst", "seq_cst")
    return Number(builder().extract_value(pair, 0))


def watched(words: Words, i) -> Number:
    """One of the words, as other threads have left it."""
    return Number(builder().load_atomic(_place(words, i), "seq_cst", 8))


def _place(words, i):
    return pointer(words.beyond(i).at, WORD)


def pause() -> None:
    """Tell the processor that this thread only waits."""
    family = binding.get_default_triple().partition("-")[0]
    if family in ("x86_64", "i686"):
        call("llvm.x86.sse2.pause", ir.VoidType())
    elif family in ("aarch64", "arm64"):
        call("llvm.aarch64.hint", ir.VoidType(), HALF(1))


def work(function, numbers, slot) -> None:
    """Call what `native` made, at an address."""
    _called(function, ir.VoidType(), word(numbers), word(slot))


def acquire(function, lock) -> None:
    """Call `PyThread_acquire_lock`: wait until somebody releases the lock."""
    _called(function, HALF, word(lock), HALF(1))


def release(function, lock) -> None:
    """Call `PyThread_release_lock`."""
    _called(function, ir.VoidType(), word(lock))


def _called(function, result, *values):
    kind = ir.FunctionType(result, [value.type for value in values])
    builder().call(pointer(function, kind), values)
