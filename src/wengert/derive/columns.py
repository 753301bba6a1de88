"""Derivatives of a straight stretch, in columns: reverse mode and forward mode.

Outside loops every adjoint and every tangent has a place of its own, so a derivative is a stretch of
assignments again. Reverse mode goes back over the statements and hands each adjoint, times the
partials, to the operands; forward mode goes along with them. The native twin is native/derive.c.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert.derive.partials import Partials, local, partials_of, product
from wengert.dispatch import Primitive
from wengert.primitives import add, mul, neg, strong_mul
from wengert.program.address import CODES, CONSTANT, INPUT, PLACE, SHIFT, VALUE, Integers, Mask
from wengert.program.address import coded
from wengert.program.match import bits
from wengert.program.statements import Operation, Run
from wengert.program.structure import Floats
from wengert.value import engine

NONE = -1  # instead of the code of an adjoint or a tangent

_MOVED = Partials((), (1.0,), ((),))
_GUARDED = Partials((), (), ())


@dataclass(frozen=True, slots=True, eq=False)
class Reversed:
    """Reverse mode of a stretch.

    Args:
        run: the assignments; None if there are none.
        constants: new constants, each once, in the order of first use.
        operands: the operands outside the stretch that got an adjoint, coded, in order.
        adjoints: for each of them, the coded address of what the stretch adds to its adjoint.
    """

    run: Run | None
    constants: Floats
    operands: Integers
    adjoints: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Tangents:
    """Forward mode of a stretch.

    Args:
        run: the assignments; None if there are none.
        constants: new constants, each once, in the order of first use.
        tangents: per statement, the coded address of its tangent; -1 where that is zero by
            structure.
    """

    run: Run | None
    constants: Floats
    tangents: Integers


def reversed_run(
    run: Run, start: int, constants_start: int, seeds: tuple[Integers, Integers],
    wanted: tuple[Mask, Mask],
) -> Reversed:  # fmt: skip
    """The adjoints of what a stretch reads.

    The adjoint of a value is the sum of contributions: its seeds, then those of its uses, the last
    use first; each is the adjoint of the use times the partial, `x̄ += z̄·∂z/∂x`.

    Args:
        run: a stretch into the value memory.
        start: the place of the first result of the adjoint stretch.
        constants_start: the place of its first constant.
        seeds: statements of the stretch, counted from its start, and for each the coded address of
            an adjoint that arrives for its result; several for one are added in this order.
        wanted: which places of the input memory and which of the value memory, outside the
            stretch, adjoints are wanted for.

    Returns:
        The assignments, and where the adjoints of what is wanted are.

    Raises:
        IndexError: a statement reads what neither stands before it nor lies in a memory, or a
            seed is for no statement.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, section 3.2.
    """
    labelled = np.array(sorted(run.labels, reverse=True), np.int64)
    written, found, reached = reversed_columns(
        run, start, constants_start, seeds, wanted, labelled
    )
    labels = dict(zip(found.tolist(), labelled.tolist(), strict=True))
    order = np.argsort(reached[:, 0], kind="stable")  # mostly sorted already, backwards
    return Reversed(
        _made(run, start, written, labels, "bar"), written.constants,
        reached[order, 0], reached[order, 1],
    )  # fmt: skip


def tangents_of_run(
    run: Run, start: int, constants_start: int, tangents: tuple[Integers, Integers]
) -> Tangents:
    """The tangents of what a stretch computes: `ż = Σ ẋ·∂z/∂x`, operand by operand.

    Args:
        run: a stretch into the value memory.
        start: the place of the first result of the tangent stretch.
        constants_start: the place of its first constant.
        tangents: per place of the input memory and per place of the value memory, outside the
            stretch, the coded address of its tangent; -1 for none.

    Returns:
        The assignments, and where the tangent of each statement's result is.

    Raises:
        IndexError: a statement reads what neither stands before it nor lies in a memory.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd edition, section 3.1.
    """
    written, found = tangents_of_columns(run, start, constants_start, tangents)
    labels = {int(found[item]): item for item in sorted(run.labels, reverse=True)}
    return Tangents(_made(run, start, written, labels, "dot"), written.constants, found)


class Written(NamedTuple):
    """The columns of a derivative, and its constants."""

    ops: Any
    operands: Integers
    lines: Any
    constants: Floats


def _made(
    run: Run, start: int, written: Written, labels: dict[int, int], kind: str
) -> Run | None:
    """The columns as a run; `labels` says whose adjoint or tangent a place is."""
    count = len(written.ops)
    if not count:
        return None
    first = coded(VALUE, start)
    named = {
        code - first: f"{run.labels[item]}_{kind}"
        for code, item in labels.items() if first <= code < first + count
    }  # fmt: skip
    return Run(
        start, operations_of(run), written.ops, written.operands, run.sources, written.lines, named
    )


def operations_of(run: Run) -> tuple[Operation, ...]:
    """All operations that derivatives of a stretch may consist of."""
    steps = [step.row for each in run.operations for step in _partials(each).steps]
    return tuple(dict.fromkeys(Operation(row) for row in (add, neg, mul, strong_mul, *steps)))


def _partials(operation: Operation) -> Partials:
    """The partials of what a statement does: a guard only looks, a move passes all on."""
    if operation.guards:
        return _GUARDED
    return partials_of(operation.row) if operation.row else _MOVED


# --- the plain twins ------------------------------------------------------------------------------


class _Writing:
    """A derivative of a stretch, as it is written."""

    def __init__(self, run: Run, start: int, constants_start: int) -> None:
        self.ops: list[int] = []
        self.operands: list[int] = []
        self.lines: list[int] = []
        self.count, self.first = len(run), coded(VALUE, run.start)
        self._numbers = {each.row: k for k, each in enumerate(operations_of(run))}
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
        partials: list[int | float] = [1.0]
        if operation.row:
            partials = local(operation.row, environment, [*flows], self.constant, self.apply)
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
        depends = _partials(operation).depends
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
        depends = _partials(operation).depends
        passing = {
            k: int(flows[k]) for k, passes in enumerate(depends)
            if passes and flows[k] is not None and flows[k] >= 0
        }  # fmt: skip
        sums: dict[int, int] = {}
        for _, term in work.products(item, passing) if passing else ():
            work.add_to(sums, item, term)
        found.append(sums.get(item, NONE))
    return work.written, np.array(found, np.int64)


# --- the native twins -----------------------------------------------------------------------------

NOTHING, FLOW_ITSELF, MULTIPLIED = range(3)  # what a flow becomes on its way past an operation
FLOW, RESULT = 0, 1  # in the environment of steps; operands and steps stand behind


class _Table:
    """What the operations of a stretch contribute, as integers; native/derive.c reads it."""

    def __init__(self, run: Run) -> None:
        self._numbers = {each.row: k for k, each in enumerate(operations_of(run))}
        self._places: dict[bytes, int] = {}
        self._floats: list[float] = []
        rules = [code for operation in run.operations for code in self._rule(operation)]
        table = [self._numbers[add], len(run.operations), *rules]
        self.integers = np.array(table, np.int32)
        self.constants = np.array(self._floats, np.float64)

    def _rule(self, operation: Operation) -> list[int]:
        partials = _partials(operation)
        rule = [operation.reads, len(partials.steps), len(partials.results)]
        for step in partials.steps:
            rule += self._applied(step.row, [self._argument(arg) for arg in step.args])
        for result, depends, needs in zip(
            partials.results, partials.depends, partials.needs, strict=True
        ):
            rule += self._term(result, needs) if depends else [NOTHING, 0, 0, 0]
        return rule

    def _term(self, result: int | float, needs: Sequence[int]) -> list[int]:
        last: list[int] = []

        def apply(row: Primitive, args: tuple[int, ...]) -> int:
            last[:] = self._applied(row, args)
            return RESULT

        partial = result if isinstance(result, float) else self._argument(result)
        itself = product(FLOW, partial, self._constant, apply) == FLOW
        return [FLOW_ITSELF if itself else MULTIPLIED, len(needs), *needs, *(last or (0, 0))]

    def _applied(self, row: Primitive, args: Sequence[int]) -> list[int]:
        return [self._numbers[row], len(args), *args]

    def _argument(self, arg: int | float) -> int:
        return self._constant(arg) if isinstance(arg, float) else RESULT + arg

    def _constant(self, number: float) -> int:
        place = self._places.setdefault(bits(number), len(self._floats))
        if place == len(self._floats):
            self._floats.append(number)
        return -1 - place


if TYPE_CHECKING:
    reversed_columns, tangents_of_columns = reversed_plain, tangents_plain
elif engine == "native":
    from wengert import _native

    def _columns(run: Run) -> tuple[Any, ...]:
        table = _Table(run)
        return (
            np.ascontiguousarray(run.ops, np.int32), np.ascontiguousarray(run.operands, np.int64),
            np.ascontiguousarray(run.lines, np.int32), table.integers, table.constants,
        )  # fmt: skip

    def _written(arrays: Sequence[Any]) -> Written:
        return Written(*map(np.frombuffer, arrays, (np.int32, np.int64, np.int32, np.float64)))

    def reversed_columns(
        run: Run, start: int, constants_start: int, seeds: tuple[Integers, Integers],
        wanted: tuple[Mask, Mask], labelled: Integers,
    ) -> tuple[Written, Integers, Integers]:  # fmt: skip
        """See `reversed_plain`."""
        masks = [np.ascontiguousarray(mask, bool) for mask in wanted]
        arrays = [np.ascontiguousarray(each, np.int64) for each in (*seeds, labelled)]
        *written, found, reached = _native.reversed_columns(
            *_columns(run), *masks, *arrays, run.start, start, constants_start
        )
        pairs = np.frombuffer(reached, np.int64).reshape(-1, 2)
        return _written(written), np.frombuffer(found, np.int64), pairs

    def tangents_of_columns(
        run: Run, start: int, constants_start: int, tangents: tuple[Integers, Integers]
    ) -> tuple[Written, Integers]:
        """See `tangents_plain`."""
        codes = [np.ascontiguousarray(each, np.int64) for each in tangents]
        *written, found, _ = _native.tangents_of_columns(
            *_columns(run), *codes, run.start, start, constants_start
        )
        return _written(written), np.frombuffer(found, np.int64)

else:
    reversed_columns, tangents_of_columns = reversed_plain, tangents_plain
