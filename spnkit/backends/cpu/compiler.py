"""Source text to LLVM: the statements of a function emitted one after the other, called functions within.

Numba would infer the types of everything first, which took nine tenths of its time, and here there is nothing to
infer: all is numbers, registers and tuples of them (`values.py`). Text is plain Python: assignments, `if`, `for` over a
`range`, `while`, `return`, expressions. What Python knows is settled while emitting: a branch on a constant vanishes, a
loop over the connections is unrolled, a tuple is the values in it.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import operator
import textwrap
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

from llvmlite import ir

from spnkit.backends.cpu.control import UNLIKE, alive, either, leaves, repeat, replaced
from spnkit.backends.cpu.values import Value, builder, emitting, least, most, negated, truth

OPERATORS = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
    "Mod": operator.mod,
    "BitAnd": operator.and_,
    "BitOr": operator.or_,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "USub": operator.neg,
    "Not": negated,
}
BUILTINS = {**vars(builtins), "min": least, "max": most}
ENDED = None, False  # what a block returns that runs on: nothing was returned


class Text:
    """A function of source text: a call emits it, right there or `apart`, as a function that all of a module call."""

    def __init__(self, function: FunctionType, apart: bool):
        self.name, self.namespace, self.apart = function.__qualname__, function.__globals__, apart
        self.parameters, self.body = _parsed(function.__code__)

    def __call__(self, *arguments: Any) -> Any:
        return self._call(alive(arguments)) if self.apart else self._emit(arguments)

    def _emit(self, arguments):
        names = dict(zip(self.parameters, arguments, strict=True))
        return Block(self.namespace).run(self.body, names)[0]

    def _call(self, arguments):
        """A call of the function for arguments of these kinds; it returns nothing."""
        values = [leaf.ir for leaf in leaves(arguments)]
        module, name = builder().module, f"{self.name} {_kinds(arguments)}"
        function = module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
            function = ir.Function(module, kind, name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            function.attributes.add("nounwind")
            with emitting(ir.IRBuilder(function.append_basic_block())) as inside:
                self._emit(replaced(arguments, iter(function.args)))
                inside.ret_void()
        builder().call(function, values)


def _kinds(value):
    """Names the types of values, and what is known of the others."""
    if isinstance(value, tuple):
        return f"{type(value).__name__}({','.join(map(_kinds, value))})"
    return str(value.ir.type) if isinstance(value, Value) else repr(value)


@cache
def _parsed(code) -> tuple[list[str], list[ast.stmt]]:
    """Parameters and statements of a function."""
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(code))).body
    assert isinstance(function, ast.FunctionDef)
    return [parameter.arg for parameter in function.args.args], function.body


class Block:
    """Statements on their way; `namespace` is where the names are found that they do not assign."""

    def __init__(self, namespace: dict[str, Any]):
        self.namespace = namespace

    def run(self, statements: list[ast.stmt], names: dict[str, Any]) -> tuple[Any, bool]:
        """Emit statements, changing names; what was returned, and whether anything was."""
        for i, statement in enumerate(statements):
            if isinstance(statement, ast.Return):
                return statement.value and self.value(statement.value, names), True
            if isinstance(statement, ast.If):
                condition, rest = truth(self.value(statement.test, names)), statements[i + 1 :]
                if isinstance(condition, bool):
                    return self.run([*(statement.body if condition else statement.orelse), *rest], names)
                if any(isinstance(node, ast.Return) for node in ast.walk(statement)):
                    return self._returns(condition, [*statement.body, *rest], [*statement.orelse, *rest], names), True
                names.update(
                    either(condition, *(self._changes(way, names) for way in (statement.body, statement.orelse)))
                )
            else:
                getattr(self, f"_{type(statement).__name__}")(statement, names)
        return ENDED

    def _returns(self, condition, then, otherwise, names):
        """What one of two ways returns."""
        return either(condition, *(lambda way=way: self.run(way, dict(names))[0] for way in (then, otherwise)))

    def _changes(self, statements, names):
        """Run statements as one of two ways: the names as they are then."""

        def run():
            changed = dict(names)
            self.run(statements, changed)
            return changed

        return run

    def _Expr(self, statement, names):
        if not isinstance(statement.value, ast.Constant):
            self.value(statement.value, names)

    def _Assign(self, statement, names):
        (target,) = statement.targets
        self._assign(target, self.value(statement.value, names), names)

    def _AugAssign(self, statement, names):
        changed = OPERATORS[type(statement.op).__name__](names[statement.target.id], self.value(statement.value, names))
        names[statement.target.id] = changed

    def _assign(self, target, value, names):
        if isinstance(target, ast.Name):
            names[target.id] = value
        else:
            for part, one in zip(target.elts, value, strict=True):
                self._assign(part, one, names)

    def _While(self, statement, names):
        self._loop(lambda now: self.value(statement.test, now), lambda now: None, statement, names)

    def _For(self, statement, names):
        bounds = [self.value(bound, names) for bound in statement.iter.args]
        counter = statement.target.id
        if all(isinstance(bound, int) for bound in bounds):
            for i in range(*bounds):
                names[counter] = i
                self.run(statement.body, names)
            return
        begin, end, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]

        def advance(now):
            now[counter] = now[counter] + step

        inside = {**names, counter: begin}
        self._loop(lambda now: now[counter] < end if step > 0 else now[counter] > end, advance, statement, inside)
        names.update({name: inside[name] for name in names if name != counter})

    def _loop(self, going: Callable, advance: Callable, statement, names):
        """Repeat a body; names that it assigns and that exist before go from turn to turn."""
        assigned = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and _stores(node)}
        carried = sorted(assigned & names.keys())

        def turn(values):
            now = {**names, **dict(zip(carried, values, strict=True))}
            self.run(statement.body, now)
            advance(now)
            return tuple(now[name] for name in carried)

        def on(values):
            return truth(going({**names, **dict(zip(carried, values, strict=True))}))

        names.update(zip(carried, repeat(on, turn, tuple(names[name] for name in carried)), strict=True))

    def value(self, node: ast.expr | None, names: dict[str, Any]) -> Any:
        """The value of an expression."""
        return None if node is None else getattr(self, f"_{type(node).__name__}")(node, names)

    def _Constant(self, node, names):
        return node.value

    def _Name(self, node, names):
        for known in (names, self.namespace, BUILTINS):
            if node.id in known:
                if known[node.id] is UNLIKE:
                    break
                return known[node.id]
        raise NameError(f"{node.id!r} is not known, or of two kinds, in line {node.lineno} of\n{ast.unparse(node)}")

    def _Attribute(self, node, names):
        return getattr(self.value(node.value, names), node.attr)

    def _Subscript(self, node, names):
        return self.value(node.value, names)[self.value(node.slice, names)]

    def _Tuple(self, node, names):
        return tuple(self.value(part, names) for part in node.elts)

    def _BinOp(self, node, names):
        return OPERATORS[type(node.op).__name__](self.value(node.left, names), self.value(node.right, names))

    def _UnaryOp(self, node, names):
        return OPERATORS[type(node.op).__name__](self.value(node.operand, names))

    def _Compare(self, node, names):
        return OPERATORS[type(node.ops[0]).__name__](
            self.value(node.left, names), self.value(node.comparators[0], names)
        )

    def _IfExp(self, node, names):
        ways = (lambda way=way: self.value(way, names) for way in (node.body, node.orelse))
        return either(truth(self.value(node.test, names)), *ways)

    def _BoolOp(self, node, names):
        first, *rest = node.values
        condition = truth(self.value(first, names))
        if not rest:
            return condition
        more = ast.BoolOp(node.op, rest)
        ways = (lambda: self._BoolOp(more, names)), (lambda: isinstance(node.op, ast.Or))
        return either(condition, *(ways if isinstance(node.op, ast.And) else ways[::-1]))

    def _Call(self, node, names):
        return self.value(node.func, names)(*(self.value(argument, names) for argument in node.args))


def _stores(node):
    return isinstance(node.ctx, ast.Store)
