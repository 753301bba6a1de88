"""Expressions such as "tanh(x*w + b)", read with `ast` and never evaluated as code.

What may stand in one: numbers, names, Python's arithmetic and comparison operators, and the
functions of the table, of `functions.py` and of the user's own rules. Statements such as
`e = a*b; L = e + c` label nodes.
"""

import ast
import difflib
import inspect
import math
import operator
from collections.abc import Callable, Container, Mapping
from typing import Any

import numpy as np

from wengert import functions, primitives
from wengert.dispatch import Primitive
from wengert.errors import ExpressionError, WengertError
from wengert.primitives import TABLE
from wengert.registry import rule_of
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
_ELSEWHERE = {"max": "maximum", "min": "minimum", "ln": "log"} | {  # other names for the same
    ufunc.__name__: name
    for name, row in FUNCTIONS.items()
    if isinstance(row, Primitive)
    for ufunc in (row.array, *row.ufuncs)
    if isinstance(ufunc, np.ufunc)
}
_MODULES = {"np", "numpy", "math", "wg", "wengert", "torch"}
LONGEST = 80


def build(source: str, at: Mapping[str, float | Value]) -> Value:
    """The graph of an expression.

    Args:
        source: the expression; several statements are separated by ";" or line breaks, and the
            last one is the root.
        at: the numbers of its variables, or Values to stand for them.

    Returns:
        The root, whose leaves and assigned nodes carry their names as labels.

    Raises:
        ExpressionError: with the place in the source, and what may stand there.

    Examples:
        >>> build("e = a*b; e + 10", {"a": 2.0, "b": -3.0})
        Value(data=4.0)
    """
    statements = _statements(source)
    names = _Names(at)
    try:
        roots = [names.statement(statement) for statement in statements]
    except (RecursionError, MemoryError):
        raise _too_deep() from None
    unused = sorted(set(at) - names.used)
    if unused:
        raise ExpressionError(f"--at names {', '.join(unused)}, which the expression does not use.")
    root = roots[-1]
    if not isinstance(root, Value):
        what = "several numbers" if isinstance(root, list | np.ndarray) else f"the number {root!r}"
        raise ExpressionError(
            f"{shortened(source)!r} gives {what}, where a graph needs one result that depends on "
            "a variable."
        )
    return root


def variables(source: str, given: Container[str] = ()) -> list[str]:
    """The names that an expression reads before it assigns them, in order of appearance.

    Args:
        source: the expression, as for `build`.
        given: names that are variables even where they are those of constants.

    Raises:
        ExpressionError: the source cannot be read.

    Examples:
        >>> variables("d = a*b; sin(d) + c*pi")
        ['a', 'b', 'c']
    """
    assigned: set[str] = set()
    found: dict[str, None] = {}
    for statement in _statements(source):
        nodes = list(ast.walk(statement))
        called = {id(name) for node in nodes if isinstance(node, ast.Call)
                  for name in ast.walk(node.func)}  # fmt: skip
        read = [node for node in nodes if isinstance(node, ast.Name) and id(node) not in called]
        for node in sorted(read, key=lambda node: (node.lineno, node.col_offset)):
            constant = node.id in CONSTANTS and node.id not in given
            if isinstance(node.ctx, ast.Load) and node.id not in assigned and not constant:
                found[node.id] = None
        assigned |= {node.id for node in read if isinstance(node.ctx, ast.Store)}
    return list(found)


def shortened(text: str) -> str:
    """A text for a message: its beginning where it is long."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _statements(source: str) -> list[ast.stmt]:
    try:
        statements = ast.parse(source.strip()).body
    except SyntaxError as error:
        raise ExpressionError(f"Cannot read {shortened(source)!r}: {error.msg}.") from None
    except (RecursionError, MemoryError):
        raise _too_deep() from None
    except ValueError as error:
        raise ExpressionError(f"Cannot read the expression: {error}.") from None
    if not statements:
        raise ExpressionError('The expression is empty. Write one such as "x*y + 1".')
    return statements


def _too_deep() -> ExpressionError:
    return ExpressionError("The expression is nested too deeply; use a Python file.")


class _Names:
    """The variables of an expression, and its evaluation."""

    def __init__(self, at: Mapping[str, float | Value]) -> None:
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
                function = FUNCTIONS.get(name) or rule_of(name)
                if function is None:
                    raise _unknown(name)
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
            given = self.at[name]
            leaf = given if isinstance(given, Value) else Value(given, label=name)
            return self.known.setdefault(name, leaf)
        if name in CONSTANTS:
            return CONSTANTS[name]
        name = shortened(name)
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
        raise ExpressionError(f"In {_text(node)}: {error}") from None
    except TypeError as error:
        raise ExpressionError(f"In {_text(node)}: {error}.") from None


def _text(node: ast.AST) -> str:
    return shortened(ast.unparse(node))


def _unknown(name: str) -> ExpressionError:
    """There is no such function; those that may have been meant."""
    same = _ELSEWHERE.get(name)
    close = difflib.get_close_matches(name, [*FUNCTIONS, *_ELSEWHERE])
    meant = [same] if same else list(dict.fromkeys(_ELSEWHERE.get(each, each) for each in close))
    advice = (
        f"Did you mean {' or '.join(meant)}?" if meant
        else "There are functions such as exp, log, sqrt, sin, tanh and relu."
    )  # fmt: skip
    return ExpressionError(f"There is no function {shortened(name)!r}. {advice}")


def _refused(node: ast.AST, wanted: str) -> ExpressionError:
    advice = _instead(node) or (
        "Numbers, names, + - * / // % ** and comparisons, brackets, and functions such as tanh(x) "
        "may be used."
    )
    return ExpressionError(f"{_text(node)!r} is not {wanted} that is understood here. {advice}")


def _instead(node: ast.AST) -> str:
    """How to write what is written otherwise elsewhere, "" where that is not known."""
    match node:
        case ast.BinOp(op=ast.BitXor()):
            return "Write ** for powers."
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name), args=args) if (
            module in _MODULES
        ):
            name = _ELSEWHERE.get(name, name)
            written = ", ".join(map(ast.unparse, args))
            return f"Write {shortened(f'{name}({written})')}." if name in FUNCTIONS else ""
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in _MODULES:
            return f"Write {name}." if name in CONSTANTS else ""
    return ""
