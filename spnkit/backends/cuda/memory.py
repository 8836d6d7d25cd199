"""Device memory by address, and instructions of a GPU that Numba does not know, for kernels that it compiles.

Half precision is stored as 16 bits of `types.float16` or, since Numba knows no bfloat16, of `types.uint16`.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.cuda.extending import intrinsic

GLOBAL, SHARED = 1, 3  # address spaces
SHORT, WORD = ir.IntType(16), ir.IntType(32)
AHEAD = ".L2::64B"  # what a copy asks the L2 cache to fetch, so that it has the next tile of a row


def _pointer(context, builder, address, kind):
    return builder.inttoptr(address, ir.PointerType(context.get_value_type(kind), GLOBAL))


@intrinsic
def load(typingctx, at, kind):
    """The value of type `kind` at an address."""

    def codegen(context, builder, signature, args):
        return builder.load(_pointer(context, builder, args[0], kind.instance_type))

    return kind.instance_type(at, kind), codegen


@intrinsic
def store(typingctx, at, value, kind):
    """Write a value at an address, rounded to type `kind`."""

    def codegen(context, builder, signature, args):
        target = kind.instance_type
        if value == types.float32 and target.bitwidth == 16:
            rounded = half_bits(builder, args[1], target)
        else:
            rounded = context.cast(builder, args[1], value, target)
        builder.store(rounded, builder.inttoptr(args[0], ir.PointerType(rounded.type, GLOBAL)))
        return context.get_dummy_value()

    return types.void(at, value, kind), codegen


def half_bits(builder, value, kind):
    """The 16 bits of a float32, rounded to the nearest, ties to even."""
    if kind == types.float16:
        return builder.bitcast(builder.fptrunc(value, ir.HalfType()), SHORT)
    bits = builder.bitcast(value, WORD)
    odd = builder.and_(builder.lshr(bits, WORD(16)), WORD(1))
    rounded = builder.lshr(builder.add(bits, builder.add(odd, WORD(0x7FFF))), WORD(16))
    number = builder.fcmp_ordered("ord", value, value)
    return builder.trunc(builder.select(number, rounded, WORD(0x7FC0)), SHORT)


def from_half_bits(builder, bits, kind):
    """The float32 of 16 bits."""
    if kind == types.float16:
        return builder.fpext(builder.bitcast(bits, ir.HalfType()), ir.FloatType())
    return builder.bitcast(builder.shl(builder.zext(bits, WORD), WORD(16)), ir.FloatType())


@intrinsic
def widened(typingctx, word, at, kind):
    """Of the 32 bits of a `word`, the half that address `at` points to; a word of any other kind is a value itself."""

    def codegen(context, builder, signature, args):
        if kind.instance_type.bitwidth != 16:
            return args[0]
        upper = builder.shl(builder.and_(builder.trunc(args[1], WORD), WORD(2)), WORD(3))
        bits = builder.trunc(builder.lshr(builder.bitcast(args[0], WORD), upper), SHORT)
        return from_half_bits(builder, bits, kind.instance_type)

    return word(word, at, kind), codegen


@intrinsic
def add(typingctx, at, value):
    """Add to the value at an address; no thread comes between."""

    def codegen(context, builder, signature, args):
        text, constraint = f"red.global.add.f{value.bitwidth} [$0], $1;", {32: "f", 64: "d"}[value.bitwidth]
        _asm(builder, text, f"l,{constraint}", *args)
        return context.get_dummy_value()

    return types.void(at, value), codegen


@intrinsic
def filled(typingctx, value, like):
    """The number `value`, of the type of `like`."""

    def codegen(context, builder, signature, args):
        return context.cast(builder, args[0], value, like)

    return like(value, like), codegen


@intrinsic
def quotient(typingctx, a, b):
    """a // b of numbers that are not negative and fit into 32 bits: 64 bits take a subroutine, and its registers."""

    def codegen(context, builder, signature, args):
        short = (builder.trunc(arg, WORD) if arg.type.width > WORD.width else arg for arg in args)
        return builder.udiv(*short)

    return types.int32(a, b), codegen


