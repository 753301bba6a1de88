"""Recordings inside recordings: an operand of one around is taken in as a further input.

An operation belongs to the innermost recording that one of its operands is of. What is computed
from operands of an outer recording alone is therefore written down there, also while an inner one
is going on: the inner one finds it made. Where both meet, the inner recording captures the outer
operand, whichever of those around it that is of.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.program.address import INPUT, coded
from wengert.program.recorded import Recorded, other_tape_error

if TYPE_CHECKING:
    from wengert.program.recording import Recording


class Captured:
    """What a recording has captured: its inputs behind those of its arguments, in order."""

    def __init__(self) -> None:
        self.operands: list[Recorded] = []  # of the recordings around
        self._places: dict[tuple[int, int], int] = {}  # by tape, which the operands keep, and code

    def place(self, operand: Recorded) -> int:
        """The number of an operand among those captured, which it will be if it is new."""
        key = id(operand._tape), operand._code
        place = self._places.setdefault(key, len(self.operands))
        if place == len(self.operands):
            self.operands.append(operand)
        return place

    @property
    def numbers(self) -> list[float]:
        """The example's numbers."""
        return [operand._data for operand in self.operands]


def own(tape: "Recording", operand: Recorded, where: str) -> Recorded:
    """The operand that stands for another one in a recording, captured if need be.

    Raises:
        ProgramError: it is of a recording that is not around this one, or this one captures none.
    """
    if operand._tape is tape:
        return operand
    if not _is_around(operand._tape, tape):
        raise other_tape_error(where)
    if tape.captured is None:
        raise outer_tape_error(where)
    place = len(tape.example) + tape.captured.place(operand)
    return tape.tracer(coded(INPUT, place), operand._data, operand._is_truth)


def innermost(operands: Iterable[Recorded], where: str) -> "Recording":
    """The recording that an operation on some operands belongs to.

    Raises:
        ProgramError: they are not of recordings inside each other.
    """
    tapes = [operand._tape for operand in operands]
    found = tapes[0]
    for tape in tapes:
        if tape is not found and not _is_around(tape, found):
            if not _is_around(found, tape):
                raise other_tape_error(where)
            found = tape
    return found


def joined(row: Primitive, args: tuple[Any, ...]) -> Any:
    """The result of a row on operands of several recordings, and on what else there is."""
    operands = [arg for arg in args if isinstance(arg, Recorded)]
    tape = innermost(operands, row.name)
    taken = [own(tape, arg, row.name) if isinstance(arg, Recorded) else arg for arg in args]
    return next(arg for arg in taken if isinstance(arg, Recorded))._apply(row, tuple(taken))


def _is_around(tape: "Recording", inner: "Recording") -> bool:
    """Whether a recording is going on around another one."""
    around = inner.outer
    while around is not None and around is not tape:
        around = around.outer
    return around is tape and not tape.closed


def outer_tape_error(where: str) -> ProgramError:
    """For an operand of a recording around one that makes a program of its own."""
    return ProgramError(
        f"{where}() meets an operand of the recording around this one, and record() makes a "
        "program that stands alone. Make it an argument of the function that is recorded here, "
        "and pass it when you call the program: record(lambda x, y: ..., 1.0, 2.0)(x, y)."
    )
