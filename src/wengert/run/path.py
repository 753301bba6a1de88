"""What is said when a program meets inputs for which the recorded code takes another path."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from wengert import primitives
from wengert.errors import PathChanged
from wengert.program.address import CONSTANT, INPUT, VALUE, Address
from wengert.program.dependence import TABULATED, Site, size_of
from wengert.program.program import Program
from wengert.program.spelling import leaves
from wengert.program.statements import Assign, Guard, Loop, Run, Statement, While, parts

INTEGERS = {
    primitives.trunc: "int",
    primitives.rint: "round",
    primitives.floor: "math.floor",
    primitives.ceil: "math.ceil",
}
SIGNS = {  # as they are in Python
    primitives.equal: "==",
    primitives.not_equal: "!=",
    primitives.less_equal: "<=",
    primitives.greater_equal: ">=",
}
REMEDIES = {
    "integer": (
        "A recording keeps what such an integer decided. Record the function again for these "
        "inputs; how often a loop runs can be left open with wg.fori or wg.while_loop."
    ),
    "equality": (
        "An index, a count or a key is fixed in a recording. Record the function again for these "
        "inputs; a choice can be written with wg.where, which records both ways."
    ),
    "order": (
        "Record the function again for these inputs. What may go either way is written with "
        "wg.where, wg.maximum or wg.minimum, which record both ways, and a loop that ends by a "
        "comparison with wg.while_loop."
    ),
}


class Failure(NamedTuple):
    """A guard that does not hold."""

    guard: Guard
    counters: tuple[int, ...]  # of the loops around it
    operands: tuple[float, ...]
    result: float
    expected: float


class Path:
    """The guards of one evaluation: those of operations done out of order wait for each other."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.first: tuple[tuple[int, ...], Failure] | None = None

    def failed(
        self, site: Site, counters: Sequence[int], operands: Sequence[float],
        result: float, expected: float,
    ) -> None:  # fmt: skip
        """A guard has failed; one that comes before it in the recording may fail yet."""
        order = (
            *(x for pair in zip(_starts(site), counters, strict=True) for x in pair),
            site.number,
        )
        if self.first is None or order < self.first[0]:
            self.first = order, _failure(site, counters, operands, result, expected)

    def settle(self) -> None:
        """Say so if a guard has failed."""
        if self.first:
            raise changed(self.program, self.first[1])

    def changed(
        self, site: Site, counters: Sequence[int], operands: Sequence[float],
        result: float, expected: float,
    ) -> None:  # fmt: skip
        """A guard has failed, and all that comes before it has been done."""
        raise changed(self.program, _failure(site, counters, operands, result, expected))


def _starts(site: Site) -> Iterable[int]:
    return (level.start for level in site.levels)


def _failure(
    site: Site, counters: Sequence[int], operands: Sequence[float], result: float, expected: float
) -> Failure:
    guard: Any = site.statement
    if isinstance(guard, Run):
        guard, counters = _item(guard, *counters), ()
    assert isinstance(guard, Guard)
    return Failure(guard, tuple(counters), tuple(operands), result, expected)


def _item(run: Run, k: int) -> Assign | Guard:
    reads = run.operands[slice(*run.starts[k : k + 2])]
    one = replace(
        run, start=run.start + k, ops=run.ops[k : k + 1], operands=reads,
        lines=run.lines[k : k + 1], labels={},
    )  # fmt: skip
    return next(iter(one))


# --- the message ----------------------------------------------------------------------------------


def changed(program: Program, failure: Failure) -> PathChanged:
    """The error that says which comparison, where, both values, and what to do."""

    def name(address: Address) -> str:
        return _name(program, address, failure.counters)

    guard = failure.guard
    where = ", ".join(filter(None, (guard.source, _which(program, failure))))
    what = decision(failure, name, "when recorded") + (f" ({where})" if where else "")
    return PathChanged(f"the recorded path no longer holds: {what}. {_remedy(guard)}")


