"""Recording: operands that write every operation applied to them down on a tape.

Nothing is folded or shared here, and every number that is not an operand becomes a constant of its
own: regular code leaves a regular tape, and only that shows its loops. See
docs/decisions/raw-recording.md. The native twin is native/tape.c.
"""

import math
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from wengert import primitives
from wengert.dispatch import Primitive, describe, to_float
from wengert.errors import LostDerivativeError, OperandError, ProgramError
from wengert.node import Node
from wengert.operand import Operand
from wengert.program.address import CODES, CONSTANT, INPUT, PLACE, SHIFT, VALUE, coded
from wengert.program.statements import Operation, Run, Statement
from wengert.source import is_library, place_name

_NUMBER = (float, int, np.floating, np.integer, np.bool_)


COMPARISONS = (
    primitives.less, primitives.less_equal, primitives.greater, primitives.greater_equal,
    primitives.equal, primitives.not_equal,
)  # fmt: skip

RECORDING: ContextVar["Tape | None"] = ContextVar("wengert_recording", default=None)


@dataclass(frozen=True, slots=True)
class Body:
    """The places of a loop that was recorded once, and those of them that stand for results."""

    start: int
    end: int
    results: frozenset[int]


class Tape:
    """The operations of one recording, in order."""

    def __init__(self, example: Sequence[float] = ()) -> None:
        self.example = example  # the numbers of the inputs
        self.statements: list[Statement] = []  # what is complete
        self.constants: list[float] = []
        self.index: list[int] = []
        self.length = 0  # of the value memory
        self.closed = False
        self.bodies: list[Body] = []
        self._data: dict[int, float] = {}  # the example's number at each place
        self._locals = 0
        self._numbers: dict[Operation, int] = {}
        self._sources: dict[str, int] = {}
        self._begin(0)

    def _begin(self, start: int) -> None:
        self._start = start
        self._ops: list[int] = []
        self._operands: list[int] = []
        self._lines: list[int] = []
        self._labels: dict[int, str] = {}

    def constant(self, number: float) -> int:
        """The coded address of a new constant."""
        self.constants.append(number)
        return coded(CONSTANT, len(self.constants) - 1)

    def put(self, operation: Operation, operands: tuple[int, ...], number: float) -> int:
        """Write one operation down, which gives a number for the example; its place."""
        if self.closed:
            raise closed_error()
        self._ops.append(self._numbers.setdefault(operation, len(self._numbers)))
        self._operands += operands
        self._lines.append(self._sources.setdefault(_source(), len(self._sources)))
        self._data[self.length] = number
        self.length += 1
        return self.length - 1

    def guard_last(self, code: int, expected: float) -> bool:
        """Make a guard of a comparison just recorded; False where it is no longer the last item."""
        if not self._ops or code != self.length - 1:
            return False
        last = list(self._numbers)[self._ops[-1]]
        if last.guards or last.row not in COMPARISONS:
            return False
        guard = Operation(last.row, guards=True)
        self._ops[-1] = self._numbers.setdefault(guard, len(self._numbers))
        self._operands.append(self.constant(expected))
        return True

    def label(self, place: int, label: str) -> None:
        """Name the result at a place."""
        if place >= self._start:
            self._labels[place - self._start] = label

    def add(self, statement: Statement, width: int) -> None:
        """Write a loop down as it is; its results take `width` places."""
        self.flush()
        self.statements.append(statement)
        self.length += width
        self._begin(self.length)

    def flush(self) -> None:
        """Complete the straight stretch that is being written."""
        if self._ops:
            self.statements.append(
                Run(
                    self._start, tuple(self._numbers), np.array(self._ops, np.int32),
                    np.array(self._operands, np.int64), tuple(self._sources),
                    np.array(self._lines, np.int32), self._labels,
                )
            )  # fmt: skip
        self._begin(self.length)

    def rewind(self, statements: int) -> None:
        """Forget what was written after so many statements; its places stay taken."""
        del self.statements[statements:]
        self._begin(self.length)

    def fresh_local(self) -> str:
        """The name of a new memory for a `While` loop."""
        self._locals += 1
        return f"local{self._locals}"

    def number(self, code: int) -> float:
        """The example's number at a coded address."""
        memory, place = code >> SHIFT, code & PLACE
        if memory == CODES[VALUE]:
            return self._data[place]
        return self.example[place] if memory == CODES[INPUT] else self.constants[place]

    def move(self, code: int, number: float) -> "Tracer":
        """Write a move down; the operand that stands for what was moved."""
        return Tracer(self, self.put(Operation(None), (code,), number), number)

    def input(self, place: int) -> "Tracer":
        """The operand that stands for an input."""
        return Tracer(self, coded(INPUT, place), self.example[place])

    def value(self, place: int, number: float) -> "Tracer":
        """The operand that stands for what a loop leaves at a place of the value memory."""
        self._data[place] = number
        return Tracer(self, coded(VALUE, place), number)


