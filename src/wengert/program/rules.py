"""The rewrites of simplification: one row each, and those that the table's facts already state.

A row reads `Rule(pattern, replacement)`, both written with the library's own operators on the
letters below. It is exact where both sides have the same bits for every operand, signed zeros and
infinities included (which bits a NaN has does not count). What is not exact is off unless asked
for. See docs/decisions/ieee.md; every row is held to what it says by tests/program/test_rules.py.

A replacement is a letter, a number or one operation on those, for it takes the place of one
statement. `b`, `c` and `d` stand for constants only.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import product
from typing import Any

from wengert.dispatch import Primitive
from wengert.operand import Operand
from wengert.primitives import (
    COMPARISONS,
    abs,
    ceil,
    cos,
    exp,
    floor,
    fma,
    greater,
    less,
    log,
    maximum,
    minimum,
    neg,
    not_equal,
    pow,
    powc,
    powi,
    rint,
    select,
    sin,
    sqrt,
    strong_mul,
    trunc,
)


class Letter(Operand):
    """What a pattern leaves open: any operand, or (`constant`) any that is a constant."""

    __slots__ = ("constant", "name")

    def __init__(self, name: str, constant: bool = False) -> None:
        self.name, self.constant = name, constant

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "Term":
        return Term(row, args)


class Term(Operand):
    """A row applied to letters, numbers and further terms."""

    __slots__ = ("args", "row")

    def __init__(self, row: Primitive, args: tuple[Any, ...]) -> None:
        self.row = row
        self.args = tuple(float(a) if isinstance(a, int) else a for a in args)

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "Term":
        return Term(row, args)


Pattern = Letter | Term | float


@dataclass(frozen=True, eq=False)
class Rule:
    """One rewrite.

    Args:
        pattern: what it applies to.
        replacement: what takes its place.
        exact: whether it keeps every bit.
        why: what makes it exact; for others, what they change.
        let: from the numbers that the constants `b` and `c` stand for, as the pattern has them in
            order, to the number that `d` stands for in the replacement; None where the rule does
            not apply.
    """

    pattern: Any  # a Term; the operators of Operand are typed as giving what they are given
    replacement: Any
    exact: bool = True
    why: str = ""
    let: Callable[..., float | None] | None = None

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        return f"{text_of(self.pattern)} = {text_of(self.replacement)}"

    @cached_property
    def rows(self) -> frozenset[Primitive]:
        """The rows that its pattern is made of."""
        return frozenset(_rows(self.pattern))


def _rows(pattern: Pattern) -> Iterator[Primitive]:
    if isinstance(pattern, Term):
        yield pattern.row
        for arg in pattern.args:
            yield from _rows(arg)


def text_of(pattern: Pattern) -> str:
    """A pattern as a formula."""
    if isinstance(pattern, Letter):
        return pattern.name
    if not isinstance(pattern, Term):
        return f"{pattern:g}"
    around = pattern.row.binds
    shown = []
    for arg in pattern.args:
        text = text_of(arg)
        loose = isinstance(arg, Term) and arg.row.binds <= around < 5
        signed = not isinstance(arg, Term | Letter) and math.copysign(1.0, arg) < 0
        shown.append(f"({text})" if loose or signed else text)
    return pattern.row.text.format(*shown)


# --- the rows -------------------------------------------------------------------------------------

x, y, z = Letter("x"), Letter("y"), Letter("z")
b, c, d = (Letter(name, constant=True) for name in "bcd")

WHOLE = (floor, ceil, trunc, rint)  # their values are integers, infinite or NaN


def _exact_reciprocal(divisor: float) -> float | None:
    """1/c where c is a power of two, so that x/c and x·(1/c) round the same exact number."""
    if not math.isfinite(divisor) or math.frexp(divisor)[0] not in (0.5, -0.5):
        return None
    if not 2.0**-1022 <= math.fabs(divisor) <= 2.0**1022:
        return None
    return 1.0 / divisor


def _plain_factor(factor: float) -> float | None:
    """A factor other than the neutral one, for which there is a shorter way."""
    return factor if factor not in (0.0, 1.0) and math.isfinite(factor) else None


def _if_true(condition: float) -> float | None:
    return None if condition == 0.0 else condition


def _if_false(condition: float) -> float | None:
    return condition if condition == 0.0 else None


EXACT: tuple[Rule, ...] = (
    # signs: a sign never changes how a result is rounded
    Rule(neg(neg(x)), x),
    Rule(x + (-y), x - y, why="that is how IEEE 754 defines x - y"),
    Rule(x - (-y), x + y),
    Rule((-x) * (-y), x * y),
    Rule((-x) / (-y), x / y),
    Rule(x * -1.0, -x),
    Rule(x / -1.0, -x),
    Rule(-0.0 - x, -x),
    Rule(abs(x * x), x * x, why="a square has no sign"),
    Rule(strong_mul(-x, -y), strong_mul(x, y)),
    Rule(strong_mul(x, -1.0), -x),
    # a factor that is neither 0 nor infinite has nothing to absorb, and nothing to be absorbed
    Rule(strong_mul(x, c), x * d, let=_plain_factor, why="c is finite and not 0"),
    # powers
    Rule(powi(0)(x), 1.0, why="also of NaN"),
    Rule(powi(1)(x), x),
    Rule(powi(2)(x), x * x, why="the row's own definition"),
    Rule(powi(-1)(x), 1.0 / x, why="the row's own definition"),
    Rule(powc(0.0)(x), 1.0, why="also of NaN"),
    Rule(powc(1.0)(x), x),
    Rule(pow(x, 0.0), 1.0, why="also of NaN"),
    Rule(pow(x, -0.0), 1.0, why="also of NaN"),
    Rule(pow(1.0, y), 1.0, why="also for NaN"),
    # twos
    Rule(x * 2.0, x + x),
    Rule(x / c, x * d, let=_exact_reciprocal, why="c is a power of two, 1/c is one too"),
    # one rounding of two
    Rule(fma(x, 1.0, y), x + y),
    Rule(fma(1.0, x, y), x + y),
    Rule(fma(x, y, -0.0), x * y),
    # choices
    Rule(select(c, x, y), x, let=_if_true),
    Rule(select(c, x, y), y, let=_if_false),
    Rule(select(z, x, x), x),
    Rule(minimum(x, x), x),
    Rule(maximum(x, x), x),
    Rule(less(x, x), 0.0),
    Rule(greater(x, x), 0.0),
    *(Rule(not_equal(row(x, y), 0.0), row(x, y), why="it is 0 or 1") for row in COMPARISONS),
    # integers
    *(
        Rule(outer(inner(x)), inner(x), why="it is an integer already")
        for outer, inner in product(WHOLE, WHOLE) if outer is not inner
    ),
)  # fmt: skip

UNSAFE: tuple[Rule, ...] = tuple(
    Rule(pattern, replacement, exact=False, why=why, let=let)
    for pattern, replacement, why, let in (
        (x + 0.0, x, "-0 + 0 is +0", None),
        (0.0 - x, -x, "0 - 0 is +0", None),
        (x * 0.0, 0.0, "-0, inf and NaN", None),
        (strong_mul(x, 0.0), 0.0, "-0", None),
        (x - x, 0.0, "inf and NaN", None),
        (x / x, 1.0, "0, inf and NaN", None),
        (0.0 / x, 0.0, "signs, 0 and NaN", None),
        ((x + y) - y, x, "rounding, overflow", None),
        ((x - y) + y, x, "rounding, overflow", None),
        ((x * y) / y, x, "rounding, overflow, 0", None),
        ((x / y) * y, x, "rounding, overflow, 0", None),
        (sqrt(x) * sqrt(x), x, "rounding, x < 0", None),
        (sqrt(x * x), abs(x), "overflow", None),
        (exp(log(x)), x, "rounding, x < 0", None),
        (log(exp(x)), x, "rounding, overflow", None),
        (sin(x) * sin(x) + cos(x) * cos(x), 1.0, "rounding, inf", None),
        (powc(0.5)(x), sqrt(x), "-0 and -inf", None),
        (powc(2.0)(x), x * x, "rounding", None),
        (pow(x, 2.0), x * x, "rounding", None),
        ((x + b) + c, x + d, "rounding", lambda b, c: b + c),
        ((x * b) * c, x * d, "rounding, overflow", lambda b, c: b * c),
        (x / c, x * d, "rounding", lambda c: 1.0 / c if c and 1e-300 < abs(c) < 1e300 else None),
    )
)


@cache
def derived(row: Primitive) -> tuple[Rule, ...]:
    """The rules that a row's facts state."""
    facts, found = row.facts, []
    if facts.neutral is not None and row.nin == 2:
        found.append(Rule(row(x, facts.neutral), x, why="neutral"))
    if facts.idempotent:
        found.append(Rule(row(row(x)), row(x), why="idempotent"))
    if facts.even:
        found.append(Rule(row(-x), row(x), why="even"))
    if facts.odd and row is not neg:
        found.append(Rule(-row(-x), row(x), why="odd"))
    return tuple(found)


