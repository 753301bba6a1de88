"""Items by their shape: what can be done one after the other, whatever it reads.

The level of an item is how often the operation changes along the longest path that leads to it.
All items of one level that do the same, in record order, are a group: what they read is of a lower
level, or comes before them in the group. Where that gives many groups, items that are alone wait
for others of their kind. The native twins are in native/shapes.c.
"""

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from wengert.program.address import SHIFT, Integers
from wengert.value import engine

SMALL = 200  # statements: nothing else is tried
WORTH = 200  # operations per statement: nothing else is tried
BETTER = 4  # times smaller: then something else is taken


def is_poor(statements: int, operations: int) -> bool:
    """Whether so many statements are many for so many operations."""
    return statements > SMALL and statements * WORTH > operations


class Shapes(NamedTuple):
    """Items, grouped.

    Args:
        order: the numbers of the items, group by group.
        edges: where in that order each group begins; and where the last one ends.
    """

    order: Integers
    edges: Integers

    @property
    def size(self) -> int:
        """How many statements the groups are: a loop and what is in it, or a single one."""
        counts = np.diff(self.edges)
        return int(2 * len(counts) - np.count_nonzero(counts == 1))


def shapes_of(
    ids: Integers, operands: Integers, offsets: Integers, first: int, start: int
) -> Shapes:
    """Some items of a stretch by their shape.

    Args:
        ids: what the items do, from number `first` of the stretch on.
        operands: of the whole stretch.
        offsets: where the operands of each item start.
        first: the number of the first item.
        start: the place of item 0 in the value memory.
    """
    most = max(SMALL, len(ids) // WORTH) // 2
    return Shapes(*ordered(ids, operands, offsets, first, start, most))


# --- the plain forms of what has a native twin ----------------------------------------------------


def ordered_plain(
    ids: Integers, operands: Integers, offsets: Integers, first: int, start: int, most: int
) -> tuple[Integers, Integers]:
    """The items in the order of their groups, and where these begin; see `Shapes`.

    Where that would be more than `most` groups, items that are alone wait for others.
    """
    kinds = ids.tolist()
    needs = [
        [
            code - start - first
            for code in operands[offsets[first + k] : offsets[first + k + 1]].tolist()
            if code >> SHIFT == 0 and 0 <= code - start - first < k
        ]
        for k in range(len(kinds))
    ]
    levels = [0] * len(kinds)
    for k, kind in enumerate(kinds):
        for before in needs[k]:
            levels[k] = max(levels[k], levels[before] + int(kinds[before] != kind))
    found = _sorted(levels, kinds)
    if len(found.edges) - 1 > most:
        found = _sorted(_delayed(levels, kinds, needs), kinds)
    return first + found.order, found.edges


def _sorted(levels: list[int], kinds: list[int]) -> Shapes:
    """The items sorted by level and kind."""
    order = np.lexsort((kinds, levels))
    shapes = np.array([levels, kinds], np.int64)[:, order]
    changes = (shapes[:, 1:] != shapes[:, :-1]).any(axis=0)
    inner = (np.flatnonzero(changes) + 1).tolist()
    return Shapes(order, np.array([*[0] * bool(kinds), *inner, len(kinds)], np.int64))


def _delayed(levels: list[int], kinds: list[int], needs: list[list[int]]) -> list[int]:
    """Later levels for items that are alone: those of the next of their kind, if all allow it.

    Args:
        levels: of the items.
        kinds: what they do.
        needs: which of the items each of them reads.
    """
    count = Counter(zip(levels, kinds, strict=True))
    alone = [count[shape] == 1 for shape in zip(levels, kinds, strict=True)]
    latest = [math.inf] * len(levels)
    following: dict[int, int] = {}  # per kind, the level of the next one that was alone
    delayed = list(levels)
    for k, kind in reversed(list(enumerate(kinds))):
        if alone[k]:
            if levels[k] < following.get(kind, -1) <= latest[k]:
                delayed[k] = following[kind]
            following[kind] = delayed[k]
        for before in needs[k]:
            latest[before] = min(latest[before], delayed[k] - (kinds[before] != kind))
    return delayed


Column = tuple[int, int, bytes | None]  # the first of some numbers, their stride, or a table


def columns_plain(
    ids: Integers, operands: Integers, offsets: Integers, order: Integers, edges: Integers
) -> list[list[Column]]:
    """Group by group, where the items stand, and what they read, slot by slot.

    Each is given by its first number and the stride; if there is none, by the first number and a
    table of how far all are from it.
    """
    found = []
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        items = order[low:high]
        first = int(items[0])
        slots = range(int(offsets[first + 1] - offsets[first]))
        columns = items, *(operands[offsets[items] + slot] for slot in slots)
        found.append([_column(column) for column in columns])
    return found


def _column(numbers: Integers) -> Column:
    distances = numbers - numbers[0]
    stride = int(distances[1]) if len(numbers) > 1 else 0
    first = int(numbers[0])
    is_affine = bool((np.diff(distances) == stride).all())
    return (first, stride, None) if is_affine else (first, 0, distances.tobytes())


if TYPE_CHECKING:
    ordered, columns_of = ordered_plain, columns_plain
elif engine == "native":
    from wengert import _native

    columns_of = _native.columns_of

    def ordered(
        ids: Integers, operands: Integers, offsets: Integers, first: int, start: int, most: int
    ) -> tuple[Integers, Integers]:
        """See `ordered_plain`."""
        ids = np.ascontiguousarray(ids, np.int32)
        order, edges = _native.ordered(ids, operands, offsets, first, start, most)
        return np.frombuffer(order, np.int64), np.frombuffer(edges, np.int64)

else:
    ordered, columns_of = ordered_plain, columns_plain
