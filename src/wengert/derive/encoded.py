"""What the operations of a straight stretch contribute to derivatives, as integers.

native/derive.c reads them, which knows no derivative: for each operation the steps of its partials,
and for each operand the last step, which multiplies a flow (the adjoint of the result, or the
tangent of the operand) with the partial.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from wengert.derive.partials import product
from wengert.derive.sweep import operations_of, passed_by
from wengert.dispatch import Primitive
from wengert.primitives import add
from wengert.program.match import bits
from wengert.program.statements import Operation

MOST_OPERANDS = 8  # of an operation that native/derive.c takes
NOTHING, FLOW_ITSELF, MULTIPLIED = range(3)  # what a flow becomes on its way past an operation
FLOW, RESULT = 0, 1  # in the environment of steps; operands and steps stand behind


class Table:
    """What some operations contribute.

    Args:
        operations: those of a stretch.
    """

    def __init__(self, operations: tuple[Operation, ...]) -> None:
        self._numbers = {each.row: k for k, each in enumerate(operations_of(operations))}
        self._places: dict[bytes, int] = {}
        self._floats: list[float] = []
        rules = [code for operation in operations for code in self._rule(operation)]
        table = [self._numbers[add], len(operations), *rules]
        self.integers = np.array(table, np.int32)
        self.constants = np.array(self._floats, np.float64)

    def _rule(self, operation: Operation) -> list[int]:
        partials = passed_by(operation)
        rule = [operation.reads, len(partials.steps), len(partials.results)]
        for step in partials.steps:
            rule += self._applied(step.row, [self._argument(arg) for arg in step.args])
        for result, depends, needs in zip(
            partials.results, partials.depends, partials.needs, strict=True
        ):
            rule += self._term(result, needs) if depends else [NOTHING, 0, 0, 0]
        return rule

    def _term(self, result: int | float, needs: Sequence[int]) -> list[int]:
        last: list[int] = []

        def apply(row: Primitive, args: tuple[int, ...]) -> int:
            last[:] = self._applied(row, args)
            return RESULT

        partial = result if isinstance(result, float) else self._argument(result)
        itself = product(FLOW, partial, self._constant, apply) == FLOW
        return [FLOW_ITSELF if itself else MULTIPLIED, len(needs), *needs, *(last or (0, 0))]

    def _applied(self, row: Primitive, args: Sequence[int]) -> list[int]:
        return [self._numbers[row], len(args), *args]

    def _argument(self, arg: int | float) -> int:
        return self._constant(arg) if isinstance(arg, float) else RESULT + arg

    def _constant(self, number: float) -> int:
        place = self._places.setdefault(bits(number), len(self._floats))
        if place == len(self._floats):
            self._floats.append(number)
        return -1 - place


@lru_cache(maxsize=64)
def encoded(operations: tuple[Operation, ...]) -> Table:
    """The table of some operations, made once: the stretches of a program often share it."""
    return Table(operations)
