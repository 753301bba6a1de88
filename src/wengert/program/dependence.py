"""Which statement produces what an address reads, and in which iteration of the loops around both.

Every place is assigned once, so the only question is whether a target and an address that is read
can be the same place: one linear equation in the counters of the loops, each within its range.
An accumulation both reads its target and writes it: so it comes after what starts the sum and after
the earlier accumulations into it, and before what reads the sum.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import gcd

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import (
    CONSTANT,
    INPUT,
    OUTPUT,
    VALUE,
    Address,
    Extent,
    Integers,
    Lookup,
    distinct,
    grid,
    span,
)
from wengert.program.equation import solvable
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Loop, Plain, Run, Statement, While, reads

UNBOUNDED = 1 << 60  # the count of a loop that runs as long as its condition holds
FEW = 64  # places of one address that are always looked at one by one
TABULATED = 1 << 22  # and if need be


@dataclass(eq=False)
class Level:
    """A loop where it stands in the text.

    Args:
        loop: the statement.
        depth: how many loops are around it.
        start: the number of its first site.
        stop: the number of the first site behind it.
        parts: its bodies.
    """

    loop: Loop | While
    depth: int
    start: int
    stop: int = 0
    parts: tuple[tuple["Site | Level", ...], ...] = field(default=(), repr=False)

    def sites(self) -> Iterator["Site"]:
        """The statements in it."""
        waiting: list[Site | Level] = [self]
        while waiting:
            item = waiting.pop()
            if isinstance(item, Level):
                waiting += [below for part in reversed(item.parts) for below in reversed(part)]
            else:
                yield item


@dataclass(eq=False)
class Site:
    """A statement where it stands in the text, with the loops around it, outermost first.

    The condition of a while loop is a site too, one that only reads.
    """

    number: int
    statement: Plain | Run | While
    levels: tuple[Level, ...] = field(default=(), repr=False)
    counts: tuple[int, ...] = ()
    target: Address | None = None
    reads: tuple[Address, ...] = ()


def sites_of(tree: Iterable[Site | Level]) -> Iterator[Site]:
    """The statements of a tree, or of some of it, in order."""
    for item in tree:
        if isinstance(item, Level):
            yield from item.sites()
        else:
            yield item


def is_sum(site: Site) -> bool:
    """Whether it accumulates."""
    return isinstance(site.statement, Accumulate)


@dataclass
class Layout:
    """The sites of a program, as a list in the order of the text and as a tree."""

    tree: tuple[Site | Level, ...] = ()
    sites: list[Site] = field(default_factory=list)


def layout(program: Program) -> Layout:
    """Every statement of a program at its place in the text, but for what is never run."""
    found = Layout()
    found.tree = tuple(_placed(program.statements, (), (), found.sites))
    return found


def _placed(
    statements: Iterable[Statement],
    levels: tuple[Level, ...],
    counts: tuple[int, ...],
    sites: list[Site],
) -> Iterator[Site | Level]:
    for statement in statements:
        if isinstance(statement, Loop):
            if statement.count > 0:
                level = Level(statement, len(levels), len(sites))
                below = (*levels, level), (*counts, statement.count)
                level.parts = (tuple(_placed(statement.body, *below, sites)),)
                level.stop = len(sites)
                if level.stop > level.start:
                    yield level
        elif isinstance(statement, While):
            level = Level(statement, len(levels), len(sites))
            inside, once = (*levels, level), (*counts, 1)
            always = inside, (*counts, UNBOUNDED)
            first = tuple(_placed(statement.first, inside, once, sites))
            test = tuple(_placed(statement.test, *always, sites))
            condition = Site(len(sites), statement, *always, reads=(statement.condition,))
            sites.append(condition)
            body = tuple(_placed(statement.body, *always, sites))
            last = tuple(_placed(statement.last, *always, sites))
            level.parts = (first, (*test, condition), body, last)
            level.stop = len(sites)
            yield level
        else:
            site = Site(len(sites), statement, levels, counts)
            if not isinstance(statement, Run):
                site.target, site.reads = statement.target, reads(statement)
                if isinstance(statement, Accumulate):
                    site.reads = (statement.target, *site.reads)
                if site.target.memory in (INPUT, CONSTANT):
                    raise ProgramError(f"A statement assigns to {site.target.memory} memory.")
            sites.append(site)
            yield site


# --- extents --------------------------------------------------------------------------------------


class Table:
    """The index table, which remembers what it was asked."""

    def __init__(self, index: Integers) -> None:
        self.index = index
        self._known: dict[tuple[Lookup, tuple[int, ...]], tuple[int, int, int, int]] = {}

    def entries(self, lookup: Lookup, counts: Sequence[int]) -> tuple[int, int, int, int]:
        """Of the entries that an address may add: one, the least, the most, and how they step."""
        key = lookup, tuple(counts)
        if key not in self._known:
            entries = self._entries(lookup, counts)
            some, least = int(entries.flat[0]), int(entries.min())
            step = int(np.gcd.reduce(entries - least, axis=None))
            self._known[key] = some, least, int(entries.max()), step
        return self._known[key]

    def _entries(self, lookup: Lookup, counts: Sequence[int]) -> Integers:
        if len(lookup.strides) != len(counts):
            raise ProgramError(
                f"A lookup has {len(lookup.strides)} strides inside {len(counts)} loops."
            )
        moving = [(s, n) for s, n in zip(lookup.strides, counts, strict=True) if s and n > 1]
        strides, counts = [s for s, _ in moving], [n for _, n in moving]
        low, high = span(lookup.start, strides, counts)
        if UNBOUNDED in counts:  # looked at again when it is run
            low, high = max(low, 0), min(high, len(self.index) - 1)
        if low < 0 or high >= len(self.index) or low > high:
            raise ProgramError(
                f"A lookup reaches from {low} to {high} in an index table of {len(self.index)}."
            )
        if size_of(counts) > TABULATED:
            return self.index[low : high + 1]
        return self.index[grid(lookup.start, strides, counts)]


def extent(
    address: Address, counts: Sequence[int], table: Table, moving: int | None = None
) -> Extent:
    """Where an address ranges; with `moving`, while the counters of the levels up to it are 0."""
    if len(address.strides) != len(counts):
        raise ProgramError(
            f"An address has {len(address.strides)} strides inside {len(counts)} loops."
        )
    first = 0 if moving is None else moving + 1
    strides, counts_then = address.strides[first:], counts[first:]
    low, high = span(address.base, strides, counts_then)
    step = gcd(*(s for s, n in zip(strides, counts_then, strict=True) if n > 1))
    if address.lookup:
        _, least, most, apart = table.entries(address.lookup, counts)
        low, high, step = low + least, high + most, gcd(step, apart)
    return Extent(low, high, step)


def bounded(address: Address, counts: Sequence[int]) -> bool:
    """Whether its range is known before the program runs: no while loop moves it."""
    strides = [*zip(address.strides, counts, strict=True)]
    if address.lookup:
        strides += zip(address.lookup.strides, counts, strict=True)
    return not any(stride and count == UNBOUNDED for stride, count in strides)


def reads_of(
    memory: str, sites: Iterable[Site], table: Table
) -> Iterator[tuple[Site, Address, Extent | None]]:
    """What reads a memory, and where it reaches; None if a while loop decides that."""
    for site in sites:
        for address in site.reads:
            if address.memory == memory:
                known = bounded(address, site.counts)
                yield site, address, extent(address, site.counts, table) if known else None


# --- places ---------------------------------------------------------------------------------------


def places_of(address: Address, counts: Sequence[int], table: Table) -> Integers:
    """Every place of an address, as an array with one axis per loop that moves it."""
    levels = moving(address, counts)
    lookup = address.lookup and Lookup(
        address.lookup.start, tuple(address.lookup.strides[k] for k in levels)
    )
    strides = tuple(address.strides[k] for k in levels)
    moved = Address(address.memory, address.base, strides, lookup)
    return moved.all([counts[k] for k in levels], table.index)


def moving(address: Address, counts: Sequence[int]) -> list[int]:
    """The loops that move an address."""
    strides = address.lookup.strides if address.lookup else address.strides
    return [k for k, n in enumerate(counts) if n > 1 and (address.strides[k] or strides[k])]


def _moving_size(address: Address, counts: Sequence[int]) -> int:
    return size_of([counts[k] for k in moving(address, counts)])


def unassigned(memory: str, place: int) -> ProgramError:
    """For a place that is read and never written."""
    return ProgramError(f"Nothing is assigned to {memory}[{place}].")


def meets(
    a: Address, a_counts: Sequence[int], b: Address, b_counts: Sequence[int], depth: int = 0
) -> bool:
    """Whether two addresses can be the same place; without lookups.

    The outer loops up to `depth` are around both, and at the same counters; the others at any.
    """
    pairs = zip(a.strides[:depth], b.strides[:depth], a_counts, strict=False)
    terms = [(s - t, n - 1) for s, t, n in pairs]
    terms += [(s, n - 1) for s, n in zip(a.strides[depth:], a_counts[depth:], strict=True)]
    terms += [(-t, n - 1) for t, n in zip(b.strides[depth:], b_counts[depth:], strict=True)]
    return solvable(terms, b.base - a.base)


def carriers(writer: Site, read: Address, reader: Site, depth: int, table: Table) -> set[int]:
    """The levels from `depth` on at whose later iterations a read finds what a site has written.

    The level after the last common one stands for the same iteration. The loops outside `depth`
    are at the same iteration for both.
    """
    target = writer.target
    if target is None or target.memory != read.memory:
        return set()
    common = common_levels(writer, reader)
    levels = range(depth, common + 1)
    if target.lookup or read.lookup:
        return _tabulated(writer, read, reader, depth, table.index)
    return {level for level in levels if _carried(writer, target, read, reader, level, common)}


def precedes(first: Site, touched: Address, then: Site, address: Address) -> bool:
    """Whether a site may touch a place before another does; without lookups.

    Each touches what the address behind it means. Within one statement, nothing comes before.
    """
    common = common_levels(first, then)
    return any(
        _carried(first, touched, address, then, level, common) for level in range(common + 1)
    )


def crosses(a: Site, its: Address, b: Site, address: Address, depth: int) -> bool:
    """Whether two statements of a loop may touch one place in different rounds of it.

    In the loops around it, it is the same round; without lookups.
    """
    return leaves(a, its, b, address, depth) or leaves(b, address, a, its, depth)


def leaves(
    first: Site, touched: Address, then: Site, address: Address, depth: int, as_one: bool = False
) -> bool:
    """Whether a round of a loop may touch a place that a statement of a later round does, too.

    With `as_one`, two loops at this depth are taken for one.
    """
    if not meets(touched, first.counts, address, then.counts, depth):
        return False
    common = depth + 1 if as_one else common_levels(first, then)
    return _carried(first, touched, address, then, depth, common)


def same_round(a: Address, b: Address, counts: Sequence[int]) -> bool:
    """Whether two addresses can be the same place at the same counters."""
    return bool(a.lookup or b.lookup) or meets(a, counts, b, counts, len(counts))


def common_levels(a: Site, b: Site) -> int:
    """How many loops are around both."""
    pairs = zip(a.levels, b.levels, strict=False)
    return next(
        (k for k, (x, y) in enumerate(pairs) if x is not y), min(len(a.levels), len(b.levels))
    )


def _carried(
    writer: Site, target: Address, read: Address, reader: Site, level: int, common: int
) -> bool:
    if level == common and writer.number >= reader.number:
        return False
    pairs = [*zip(target.strides[:common], read.strides[:common], strict=True)]
    terms = [(t - r, n - 1) for (t, r), n in zip(pairs[:level], writer.counts, strict=False)]
    inner = level
    total = read.base - target.base
    if level < common:  # read at counter i + d, d = 1 + e: t·i - r·(i + 1 + e)
        t, r = pairs[level]
        count = writer.counts[level]
        if count < 2:
            return False
        terms += [(t - r, count - 2), (-r, count - 2)]
        total += r
        inner += 1
    for s, n in zip(target.strides[inner:], writer.counts[inner:], strict=True):
        terms.append((s, n - 1))
    for s, n in zip(read.strides[inner:], reader.counts[inner:], strict=True):
        terms.append((-s, n - 1))
    return solvable(terms, total)


def _tabulated(writer: Site, read: Address, reader: Site, depth: int, index: Integers) -> set[int]:
    """`carriers`, by looking at every place."""
    common = common_levels(writer, reader)
    last = common + (writer.number < reader.number)  # else its own iteration is too late
    if max(size_of(writer.counts), size_of(reader.counts)) > TABULATED:
        return set(range(depth, last))
    assert writer.target is not None
    written = writer.target.all(writer.counts, index).ravel()
    wanted = read.all(reader.counts, index).ravel()
    places = distinct(wanted)
    before = _Instances(written, places, writer.counts)
    after = _Instances(wanted, places, reader.counts)
    return {level for level in range(depth, last) if before.precede(after, level, common)}


class _Instances:
    """The iterations of a site in which it touches some of these places."""

    def __init__(self, touched: Integers, places: Integers, counts: Sequence[int]) -> None:
        self.counts = counts
        at = np.minimum(np.searchsorted(places, touched), len(places) - 1)
        self.number = np.flatnonzero(places[at] == touched)  # of the iteration
        self.place = at[self.number]

    def precede(self, others: "_Instances", level: int, common: int) -> bool:
        """Whether a place is touched here in an earlier iteration of a loop than there.

        In those around it, of which they have the counters in common, it is the same iteration.
        """
        mine, theirs = self._groups(level), others._groups(level)
        if level == common:
            return bool(np.isin(mine, theirs).any())
        groups = distinct(np.concatenate((mine, theirs)))
        first = np.full(len(groups), self.counts[level])
        final = np.full(len(groups), -1)
        np.minimum.at(first, np.searchsorted(groups, mine), self._counter(level))
        np.maximum.at(final, np.searchsorted(groups, theirs), others._counter(level))
        return bool((first < final).any())

    def _groups(self, level: int) -> Integers:
        """A number for the place and the counters of the loops outside a level."""
        around = size_of(self.counts[:level])
        groups: Integers = self.place * around + self.number // size_of(self.counts[level:])
        return groups

    def _counter(self, level: int) -> Integers:
        counters: Integers = self.number // size_of(self.counts[level + 1 :]) % self.counts[level]
        return counters


def size_of(counts: Sequence[int]) -> int:
    """How many iterations there are, as a Python integer."""
    size = 1
    for count in counts:
        size *= count
    return size


# --- many targets ---------------------------------------------------------------------------------


def memory_of(memory: str, levels: Sequence[Level]) -> str | Level:
    """A memory by name, or the while loop inside which it is that loop's own."""
    for level in reversed(levels):
        if isinstance(level.loop, While) and level.loop.local == memory:
            return level
    return memory


