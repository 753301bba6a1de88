"""Which statements write what an address reads, and at which of their counters.

Every place is written once. So if every place that an affine address can read is a place that one
statement writes, that statement alone is its producer, and its counters are an affine function of
the reader's: `k = offset + Σ matrix·j`. This is found exactly. All else (an address that ranges
over several statements, or is looked up) is answered with every statement it might read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from math import gcd
from typing import NamedTuple

import numpy as np

from wengert.program.address import CODES, Address, Extent, Integers, Lookup
from wengert.program.draft import BODY, LAST, TEST, Axes, Axis, Item, Line, lines
from wengert.program.statements import Accumulate

FAR = 1 << 60  # stands for a bound that nobody knows


def extent(address: Address, axes: Axes, index: Integers) -> Extent:
    """The places that an address can mean."""
    low, high, step = affine_extent(address.base, address.strides, axes)
    if address.lookup:
        start = affine_extent(address.lookup.start, address.lookup.strides, axes)
        chosen = index[max(start.low, 0) : start.high + 1 : max(start.step, 1)]
        if len(chosen):
            low, high = low + int(chosen.min()), high + int(chosen.max())
            step = gcd(step, int(np.gcd.reduce(chosen - chosen[0])))
    return Extent(low, high, step)


def affine_extent(base: int, strides: Sequence[int], axes: Axes) -> Extent:
    """The places of `base + Σ strides·k`."""
    low = high = base
    step = 0
    for stride, axis in zip(strides, axes, strict=True):
        count = axis.rounds
        if stride and count != 1:
            reach = stride * (count - 1 if count is not None else FAR // abs(stride))
            low, high, step = low + min(reach, 0), high + max(reach, 0), gcd(step, stride)
    return Extent(low, high, step)


@dataclass(frozen=True, slots=True)
class Counters:
    """The producer's counters as an affine function of the reader's.

    Args:
        offsets: per loop of the producer, its counter where all the reader's are 0; None where it
            is not known.
        matrix: per loop of the producer, what each of the reader's counters adds to it.
        width: how many loops the reader is in.
    """

    offsets: tuple[int | None, ...]
    matrix: tuple[tuple[int, ...], ...]
    width: int

    def passes(self, axis: int) -> bool:
        """Whether a counter of the producer is the reader's own in the same place."""
        row = self.matrix[axis]
        return self.offsets[axis] == 0 and all(m == (k == axis) for k, m in enumerate(row))

    def applied(self, address: Address) -> Address | None:
        """An address in the producer's counters as one in the reader's."""
        base, strides = self._affine(address.base, address.strides)
        if strides is None:
            return None
        lookup = address.lookup
        if lookup:
            start, steps = self._affine(lookup.start, lookup.strides)
            if steps is None:
                return None
            lookup = Lookup(start, steps)
        return Address(address.memory, base, strides, lookup)

    def _affine(self, base: int, strides: Sequence[int]) -> tuple[int, tuple[int, ...] | None]:
        new = [0] * self.width
        for stride, offset, row in zip(strides, self.offsets, self.matrix, strict=True):
            if stride:
                if offset is None:
                    return 0, None
                base += stride * offset
                new = [a + stride * m for a, m in zip(new, row, strict=True)]
        return base, tuple(new)


class Source(NamedTuple):
    """The one statement that writes what an address reads."""

    line: Line
    counters: Counters


def together(axis: Axis, producer: Axis) -> bool:
    """Whether a reader with one axis meets what a producer with the other wrote in this round."""
    if axis.frame is not producer.frame:
        return False
    return axis.part == producer.part or (producer.part == TEST and axis.part in (BODY, LAST))


