"""A second opinion on a program: its operations one at a time, each with its own measured slopes.

The program is run on Values, and each Value remembers the statement that made it. The chain rule on
intervals (`bounds`) then bounds every derivative, says how much rounding arrives in a result, which
operations are at a kink, and which row states a partial that is not its slope.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import inf, isfinite
from typing import Any, NoReturn

import numpy as np

from wengert.derive.partials import partials_of
from wengert.dispatch import Primitive
from wengert.operand import local_partials
from wengert.program.program import Program
from wengert.program.statements import Plain, Run, Statement
from wengert.proof.bounds import Bounds, bounds
from wengert.proof.comparison import Fault
from wengert.proof.nudge import Tape, local_slopes, record
from wengert.proof.numeric import KINK, POOR, ROUNDING, SAFETY, SMOOTH, TINY, Slope
from wengert.proof.subject import Direction, Subject
from wengert.run.path import Failure, changed
from wengert.run.walk import TooLong, Walker, memories_of, outputs
from wengert.value import Value

LONGEST = 20_000  # operations of a program that is looked at one by one
NOTHING = Bounds(0.0, 0.0, 0.0, False, False)


class _Observed(Walker):
    """A walk that remembers which statement made each Value."""

    def __init__(self, program: Program, inputs: Sequence[Value]) -> None:
        def failed(failure: Failure) -> NoReturn:
            raise changed(program, failure)

        memories = memories_of(program, inputs.__getitem__)
        super().__init__(memories, program.index.data, 2 * LONGEST, failed, self._applying)
        self.statement: Any = None
        self.origins: dict[int, Plain] = {}  # by the Value's id

    def walk(self, statements: Sequence[Statement] | Run, counters: tuple[int, ...] = ()) -> None:
        for statement in statements:
            self.statement = statement
            super().walk((statement,), counters)

    def _applying(self, row: Primitive) -> Callable[..., Any]:
        return partial(self._apply, row)

    def _apply(self, row: Primitive, *operands: Any) -> Any:
        result = row(*operands)
        if isinstance(result, Value):
            self.origins[id(result)] = self.statement
        return result


def replayed(subject: Subject, rows: Sequence[int]) -> "Replay | None":
    """A second opinion on these outputs of a subject, None where that would take too long."""
    leaves = [Value(number) for number in subject.inputs.tolist()]
    observed = _Observed(subject.program, leaves)
    try:
        with np.errstate(all="ignore"):
            results = outputs(subject.program, observed)
    except TooLong:
        return None
    roots = {row: results[row] for row in rows if isinstance(results[row], Value)}
    total = sum(roots.values(), Value(0.0))  # what all of them can be reached from
    tape = record(total)
    if len(tape.nodes) * max(1, len(roots)) > 20 * LONGEST:
        return None
    return Replay(subject, tape, roots, leaves, observed.origins)


class Replay:
    """The operations of a program at a point.

    Args:
        subject: the program and the point.
        tape: its operations.
        roots: the Values of its outputs, by number.
        leaves: the Values of its inputs.
        origins: the statement that made a Value, by the Value's id.
    """

    def __init__(
        self, subject: Subject, tape: Tape, roots: dict[int, Value], leaves: Sequence[Value],
        origins: dict[int, Plain],
    ) -> None:  # fmt: skip
        self.subject, self.tape, self.origins = subject, tape, origins
        self.local = local_slopes(tape)
        place = {id(node): k for k, node in enumerate(tape.nodes)}
        self.roots = {row: place[id(root)] for row, root in roots.items()}
        self.leaves = [place.get(id(leaf)) for leaf in leaves]
        self._bounds = {row: bounds(tape, self.local, root) for row, root in self.roots.items()}
        self._rounding = {row: self._arriving(row) for row in self.roots}
        self._odd = [
            (k, j)
            for k, (operands, slopes) in enumerate(zip(tape.operands, self.local, strict=True))
            for j, slope in zip(operands, slopes, strict=True)
            if slope.kind == KINK or (slope.kind == POOR and not slope.flat)
        ]

    def bounds(self, row: int, direction: Direction) -> Bounds:
        """What the derivative of an output in a direction can be."""
        if row not in self.roots:
            return NOTHING
        every = self._bounds[row]
        parts = [
            (float(direction.vector[k]), every[place])
            for k in np.flatnonzero(direction.vector).tolist()
            if (place := self.leaves[k]) is not None
        ]
        return combined(parts)

    def rounding(self, row: int, direction: Direction) -> float:
        """The rounding that arrives in an output, that of its inputs included if several move."""
        return self._rounding[row][direction.unit is None] if row in self.roots else 0.0

    def _arriving(self, row: int) -> tuple[float, float]:
        """The rounding of all operations as it arrives in an output; with the inputs' too."""
        computed = given = 0.0
        for k, each in enumerate(self._bounds[row][: self.roots[row] + 1]):
            rounding = ROUNDING * abs(self.tape.data[k]) + TINY
            arrives = max(abs(each.low), abs(each.high)) * rounding
            if isfinite(arrives) and self.tape.operands[k]:
                computed += arrives
            elif isfinite(arrives):
                given += arrives
        return computed, computed + given

    # --- what is special here ---------------------------------------------------------------------

    def kinks(self, row: int, direction: Direction) -> str:
        """The operations between an output and what moves that have no single slope here."""
        if row not in self.roots or not self._odd:
            return ""
        reached = self._reached(direction)
        found = {
            self._place(k): None
            for k, j in reversed(self._odd)
            if k <= self.roots[row] and j in reached and self._bounds[row][k].size > 0.0
        }
        return " and ".join(list(found)[:3])

    def _reached(self, direction: Direction) -> set[int]:
        moving = np.flatnonzero(direction.vector).tolist()
        reached = {place for k in moving if (place := self.leaves[k]) is not None}
        for k, operands in enumerate(self.tape.operands):
            if any(j in reached for j in operands):
                reached.add(k)
        return reached

    def _place(self, k: int) -> str:
        """A row, and where it stands in the user's code."""
        row, source = self.tape.nodes[k]._row, self._source(k)[0]
        return (row.name if row else self.tape.nodes[k]._op) + (f" at {source}" if source else "")

    def _source(self, k: int) -> tuple[str, str]:
        statement = self.origins.get(id(self.tape.nodes[k]))
        return (statement.source, statement.label) if statement else ("", "")

    # --- who is to blame --------------------------------------------------------------------------

    def faults(self, rtol: float) -> tuple[Fault, ...]:
        """The rows whose partials are not their slopes, each once for each line it stands in."""
        found: dict[tuple[str, int, str], Fault] = {}
        for k, (node, places) in enumerate(zip(self.tape.nodes, self.tape.operands, strict=True)):
            row = node._row
            if row is None or not places:
                continue
            at = tuple(self.tape.data[j] for j in places)
            source, label = self._source(k)
            for stated in (
                _stated(row, self.tape.data[k], at),
                _traced(row, self.tape.data[k], at),
            ):
                for slot, (partial_, slope) in enumerate(zip(stated, self.local[k], strict=True)):
                    if self.tape.passing[k][slot] and is_wrong(partial_, slope, rtol):
                        fault = Fault(
                            row.name, row.operands[slot], at, partial_, slope.value, source, label
                        )
                        found.setdefault((row.name, slot, source), fault)
        return tuple(found.values())


