"""What both twins of the recorder share: all that no hot path runs through.

A twin keeps the columns of the tape, and per operand its tape, where it is kept (`_code`), the
example's number, and whether it is the answer of a comparison. The plain one is tape.py.
"""

import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from wengert import primitives
from wengert.dispatch import Primitive, describe, is_array_like, remedy, to_float
from wengert.errors import LostDerivativeError, OperandError, ProgramError
from wengert.graph import topological_order
from wengert.node import Node
from wengert.operand import Operand, lost_derivative
from wengert.program.address import (
    CONSTANT,
    INPUT,
    MEMORIES,
    PLACE,
    SHIFT,
    VALUE,
    Integers,
    coded,
)
from wengert.program.statements import Operation, Run, Statement
from wengert.program.structure import Floats
from wengert.source import is_library as is_library
from wengert.source import place_name as place_name

NUMBER = (float, int, np.floating, np.integer, np.bool_)

COMPARISONS = (
    primitives.less, primitives.less_equal, primitives.greater, primitives.greater_equal,
    primitives.equal, primitives.not_equal,
)  # fmt: skip
TRUTHS = (primitives.minimum, primitives.maximum)  # of two answers give an answer: `and`, `or`


RECORDING: ContextVar["Recording | None"] = ContextVar("wengert_recording", default=None)


@dataclass(frozen=True, slots=True)
class Body:
    """The places of a loop that was recorded once, and those of them that stand for results."""

    start: int
    end: int
    results: frozenset[int]


class Recording:
    """The operations of one recording, in order: base of the Tape of either twin."""

    if not TYPE_CHECKING:  # for a type checker, those below would have to be slots
        __slots__ = ()

    example: Floats  # the numbers of the inputs
    statements: list[Statement]  # what is complete
    bodies: list[Body]
    index: list[int]
    length: int  # of the value memory
    closed: bool
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

        def tracer(self, code: int, number: float) -> "Recorded":
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
            return float(self.example[place])
        if memory == CONSTANT:
            return float(array_of(self._constants(), np.float64)[place])
        if place in self._given:
            return self._given[place]
        if place >= self._start:
            return self._number_here(place - self._start)
        stretch = bisect_right(self._past, place, key=itemgetter(0)) - 1
        start, numbers = self._past[stretch]
        return float(array_of(numbers, np.float64)[place - start])

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


