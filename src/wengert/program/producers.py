"""Which statements write what an address reads, and at which of their counters.

If one statement writes every place that an affine address can read, that statement alone is its
producer, and `counters.py` finds at which of its counters. All else (an address that ranges over
several statements, or is looked up) is answered with every statement it might read.

A *sum*, what an `Accumulate` changes, has no producer. It is final for those that stand behind the
last of its accumulations, where "behind" is asked of the statements outside all loops.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from wengert.program.address import CODES, CONSTANT, INPUT, Address, Extent, Integers, Lookup, Mask
from wengert.program.counters import Counters, counters
from wengert.program.draft import Axes, Item, Line, lines
from wengert.program.extents import extent
from wengert.program.statements import Accumulate

FEW = 8  # extents that are compared one by one


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


class Sum(NamedTuple):
    """Places that are accumulated to, and the last statement outside all loops that does it."""

    places: Extent
    last: int


class Producers:
    """The writers of every memory, to be asked about addresses."""

    def __init__(self, items: Sequence[Item], index: Integers) -> None:
        self.index = index
        self.lines: list[Line] = []
        self._positions: dict[Line, int] = {}
        self._extents: dict[Line, Extent] = {}
        self._sources: dict[Line, Known] = {}
        self._file(items)

    def _file(self, items: Sequence[Item]) -> None:
        """Find all lines, and what they write."""
        self.lines = []
        for position, item in enumerate(items):
            for line in (item,) if isinstance(item, Line) else lines((item,)):
                self.lines.append(line)
                self._positions[line] = position
                if line not in self._extents:
                    self._extents[line] = extent(line.target, line.axes, self.index)
        self._group()

    def _group(self) -> None:
        """Put the writers of each memory together."""
        written: dict[str, list[Line]] = {}
        sums: dict[str, dict[Extent, int]] = {}
        for line in self.lines:
            memory = line.target.memory
            written.setdefault(memory, []).append(line)
            if line.kind is Accumulate:
                sums.setdefault(memory, {})[self._extents[line]] = self._positions[line]
        self.writers = {
            memory: Writers(found, [self._extents[line] for line in found])
            for memory, found in written.items()
        }
        self._sums = {
            memory: [Sum(places, last) for places, last in found.items()]
            for memory, found in sums.items()
        }
        self._met: dict[tuple[str, Extent], list[Line]] = {}

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
            before = {id(a): s for a, s in zip(reads, found, strict=True) if s is not None}
            found = tuple([
                before.get(id(address)) or self.source(address, line.axes) for address in line.reads
            ])  # fmt: skip
            self._sources[line] = line.reads, found
        return found

    def source(self, address: Address, around: Axes) -> Source | None:
        """The one statement that writes all that an address reads, if there is one."""
        writers = self.writers.get(address.memory)
        return self._source(writers, address, around) if writers else None

    def _source(self, writers: "Writers", address: Address, around: Axes) -> Source | None:
        if address.lookup:
            if not self.settled(address, around):
                return None
            candidates = iter(writers.looked_up.get(_start(address), ()))
        else:
            read = extent(address, around, self.index)
            if self._sums and self._summed(address.memory, read):
                return None
            candidates = writers.around(read)
        fixed = scope_depth(address.memory, around)
        for line in candidates:
            found = counters(line.target, line.axes, address, around, fixed)
            if found:
                return Source(line, found)
        return None

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

    def sums(self, memory: str) -> list[Extent]:
        """The places that are accumulated to."""
        return [found.places for found in self._sums.get(memory, ())]

    # --- what changes -----------------------------------------------------------------------------

    def _summed(self, memory: str, read: Extent, behind: int | None = None) -> bool:
        """Whether places may be accumulated to, at or behind a position."""
        return any(
            found.places.meets(read) and (behind is None or found.last >= behind)
            for found in self._sums.get(memory, ())
        )

    def settled(self, address: Address, around: Axes) -> bool:
        """Whether what stands at an address never changes once it is written."""
        if address.memory not in self._sums:
            return True
        return not self._summed(address.memory, extent(address, around, self.index))

    def final(self, address: Address, reader: Line) -> bool:
        """Whether what a statement reads at an address does not change any more."""
        if address.memory not in self._sums:
            return True
        read = extent(address, reader.axes, self.index)
        return not self._summed(address.memory, read, self._positions[reader])

    def all_final(self, line: Line) -> bool:
        """Whether nothing that a statement reads or writes changes any more."""
        if not self._sums:
            return True
        if not self.settled(line.target, line.axes):
            return False
        return all(self.final(address, line) for address in line.reads)

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


class Writers:
    """The statements that write to one memory.

    What writes at affine places is filed by its step, and by where in a step it starts: a place
    can only belong to a statement that is filed where the place would be.
    """

    def __init__(self, writers: list[Line], extents: list[Extent]) -> None:
        self.lines, self._extents = writers, extents
        self.number = {line: k for k, line in enumerate(writers)}
        self._bounds: tuple[Integers, Integers, Integers] | None = None
        self.looked_up: dict[tuple[str, int, int], list[Line]] = {}
        self._files: dict[int, dict[int, _File]] = {}
        for line, places in zip(writers, extents, strict=True):
            if line.kind is Accumulate:
                continue
            if line.target.lookup:
                self.looked_up.setdefault(_start(line.target), []).append(line)
            else:
                step = places.step
                files = self._files.setdefault(step, {})
                start = places.low % step if step else places.low
                files.setdefault(start, _File()).entries.append((places.low, places.high, line))

    def around(self, read: Extent) -> Iterator[Line]:
        """The statements at affine places among which the one must be that writes all of these."""
        low, high, step = read
        for wide, files in self._files.items():
            if (step % wide if wide else step) == 0:
                file = files.get(low % wide if wide else low)
                if file is not None:
                    yield from file.around(low, high)

    def meeting(self, read: Extent) -> list[Line]:
        """The statements that may write one of these places."""
        return [self.lines[k] for k in self.numbers(read)]

    def numbers(self, read: Extent, among: Mask | None = None) -> list[int]:
        """The numbers of the statements that may write one of these places."""
        if self._bounds is None:
            low, high, step = np.array(self._extents, np.int64).T
            self._bounds = np.ascontiguousarray(low), np.ascontiguousarray(high), step
        lows, highs, steps = self._bounds
        mask = lows <= read.high
        mask &= highs >= read.low
        if among is not None:
            mask &= among
        near = mask.nonzero()[0]
        if len(near) > FEW:
            common = np.gcd(steps[near], read.step)
            apart = lows[near] - read.low
            return near[np.where(common, apart % np.maximum(common, 1), apart) == 0].tolist()
        return [k for k in near.tolist() if self._extents[k].meets(read)]


class _File:
    """Statements with one step whose places, but for where they end, are the same."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, Line]] = []
        self._lows: list[int] = []
        self._tops: list[int] = []

    def around(self, low: int, high: int) -> Iterator[Line]:
        """The statements that start at or before one place, and end at or behind another."""
        if not self._lows:
            self._sort()
        at = bisect_right(self._lows, low)
        while at and self._tops[at - 1] >= high:
            at -= 1
            if self.entries[at][1] >= high:
                yield self.entries[at][2]

    def _sort(self) -> None:
        self.entries.sort(key=lambda entry: entry[0])
        self._lows = [low for low, _, _ in self.entries]
        top = self.entries[0][1]
        for _, high, _ in self.entries:
            top = max(top, high)
            self._tops.append(top)


def _leaves_round(source: Source, around: Axes) -> bool:
    """Whether a source is computed again together with others, and its reader is not."""
    marked = [k for k, axis in enumerate(source.line.axes) if axis.frame.again]
    return bool(marked) and not source.same_round(around, marked[-1] + 1)


def _start(address: Address) -> tuple[str, int, int]:
    """What two looked-up addresses must have in common to mean the same."""
    return address.memory, address.base, address.lookup.start if address.lookup else 0


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
