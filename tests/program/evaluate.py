"""A second evaluator: one operation after the other, each by its row's scalar function.

`evaluate` goes through the flat list that a program means, `walk` through the tree it is stored as.
Memories are dicts: what is read before it is written, or written twice, is an error here.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.errors import PathChanged
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Plain,
    Run,
    Statement,
    While,
    reads,
)

Changed = Callable[[Guard, float], None]
Apply = Callable[[Primitive, Sequence[Any]], Any]


def raising(guard: Guard, result: float) -> None:
    """The usual answer to a guard that does not hold: an error that says where it stands."""
    raise PathChanged(guard.source)


def evaluate(program: Program, inputs: Sequence[float], changed: Changed = raising) -> list[float]:
    """The outputs, by the flat list; `changed` is told of each guard that does not hold."""
    return walk(program.expand(), inputs, changed)


def walk(program: Program, inputs: Sequence[float], changed: Changed = raising) -> list[float]:
    """The outputs, by going through the tree of loops one iteration after the other."""
    return Walk(program, list(map(float, inputs)), changed).outputs()


def walk_on(program: Program, inputs: Sequence[Any], apply: Apply) -> list[Any]:
    """The outputs on numbers of any kind, on which `apply` does what a row says."""
    return Walk(program, inputs, raising, apply=apply).outputs()


def walked(program: Program, *arguments: Any) -> Any:
    """The results for these arguments, by going through the tree; guards must hold."""
    outputs = walk(program, program.arguments.numbers(arguments).tolist())
    return program.results.tree(np.array(outputs, dtype=float))


def outcome(program: Program, inputs: Sequence[float]) -> tuple[list[int], str]:
    """The bits of the outputs, and where the first guard stands that does not hold.

    A loop that would go on longer ends after 50 rounds.
    """
    broken: list[str] = []
    outputs = Walk(
        program, list(map(float, inputs)), lambda guard, _: broken.append(guard.source), longest=50
    ).outputs()
    return bits(outputs), broken[0] if broken else ""


def items(program: Program) -> Iterator[Assign | Guard]:
    """The operations of a program, in record order."""
    for statement in program.expand().statements:
        yield from statement if isinstance(statement, Run) else [statement]


def bits(numbers: Sequence[float] | float) -> list[int]:
    """What is the same for equal numbers; zeros differ by sign, and all NaN are one."""
    array = np.array(numbers, dtype=np.float64).ravel()
    array[np.isnan(array)] = np.nan
    return array.view(np.int64).tolist()


def _scalar(row: Primitive, numbers: Sequence[float]) -> float:
    return row.scalar(*numbers)


class Walk:
    """One evaluation, by going through the tree."""

    def __init__(
        self, program: Program, inputs: Sequence[Any], changed: Changed,
        longest: int | None = None, apply: Apply = _scalar,
    ) -> None:  # fmt: skip
        self.program, self.changed, self.longest, self.apply = program, changed, longest, apply
        self.memories: dict[str, dict[int, Any]] = {
            INPUT: dict(enumerate(inputs)),
            CONSTANT: dict(enumerate(program.constants.tolist())),
            VALUE: {},
            OUTPUT: {},
        }
        self.do(program.statements, ())

    def outputs(self) -> list[Any]:
        return [self.memories[OUTPUT][k] for k in range(self.program.results.size)]

    def do(self, statements: Iterable[Statement], counters: tuple[int, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Run):
                self.do(statement, counters)
            elif isinstance(statement, Loop):
                for k in range(statement.count):
                    self.do(statement.body, (*counters, k))
            elif isinstance(statement, While):
                self.repeat(statement, counters)
            else:
                self.step(statement, counters)

    def repeat(self, loop: While, counters: tuple[int, ...]) -> None:
        self.memories[loop.local] = {}
        self.do(loop.first, (*counters, 0))
        for k in itertools.count():
            self.do(loop.test, (*counters, k))
            if self.read(loop.condition, (*counters, k)) == 0.0 or k == self.longest:
                break
            self.do(loop.body, (*counters, k))
        self.do(loop.last, (*counters, k))
        del self.memories[loop.local]

    def step(self, statement: Plain, counters: tuple[int, ...]) -> None:
        numbers = [self.read(address, counters) for address in reads(statement)]
        place = statement.target.at(counters, self.program.index)
        if isinstance(statement, Accumulate):
            target = self.memories.setdefault(statement.target.memory, {})
            target[place] += numbers[0]
            return
        expected = numbers.pop() if isinstance(statement, Guard) else None
        result = self.apply(statement.row, numbers) if statement.row else numbers[0]
        target = self.memories.setdefault(statement.target.memory, {})
        assert place not in target, f"{statement.target} is written twice at {place}"
        target[place] = result
        if isinstance(statement, Guard) and result != expected:
            self.changed(statement, result)

    def read(self, address: Address, counters: tuple[int, ...]) -> Any:
        return self.memories[address.memory][address.at(counters, self.program.index)]
