"""At which of its counters a statement writes what an address reads.

Every place is written once. So if every place that an affine address can read is a place that one
statement writes, the statement's counters are an affine function of the reader's:
`k = offset + Σ matrix·j`. This is found exactly.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, product
from typing import NamedTuple

from wengert.program.address import Address, Lookup
from wengert.program.draft import BODY, LAST, TEST, Axes, Axis


class Counters(NamedTuple):
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
    for reader, producer in zip(around, axes, strict=False):
        if not together(reader, producer):
            break
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
    return _own(depth, len(around))


@lru_cache(maxsize=1024)
def _own(depth: int, width: int) -> Counters:
    """The reader's own counters, of which the producer has the outer ones."""
    return Counters((0,) * depth, tuple(_unit(width, k) for k in range(depth)), width)


@lru_cache(maxsize=1024)
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
