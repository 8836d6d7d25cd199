"""Device memory by address, for kernels that Numba compiles."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.cuda.extending import intrinsic

GLOBAL = 1  # the address space


def _pointer(context, builder, address, kind):
    return builder.inttoptr(address, ir.PointerType(context.get_value_type(kind), GLOBAL))


@intrinsic
def load(typingctx, at, kind):
    """The value of type `kind` at an address."""

    def codegen(context, builder, signature, args):
        return builder.load(_pointer(context, builder, args[0], kind.instance_type))

    return kind.instance_type(at, kind), codegen


@intrinsic
def store(typingctx, at, value):
    """Write a value at an address."""

    def codegen(context, builder, signature, args):
        builder.store(args[1], _pointer(context, builder, args[0], value))
        return context.get_dummy_value()

    return types.void(at, value), codegen


@intrinsic
def add(typingctx, at, value):
    """Add to the value at an address; no thread comes between."""

    def codegen(context, builder, signature, args):
        kind = ir.FunctionType(ir.VoidType(), [arg.type for arg in args])
        constraint = {types.float32: "f", types.float64: "d"}[value]
        text = f"red.global.add.f{value.bitwidth} [$0], $1;"
        builder.asm(kind, text, f"l,{constraint}", args, side_effect=True)
        return context.get_dummy_value()

    return types.void(at, value), codegen


@intrinsic
def filled(typingctx, value, like):
    """The number `value`, of the type of `like`."""

    def codegen(context, builder, signature, args):
        return context.cast(builder, args[0], value, like)

    return like(value, like), codegen


@intrinsic
def opaque(typingctx, value):
    """The value itself, computed here and now: the compiler can neither move it nor look through it."""

    def codegen(context, builder, signature, args):
        kind = args[0].type
        constraint = "l" if kind.width == 64 else "r"
        return builder.asm(ir.FunctionType(kind, [kind]), "", f"={constraint},0", args, side_effect=True)

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
