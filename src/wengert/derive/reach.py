"""Which inputs the cells of a graph depend on, as sets of columns.

A set is made only where one is needed: for a cell that more than one reads, for one that is asked
about, and for one that meets another in a second derivative. What a single reader wants goes into
that reader's set at once. So the partial sums of a long sum, whose sets would take quadratic room,
have none; and the sum itself has one only if someone asks, as it is linear in its terms.

Cells on a circle, which only while loops make, depend on the same inputs and share one set.
The native twin, in native/sparsity.c, keeps sets as blocks of 64 columns and equal sets once.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from wengert.derive.places import Cells, Edges, Meetings
from wengert.program.address import Integers
from wengert.program.connected import strongly_connected
from wengert.value import engine

Set = frozenset[int]
Reads = list[list[int]]
Rows = tuple[Integers, Cells]  # where each row's columns start, and all columns, ascending by row


def dependences_plain(count: int, columns: Cells, edges: Edges, roots: Cells, width: int) -> Rows:
    """The columns that each root depends on.

    Args:
        count: of cells.
        columns: per input, its column, or -1 where it counts as a constant.
        edges: who depends on whom.
        roots: the cells that are asked about.
        width: how many columns there are.
    """
    asked = roots.tolist()
    sets = _sets(_reads(count, edges), columns, asked, set(asked))
    return _rows(sorted(sets[root]) for root in asked)


def interactions_plain(
    count: int, columns: Cells, edges: Edges, roots: Cells, width: int, meetings: Meetings
) -> Rows:
    """The columns that meet each column in a second derivative of something the roots depend on.

    Args:
        count: of cells.
        columns: per input, its column, or -1 where it counts as a constant.
        edges: who depends on whom.
        roots: the cells whose sum is differentiated.
        width: how many columns there are.
        meetings: which cells meet, and in whose second derivative.
    """
    reads, asked = _reads(count, edges), roots.tolist()
    live = {cell for part in strongly_connected(asked, reads.__getitem__) for cell in part}
    met = {
        (left, right)
        for owner, left, right in zip(*(column.tolist() for column in meetings), strict=True)
        if owner in live
    }
    sets = _sets(reads, columns, asked, {cell for pair in met for cell in pair})
    rows: list[set[int]] = [set() for _ in range(width)]
    for a, b in {(sets[left], sets[right]) for left, right in met}:
        for column in a:
            rows[column] |= b
        for column in b:
            rows[column] |= a
    return _rows(map(sorted, rows))


def _rows(rows: Iterable[Sequence[int]]) -> Rows:
    lists = list(rows)
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(row) for row in lists], out=starts[1:])
    return starts, np.array([column for row in lists for column in row], np.int32)


def _reads(count: int, edges: Edges) -> Reads:
    """Per cell, the cells that it depends on."""
    reads: Reads = [[] for _ in range(count)]
    for target, source in zip(*(column.tolist() for column in edges), strict=True):
        reads[target].append(source)
    return reads


def _sets(
    reads: Reads, columns: Cells, roots: Sequence[int], wanted: Collection[int]
) -> dict[int, Set]:
    """The sets of all live cells that need one."""
    components = strongly_connected(roots, reads.__getitem__)
    uses = Counter(source for part in components for cell in part for source in reads[cell])
    sets: dict[int, Set] = {
        cell: frozenset([column] if column >= 0 else [])
        for cell, column in enumerate(columns.tolist())
    }
    for component in components:
        cell = component[0]
        inlined = len(component) == 1 and uses[cell] == 1 and cell not in wanted
        if cell not in sets and not inlined:
            sets.update(dict.fromkeys(component, _gathered(component, reads, sets)))
    return sets


def _gathered(component: list[int], reads: Reads, sets: dict[int, Set]) -> Set:
    """All that a cell, or the cells on a circle, depend on."""
    inside, waiting = set(component), list(component)
    parts: set[Set] = set()
    while waiting:
        for source in reads[waiting.pop()]:
            if source in sets:
                parts.add(sets[source])
            elif source not in inside:
                waiting.append(source)
    return next(iter(parts)) if len(parts) == 1 else frozenset().union(*parts)


# --- the twins ------------------------------------------------------------------------------------


if TYPE_CHECKING:
    dependences, interactions = dependences_plain, interactions_plain
elif engine == "native":
    from wengert import _native

    def dependences(count: int, columns: Cells, edges: Edges, roots: Cells, width: int) -> Rows:
        """See `dependences_plain`."""
        return _read(_native.dependences(count, columns, *edges, roots, width))

    def interactions(
        count: int, columns: Cells, edges: Edges, roots: Cells, width: int, meetings: Meetings
    ) -> Rows:
        """See `interactions_plain`."""
        return _read(_native.interactions(count, columns, *edges, roots, width, *meetings))

    def _read(rows: tuple[bytes, bytes]) -> Rows:
        starts, columns = rows
        return np.frombuffer(starts, np.int64), np.frombuffer(columns, np.int32)

else:
    dependences, interactions = dependences_plain, interactions_plain
