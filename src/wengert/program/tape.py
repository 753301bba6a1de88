"""Recording: operands that write every operation applied to them down on a tape.

Nothing is folded or shared here, and every number that is not an operand becomes a constant of its
own: regular code leaves a regular tape, and only that shows its loops. See
docs/decisions/raw-recording.md. The native twin is native/tape.c, tracer.c and places.c.
"""

import sys
from array import array
from collections.abc import Sequence
from types import FrameType
from typing import Any

from wengert import primitives
from wengert.dispatch import Primitive
from wengert.primitives import COMPARISONS, OF_TRUTHS
from wengert.program.address import CONSTANT, INPUT, VALUE, coded
from wengert.program.capture import Captured, joined
from wengert.program.recorded import (
    Recorded,
    closed_error,
    recordable,
)
from wengert.program.recording import Body, Recording, doubles
from wengert.program.statements import Operation, Statement
from wengert.program.structure import Floats
from wengert.source import is_library, place_name


class Tape(Recording):
    """The operations of one recording, in order."""

    def __init__(self, example: Sequence[float] | Floats = ()) -> None:
        self.example = doubles(example)
        self.bodies: list[Body] = []
        self.repeated: list[int] = []
        self.statements: list[Statement] = []
        self.index: list[int] = []
        self.closed = False
        self.outer: Recording | None = None
        self.captured: Captured | None = None
        self.spliced: dict[int, tuple[Any, int, int]] = {}
        self._numbers: dict[Operation, int] = {}
        self._sources: dict[str, int] = {}
        self._numbered: list[Operation] = []
        self._kept = array("d")
        self._past: list[tuple[int, Any]] = []
        self._given: dict[int, float] = {}
        self._locals = 0
        self._results = array("d")
        self._begin(0)

    def _begin(self, start: int) -> None:
        if self._results:
            self._past.append((self._start, self._results))
        self.length = self._start = start
        self._results = array("d")
        self._labels: dict[int, str] = {}
        self._ops, self._operands, self._lines = array("i"), array("q"), array("i")

    def _columns(self) -> tuple[Any, Any, Any]:
        return self._ops, self._operands, self._lines

    def _number_here(self, k: int) -> float:
        return self._results[k]

    def _constants(self) -> Any:
        return self._kept

    def constant(self, number: float) -> int:
        """The coded address of a new constant."""
        self._kept.append(number)
        return coded(CONSTANT, len(self._kept) - 1)

    def put(
        self,
        operation: Operation,
        operands: Sequence[int],
        number: float,
        source: str | None = None,
    ) -> int:
        """Write one operation down, which gives a number for the example; its place."""
        if self.closed:
            raise closed_error()
        self._ops.append(self._number(operation))
        self._operands.extend(operands)
        line = _source() if source is None else source
        self._lines.append(self._sources.setdefault(line, len(self._sources)))
        self._results.append(number)
        self.length += 1
        return self.length - 1

    def _number(self, operation: Operation) -> int:
        number = self._numbers.setdefault(operation, len(self._numbers))
        if number == len(self._numbered):
            self._numbered.append(operation)
        return number

    def guard_last(self, code: int, expected: float) -> bool:
        """Make a guard of a comparison just recorded; False where it is no longer the last item."""
        if self.closed:
            raise closed_error()
        if not self._ops or code != self.length - 1:
            return False
        last = self._numbered[self._ops[-1]]
        if last.guards or last.row not in COMPARISONS:
            return False
        self._ops[-1] = self._number(Operation(last.row, guards=True))
        self._operands.append(self.constant(expected))
        return True

    def tracer(self, code: int, number: float, is_truth: bool = False) -> "Tracer":
        """The operand that stands for what is kept at a coded address."""
        return Tracer(self, code, number, is_truth)

    def inputs(self) -> list[Recorded]:
        """The operands that stand for the inputs."""
        numbers = self.example.tolist()
        return [Tracer(self, coded(INPUT, k), number) for k, number in enumerate(numbers)]


class Tracer(Recorded):
    """A number that is being recorded: it carries the example's number, and where it is kept."""

    __slots__ = ("_code", "_data", "_is_truth", "_tape")

    def __init__(self, tape: Tape, code: int, data: float, is_truth: bool = False) -> None:
        self._tape: Tape = tape
        self._code, self._data, self._is_truth = code, data, is_truth

    def _apply(self, row: Primitive, args: tuple[Any, ...]) -> Any:
        tape = self._tape
        numbers = []
        for arg in args:
            if isinstance(arg, Tracer):
                if arg._tape is not tape:
                    return joined(row, args)
                numbers.append(arg._data)
            else:
                numbers.append(arg if type(arg) is float else recordable(arg, row.name))
        if tape.closed:
            raise closed_error()
        data = row.scalar(*numbers)
        codes = [
            arg._code if isinstance(arg, Tracer) else tape.constant(number)
            for arg, number in zip(args, numbers, strict=True)
        ]
        is_truth = row in COMPARISONS or (
            row in OF_TRUTHS and all(isinstance(arg, Tracer) and arg._is_truth for arg in args)
        )
        place = tape.put(Operation(row), codes, data)
        return Tracer(tape, coded(VALUE, place), data, is_truth)

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

    __hash__ = Recorded.__hash__

    def __bool__(self) -> bool:
        """Which way the code goes; from here on a guard holds it to that."""
        truth = self._data != 0.0
        tape = self._tape
        if not tape.guard_last(self._code, float(truth)):
            self._guard(primitives.not_equal, (self._code, tape.constant(0.0)), float(truth))
        return truth

    # --- what wengert.sum, prod and dot look for --------------------------------------------------

    def _reduce(self, elements: list[Any], row: Primitive) -> Any:
        """The elements combined from the left; NotImplemented if there is more than numbers.

        Operands of other recordings are more, too.
        """
        if not elements or row.nin != 2 or not all(map(self._is_plain, elements)):
            return NotImplemented
        total = elements[0] if isinstance(elements[0], Tracer) else float(elements[0])
        for element in elements[1:]:
            total = row(total, element)
        return total

    def _dot(self, xs: list[Any], ys: list[Any]) -> Any:
        """The sum of products, each added as soon as it is there; NotImplemented as above."""
        if not xs or len(xs) != len(ys) or not all(map(self._is_plain, [*xs, *ys])):
            return NotImplemented
        total = primitives.mul(xs[0], ys[0])
        for x, y in zip(xs[1:], ys[1:], strict=True):
            total = primitives.add(total, primitives.mul(x, y))
        return total

    def _is_plain(self, element: Any) -> bool:
        """Whether it is a number of this recording, a float or an int no larger than a float."""
        if type(element) is int:
            try:
                float(element)
            except OverflowError:
                return False
            return True
        if isinstance(element, Tracer):
            return element._tape is self._tape
        return type(element) is float


def _source() -> str:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return place_name(frame.f_code.co_filename, frame.f_lineno or 0) if frame else ""
