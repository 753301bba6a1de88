"""What is said when a program meets inputs for which the recorded code takes another path."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from wengert.dispatch import Primitive
from wengert.errors import PathChanged
from wengert.program.address import CONSTANT, INPUT, Address
from wengert.program.dependence import Site
from wengert.program.program import Program
from wengert.program.statements import Assign, Guard, Run

INTEGERS = {"trunc": "int()", "rint": "round()", "floor": "math.floor()", "ceil": "math.ceil()"}


class Failure(NamedTuple):
    """A guard that failed, and where in the order of the recording."""

    order: tuple[int, ...]
    site: Site
    counters: tuple[int, ...]
    operands: tuple[float, ...]
    result: float
    expected: float


class Path:
    """The guards of one evaluation: those of operations done out of order wait for each other."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.first: Failure | None = None

    def failed(
        self, site: Site, counters: Sequence[int], operands: Sequence[float],
        result: float, expected: float,
    ) -> None:  # fmt: skip
        """A guard has failed; one that comes before it in the recording may fail yet."""
        order = (
            *(x for pair in zip(_starts(site), counters, strict=True) for x in pair),
            site.number,
        )
        if self.first is None or order < self.first.order:
            self.first = Failure(order, site, tuple(counters), tuple(operands), result, expected)

    def settle(self) -> None:
        """Say so if a guard has failed."""
        if self.first:
            raise PathChanged(message(self.program, self.first))

    def changed(
        self, site: Site, counters: Sequence[int], operands: Sequence[float],
        result: float, expected: float,
    ) -> None:  # fmt: skip
        """A guard has failed, and all that comes before it has been done."""
        failure = Failure((), site, tuple(counters), tuple(operands), result, expected)
        raise PathChanged(message(self.program, failure))


def _starts(site: Site) -> Iterable[int]:
    return (level.start for level in site.levels)


def message(program: Program, failure: Failure) -> str:
    """Which comparison, where, and both values."""
    guard = _guard(failure)
    where = f" ({guard.source})" if guard.source else ""
    if guard.row.name in INTEGERS:
        what = (
            f"{INTEGERS[guard.row.name]} gave {failure.expected:g} when recorded, "
            f"{failure.result:g} now{where}"
        )
    else:
        counters = failure.counters[: len(guard.target.strides)]
        names = [_name(program, a, counters) for a in guard.operands]
        now = [f"{number!r}" for number in failure.operands]
        what = (
            f"{_applied(guard.row, names)} was {_said(failure.expected)} when recorded, "
            f"and {_applied(guard.row, now)} is {_said(failure.result)}{where}"
        )
    return (
        f"the recorded path no longer holds: {what}. Record the function again for these inputs, "
        "or write the choice with wg.where, which records both ways."
    )


def _guard(failure: Failure) -> Guard:
    statement: Any = failure.site.statement
    if isinstance(statement, Run):
        statement = _item(statement, *failure.counters)
    assert isinstance(statement, Guard)
    return statement


def _item(run: Run, k: int) -> Assign | Guard:
    reads = run.operands[slice(*run.starts[k : k + 2])]
    lines = run.lines[k : k + 1]
    return next(iter(replace(run, ops=run.ops[k : k + 1], operands=reads, lines=lines, labels={})))


def _applied(row: Primitive, operands: Sequence[str]) -> str:
    if len(operands) == 2:
        return f"{operands[0]} {row.symbol} {operands[1]}"
    return f"{row.symbol}({', '.join(operands)})"


def _said(number: float) -> str:
    return {0.0: "false", 1.0: "true"}.get(number, f"{number!r}")


def _name(program: Program, address: Address, counters: Sequence[int]) -> str:
    """An input by its name and a constant by its number; other numbers have no name."""
    if address.memory == CONSTANT:
        return f"{float(program.constants[address.at(counters, program.index)])!r}"
    if address.memory == INPUT:
        place = address.at(counters, program.index)
        for slot in program.inputs:
            if place < slot.size:
                return slot.name if slot.size == 1 else f"{slot.name}[{place}]"
            place -= slot.size
    return "a computed number"