def counters(
    target: Address, axes: Axes, address: Address, around: Axes, fixed: int = 0
) -> Counters | None:
    """The counters at which a statement writes what an address reads, if it writes all of it.

    Args:
        target: where the statement writes.
        axes: the loops around it.
        address: what is read.
        around: the loops around the reader.
        fixed: how many of the outer loops the memory does not outlive.
    """
    if target.memory != address.memory:
        return None
    shared = 0
    while shared < min(len(axes), len(around)) and together(around[shared], axes[shared]):
        shared += 1
    if shared < fixed:
        return None
    same = _same(target, axes, address, around, shared)
    if same or target.lookup or address.lookup:
        return same
    wanted = [0 if a.rounds == 1 else s for s, a in zip(address.strides, around, strict=True)]
    if any(wanted[k] != (0 if axes[k].rounds == 1 else target.strides[k]) for k in range(fixed)):
        return None
    columns = []
    for k, (stride, axis) in enumerate(zip(wanted, around, strict=True)):
        if k < fixed or (k < shared and stride and stride == target.strides[k]):
            choices = [_unit(len(axes), k)]
        elif axis.rounds is None:
            choices = [_unit(len(axes), None)] if not stride else []
        else:
            choices = list(_split(stride, target.strides, axes, axis.rounds - 1))
        if not choices:
            return None
        columns.append(choices)
    for matrix in islice(product(*columns), 64):
        for offsets in _offsets(address.base - target.base, target, axes, around, matrix):
            rows = tuple(tuple(c[k] for c in matrix) for k in range(len(axes)))
            return Counters(offsets, rows, len(around))
    return None


def _same(
    target: Address, axes: Axes, address: Address, around: Axes, shared: int
) -> Counters | None:
    """The plain case: what this very round wrote."""
    depth = len(axes)
    if shared < depth or address.base != target.base:
        return None
    if address.strides[:depth] != target.strides or any(address.strides[depth:]):
        return None
    if bool(address.lookup) != bool(target.lookup):
        return None
    if address.lookup and target.lookup:
        mine, its = address.lookup, target.lookup
        if (
            mine.start != its.start
            or mine.strides[:depth] != its.strides
            or any(mine.strides[depth:])
        ):
            return None
    return Counters((0,) * depth, tuple(_unit(len(around), k) for k in range(depth)), len(around))


def _unit(length: int, place: int | None) -> tuple[int, ...]:
    return tuple(int(k == place) for k in range(length))


def _split(stride: int, strides: Sequence[int], axes: Axes, last: int) -> Iterator[tuple[int, ...]]:
    """Ways to make a stride of the target's, none of which leaves its loop in `last` rounds."""
    movable = [k for k in range(len(axes)) if strides[k] and axes[k].rounds is not None]
    movable.sort(key=lambda k: -abs(strides[k]))
    stack: list[tuple[int, int, tuple[int, ...]]] = [(0, stride, (0,) * len(axes))]
    while stack:
        depth, rest, made = stack.pop()
        if depth == len(movable):
            if rest == 0:
                yield made
            continue
        k = movable[depth]
        count = axes[k].rounds
        assert count is not None
        whole = rest // strides[k]
        for q in (whole + 1, whole):
            if abs(q) * last <= count - 1:
                new = (*made[:k], q, *made[k + 1 :])
                stack.append((depth + 1, rest - q * strides[k], new))


def _offsets(
    distance: int, target: Address, axes: Axes, around: Axes, matrix: Sequence[tuple[int, ...]]
) -> Iterator[tuple[int | None, ...]]:
    """Where the counters can start, so that they never leave the target's loops."""
    fixed: list[int | None] = [0] * len(axes)
    bounds: dict[int, tuple[int, int]] = {}
    for k, axis in enumerate(axes):
        low = high = 0
        for column, reader in zip(matrix, around, strict=True):
            if column[k] and reader.rounds is None:
                if column != _unit(len(axes), k) or axis.rounds is not None:
                    return
            elif column[k]:
                reach = column[k] * ((reader.rounds or 1) - 1)
                low, high = low + min(reach, 0), high + max(reach, 0)
        if axis.rounds is None:
            if not any(column[k] for column in matrix):
                if target.strides[k]:
                    return
                fixed[k] = None  # written once, in a round that nobody knows
        elif target.strides[k] and axis.rounds > 1:
            bounds[k] = (-low, axis.rounds - 1 - high)
        elif axis.rounds > 1 and not any(column[k] for column in matrix):
            return
    order = sorted(bounds, key=lambda k: -abs(target.strides[k]))
    stack: list[tuple[int, int, dict[int, int]]] = [(0, distance, {})]
    while stack:
        depth, rest, made = stack.pop()
        if depth == len(order):
            if rest == 0:
                yield tuple(made.get(k, offset) for k, offset in enumerate(fixed))
            continue
        k = order[depth]
        whole = rest // target.strides[k]
        low, high = bounds[k]
        stack += [
            (depth + 1, rest - q * target.strides[k], {**made, k: q})
            for q in (whole + 1, whole)
            if low <= q <= high
        ]


