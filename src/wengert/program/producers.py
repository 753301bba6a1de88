"""Which statements write what an address reads, and at which of their counters.

If one statement writes every place that an affine address can read, that statement alone is its
producer, and `counters.py` finds at which of its counters. All else (an address that ranges over
several statements, or is looked up) is answered with every statement it might read.

A *sum*, what an `Accumulate` changes, has no producer. It is final for those that stand behind the
last of its accumulations, where "behind" is asked of the statements outside all loops.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from wengert.program.address import CODES, CONSTANT, INPUT, Address, Extent, Integers, Lookup
from wengert.program.counters import Counters, counters
from wengert.program.draft import Axes, Item, Line, lines
from wengert.program.extents import extent
from wengert.program.statements import Accumulate
from wengert.program.writers import Writers, start_of


class Source(NamedTuple):
    """The one statement that writes what an address reads."""

    line: Line
    counters: Counters

    def same_round(self, around: Axes, depth: int) -> bool:
        """Whether it stands in the same round of the reader's loops down to a depth."""
        own = self.line.axes[:depth]
        if len(own) < depth or len(around) < depth:
            return False
        return all(
            mine.frame is its.frame and (mine.rounds == 1 or self.counters.passes(k))
            for k, (mine, its) in enumerate(zip(own, around, strict=False))
        )


Known = tuple[tuple[Address, ...], tuple[Source | None, ...]]  # what is read, and its sources
NOTHING: Known = (), ()


