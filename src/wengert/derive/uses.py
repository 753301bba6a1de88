"""Who reads what a derivative goes through, and with that, what an adjoint has to be.

A use is *local* if it reads what its own body made in the same round: its contribution needs no
memory. Other uses, at a distance, go by an address; those of one stretch of one body through the
same address count as one. If every place is read by one of these, once, adjoints are assigned, and
where that is not known they are summed up.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod

import numpy as np

from wengert.derive.activity import COUNTED, Activity, Writer, may_meet, places_of, slots, whole
from wengert.derive.space import counts_of
from wengert.program.address import INPUT, OUTPUT, VALUE, Address, Integers, Mask
from wengert.program.dependence import same_round
from wengert.program.draft import Axes, Frame, Item, Line
from wengert.program.extents import extent
from wengert.program.statements import Accumulate, Assign, Run

Here = Callable[[Address, Axes, int], Address]
"""Where a value of the program is in its derivative, for a reader in these loops, of which that
many outer ones stand around it there too."""
MANY = 64  # of the same places: they are not compared


@dataclass(frozen=True)
class Use:
    """An operand of a statement, through which a derivative passes."""

    line: Line
    slot: int
    address: Address

    @property
    def key(self) -> tuple[int, int]:
        """What tells it from others."""
        return id(self.line), self.slot


@dataclass(eq=False)
class Far:
    """Uses at a distance through one address, whose contributions are delivered together."""

    address: Address
    axes: Axes
    at_once: bool  # whether they cannot wait for each other
    is_single: bool = False  # whether the adjoints of what they read have no other contributions

    def places(self, index: Integers) -> Integers:
        """What they read."""
        return self.address.all(counts_of(self.axes), index).ravel()

    @property
    def size(self) -> int:
        """How many places they read, some perhaps more than once."""
        return prod(counts_of(self.axes))

    @property
    def is_in_while(self) -> bool:
        """Whether nobody knows how often they happen."""
        return any(axis.frame.local for axis in self.axes)


class Uses:
    """All uses in a program.

    Args:
        activity: who depends on whom.
        items: the program, taken apart.
        chosen: the outputs that have cotangents, `(m,)`.

    Attributes:
        carrying: the loops in which a round needs what an earlier one has made.
        far: the uses at a distance, by the key of the use.
        kept: the statements, by `id`, whose results' adjoints have places of their own.
        summed: those of them for which contributions are summed up there.
        private_inputs: the inputs that are read outside of loops only, and not looked up, `(n,)`.
        summed_inputs: those for whose adjoints contributions are summed up, `(n,)`.
    """

    def __init__(self, activity: Activity, items: Sequence[Item], chosen: Mask) -> None:
        self.activity, self.chosen = activity, chosen
        self.useful = activity.useful(chosen)
        self.all = [
            Use(line, slot, address)
            for line in activity.producers.lines if id(line) in self.useful
            for slot, address in slots(line) if activity.depends(address, line.axes)
        ]  # fmt: skip
        self.carrying = set(self._carrying())
        self.far: dict[tuple[int, int], Far] = {}
        self._readers: dict[int, list[Far]] = {}  # by the `id` of the writer
        self._find_far(dict(_stretches(items)))
        self._read_far = set(self._all_read_far())
        runs = [run for run in activity.runs if id(run) in self.useful]
        self._runs = [*runs, *activity.outputs]
        self._for_runs = {id(w) for run in self._runs for w in activity.read_by(run)}
        self._terms: dict[int, list[Line]] = {}  # what adds to a sum, by the `id` of its start
        for line in self._sums():
            for writer in self._starts(line):
                self._terms.setdefault(id(writer), []).append(line)
        self.kept = {
            id(line) for line in activity.producers.lines
            if line.kind is not Accumulate and line.target.memory == VALUE
            and (id(line) in self._readers or id(line) in self._for_runs or id(line) in self._terms)
        }  # fmt: skip
        self.summed = set(self.kept)
        self._find_single()
        self._sort_inputs()

    # --- asking -----------------------------------------------------------------------------------

    def writers(self, use: Use) -> list[Writer]:
        """Everything that may have written what is read there."""
        if use.address.memory == INPUT:
            return []
        return self.activity.writers(use.address, use.line.axes)

    def local(self, use: Use) -> Line | None:
        """The statement of the same body that made what is read, in the same round."""
        writers = self.writers(use)
        line = writers[0] if len(writers) == 1 else None
        if line is None or isinstance(line, Run):
            return None
        here = use.line.axes == line.axes and use.address == line.target
        return line if here and line.kind is Assign and line.target.memory == VALUE else None

    def is_read_far(self, line: Line) -> bool:
        """Whether anything outside of its own round reads what a statement makes."""
        return id(line) in self._read_far

    def is_read_by_columns(self, line: Line) -> bool:
        """Whether a straight stretch reads what a statement makes."""
        return id(line) in self._for_runs

    def readers(self, line: Line) -> list[Far]:
        """The uses at a distance of what a statement makes."""
        return self._readers.get(id(line), [])

    def terms(self, line: Line) -> list[Line]:
        """The statements that add to a sum that a statement starts."""
        return self._terms.get(id(line), [])

    def is_kept(self, places: Integers) -> Mask:
        """Which places are those of statements outside of columns whose adjoints are kept."""
        kept: Mask = self._kept_places[np.minimum(places, max(self.activity.values - 1, 0))]
        return kept

    @cached_property
    def _kept_places(self) -> Mask:
        mask = np.zeros(self.activity.values, bool)
        for line in self.activity.producers.lines:
            if id(line) in self.kept:
                mask[places_of(line, self.activity.index)] = True
        return mask

    def is_private_input(self, use: Use) -> bool:
        """Whether an input is read that is read outside of loops only, at a place that is known."""
        moving = use.line.axes or use.address.lookup
        if use.address.memory != INPUT or moving:
            return False
        return bool(self.private_inputs[use.address.base])

    def read_of(self, run: Run) -> list[int]:
        """The places of a run that statements outside of columns read or add something to."""
        reach, index = whole(run), self.activity.index
        read = [(far.address, far.axes) for far in self._readers.get(id(run), [])]
        read += [(line.target, line.axes) for line in self._sums() if self._is_start(run, line)]
        found: set[int] = set()
        for address, axes in read:
            places = address.all(counts_of(axes), index).ravel()
            found.update(places[reach.holds(places)].tolist())
        return sorted(found)

    # --- finding ----------------------------------------------------------------------------------

    def _carrying(self) -> Iterator[Frame]:
        for use in self.all:
            axes = use.line.axes
            source = self.activity.producers.source(use.address, axes)
            for writer in self.writers(use):
                if isinstance(writer, Run):
                    continue
                for k, (mine, its) in enumerate(zip(axes, writer.axes, strict=False)):
                    if mine.frame is not its.frame:
                        break
                    if not (source and source.line is writer and source.counters.passes(k)):
                        yield mine.frame

    def _find_far(self, stretch: dict[int, int]) -> None:
        known: dict[tuple[object, ...], Far] = {}
        for use in self.all:
            if self.local(use):
                continue
            at_once = self._may_be_near(use)
            key = use.line.axes, use.address, use.key if at_once else stretch[id(use.line)]
            far = known.setdefault(key, Far(use.address, use.line.axes, at_once))
            self.far[use.key] = far
            for writer in self.writers(use):
                readers = self._readers.setdefault(id(writer), [])
                if far not in readers:
                    readers.append(far)

    def _all_read_far(self) -> Iterator[int]:
        """The statements whose results are read outside of their own round, active or not."""
        activity = self.activity
        for line in activity.producers.lines:
            for address in line.reads:
                if address.memory == INPUT:
                    continue
                for writer in activity.writers(address, line.axes):
                    if (
                        isinstance(writer, Run)
                        or writer.axes != line.axes
                        or address != writer.target
                        or line.target.memory == OUTPUT
                    ):
                        yield id(writer)
        for run in (*activity.runs, *activity.outputs):
            yield from (id(writer) for writer in activity.read_by(run))

    def _may_be_near(self, use: Use) -> bool:
        """Whether a statement of the same body may have made it in the same round."""
        axes = use.line.axes
        near = [w for w in self.writers(use) if isinstance(w, Line) and w.axes == axes]
        return any(same_round(w.target, use.address, counts_of(axes)) for w in near)

    def _find_single(self) -> None:
        """Where each place is read just once, there is nothing to sum up."""
        seen: set[Far] = set()
        for far in self.far.values():
            if far.address.memory == INPUT or far in seen:
                continue
            group, writers = self._connected(far)
            seen.update(group)
            made = [w for w in writers if isinstance(w, Run) or w.kind is not Accumulate]
            if any(not self._is_plain(writer) for writer in made):
                continue
            size = sum(prod(counts_of(w.axes)) for w in made if isinstance(w, Line))
            if size == sum(each.size for each in group) and self._are_apart(group):
                for each in group:
                    each.is_single = True
                self.summed -= {id(writer) for writer in made}

    def _sums(self) -> Iterator[Line]:
        """The useful statements that accumulate."""
        for line in self.activity.producers.lines:
            if line.kind is Accumulate and id(line) in self.useful:
                yield line

    def _starts(self, line: Line) -> list[Writer]:
        """Everything that writes where a statement accumulates."""
        return self.activity.writers(line.target, line.axes)

    def _is_start(self, run: Run, line: Line) -> bool:
        return any(writer is run for writer in self._starts(line))

    def _is_plain(self, writer: Writer) -> bool:
        if isinstance(writer, Run) or any(axis.frame.local for axis in writer.axes):
            return False
        return id(writer) in self.kept and id(writer) not in self._for_runs

    def _connected(self, far: Far) -> tuple[list[Far], list[Writer]]:
        """All uses of what is read here, of all else that these read, and so on."""
        group: list[Far] = [far]
        writers: dict[int, Writer] = {}
        for each in group:  # which grows
            waiting = list(self.activity.writers(each.address, each.axes))
            while waiting:
                writer = waiting.pop()
                if id(writer) in writers:
                    continue
                writers[id(writer)] = writer
                readers = self._readers.get(id(writer), [])
                group += [other for other in readers if other not in group]
                if not isinstance(writer, Run) and writer.kind is Accumulate:
                    waiting += self._starts(writer)
        return group, list(writers.values())

    def _are_apart(self, group: Sequence[Far]) -> bool:
        """Whether no place is read twice."""
        if len(group) > MANY or any(far.is_in_while for far in group):
            return False
        index = self.activity.index
        places = [(far.address, counts_of(far.axes)) for far in group]
        return all(is_injective(*each, index) for each in places) and not any(
            may_meet(*a, *b, index) for a, b in combinations(places, 2)
        )

    # --- inputs -----------------------------------------------------------------------------------

    def _sort_inputs(self) -> None:
        size, index = len(self.activity.wanted), self.activity.index
        many = np.zeros(size, bool)  # read in loops, or looked up
        shared = np.zeros(size, bool)  # read by columns
        assigned = np.zeros(size, bool)
        for run in self._runs:
            shared[run.places_in(INPUT)] = True
        reading = {far: None for far in self.far.values() if far.address.memory == INPUT}
        for far in reading:
            if far.axes or far.address.lookup:
                low, high, _ = extent(far.address, far.axes, index)
                many[low : high + 1] = True
        self.private_inputs = ~many
        for group in self._overlapping(list(reading)):
            if self._are_apart(group):
                places = [far.places(index) for far in group]
                if not any(shared[each].any() for each in places):
                    for far, each in zip(group, places, strict=True):
                        far.is_single = bool(many[each[0]])
                        assigned[each] = True
        # Also those that nobody asks for: a loop may read on from what is wanted to what is not.
        self.summed_inputs = many & ~assigned

    def _overlapping(self, reading: Sequence[Far]) -> list[list[Far]]:
        """Uses of inputs in groups whose extents overlap."""
        groups: list[list[Far]] = []
        reach = -1
        extents = [(extent(far.address, far.axes, self.activity.index), far) for far in reading]
        for (low, high, _), far in sorted(extents, key=lambda each: each[0]):
            if low > reach:
                groups.append([])
            groups[-1].append(far)
            reach = max(reach, high)
        return groups


def _stretches(items: Sequence[Item]) -> Iterator[tuple[int, int]]:
    """Every statement, by `id`, and a number for the stretch of its body without loops."""
    number = 0
    waiting = [items]
    while waiting:
        number += 1
        for item in waiting.pop():
            if isinstance(item, Line):
                yield id(item), number
            else:
                number += 1
                waiting += item.parts if isinstance(item, Frame) else []


def is_injective(address: Address, counts: tuple[int, ...], index: Integers) -> bool:
    """Whether an address means another place at every setting of the counters."""
    moves = sorted((abs(s), n) for s, n in zip(address.strides, counts, strict=True) if n > 1)
    if any(_stays(address, k) for k, count in enumerate(counts) if count > 1):
        return not prod(counts)
    if not address.lookup:
        reach = 0
        for stride, count in moves:
            if stride <= reach:
                break
            reach += stride * (count - 1)
        else:
            return True
    if prod(counts) > COUNTED:
        return False
    places = np.sort(address.all(counts, index), axis=None)
    return not (places[1:] == places[:-1]).any()


def _stays(address: Address, depth: int) -> bool:
    """Whether an address does not depend on a loop's counter."""
    lookup = address.lookup
    return not (address.strides[depth] or (lookup and lookup.strides[depth]))
