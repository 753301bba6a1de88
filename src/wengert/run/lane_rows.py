"""Rows of the table on lanes: a row's own C spelling is read, and written as instructions.

So no operation is spelled a second time. What the spelling calls is either an instruction, or a
function of `run/vector_math.py`, or one of the C library that is called for one lane after the
other. A row without a spelling is called in Python, for one lane after the other.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from wengert.dispatch import Primitive
from wengert.run import vector_math
from wengert.run.lanes import Block, Lanes, Mask

Operand = Lanes | float
INLINE = 100  # formulas in a module; compiling takes a millisecond for each
LARGEST_POWER = 64  # up to which powers are products where they need not have the bits of pow


class Rows:
    """How rows are written into one module.

    Args:
        exact: with the bits of the rows' own values; else functions are those of `vector_math`,
            within their bounds, and whole powers are products.
        inline: so many formulas of `vector_math` are written where they are used; those that come
            then are called.

    Attributes:
        python: the rows that are called in Python, by the symbol they have in the module.
    """

    def __init__(self, exact: bool, inline: int = INLINE) -> None:
        self.exact, self.inline = exact, inline
        self.python: dict[str, Primitive] = {}
        self._symbols: dict[Primitive, str] = {}

    def is_formula(self, row: Primitive) -> bool:
        """Whether a row is written as a formula of `vector_math`, which is long."""
        return not self.exact and row.name in vector_math.FUNCTIONS

    def applied(self, row: Primitive, operands: Sequence[Lanes]) -> Lanes:
        """The value of a row."""
        if self.is_formula(row):
            return self._formula(row.name, operands)
        if row.c and (not row.definition or _is_readable(row.c, row.nin)):
            found = _parsed(row.c)(self, [*operands, *map(float, row.params)])
            return _number(operands[0].block, found)
        return self._in_python(row, operands)

    def call(self, name: str, operands: Sequence[Operand]) -> Lanes:
        """A function that a spelling calls."""
        block = next(each.block for each in operands if isinstance(each, Lanes))
        own = _OWN.get(name)
        if own:
            return own(self, *operands)
        lanes = [_number(block, each) for each in operands]
        if name in _INSTRUCTIONS:
            return _INSTRUCTIONS[name](*lanes)
        if not self.exact and name in vector_math.FUNCTIONS:
            return self._formula(name, lanes)
        return block.call(vector_math.symbol(f"scalars.{name}", block.lanes), *lanes)

    def _formula(self, name: str, operands: Sequence[Lanes]) -> Lanes:
        if self.inline > 0:
            self.inline -= 1
            return vector_math.FUNCTIONS[name](*operands)
        block = operands[0].block
        return block.call(vector_math.symbol(name, block.lanes), *operands)

    def _in_python(self, row: Primitive, operands: Sequence[Lanes]) -> Lanes:
        """Lane by lane."""
        symbol = self._symbols.setdefault(row, f"python.{len(self._symbols)}")
        self.python[symbol] = row
        return operands[0].block.lane_by_lane(symbol, *operands)


def _number(block: Block, found: Any) -> Lanes:
    """Doubles: 1 and 0 for a comparison."""
    if isinstance(found, Mask):
        lanes: Lanes = found.select(block.constant(1.0), block.constant(0.0))
        return lanes
    return found if isinstance(found, Lanes) else block.constant(found)


def _counted(found: Any) -> Operand:
    """A comparison as the number that it is in a sum."""
    return _number(found.block, found) if isinstance(found, Mask) else found


_INSTRUCTIONS: dict[str, Callable[..., Lanes]] = {
    "fabs": Lanes.__abs__,
    "sqrt": Lanes.sqrt,
    "floor": Lanes.floor,
    "ceil": Lanes.ceil,
    "trunc": Lanes.trunc,
    "rint": Lanes.rint,
    "fma": Lanes.fma,
    "copysign": Lanes.copysign,
}


# --- the functions of wengert/c/scalars.h ---------------------------------------------------------


def _strong_product(rows: Rows, x: Lanes, y: Lanes) -> Lanes:
    product = x * y
    lost = product.is_nan() & (x.equals(0.0) | y.equals(0.0))
    return lost.select(0.0, product)


def _integer_power(rows: Rows, x: Lanes, n: float) -> Lanes:
    if n == 2.0:
        return x * x
    if n == -1.0:
        return 1.0 / x
    if rows.exact or abs(n) > LARGEST_POWER:
        return rows.call("pow", (x, n))
    power = _product(x, int(abs(n)))
    return 1.0 / power if n < 0.0 else power


def _product(x: Lanes, n: int) -> Lanes:
    """x·x·...·x, by squaring."""
    result: Lanes | None = None
    while n:
        if n % 2:
            result = x if result is None else result * x
        n //= 2
        x = x * x if n else x
    return x.block.constant(1.0) if result is None else result


def _remainder(x: Lanes, y: Lanes) -> Lanes:
    """The remainder with the sign of x, as fmod has it."""
    block = x.block
    return Lanes(block, block.put(f"frem {block.doubles} {x.name}, {y.name}"))


def _floored_remainder(rows: Rows, x: Lanes, y: Lanes) -> Lanes:
    remainder = _remainder(x, y)
    other_sign = (remainder < 0.0) ^ (y < 0.0)
    moved = other_sign.select(remainder + y, remainder)
    whole = remainder.equals(0.0).select(x.block.constant(0.0).copysign(y), moved)
    return y.equals(0.0).select(float("nan"), whole)


def _floored_quotient(rows: Rows, x: Lanes, y: Lanes) -> Lanes:
    remainder = _remainder(x, y)
    ratio = x / y
    quotient = (x - remainder) / y
    other_sign = remainder.differs(0.0) & ((remainder < 0.0) ^ (y < 0.0))
    quotient = other_sign.select(quotient - 1.0, quotient)
    below = quotient.floor()
    rounded = ((quotient - below) > 0.5).select(below + 1.0, below)
    signed = quotient.equals(0.0).select(x.block.constant(0.0).copysign(ratio), rounded)
    return y.equals(0.0).select(ratio, signed)


_OWN: dict[str, Callable[..., Lanes]] = {
    "strong_product": _strong_product,
    "integer_power": _integer_power,
    "floored_remainder": _floored_remainder,
    "floored_quotient": _floored_quotient,
}

# --- C expressions --------------------------------------------------------------------------------

Expression = Callable[[Rows, Sequence[Operand]], Any]
_TOKEN = re.compile(r"\s*(\{\d\}|\d+\.?\d*(?:[eE][+-]?\d+)?|\(double\)|\w+|[<>=!]=|\|\||&&|\S)")
_LEVELS: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {"||": lambda a, b: a | b},
    {"&&": lambda a, b: a & b},
    {"==": lambda a, b: a.equals(b), "!=": lambda a, b: a.differs(b)},
    {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
     ">": lambda a, b: a > b, ">=": lambda a, b: a >= b},
    {"+": lambda a, b: _counted(a) + _counted(b), "-": lambda a, b: _counted(a) - _counted(b)},
    {"*": lambda a, b: _counted(a) * _counted(b), "/": lambda a, b: _counted(a) / _counted(b)},
)  # fmt: skip


_NAME = re.compile(r"[A-Za-z_]\w*")
_LIBRARY = {
    "double", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil",
    "copysign", "cos", "cosh", "erf", "erfc", "exp", "exp2", "expm1", "fabs", "fdim", "floor",
    "fma", "fmax", "fmin", "fmod", "hypot", "lgamma", "log", "log10", "log1p", "log2", "pow",
    "rint", "sin", "sinh", "sqrt", "tan", "tanh", "tgamma", "trunc",
}  # fmt: skip


@cache
def _is_readable(text: str, nin: int) -> bool:
    """Whether a user's expression can be read here.

    It may call what the C library has: a function that is not there would end the process.
    """
    if not _LIBRARY.issuperset(_NAME.findall(re.sub(r"\d[\w.]*", "", text))):
        return False
    block = Block(1)
    try:
        _number(block, _parsed(text)(Rows(exact=True), [block.named("%x")] * nin))
    except Exception:
        return False
    return True


@cache
def _parsed(text: str) -> Expression:
    """What evaluates a C expression of doubles, its operands standing as {0}, {1}, ..."""
    parser = _Parser(_TOKEN.findall(text))
    found = parser.choice()
    assert parser.token is None, text
    return found


class _Parser:
    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens: Iterator[str] = iter(tokens)
        self.token: str | None = next(self.tokens)

    def take(self) -> str:
        token, self.token = self.token, next(self.tokens, None)
        assert token is not None
        return token

    def choice(self) -> Expression:
        """`condition ? yes : no`."""
        condition = self.binary(0)
        if self.token != "?":
            return condition
        self.take()
        yes = self.choice()
        self.take()
        no = self.choice()

        def chosen(rows: Rows, operands: Sequence[Operand]) -> Any:
            mask, a, b = (each(rows, operands) for each in (condition, yes, no))
            return mask.select(a, _number(mask.block, b))

        return chosen

    def binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.token in _LEVELS[level]:
            operation = _LEVELS[level][self.take()]
            left = _combined(operation, left, self.binary(level + 1))
        return left

    def unary(self) -> Expression:
        token = self.take()
        if token == "-":
            operand = self.unary()
            return lambda rows, operands: -operand(rows, operands)
        if token == "(double)":
            truth = self.unary()
            return lambda rows, operands: _number(operands[0].block, truth(rows, operands))  # type: ignore[union-attr]
        if token == "(":
            inside = self.choice()
            self.take()
            return inside
        if token[0] == "{":
            place = int(token[1])
            return lambda rows, operands: operands[place]
        if token[0].isdigit():
            number = float(token)
            return lambda rows, operands: number
        return self.called(token)

    def called(self, name: str) -> Expression:
        self.take()
        arguments = [self.choice()]
        while self.take() == ",":
            arguments.append(self.choice())
        return lambda rows, operands: rows.call(name, [each(rows, operands) for each in arguments])


def _combined(
    operation: Callable[[Any, Any], Any], left: Expression, right: Expression
) -> Expression:
    return lambda rows, operands: operation(left(rows, operands), right(rows, operands))
