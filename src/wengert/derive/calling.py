"""Functions made by transforms: each call records the function anew, so branches are right.

What is recorded is looked up by its content. A derivative is made once for each list of operations
that the function leaves, whatever its arguments are, and run with these. What was made is kept, as
much of it as there is room for. Two functions at different places do not share a derivative: its
messages name the lines, and its text the labels, of the one that it is of.
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
from wengert.program.listing import Listing
from wengert.program.program import Program
from wengert.program.record import listed, name_of, record
from wengert.program.roll import is_scattered, roll

KEPT = 256  # so much of what transforms have made; the least recently used go first
ROOM = 1 << 23  # statements and numbers in all of that, some ten bytes each: mostly under 100 MB
SHORT = 1024  # operations of what is derived as a list in a call
ROUNDS = 24  # and for each statement that it is with its loops
FEW = 32  # and numbers of its arguments: along each of them, a second derivative is a list again
LATEST = 8  # so many stay however large they are: those of one call, also a nested one
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


def prepared(program: Program, loops: bool = True) -> Program:
    """What is differentiated: the recording, simplified, with its loops if these are long.

    Without `loops`, a short one whose loops have few rounds stays a list: to derive these takes
    longer than to derive and run the list.
    """
    rolled = roll(program)
    is_list = is_scattered(rolled) or (not loops and _is_soon_done(rolled))
    return (program if is_list else rolled).simplify()


def _is_soon_done(rolled: Program) -> bool:
    count = len(rolled)
    return rolled.arguments.size <= FEW and count <= min(SHORT, ROUNDS * rolled.size)


def simplified(program: Program, taken: int = 0) -> Program:
    """A program that was given as one: its loops are there, or are not wanted."""
    return program.simplify()


SIMPLIFIED = Transform("simplified", simplified)


class _Made:
    """What transforms have made, by what it was made from."""

    def __init__(self) -> None:
        # with the weight, and the program whose identity is in the key
        self._known: OrderedDict[Any, tuple[Any, int, Program | None]] = OrderedDict()
        self._lock = Lock()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._known)

    def __call__(self, transform: Transform[T], program: Program, taken: int) -> T:
        """What a transform makes of a program: of this object, and so none is compared."""
        key = transform, id(program), taken
        return self._found(key, lambda: transform(program, taken), program)

    def prepared(self, listing: Listing, loops: bool) -> Program:
        """The program of a recording, prepared."""
        key = listing.key()
        if key is not None:
            return self._found((key, loops), lambda: prepared(listing.program(), loops))
        program = listing.program()
        makes = program.arguments.makes(), program.results.makes()
        key = program.key, program.name, makes, loops
        return self._found(key, lambda: prepared(program, loops))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()
            self.weight = 0

    def _found(self, key: Any, make: Callable[[], T], source: Program | None = None) -> T:
        found: T
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                found = self._known[key][0]
                return found
        found = make()
        weight = weight_of(found) + (weight_of(source) if source else 0)
        with self._lock:
            if key in self._known:  # another thread was faster
                found = self._known[key][0]
                return found
            self._known[key] = found, weight, source
            self.weight += weight
            while len(self) > KEPT or (self.weight > ROOM and len(self) > LATEST):
                self.weight -= self._known.popitem(last=False)[1][1]
        return found


def weight_of(made: Any) -> int:
    """How many statements and numbers it consists of, those of its memories included."""
    if isinstance(made, Program):
        return made.size + sum(made.sizes.values()) + len(made.index)
    weight: int = made.weight
    return weight


made = _Made()


def clear_cache() -> None:
    """Forget the derivatives that were made so far; they are made again when they are needed.

    What `wg.grad` and the others have made of a function is kept for the next call, within a bound:
    256 of them, and 8 million statements and numbers (the last 8 are kept in any case).

    Examples:
        >>> import wengert as wg
        >>> from wengert.derive.calling import clear_cache, made
        >>> wg.grad(lambda x: x**2)(3.0)
        6.0
        >>> clear_cache()
        >>> len(made)
        0
    """
    made.clear()


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
        """What a call with these arguments computes, with the loops that are found in it.

        A call on a function of up to a thousand operations computes the same from a list of them,
        and may add up the terms of a derivative in another order.
        """
        program, captured = self.programmed(example, named, loops=True)
        if captured:
            raise OperandError(
                "A program stands alone, and this one would need operands of the recording around "
                "it. Make them arguments of the function."
            )
        return program

    def programmed(
        self, args: Sequence[Any], named: dict[str, Any], loops: bool = False
    ) -> tuple[Program, list[Any]]:
        """A program, and what it takes behind the arguments."""
        program, captured = recorded(self.function, args, named, loops)
        return made(self.transform, program, len(captured)), captured

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<{self.transform.name} of {name_of(self.function)}>"


def recorded(
    function: Any, args: Sequence[Any], named: dict[str, Any] | None = None, loops: bool = False
) -> tuple[Program, list[Any]]:
    """The program of a function for some arguments, and what it takes behind these.

    It has its loops, if they are asked for or long.

    Raises:
        OperandError: it is none.
    """
    if not callable(function) and not isinstance(function, Node):
        raise OperandError(f"A function, a Program or a Value is wanted, not {describe(function)}.")
    if isinstance(function, Transformed):
        return function.programmed(args, named or {}, loops)
    if isinstance(function, Node):
        return prepared(record(function, passes=()), loops), []
    if isinstance(function, Program):
        return made(SIMPLIFIED, function, 0), []
    listing, captured = listed(partial(function, **named) if named else function, args)
    return made.prepared(listing, loops), captured


def transformed(function: Any, transform: Transform[Program]) -> Any:
    """A function from a function, and a Program from a Program or a graph."""
    if isinstance(function, Node | Program):
        return made(transform, recorded(function, ())[0], 0)
    own = getattr(function, "transformed", None)  # a sum over data is one of derivatives
    return Transformed(function, transform) if own is None else own(transform)
