"""Whether a rule applies to an operation, and what it makes of it.

The same matching serves columns, where an operand is a number, and bodies of loops, where it is an
address: a `View` says what an operand is.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from wengert.dispatch import Primitive
from wengert.program.rules import Letter, Pattern, Rule, Term, d

T = TypeVar("T")
Made = tuple[Primitive | None, tuple[T, ...]]  # an operation; without a row, its operand itself


class View(Protocol[T]):
    """What matching must know about operands."""

    def row(self, operand: T) -> Primitive | None:
        """The row of the operation that gives an operand, if it is known."""

    def definition(self, operand: T) -> tuple[Primitive, Sequence[T]] | None:
        """The operation that gives an operand, if it is known."""

    def number(self, operand: T) -> float | None:
        """The number that an operand is, if it is a constant."""

    def constant(self, number: float) -> T:
        """The operand that stands for a number."""


def bits(number: float) -> bytes:
    """What tells numbers apart that compare equal, and makes NaN equal to itself."""
    return struct.pack("<d", number)


Kind = Primitive | bytes | None  # what an operand is: the row it comes from, or a constant
A_CONSTANT = b""  # one that no rule asks for


class Start:
    """The rules that start with one row, filed by what its operands must be.

    What fits the operands' kinds is found out once, so that where no rule applies, which is nearly
    everywhere, that is found by one look into a table.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        first: list[Pattern] = [arg for rule in rules for arg in rule.pattern.args]
        self.asked = {arg.row for arg in first if isinstance(arg, Term)}
        self._numbers = {bits(arg) for arg in first if isinstance(arg, float)}
        self._fitting: dict[tuple[Kind, ...], list[Rule]] = {}

    def fitting(self, operands: Sequence[T], view: View[T]) -> list[Rule]:
        """The rules that may apply to these operands."""
        kinds = tuple([self._kind(operand, view) for operand in operands])
        found = self._fitting.get(kinds)
        if found is None:
            found = [rule for rule in self._rules if all(map(_fits, rule.pattern.args, kinds))]
            self._fitting[kinds] = found
        return found

    def _kind(self, operand: T, view: View[T]) -> Kind:
        number = view.number(operand)
        if number is None:
            return view.row(operand) if self.asked else None
        word = bits(number)
        return word if word in self._numbers else A_CONSTANT


def _fits(pattern: Pattern, kind: Kind) -> bool:
    if isinstance(pattern, Term):
        return pattern.row is kind
    if isinstance(pattern, Letter):
        return not pattern.constant or isinstance(kind, bytes)
    return bits(pattern) == kind


@lru_cache(maxsize=64)
def _starts(rules: tuple[Rule, ...]) -> dict[Primitive, Start]:
    by_row: dict[Primitive, list[Rule]] = {}
    for rule in rules:
        by_row.setdefault(rule.pattern.row, []).append(rule)
    return {row: Start(found) for row, found in by_row.items()}


class Matcher(Generic[T]):
    """Rules, looked up by the row they start with."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.applied: dict[str, int] = {}
        self._starts = _starts(tuple(rules))

    @property
    def asked(self) -> set[Primitive]:
        """The rows that operands of what rules start with may have to come from."""
        return set().union(*(start.asked for start in self._starts.values()))

    def knows(self, row: Primitive) -> bool:
        """Whether there are rules that start with a row."""
        return row in self._starts

    def rewritten(self, row: Primitive, operands: Sequence[T], view: View[T]) -> Made[T] | None:
        """What the first rule that applies makes of an operation."""
        start = self._starts.get(row)
        if start is None:
            return None
        for rule in start.fitting(operands, view):
            bound = _bound(rule, operands, view)
            if bound is not None:
                name = str(rule)
                self.applied[name] = self.applied.get(name, 0) + 1
                new = rule.replacement
                if isinstance(new, Term):
                    return new.row, tuple(_operand(arg, bound, view) for arg in new.args)
                return None, (_operand(new, bound, view),)
        return None


def _bound(rule: Rule, operands: Sequence[T], view: View[T]) -> dict[Letter, T] | None:
    bound: dict[Letter, T] = {}
    waiting: list[tuple[Pattern, T]] = list(zip(rule.pattern.args, operands, strict=True))[::-1]
    constants = []
    while waiting:
        pattern, operand = waiting.pop()
        if isinstance(pattern, Term):
            defined = view.definition(operand)
            if defined is None or defined[0] is not pattern.row:
                return None
            waiting += list(zip(pattern.args, defined[1], strict=True))[::-1]
        elif isinstance(pattern, Letter):
            if bound.setdefault(pattern, operand) != operand:
                return None
            if pattern.constant:
                number = view.number(operand)
                if number is None:
                    return None
                constants.append(number)
        else:
            number = view.number(operand)
            if number is None or bits(number) != bits(pattern):
                return None
    if rule.let:
        number = rule.let(*constants)
        if number is None:
            return None
        bound[d] = view.constant(number)
    return bound


def _operand(pattern: Pattern, bound: dict[Letter, T], view: View[T]) -> T:
    if isinstance(pattern, Letter):
        return bound[pattern]
    assert not isinstance(pattern, Term), "a replacement is one operation"
    return view.constant(pattern)
