"""What both twins of the tape share: all that no hot path runs through."""

from bisect import bisect_right
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.errors import OperandError, ProgramError
from wengert.graph import topological_order
from wengert.node import Node
from wengert.program.address import (
    CONSTANT,
    INPUT,
    MEMORIES,
    PLACE,
    SHIFT,
    VALUE,
    Integers,
    coded,
    distinct,
)
from wengert.program.capture import Captured, own
from wengert.program.recorded import Recorded, closed_error, recordable
from wengert.program.statements import Operation, Run, Statement
from wengert.program.structure import Floats

RECORDING: ContextVar["Recording | None"] = ContextVar("wengert_recording", default=None)

FEW = 64  # codes: Python looks at them sooner than NumPy


@dataclass(frozen=True, slots=True)
class Body:
    """The places of a loop that was recorded once, and those of them that stand for results."""

    start: int
    end: int
    results: frozenset[int]


class Recording:
    """The operations of one recording, in order."""

    if not TYPE_CHECKING:  # for a type checker, those below would have to be slots
        __slots__ = ()

    example: Floats  # the numbers of the inputs
    statements: list[Statement]  # what is complete
    bodies: list[Body]  # of complete loops; what is inside another is part of that
    repeated: list[int]  # where what moves with the rounds begins, of bodies that are recorded now
    index: list[int]
    length: int  # of the value memory
    closed: bool
    outer: "Recording | None"  # the one this was started in, until it is closed
    captured: Captured | None  # operands of those around; None where there must be none
    spliced: dict[int, tuple[Any, int, int]]  # programs, and where their tables are here
    _start: int  # where the stretch that is being written begins
    _labels: dict[int, str]
    _numbers: dict[Operation, int]
    _sources: dict[str, int]
    _past: list[tuple[int, Any]]  # where a stretch began, and the example's numbers in it
    _locals: int
    _given: dict[int, float]  # the example's numbers that loops leave

    if TYPE_CHECKING:  # each twin's own

        def put(
            self,
            operation: Operation,
            operands: Sequence[int],
            number: float,
            source: str | None = None,
        ) -> int:
            """Write one operation down, which gives a number for the example; its place."""

        def constant(self, number: float) -> int:
            """The coded address of a new constant."""

        def tracer(self, code: int, number: float, is_truth: bool = False) -> "Recorded":
            """The operand that stands for what is kept at a coded address."""

        def inputs(self) -> "list[Recorded]":
            """The operands that stand for the inputs."""

        def _columns(self) -> tuple[Any, Any, Any]: ...
        def _number_here(self, k: int) -> float: ...
        def _constants(self) -> Any: ...
        def _begin(self, start: int) -> None: ...

    @property
    def constants(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The constant memory as it stands."""
        numbers = array_of(self._constants(), np.float64)
        return numbers if self.closed else numbers.copy()

    @property
    def input_numbers(self) -> Floats:
        """The example's numbers of all inputs, those that were captured too."""
        captured = self.captured.numbers if self.captured else []
        return np.concatenate([self.example, doubles(captured)])

    def input(self, place: int) -> "Recorded":
        """The operand that stands for an input."""
        return self.tracer(coded(INPUT, place), float(self.example[place]))

    def value(self, place: int, number: float) -> "Recorded":
        """The operand that stands for what a loop leaves at a place of the value memory."""
        self._given[place] = number
        return self.tracer(coded(VALUE, place), number)

    def move(self, code: int, number: float) -> "Recorded":
        """Write a move down; the operand that stands for what was moved."""
        return self.tracer(self.put(Operation(None), (code,), number), number)

    def number(self, code: int) -> float:
        """The example's number at a coded address."""
        memory, place = MEMORIES[code >> SHIFT], code & PLACE
        if memory == INPUT:
            return self._input_number(place)
        if memory == CONSTANT:
            return float(array_of(self._constants(), np.float64)[place])
        if place in self._given:
            return self._given[place]
        if place >= self._start:
            return self._number_here(place - self._start)
        stretch = bisect_right(self._past, place, key=itemgetter(0)) - 1
        start, numbers = self._past[stretch]
        return float(array_of(numbers, np.float64)[place - start])

    def _input_number(self, place: int) -> float:
        if self.captured and place >= len(self.example):
            return self.captured.operands[place - len(self.example)]._data
        return float(self.example[place])

    def own(self, operand: Recorded, where: str) -> Recorded:
        """The operand that stands here for one of this recording or of one around it."""
        return own(self, operand, where)

    def close(self) -> None:
        """End it: nothing more is written down, and its operands are no numbers any more."""
        self.closed, self.outer = True, None

    def numbers_from(self, start: int) -> list[float]:
        """The example's numbers of the straight stretch that was complete last, from a place on."""
        begun, numbers = self._past[-1]
        found: list[float] = array_of(numbers, np.float64)[start - begun :].tolist()
        return found

    def label(self, place: int, label: str) -> None:
        """Name the result at a place."""
        if place >= self._start:
            self._labels[place - self._start] = label

    def add(self, statement: Statement, width: int) -> None:
        """Write a loop down as it is; its results take `width` places."""
        if self.closed:
            raise closed_error()
        self.flush()
        self.statements.append(statement)
        self._begin(self.length + width)

    def rewind(self, statements: int) -> None:
        """Forget what was written after so many statements; its places stay taken."""
        del self.statements[statements:]
        self._begin(self.length)

    def fresh_local(self) -> str:
        """The name of a new memory for a `While` loop."""
        self._locals += 1
        return f"local{self._locals}"

    def flush(self) -> None:
        """Complete the straight stretch that is being written."""
        if self.length > self._start:
            ops, operands, lines = self._columns()
            self.statements.append(
                Run(
                    self._start, tuple(self._numbers), array_of(ops, np.int32),
                    array_of(operands, np.int64), tuple(self._sources),
                    array_of(lines, np.int32), self._labels,
                )
            )  # fmt: skip
            self._begin(self.length)

    def put_graph(self, root: Any) -> tuple[list[Any], int]:
        """Write a Value's graph down.

        Returns:
            The leaves, which become the inputs, and where the root is kept.
        """
        codes: dict[Any, int] = {}
        leaves: list[Any] = []
        code = 0
        for node in topological_order(root):
            if node._operands:
                if node._row is None:
                    raise unknown_operation(node)
                operands = [codes[operand] for operand in node._operands]
                place = self.put(Operation(node._row), operands, node._data, source_of(node))
                code = codes[node] = place  # in the value memory, whose number is 0
                if node.label:
                    self.label(place, node.label)
            else:
                code = codes[node] = coded(INPUT, len(leaves))
                leaves.append(node)
        return leaves, code


def doubles(numbers: Sequence[float] | Floats = ()) -> Floats:
    """Numbers in a row, as a new array."""
    return np.array(numbers, dtype=np.float64).ravel()


def array_of(buffer: Any, kind: Any) -> np.ndarray[Any, Any]:
    """What a column holds, without a copy."""
    return np.frombuffer(buffer, kind) if len(buffer) else np.empty(0, kind)


def result_code(result: Any, tape: Recording, where: str = "return") -> int:
    """The coded address of something that recorded code made: a plain number is a constant."""
    if isinstance(result, Recorded):
        return tape.own(result, where)._code
    return tape.constant(recordable(result, where))


def result_codes(results: Sequence[Any], tape: Recording) -> Integers:
    """The same for many."""
    return np.array([result_code(each, tape) for each in results], dtype=np.int64)


def refuse_leaks(codes: Integers, bodies: Sequence[Body]) -> None:
    """What is made in the body of a stated loop is used there only, but for its results.

    Args:
        codes: the coded addresses that are read.
        bodies: those of loops that are complete, in order; none is inside another.
    """
    if not bodies:
        return
    low, high = bodies[0].start, bodies[-1].end
    if len(codes) < FEW and not any(low <= code < high for code in codes.tolist()):
        return
    inside = (codes >= low) & (codes < high)
    places = distinct(codes[inside])  # those of the value memory are coded as they are
    at = 0
    while at < len(places):
        k = bisect_right(bodies, int(places[at]), key=attrgetter("start")) - 1
        if k >= 0 and places[at] < bodies[k].end:
            stop = int(np.searchsorted(places, bodies[k].end))
            if not bodies[k].results.issuperset(places[at:stop].tolist()):
                raise ProgramError(
                    "An operand that was made in the body of wg.scan, wg.fori or wg.while_loop is "
                    "used outside of it. The body is recorded once: carry it along, or give it "
                    "out as an output of wg.scan."
                )
            at = stop
        elif k + 1 < len(bodies):
            at = int(np.searchsorted(places, bodies[k + 1].start))
        else:
            break


def source_of(node: Node) -> str:
    """Where the user's code made a Value, if that is known."""
    return str(node._notes.source) if node._notes and node._notes.source else ""


def unknown_operation(node: Node) -> OperandError:
    """For an operation of the user's own in a graph."""
    return OperandError(
        f"record() cannot record the operation {node._op!r} of your own: only its number is "
        "known. Write it with wg functions."
    )
