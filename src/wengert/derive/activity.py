"""Which statements a derivative has to go through.

A statement is *active* if its result depends on a wanted input, and *useful* if an output depends
on its result, both by structure: an operand counts where the row's partial is not constantly zero.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from wengert.derive.partials import partials_of
from wengert.derive.space import counts_of
from wengert.program.address import INPUT, OUTPUT, VALUE, Address, Extent, Integers, Mask
from wengert.program.dependence import UNBOUNDED, meets, size_of
from wengert.program.draft import Axes, Frame, Item, Line
from wengert.program.extents import extent
from wengert.program.producers import Producers
from wengert.program.statements import Accumulate, Guard, Run

Writer = Line | Run
COUNTED = 1 << 22  # places that are looked at one by one


class Activity:
    """Who depends on whom in a program.

    Args:
        items: the program, taken apart.
        index: its index table.
        values: the size of its value memory.
        wanted: the inputs that derivatives are taken by, `(n,)`.
    """

    def __init__(self, items: Sequence[Item], index: Integers, values: int, wanted: Mask) -> None:
        self.index, self.values, self.wanted = index, values, wanted
        self.producers = Producers(items, index)
        self.runs = [item for item in items if isinstance(item, Run) and not item.outputs]
        self.outputs = [item for item in items if isinstance(item, Run) and item.outputs]
        self.sums = [
            (line.target.memory, extent(line.target, line.axes, index))
            for line in self.producers.lines if line.kind is Accumulate
        ]  # fmt: skip
        self._writers: dict[tuple[Address, Axes], list[Writer]] = {}
        self._asked: dict[tuple[int, int], tuple[Address, Axes, list[Writer]]] = {}
        self._active: set[int] = set()
        self._find_active()

    # --- asking -----------------------------------------------------------------------------------

    def active(self, writer: Writer) -> bool:
        """Whether its result depends on a wanted input."""
        return id(writer) in self._active

    def depends(self, address: Address, axes: Axes) -> bool:
        """Whether what is read there may depend on a wanted input."""
        if address.memory == INPUT:
            return self.is_wanted(address, axes)
        return any(id(writer) in self._active for writer in self.writers(address, axes))

    def _reaches(self, line: Line, mask: Mask) -> bool:
        low, high, _ = extent(line.target, line.axes, self.index)
        return bool(mask[low : high + 1].any())

    def is_wanted(self, address: Address, axes: Axes) -> bool:
        """Whether an address of inputs means a wanted one."""
        reach = extent(address, axes, self.index)
        return bool(self.wanted[reach.low : reach.high + 1].any())

    def writers(self, address: Address, axes: Axes) -> list[Writer]:
        """Everything that may write what is read there."""
        same = id(address), id(axes)  # mostly asked about the very same ones, which hash slowly
        known = self._asked.get(same)
        if known is None:
            key = address, axes
            if key not in self._writers:
                self._writers[key] = self._writers_of(address, axes)
            known = self._asked[same] = address, axes, self._writers[key]
        return known[2]

    def _writers_of(self, address: Address, axes: Axes) -> list[Writer]:
        reach = extent(address, axes, self.index)
        source = self.producers.source(address, axes)
        if source and not self.is_sum(address, axes):
            found: list[Writer] = [source.line]
        else:
            near = self.producers.met(address.memory, reach)
            found = list(self._among(near, address, axes))
        if address.memory == VALUE:
            found += [run for run in self.runs if reach.meets(whole(run))]
        return found

    def _among(self, near: Sequence[Line], address: Address, axes: Axes) -> Iterator[Line]:
        """Those that do write something of what is read there."""
        looked_up = address.lookup or any(line.target.lookup for line in near)
        size = size_of(_counts(axes))
        if not looked_up or address.memory != VALUE or max(size, self.values) > COUNTED:
            yield from (line for line in near if self._may_write(line, address, axes))
            return
        read = np.zeros(len(self.producers.lines) + 1, bool)
        read[self._owners[address.all(_counts(axes), self.index)]] = True
        for line in near:
            adds = line.kind is Accumulate
            if self._may_write(line, address, axes) if adds else read[self._numbers[line]]:
                yield line

    @cached_property
    def _numbers(self) -> dict[Line, int]:
        return {line: k for k, line in enumerate(self.producers.lines)}

    @cached_property
    def _owners(self) -> Integers:
        """For each place of the value memory, the number of the statement that assigns it."""
        owners = np.full(self.values, len(self.producers.lines))
        for k, line in enumerate(self.producers.lines):
            if line.target.memory == VALUE and line.kind is not Accumulate:
                owners[places_of(line, self.index)] = k
        return owners

    @cached_property
    def places(self) -> Mask:
        """The places of the value memory that depend on a wanted input."""
        mask = np.zeros(self.values, bool)
        for line in self.producers.lines:
            if self.active(line) and line.target.memory == VALUE:
                mask[places_of(line, self.index)] = True
        for run in self.runs:
            if self.active(run):
                mask[run.start : run.start + len(run)] = True
        return mask

    @cached_property
    def needing_zero(self) -> set[int]:
        """Inactive statements, by `id`, that write where active ones are read or add something."""
        found: set[int] = set()
        for line in self.producers.lines:
            addresses = [a for a in passing(line) if self.depends(a, line.axes)]
            if line.kind is Accumulate and addresses:
                addresses.append(line.target)
            for address in addresses:
                if address.memory != INPUT:
                    writers = self.writers(address, line.axes)
                    found |= {id(writer) for writer in writers if not self.active(writer)}
        return found

    def _may_write(self, line: Line, address: Address, axes: Axes) -> bool:
        """Whether a statement writes any of the places that are read."""
        return may_meet(line.target, _counts(line.axes), address, _counts(axes), self.index)

    def is_sum(self, address: Address, axes: Axes) -> bool:
        """Whether anything is accumulated where it reads."""
        reach = extent(address, axes, self.index)
        return any(memory == address.memory and e.meets(reach) for memory, e in self.sums)

    # --- finding ----------------------------------------------------------------------------------

    def _find_active(self) -> None:
        waiting: list[Writer] = [*self.producers.lines, *self.runs]
        while waiting:
            left = []
            for writer in waiting:
                if isinstance(writer, Run):
                    active = self._run_depends(writer)
                else:
                    active = any(self.depends(a, writer.axes) for a in passing(writer))
                if active:
                    self._active.add(id(writer))
                else:
                    left.append(writer)
            if len(left) == len(waiting):
                break
            waiting = left

    def _run_depends(self, run: Run) -> bool:
        if self.wanted[run.places_in(INPUT)].any():
            return True
        return any(id(writer) in self._active for writer in self.read_by(run))

    def read_by(self, run: Run) -> list[Writer]:
        """Everything outside a run that may write what it reads."""
        places = run.places_in(VALUE)
        if not run.outputs:
            places = places[~whole(run).holds(places)]
        if not len(places):
            return []
        reach = Extent(int(places.min()), int(places.max()), 1)
        near = [line for line in self.producers.met(VALUE, reach) if self._meets(line, places)]
        runs = [other for other in self.runs if other is not run]
        return [*near, *(other for other in runs if whole(other).holds(places).any())]

    def _meets(self, line: Line, places: Integers) -> bool:
        return bool(extent(line.target, line.axes, self.index).holds(places).any())

    def useful(self, chosen: Mask) -> set[int]:
        """The active statements, by `id`, on which any of the chosen outputs depends."""
        found: set[int] = set()
        waiting: list[Writer] = [
            line for line in self.producers.lines
            if line.target.memory == OUTPUT and self._reaches(line, chosen)
        ]  # fmt: skip
        for run in self.outputs:
            waiting += self.read_by(run)
        while waiting:
            writer = waiting.pop()
            if id(writer) in found or id(writer) not in self._active:
                continue
            found.add(id(writer))
            if isinstance(writer, Run):
                waiting += self.read_by(writer)
                continue
            for address in passing(writer):
                if address.memory != INPUT:
                    waiting += self.writers(address, writer.axes)
        return found


def _counts(axes: Axes) -> list[int]:
    return [UNBOUNDED if axis.rounds is None else axis.rounds for axis in axes]


def may_meet(
    a: Address, a_counts: Sequence[int], b: Address, b_counts: Sequence[int], index: Integers
) -> bool:
    """Whether two addresses of one memory can be the same place, at whatever counters."""
    if not (a.lookup or b.lookup):
        return meets(a, a_counts, b, b_counts)
    if size_of(a_counts) > COUNTED or size_of(b_counts) > COUNTED:
        return True
    return bool(np.isin(a.all(a_counts, index), b.all(b_counts, index)).any())


def passing(line: Line) -> Iterator[Address]:
    """The operands of a line whose derivative passes through it."""
    for _, address in slots(line):
        yield address


def slots(line: Line) -> list[tuple[int, Address]]:
    """The same with their numbers."""
    if line.kind is Guard:
        return []
    if line.row is None:
        return list(enumerate(line.reads))
    depends = partials_of(line.row).depends
    return [(k, address) for k, address in enumerate(line.reads) if depends[k]]


def whole(run: Run) -> Extent:
    """The places that a run writes."""
    return Extent(run.start, run.start + len(run) - 1, 1)


def places_of(line: Line, index: Integers) -> Integers:
    """Every place that a statement writes."""
    return line.target.all(counts_of(line.axes), index).ravel()


def stands_in(writer: Writer, frame: Frame, depth: int) -> bool:
    """Whether a statement stands in a loop that so many loops are around."""
    if isinstance(writer, Run):
        return False
    return len(writer.axes) > depth and writer.axes[depth].frame is frame
