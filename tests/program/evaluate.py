"""A second evaluator: the flat list that a program means, one operation after the other."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from wengert.errors import PathChanged
from wengert.program.program import Program
from wengert.program.statements import Assign, Guard, Run, reads


Changed = Callable[[int, float], None]


def items(program: Program) -> Iterator[Assign | Guard]:
    """The operations of a program, in record order."""
    for statement in program.expand().statements:
        yield from statement if isinstance(statement, Run) else [statement]


def raising(place: int, result: float) -> None:
    """The usual answer to a guard that does not hold."""
    raise PathChanged(place)


def evaluate(
    program: Program, inputs: Sequence[float], changed: Changed = raising
) -> list[float]:
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


def bits(numbers: Sequence[float]) -> list[int]:
    """What is the same for equal numbers; zeros differ by sign, and all NaN are one."""
    array = np.array(numbers, dtype=np.float64)
    array[np.isnan(array)] = np.nan
    return array.view(np.int64).tolist()