class _Group:
    """The targets in one memory."""

    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.extents: list[Extent] = []
        self._columns: tuple[Integers, Integers, Integers] | None = None

    def add(self, site: Site, reach: Extent) -> None:
        self.sites.append(site)
        self.extents.append(reach)

    def near(self, reach: Extent) -> list[Site]:
        """Those whose extent has a place in common with this one."""
        if self._columns is None:
            clipped = np.array([_clipped(e) for e in self.extents], np.int64).reshape(-1, 3)
            self._columns = clipped[:, 0], clipped[:, 1], clipped[:, 2]
        lows, highs, steps = self._columns
        low, high, own = _clipped(reach)
        step = np.gcd(steps, own)
        apart = np.abs(lows - low)
        fits = np.where(step > 0, apart % np.maximum(step, 1) == 0, apart == 0)
        found = np.flatnonzero((lows <= high) & (highs >= low) & fits)
        return [self.sites[k] for k in found.tolist()]


class Targets:
    """The targets of many sites, to be asked which assignment an address may meet.

    Accumulations are among the sites, and never the answer: a sum is found where it starts.
    """

    def __init__(self, sites: Iterable[Site], values: int, table: Table) -> None:
        self.table, self.values = table, values
        self._owners: Integers | None = None
        self.sites: list[Site] = []
        extents: list[Extent] = []
        for site in sites:
            if isinstance(site.statement, Run):
                if not site.statement.outputs:
                    stop = site.statement.start + len(site.statement)
                    self.sites.append(site)
                    extents.append(Extent(site.statement.start, stop - 1, 1))
            elif site.target is not None and site.target.memory != OUTPUT:
                self.sites.append(site)
                extents.append(extent(site.target, site.counts, table))
        self.extents = dict(zip(self.sites, extents, strict=True))
        self._assigned = values + sum(
            _moving_size(site.target, site.counts)
            for site in self.sites
            if site.target and site.target.memory == VALUE
        )
        self.groups: dict[str | Level, _Group] = {}
        for site, reach in self.extents.items():
            if is_sum(site):
                continue
            memory = memory_of(site.target.memory if site.target else VALUE, site.levels)
            self.groups.setdefault(memory, _Group()).add(site, reach)

    def met(
        self, address: Address, counts: Sequence[int], levels: Sequence[Level] = ()
    ) -> list[Site]:
        """The sites that assign to a place which the address may read inside these loops.

        Raises:
            ProgramError: it reads a place that is known to have no value.
        """
        group = self.groups.get(memory_of(address.memory, levels))
        if group is None:
            return []
        longest = TABULATED if address.lookup else FEW
        if address.memory == VALUE and _moving_size(address, counts) <= longest:
            owners = self.owners()
            if owners is not None:
                places = places_of(address, counts, self.table)
                found = distinct(owners[places])
                if found[0] < 0:
                    raise unassigned(VALUE, int(places.flat[owners[places].argmin()]))
                return [self.sites[k] for k in found.tolist()]
        candidates = group.near(extent(address, counts, self.table))
        if address.lookup:
            return candidates
        return [site for site in candidates if _may_hold(site, address, counts)]

    def owners(self) -> Integers | None:
        """For each place of the value memory the number of its site, -1 for none.

        None where that would be too long a list.
        """
        if self._owners is None and self._assigned <= TABULATED:
            self._owners = np.full(self.values, -1, dtype=np.int64)
            for k, site in enumerate(self.sites):
                if isinstance(site.statement, Run):
                    start = site.statement.start
                    self._owners[start : start + len(site.statement)] = k
                elif site.target and site.target.memory == VALUE and not is_sum(site):
                    self._owners[places_of(site.target, site.counts, self.table)] = k
        return self._owners

    def holds(self, site: Site, places: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of some places are among the site's targets."""
        reach = self.extents[site]
        inside = (places >= reach.low) & (places <= reach.high)
        inside &= (places - reach.low) % reach.step == 0 if reach.step else places == reach.low
        target = site.target
        if target is None:
            return inside
        if reach.step and reach.width // reach.step + 1 == size_of(site.counts):
            return inside  # it fills its extent
        candidates = np.flatnonzero(inside)
        if size_of(site.counts) <= TABULATED:
            written = target.all(site.counts, self.table.index)
            inside[candidates] = np.isin(places[candidates], written)
        elif not target.lookup:
            for k in candidates.tolist():
                place = Address(target.memory, int(places[k]))
                inside[k] = meets(target, site.counts, place, ())
        return inside


def _may_hold(site: Site, address: Address, counts: Sequence[int]) -> bool:
    if site.target is None or site.target.lookup:
        return True
    return meets(site.target, site.counts, address, counts)


def _clipped(extent: Extent) -> Extent:
    """What of an extent is within what columns can hold; its places stay whole steps apart."""
    low, high, step = extent
    if low < -UNBOUNDED:
        low += -((low + UNBOUNDED) // max(step, 1)) * step
    return Extent(min(low, UNBOUNDED), min(high, UNBOUNDED), min(step, UNBOUNDED))
