"""Reverse and forward mode of a straight stretch, one statement after the other.

These are the plain twins of native/derive.c, which writes the very same columns.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from wengert.derive.partials import Partials, local, partials_of, product
from wengert.dispatch import Primitive
from wengert.primitives import add, mul, neg, strong_mul
from wengert.program.address import (
    CODES,
    CONSTANT,
    INPUT,
    PLACE,
    SHIFT,
    VALUE,
    Integers,
    Mask,
    coded,
)
from wengert.program.match import bits
from wengert.program.statements import Operation, Run
from wengert.program.structure import Floats

NONE = -1  # instead of the code of an adjoint or a tangent

_MOVED = Partials((), (1.0,), ((),))
_GUARDED = Partials((), (), ())


class Written(NamedTuple):
    """The columns of a derivative, and its constants."""

    ops: Any
    operands: Integers
    lines: Any
    constants: Floats


@lru_cache(maxsize=64)
def operations_of(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """All operations that derivatives of a stretch of some operations may consist of."""
    steps = [step.row for each in operations for step in passed_by(each).steps]
    return tuple(dict.fromkeys(Operation(row) for row in (add, neg, mul, strong_mul, *steps)))


def passed_by(operation: Operation) -> Partials:
    """The partials of what a statement does: a guard only looks, a move passes all on."""
    if operation.guards:
        return _GUARDED
    return partials_of(operation.row) if operation.row else _MOVED


class _Writing:
    """A derivative of a stretch, as it is written."""

    def __init__(self, run: Run, start: int, constants_start: int) -> None:
        self.ops: list[int] = []
        self.operands: list[int] = []
        self.lines: list[int] = []
        self.count, self.first = len(run), coded(VALUE, run.start)
        self._numbers = {each.row: k for k, each in enumerate(operations_of(run.operations))}
        self._start, self._constants_start = start, constants_start
        self._constants: dict[bytes, int] = {}
        self._floats: list[float] = []
        self._lines = run.lines.tolist()
        self._line = 0
        operations = [run.operations[op] for op in run.ops.tolist()]
        codes = run.operands.tolist()
        reads = [codes[start:end] for start, end in pairwise(run.starts.tolist())]
        self.items = list(zip(operations, reads, strict=True))

    @property
    def written(self) -> Written:
        """What was written."""
        return Written(
            np.array(self.ops, np.int32), np.array(self.operands, np.int64),
            np.array(self.lines, np.int32), np.array(self._floats, np.float64),
        )  # fmt: skip

    def at(self, item: int) -> None:
        """What is written next comes from the line of this statement."""
        self._line = self._lines[item] if self._lines else 0

    def constant(self, number: float) -> int:
        """The code of a number."""
        place = self._constants.setdefault(bits(number), len(self._floats))
        if place == len(self._floats):
            self._floats.append(number)
        return coded(CONSTANT, self._constants_start + place)

    def apply(self, row: Primitive, operands: Sequence[int]) -> int:
        """Write an operation down; the code of its result."""
        self.ops.append(self._numbers[row])
        self.operands += operands
        if self._lines:
            self.lines.append(self._line)
        return coded(VALUE, self._start + len(self.ops) - 1)

    def add_to(self, sums: dict[int, int], key: int, term: int) -> None:
        """Add a term to a sum; the first is the sum itself."""
        sums[key] = self.apply(add, (sums[key], term)) if key in sums else term

    def products(self, item: int, flows: dict[int, int]) -> Iterator[tuple[int, int]]:
        """Some operands of a statement, and for each its flow times the partial.

        A flow is the adjoint of the result, or the tangent of the operand.
        """
        operation, reads = self.items[item]
        self.at(item)
        environment = (self.first + item, *reads)
        row, slots = operation.row, [*flows]
        partials = local(row, environment, slots, self.constant, self.apply) if row else [1.0]
        for (slot, flow), partial in zip(flows.items(), partials, strict=True):
            yield reads[slot], product(flow, partial, self.constant, self.apply)

    def found(self, code: int, inside: Sequence[Any], outside: tuple[Any, Any]) -> Any:
        """What is known of an operand: of a statement before, or of a place outside; or None."""
        item = code - self.first
        if 0 <= item < self.count:
            return inside[item]  # an IndexError for statements that are still to come
        memory = code >> SHIFT
        if memory not in (CODES[INPUT], CODES[VALUE]):
            return None
        return outside[memory == CODES[VALUE]][code & PLACE]


def reversed_plain(
    run: Run, start: int, constants_start: int, seeds: tuple[Integers, Integers],
    wanted: tuple[Mask, Mask], labelled: Integers,
) -> tuple[Written, Integers, Integers]:  # fmt: skip
    """See `reversed_run`.

    Returns:
        What was written; the codes of the adjoints of the statements that are labelled; pairs of
        an operand outside and its adjoint, in the order in which they were found.
    """
    work = _Writing(run, start, constants_start)
    passing: list[list[int]] = []  # per statement, the operands that its adjoint passes through
    for operation, reads in work.items:
        found = [work.found(code, passing, wanted) for code in reads]
        depends = passed_by(operation).depends
        passing.append([k for k, passes in enumerate(depends) if passes and found[k]])
    adjoints: dict[int, int] = {}
    for item, seed in zip(*(each.tolist() for each in seeds), strict=True):
        if not 0 <= item < len(run) or seed < 0:
            raise IndexError("a seed is for no item, or is none")
        work.at(item)
        if passing[item]:
            work.add_to(adjoints, work.first + item, seed)
    for item in range(len(run) - 1, -1, -1):
        adjoint = adjoints.get(work.first + item)
        if adjoint is not None:
            for operand, term in work.products(item, dict.fromkeys(passing[item], adjoint)):
                work.add_to(adjoints, operand, term)
    named = [adjoints.get(work.first + item, NONE) for item in labelled.tolist()]
    reached = [(c, a) for c, a in adjoints.items() if not 0 <= c - work.first < len(run)]
    return work.written, np.array(named, np.int64), np.array(reached, np.int64).reshape(-1, 2)


def tangents_plain(
    run: Run, start: int, constants_start: int, tangents: tuple[Integers, Integers]
) -> tuple[Written, Integers]:
    """See `tangents_of_run`: what was written, and the code of each statement's tangent."""
    work = _Writing(run, start, constants_start)
    found: list[int] = []
    for item, (operation, reads) in enumerate(work.items):
        flows = [work.found(code, found, tangents) for code in reads]
        depends = passed_by(operation).depends
        passing = {
            k: int(flows[k]) for k, passes in enumerate(depends)
            if passes and flows[k] is not None and flows[k] >= 0
        }  # fmt: skip
        sums: dict[int, int] = {}
        for _, term in work.products(item, passing) if passing else ():
            work.add_to(sums, item, term)
        found.append(sums.get(item, NONE))
    return work.written, np.array(found, np.int64)
