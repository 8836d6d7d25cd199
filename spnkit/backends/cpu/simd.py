"""Vector registers, and all that a kernel does to memory: functions that text calls and that emit LLVM's instructions.

Addresses are plain numbers in bytes. A `like` argument is the `Kind` of a register, or a register of that kind.
"""

from __future__ import annotations

from collections import namedtuple

from llvmlite import ir
from numba.core import cgutils

from spnkit.backends.cpu.control import either
from spnkit.backends.cpu.values import HALF, WORD, Kind, Number, Register, Value, builder, kind_of, truth, word


class Words(namedtuple("Words", "at")):
    """Numbers that lie one behind the other, from an address on."""

    __slots__ = ()

    def beyond(self, i):
        """The words from number `i` on."""
        return Words(self.at + 8 * i)

    def __getitem__(self, i):
        return Number(builder().load(pointer(self.at + 8 * i, WORD)))


def absolute(a: Register) -> Register:
    """|a|."""
    return Register(call(f"llvm.fabs.{_suffix(a.ir.type)}", a.ir.type, a.ir))


def call(name: str, result: ir.Type, *values: ir.Value) -> ir.Value:
    """Call the LLVM intrinsic `name` with these values."""
    kind = ir.FunctionType(result, [value.type for value in values])
    return builder().call(cgutils.get_or_insert_function(builder().module, kind, name), values)


def _suffix(vector):
    """How LLVM writes a vector type in the name of an intrinsic."""
    return f"v{vector.count}{vector.element.intrinsic_name}"


def filled(value, like) -> Register:
    """A number in every lane of a register like `like`."""
    kind = kind_of(like)
    if not isinstance(value, Value):
        return Register(ir.Constant(kind.vector, [kind.element(value)] * kind.lanes))
    convert = builder().trunc if isinstance(kind.element, ir.IntType) else builder().sitofp
    return Register(_broadcast(convert(value.ir, kind.element), kind.lanes))


def _broadcast(scalar, lanes):
    empty = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    first = builder().insert_element(empty, scalar, HALF(0))
    return _shuffled(first, empty, [0] * lanes)


def with_lane_of(register: Register, other: Register, lane) -> Register:
    """The register with one lane taken from another, or as it is where there is no such lane.

    By comparing, since LLVM may move the insertion at a place that does not exist to before the branch that avoids it.
    """
    count = register.ir.type.count
    chosen = builder().icmp_signed("==", _lanes(count), _broadcast(word(lane), count))
    return Register(builder().select(chosen, other.ir, register.ir))


def bytes_like(like) -> Kind:
    """Registers of as many bytes."""
    return Kind(ir.IntType(8), kind_of(like).lanes)


def itemsize(like) -> int:
    """Bytes in one lane."""
    return kind_of(like).item


def pointer(address, element) -> ir.Value:
    """An address, for an instruction."""
    return builder().inttoptr(word(address), element.as_pointer())


def load(at, like) -> Register:
    """The register like `like` that lies at an address, aligned or not."""
    kind = kind_of(like)
    return Register(builder().load(pointer(at, kind.vector), align=kind.item))


def store(at, value: Register) -> None:
    """Write a register, aligned or not."""
    kind = kind_of(value)
    builder().store(value.ir, pointer(at, kind.vector), align=kind.item)


def load_some(at, like, count) -> Register:
    """`load`, but of no more than the first `count` lanes; the others are zero."""
    kind = kind_of(like)

    def part():
        mask, nothing = _first(count, kind.lanes), ir.Constant(kind.vector, None)
        name = f"llvm.masked.load.{_suffix(kind.vector)}.p0"
        return Register(call(name, kind.vector, pointer(at, kind.vector), HALF(kind.item), mask, nothing))

    return either(_enough(count, kind), lambda: load(at, kind), part, likely=True)


