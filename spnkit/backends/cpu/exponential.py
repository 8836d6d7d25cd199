"""e to the power of a register: LLVM's own is a call for each lane, which takes longer than all else in a kernel.

a = n ln 2 + r with a whole number n, and then e^a = 2^n e^r, where |r| is at most half of ln 2: a few terms of the
series are exact to the last bit or two.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from llvmlite import ir

from spnkit.backends.cpu.simd import filled
from spnkit.backends.cpu.values import HALF, WORD, Register, builder, where


class Format(NamedTuple):
    """What depends on the float."""

    word: ir.IntType  # of as many bits
    mantissa: int  # bits
    bias: int  # of the exponent
    lowest: float  # what has nothing but zero for its power
    highest: float  # what has infinity
    high: float  # ln 2 in so few bits that n times it is exact
    low: float  # what is missing there
    terms: int  # of the series


FORMATS = {
    "float": Format(HALF, 23, 127, -104.0, 89.0, 0.693359375, -2.12194440054690583e-4, 8),
    "double": Format(WORD, 52, 1023, -746.0, 710.0, 0.693145751953125, 1.42860682030941723e-6, 14),
}


def exp(a: Register) -> Register:
    """e to the power a, lane by lane; NaN stays NaN."""
    form = FORMATS[str(a.ir.type.element)]
    least, most = filled(form.lowest, a), filled(form.highest, a)
    a = where(a < least, least, where(a > most, most, a))
    # The last bits of a number of this size count ones: adding it rounds.
    shift = filled(1.5 * 2**form.mantissa, a)
    shifted = a * filled(1 / math.log(2), a) + shift
    n = shifted - shift
    r = a - n * filled(form.high, a) - n * filled(form.low, a)
    power = filled(1 / math.factorial(form.terms - 1), a)
    for term in reversed(range(form.terms - 1)):
        power = power * r + filled(1 / math.factorial(term), a)
    return _times_two_to(power, shifted, shift, form)


def _times_two_to(power, shifted, shift, form):
    """Times 2^n in two steps, neither of which is beyond the exponents that there are."""
    b, vector = builder(), ir.VectorType(form.word, power.ir.type.count)

    def each(number):
        return ir.Constant(vector, [form.word(number)] * vector.count)

    n = b.sub(b.bitcast(shifted.ir, vector), b.bitcast(shift.ir, vector))
    half = b.ashr(n, each(1))
    for part in (half, b.sub(n, half)):
        two = b.shl(b.add(part, each(form.bias)), each(form.mantissa))
        power = power * Register(b.bitcast(two, power.ir.type))
    return power