def variants(pattern: Pattern) -> list[Pattern]:
    """A pattern, and all that differ in the order of what commutes."""
    if not isinstance(pattern, Term):
        return [pattern]
    found: dict[str, Pattern] = {}
    for args in product(*map(variants, pattern.args)):
        for order in (args, args[::-1]) if pattern.row.facts.commutative else (args,):
            term = Term(pattern.row, order)
            found.setdefault(_written(term), term)
    return list(found.values())


def _written(pattern: Pattern) -> str:
    if isinstance(pattern, Term):
        params = ",".join(map(repr, pattern.row.params))
        return f"{pattern.row.name}[{params}]({','.join(map(_written, pattern.args))})"
    return pattern.name if isinstance(pattern, Letter) else repr(pattern)


def letters(pattern: Pattern) -> Iterator[Letter]:
    """Every letter of a pattern, from left to right, as often as it stands there."""
    if isinstance(pattern, Letter):
        yield pattern
    elif isinstance(pattern, Term):
        for arg in pattern.args:
            yield from letters(arg)


def rules_for(rows: Iterable[Primitive], unsafe: bool = False) -> tuple[Rule, ...]:
    """The rules that can apply in a program made of these rows, each in every order."""
    return _rules_for(frozenset(rows), unsafe)


@lru_cache(maxsize=256)
def _rules_for(rows: frozenset[Primitive], unsafe: bool) -> tuple[Rule, ...]:
    present = set(rows)
    known = (*EXACT, *UNSAFE) if unsafe else EXACT
    while True:
        fits = [rule for rule in known if rule.rows <= present]
        for row in sorted(present, key=lambda row: (row.name, row.params)):
            fits += [rule for rule in derived(row) if rule.rows <= present]
        made = {row for rule in fits for row in _rows(rule.replacement)}
        if made <= present:
            break
        present |= made
    return tuple(
        Rule(variant, rule.replacement, rule.exact, rule.why, rule.let)
        for rule in fits
        for variant in variants(rule.pattern)
        if isinstance(variant, Term)
    )
