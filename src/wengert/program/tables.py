"""The constant memory and the index table while a program is simplified.

They are looked up, extended, and in the end cut down to what is used, in the order of first use.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from wengert.program.address import (
    CODES,
    CONSTANT,
    PLACE,
    SHIFT,
    Address,
    Integers,
    Lookup,
    grid,
    in_memory,
)
from wengert.program.draft import TEST, Axes, Axis, Item, Line, frames, lines
from wengert.program.extents import FAR, affine_extent, extent
from wengert.program.match import bits
from wengert.program.statements import Run
from wengert.program.structure import Floats


class Numbers:
    """The constant memory, in which all NaN are one."""

    def __init__(self, memory: Floats) -> None:
        self._memory = memory
        self._new: list[float] = []
        self._places: dict[bytes, int] = {}

    @property
    def memory(self) -> Floats:
        """All constants, the new ones last."""
        if self._new:
            self._memory = np.concatenate([self._memory, np.array(self._new)])
            self._new = []
        return self._memory

    def __len__(self) -> int:
        return len(self._memory) + len(self._new)

    def at(self, place: int) -> float:
        """One constant."""
        known = len(self._memory)
        return float(self._memory[place]) if place < known else self._new[place - known]

    def place(self, number: float) -> int:
        """Where a number is kept; at a new place, if it was not asked for before."""
        number = number if number == number else math.nan
        place = self._places.setdefault(bits(number), len(self))
        if place == len(self):
            self._new.append(number)
        return place

    def shared(self, place: int) -> int:
        """The one place that stands for all with the same number."""
        return self._places.setdefault(bits(self.at(place)), place)

    def block(self, numbers: Sequence[float]) -> int:
        """Where new numbers start, kept one after the other."""
        start = len(self)
        self._new += [number if number == number else math.nan for number in numbers]
        return start


def moving(strides: Sequence[int], axes: Axes) -> list[int]:
    """The loops that move an affine place."""
    return [k for k, a in enumerate(axes) if strides[k] and a.rounds != 1]


def ranged(table: Any, base: int, strides: Sequence[int], axes: Axes) -> Any:
    """What an affine place ranges over, one axis per loop that moves it; None if that is too much.

    Too much is more than lies between its ends, for then the loops come back to the same places.
    """
    low, high, step = affine_extent(base, strides, axes)
    if low < 0 or high >= len(table):
        return None
    levels = moving(strides, axes)
    if len(levels) == 1 and low == base and axes[levels[0]].rounds is not None:
        return table[low : high + 1 : step]
    counts = [axes[k].rounds or 0 for k in levels]
    if math.prod(counts) > high - low + 1:
        return None
    return table[grid(base, [strides[k] for k in levels], counts)]


def dense(shape: Sequence[int], strides: Sequence[int], axes: Axes) -> tuple[int, ...]:
    """The strides for a block that holds what `ranged` gave."""
    new = [0] * len(axes)
    step = 1
    for k, count in reversed(list(zip(moving(strides, axes), shape, strict=True))):
        new[k] = step
        step *= count
    return tuple(new)


Affine = tuple[int, tuple[int, ...]]  # a base and strides
Found = tuple[Affine, Affine | None] | None


class _Packed:
    """A table being written anew, each stretch where it is first used; equal stretches once."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.blocks: list[Any] = []
        self.size = 0
        self.merged = False  # whether stretches from different places are one now
        self._places: dict[tuple[int, int, int], list[tuple[Any, int]]] = {}
        self._known: dict[tuple[int, tuple[int, ...], tuple[int | None, ...]], Affine] = {}

    def put(self, block: Any) -> int:
        """The new place of a stretch."""
        flat = np.ascontiguousarray(block).ravel()
        words = flat.view(np.int64)
        size = len(words)
        key = (size, int(words[0]), int(words[-1])) if size else (0, 0, 0)
        alike = self._places.setdefault(key, [])
        for other, place in alike:
            if (other == words).all():
                self.merged = True
                return place
        place = self.size
        alike.append((words, place))
        self.blocks.append(flat)
        self.size += size
        return place

    def affine(self, base: int, strides: tuple[int, ...], axes: Axes) -> Affine:
        """The new base and strides of an affine place."""
        counts = tuple([axis.rounds for axis in axes])
        key = base, strides, counts
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._affine(base, strides, axes)
        return found

    def _affine(self, base: int, strides: tuple[int, ...], axes: Axes) -> Affine:
        block = ranged(self.table, base, strides, axes)
        if block is not None:
            return self.put(block), dense(block.shape, strides, axes)
        low, high, _ = affine_extent(base, strides, axes)
        return self.put(self.table[max(low, 0) : high + 1]) + base - max(low, 0), strides

    def stretch(self, low: int, high: int) -> int:
        """The new place of what begins at one place and ends before another."""
        key = low, (), (high,)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self.put(self.table[low:high]), ()
        return found[0]

    def joined(self) -> Any:
        """The new table."""
        return np.concatenate([self.table[:0], *self.blocks])


