"""Sums in a flat list: what a place holds at what time.

Every statement has a time, which counts all that is done before it. So what is read is what was
written to the place last: the value, or the sum with so many of its terms.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import OUTPUT, VALUE, Address, Integers
from wengert.program.statements import Accumulate, Loop, Plain, Run, Statement, While, parts

Timed = tuple[Plain | Run, tuple[int, ...], Address]


def timed(
    statements: Iterable[Statement], counts: tuple[int, ...] = (), time: Address | None = None
) -> Iterator[Timed]:
    """Every statement, the counts of the loops around it, and its time, affine in the counters."""
    now = time or Address(VALUE, 0)
    for statement in statements:
        if isinstance(statement, While):
            raise ProgramError("A program with a while loop has no fixed list of operations.")
        if isinstance(statement, Loop):
            each = sum(map(duration, statement.body))
            inside = Address(VALUE, now.base, (*now.strides, each))
            yield from timed(statement.body, (*counts, statement.count), inside)
        else:
            if isinstance(statement, Accumulate) and statement.target.memory == OUTPUT:
                raise ProgramError("A program that accumulates into its outputs has no flat list.")
            yield statement, counts, now
        now = Address(VALUE, now.base + duration(statement), now.strides)


def duration(statement: Statement) -> int:
    """How much time a statement takes; of a while loop, one iteration."""
    if isinstance(statement, Loop):
        return statement.count * sum(map(duration, statement.body))
    if isinstance(statement, While):
        return sum(duration(below) for part in parts(statement) for below in part)
    return len(statement) if isinstance(statement, Run) else 1


class Terms:
    """What is written to each place of the value memory, by time."""

    def __init__(self, each: Sequence[Timed], index: Integers, end: int) -> None:
        self.end = end
        written = [np.empty(0, np.int64)]
        for statement, counts, time in each:
            if isinstance(statement, Run):
                if not statement.outputs:
                    k = np.arange(len(statement))
                    written.append((statement.start + k) * end + time.base + k)
            elif statement.target.memory == VALUE and 0 not in counts:
                places = statement.target.all(counts, index)
                written.append((places * end + time.all(counts, index)).ravel())
        self.written = np.sort(np.concatenate(written))

    def before(self, places: Integers, times: Integers) -> Integers:
        """When each place was last written before a time."""
        at = np.searchsorted(self.written, places * self.end + times) - 1
        last = self.written[at]
        missing = (at < 0) | (last // self.end != places)
        if missing.any():
            place = int(places.ravel()[int(np.argmax(missing))])
            raise ProgramError(f"Nothing is assigned to {VALUE}[{place}], which is read.")
        found: Integers = last % self.end
        return found
