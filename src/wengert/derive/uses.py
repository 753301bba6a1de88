"""Who reads what a derivative goes through, and with that, what an adjoint has to be.

The adjoint of a statement's result is *private* where all that read it stand in its own body and
read it in the round it was made in; *single* where one operand reads each place, and each once; and
a sum otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from wengert.derive.activity import Activity, Writer, slots, whole
from wengert.derive.space import counts_of
from wengert.program.address import INPUT, VALUE, Address, Integers, Mask
from wengert.program.draft import Axes, Frame, Line
from wengert.program.producers import extent
from wengert.program.statements import Accumulate, Assign, Run

COUNTED = 1 << 22  # places that are looked at one by one, to see whether any is met twice


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


class Uses:
    """All uses in a program.

    Args:
        activity: who depends on whom.
    """

    def __init__(self, activity: Activity) -> None:
        self.activity = activity
        self.useful = activity.useful()
        lines = activity.producers.lines
        self.uses = [
            Use(line, slot, address)
            for line in lines if id(line) in self.useful
            for slot, address in slots(line) if activity.depends(address, line.axes)
        ]  # fmt: skip
        self.carrying: set[Frame] = set(self._carrying())
        self._of: dict[int, list[Use]] = {}  # by the `id` of the writer
        for use in self.uses:
            for writer in self.writers(use):
                self._of.setdefault(id(writer), []).append(use)
        from_runs = {id(w) for run in self._live_runs() for w in activity.read_by(run)}
        self.private: set[int] = set()
        self.single: set[tuple[int, int]] = set()
        self.summed: set[int] = set()
        self.kept: set[int] = set()  # those whose adjoint has a place of its own
        for line in lines:
            found = self._of.get(id(line), [])
            if line.kind is not Assign or line.target.memory != VALUE:
                continue
            if id(line) in from_runs or (found and any(a.frame.local for a in line.axes)):
                self._sum(line)
            elif not found or all(self._is_private(use, line) for use in found):
                self.private.add(id(line))
            elif len(found) == 1 and self._is_single(found[0], line):
                self.single.add(found[0].key)
                self.kept.add(id(line))
            else:
                self._sum(line)
        self._sort_inputs()

    def _sum(self, line: Line) -> None:
        self.summed.add(id(line))
        self.kept.add(id(line))

    def _live_runs(self) -> list[Run]:
        runs = [run for run in self.activity.runs if id(run) in self.useful]
        return [*runs, *self.activity.outputs]

    def writers(self, use: Use) -> list[Writer]:
        """Everything that may have written what is read there."""
        if use.address.memory == INPUT:
            return []
        return self.activity.writers(use.address, use.line.axes)

    # --- values -----------------------------------------------------------------------------------

    def _carrying(self) -> Iterator[Frame]:
        """The loops in which a round needs what an earlier one has made."""
        for use in self.uses:
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

    def private_writer(self, use: Use) -> Line | None:
        """The statement whose private result is used, if that is so."""
        if use.address.memory == INPUT:
            return None
        writers = self.writers(use)
        if len(writers) == 1 and isinstance(writers[0], Line) and id(writers[0]) in self.private:
            return writers[0]
        return None

    def _is_private(self, use: Use, line: Line) -> bool:
        """Whether it reads what its own body made, in the same round."""
        alone = len(self.writers(use)) == 1
        return alone and use.line.axes == line.axes and use.address == line.target

    def _is_single(self, use: Use, line: Line) -> bool:
        """Whether it reads each place that a statement writes, and each once."""
        others = [w for w in self.writers(use) if w is not line]
        if any(isinstance(other, Run) or other.kind is not Accumulate for other in others):
            return False
        if any(axis.frame.local for axis in (*use.line.axes, *line.axes)):
            return False
        mine, its = counts_of(use.line.axes), counts_of(line.axes)
        return prod(mine) == prod(its) and is_injective(use.address, mine, self.activity.index)

    def read_of(self, run: Run) -> list[int]:
        """The places of a run that statements outside of columns read."""
        found: set[int] = set()
        for use in self._of.get(id(run), []):
            places = use.address.all(counts_of(use.line.axes), self.activity.index).ravel()
            low, high, _ = whole(run)
            found.update(places[(places >= low) & (places <= high)].tolist())
        return sorted(found)

    # --- inputs -----------------------------------------------------------------------------------

    def _sort_inputs(self) -> None:
        """Private inputs are read outside of loops only; single ones by one operand, once each."""
        size = len(self.activity.wanted)
        many = np.zeros(size, bool)  # read in loops
        covered = np.zeros(size, np.int64)
        reading = [use for use in self.uses if use.address.memory == INPUT]
        for use in reading:
            low, high, _ = extent(use.address, use.line.axes, self.activity.index)
            covered[low : high + 1] += 1
            if use.line.axes:
                many[low : high + 1] = True
        for run in self._live_runs():
            covered[run.places_in(INPUT)] += 1
        self.private_inputs = ~many
        assigned = np.zeros(size, bool)
        for use in reading:
            low, high, _ = extent(use.address, use.line.axes, self.activity.index)
            here = slice(low, high + 1)
            if use.line.axes and (covered[here] == 1).all() and self._covers(use, high - low + 1):
                self.single.add(use.key)
                assigned[here] = True
        self.summed_inputs = self.activity.wanted & many & ~assigned

    def _covers(self, use: Use, width: int) -> bool:
        axes = use.line.axes
        if any(axis.frame.local for axis in axes):
            return False
        counts = counts_of(axes)
        return prod(counts) == width and is_injective(use.address, counts, self.activity.index)

    def is_private_input(self, address: Address, axes: Axes) -> bool:
        """Whether an input is read outside of loops only."""
        return not axes and bool(self.private_inputs[address.base])


def is_injective(address: Address, counts: tuple[int, ...], index: Integers) -> bool:
    """Whether an address means another place at every setting of the counters."""
    moves = sorted((abs(s), n) for s, n in zip(address.strides, counts, strict=True) if n > 1)
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
