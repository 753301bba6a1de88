"""What the makers of programs have in common."""

import math
from collections.abc import Sequence

import numpy as np

from wengert.program.program import Program
from wengert.program.statements import Statement
from wengert.program.structure import ARRAY, TUPLE, Structure


def from_array(
    statements: Sequence[Statement], values: int, constants: Sequence[float],
    index: Sequence[int], inputs: int, results: int,
) -> Program:  # fmt: skip
    """A program that takes one array and gives one."""
    return Program(
        tuple(statements), values, np.array(constants, float), np.array(index, np.int64),
        Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (inputs,)),)),
        Structure(ARRAY, (results,)),
    )  # fmt: skip


def dense(counts: Sequence[int]) -> tuple[int, ...]:
    """The strides of a block with a place for each setting of the counters."""
    return tuple(math.prod(counts[k + 1 :]) if count > 1 else 0 for k, count in enumerate(counts))