class Tracer(Operand):
    """A number that is being recorded: it carries the example's number, and where it is kept."""

    __slots__ = ("__weakref__", "_code", "_tape", "data")

    def __init__(self, tape: Tape, code: int, data: float) -> None:
        self._tape, self._code, self.data = tape, code, data

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> "Tracer":
        tape = self._tape
        codes, numbers = [], []
        for arg in args:
            if isinstance(arg, Tracer):
                if arg._tape is not tape:
                    raise other_tape_error(row.name)
                codes.append(arg._code)
                numbers.append(arg.data)
            else:
                number = arg if type(arg) is float else recordable(arg, row.name)
                codes.append(tape.constant(number))
                numbers.append(number)
        number = row.scalar(*numbers)
        return Tracer(tape, tape.put(Operation(row), tuple(codes), number), number)

    @property
    def label(self) -> str:
        """A name for the printed program; it can only be set."""
        return ""

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):
            raise OperandError(f"A label is a string, not {describe(label)}.")
        if self._code >> SHIFT == 0:
            self._tape.label(self._code, label)

    def __repr__(self) -> str:
        return f"<recorded {self.data!r}>"

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    # --- what decides the path --------------------------------------------------------------------

    def _compared(self, row: Primitive, other: Any) -> Any:
        if isinstance(other, (Tracer, *_NUMBER)):
            return self._apply(row, (self, other))
        return NotImplemented

    def __lt__(self, other: Any) -> Any:
        return self._compared(primitives.less, other)

    def __le__(self, other: Any) -> Any:
        return self._compared(primitives.less_equal, other)

    def __gt__(self, other: Any) -> Any:
        return self._compared(primitives.greater, other)

    def __ge__(self, other: Any) -> Any:
        return self._compared(primitives.greater_equal, other)

    def __eq__(self, other: object) -> Any:
        return self._compared(primitives.equal, other)

    def __ne__(self, other: object) -> Any:
        return self._compared(primitives.not_equal, other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        """Which way the code goes; from here on a guard holds it to that."""
        truth = self.data != 0.0
        if not self._tape.guard_last(self._code, float(truth)):
            self._guard(primitives.not_equal, (self._code, self._tape.constant(0.0)), float(truth))
        return truth

    def _guard(self, row: Primitive, operands: tuple[int, ...], expected: float) -> None:
        tape = self._tape
        tape.put(Operation(row, guards=True), (*operands, tape.constant(expected)), expected)

    def _integer(self, row: Primitive, what: str) -> int:
        number = row.scalar(self.data)
        if not math.isfinite(number):
            error = ValueError if math.isnan(number) else OverflowError
            raise error(f"{what} of {self.data!r}, which is no finite number")
        self._guard(row, (self._code,), number)
        return int(number)

    def __int__(self) -> int:  # type: ignore[override]
        return self._integer(primitives.trunc, "int()")

    __trunc__ = __int__  # type: ignore[assignment]

    def __round__(self, digits: int | None = None) -> int:  # type: ignore[override]
        if digits is not None:
            raise LostDerivativeError(
                "round() to digits would drop the derivative. Write wg.rint(x * 100) / 100."
            )
        return self._integer(primitives.rint, "round()")

    def __floor__(self) -> int:  # type: ignore[override]
        return self._integer(primitives.floor, "math.floor()")

    def __ceil__(self) -> int:  # type: ignore[override]
        return self._integer(primitives.ceil, "math.ceil()")

    def __index__(self) -> int:
        if self.data != primitives.trunc.scalar(self.data) or not math.isfinite(self.data):
            raise OperandError(f"An index is an integer, not {self.data!r}. Write int(x).")
        number = int(self.data)
        self._guard(primitives.equal, (self._code, self._tape.constant(float(number))), 1.0)
        return number


def recordable(arg: Any, where: str) -> float:
    """A plain number among the operands, as a float."""
    if isinstance(arg, Node):
        raise OperandError(
            f"{where}() meets a Value inside recorded code. A recording takes numbers and its own "
            "arguments: pass the Value's number, x.data, or record the graph itself, wg.record(L)."
        )
    return to_float(arg, where)


def other_tape_error(where: str) -> ProgramError:
    """For an operand that was kept from another recording."""
    return ProgramError(
        f"{where}() meets an operand of another recording. What a recorded function keeps outside "
        "itself is not part of the next call: return it, or pass it as an argument."
    )


def closed_error() -> ProgramError:
    """For an operand that is used after its recording has ended."""
    return ProgramError(
        "This operand belongs to a recording that has ended. Return what you need from the "
        "recorded function; what it stored elsewhere is no number any more."
    )


def _source() -> str:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return place_name(frame.f_code.co_filename, frame.f_lineno) if frame else ""


def result_code(result: Any, tape: Tape, where: str = "return") -> int:
    """The coded address of something that recorded code made: a plain number is a constant."""
    if isinstance(result, Tracer):
        if result._tape is not tape:
            raise other_tape_error(where)
        return result._code
    return tape.constant(recordable(result, where))


def refuse_leaks(statements: Sequence[Statement], bodies: Sequence[Body]) -> None:
    """What is made in the body of a stated loop is used there only, but for its results."""
    for run in statements:
        if not isinstance(run, Run):
            continue
        for body in bodies:
            codes = run.operands  # those of the value memory are its places
            inside = np.unique(codes[(codes >= body.start) & (codes < body.end)]).tolist()
            if not body.results.issuperset(inside):
                raise ProgramError(
                    "An operand that was made in the body of wg.scan, wg.fori or wg.while_loop is "
                    "used outside of it. The body is recorded once: carry it along, or give it out "
                    "as an output of wg.scan."
                )
