"""Values that exist when a kernel runs, as Python objects: arithmetic on them emits instructions of LLVM.

So `recurrence.py`, `normalization.py` and `integration.py`, called with registers, emit themselves. What Python knows
already stays Python's: its own numbers are folded, and choices by them cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

WORD, HALF, BIT = ir.IntType(64), ir.IntType(32), ir.IntType(1)
CONTRACT = ("contract",)  # a*b + c may become one fused operation; nothing else is relaxed
SIGNED = ("nsw",)
FLOATS = {4: ir.FloatType(), 8: ir.DoubleType()}  # by bytes
ITEMS = {"float": 4, "double": 8, "i8": 1}  # bytes of what lanes are made of

_builders: list[ir.IRBuilder] = []


@contextmanager
def emitting(made: ir.IRBuilder):
    """Have what is computed meanwhile emitted by this builder."""
    _builders.append(made)
    try:
        yield made
    finally:
        _builders.pop()


def builder() -> ir.IRBuilder:
    """Where instructions go at present."""
    return _builders[-1]


class Value:
    """The handle of a value."""

    __slots__ = ("ir",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, made: ir.Value):
        self.ir = made

    def __bool__(self):
        raise TypeError(f"a {type(self).__name__} is known to the kernel alone, Python cannot branch on it")


class Number(Value):
    """A whole number of 64 bits."""

    __slots__ = ()

    def __floordiv__(self, by):
        return Number(_floored(self.ir, by)[0])

    def __mod__(self, by):
        return Number(_floored(self.ir, by)[1])

    def __neg__(self):
        return Number(builder().neg(self.ir))

    def __abs__(self):
        return where(self < 0, -self, self)


class Truth(Value):
    """One bit, or one for each lane of a register."""

    __slots__ = ()

    def __and__(self, other):
        return Truth(builder().and_(self.ir, other.ir))

    def __or__(self, other):
        return Truth(builder().or_(self.ir, other.ir))


class Register(Value):
    """As many pixels, or bytes, as a vector register holds."""

    __slots__ = ()

    def __neg__(self):
        return Register(builder().fneg(self.ir))

    def __truediv__(self, other):
        return Register(builder().fdiv(self.ir, other.ir))


class Kind:
    """Registers of one type: so many `lanes`, each an `item` of so many bytes."""

    def __init__(self, element: ir.Type, lanes: int):
        self.element, self.lanes, self.vector = element, lanes, ir.VectorType(element, lanes)
        self.item = ITEMS[str(element)]

    def __repr__(self):
        return str(self.vector)


def kind_of(like: Kind | Register) -> Kind:
    """What a `like` argument means: a kind, or that of a register."""
    return like if isinstance(like, Kind) else Kind(like.ir.type.element, like.ir.type.count)


def word(number: Number | int) -> ir.Value:
    """A number for an instruction."""
    return number.ir if isinstance(number, Number) else ir.Constant(WORD, int(number))


def truth(value: Any) -> Truth | bool:
    """Whether a value counts as true."""
    return value != 0 if isinstance(value, Number) else value if isinstance(value, Truth) else bool(value)


def negated(value: Any) -> Truth | bool:
    """`not` value."""
    value = truth(value)
    return not value if isinstance(value, bool) else Truth(builder().not_(value.ir))


def _floored(a, by):
    """Quotient and remainder as Python has them, which differ from LLVM's where just one number is negative."""
    b = builder()
    if isinstance(by, int) and by > 0 and not by & by - 1:
        return b.ashr(a, WORD(by.bit_length() - 1)), b.and_(a, WORD(by - 1))
    by = word(by)
    quotient, rest = b.sdiv(a, by), b.srem(a, by)
    below = b.and_(b.icmp_signed("!=", rest, WORD(0)), b.icmp_signed("<", b.xor(rest, by), WORD(0)))
    return b.sub(quotient, b.zext(below, WORD)), b.select(below, b.add(rest, by), rest)


def _teach(name: str, on_numbers: Callable, on_registers: Callable | None = None) -> None:
    def number(a, b):
        return Number(on_numbers(builder(), word(a), word(b)))

    setattr(Number, f"__{name}__", number)
    setattr(Number, f"__r{name}__", lambda a, b: number(b, a))
    if on_registers is not None:
        setattr(Register, f"__{name}__", lambda a, b: Register(on_registers(builder(), a.ir, b.ir)))


_teach("add", lambda b, *two: b.add(*two, flags=SIGNED), lambda b, *two: b.fadd(*two, flags=CONTRACT))
_teach("sub", lambda b, *two: b.sub(*two, flags=SIGNED), lambda b, *two: b.fsub(*two, flags=CONTRACT))
_teach("mul", lambda b, *two: b.mul(*two, flags=SIGNED), lambda b, *two: b.fmul(*two, flags=CONTRACT))
_teach("and", lambda b, *two: b.and_(*two))
_teach("or", lambda b, *two: b.or_(*two))


def _compare(name: str, sign: str) -> None:
    def numbers(a, b):
        return Truth(builder().icmp_signed(sign, word(a), word(b)))

    def registers(a, b):
        if str(a.ir.type.element) not in ("float", "double"):
            return Truth(builder().icmp_signed(sign, a.ir, b.ir))
        compare = builder().fcmp_unordered if sign == "!=" else builder().fcmp_ordered
        return Truth(compare(sign, a.ir, b.ir))

    setattr(Number, name, numbers)
    setattr(Register, name, registers)


for _name, _sign in {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}.items():
    _compare(f"__{_name}__", _sign)


def where(condition: Truth, a: Any, b: Any) -> Any:
    """Lane by lane, `a` where the condition holds, else `b`."""
    if isinstance(a, Register):
        return Register(builder().select(condition.ir, a.ir, b.ir))
    return Number(builder().select(condition.ir, word(a), word(b)))


def least(a: Number | int, b: Number | int) -> Number | int:
    """The smaller number: `min` of the text."""
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else where(Number(word(a)) < b, a, b)


def most(a: Number | int, b: Number | int) -> Number | int:
    """The larger number: `max` of the text."""
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else where(Number(word(a)) > b, a, b)
