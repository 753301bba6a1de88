"""A recorded number, but for what hot paths run through: base of the Tracer of either twin.

A twin keeps, per operand, its tape, where it is kept, the example's number, and whether it
is the answer of a comparison. The plain one is tape.py.
"""

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from wengert import primitives
from wengert.dispatch import Primitive, describe, is_array_like, remedy, to_float
from wengert.errors import LostDerivativeError, OperandError, ProgramError
from wengert.node import Node
from wengert.operand import Operand, lost_derivative
from wengert.program.address import SHIFT
from wengert.program.statements import Operation

if TYPE_CHECKING:
    from wengert.program.recording import Recording

NUMBER = (float, int, np.floating, np.integer, np.bool_)

REWRITES = {  # of functions that the table does not have
    "isnan": "x != x",
    "isinf": "abs(x) == math.inf",
    "isfinite": "abs(x) < math.inf",
    "isclose": "abs(x - y) <= 1e-9 * abs(y)",
    "fabs": "abs(x)",
    "fmod": "wg.sign(x) * (abs(x) % abs(y))",
    "copysign": "wg.where(y < 0, -abs(x), abs(x))",
    "degrees": "x * (180 / math.pi)",
    "radians": "x * (math.pi / 180)",
    "fsum": "sum(xs)",
    "array": "np.array(xs, dtype=object)",
    "asarray": "np.asarray(xs, dtype=object)",
    "astype": "xs.astype(object)",
}


class Recorded(Operand):
    """A number that is being recorded."""

    if not TYPE_CHECKING:  # for a type checker, the four below would have to be slots
        __slots__ = ()

    _kind: ClassVar[str] = "recorded number"
    _spreads: ClassVar[bool] = True  # what a function does with floats it does when recorded, too
    _tape: "Recording"
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
    def grad(self) -> NoReturn:
        """There is none: gradients are those of Values."""
        raise AttributeError(
            "A recorded number has no gradient and no backward(). Record what computes the result "
            "alone."
        )

    backward = grad

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

    def _binary(self, row: Primitive, x: Any, y: Any) -> Any:
        if row is primitives.mul and isinstance(y if x is self else x, list | tuple | str | bytes):
            return NotImplemented  # [0.0] * n: Python asks for the index
        return super()._binary(row, x, y)

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
            "Write wg.exp(x) for math.exp(x), f'{x:.2f}' for '%.2f' % x, and keep it in arrays of "
            "dtype=object. Recorded code has no plain numbers; where an integer decides what "
            "happens, int(x) gives it.",
            REWRITES,
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


def value_error(where: str) -> OperandError:
    """For a Value among recorded numbers."""
    return OperandError(
        f"{where} meets a Value inside recorded code. A recording takes numbers and its own "
        "arguments: pass the Value's number, x.data, or record the graph itself, wg.record(L)."
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