class Producers:
    """The writers of every memory, to be asked about addresses."""

    def __init__(self, items: Sequence[Item], index: Integers) -> None:
        self.index = index
        self.lines = list(lines(items))
        self.accumulated = {line.target.memory for line in self.lines if line.kind is Accumulate}
        self._writers: dict[str, list[Line]] = {}
        for line in self.lines:
            self._writers.setdefault(line.target.memory, []).append(line)
        self._extents = {
            memory: [extent(line.target, line.axes, index) for line in writers]
            for memory, writers in self._writers.items()
        }
        self._bounds = {
            memory: (np.array([e.low for e in found]), np.array([e.high for e in found]))
            for memory, found in self._extents.items()
        }
        self._looked_up: dict[tuple[str, int, int], list[int]] = {}
        for writers in self._writers.values():
            for k, line in enumerate(writers):
                if line.target.lookup:
                    self._looked_up.setdefault(_start(line.target), []).append(k)
        self._known: dict[tuple[Address, Axes], Source | None] = {}
        self._met: dict[tuple[str, Extent], list[Line]] = {}

    def source(self, address: Address, around: Axes) -> Source | None:
        """The one statement that writes all that an address reads, if there is one."""
        if address.memory not in self._writers or address.memory in self.accumulated:
            return None
        key = (address, around)
        if key not in self._known:
            self._known[key] = self._source(address, around)
        return self._known[key]

    def _source(self, address: Address, around: Axes) -> Source | None:
        if address.lookup:
            candidates = self._looked_up.get(_start(address), [])
        else:
            low, high, _ = extent(address, around, self.index)
            lows, highs = self._bounds[address.memory]
            candidates = np.flatnonzero((lows <= low) & (high <= highs)).tolist()
        fixed = scope_depth(address.memory, around)
        for k in candidates:
            line = self._writers[address.memory][k]
            found = counters(line.target, line.axes, address, around, fixed)
            if found:
                return Source(line, found)
        return None

    def possible(self, address: Address, around: Axes) -> list[Line]:
        """Every statement that may write something of what an address reads."""
        found = self.source(address, around)
        if found:
            return [found.line]
        return self.met(address.memory, extent(address, around, self.index))

    def met(self, memory: str, read: Extent) -> list[Line]:
        """Every statement that may write one of these places."""
        key = (memory, read)
        if key not in self._met:
            self._met[key] = self._meeting(memory, read)
        return self._met[key]

    def _meeting(self, memory: str, read: Extent) -> list[Line]:
        if memory not in self._writers:
            return []
        lows, highs = self._bounds[memory]
        near = np.flatnonzero((lows <= read.high) & (read.low <= highs)).tolist()
        extents = self._extents[memory]
        return [self._writers[memory][k] for k in near if extents[k].meets(read)]

    def settled(self, address: Address) -> bool:
        """Whether what stands at an address never changes once it is written."""
        return address.memory not in self.accumulated

    def moved(self, source: Source, address: Address, around: Axes) -> Address | None:
        """What the source of something reads, as the reader of that something can read it."""
        if not self.settled(address):
            return None
        if address.memory not in CODES:
            depth = scope_depth(address.memory, around)
            if not depth and not _in_scope(address.memory, around):
                return None
            if not all(source.counters.passes(k) for k in range(depth)):
                return None
        return source.counters.applied(address)


def _start(address: Address) -> tuple[str, int, int]:
    """What two looked-up addresses must have in common to mean the same."""
    return address.memory, address.base, address.lookup.start if address.lookup else 0


def _in_scope(memory: str, around: Axes) -> bool:
    return any(axis.frame.local == memory for axis in around)


def scope_depth(memory: str, around: Axes) -> int:
    """How many of the loops around stand outside the loop whose memory it is."""
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
