"""Memory for calls of a kernel with few numbers, of which nothing has to be made ready again.

To find out where an array is, and to tell a kernel so, takes as long as a hundred operations. So
numbers are copied to an array whose place the kernel has been told, and its results from there.
"""

from dataclasses import dataclass
from struct import Struct

import numpy as np

from wengert.program.structure import Floats
from wengert.run.columns import LEAVES, WORDS, address

ROOM = 256  # numbers of arguments and results
WHOLE = Struct(f"{LEAVES + 2 * WORDS}q").pack  # the table where arguments and results are a column


@dataclass(frozen=True)
class Desk:
    """What one call at a time uses.

    Args:
        given: the arguments.
        results: the results.
        why: why the example failed, in the first byte; 0 if it did not.
        table: what the kernel is told.
        scratch: its memory, and where that is.
    """

    given: Floats
    results: Floats
    why: Floats
    table: bytes
    scratch: tuple[Floats, int]


def desk(
    sizes: tuple[int, int], tables: tuple[int, int], stop: int, scratch: tuple[Floats, int]
) -> Desk:
    """A new one.

    Args:
        sizes: how many arguments and results there are.
        tables: where constants and indices are.
        stop: where a kernel looks whether to stop.
        scratch: its memory.
    """
    count, results = sizes
    memory = np.zeros(count + results + 1)
    at = address(memory)
    end = at + 8 * count
    table = WHOLE(stop, end + 8 * results, *tables, at, 1, 1, end, 1, 1)
    return Desk(memory[:count], memory[count:-1], memory[-1:], table, scratch)
