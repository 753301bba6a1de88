"""Arguments laid out so that their arrays begin where vectors do.

A vector that reaches into two lines of the processor's cache costs two loads. The arguments of one
example follow each other in one memory, so that what comes behind an array of odd length is not
where a line begins. Here large arrays are moved to where one does.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from wengert.program.address import INPUT, PLACE, Address, Lookup, in_memory
from wengert.program.dependence import Table, layout, reads_of
from wengert.program.program import Program
from wengert.program.rewrite import rewritten
from wengert.program.statements import Run, Statement
from wengert.program.structure import ARRAY, TUPLE, Floats, Structure
from wengert.run.columns import LINE, Leaves, Numbers, joined

LARGE = 64  # numbers of what is moved


class Blocks(NamedTuple):
    """Where stretches of the arguments' numbers are; of none, where they were.

    Args:
        starts: of each, its first number.
        moved: where that is now.
        size: behind the last one.
        room: behind where that is now.
    """

    starts: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()
    size: int = 0
    room: int = 0

    def place(self, place: int) -> int:
        """Where a number is now."""
        block = bisect_right(self.starts, place) - 1
        return place - self.starts[block] + self.moved[block]

    def laid_out(self, numbers: Numbers) -> Floats:
        """They laid out; themselves if they stay where they are."""
        if not self.room:
            return joined(numbers)
        memory = np.zeros(self.room)
        self.put(numbers, memory)
        return memory

    def put(self, numbers: Numbers, memory: Floats) -> None:
        """Lay them out."""
        if isinstance(numbers, tuple):
            begin = 0
            for array in numbers:
                self._put(array, begin, memory)
                begin += len(array)
        else:
            self._put(numbers, 0, memory)

    def _put(self, numbers: Floats, begin: int, memory: Floats) -> None:
        """Those from one on."""
        end, at = begin + len(numbers), self.place(begin)
        if self.place(end - 1) - at == end - 1 - begin:  # in between, too: blocks move up alone
            memory[at : at + len(numbers)] = numbers
            return
        for (start, stop), at in zip(pairwise((*self.starts, self.size)), self.moved, strict=True):
            first, last = max(start, begin), min(stop, end)
            if first < last:
                there = at + first - start
                memory[there : there + last - first] = numbers[first - begin : last - begin]


IN_ORDER = Blocks()  # all are where they were


def aligned(program: Program) -> tuple[Program, Blocks]:
    """The same program of arguments that are laid out in blocks; of none if they stay as they are.

    Arrays that one address reaches into stay as far apart as they are.
    """
    blocks = _blocks(program)
    if not blocks.room:
        return program, blocks
    memory = Structure(ARRAY, shape=(blocks.room,))
    arguments = Structure(TUPLE, keys=("numbers",), parts=(memory,))
    statements = tuple(_moved(program, blocks))
    return replace(program, arguments=arguments, statements=statements), blocks


def _blocks(program: Program) -> Blocks:
    leaves, table = Leaves.of(program.arguments), Table(program.index)
    starts = {*leaves.starts, 0}
    for _, _, reach in reads_of(INPUT, layout(program).sites, table):
        if reach is None:
            return IN_ORDER
        if leaves.common(reach.low, reach.high) is None:
            starts -= {start for start in starts if reach.low < start <= reach.high}
    ordered = sorted(starts)
    moved, end = [], 0
    for start, next_ in pairwise((*ordered, leaves.size)):
        is_large = next_ - start >= LARGE
        moved.append(-(-end // LINE) * LINE if is_large else end)
        end = moved[-1] + next_ - start
    if leaves.size < LARGE or ordered == moved:
        return IN_ORDER
    return Blocks(tuple(ordered), tuple(moved), leaves.size, -(-end // LINE) * LINE)


def _moved(program: Program, blocks: Blocks) -> Iterator[Statement]:
    def there(
        memory: str, base: int, strides: tuple[int, ...], lookup: Lookup | None,
        counts: tuple[int, ...],
    ) -> Address:  # fmt: skip
        if memory == INPUT:
            first = base + (int(program.index[lookup.start]) if lookup else 0)
            base += blocks.place(first) - first
        return Address(memory, base, strides, lookup)

    for statement in program.statements:
        if isinstance(statement, Run):
            operands = statement.operands.copy()
            read = in_memory(operands, INPUT)
            places = operands[read] & PLACE
            block = np.searchsorted(blocks.starts, places, side="right") - 1
            operands[read] += np.subtract(blocks.moved, blocks.starts)[block]
            yield replace(statement, operands=operands)
        else:
            yield from rewritten([statement], there)
