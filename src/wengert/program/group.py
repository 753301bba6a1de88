"""Group what does not repeat by its shape.

The level of an item is how often the operation changes along the longest path that leads to it.
All items of one level that do the same can be done one after the other, in record order: what they
read is of a lower level, or comes before them in the group. So each group is a loop of a single
statement, which finds its operands, and where its result goes, through the index table. This covers
maps and reductions of any raggedness; the results stay in the places of record order.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.program.address import MEMORIES, PLACE, Integers
from wengert.program.fold import Folded
from wengert.program.moves import moves_of, strides_of
from wengert.program.nest import Nest, NotLoops, Tables
from wengert.program.statements import Loop, Statement
from wengert.program.stretch import Around, Stretch, columns_of, levels_of, places, positions

SMALL = 200  # statements: not grouped
WORTH = 200  # operations per statement: not grouped
BETTER = 4  # times smaller: then it is grouped
BARRIER, SHARE, RATIO = 1024, 16, 64  # items, part of the whole, items per statement
LARGE = 10_000  # statements: there, columns are cheaper than loops of less than
ROW, DEAR = 64, 8  # items, or items per statement


class Grouping(Nest):
    """Writes the loops in a stretch as statements, and groups what is poor in loops."""

    def __init__(self, stretch: Stretch, folded: Folded, tables: Tables) -> None:
        super().__init__(stretch, folded, tables)
        self.groups = self.dropped = 0

    def is_poor(self, size: int, operations: int) -> bool:
        """Whether so many statements are many for so many operations."""
        return size > SMALL and size * WORTH > operations

    def top(self) -> list[Statement]:
        """The statements for the whole stretch."""
        items = np.array(self.sizes.items, np.int64)[self.folded.ids]
        if not np.array_equal(
            np.append(self.folded.starts, len(self.stretch))[1:], self.folded.starts + items
        ):
            raise NotLoops
        return self._sequence(self.folded.ids, self.folded.starts, len(self.stretch), ())

    def body(self, ids: Sequence[int], start: int, around: Around) -> list[Statement]:
        """The statements for what is in a loop."""
        identities = np.array(ids, np.int64)
        items = np.array(self.sizes.items, np.int64)[identities]
        return self._sequence(
            identities, start + np.cumsum(items) - items, start + int(items.sum()), around
        )

    def _sequence(
        self, ids: Integers, starts: Integers, stop: int, around: Around
    ) -> list[Statement]:
        statements = np.array(self.sizes.statements, np.int64)[ids]
        items = np.array(self.sizes.items, np.int64)[ids]
        times = int(np.prod([count for count, _ in around], dtype=np.int64))
        poor = self.is_poor(int(statements.sum()), int(items.sum()) * times)
        out: list[Statement] = []
        loops = ids >= self.kinds
        if not poor:
            self._plain(starts, loops, ids, stop, around, out)
            return out
        least = max(BARRIER, int(items.sum()) // SHARE)
        barriers = np.flatnonzero((items >= least) & (items >= RATIO * statements))
        low = 0
        for barrier in [*barriers.tolist(), len(ids)]:
            here = slice(low, barrier)
            if barrier > low:
                end = int(starts[barrier]) if barrier < len(ids) else stop
                size = int(statements[here].sum())
                grouped = self._grouped(int(starts[low]), end, size, around)
                if grouped is None:
                    kept = loops[here]
                    if size > LARGE and not around:
                        kept = kept & (items[here] >= np.maximum(ROW, DEAR * statements[here]))
                        self.dropped += int(loops[here].sum() - kept.sum())
                    self._plain(starts[here], kept, ids[here], end, around, out)
                else:
                    out += grouped
            if barrier < len(ids):
                out += self.sequence([int(ids[barrier])], int(starts[barrier]), around)
            low = barrier + 1
        return out

    def _plain(
        self, starts: Integers, loops: Any, ids: Integers, stop: int, around: Around,
        out: list[Statement],
    ) -> None:  # fmt: skip
        """The loops where `loops` says so, and else the items one by one."""
        if around:
            if len(ids):
                out += self.sequence(ids.tolist(), int(starts[0]), around)
            return
        edges = np.flatnonzero(np.diff(loops, prepend=False, append=False))
        ends = np.append(starts, stop)
        at = int(ends[0])
        for first, last in edges.reshape(-1, 2).tolist():
            if at < ends[first]:
                out.append(self.stretch.cut(at, int(ends[first])))
            out += self.sequence(ids[first:last].tolist(), int(ends[first]), around)
            at = int(ends[last])
        if at < stop:
            out.append(self.stretch.cut(at, stop))

    def _grouped(self, low: int, high: int, size: int, around: Around) -> list[Statement] | None:
        """The items from `low` to `high` in groups, if much better than `size` statements."""
        stretch = self.stretch
        ids = stretch.ids[low:high]
        if around:
            moves = moves_of(
                stretch.ids, stretch.operands, stretch.offsets, low, high, stretch.run.start, around
            )
            if moves is None:
                return None
            if not len(moves):
                raise NotLoops
            ids = moves
        levels = levels_of(ids, stretch.operands, stretch.offsets, low, stretch.run.start)
        shapes = levels * (int(ids.max()) + 1) + ids
        if len(shapes) and shapes.max() < 1 << 16:
            shapes = shapes.astype(np.uint16)  # which NumPy sorts by counting
        order = np.argsort(shapes, kind="stable")
        ranked = shapes[order]
        inner = np.flatnonzero(ranked[1:] != ranked[:-1]) + 1
        edges = np.concatenate(([0], inner, [len(ranked)]))
        counts = np.diff(edges)
        if int(2 * len(counts) - (counts == 1).sum()) * BETTER > size:
            return None
        self.groups += len(counts)
        out: list[Statement] = []
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            out.append(self._group(low + order[start:stop], around))
        return out

    def _group(self, items: Integers, around: Around) -> Statement:
        """One statement for items that the loops around move alike."""
        stretch = self.stretch
        first = int(items[0])
        if len(items) == 1:
            return self.statement(first, around)
        columns = columns_of(stretch.operands, stretch.offsets, items)
        moves = strides_of(stretch.ids, stretch.operands, stretch.offsets, first, around)
        steps = tuple(step for _, step in around)
        memories = stretch.kinds[stretch.ids[first]].memories
        place, stride, table = columns[0]
        tables = self.tables
        target = tables.column(self.memory, place + stretch.run.start, steps, stride, table)
        reads = []
        for slot, (code, strides) in enumerate(zip(memories, moves, strict=True)):
            if strides is None:
                grid = positions(0, around)[..., None] + items
                found = tables.address(MEMORIES[code], places(stretch.column(slot, grid)))
            else:
                place, stride, table = columns[slot + 1]
                found = tables.column(MEMORIES[code], place & PLACE, strides, stride, table)
            reads.append(found)
        return Loop(len(items), (self.made(first, target, tuple(reads)),))