class Producers:
    """The writers of every memory, to be asked about addresses."""

    def __init__(self, items: Sequence[Item], index: Integers) -> None:
        self.index = index
        self._extents: dict[Line, Extent] = {}
        self._sources: dict[Line, Known] = {}
        self._file(items)

    def _file(self, items: Sequence[Item]) -> None:
        """Find all lines, and what they write."""
        self._items = items
        self._positions: dict[Line, int] = {}
        self.lines = lines(items)
        for line in self.lines:
            if line not in self._extents:
                self._extents[line] = extent(line.target, line.axes, self.index)
        self._group()

    def _group(self) -> None:
        """Put the writers of each memory together."""
        written: dict[str, list[Line]] = {}
        adding: dict[str, list[Line]] = {}
        for line in self.lines:
            written.setdefault(line.target.memory, []).append(line)
            if line.kind is Accumulate:
                adding.setdefault(line.target.memory, []).append(line)
        self.writers = {memory: self._filed(found) for memory, found in written.items()}
        self._sums = {memory: self._filed(found) for memory, found in adding.items()}
        self._met: dict[tuple[str, Extent], list[Line]] = {}
        self._added: dict[tuple[str, Extent], list[Line]] = {}
        self._steady: dict[Line, bool] = {}

    def _filed(self, found: list[Line]) -> Writers:
        return Writers(found, [self._extents[line] for line in found])

    # --- what has changed -------------------------------------------------------------------------

    def drop(self, dead: set[Line]) -> None:
        """Forget statements that nobody reads; who writes what others read stays the same."""
        if any(line.kind is Accumulate for line in dead):
            self._sources = {}  # what was a sum may have one producer now
        self.lines = [line for line in self.lines if line not in dead]
        self._group()

    def move(self, items: Sequence[Item], moved: set[Line]) -> None:
        """Some lines stand elsewhere now, and write elsewhere."""
        for line in moved:
            self._extents.pop(line, None)
        self._sources = {
            line: known for line, known in self._sources.items()
            if line not in moved and not any(s is not None and s.line in moved for s in known[1])
        }  # fmt: skip
        self._file(items)

    def look_up(self, index: Integers) -> None:
        """Addresses look up the same places as before, in another table."""
        self.index = index
        self._group()

    # --- who writes it ----------------------------------------------------------------------------

    def sources(self, line: Line) -> tuple[Source | None, ...]:
        """For each address that a statement reads, the one statement that writes all of it."""
        reads, found = self._sources.get(line, NOTHING)
        if reads is not line.reads:
            before = {id(a): s for a, s in zip(reads, found, strict=True) if s} if reads else {}
            found = tuple([
                before.get(id(address)) or self.source(address, line.axes) for address in line.reads
            ])  # fmt: skip
            self._sources[line] = line.reads, found
        return found

    def source(self, address: Address, around: Axes) -> Source | None:
        """The one statement that writes all that an address reads, if there is one."""
        writers = self.writers.get(address.memory)
        if writers is None:
            return None
        candidates: Iterable[Line] = writers.starting.get(start_of(address), ())
        if address.lookup is None:
            candidates = chain(candidates, self._around(writers, address, around))
        fixed = scope_depth(address.memory, around)
        for line in candidates:
            found = counters(line.target, line.axes, address, around, fixed)
            if found:
                known = self._keeps(line) or self.settled(address, around)
                return Source(line, found) if known else None
        return None

    def _around(self, writers: Writers, address: Address, around: Axes) -> Iterator[Line]:
        yield from writers.around(extent(address, around, self.index))

    def writing(self, line: Line) -> Iterator[list[Line]]:
        """For each address that a statement reads, every statement that may write some of it."""
        for address, source in zip(line.reads, self.sources(line), strict=True):
            if source is not None:
                yield [source.line]
            elif address.memory in self.writers:
                yield self.met(address.memory, self.reach(address, line.axes))
            else:
                yield []

    def possible(self, address: Address, around: Axes) -> list[Line]:
        """Every statement that may write something of what an address reads."""
        found = self.source(address, around)
        if found:
            return [found.line]
        if address.memory not in self.writers:
            return []
        return self.met(address.memory, extent(address, around, self.index))

    def met(self, memory: str, read: Extent) -> list[Line]:
        """Every statement that may write one of these places."""
        key = (memory, read)
        if key not in self._met:
            writers = self.writers.get(memory)
            self._met[key] = writers.meeting(read) if writers else []
        return self._met[key]

    def written(self, line: Line) -> Extent:
        """The places that a statement writes."""
        return self._extents[line]

    def reach(self, address: Address, around: Axes) -> Extent:
        """The places that an address can mean."""
        return extent(address, around, self.index)

    # --- what changes -----------------------------------------------------------------------------

    def sums(self, memory: str) -> list[Extent]:
        """The places that are accumulated to."""
        found = self._sums.get(memory)
        return [self._extents[line] for line in found.lines] if found else []

    def _adding(self, memory: str, read: Extent) -> list[Line]:
        """The accumulations that may change one of these places."""
        key = (memory, read)
        if key not in self._added:
            sums = self._sums.get(memory)
            self._added[key] = sums.meeting(read) if sums else []
        return self._added[key]

    def _keeps(self, line: Line) -> bool:
        """Whether nothing that a statement writes ever changes."""
        if line.target.memory not in self._sums:
            return True
        if line not in self._steady:
            self._steady[line] = not self._adding(line.target.memory, self._extents[line])
        return self._steady[line]

    def settled(self, address: Address, around: Axes) -> bool:
        """Whether what stands at an address never changes once it is written."""
        if address.memory not in self._sums:
            return True
        return not self._adding(address.memory, extent(address, around, self.index))

    def final(self, address: Address, reader: Line) -> bool:
        """Whether what a statement reads at an address does not change any more."""
        if address.memory not in self._sums:
            return True
        adding = self._adding(address.memory, extent(address, reader.axes, self.index))
        return all(self._position(line) < self._position(reader) for line in adding)

    def _position(self, line: Line) -> int:
        """Which of the items outside all loops a statement stands in."""
        if not self._positions:
            items = enumerate(self._items)
            self._positions = {line: k for k, item in items for line in lines((item,))}
        return self._positions[line]

    def all_final(self, line: Line) -> bool:
        """Whether nothing that a statement reads or writes changes any more."""
        if not self._sums:
            return True
        read = zip(line.reads, self.sources(line), strict=True)
        return self._keeps(line) and all(
            source is not None or self.final(address, line) for address, source in read
        )

    def moved(self, source: Source, address: Address, around: Axes) -> Address | None:
        """What the source of something reads, as the reader of that something can read it.

        What is made in a round that is computed again is read through as few places as before.
        """
        if address.memory not in (INPUT, CONSTANT) and _leaves_round(source, around):
            return None
        if self._sums and not self.final(address, source.line):
            return None
        if address.memory not in CODES:
            depth = scope_depth(address.memory, around)
            if not depth and not _in_scope(address.memory, around):
                return None
            if not all(source.counters.passes(k) for k in range(depth)):
                return None
        return source.counters.applied(address)


def _leaves_round(source: Source, around: Axes) -> bool:
    """Whether a source is computed again together with others, and its reader is not."""
    marked = [k for k, axis in enumerate(source.line.axes) if axis.frame.again]
    return bool(marked) and not source.same_round(around, marked[-1] + 1)


def _in_scope(memory: str, around: Axes) -> bool:
    return any(axis.frame.local == memory for axis in around)


def scope_depth(memory: str, around: Axes) -> int:
    """How many of the loops around stand outside the loop whose memory it is."""
    if memory in CODES:
        return 0
    for depth, axis in enumerate(around):
        if axis.frame.local == memory:
            return depth
    return 0


def without_axis(address: Address, depth: int) -> Address:
    """The address outside a loop on whose counter it does not depend, or at its counter 0."""
    strides = address.strides[:depth] + address.strides[depth + 1 :]
    lookup = address.lookup
    if lookup:
        lookup = Lookup(lookup.start, lookup.strides[:depth] + lookup.strides[depth + 1 :])
    return replace(address, strides=strides, lookup=lookup)
