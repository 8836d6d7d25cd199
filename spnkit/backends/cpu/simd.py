"""Vector registers for Numba: the one file that speaks LLVM.

`Vector` is a value type of Numba's own kind, so `recurrence.py` and `normalization.py` compile for it as
they stand. Everything a kernel does to memory is here too: load, store, prefetch, and the transposed
copy of a block, a network of shuffles that makes scans along a row as regular as scans down a column.

Addresses are plain integers in bytes. A `like` argument is any value whose type is meant; its content is unused.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

CONTRACT = ("contract",)  # a*b + c may become one fused operation; nothing else is relaxed


class Vector(types.Type):
    """`lanes` values of one scalar type in a register."""

    def __init__(self, dtype, lanes):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"vector({dtype} x {lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        element = ir.IntType(1) if fe_type.dtype == types.boolean else dmm.lookup(fe_type.dtype).get_value_type()
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.lanes))


def _mask(vector):
    return Vector(types.boolean, vector.lanes)


def _operator(symbol, emit, result=lambda vector: vector):
    """Teach Numba `symbol` on vectors of one type. (An `overload` would compile a function for each.)"""

    @infer_global(symbol)
    class Typed(AbstractTemplate):
        def generic(self, args, kws):
            if isinstance(args[0], Vector) and all(arg == args[0] for arg in args):
                return result(args[0])(*args)

    def lowered(context, builder, signature, args):
        return emit(builder, signature.args[0].dtype, *args)

    for arity in (1, 2):
        lower_builtin(symbol, *[Vector] * arity)(lowered)


_operator(operator.add, lambda builder, dtype, a, b: builder.fadd(a, b, flags=CONTRACT))
_operator(operator.sub, lambda builder, dtype, a, b: builder.fsub(a, b, flags=CONTRACT))
_operator(operator.mul, lambda builder, dtype, a, b: builder.fmul(a, b, flags=CONTRACT))
_operator(operator.truediv, lambda builder, dtype, a, b: builder.fdiv(a, b))
_operator(operator.neg, lambda builder, dtype, a: builder.fneg(a))
_operator(operator.and_, lambda builder, dtype, a, b: builder.and_(a, b))
_operator(operator.or_, lambda builder, dtype, a, b: builder.or_(a, b))


def _comparison(symbol, sign):
    def emit(builder, dtype, a, b):
        if isinstance(dtype, types.Integer):
            return builder.icmp_signed(sign, a, b)
        return builder.fcmp_unordered(sign, a, b) if sign == "!=" else builder.fcmp_ordered(sign, a, b)

    _operator(symbol, emit, result=_mask)


for _symbol, _sign in ((operator.gt, ">"), (operator.le, "<="), (operator.eq, "=="), (operator.ne, "!=")):
    _comparison(_symbol, _sign)


@intrinsic
def where(typingctx, condition, a, b):
    """Lane by lane, `a` where the condition holds, else `b`."""

    def codegen(context, builder, signature, args):
        return builder.select(*args)

    return a(condition, a, b), codegen


def _call(builder, name, result, *args):
    """Call the LLVM intrinsic `name` with these values."""
    signature = ir.FunctionType(result, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), args)


def _suffix(vector):
    """How LLVM writes a vector type in the name of an intrinsic."""
    return f"v{vector.count}{vector.element.intrinsic_name}"


def _unary(name):
    @intrinsic
    def function(typingctx, a):
        def codegen(context, builder, signature, args):
            return _call(builder, f"{name}.{_suffix(args[0].type)}", args[0].type, *args)

        return a(a), codegen

    return function


absolute = _unary("llvm.fabs")
exp = _unary("llvm.exp")


@intrinsic(prefer_literal=True)
def splat(typingctx, scalar, lanes):
    """A vector with `scalar` in each of `lanes` (a compile-time integer) lanes."""
    vector = Vector(scalar, lanes.literal_value)

    def codegen(context, builder, signature, args):
        return _broadcast(builder, args[0], vector.lanes)

    return vector(scalar, lanes), codegen


@intrinsic
def bytes_like(typingctx, like):
    """A vector of as many bytes; its content is unused."""

    def codegen(context, builder, signature, args):
        return ir.Constant(context.get_value_type(signature.return_type), ir.Undefined)

    return Vector(types.int8, like.lanes)(like), codegen


@intrinsic
def filled(typingctx, value, like):
    """The number `value` in every lane of a vector like `like`."""

    def codegen(context, builder, signature, args):
        return _broadcast(builder, context.cast(builder, args[0], value, like.dtype), like.lanes)

    return like(value, like), codegen


def _broadcast(builder, scalar, lanes):
    empty = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(first, empty, zeros)


@intrinsic
def with_lane_of(typingctx, vector, other, lane):
    """The vector with one lane taken from another, or as it is where there is no such lane.

    By comparing, since LLVM may move the insertion at a place that does not exist to before the branch that avoids it.
    """

    def codegen(context, builder, signature, args):
        vector, other, lane = args
        order, wanted = _lanes(lane, vector.type.count), _broadcast(builder, lane, vector.type.count)
        return builder.select(builder.icmp_signed("==", order, wanted), other, vector)

    return vector(vector, other, lane), codegen


@intrinsic
def itemsize(typingctx, like):
    """Bytes in one lane."""

    def codegen(context, builder, signature, args):
        return context.get_constant(types.intp, _itemsize(context, like))

    return types.intp(like), codegen


def _pointer(builder, address, element):
    return builder.inttoptr(address, element.as_pointer())


def _itemsize(context, vector):
    return context.get_abi_sizeof(context.get_value_type(vector.dtype))


@intrinsic
def load(typingctx, at, like):
    """The vector like `like` that lies at address `at`, aligned or not."""

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(like)
        return builder.load(_pointer(builder, args[0], kind), align=_itemsize(context, like))

    return like(at, like), codegen


@intrinsic
def store(typingctx, at, value):
    """Write a vector at address `at`, aligned or not."""

    def codegen(context, builder, signature, args):
        builder.store(args[1], _pointer(builder, args[0], args[1].type), align=_itemsize(context, value))
        return context.get_dummy_value()

    return types.void(at, value), codegen


@intrinsic
def load_some(typingctx, at, like, count):
    """`load`, but of no more than the first `count` lanes; the others are zero."""

    def codegen(context, builder, signature, args):
        at, _, count = args
        kind, item = context.get_value_type(like), _itemsize(context, like)
        value = cgutils.alloca_once(builder, kind)
        with builder.if_else(_enough(builder, count, like), likely=True) as (whole, part):
            with whole:
                builder.store(builder.load(_pointer(builder, at, kind), align=item), value)
            with part:
                builder.store(_load_first(builder, at, kind, item, count), value)
        return builder.load(value)

    return like(at, like, count), codegen


@intrinsic
def store_some(typingctx, at, value, count, streams):
    """`store`, but of no more than the first `count` lanes; where `streams`, whole vectors go past the caches."""

    def codegen(context, builder, signature, args):
        at, vector, count, streams = args
        item = _itemsize(context, value)
        with builder.if_else(_enough(builder, count, value), likely=True) as (whole, part):
            with whole, builder.if_else(streams) as (past, through):
                with past:
                    _stream(builder, vector, at, item * value.lanes)
                with through:
                    builder.store(vector, _pointer(builder, at, vector.type), align=item)
            with part:
                _store_first(builder, vector, at, item, count)
        return context.get_dummy_value()

    return types.void(at, value, count, streams), codegen


def _stream(builder, vector, address, size):
    """Write an aligned vector past the caches."""
    written = builder.store(vector, _pointer(builder, address, vector.type), align=size)
    written.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))


def _load_first(builder, address, kind, item, count):
    """The first `count` lanes, the others zero."""
    align, mask = ir.IntType(32)(item), _first(builder, count, kind.count)
    name = f"llvm.masked.load.{_suffix(kind)}.p0"
    return _call(builder, name, kind, _pointer(builder, address, kind), align, mask, ir.Constant(kind, None))


def _store_first(builder, vector, address, item, count):
    """Write the first `count` lanes."""
    align, mask = ir.IntType(32)(item), _first(builder, count, vector.type.count)
    name = f"llvm.masked.store.{_suffix(vector.type)}.p0"
    _call(builder, name, ir.VoidType(), vector, _pointer(builder, address, vector.type), align, mask)


def _enough(builder, count, vector):
    return builder.icmp_signed(">=", count, count.type(vector.lanes))


def _first(builder, count, lanes):
    """The mask of the first `count` of so many lanes."""
    return builder.icmp_signed("<", _lanes(count, lanes), _broadcast(builder, count, lanes))


def _lanes(number, count):
    """The vector 0, 1, 2 ... of so many lanes, of the type of a number."""
    return ir.Constant(ir.VectorType(number.type, count), list(range(count)))


@intrinsic
def copy_pixel(typingctx, target, source, like):
    """Copy a single value of the kind that `like` has in its lanes."""

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(like.dtype)
        builder.store(builder.load(_pointer(builder, args[1], kind)), _pointer(builder, args[0], kind))
        return context.get_dummy_value()

    return types.void(target, source, like), codegen


@intrinsic
def copy_transposed(typingctx, target, target_stride, source, source_stride, streams, like):
    """Write the transpose of a square block of `like.lanes` rows, `stride` bytes apart.

    Where `streams`, the block goes past the caches: the target must be aligned to a vector.
    """

    def codegen(context, builder, signature, args):
        target, target_stride, source, source_stride, streams, _ = args
        kind, item = context.get_value_type(like), _itemsize(context, like)
        columns = _transposed(builder, _addresses(builder, source, source_stride, like), kind, item)
        targets = _addresses(builder, target, target_stride, like)
        with builder.if_else(streams) as (past, through):
            with past:
                for column, address in zip(columns, targets, strict=True):
                    _stream(builder, column, address, item * like.lanes)
            with through:
                for column, address in zip(columns, targets, strict=True):
                    builder.store(column, _pointer(builder, address, kind), align=item)
        return context.get_dummy_value()

    return types.void(target, target_stride, source, source_stride, streams, like), codegen


def _addresses(builder, base, stride, like):
    return [builder.add(base, builder.mul(stride, stride.type(i))) for i in range(like.lanes)]


@intrinsic
def ask_rows(typingctx, at, stride, like):
    """`ask` at as many places as a vector has lanes."""

    def codegen(context, builder, signature, args):
        for address in _addresses(builder, args[0], args[1], like):
            _prefetch(builder, address)
        return context.get_dummy_value()

    return types.void(at, stride, like), codegen


@intrinsic
def ask(typingctx, at):
    """Have the cache line at an address brought near; any address may be asked for."""

    def codegen(context, builder, signature, args):
        _prefetch(builder, args[0])
        return context.get_dummy_value()

    return types.void(at), codegen


def _prefetch(builder, address):
    pointer = builder.inttoptr(address, ir.IntType(8).as_pointer())
    read, second_level, data = (ir.IntType(32)(number) for number in (0, 2, 1))
    _call(builder, "llvm.prefetch.p0", ir.VoidType(), pointer, read, second_level, data)


def _transposed(builder, addresses, kind, item):
    """The columns of as many rows as a vector of type `kind` has lanes; `chunk` lanes make 128 bits, within which
    shuffles are cheapest.

    Rows i, i + chunk, i + 2 chunk ... lend one register a piece of `chunk` lanes each: putting pieces together is part
    of loading them. That leaves squares of `chunk` rows, transposed by interleaving their first half with their
    second, again and again.
    """
    n, chunk = kind.count, min(16 // item, kind.count)
    low = [c + j // 2 + n * (j % 2) for c in range(0, n, chunk) for j in range(chunk)]
    high = [lane + chunk // 2 for lane in low]

    def piece(row, begin):
        address = builder.add(addresses[row], addresses[row].type(begin * item))
        return builder.load(_pointer(builder, address, ir.VectorType(kind.element, chunk)), align=item)

    columns = []
    for begin in range(0, n, chunk):
        square = [_joined(builder, [piece(i + q, begin) for q in range(0, n, chunk)]) for i in range(chunk)]
        for _ in range(chunk.bit_length() - 1):
            pairs = zip(square[: chunk // 2], square[chunk // 2 :], strict=True)
            square = [_shuffled(builder, a, b, lanes) for a, b in pairs for lanes in (low, high)]
        columns += square
    return columns


def _joined(builder, pieces):
    """Short vectors, a power of two of them, one behind the other."""
    while len(pieces) > 1:
        lanes = range(2 * pieces[0].type.count)
        pieces = [_shuffled(builder, a, b, lanes) for a, b in zip(pieces[::2], pieces[1::2], strict=True)]
    return pieces[0]


def _shuffled(builder, a, b, lanes):
    """These lanes of two vectors; lanes from n on are those of `b`."""
    index = ir.VectorType(ir.IntType(32), len(lanes))
    return builder.shuffle_vector(a, b, ir.Constant(index, list(lanes)))
