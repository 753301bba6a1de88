"""The constant memory and the index table while a program is simplified.

They are looked up, extended, and in the end cut down to what is used, in the order of first use.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

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
from wengert.program.draft import TEST, Axes, Axis, Frame, Item, Line, frames, lines
from wengert.program.match import bits
from wengert.program.producers import FAR, affine_extent, extent
from wengert.program.statements import Run
from wengert.program.structure import Floats


class Numbers:
    """The constant memory."""

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
        self._new += numbers
        return start


def moving(strides: Sequence[int], axes: Axes) -> list[int]:
    """The loops that move an affine place."""
    return [k for k, a in enumerate(axes) if strides[k] and a.rounds != 1]


def ranged(table: Any, base: int, strides: Sequence[int], axes: Axes) -> Any:
    """What an affine place ranges over, one axis per loop that moves it; None if that is too much.

    Too much is more than lies between its ends, for then the loops come back to the same places.
    """
    low, high, _ = affine_extent(base, strides, axes)
    if low < 0 or high >= len(table):
        return None
    levels = moving(strides, axes)
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


class _Packed:
    """A table being written anew, each stretch where it is first used; equal stretches once."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.blocks: list[Any] = []
        self.size = 0
        self._places: dict[bytes, int] = {}

    def put(self, block: Any) -> int:
        """The new place of a stretch."""
        flat = np.ascontiguousarray(block).ravel()
        place = self._places.setdefault(flat.tobytes(), self.size)
        if place == self.size:
            self.blocks.append(flat)
            self.size += len(flat)
        return place

    def affine(
        self, base: int, strides: tuple[int, ...], axes: Axes
    ) -> tuple[int, tuple[int, ...]]:
        """The new base and strides of an affine place."""
        block = ranged(self.table, base, strides, axes)
        if block is not None:
            return self.put(block), dense(block.shape, strides, axes)
        low, high, _ = affine_extent(base, strides, axes)
        return self.put(self.table[max(low, 0) : high + 1]) + base - max(low, 0), strides

    def joined(self) -> Any:
        """The new table."""
        return np.concatenate([self.table[:0], *self.blocks])


def packed(
    items: Sequence[Item], constants: Floats, index: Integers
) -> tuple[list[Item], Floats, Integers]:
    """The items with the constant memory and the index table cut down to what they use.

    Both stay as they are where that would not make them smaller.
    """
    runs = [item for item in items if isinstance(item, Run)]
    if len(runs) == len(items):
        return *_packed_runs(runs, constants), index[:0]
    numbers, places = _Packed(constants), _Packed(index)
    changed: list[tuple[Line, tuple[Address, ...], Address]] = []
    conditions: list[tuple[Frame, Address]] = []
    new: list[Item] = []
    for item in items:
        if isinstance(item, Run):
            new.append(replace(item, operands=_run_operands(item, numbers)))
            continue
        new.append(item)
        for line in lines([item]):
            reads = tuple(_packed(a, line.axes, numbers, places) for a in line.reads)
            changed.append((line, reads, _packed(line.target, line.axes, numbers, places)))
        for frame, axes in frames([item]):
            if frame.condition is not None:
                around = (*axes, Axis(frame, TEST))
                conditions.append((frame, _packed(frame.condition, around, numbers, places)))
    if numbers.size > len(constants) or places.size > len(index):
        return list(items), constants, index
    for line, reads, target in changed:
        line.reads, line.target = reads, target
    for frame, condition in conditions:
        frame.condition = condition
    return new, numbers.joined(), places.joined()


def _packed(address: Address, axes: Axes, numbers: _Packed, places: _Packed) -> Address:
    lookup = address.lookup
    if address.memory == CONSTANT:
        if lookup:
            low, high, _ = extent(address, axes, places.table)
            high = min(high, FAR)
            start = numbers.put(numbers.table[low : high + 1])
            address = replace(address, base=address.base + start - low)
        else:
            base, strides = numbers.affine(address.base, address.strides, axes)
            return replace(address, base=base, strides=strides)
    if lookup:
        return replace(address, lookup=Lookup(*places.affine(lookup.start, lookup.strides, axes)))
    return address


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
