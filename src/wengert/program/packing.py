"""The tables cut down to what is used, in the order of first use, when a program is simplified."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    in_memory,
)
from wengert.program.alike import Alike
from wengert.program.draft import TEST, Axes, Item, Line, frames, lines
from wengert.program.extents import FAR, affine_extent, extent
from wengert.program.statements import Run
from wengert.program.structure import Floats
from wengert.program.tables import Affine, dense, ranged

Found = tuple[Affine, Affine | None] | None


class _Packed:
    """A table being written anew, each stretch where it is first used; equal stretches once."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.blocks: list[bytes] = []
        self.size = 0
        self.merged = False  # whether stretches from different places are one now
        self._alike: Alike[int] = Alike()
        self._known: dict[tuple[int, tuple[int, ...], tuple[int | None, ...]], Affine] = {}

    def put(self, block: Any) -> int:
        """The new place of a stretch."""
        content = block.tobytes()
        place = self._alike.first(content, self.size)
        if place == self.size:
            self.blocks.append(content)
            self.size += block.size
        else:
            self.merged = True
        return place

    def affine(self, base: int, strides: tuple[int, ...], axes: Axes) -> Affine:
        """The new base and strides of an affine place."""
        key = base, strides, tuple([axis.rounds for axis in axes])
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._affine(base, strides, axes)
        return found

    def _affine(self, base: int, strides: tuple[int, ...], axes: Axes) -> Affine:
        if not any(strides):
            return self.stretch(base, base + 1), strides
        if not all(strides):
            own = tuple([stride for stride in strides if stride])
            around = tuple([axis for axis, stride in zip(axes, strides, strict=True) if stride])
            start, steps = self.affine(base, own, around)
            moved = iter(steps)
            return start, tuple([next(moved) if stride else 0 for stride in strides])
        block = ranged(self.table, base, strides, axes)
        if block is None:
            low, high, _ = affine_extent(base, strides, axes)
            low = max(low, 0)
            return self.put(self.table[low : high + 1]) + base - low, strides
        place = self.put(block)
        return place, (1,) if block.ndim == len(axes) == 1 else dense(block.shape, strides, axes)

    def stretch(self, low: int, high: int) -> int:
        """The new place of what begins at one place and ends before another."""
        key = low, (), (high,)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self.put(self.table[low:high]), ()
        return found[0]

    def joined(self) -> Any:
        """The new table."""
        return np.frombuffer(b"".join(self.blocks), self.table.dtype)


@dataclass(frozen=True, slots=True)
class Packed:
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

    Both stay as they are where that would not make them smaller: so what is used is entered into
    new tables first, and then looked up there.
    """
    runs = [item for item in items if isinstance(item, Run)]
    if len(runs) == len(items):
        return Packed(*_packed_runs(runs, constants), index[:0], smaller=True, merged=False)
    numbers, places = _Packed(constants), _Packed(index)
    new: list[Item] = []
    for item in items:
        if isinstance(item, Run):
            new.append(replace(item, operands=_run_operands(item, numbers)))
            continue
        new.append(item)
        for line in (item,) if isinstance(item, Line) else lines((item,)):
            for address in (*line.reads, line.target):
                _found(address, line.axes, numbers, places)
    conditions = [
        (frame, frame.condition, frame.inside(axes, TEST))
        for frame, axes in frames(items) if frame.condition is not None
    ]  # fmt: skip
    for _, address, axes in conditions:
        _found(address, axes, numbers, places)
    saved = len(constants) - numbers.size, len(index) - places.size
    if min(saved) < 0 or max(saved) == 0:
        return Packed(list(items), constants, index, smaller=False, merged=False)
    for line in lines(items):
        addresses = (*line.reads, line.target)
        *reads, line.target = [_moved(a, line.axes, numbers, places) for a in addresses]
        line.reads = tuple(reads)
    for frame, address, axes in conditions:
        frame.condition = _moved(address, axes, numbers, places)
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


def _moved(address: Address, axes: Axes, numbers: _Packed, places: _Packed) -> Address:
    found = _found(address, axes, numbers, places)
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
