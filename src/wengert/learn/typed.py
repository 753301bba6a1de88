"""Numbers as people type them: -2, 0.5, 1/2, -3*2. Read, never executed."""

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from wengert.errors import ExpressionError

LONGEST = 200
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SIGNS = str.maketrans({"−": "-", "–": "-", "·": "*", "×": "*", "÷": "/", "^": "**"})


@dataclass(frozen=True, slots=True)
class Typed:
    """A number that was typed.

    Attributes:
        number: what it is.
        rounding: half a unit of its last digit, where it is a decimal number of at least two
            significant digits; else 0.
    """

    number: float
    rounding: float = 0.0

    def means(self, true: float) -> bool:
        """Whether it is that number, or that number rounded to the digits typed."""
        return abs(self.number - true) <= self.rounding * (1 + 1e-9) + 1e-9 * abs(true)


def typed(text: str) -> Typed:
    """The number that a text of simple arithmetic stands for.

    Args:
        text: decimal numbers, joined by + - * / ** and parentheses.

    Returns:
        The number and how far it may have been rounded.

    Raises:
        ExpressionError: it is not simple arithmetic, or its result is not a finite real number.

    Examples:
        >>> from wengert.learn.typed import typed
        >>> typed("-3*2").number, typed("1/2").number
        (-6.0, 0.5)
        >>> typed("0.57").means(0.5680831525768881)
        True
    """
    plain = text.strip().translate(_SIGNS)
    try:
        number = _evaluated(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _unreadable(text) from None
    except ArithmeticError:
        raise ExpressionError(f"{text.strip()!r} has no finite value. Type a number.") from None
    if not isfinite(number):
        raise ExpressionError(f"{text.strip()!r} has no finite value. Type a number.")
    return Typed(number, _rounding(plain))


def _evaluated(text: str) -> float:
    if len(text) > LONGEST or "\n" in text:
        raise ValueError
    return _value(ast.parse(text, mode="eval").body)


def _value(node: ast.expr) -> float:
    """The value of a short expression; nothing but numbers and arithmetic is let through."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            result = _BINARY[type(op)](_value(left), _value(right))
            if isinstance(result, complex):
                raise ZeroDivisionError
            return result
    raise ValueError


def _rounding(text: str) -> float:
    """Half a unit of the last digit of a decimal number, 0 where it is no such number."""
    digits, _, exponent = text.lower().lstrip("+-").strip().partition("e")
    whole, point, fraction = digits.partition(".")
    significant = (whole + fraction).lstrip("0")
    if not point or not (whole + fraction).isdecimal() or len(significant) < 2:
        return 0.0
    return 0.5 * 10.0 ** (int(exponent or 0) - len(fraction))


def _unreadable(text: str) -> ExpressionError:
    shown = text.strip() if len(text.strip()) <= 40 else f"{text.strip()[:40]}…"
    advice = " Write a point for the decimals." if "," in text else ""
    return ExpressionError(
        f"{shown!r} is not a number. Type one such as -2, 0.5, 1/2 or -3*2; help lists what else "
        f"can be typed.{advice}"
    )
