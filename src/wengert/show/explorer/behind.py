"""What stands behind a page: a graph of Values, or a Program with its arguments.

It gives the tape, and a live page moves leaves of it. A leaf is known by its place in the tape.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.graph import topological_order
from wengert.program.program import Program
from wengert.program.record import record
from wengert.show.explorer.of_programs import names_of, of_program
from wengert.show.explorer.of_values import of_values
from wengert.show.explorer.tape import Floats, Tape
from wengert.value import Value

Leaves = Iterable[tuple[int, float]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Behind(Protocol):
    """What a page shows.

    Attributes:
        tape: all of it, with the numbers as they were last read.
        follows: whether it can take another path, where comparisons come out otherwise.
    """

    tape: Tape
    follows: bool

    def movable(self) -> Mask:
        """Per value, whether it can be given another number."""
        ...

    def move(self, leaves: Leaves) -> None:
        """Give leaves other numbers."""
        ...

    def put(self, leaf: Any, number: float) -> int:
        """Give a leaf another number, by what users call it; its place, -1 where nothing uses it.

        Raises:
            OperandError: there is no such leaf.
        """
        ...

    def read(self, path: bool = True) -> None:
        """Read all numbers again.

        Args:
            path: the path too, where that may have changed.
        """
        ...


def behind(target: Any, args: Sequence[Any], limit: int) -> "ValuesBehind | ProgramBehind":
    """What is to be explored.

    Args:
        target: a Value or a list of them, a Program, or a function.
        args: the arguments of the latter two.
        limit: how many cells a group may show before it is folded into smaller ones.

    Raises:
        OperandError: the target is none of these, or the arguments do not go with it.
    """
    if isinstance(target, Program):
        return ProgramBehind(target, target.bound(args, {}), limit)
    if callable(target) and not isinstance(target, Value):
        return ProgramBehind(record(target, *args), args, limit, target)
    if args:
        raise OperandError(
            "explore() of a Value takes no arguments; those are for functions and Programs."
        )
    return ValuesBehind(_values_in(target), limit)


def _values_in(target: Any) -> list[Value]:
    given = target.ravel().tolist() if isinstance(target, np.ndarray) else target
    roots = list(given) if isinstance(given, list | tuple) else [given]
    for root in roots:
        if not isinstance(root, Value):
            raise OperandError(
                "explore() starts from a Value, a list of Values, a Program and its arguments, or "
                f"a function and its arguments, not from {describe(root)}."
            )
    if not roots:
        raise OperandError("explore() starts from at least one Value, and the list is empty.")
    return list(dict.fromkeys(roots))


class ValuesBehind:
    """A graph of Values, whose data and gradients follow."""

    follows = False

    def __init__(self, roots: Sequence[Value], limit: int) -> None:
        self.roots = roots
        self.values = topological_order(*roots)
        self.tape = of_values(self.values, roots, limit)

    def movable(self) -> Mask:
        """Per value, whether it is a leaf."""
        return self.tape.ops < 0

    def move(self, leaves: Leaves) -> None:
        """Give leaves other data, compute all from them, and fill the first root's gradients."""
        for k, number in leaves:
            self.values[k].data = number
        for root in self.roots:
            root.forward()
        for node in self.values:
            node.grad = 0.0
        self.roots[0].backward()

    def put(self, leaf: Any, number: float) -> int:
        """Give a leaf, or the one of that label, another number; its place.

        Raises:
            OperandError: it is no leaf of the graph.
        """
        named = isinstance(leaf, str)
        for k, node in enumerate(self.values):
            if not node.operands and (node.label == leaf if named else node is leaf):
                self.move([(k, number)])
                return k
        raise OperandError(f"{describe(leaf)} is no leaf of the graph that is explored.")

    def read(self, path: bool = True) -> None:
        """Read data and gradients again."""
        self.tape.data = np.array([node.data for node in self.values])
        self.tape.grad = np.array([node.grad for node in self.values])


class ProgramBehind:
    """A Program and its arguments; of a function, recorded again where it takes another path."""

    def __init__(
        self, program: Program, args: Sequence[Any], limit: int,
        function: Callable[..., Any] | None = None,
    ) -> None:  # fmt: skip
        self.program = program
        self.inputs: Floats = program.arguments.numbers(args, program.name).copy()
        self.function = function
        self.follows = function is not None
        self.limit = limit
        self.tape = of_program(program, self.inputs, limit)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The arguments as they stand."""
        given: tuple[Any, ...] = self.program.arguments.tree(self.inputs)
        return given

    def movable(self) -> Mask:
        """Per value, whether it is one of the arguments' numbers."""
        movable = np.zeros(len(self.tape.ops), bool)
        movable[self.tape.inputs[self.tape.inputs >= 0]] = True
        return movable

    def move(self, leaves: Leaves) -> None:
        """Give arguments other numbers; what follows is computed when it is read."""
        place = np.full(len(self.tape.ops), -1)
        used = np.flatnonzero(self.tape.inputs >= 0)
        place[self.tape.inputs[used]] = used
        for k, number in leaves:
            self.inputs[place[k]] = number

    def put(self, leaf: Any, number: float) -> int:
        """Give one of the arguments' numbers, "x" or "x[3]", another; its place.

        Raises:
            OperandError: there is none of that name.
        """
        names = names_of(self.program)
        if leaf not in names:
            raise OperandError(
                f"{self.program.name}() has no number {leaf!r} among its arguments; they are "
                f"{', '.join(names[:8])}{' ...' * (len(names) > 8)}."
            )
        at = names.index(leaf)
        self.inputs[at] = number
        return int(self.tape.inputs[at])

    def read(self, path: bool = True) -> None:
        """Compute all numbers again.

        Args:
            path: of a function, record the path that it takes now.
        """
        if path and self.function is not None:
            self.program = record(self.function, *self.arguments)
            self.tape = of_program(self.program, self.inputs, self.limit)
            return
        used = self.tape.inputs >= 0
        self.tape.data[self.tape.inputs[used]] = self.inputs[used]
        if self.tape.computed:
            self.tape.evaluate(anew=True)
