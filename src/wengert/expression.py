"""Expressions such as "tanh(x*w + b)", read with `ast` and never evaluated as code.

What may stand in one: numbers, names, Python's arithmetic and comparison operators, and the
functions of the table and of `functions.py`. Statements such as `e = a*b; L = e + c` label nodes.
"""

import ast
import inspect
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wengert import functions, primitives
from wengert.dispatch import Primitive
from wengert.errors import ExpressionError, WengertError
from wengert.primitives import TABLE
from wengert.value import Value

_OPERATORS: dict[type, Primitive] = {
    ast.Add: primitives.add,
    ast.Sub: primitives.sub,
    ast.Mult: primitives.mul,
    ast.Div: primitives.div,
    ast.FloorDiv: primitives.floordiv,
    ast.Mod: primitives.mod,
    ast.Pow: primitives.pow,
    ast.USub: primitives.neg,
    ast.Lt: primitives.less,
    ast.LtE: primitives.less_equal,
    ast.Gt: primitives.greater,
    ast.GtE: primitives.greater_equal,
    ast.Eq: primitives.equal,
    ast.NotEq: primitives.not_equal,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: row for name, row in TABLE.items() if isinstance(row, Primitive)
} | {
    name: function
    for name, function in vars(functions).items()
    if inspect.isfunction(function)
    and function.__module__ == functions.__name__
    and not name.startswith("_")
}
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}


def build(source: str, at: Mapping[str, float]) -> Value:
    """The graph of an expression.

    Args:
        source: the expression; several statements are separated by ";" or line breaks, and the
            last one is the root.
        at: the numbers of its variables.

    Returns:
        The root, whose leaves and assigned nodes carry their names as labels.

    Raises:
        ExpressionError: with the place in the source, and what may stand there.

    Examples:
        >>> build("e = a*b; e + 10", {"a": 2.0, "b": -3.0})
        Value(data=4.0)
    """
    try:
        statements = ast.parse(source.strip()).body
        names = _Names(at)
        roots = [names.statement(statement) for statement in statements]
    except SyntaxError as error:
        raise ExpressionError(f"Cannot read {source!r}: {error.msg}.") from None
    except (RecursionError, MemoryError):
        raise ExpressionError("The expression is nested too deeply; use a Python file.") from None
    except ValueError as error:
        if isinstance(error, WengertError):
            raise
        raise ExpressionError(f"Cannot read the expression: {error}.") from None
    if not roots:
        raise ExpressionError('The expression is empty. Write one such as "x*y + 1".')
    unused = sorted(set(at) - names.used)
    if unused:
        raise ExpressionError(f"--at names {', '.join(unused)}, which the expression does not use.")
    root = roots[-1]
    if not isinstance(root, Value):
        what = "several numbers" if isinstance(root, list | np.ndarray) else f"the number {root!r}"
        raise ExpressionError(
            f"{source!r} gives {what}, where a graph needs one result that depends on a variable."
        )
    return root


class _Names:
    """The variables of an expression, and its evaluation."""

    def __init__(self, at: Mapping[str, float]) -> None:
        self.at = at
        self.known: dict[str, Any] = {}
        self.used: set[str] = set()

    def statement(self, node: ast.stmt) -> Any:
        if isinstance(node, ast.Expr):
            return self.value(node.value)
        if (
            isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            result = self.value(node.value)
            name = node.targets[0].id
            if isinstance(result, Value) and not result.label:
                result.label = name
            self.known[name] = result
            return result
        raise _refused(node, "a statement")

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return _number(number, node)
            case ast.Name(id=name):
                return self.name(name)
            case ast.UnaryOp(op=ast.UAdd()):
                return self.value(node.operand)
            case ast.UnaryOp(op=ast.USub()):
                return primitives.neg(self.value(node.operand))
            case ast.BinOp():
                return self.binary(node)
            case ast.Compare(ops=[op], left=left, comparators=[right]) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self.value(left), self.value(right))
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return [self.value(element) for element in elements]
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                function = FUNCTIONS.get(name)
                if function is None:
                    known = ", ".join(sorted(FUNCTIONS))
                    raise ExpressionError(f"There is no function {name!r}. There are: {known}.")
                return _call(function, [self.value(arg) for arg in args], node)
            case _:
                raise _refused(node, "an expression")

    def binary(self, node: ast.BinOp) -> Any:
        """Sums and products of any length: their syntax nests to the left."""
        spine: list[ast.BinOp] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            spine.append(left)
            left = left.left
        result = self.value(left)
        for each in reversed(spine):
            result = self.combined(each, result)
        return result

    def combined(self, node: ast.BinOp, left: Any) -> Any:
        """One binary operation, its left operand evaluated already."""
        if isinstance(node.op, ast.Pow) and isinstance(left, Value):
            exponent = _integer(node.right)
            if exponent is None:
                exponent = self.value(node.right)
            return _call(operator.pow, [left, exponent], node)
        row = _OPERATORS.get(type(node.op))
        if row is None:
            raise _refused(node, "an expression")
        return _call(row, [left, self.value(node.right)], node)

    def name(self, name: str) -> Any:
        if name in self.known:
            return self.known[name]
        if name in self.at:
            self.used.add(name)
            return self.known.setdefault(name, Value(self.at[name], label=name))
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise ExpressionError(f"{name} has no number. Give it one: --at {name}=1.0")


def _number(number: float, node: ast.expr) -> float:
    try:
        return float(number)
    except OverflowError:
        raise _refused(node, "a number below 1e308") from None


def _integer(node: ast.expr) -> Any:
    """The exponent where it is a constant integer, perhaps with a minus sign."""
    match node:
        case ast.Constant(value=int() as n) if abs(n) <= 2**53:
            return n
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as n)) if n <= 2**53:
            return -n
    return None


def _call(function: Callable[..., Any], args: list[Any], node: ast.expr) -> Any:
    try:
        return function(*args)
    except WengertError as error:
        raise ExpressionError(f"In {ast.unparse(node)}: {error}") from None
    except TypeError as error:
        raise ExpressionError(f"In {ast.unparse(node)}: {error}.") from None


def _refused(node: ast.AST, wanted: str) -> ExpressionError:
    return ExpressionError(
        f"{ast.unparse(node)!r} is not {wanted} that is understood here. Numbers, names, + - * / "
        "// % ** and comparisons, brackets, and functions such as tanh(x) may be used."
    )
