"""Where the places of an address are if a program runs for many examples at once.

First come the numbers that all examples share: the constants, and arguments that are the same for
all. Of what follows each example has its own: its other arguments, the results, and what is
computed on the way. What is never needed at the same time takes the same places, so that a block of
examples stays in the cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from wengert.program.address import CONSTANT, INPUT, OUTPUT, Address, Integers
from wengert.program.dependence import Level, Site, Table, is_sum, reads_of
from wengert.program.program import Program
from wengert.program.statements import Run, While
from wengert.program.storage import Array, Storing
from wengert.run.columns import Leaves
from wengert.run.place import SMALL, Buffer, Place

Span = tuple[int, int]  # from the number of one site to that of another, which is outside


class LaneBuffer(Buffer):
    """How the memory of a block is divided up.

    Args:
        program: any program.
        shared: for each leaf of the arguments, whether it is the same for all examples.

    Attributes:
        leaves: where each leaf of the arguments is; those that are shared come first.
        is_shared: which of them are shared here. If a single address reaches both kinds, none is.
        shared: how many numbers are shared.
        own: how many are not.
    """

    def __init__(self, program: Program, shared: Sequence[bool]) -> None:
        super().__init__(program, Storing(program).storage(lambda level: True, SMALL, apart=True))
        inputs = Leaves.of(program.arguments)
        sizes = [size for _, size in program.arguments.slots()]
        self.is_shared = tuple(shared)
        self._lowest: dict[tuple[Address, tuple[int, ...]], int] = {}
        if not self._are_apart(inputs, Table(program.index)):
            self.is_shared = (False,) * len(sizes)
        self.leaves = [0] * len(sizes)
        self.moved = np.empty(inputs.size, np.int64)  # where each input is
        self.shared = self.size = len(program.constants)
        for kind in (True, False):
            for leaf, (start, size) in enumerate(zip(inputs.starts, sizes, strict=True)):
                if self.is_shared[leaf] == kind:
                    self.leaves[leaf] = self.size
                    self.moved[start : start + size] = np.arange(self.size, self.size + size)
                    self.size += size
            self.shared = self.size if kind else self.shared
        self.starts = {CONSTANT: 0, INPUT: 0, OUTPUT: self.size}
        self.size += self.sizes[OUTPUT]
        self.flat = self._flat()
        self.at = self._arrays()
        self.slots = self._slots()
        self._variables()
        self.own = self.size - self.shared

    # --- arguments --------------------------------------------------------------------------------

    def _are_apart(self, inputs: Leaves, table: Table) -> bool:
        """Whether each address reaches leaves of one kind alone; then they follow each other."""
        if len(set(self.is_shared)) < 2:
            return True
        for site, address, reach in reads_of(INPUT, self.kept.layout.sites, table):
            if reach is None:
                return False
            first, last = inputs.find(reach.low)[0], inputs.find(reach.high)[0]
            if len(set(self.is_shared[first : last + 1])) > 1:
                return False
            self._lowest[address, site.counts] = reach.low
        return True

    def place(self, site: Site, address: Address) -> Place:
        """Where a site finds an address."""
        array = self.kept.sources.get((site, address), self.kept.homes.get(site))
        if array is not None and array.name in self.flat and address.memory not in self.starts:
            start = int(self.kept_at(array, np.array([address.base]))[0])
            return Place(start, 0, (), 1, 1, False, False, address)
        place = super().place(site, address)
        if address.memory != INPUT or not len(self.moved):
            return place
        lowest = self._lowest.get((address, site.counts), 0)
        return replace(place, start=int(self.moved[lowest]) - lowest)

    def given_at(self, memory: str, places: Integers) -> Integers:
        """Where places of the inputs, constants or outputs are."""
        return self.moved[places] if memory == INPUT else super().given_at(memory, places)

    # --- arrays -----------------------------------------------------------------------------------

    def _flat(self) -> dict[str, int]:
        """Arrays that no loop knows of, each with the number of its first value."""
        looped = {array.name for site, array in self._uses() if not _is_straight(site)}
        flat: dict[str, int] = {}
        size = 0
        for array in self.kept.arrays:
            if array.name not in looped:
                flat[array.name], size = size, size + array.size
        return flat

    def _arrays(self) -> dict[str, int]:
        """Where the others start: each where it fits among those that live at the same time."""
        spans: dict[str, Span] = {}
        for site, array in self._uses():
            if array.name not in self.flat:
                start, stop = _nest(site)
                begin, end = spans.get(array.name, (start, stop))
                spans[array.name] = min(begin, start), max(end, stop)
        starts: dict[str, int] = {}
        living: list[tuple[int, int, int]] = []  # start, stop, and when it ends
        top = self.size
        for array in sorted(self.kept.arrays, key=lambda each: spans.get(each.name, (0, 0))):
            if array.name not in spans:
                continue
            begin, end = spans[array.name]
            living = [each for each in living if each[2] > begin]
            at = self.size
            for start, stop, _ in living:
                if start - at >= array.size:
                    break
                at = max(at, stop)
            starts[array.name] = at
            living = sorted([*living, (at, at + array.size, end)])
            top = max(top, at + array.size)
        self.size = top
        return starts

    def _uses(self) -> Iterator[tuple[Site, Array]]:
        """Which site reads or writes to which array."""
        yield from self.kept.homes.items()
        for (site, _), array in self.kept.sources.items():
            yield site, array
        for site, owners in self.kept.owners.items():
            for number in np.flatnonzero(np.bincount(owners[owners >= 0])).tolist():
                yield site, self.kept.arrays[number]

    def start_of(self, array: Array) -> int:
        """Where an array of the storage starts."""
        return self.at[array.name]

    # --- straight stretches -----------------------------------------------------------------------

    def _numbers(self, array: Array, places: Integers) -> Integers:
        """The values of a flat array that places are, as numbers."""
        return self.flat[array.name] + array.offset(places)

    def _slots(self) -> Integers:
        """The place of each value of a flat array."""
        count = sum(array.size for array in self.kept.arrays if array.name in self.flat)
        made, last = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
        now = 0
        for site in filter(_is_straight, self.kept.layout.sites):
            for array, places, times in self._reads(site):
                if array.name in self.flat:
                    numbers = self._numbers(array, places)
                    last[numbers] = np.maximum(last[numbers], now + times)
            places = _results(site)
            home = self.kept.homes.get(site)
            if home is not None and home.name in self.flat:
                numbers, times = self._numbers(home, places), now + np.arange(len(places))
                made[numbers] = np.where(made[numbers] < 0, times, made[numbers])
                last[numbers] = np.maximum(last[numbers], times)
            now += len(places)
        order = np.argsort(made, kind="stable")[int((made < 0).sum()) :]
        slots = np.zeros(count, np.int64)
        slots[order] = np.array(_taken(made[order], last[order]), np.int64) + self.size
        self.size = max(self.size, int(slots.max(initial=0)) + 1)
        return slots

    def _reads(self, site: Site) -> Iterator[tuple[Array, Integers, Integers]]:
        """From which arrays a site outside loops reads which places, and in which of its steps."""
        run = site.statement
        if not isinstance(run, Run):
            for address in site.reads:
                if (array := self.kept.sources.get((site, address))) is not None:
                    yield array, np.array([address.base]), np.zeros(1, np.int64)
        elif (owners := self.kept.owners.get(site)) is not None:
            times = np.repeat(np.arange(len(run)), run.arity)
            for number in np.flatnonzero(np.bincount(owners[owners >= 0])).tolist():
                here = owners == number
                yield self.kept.arrays[number], run.operands[here], times[here]

    def kept_at(self, array: Array, places: Integers) -> Integers:
        """Where an array of the storage has places of the value memory."""
        if array.name in self.flat:
            return self.slots[self._numbers(array, places)]
        return super().kept_at(array, places)

    def results(self, site: Site, run: Run) -> Integers:
        """Where the results of a straight stretch are."""
        home = self.kept.homes.get(site)
        if home is not None and home.name in self.flat:
            return self.kept_at(home, _results(site))
        return super().results(site, run)

    # --- variables --------------------------------------------------------------------------------

    def _variables(self) -> None:
        """Places for what is kept nowhere else, each as long as it lives."""
        spans: dict[Site, Span] = {}
        for site in self.kept.layout.sites:
            if site.target and not (self.is_kept(site) or is_sum(site)):
                spans[site] = site.number, site.number
        for (reader, _), site in self.kept.registers.items():
            (begin, end), (first, last) = spans[site], _life(site, reader)
            spans[site] = min(begin, first), max(end, last)
        sites = sorted(spans, key=lambda site: spans[site])
        lives = np.array([spans[site] for site in sites], np.int64).reshape(-1, 2)
        slots = _taken(lives[:, 0], lives[:, 1])
        for site, slot in zip(sites, slots, strict=True):
            self.variables[site] = self.size + slot
        self.size += max(slots, default=-1) + 1


def _taken(made: Integers, last: Integers) -> list[int]:
    """Places for values, from when each is made, in that order, and when it is last read.

    A place is taken again only after that: what is read in the same step stays.
    """
    slots: list[int] = []
    free: list[int] = []
    size = ended = 0
    ending = np.argsort(last, kind="stable").tolist()
    ends = np.sort(last).tolist()
    for begin in made.tolist():
        while ends[ended] < begin:
            free.append(slots[ending[ended]])
            ended += 1
        if not free:
            free.append(size)
            size += 1
        slots.append(free.pop())
    return slots


def _is_straight(site: Site) -> bool:
    """Whether it stands outside all loops, and its places are known."""
    return not site.levels and not any(address.lookup for address in _addresses(site))


def _addresses(site: Site) -> tuple[Address, ...]:
    return (*site.reads, *([site.target] if site.target else []))


def _results(site: Site) -> Integers:
    """The places that a site outside loops assigns to."""
    if isinstance(site.statement, Run):
        return np.arange(site.statement.start, site.statement.start + len(site.statement))
    return np.array([site.target.base if site.target else 0])


def _nest(site: Site) -> Span:
    """The outermost loop around a site, or the site itself."""
    if site.levels:
        return site.levels[0].start, site.levels[0].stop
    return site.number, site.number + 1


def _life(writer: Site, reader: Site) -> Span:
    """From when to when the result of a site is kept for a reader.

    A loop in which it is read reads it each round. The parts of a while loop take turns, in another
    order than that of the text, so what one leaves to another is kept all the while.
    """
    for level in writer.levels:
        if isinstance(level.loop, While) and _part(level, writer) != _part(level, reader):
            return level.start, level.stop - 1
    if len(reader.levels) > len(writer.levels):
        return writer.number, reader.levels[len(writer.levels)].stop - 1
    return writer.number, reader.number


def _part(level: Level, site: Site) -> int:
    """Which of the parts of a while loop a site stands in."""
    starts = [_first(part) for part in level.parts]
    return max(k for k, start in enumerate(starts) if start is not None and start <= site.number)


def _first(part: Sequence[Site | Level]) -> int | None:
    """The number of the first site of a part."""
    if not part:
        return None
    return part[0].start if isinstance(part[0], Level) else part[0].number
