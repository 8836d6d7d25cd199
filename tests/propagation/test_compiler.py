"""Source text compiled does what Python does with it."""

import ctypes
from collections import namedtuple

import pytest

import spnkit.backends.cache as kept
from spnkit.backends.cpu.compiler import Text
from spnkit.backends.cpu.control import alive
from spnkit.backends.cpu.native import native
from spnkit.backends.cpu.simd import Words, pointer
from spnkit.backends.cpu.values import WORD, builder

Pair = namedtuple("Pair", "low high")


def floors(a, b):
    return a // b * 1000 + a % b


def by_constants(a, b):
    return a // 8 * 1000 + b % 4 + -a % 8


def branches(a, b):
    c = 1
    if a > b:
        c, d = a, 7
    elif a == b:
        d = 8
        c = 3
    else:
        d = b - a
    return c * 100 + d


def returns_early(a, b):
    if a < 0:
        if b < 0:
            return 1
        a = a + 5
    if a > 3 and b > 3:
        return a
    return a * b


def loops(a, b):
    total, pair = 0, Pair(a, 1)
    for i in range(b):
        for k in range(i, -1, -2):
            total += k
            pair = Pair(pair.high, pair.low + k)
        if i % 3 == 1:
            total = total - pair.low
    while total > 50 or total < -50:
        total = total // 3
    return total * 10 + pair.high


def unrolled(a, b):
    found = 0
    for o in range(3):
        found = found + (a, b, 4)[o] * o
    return found if not a else min(found, b) + max(a, 3) + abs(b)


def called(a, b):
    return helper(Pair(a, b), True) - helper(Pair(b, a), False)


def helper(pair, plus):
    return pair.low + pair.high if plus else pair.low - pair.high


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    """What makes a test's function one of two integers, by way of memory; nothing is kept, since tests change."""
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)

    def made(function):
        text = Text(function, False)
        text.namespace = {**function.__globals__, "helper": Text(helper, False)}

        def through_memory(at, _):
            words = Words(at)
            found = alive(text(words[0], words[1]))
            builder().store(found.ir, pointer(words.beyond(2).at, WORD))

        kernel = native(through_memory, name=function.__name__)

        def call(a, b):
            words = (ctypes.c_int64 * 3)(a, b, 0)
            kernel.ctypes(ctypes.addressof(words), 0)
            return words[2]

        return call

    return made


FUNCTIONS = (floors, by_constants, branches, returns_early, loops, unrolled, called)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_text_is_python(function, compiled):
    ours = compiled(function)
    for a in range(-9, 10):
        for b in range(-9, 10):
            if b or function is not floors:
                assert ours(a, b) == function(a, b), (a, b)


def test_what_is_of_two_kinds_cannot_be_used(compiled):
    def confused(a, b):
        if a > b:
            c = (a, b)
        else:
            c = a
        return c + 1

    with pytest.raises(Exception, match="'c' is not known, or of two kinds"):
        compiled(confused)
