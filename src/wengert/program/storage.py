"""How long each value lives, and where it is kept until then.

A value that is read only later in the same iteration needs no memory: it is a register. What is
read a few iterations later is kept in a window that moves along with the loop, and the rest in an
array. The places of values that are read through one address share an array, in which a strided
stretch of the value memory becomes dense. A sum lives from the assignment that starts it; what
accumulates into it reads it and keeps it where it is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import gcd
from typing import Any

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import (
    CODES,
    CONSTANT,
    INPUT,
    MEMORIES,
    OUTPUT,
    SHIFT,
    VALUE,
    Address,
    Extent,
    Integers,
    distinct,
    in_memory,
)
from wengert.program.dependence import (
    UNBOUNDED,
    Layout,
    Level,
    Site,
    Table,
    Targets,
    bounded,
    extent,
    is_sum,
    layout,
    unassigned,
)
from wengert.program.program import Program
from wengert.program.row_window import row_window
from wengert.program.statements import Accumulate, Loop, Run, While

FEW = 256  # values that are not worth a window of rows

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Array:
    """Memory for a class of values: place p is kept at `start + (p - first) // step % size`.

    A window is smaller than what is written to it, one place after the other. One of rows keeps
    `rows` of `row` places in turn, and each begins where a multiple of `size // rows` is.
    """

    name: str
    memory: str
    first: int
    step: int
    size: int
    window: bool
    start: int = 0
    row: int = 0
    rows: int = 0

    @property
    def last(self) -> int:
        """The last place that is kept, unless it is a window."""
        return self.first + (self.size - 1) * self.step

    def offset(self, places: Integers) -> Integers:
        """Where places are kept, from the start."""
        numbers = (places - self.first) // self.step
        if not self.rows:
            return numbers % self.size
        return numbers // self.row % self.rows * (self.size // self.rows) + numbers % self.row


@dataclass(frozen=True)
class Storage:
    """Where the values of a program are kept.

    Args:
        arrays: the memory there is, one array after the other.
        homes: the array of each site's result; a site without one is a register or never read.
        sources: the array that a site's operand is read from; none for a register and for what is
            not in the value memory or a loop's own.
        registers: the site whose register a site's operand is.
        owners: the arrays that a run's operands are read from, as numbers, by site.
        layout: the sites.
    """

    arrays: tuple[Array, ...]
    homes: dict[Site, Array]
    sources: dict[tuple[Site, Address], Array]
    registers: dict[tuple[Site, Address], Site]
    owners: dict[Site, Integers]
    layout: Layout

    @property
    def size(self) -> int:
        """How many numbers there is memory for."""
        return self.arrays[-1].start + self.arrays[-1].size if self.arrays else 0

    def kind(self, site: Site) -> str:
        """What holds a site's result: an array, a window or a register."""
        home = self.homes.get(site)
        if home is None:
            return "register"
        return f"{home.name}: {'window' if home.window else 'array'} of {home.size}"

    def __str__(self) -> str:
        return "\n".join([*self._lines(self.layout.tree, ""), f"{self.size:,} numbers in all"])

    def _lines(self, tree: Sequence[Site | Level], indent: str) -> Iterator[str]:
        for item in tree:
            if isinstance(item, Level):
                loop = item.loop
                yield f"{indent}{_headed(loop)}:"
                for part in item.parts:
                    yield from self._lines(part, f"{indent}  ")
            elif item in self.homes or (item.target and item.target.memory != OUTPUT):
                yield f"{indent + _described(item):<32}{self.kind(item)}"


def _headed(loop: Loop | While) -> str:
    return f"for {loop.count}{' again' * loop.again}" if isinstance(loop, Loop) else "while"


def _described(site: Site) -> str:
    statement, target = site.statement, site.target
    if isinstance(statement, Run):
        return f"{len(statement)} in a row"
    assert target is not None
    row = getattr(statement, "row", None)
    name = row.name if row else "sum" if isinstance(statement, Accumulate) else "move"
    return f"{target.memory}[{target.base}] {name}"


@dataclass
class _Class:
    """Sites whose results are kept together, and what reads them."""

    writers: list[Site] = field(default_factory=list)
    readers: list[tuple[Site, Address]] = field(default_factory=list)
    run_reads: list[tuple[Site, Integers]] = field(default_factory=list)


