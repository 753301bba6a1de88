"""A second evaluator: the flat list that a program means, one operation after the other."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from wengert.errors import PathChanged
from wengert.program.address import Address
from wengert.program.program import Program
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Run,
    Statement,
    While,
    reads,
)

Changed = Callable[[int, float], None]


def items(program: Program) -> Iterator[Assign | Guard]:
    """The operations of a program, in record order."""
    for statement in program.expand().statements:
        yield from statement if isinstance(statement, Run) else [statement]


def raising(place: int, result: float) -> None:
    """The usual answer to a guard that does not hold."""
    raise PathChanged(place)


def evaluate(program: Program, inputs: Sequence[float], changed: Changed = raising) -> list[float]:
    """The outputs; `changed` is told where a guard does not hold."""
    memories: dict[str, dict[int, float]] = {
        "input": dict(enumerate(map(float, inputs))),
        "constant": dict(enumerate(program.constants.tolist())),
        "value": {},
        "output": {},
    }
    for item in items(program):
        numbers = [memories[a.memory][a.base] for a in reads(item)]
        expected = numbers.pop() if isinstance(item, Guard) else None
        result = item.row.scalar(*numbers) if item.row else numbers[0]
        memories[item.target.memory][item.target.base] = result
        if expected is not None and result != expected:
            changed(item.target.base, result)
    return [memories["output"][k] for k in range(program.results.size)]


def walk(program: Program, inputs: Sequence[float]) -> list[float]:
    """The outputs, by going through the tree of loops one iteration after the other."""
    memories: dict[str, dict[int, float]] = {
        "input": dict(enumerate(map(float, inputs))),
        "constant": dict(enumerate(program.constants.tolist())),
        "value": {},
        "output": {},
    }

    def read(address: Address, counters: tuple[int, ...]) -> float:
        return memories[address.memory][address.at(counters, program.index)]

    def do(statements: Iterable[Statement], counters: tuple[int, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Run):
                do(statement, counters)
            elif isinstance(statement, Loop):
                for k in range(statement.count):
                    do(statement.body, (*counters, k))
            elif isinstance(statement, While):
                memories[statement.local] = {}
                do(statement.first, (*counters, 0))
                for k in itertools.count():
                    do(statement.test, (*counters, k))
                    if read(statement.condition, (*counters, k)) == 0.0:
                        break
                    do(statement.body, (*counters, k))
                do(statement.last, (*counters, k))
            else:
                target = memories[statement.target.memory]
                place = statement.target.at(counters, program.index)
                numbers = [read(address, counters) for address in reads(statement)]
                if isinstance(statement, Accumulate):
                    target[place] = target.get(place, 0.0) + numbers[0]
                    continue
                expected = numbers.pop() if isinstance(statement, Guard) else None
                assert place not in target
                target[place] = statement.row.scalar(*numbers) if statement.row else numbers[0]
                if expected is not None and target[place] != expected:
                    raise PathChanged(statement.source)

    do(program.statements, ())
    return [memories["output"][k] for k in range(program.results.size)]


def bits(numbers: Sequence[float] | float) -> list[int]:
    """What is the same for equal numbers; zeros differ by sign, and all NaN are one."""
    array = np.array(numbers, dtype=np.float64).ravel()
    array[np.isnan(array)] = np.nan
    return array.view(np.int64).tolist()
