"""The constants of a program in C: numbers where they are one number, and a table of the rest."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from wengert.interop.c_library import array, number
from wengert.program.address import CONSTANT, Address
from wengert.program.dependence import Site, Table, bounded, extent
from wengert.program.program import Program
from wengert.run.place import Place, one_number

CONSTANTS, INDEX = "c", "table"  # what the tables are called
INT = 1 << 31


class Data:
    """What of the constants and of the index table the statements at some sites read."""

    def __init__(self, program: Program, sites: Iterable[Site], table: Table) -> None:
        self.program, self.table = program, table
        self.constants, self.index = program.constants, program.index
        self.looked_up = False
        ranges = []
        for site in sites:
            for address in (*site.reads, *([site.target] if site.target else [])):
                if address.memory == CONSTANT:
                    if self.literal(address, site.counts):
                        continue
                    ranges.append(self._range(address, site.counts))
                self.looked_up |= address.lookup is not None
        self.lows: list[int] = []  # of each stretch that is kept
        self.highs: list[int] = []
        for low, high in sorted(ranges):
            if self.highs and low <= self.highs[-1] + 1:
                self.highs[-1] = max(self.highs[-1], high)
            else:
                self.lows.append(low)
                self.highs.append(high)
        sizes = [high - low + 1 for low, high in zip(self.lows, self.highs, strict=True)]
        self.starts = [sum(sizes[:k]) for k in range(len(sizes) + 1)]

    def _range(self, address: Address, counts: Sequence[int]) -> tuple[int, int]:
        if not bounded(address, counts):
            return 0, len(self.constants) - 1
        reach = extent(address, counts, self.table)
        return reach.low, reach.high

    def literal(self, address: Address, counts: Sequence[int]) -> str | None:
        """The one number that a constant is at all counters, if it is one."""
        found = one_number(self.program, address, counts, self.table)
        return None if found is None else number(found)

    def place(self, address: Address, counts: Sequence[int]) -> Place:
        """Where the table has a constant that is not one number."""
        low, _ = self._range(address, counts)
        stretch = bisect_right(self.lows, low) - 1
        base = address.base - self.lows[stretch] + self.starts[stretch]
        checked = not bounded(address, counts)
        return Place(0, base, address.strides, 1, self.starts[-1], False, checked, address)

    def lines(self) -> Iterator[str]:
        """The tables."""
        if self.lows:
            kept = [self.constants[a : b + 1] for a, b in zip(self.lows, self.highs, strict=True)]
            yield from array(CONSTANTS, np.concatenate(kept).tolist())
        if self.looked_up:
            small = int(np.abs(self.index).max(initial=0)) < INT
            yield from array(INDEX, self.index.tolist(), "int" if small else "long long")