def storage(program: Program, ordered: Callable[[Level], bool] = lambda level: True) -> Storage:
    """Where to keep the values of a program.

    Args:
        program: any program.
        ordered: for which loops the body is run as it stands in the text, one iteration after the
            other. Only such loops can do with registers and windows; by default, all.

    Raises:
        ProgramError: something is read that nothing assigns; or a while loop would need memory
            that grows with the number of its iterations.
    """
    return Storing(program).storage(ordered)


class Storing:
    """What is read of which statement, from which the storage for any order of loops is made.

    Args:
        program: any program.
        placed: its layout, if it is known.
    """

    def __init__(self, program: Program, placed: Layout | None = None) -> None:
        self.sizes = program.sizes
        self.layout = placed = placed or layout(program)
        self.table = Table(program.index)
        self.targets = Targets(placed.sites, program.values, self.table)
        self.ordered: Callable[[Level], bool] = lambda level: True
        self.spare, self.room, self.line, self.by_rows = 0, 1, 1, False
        self.leader = {site: site for site in self.targets.sites}
        self.met: dict[tuple[Site, Address], list[Site]] = {}  # what a site's operand may read
        self.run_reads: list[tuple[Site, Integers, Site]] = []
        self.owned: dict[Site, list[tuple[Integers, Site]]] = {}
        for site in placed.sites:
            self._check(site)
        for site in placed.sites:
            if isinstance(site.statement, Run):
                self._unite_run(site)
            else:
                self._unite(site)

    def _check(self, site: Site) -> None:
        if isinstance(site.statement, Run):
            self._check_run(site.statement)
        for address in (*site.reads, *([site.target] if site.target else [])):
            size = self.sizes.get(address.memory)
            reach = extent(address, site.counts, self.table)
            if size is None:
                if not any(_local(level) == address.memory for level in site.levels):
                    raise ProgramError(f"There is no memory {address.memory!r} here.")
            elif bounded(address, site.counts):
                if reach.low < 0 or reach.high >= size:
                    raise ProgramError(
                        f"An address reaches from {reach.low} to {reach.high} in the "
                        f"{address.memory} memory, which has {size:,} places."
                    )
            elif address is site.target:
                raise ProgramError(
                    f"A while loop assigns to ever new places of the {address.memory} memory."
                )

    def _check_run(self, run: Run) -> None:
        sizes = self.sizes
        memories = run.operands >> SHIFT
        fits = run.start >= 0 and run.start + len(run) <= sizes[OUTPUT if run.outputs else VALUE]
        for memory in CODES:
            here = run.places_in(memory)
            fits &= not len(here) or int(here.max()) < sizes[memory]
        if not fits or not np.isin(memories, list(MEMORIES)).all():
            raise ProgramError("A run reads or assigns to places outside the memories.")

    def kept_with(self, site: Site) -> Site:
        """One site for all those whose results are kept together."""
        while self.leader[site] is not site:
            self.leader[site] = self.leader[self.leader[site]]
            site = self.leader[site]
        return site

    def _unite(self, site: Site) -> None:
        for address in dict.fromkeys(site.reads):
            if address.memory in (INPUT, CONSTANT, OUTPUT):
                continue
            met = self.targets.met(address, site.counts, site.levels)
            if not met:
                raise unassigned(address.memory, address.base)
            leader = self.kept_with(met[0])
            for other in met:
                if self.leader[other] is not leader:
                    self.leader[self.kept_with(other)] = leader
            if is_sum(site) and address == site.target:
                self.leader[self.kept_with(site)] = leader
            self.met[site, address] = met

    def _unite_run(self, site: Site) -> None:
        """What a run reads of each site: its own results, other runs', and those of loops."""
        assert isinstance(site.statement, Run)
        run = site.statement
        places = distinct(run.places_in(VALUE))
        for other, held in self._held(places):
            self.run_reads.append((site, places[held], other))
            self.owned.setdefault(site, []).append((places[held], other))

    def _held(self, places: Integers) -> Iterator[tuple[Site, Mask]]:
        """The sites that assign to some of these places, and to which."""
        owners = self.targets.owners()
        if owners is not None:
            numbers = owners[places]
            if len(places) and numbers.min() < 0:
                raise unassigned(VALUE, int(places[numbers.argmin()]))
            for number in distinct(numbers).tolist():
                yield self.targets.sites[number], numbers == number
            return
        missing = np.ones(len(places), dtype=bool)
        for site in self.targets.sites:
            if (site.target is None or site.target.memory == VALUE) and not is_sum(site):
                held = self.targets.holds(site, places) & missing
                missing &= ~held
                if held.any():
                    yield site, held
        if missing.any():
            raise unassigned(VALUE, int(places[missing][0]))

    def storage(
        self, ordered: Callable[[Level], bool], spare: int = 0, room: int = 1, apart: bool = False,
        line: int = 1, by_rows: bool = False,
    ) -> Storage:  # fmt: skip
        """Where to keep the values if these loops are run in order.

        Classes of up to `spare` values are kept as they are rather than in windows, and windows
        are `room` times as long as they need to be. With `apart`, classes that could share an array
        do so only where that is shorter than one for each. Arrays start at multiples of `line`,
        and so do rows, which windows are made of where that is possible with `by_rows`.
        """
        self.ordered, self.spare, self.room = ordered, spare, room
        self.line, self.by_rows = line, by_rows
        classes: dict[Site, _Class] = {}
        for site in self.targets.sites:
            classes.setdefault(self.kept_with(site), _Class()).writers.append(site)
        for (reader, address), met in self.met.items():
            classes[self.kept_with(met[0])].readers.append((reader, address))
        for run, places, other in self.run_reads:
            classes[self.kept_with(other)].run_reads.append((run, places))
        alone = {
            leader: (self._array(members), members)
            for leader, members in classes.items()
            if not self._register(members)
        }
        numbers: dict[Site, int] = {}
        arrays: list[Array] = []
        for array, leaders in _shared(alone, apart):
            numbers.update(dict.fromkeys(leaders, len(arrays)))
            end = arrays[-1].start + arrays[-1].size if arrays else 0
            start = -(-end // line) * line
            arrays.append(replace(array, name=f"m{len(arrays)}", start=start))
        homes, sources, registers = {}, {}, {}
        for site in self.targets.sites:
            if (at := self.kept_with(site)) in numbers:
                homes[site] = arrays[numbers[at]]
        for read, met in self.met.items():
            if (at := self.kept_with(met[0])) in numbers:
                sources[read] = arrays[numbers[at]]
            else:
                registers[read] = met[0]
        owners = {
            run: self._owners(run, [(p, numbers[self.kept_with(s)]) for p, s in owned])
            for run, owned in self.owned.items()
        }
        return Storage(tuple(arrays), homes, sources, registers, owners, self.layout)

    def _owners(self, site: Site, owned: list[tuple[Integers, int]]) -> Integers:
        """For each operand of a run, the number of its array, or -1."""
        assert isinstance(site.statement, Run)
        codes = site.statement.operands
        places = np.concatenate([p for p, _ in owned])
        numbers = np.concatenate([np.full(len(p), number) for p, number in owned])
        order = np.argsort(places)
        values = in_memory(codes, VALUE)
        owners = np.full(len(codes), -1, dtype=np.int64)
        owners[values] = numbers[order][np.searchsorted(places[order], codes[values])]
        return owners

    # --- registers --------------------------------------------------------------------------------

    def _register(self, members: _Class) -> bool:
        """Whether what a single statement assigns is read only later in the same iteration."""
        writers = [site for site in members.writers if not is_sum(site)]
        if len(writers) != 1 or members.run_reads:
            return False
        (writer,) = writers
        if writer.target is None:
            return False
        return all(self._same_iteration(writer, *reader) for reader in members.readers)

    def _same_iteration(self, writer: Site, reader: Site, address: Address) -> bool:
        target, depth = writer.target, len(writer.levels)
        assert target is not None
        return (
            reader.number > writer.number
            and reader.levels[:depth] == writer.levels
            and reader.counts[:depth] == writer.counts
            and all(self.ordered(level) for level in reader.levels)
            and (address.base, address.strides[:depth]) == (target.base, target.strides)
            and not any(address.strides[depth:])
            and not (address.lookup or target.lookup)
        )

    # --- arrays -----------------------------------------------------------------------------------

    def _array(self, members: _Class) -> Array:
        step, first = self._step(members)
        memory = self._memory(members)
        best: int | None = None
        reaches = [self.targets.extents[site] for site in members.writers]
        if all(reach.width < UNBOUNDED // 2 for reach in reaches):
            reaches += [  # one that a while loop moves is looked at when it is run
                extent(address, site.counts, self.table)
                for site, address in members.readers
                if bounded(address, site.counts)
            ]
            reaches += [Extent(int(p.min()), int(p.max()), 0) for _, p in members.run_reads]
            low = min(reach.low for reach in reaches)
            first = low
            best = (max(reach.high for reach in reaches) - low) // step + 1
        dense = best
        if self.by_rows and best is not None and best > FEW and not members.run_reads:
            touched = [*_accesses(members)]
            if rows := row_window(members.writers, touched, first, step):
                size = rows.count * (-(-rows.length // self.line) * self.line)
                if 2 * size <= best:
                    return Array("", memory, first, step, size, True, 0, rows.length, rows.count)
        if best is None or best > min(self.spare, 4 * self._assigned(members)):
            for size in self._windows(members, step):
                if best is None or size * self.room < best:
                    best = size * self.room
        if best is None:
            raise ProgramError(
                "A while loop reads values of its own from long ago: what it needs to remember "
                "grows with the number of its iterations."
            )
        return Array("", memory, first, step, best, best != dense)

    def _assigned(self, members: _Class) -> int:
        """How many values there are, or more."""
        reaches = (self.targets.extents[site] for site in members.writers)
        return sum(reach.width // (reach.step or 1) + 1 for reach in reaches)

    def _memory(self, members: _Class) -> str:
        target = members.writers[0].target
        return target.memory if target else VALUE

    def _step(self, members: _Class) -> tuple[int, int]:
        """The common divisor of all distances between places, and one of the places."""
        places: list[int] = []
        step = 0
        for site, address in _accesses(members):
            place = address.base
            for stride, count in zip(address.strides, site.counts, strict=True):
                step = gcd(step, stride * (count > 1))
            if address.lookup:
                some, _, _, apart = self.table.entries(address.lookup, site.counts)
                place += some
                step = gcd(step, apart)
            places.append(place)
        for site in members.writers:
            if isinstance(site.statement, Run):
                places.append(site.statement.start)
                step = 1
        for _, read in members.run_reads:
            places += [int(read[0])]
            step = gcd(step, int(np.gcd.reduce(read - read[0])))
        for place in places:
            step = gcd(step, place - places[0])
        return step or 1, places[0]

    def _windows(self, members: _Class, step: int) -> Iterator[int]:
        """The sizes of the windows that would do, each along another loop."""
        if any(writer.target is None for writer in members.writers):
            return
        seen = set()
        for site in members.writers:
            for depth, level in enumerate(site.levels):
                if not self.ordered(level):
                    break
                if level not in seen and site.counts[depth] > 1:
                    seen.add(level)
                    window = _Window(members, site, depth, self.table, _memory_depth(site))
                    if (span := window.span()) is not None:
                        yield span // step + 1


def _shared(
    alone: dict[Site, tuple[Array, _Class]], apart: bool
) -> Iterator[tuple[Array, list[Site]]]:
    """The arrays of classes, those that lie sparsely between each other made one.

    No two classes have a place in common, so one array can keep both where they are, if that is
    shorter. This is how the classes that lookups reach, which are anywhere, come to take no more
    than the value memory does.
    """
    sparse: list[tuple[Array, list[Site]]] = []
    for leader, (array, _) in alone.items():
        if array.memory != VALUE or array.window:
            yield array, [leader]
        else:
            sparse.append((array, [leader]))
    sparse.sort(key=lambda each: (each[0].step, each[0].first))
    pairs: list[tuple[Array, list[Site]]] = []
    for each in sparse:
        pairs[-1:] = _if_shorter([*pairs[-1:], each], apart)
    pairs.sort(key=lambda each: each[0].first)
    overlapping: list[tuple[Array, list[Site]]] = []
    last = 0
    for each in pairs:
        if each[0].first > last:
            yield from _if_shorter(overlapping, apart)
            overlapping = []
        overlapping.append(each)
        last = max(last, each[0].last)
    yield from _if_shorter(overlapping, apart)


def _if_shorter(
    each: list[tuple[Array, list[Site]]], apart: bool
) -> list[tuple[Array, list[Site]]]:
    """One array for all these, if it is no longer than they are together; with `apart`, shorter."""
    if len(each) < 2:
        return each
    arrays = [array for array, _ in each]
    first = min(array.first for array in arrays)
    step = gcd(*(array.step for array in arrays), *(array.first - first for array in arrays))
    size = (max(array.last for array in arrays) - first) // step + 1
    if size + apart > sum(array.size for array in arrays):
        return each
    leaders = [leader for _, members in each for leader in members]
    return [(Array("", VALUE, first, step, size, window=False), leaders)]


def _memory_depth(site: Site) -> int:
    """How many loops are around the memory that a site assigns to."""
    assert site.target is not None
    for depth, level in enumerate(site.levels):
        if _local(level) == site.target.memory:
            return depth
    return 0


def _local(level: Level) -> str:
    return "" if isinstance(level.loop, Loop) else level.loop.local


class _Window:
    """Whether, and how wide, a window along the loop at `depth` around a site serves a class.

    All writers and readers move along the loop, and along those around it, by the same stride. So
    when a place p is read at counter k, no place above `high + stride·k` has been written, and
    none below `low + stride·k` will be. If p is never more than `span` below the former, and low
    not more than that below high, no other place p' with |p - p'| > span can have overwritten it.
    Writers outside the loop must stand before it, as what is carried into it does.
    """

    def __init__(
        self, members: _Class, model: Site, depth: int, table: Table, outside: int
    ) -> None:
        assert model.target is not None
        self.members, self.depth, self.table, self.outside = members, depth, table, outside
        self.levels, self.level = model.levels[:depth], model.levels[depth]
        self.strides = model.target.strides[: depth + 1]
        self.counts = model.counts[: depth + 1]
        self.up = 1 if self.strides[depth] > 0 else -1

    def span(self) -> int | None:
        """How many places it covers, less one."""
        stride = abs(self.strides[self.depth])
        if not stride or not self._rises():
            return None
        low = high = reading = None
        for site in self.members.writers:
            assert site.target is not None
            if site.number >= self.level.stop or not self._along(site, site.target):
                return None
            reach = self._reach(site, site.target)
            low = reach.low if low is None else min(low, reach.low)
            high = reach.high if high is None else max(high, reach.high)
        assert low is not None
        assert high is not None
        reading = low
        for site, address in self.members.readers:
            if not self._along(site, address):
                return None
            reach = self._reach(site, address)
            if site.number >= self.level.stop:
                behind = self._finished(reach)
                if behind is None:
                    return None
                reading = min(reading, behind)
            else:
                reading = min(reading, reach.low)
        for run, places in self.members.run_reads:
            if self.depth or run.number < self.level.start:
                return None
            ends = sorted((self.up * int(places.min()), self.up * int(places.max())))
            behind = self._finished(Extent(ends[0], ends[1], 0))
            if behind is None:
                return None
            reading = min(reading, behind)
        return high - reading

    def _finished(self, reach: Extent) -> int | None:
        """The lowest place read after the loop has ended, seen from its last iteration."""
        count = self.counts[self.depth]
        if count == UNBOUNDED:
            return None
        return reach.low - abs(self.strides[self.depth]) * (count - 1)

    def _rises(self) -> bool:
        """Whether every later iteration of the loops around it writes further up."""
        covered = 0
        for stride, count in reversed(
            [*zip(self.strides, self.counts, strict=True)][self.outside :]
        ):
            if count > 1 and self.up * stride < covered:
                return False
            if count == UNBOUNDED and covered >= UNBOUNDED:
                return False
            covered += abs(stride) * (count - 1)
        return True

    def _along(self, site: Site, address: Address) -> bool:
        """Whether an address moves as the window does."""
        if site.levels[: self.depth] != self.levels:
            return False
        depth = self.depth + (site.levels[: self.depth + 1] == (*self.levels, self.level))
        strides = zip(address.strides, self.strides, site.counts[:depth], strict=False)
        if any(a != b and count > 1 for a, b, count in strides):
            return False
        return bounded(address, (*([1] * depth), *site.counts[depth:]))

    def _reach(self, site: Site, address: Address) -> Extent:
        inside = site.levels[: self.depth + 1] == (*self.levels, self.level)
        reach = extent(address, site.counts, self.table, moving=self.depth - (not inside))
        if self.up > 0:
            return reach
        return Extent(-reach.high, -reach.low, reach.step)


def _accesses(members: _Class) -> Iterable[tuple[Site, Address]]:
    """All addresses that reach into a class."""
    for site in members.writers:
        if site.target is not None:
            yield site, site.target
    yield from members.readers