def decision(failure: Failure, name: Callable[[Address], str], before: str) -> str:
    """What was decided before, and what is decided now."""
    guard = failure.guard
    names = list(map(name, guard.operands))
    now = [f"{number!r}" for number in failure.operands]
    if guard.row in INTEGERS:
        convert = INTEGERS[guard.row]
        return (
            f"{convert}({names[0]}) was {failure.expected:.17g} {before}, "
            f"and {convert}({now[0]}) is {failure.result:.17g}"
        )
    return (
        f"{_applied(guard, names)} was {_said(failure.expected)} {before}, "
        f"and {_applied(guard, now)} is {_said(failure.result)}"
    )


def _applied(guard: Guard, operands: Sequence[str]) -> str:
    if len(operands) == 2:
        return f"{operands[0]} {SIGNS.get(guard.row, guard.row.symbol)} {operands[1]}"
    return f"{guard.row.symbol}({', '.join(operands)})"


def _said(number: float) -> str:
    return {0.0: "false", 1.0: "true"}.get(number, f"{number!r}")


def _remedy(guard: Guard) -> str:
    if guard.row in INTEGERS:
        return REMEDIES["integer"]
    equality = guard.row in (primitives.equal, primitives.not_equal)
    return REMEDIES["equality" if equality else "order"]


def _name(program: Program, address: Address, counters: Sequence[int]) -> str:
    """An input by its name, a constant by its number, a result outside loops by its label."""
    if address.memory == VALUE:
        place = address.at(counters, program.index)
        return next(filter(None, _labels(program, place)), "a computed number")
    if address.memory == CONSTANT:
        return f"{float(program.constants[address.at(counters, program.index)])!r}"
    if address.memory == INPUT:
        place = address.at(counters, program.index)
        for leaf in leaves(program.arguments):
            if leaf.start <= place < leaf.start + leaf.size:
                if leaf.shape is None:
                    return leaf.name
                at = np.unravel_index(place - leaf.start, leaf.shape)
                return f"{leaf.name}[{', '.join(str(int(k)) for k in at)}]"
    return "a computed number"


def _labels(program: Program, place: int) -> Iterator[str]:
    """The labels of what is written to a place of the value memory outside all loops."""
    for statement in program.statements:
        if isinstance(statement, Run) and not statement.outputs:
            yield statement.labels.get(place - statement.start, "")
        elif isinstance(statement, Assign) and statement.target.memory == VALUE:
            yield statement.label if statement.target.base == place else ""


# --- which of many --------------------------------------------------------------------------------


def _which(program: Program, failure: Failure) -> str:
    """Which decision of the same line it was, if the line took several.

    The loops of a program need not be those of the code, so only the order of the recording tells.
    """
    guard = failure.guard
    if not guard.source or guard.target.memory != VALUE:
        return ""
    place = guard.target.at(failure.counters, program.index)
    before = count = 0
    for number, earlier in _decisions(program, program.statements, guard.source, place, ()):
        count, before = count + number, before + earlier
        if count > TABULATED:
            return ""
    return f"decision {before + 1:,} of {count:,} there" if count > 1 else ""


def _decisions(
    program: Program, statements: Iterable[Statement], source: str, place: int,
    counts: tuple[int, ...],
) -> Iterator[tuple[int, int]]:  # fmt: skip
    """Of each guard from this line: how many there are, and how many before this place."""
    for statement in statements:
        if isinstance(statement, Loop):
            below = (*counts, statement.count)
            yield from _decisions(program, statement.body, source, place, below)
        elif isinstance(statement, While):
            for part in parts(statement):
                yield from _decisions(program, part, source, place, (*counts, 1))
        elif isinstance(statement, Run):
            guards = np.array([operation.guards for operation in statement.operations])
            lines = np.array([line == source for line in statement.sources])
            if len(statement.lines):
                at = np.flatnonzero(guards[statement.ops] & lines[statement.lines])
                yield len(at), int((statement.start + at < place).sum())
        elif isinstance(statement, Guard) and statement.source == source:
            size = size_of(counts)
            if size > TABULATED or statement.target.memory != VALUE:
                yield TABULATED + 1, 0
            else:
                places = statement.target.all(counts, program.index)
                yield size, int((places < place).sum())