@intrinsic
def reciprocal(typingctx, value):
    """1 / value; of a float32 to one unit in the last place, since an exact division calls a subroutine."""

    def codegen(context, builder, signature, args):
        kind = args[0].type
        if value == types.float32:
            return builder.asm(ir.FunctionType(kind, [kind]), "rcp.approx.f32 $0, $1;", "=f,f", args, side_effect=False)
        return builder.fdiv(ir.Constant(kind, 1), args[0])

    return value(value), codegen


def _in_shared(context, builder, kind, shared, spot, offset):
    """The pointer, in two steps: so a constant offset becomes part of the instruction."""
    data = context.make_array(kind)(context, builder, shared).data
    return builder.gep(builder.gep(data, [spot]), [offset])


@intrinsic
def peek(typingctx, shared, spot, offset):
    """The value in shared memory."""

    def codegen(context, builder, signature, args):
        return builder.load(_in_shared(context, builder, shared, *args))

    return shared.dtype(shared, spot, offset), codegen


@intrinsic
def poke(typingctx, shared, spot, offset, value):
    """Write a value to shared memory."""

    def codegen(context, builder, signature, args):
        builder.store(args[3], _in_shared(context, builder, shared, *args[:3]))
        return context.get_dummy_value()

    return types.void(shared, spot, offset, value), codegen


@intrinsic
def opaque(typingctx, value):
    """The value itself, computed here and now: the compiler can neither move it nor look through it."""

    def codegen(context, builder, signature, args):
        kind = args[0].type
        constraint = "l" if kind.width == 64 else "r"
        return builder.asm(ir.FunctionType(kind, [kind]), "", f"={constraint},0", args, side_effect=True)

    return value(value), codegen


@intrinsic
def copy(typingctx, shared, spot, offset, at, known):
    """Have a value copied to shared memory, or 0 if it is not `known`; `arrived` tells when it is there."""

    def codegen(context, builder, signature, args):
        pointer = _in_shared(context, builder, shared, *args[:3])
        pointer = builder.addrspacecast(pointer, ir.PointerType(pointer.type.pointee, SHARED))
        target = builder.ptrtoint(pointer, WORD)
        size = shared.dtype.bitwidth // 8
        read = builder.select(args[4], WORD(size), WORD(0))
        # No L2::cache_hint: ptxas 13.0 to 13.3 drops the policy where it unrolls, and the GPU refuses what is left.
        text = f"cp.async.ca.shared.global{AHEAD} [$0], [$1], {size}, $2;"
        _asm(builder, text, "r,l,r,~{memory}", target, args[3], read)
        return context.get_dummy_value()

    return types.void(shared, spot, offset, at, known), codegen


@intrinsic
def commit(typingctx):
    """All copies asked for since the last commit are one group."""

    def codegen(context, builder, signature, args):
        _asm(builder, "cp.async.commit_group;", "~{memory}")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def arrived(typingctx):
    """Wait for all copies of this thread but those of the last group."""

    def codegen(context, builder, signature, args):
        _asm(builder, "cp.async.wait_group 1;", "~{memory}")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def copy_now(typingctx, shared, spot, offset, at, known):
    """`copy` where nothing is asynchronous."""

    def codegen(context, builder, signature, args):
        value = cgutils.alloca_once_value(builder, ir.Constant(context.get_value_type(shared.dtype), 0))
        with builder.if_then(args[4]):
            builder.store(builder.load(_pointer(context, builder, args[3], shared.dtype)), value)
        builder.store(builder.load(value), _in_shared(context, builder, shared, *args[:3]))
        return context.get_dummy_value()

    return types.void(shared, spot, offset, at, known), codegen


@intrinsic
def nothing(typingctx):
    """`commit` and `arrived` there."""

    def codegen(context, builder, signature, args):
        return context.get_dummy_value()

    return types.void(), codegen


def _asm(builder, text, constraints, *args):
    kind = ir.FunctionType(ir.VoidType(), [arg.type for arg in args])
    builder.asm(kind, text, constraints, args, side_effect=True)
