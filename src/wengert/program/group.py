"""Group what does not repeat by its shape.

Items of one shape (see `shapes`) can be done one after the other. So each group is a loop of a
single statement, which finds its operands, and where its result goes, through the index table. This
covers maps and reductions of any raggedness; the results stay in the places of record order.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.program.address import MEMORIES, PLACE, Integers
from wengert.program.fold import Folded
from wengert.program.moves import moves_of, strides_of
from wengert.program.nest import Nest, NotLoops, Tables
from wengert.program.shapes import BETTER, Column, Shapes, columns_of, is_poor, shapes_of
from wengert.program.statements import Loop, Statement
from wengert.program.stretch import Around, Stretch, places, positions

BARRIER, SHARE, RATIO = 1024, 16, 64  # items, part of the whole, items per statement
LARGE = 10_000  # statements: there, columns are cheaper than loops of less than
ROW, DEAR = 64, 8  # items, or items per statement


class Grouping(Nest):
    """Writes the loops in a stretch as statements, and groups what is poor in loops."""

    def __init__(self, stretch: Stretch, folded: Folded, tables: Tables) -> None:
        super().__init__(stretch, folded, tables)
        self.groups = self.dropped = 0

    def top(self) -> list[Statement]:
        """The statements for the whole stretch."""
        if not self.folded.loops:
            size = len(self.stretch)
            return (is_poor(size, size) and self._grouped(0, size, size, ())) or [self.stretch.run]
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
        poor = is_poor(int(statements.sum()), int(items.sum()) * times)
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
        shapes = self._shapes(low, high, around)
        if shapes is None or shapes.size * BETTER > size:
            return None
        stretch = self.stretch
        columns = columns_of(
            stretch.ids, stretch.operands, stretch.offsets, shapes.order, shapes.edges
        )
        self.groups += len(columns)
        order, edges = shapes.order, shapes.edges.tolist()
        kinds = [stretch.kinds[k] for k in stretch.ids[order[shapes.edges[:-1]]].tolist()]
        return [
            self._group(order[start:stop], kind.memories, found, around)
            for start, stop, kind, found in zip(edges, edges[1:], kinds, columns, strict=False)
        ]

    def _shapes(self, low: int, high: int, around: Around) -> Shapes | None:
        """The items by their shape; None if there is no order that holds for all rounds."""
        stretch = self.stretch
        if not around:
            if high - low == len(stretch):
                return stretch.shapes
            ids = stretch.ids[low:high]
            return shapes_of(ids, stretch.operands, stretch.offsets, low, stretch.run.start)
        moves = moves_of(
            stretch.ids, stretch.operands, stretch.offsets, low, high, stretch.run.start, around
        )
        if moves is None:
            return None
        if not len(moves):
            raise NotLoops
        return shapes_of(moves, stretch.operands, stretch.offsets, low, stretch.run.start)

    def _group(
        self, items: Integers, memories: Sequence[int], columns: Sequence[Column], around: Around
    ) -> Statement:
        """One statement for items that the loops around move alike."""
        stretch, tables, alone = self.stretch, self.tables, len(items) == 1
        item, stride, table = columns[0]
        moves: Sequence[tuple[int, ...] | None] = [()] * len(memories)
        steps: tuple[int, ...] = ()
        if around:
            if alone:
                return self.statement(item, around)
            moves = strides_of(stretch.ids, stretch.operands, stretch.offsets, item, around)
            steps = tuple([step for _, step in around])
        strides = steps if alone else (*steps, stride)
        target = tables.column(self.memory, item + stretch.run.start, strides, table)
        reads = []
        for slot, code in enumerate(memories):
            own = moves[slot]
            place, stride, table = columns[slot + 1]
            if own is None:
                grid = positions(0, around)[..., None] + items
                found = tables.address(MEMORIES[code], places(stretch.column(slot, grid)))
            else:
                strides = own if alone else (*own, stride)
                found = tables.column(MEMORIES[code], place & PLACE, strides, table)
            reads.append(found)
        statement = self.made(item, target, tuple(reads))
        return statement if alone else Loop(len(items), (statement,))
