"""Instructions that a warp's stream asks of a GPU beyond Numba's, from compute capability 8.0 on.

Shared memory is told by 32-bit addresses in bytes, so that a constant offset becomes part of an instruction.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core.errors import RequireLiteralValue
from numba.cuda.extending import intrinsic

from spnkit.backends.cuda.memory import GLOBAL, SHARED, SHORT, WORD, from_half_bits, half_bits

PLACE, ADDRESS = types.int32, types.int64  # in shared and in device memory
FLOAT = ir.FloatType()
FOUR = ir.VectorType(WORD, 4)


def _shared(builder, at, offset, kind):
    return builder.inttoptr(builder.add(at, offset), ir.PointerType(kind, SHARED))


def _asm(builder, kind, text, constraints, args, effect=True):
    kind = ir.FunctionType(kind, [arg.type for arg in args])
    return builder.asm(kind, text, constraints, args, side_effect=effect)


def _order(builder, text):
    _asm(builder, ir.VoidType(), text, "~{memory}", [])


def _constant(kind):
    """The type of a number that the compiler has to know."""
    if not isinstance(kind, types.IntegerLiteral):
        raise RequireLiteralValue(kind)
    return kind


def _copy(builder, size, args, known, wish="", ahead=None):
    """Ask for a copy, past the L1 cache if of a whole piece; `args` are where to, where from and a policy, if any."""
    level = "cg" if size == 16 else "ca"
    around = f".L2::{ahead.literal_value}B" if ahead and ahead.literal_value else ""
    read = builder.select(known, WORD(size), WORD(0))
    to, source, *policy = args
    text = f"cp.async.{level}.shared.global{wish}{around} [$0], [$1], {size}, $2{', $3' * len(policy)};"
    _asm(builder, ir.VoidType(), text, f"r,l,r,{'l,' * len(policy)}~{{memory}}", [to, source, read, *policy])


@intrinsic
def base_of(typingctx, shared):
    """Where a shared array begins."""

    def codegen(context, builder, signature, args):
        data = context.make_array(shared)(context, builder, args[0]).data
        pointer = builder.addrspacecast(data, ir.PointerType(data.type.pointee, SHARED))
        return builder.ptrtoint(pointer, WORD)

    return types.int32(shared), codegen


@intrinsic
def fetch(typingctx, at, offset, kind):
    """The value of type `kind` in shared memory, half precision widened."""
    stored = kind.instance_type

    def codegen(context, builder, signature, args):
        if stored.bitwidth == 16:
            return from_half_bits(builder, builder.load(_shared(builder, *args[:2], SHORT), align=2), stored)
        return builder.load(_shared(builder, *args[:2], FLOAT), align=4)

    return types.float32(PLACE, PLACE, kind), codegen


@intrinsic
def fetch_two(typingctx, at, offset, kind):
    """Two such values in a row, read as one."""
    stored = kind.instance_type

    def codegen(context, builder, signature, args):
        if stored.bitwidth == 16:
            word = builder.load(_shared(builder, *args[:2], WORD), align=4)
            halves = builder.trunc(word, SHORT), builder.trunc(builder.lshr(word, WORD(16)), SHORT)
            parts = [from_half_bits(builder, bits, stored) for bits in halves]
        else:
            two = builder.load(_shared(builder, *args[:2], ir.VectorType(FLOAT, 2)), align=8)
            parts = [builder.extract_element(two, WORD(i)) for i in range(2)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(types.float32, 2)(PLACE, PLACE, kind), codegen


@intrinsic
def fetch_byte(typingctx, at, offset):
    """A byte in shared memory, as an integer."""

    def codegen(context, builder, signature, args):
        return builder.zext(builder.load(_shared(builder, *args, ir.IntType(8)), align=1), WORD)

    return types.int32(PLACE, PLACE), codegen


@intrinsic
def fetch_four(typingctx, at, offset):
    """Four float32 in a row, read as one."""

    def codegen(context, builder, signature, args):
        four = builder.load(_shared(builder, *args, ir.VectorType(FLOAT, 4)), align=16)
        parts = [builder.extract_element(four, WORD(i)) for i in range(4)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(types.float32, 4)(PLACE, PLACE), codegen


@intrinsic
def leave(typingctx, at, offset, value, kind):
    """Write a float32 to shared memory, rounded to type `kind`."""
    stored = kind.instance_type

    def codegen(context, builder, signature, args):
        if stored.bitwidth == 16:
            bits = half_bits(builder, args[2], stored)
            builder.store(bits, _shared(builder, *args[:2], SHORT), align=2)
        else:
            builder.store(args[2], _shared(builder, *args[:2], FLOAT), align=4)
        return context.get_dummy_value()

    return types.void(PLACE, PLACE, types.float32, kind), codegen


@intrinsic
def leave_two(typingctx, at, offset, one, two, kind):
    """Two values in a row, written as one."""
    stored = kind.instance_type

    def codegen(context, builder, signature, args):
        if stored.bitwidth == 16:
            low, high = (builder.zext(half_bits(builder, value, stored), WORD) for value in args[2:4])
            word = builder.or_(low, builder.shl(high, WORD(16)))
            builder.store(word, _shared(builder, *args[:2], WORD), align=4)
        else:
            pair = ir.Constant(ir.VectorType(FLOAT, 2), ir.Undefined)
            for i in range(2):
                pair = builder.insert_element(pair, args[2 + i], WORD(i))
            builder.store(pair, _shared(builder, *args[:2], pair.type), align=8)
        return context.get_dummy_value()

    return types.void(PLACE, PLACE, types.float32, types.float32, kind), codegen


@intrinsic
def write_piece(typingctx, at, offset, to):
    """16 bytes from shared to device memory."""

    def codegen(context, builder, signature, args):
        piece = builder.load(_shared(builder, *args[:2], FOUR), align=16)
        builder.store(piece, builder.inttoptr(args[2], ir.PointerType(FOUR, GLOBAL)), align=16)
        return context.get_dummy_value()

    return types.void(PLACE, PLACE, ADDRESS), codegen


@intrinsic
def copy_piece(typingctx, at, offset, source, known, ahead):
    """Have 16 bytes copied from device to shared memory, past the L1 cache; zeros where they are not `known`.

    The L2 cache is asked to fetch the `ahead` bytes around them, 0, 128 or 256, a constant.
    """

    def codegen(context, builder, signature, args):
        _copy(builder, 16, [builder.add(*args[:2]), args[2]], args[3], ahead=ahead)
        return context.get_dummy_value()

    return types.void(PLACE, PLACE, ADDRESS, types.boolean, _constant(ahead)), codegen


@intrinsic
def copy_word(typingctx, at, offset, source, known):
    """The same of four bytes."""

    def codegen(context, builder, signature, args):
        _copy(builder, 4, [builder.add(*args[:2]), args[2]], args[3])
        return context.get_dummy_value()

    return types.void(PLACE, PLACE, ADDRESS, types.boolean), codegen


@intrinsic
def copy_passing(typingctx, at, offset, source, known, policy, ahead):
    """`copy_piece` of what will not be asked for again; `policy` tells the L2 cache so.

    It is an argument of the kernel: a policy that is made in the kernel is what ptxas 13.0 loses.
    """

    def codegen(context, builder, signature, args):
        _copy(builder, 16, [builder.add(*args[:2]), args[2], args[4]], args[3], ".L2::cache_hint", ahead)
        return context.get_dummy_value()

    return types.void(PLACE, PLACE, ADDRESS, types.boolean, types.int64, _constant(ahead)), codegen


@intrinsic
def commit_pieces(typingctx):
    """All copies that this thread asked for since the last commit are one group."""

    def codegen(context, builder, signature, args):
        _order(builder, "cp.async.commit_group;")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def await_pieces(typingctx, left):
    """Wait for all groups of this thread but the last `left`, a constant."""

    def codegen(context, builder, signature, args):
        _order(builder, f"cp.async.wait_group {left.literal_value};")
        return context.get_dummy_value()

    return types.void(_constant(left)), codegen


@intrinsic
def meet(typingctx):
    """Wait for all threads of the warp; what they have written to shared memory is seen."""

    def codegen(context, builder, signature, args):
        _order(builder, "bar.warp.sync 0xffffffff;")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def shuffled(typingctx, value, lane):
    """The float32 that another thread of the warp holds."""

    def codegen(context, builder, signature, args):
        return _asm(builder, FLOAT, "shfl.sync.idx.b32 $0, $1, $2, 31, 0xffffffff;", "=f,f,r", args)

    return types.float32(types.float32, types.int32), codegen


@intrinsic
def publish(typingctx, at, value):
    """Write an integer to shared memory, for other warps to read.

    Shared memory serves what a multiprocessor asks in the order in which it is asked; `meet` keeps the compiler to it,
    before this and after `published`. So no fence is needed, which would take longer than a turn.
    """

    def codegen(context, builder, signature, args):
        _asm(builder, ir.VoidType(), "st.relaxed.cta.shared.b32 [$0], $1;", "r,r,~{memory}", args)
        return context.get_dummy_value()

    return types.void(PLACE, types.int32), codegen


@intrinsic
def published(typingctx, at):
    """Read such an integer."""

    def codegen(context, builder, signature, args):
        return _asm(builder, WORD, "ld.relaxed.cta.shared.b32 $0, [$1];", "=r,r,~{memory}", args)

    return types.int32(PLACE), codegen


@intrinsic
def reciprocal_above_one(typingctx, total):
    """1 / max(total, 1), to a unit in the last place; a NaN passes, beyond all floats it is 0.

    A quarter of the total, since what the instruction returns for numbers above 8.5e37 is 0.
    """

    def codegen(context, builder, signature, args):
        quarter = ir.Constant(FLOAT, 0.25)
        bounded = _asm(builder, FLOAT, "max.NaN.f32 $0, $1, 0f3F800000;", "=f,f", args, effect=False)
        part = builder.fmul(bounded, quarter)
        inverse = _asm(builder, FLOAT, "rcp.approx.ftz.f32 $0, $1;", "=f,f", [part], effect=False)
        return builder.fmul(inverse, quarter)

    return types.float32(types.float32), codegen
