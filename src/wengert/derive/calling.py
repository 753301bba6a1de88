"""Functions made by transforms: each call records the function anew, so branches are right.

What is recorded is looked up by its content. A derivative is made once for each list of operations
that the function leaves, whatever its arguments are, and run with these.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, update_wrapper
from threading import Lock
from types import MethodType
from typing import Any, Generic, TypeVar

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.node import Node
from wengert.program.program import Program
from wengert.program.record import name_of, record, record_captured
from wengert.program.roll import roll

KEPT = 256  # what transforms have made, the least recently used go first
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transform(Generic[T]):
    """A transform of programs, and its options.

    Args:
        name: what it is called.
        make: from a program, and `taken`, the number of its last arguments that are not the
            caller's, to what it makes: mostly a program.
        options: by name, in order; they can be hashed.
    """

    name: str
    make: Callable[..., T]
    options: tuple[tuple[str, Any], ...] = ()

    def __call__(self, program: Program, taken: int = 0) -> T:
        """The transformed program."""
        return self.make(program, taken=taken, **dict(self.options))


def prepared(program: Program, taken: int = 0) -> Program:
    """What is differentiated: the recording with its loops, simplified."""
    return roll(program).simplify()


def simplified(program: Program, taken: int = 0) -> Program:
    """A program that was given as one: its loops are there, or are not wanted."""
    return program.simplify()


PREPARED, SIMPLIFIED = Transform("prepared", prepared), Transform("simplified", simplified)


class _Made:
    """What transforms have made."""

    def __init__(self) -> None:
        self._known: OrderedDict[Any, Any] = OrderedDict()
        self._lock = Lock()

    def __call__(self, transform: Transform[T], program: Program, taken: int) -> T:
        key = transform, program.key, program.name, program.arguments.makes(), taken
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                known: T = self._known[key]
                return known
        made = transform(program, taken)
        with self._lock:
            self._known[key] = made
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget it all."""
        with self._lock:
            self._known.clear()


made = _Made()


class Transformed:
    """A function that a transform has made from another one.

    Args:
        function: a function of numbers, or one made by a transform.
        transform: the transform.
    """

    def __init__(self, function: Any, transform: Transform[Any]) -> None:
        if not callable(function):
            raise OperandError(
                f"wg.{transform.name} takes a function, a Program or a Value, "
                f"not {describe(function)}."
            )
        self.function, self.transform = function, transform
        update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The result of the transformed function; arguments given by name are held fixed."""
        program, captured = self.programmed(args, named)
        return program(*args, *captured)

    def program(self, *example: Any, **named: Any) -> Program:
        """The program that a call with these arguments runs."""
        program, captured = self.programmed(example, named)
        if captured:
            raise OperandError(
                "A program stands alone, and this one would need operands of the recording around "
                "it. Make them arguments of the function."
            )
        return program

    def programmed(self, args: Sequence[Any], named: dict[str, Any]) -> tuple[Program, list[Any]]:
        """A program, and what it takes behind the arguments."""
        program, captured = recorded(self.function, args, named)
        return made(self.transform, program, len(captured)), captured

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<{self.transform.name} of {name_of(self.function)}>"


def recorded(
    function: Any, args: Sequence[Any], named: dict[str, Any] | None = None
) -> tuple[Program, list[Any]]:
    """The program of a function for some arguments, and what it takes behind these."""
    if isinstance(function, Transformed):
        return function.programmed(args, named or {})
    if isinstance(function, Node):
        return made(PREPARED, record(function, passes=()), 0), []
    if isinstance(function, Program):
        return made(SIMPLIFIED, function, 0), []
    program, captured = record_captured(
        partial(function, **named) if named else function, args, passes=()
    )
    return made(PREPARED, program, len(captured)), captured


def transformed(function: Any, transform: Transform[Program]) -> Any:
    """A function from a function, and a Program from a Program or a graph."""
    if isinstance(function, Node | Program):
        return made(transform, recorded(function, ())[0], 0)
    return Transformed(function, transform)