def store_some(at, value: Register, count, streams) -> None:
    """`store`, but of no more than the first `count` lanes; where `streams`, whole registers go past the caches."""
    kind = kind_of(value)

    def part():
        name, mask = f"llvm.masked.store.{_suffix(kind.vector)}.p0", _first(count, kind.lanes)
        call(name, ir.VoidType(), value.ir, pointer(at, kind.vector), HALF(kind.item), mask)

    def whole():
        either(streams, lambda: _stream(at, value), lambda: store(at, value))

    either(_enough(count, kind), whole, part, likely=True)


def _stream(at, value):
    """Write an aligned register past the caches."""
    kind = kind_of(value)
    written = builder().store(value.ir, pointer(at, kind.vector), align=kind.item * kind.lanes)
    written.set_metadata("nontemporal", builder().module.add_metadata([HALF(1)]))


def _enough(count, kind):
    return count >= kind.lanes


def _first(count, lanes):
    """The mask of the first `count` of so many lanes."""
    return builder().icmp_signed("<", _lanes(lanes), _broadcast(word(count), lanes))


def _lanes(count):
    """The numbers 0, 1, 2 ... of so many lanes."""
    return ir.Constant(ir.VectorType(WORD, count), list(range(count)))


def copy_pixel(target, source, like) -> None:
    """Copy a single value of the kind that `like` has in its lanes."""
    element = kind_of(like).element
    builder().store(builder().load(pointer(source, element)), pointer(target, element))


def copy_transposed(target, target_stride, source, source_stride, streams, like) -> None:
    """Write the transpose of a square block of as many rows as `like` has lanes, `stride` bytes apart.

    Where `streams`, the block goes past the caches: the target must be aligned to a register.
    """
    columns = _transposed(source, source_stride, kind_of(like))

    def written(write):
        return lambda: [write(target + i * target_stride, column) for i, column in enumerate(columns)] and None

    either(truth(streams), written(_stream), written(store))


def ask_rows(at, stride, like) -> None:
    """`ask` at as many places as a register has lanes."""
    for i in range(kind_of(like).lanes):
        ask(at + i * stride)


def ask(at) -> None:
    """Have the cache line at an address brought near; any address may be asked for."""
    read, second_level, data = HALF(0), HALF(2), HALF(1)
    call("llvm.prefetch.p0", ir.VoidType(), pointer(at, ir.IntType(8)), read, second_level, data)


def _transposed(at, stride, kind):
    """The columns of as many rows as a register has lanes; `chunk` lanes make 128 bits, within which shuffles are
    cheapest.

    Rows i, i + chunk, i + 2 chunk ... lend one register a piece of `chunk` lanes each: putting pieces together is part
    of loading them. That leaves squares of `chunk` rows, transposed by interleaving their first half with their
    second, again and again.
    """
    n, chunk = kind.lanes, min(16 // kind.item, kind.lanes)
    low = [c + j // 2 + n * (j % 2) for c in range(0, n, chunk) for j in range(chunk)]
    high = [lane + chunk // 2 for lane in low]
    rows = [at + i * stride for i in range(n)]

    def piece(row, begin):
        kept = ir.VectorType(kind.element, chunk)
        return builder().load(pointer(rows[row] + begin * kind.item, kept), align=kind.item)

    columns = []
    for begin in range(0, n, chunk):
        square = [_joined([piece(i + q, begin) for q in range(0, n, chunk)]) for i in range(chunk)]
        for _ in range(chunk.bit_length() - 1):
            pairs = zip(square[: chunk // 2], square[chunk // 2 :], strict=True)
            square = [_shuffled(a, b, lanes) for a, b in pairs for lanes in (low, high)]
        columns += map(Register, square)
    return columns


def _joined(pieces):
    """Short vectors, a power of two of them, one behind the other."""
    while len(pieces) > 1:
        lanes = range(2 * pieces[0].type.count)
        pieces = [_shuffled(a, b, lanes) for a, b in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


def _shuffled(a, b, lanes):
    """These lanes of two vectors; lanes from n on are those of `b`."""
    return builder().shuffle_vector(a, b, ir.Constant(ir.VectorType(HALF, len(lanes)), list(lanes)))
