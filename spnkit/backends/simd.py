"""Vector registers for Numba: the one file that speaks LLVM.

`Vector` is a value type of Numba's own kind, so `recurrence.py` and `normalization.py` compile for it as
they stand. Everything a kernel does to memory is here too: load, store, prefetch, and the transposed
copy of a block, a butterfly of shuffles that makes scans along a row as regular as scans down a column.

Addresses are plain integers in bytes. A `like` argument is any value whose type is meant; its content is unused.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.extending import models, register_model
from numba.extending import intrinsic, overload

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
    """Teach Numba `symbol` on two vectors of one type."""

    @intrinsic
    def instruction(typingctx, a, b):
        def codegen(context, builder, signature, args):
            return emit(builder, a.dtype, *args)

        return result(a)(a, b), codegen

    @overload(symbol)
    def typed(a, b):
        if isinstance(a, Vector) and a == b:
            return lambda a, b: instruction(a, b)


_operator(operator.add, lambda builder, dtype, a, b: builder.fadd(a, b, flags=CONTRACT))
_operator(operator.sub, lambda builder, dtype, a, b: builder.fsub(a, b, flags=CONTRACT))
_operator(operator.mul, lambda builder, dtype, a, b: builder.fmul(a, b, flags=CONTRACT))
_operator(operator.truediv, lambda builder, dtype, a, b: builder.fdiv(a, b))
_operator(operator.and_, lambda builder, dtype, a, b: builder.and_(a, b))
_operator(operator.or_, lambda builder, dtype, a, b: builder.or_(a, b))


def _comparison(symbol, sign):
    def emit(builder, dtype, a, b):
        if isinstance(dtype, types.Integer):
            return builder.icmp_signed(sign, a, b)
        return builder.fcmp_unordered(sign, a, b) if sign == "!=" else builder.fcmp_ordered(sign, a, b)

    _operator(symbol, emit, result=_mask)


_comparison(operator.gt, ">")
_comparison(operator.le, "<=")
_comparison(operator.eq, "==")
_comparison(operator.ne, "!=")


@intrinsic
def where(typingctx, condition, a, b):
    """Lane by lane, `a` where the condition holds, else `b`."""

    def codegen(context, builder, signature, args):
        return builder.select(*args)

    return a(condition, a, b), codegen


def _unary(llvm_name):
    @intrinsic
    def function(typingctx, a):
        def codegen(context, builder, signature, args):
            kind = args[0].type
            name = f"{llvm_name}.v{a.lanes}{kind.element.intrinsic_name}"
            overloaded = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), name)
            return builder.call(overloaded, args)

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
def constant(typingctx, value, like):
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
def with_zero(typingctx, vector, lane):
    """The vector with one lane set to zero."""

    def codegen(context, builder, signature, args):
        zero = ir.Constant(args[0].type.element, 0.0)
        return builder.insert_element(args[0], zero, builder.trunc(args[1], ir.IntType(32)))

    return vector(vector, lane), codegen


def _pointer(builder, address, element):
    return builder.inttoptr(address, element.as_pointer())


def _itemsize(context, vector):
    return context.get_abi_sizeof(context.get_value_type(vector.dtype))


@intrinsic
def load(typingctx, address, like):
    """The vector like `like` that lies at `address`, aligned or not."""

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(like)
        return builder.load(_pointer(builder, args[0], kind), align=_itemsize(context, like))

    return like(address, like), codegen


@intrinsic
def store(typingctx, address, value):
    """Write a vector at `address`, aligned or not."""

    def codegen(context, builder, signature, args):
        pointer = _pointer(builder, args[0], args[1].type)
        builder.store(args[1], pointer, align=_itemsize(context, value))
        return context.get_dummy_value()

    return types.void(address, value), codegen


@intrinsic
def prefetch(typingctx, address):
    """Ask for the cache line at `address`; any address is allowed."""

    def codegen(context, builder, signature, args):
        i32, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32]), "llvm.prefetch.p0i8"
        )
        read, second_level, data = i32(0), i32(2), i32(1)
        builder.call(function, [builder.inttoptr(args[0], byte), read, second_level, data])
        return context.get_dummy_value()

    return types.void(address), codegen


@intrinsic
def copy_transposed(typingctx, target, target_stride, source, source_stride, like):
    """Write the transpose of a square block of `like.lanes` rows; strides are bytes from row to row."""

    def codegen(context, builder, signature, args):
        target, target_stride, source, source_stride, _ = args
        kind, align = context.get_value_type(like), _itemsize(context, like)

        def row(base, stride, i):
            offset = builder.mul(stride, ir.Constant(stride.type, i))
            return _pointer(builder, builder.add(base, offset), kind)

        rows = [builder.load(row(source, source_stride, i), align=align) for i in range(like.lanes)]
        for i, column in enumerate(_butterfly(builder, rows)):
            builder.store(column, row(target, target_stride, i), align=align)
        return context.get_dummy_value()

    return types.void(target, target_stride, source, source_stride, like), codegen


def _butterfly(builder, rows):
    """Transpose n rows of n lanes: for k = n/2 ... 1, swap the two k x k blocks off every diagonal."""
    n = len(rows)
    k = n // 2
    while k:
        # Lane j of the upper row is its own or, in the right half of a block, the lower row's lane j - k.
        upper = [j if not j & k else n + j - k for j in range(n)]
        lower = [j + k if not j & k else n + j for j in range(n)]
        for i in range(n):
            if not i & k:
                a, b = rows[i], rows[i + k]
                rows[i], rows[i + k] = (_shuffle(builder, a, b, pattern) for pattern in (upper, lower))
        k //= 2
    return rows


def _shuffle(builder, a, b, pattern):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(pattern)), pattern))