class Packed(NamedTuple):
    """Items with the tables cut down to what they use.

    Args:
        items: the items.
        constants: the constant memory.
        index: the index table.
        smaller: whether that makes them smaller.
        merged: whether addresses that differed may be equal now.
    """

    items: list[Item]
    constants: Floats
    index: Integers
    smaller: bool
    merged: bool


def packed(items: Sequence[Item], constants: Floats, index: Integers) -> Packed:
    """The items with the constant memory and the index table cut down to what they use.

    Both stay as they are where that would not make them smaller.
    """
    runs = [item for item in items if isinstance(item, Run)]
    if len(runs) == len(items):
        return Packed(*_packed_runs(runs, constants), index[:0], smaller=True, merged=False)
    numbers, places = _Packed(constants), _Packed(index)
    new: list[Item] = []
    lined: list[tuple[Line, list[Found]]] = []
    for item in items:
        if isinstance(item, Run):
            new.append(replace(item, operands=_run_operands(item, numbers)))
            continue
        new.append(item)
        for line in lines((item,)):
            found = [_found(a, line.axes, numbers, places) for a in (*line.reads, line.target)]
            lined.append((line, found))
    conditions = [
        (frame, _found(frame.condition, (*axes, Axis(frame, TEST)), numbers, places))
        for frame, axes in frames(items) if frame.condition is not None
    ]  # fmt: skip
    saved = len(constants) - numbers.size, len(index) - places.size
    if min(saved) < 0 or max(saved) == 0:
        return Packed(list(items), constants, index, smaller=False, merged=False)
    for line, found in lined:
        reads = map(_moved, line.reads, found)
        line.reads, line.target = tuple(reads), _moved(line.target, found[-1])
    for frame, place in conditions:
        assert frame.condition is not None
        frame.condition = _moved(frame.condition, place)
    merged = numbers.merged or places.merged
    return Packed(new, numbers.joined(), places.joined(), smaller=True, merged=merged)


def _found(address: Address, axes: Axes, numbers: _Packed, places: _Packed) -> Found:
    """The new base and strides of an address, and those of its lookup; None where they stay."""
    lookup = address.lookup
    if lookup is None:
        if address.memory != CONSTANT:
            return None
        return numbers.affine(address.base, address.strides, axes), None
    own = address.base, address.strides
    if address.memory == CONSTANT:
        low, high, _ = extent(address, axes, places.table)
        own = address.base + numbers.stretch(low, min(high, FAR) + 1) - low, address.strides
    return own, places.affine(lookup.start, lookup.strides, axes)


def _moved(address: Address, found: Found) -> Address:
    if found is None:
        return address
    own, lookup = found
    return Address(address.memory, *own, Lookup(*lookup) if lookup else None)


def _run_operands(run: Run, numbers: _Packed) -> Integers:
    """The operands of a run, its constants packed one by one."""
    places, chosen = _used([run], len(numbers.table))
    table = np.empty(len(numbers.table), np.int64)
    table[places] = [numbers.put(number) for number in numbers.table[places]]
    operands = run.operands.copy()
    operands[chosen[0]] = table[operands[chosen[0]] & PLACE] | CODES[CONSTANT] << SHIFT
    return operands


def _packed_runs(runs: Sequence[Run], constants: Floats) -> tuple[list[Item], Floats]:
    """The same for columns alone, in which equal constants are one already."""
    places, chosen = _used(runs, len(constants))
    table = np.empty(len(constants), np.int64)
    table[places] = np.arange(len(places)) | CODES[CONSTANT] << SHIFT
    new: list[Item] = []
    for run, at in zip(runs, chosen, strict=True):
        operands = run.operands.copy()
        operands[at] = table[operands[at] & PLACE]
        new.append(replace(run, operands=operands))
    return new, constants[places]


def _used(runs: Sequence[Run], count: int) -> tuple[Integers, list[Integers]]:
    """Which constants runs read, in the order of first use, and which operands those are."""
    chosen = [np.flatnonzero(in_memory(run.operands, CONSTANT)) for run in runs]
    read = [run.operands[at] & PLACE for run, at in zip(runs, chosen, strict=True)]
    places = np.concatenate([np.empty(0, np.int64), *read])
    first = np.full(count, -1, np.int64)
    first[places[::-1]] = np.arange(len(places))[::-1]
    used = np.flatnonzero(first >= 0)
    return used[np.argsort(first[used])], chosen