class Recorded(Operand):
    """A number that is being recorded: base of the Tracer of either twin."""

    if not TYPE_CHECKING:  # for a type checker, the four below would have to be slots
        __slots__ = ()

    _kind: ClassVar[str] = "recorded number"
    _tape: Recording
    _code: int
    _data: float
    _is_truth: bool

    @property
    def data(self) -> NoReturn:
        """There is none: what would be computed from it would not be recorded."""
        raise AttributeError(
            "A recorded number has no plain number, .data: what is computed from that would be "
            "the same for all inputs. Compute with x itself, and print it as it is; where an "
            "integer decides what happens, int(x) gives it."
        )

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

    # --- as a Python object -----------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<recorded {self}>"

    def __str__(self) -> str:
        """The example's number."""
        return str(bool(self._data) if self._is_truth else self._data)

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise OperandError(
            "A recorded number lives in its recording only and cannot be pickled. Return it, and "
            "save the Program."
        )

    # --- what decides the path --------------------------------------------------------------------

    def _compared(self, row: Primitive, other: Any) -> Any:
        """The answer of a comparison with anything at all."""
        if isinstance(other, (Recorded, *NUMBER)):
            return self._apply(row, (self, other))
        compare, is_order = _PYTHON_S[row]
        if isinstance(other, Node):
            raise value_error(row.symbol)
        if isinstance(other, np.ndarray):
            answers = np.frompyfunc(lambda each: bool(compare(self, each)), 1, 1)(other)
            return answers.astype(bool) if isinstance(answers, np.ndarray) else answers
        if is_order and not is_array_like(other) and not hasattr(other, "_apply"):
            raise OperandError(
                f"{row.symbol} compares a recorded number with a number or another one, "
                f"not with {describe(other)}.{remedy(other)}"
            )
        return NotImplemented

    def __hash__(self) -> int:
        """Sets and dicts find it by its number, so a guard holds it to that."""
        row, number = primitives.equal, self._data
        operand = self._code if number != number else self._constant(number)
        self._guard(row, (self._code, operand), row.scalar(number, number))
        return hash(number)

    def _constant(self, number: float) -> int:
        if self._tape.closed:
            raise closed_error()
        return self._tape.constant(number)

    def _guard(self, row: Primitive, operands: tuple[int, ...], expected: float) -> None:
        tape = self._tape
        if tape.closed:
            raise closed_error()
        tape.put(Operation(row, guards=True), (*operands, tape.constant(expected)), expected)

    def _integer(self, row: Primitive) -> int:
        number = row.scalar(self._data)
        integer = int(number)
        self._guard(row, (self._code,), number)
        return integer

    def __int__(self) -> int:  # type: ignore[override]
        return self._integer(primitives.trunc)

    __trunc__ = __int__  # type: ignore[assignment]

    def __round__(self, digits: int | None = None) -> int:  # type: ignore[override]
        if digits is not None:
            raise LostDerivativeError(
                f"round() to digits would drop the derivative. Write wg.rint(x * {10**digits!r}) "
                f"/ {10**digits!r}."
            )
        return self._integer(primitives.rint)

    def __floor__(self) -> int:  # type: ignore[override]
        return self._integer(primitives.floor)

    def __ceil__(self) -> int:  # type: ignore[override]
        return self._integer(primitives.ceil)

    def __index__(self) -> int:
        number = self._data
        if not math.isfinite(number) or number != math.trunc(number):
            raise OperandError(f"An index is an integer, not {number!r}. Write int(x).")
        self._guard(primitives.equal, (self._code, self._constant(number)), 1.0)
        return int(number)

    def __float__(self) -> NoReturn:
        raise lost_derivative(
            "float", self._kind,
            "Write wg.exp(x) for math.exp(x). Recorded code has no plain numbers; where an integer "
            "decides what happens, int(x) gives it.",
        )  # fmt: skip

    def as_integer_ratio(self) -> NoReturn:
        """What exact arithmetic asks for, as in the module statistics."""
        raise LostDerivativeError(
            "Exact fractions of a recorded number would drop the derivative. Write ordinary "
            "arithmetic: sum(xs) / len(xs) for statistics.mean(xs)."
        )

    # --- both, either, one of two answers ---------------------------------------------------------

    def _joined(self, row: Primitive, other: Any) -> Any:
        if self._is_truth and isinstance(other, Recorded) and other._is_truth:
            return self._apply(row, (self, other))
        if self._is_truth and isinstance(other, bool | np.bool_):
            if row is primitives.not_equal:
                return self._apply(primitives.equal, (self, float(not other)))
            decides = bool(other) is (row is primitives.maximum)
            return bool(other) if decides else self
        if isinstance(other, np.ndarray):
            return NotImplemented
        raise OperandError(
            f"&, | and ^ join the answers of comparisons, not {describe(self)} and "
            f"{describe(other)}. Convert them first: int(x)."
        )

    def __and__(self, other: Any) -> Any:
        return self._joined(primitives.minimum, other)

    def __or__(self, other: Any) -> Any:
        return self._joined(primitives.maximum, other)

    def __xor__(self, other: Any) -> Any:
        return self._joined(primitives.not_equal, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__


_PYTHON_S: dict[Primitive, tuple[Callable[[Any, Any], Any], bool]] = {
    primitives.less: (operator.lt, True),
    primitives.less_equal: (operator.le, True),
    primitives.greater: (operator.gt, True),
    primitives.greater_equal: (operator.ge, True),
    primitives.equal: (operator.eq, False),
    primitives.not_equal: (operator.ne, False),
}


def recordable(arg: Any, where: str) -> float:
    """A plain number among the operands, as a float."""
    if isinstance(arg, Node):
        raise value_error(f"{where}()")
    return to_float(arg, where)


def result_code(result: Any, tape: Recording, where: str = "return") -> int:
    """The coded address of something that recorded code made: a plain number is a constant."""
    if isinstance(result, Recorded):
        if result._tape is not tape:
            raise other_tape_error(where)
        return result._code
    return tape.constant(recordable(result, where))


def result_codes(results: Sequence[Any], tape: Recording) -> Integers:
    """The same for many."""
    return np.array([result_code(each, tape) for each in results], dtype=np.int64)


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


def source_of(node: Node) -> str:
    """Where the user's code made a Value, if that is known."""
    return str(node._notes.source) if node._notes and node._notes.source else ""


def value_error(where: str) -> OperandError:
    """For a Value among recorded numbers."""
    return OperandError(
        f"{where} meets a Value inside recorded code. A recording takes numbers and its own "
        "arguments: pass the Value's number, x.data, or record the graph itself, wg.record(L)."
    )


def unknown_operation(node: Node) -> OperandError:
    """For an operation of the user's own in a graph."""
    return OperandError(
        f"record() cannot record the operation {node._op!r} of your own: only its number is "
        "known. Write it with wg functions."
    )


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