def _stated(row: Primitive, z: float, at: tuple[float, ...]) -> tuple[float, ...]:
    """The partials of a row as eager Values take them."""
    return tuple(map(float, local_partials(row, z, at)))


def _traced(row: Primitive, z: float, at: tuple[float, ...]) -> tuple[float, ...]:
    """The partials of a row as derivative programs take them."""
    traced = partials_of(row)
    environment = [z, *at]

    def number(arg: int | float) -> float:
        return environment[arg] if isinstance(arg, int) else arg

    for step in traced.steps:  # each may read what those before it gave
        environment += [step.row.scalar(*map(number, step.args))]
    return tuple(map(number, traced.results))


def is_wrong(stated: float, slope: Slope, rtol: float) -> bool:
    """Whether a partial is beyond the slope that was measured."""
    if slope.kind not in (SMOOTH, KINK) or not isfinite(slope.value):
        return False
    low, high = slope.bounds
    room = rtol * max(abs(low), abs(high))
    known = slope.kind == KINK or SAFETY * slope.error <= 5.0 * room
    return known and not low - room <= stated <= high + room


def combined(parts: Sequence[tuple[float, Bounds]]) -> Bounds:
    """The sum of bounds, each times a number."""
    low = high = size = 0.0
    kinked = unsure = False
    for factor, each in parts:
        ends = (factor * each.low, factor * each.high) if factor else (0.0, 0.0)
        low, high, size = low + min(ends), high + max(ends), size + abs(factor) * each.size
        kinked, unsure = kinked or each.kinked, unsure or each.unsure
    if low != low or high != high:
        return Bounds(-inf, inf, inf, True, True)
    return Bounds(low, high, size, kinked, unsure)
