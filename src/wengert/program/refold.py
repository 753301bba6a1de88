"""Fold statements that repeat: what stands around loops that a user stated, and within them.

An item is a whole statement, a loop with all that is in it included. What items have in common is
everything but the bases of their addresses and the names of local memories; these bases must move
by constant strides. That is checked address by address.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.program.address import Address, Integers, Lookup
from wengert.program.fold import ITEM, Hashes, coefficients, fold
from wengert.program.nest import NotLoops, Sizes
from wengert.program.statements import (
    Accumulate,
    Guard,
    Loop,
    Run,
    Statement,
    While,
    changed,
    parts,
    reads,
)
from wengert.program.stretch import Around, positions

FEW = 16  # statements, that are counted without a table
LONG = 1000  # statements in a row that nothing was found in: they stay


def refolded(statements: Sequence[Statement], depth: int = 0) -> tuple[Statement, ...]:
    """The same statements in loops, inside the loops that are there and around them.

    Args:
        statements: what is done in order.
        depth: how many loops are around them.
    """
    out: list[Statement] = []
    items: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Run) and len(statement) > LONG:
            out += [*_folded(items, depth), statement]
            items = []
        else:
            items += statement if isinstance(statement, Run) else (_inside(statement, depth + 1),)
    return (*out, *_folded(items, depth))


def _inside(statement: Statement, depth: int) -> Statement:
    if isinstance(statement, Loop):
        return replace(statement, body=refolded(statement.body, depth))
    if isinstance(statement, While):
        first, test, body, last = (refolded(part, depth) for part in parts(statement))
        return While(statement.local, first, test, statement.condition, body, last)
    return statement


def _folded(items: Sequence[Statement], depth: int) -> Sequence[Statement]:
    if not _may_repeat(items):
        return items
    try:
        return _Sequence(items, depth).folded()
    except NotLoops:
        return items


def _may_repeat(items: Sequence[Statement]) -> bool:
    """Whether anything stands there three times, by what is seen soonest."""
    if len(items) < 3:
        return False
    kinds = [(type(item), getattr(item, "row", None)) for item in items]
    return max(map(kinds.count, set(kinds)) if len(kinds) < FEW else Counter(kinds).values()) >= 3


class _Sequence:
    """Statements, as rows of numbers: a table for each shape, and in it a row for each item."""

    def __init__(self, items: Sequence[Statement], depth: int) -> None:
        self.items, self.depth = items, depth
        shapes: dict[Any, int] = {}
        tables: list[list[list[int]]] = []
        ids, rows = [], []
        for item in items:
            shape, bases = _shape(item)
            number = shapes.setdefault(shape, len(shapes))
            if number == len(tables):
                tables.append([])
            ids.append(number)
            rows.append(len(tables[number]))
            tables[number].append(bases)
        self.ids, self.rows = np.array(ids, np.int64), np.array(rows, np.int64)
        self.tables = [np.array(table, np.int64) for table in tables]
        self.kinds = len(shapes)

    def folded(self) -> tuple[Statement, ...]:
        """The items in loops."""
        if self.kinds == len(self.items):
            return tuple(self.items)
        weights = coefficients(ITEM, max(table.shape[1] for table in self.tables))
        hashes: Hashes = np.empty(len(self.items), np.uint64)
        for kind, table in enumerate(self.tables):
            hashes[self.ids == kind] = table.astype(np.uint64) @ weights[: table.shape[1]]
        found = fold(self.ids, hashes, self.kinds)
        self.loops = found.loops
        self.sizes = Sizes.of(found, self.kinds).items
        starts = found.starts.tolist()
        return tuple(self._sequence(found.ids.tolist(), starts[0], ()))

    def _sequence(self, ids: Sequence[int], start: int, around: Around) -> list[Statement]:
        out: list[Statement] = []
        for identity in ids:
            if identity >= self.kinds:
                count, body = self.loops[identity - self.kinds]
                step = self.sizes[identity] // count
                inner = self._sequence(body.tolist(), start, (*around, (count, step)))
                out.append(Loop(count, tuple(inner)))
            else:
                out.append(self._statement(start, around))
            start += self.sizes[identity]
        return out

    def _statement(self, item: int, around: Around) -> Statement:
        """A statement with the strides of the new loops around it."""
        grid = positions(item, around)
        if not (self.ids[grid] == self.ids[item]).all():
            raise NotLoops
        table = self.tables[self.ids[item]]
        bases = table[self.rows[item]]
        steps = [table[self.rows[item + step]] - bases for _, step in around]
        wanted = np.broadcast_to(bases, (*grid.shape, len(bases))).copy()
        for axis, step in enumerate(steps):
            counters = np.arange(grid.shape[axis]).reshape(-1, *[1] * (grid.ndim - axis))
            wanted += counters * step
        if not np.array_equal(table[self.rows[grid]], wanted):
            raise NotLoops
        return _rebuilt(self.items[item], iter(self._moved(item, steps)))

    def _moved(self, item: int, steps: Sequence[Integers]) -> Iterator[Address]:
        at = self.depth
        for k, address in enumerate(_addresses(self.items[item])):
            own, looked = (tuple(int(s[2 * k + which]) for s in steps) for which in (0, 1))
            lookup = address.lookup
            if lookup:
                moved = (*lookup.strides[:at], *looked, *lookup.strides[at:])
                lookup = Lookup(lookup.start, moved)
            strides = (*address.strides[:at], *own, *address.strides[at:])
            yield Address(address.memory, address.base, strides, lookup)


def _addresses(statement: Statement) -> Iterator[Address]:
    """Every address in a statement, always in the same order."""
    if isinstance(statement, Loop | While):
        if isinstance(statement, While):
            yield statement.condition
        for part in parts(statement):
            for below in part:
                yield from _addresses(below)
    elif isinstance(statement, Run):
        raise NotLoops
    else:
        yield statement.target
        yield from reads(statement)


def _rebuilt(statement: Statement, addresses: Iterator[Address]) -> Statement:
    """The statement with other addresses, in the order of `_addresses`."""

    def all_of(below: Iterable[Statement]) -> tuple[Statement, ...]:
        return tuple(_rebuilt(one, addresses) for one in below)

    if isinstance(statement, Loop):
        return replace(statement, body=all_of(statement.body))
    if isinstance(statement, While):
        condition = next(addresses)
        first, test, body, last = map(all_of, parts(statement))
        return While(statement.local, first, test, condition, body, last)
    assert not isinstance(statement, Run)
    return changed(statement, lambda _: next(addresses))


def _shape(statement: Statement) -> tuple[Any, list[int]]:
    """What statements that may be turns of one loop have in common; and the bases that move."""
    places: list[Any] = []
    bases: list[int] = []
    own: dict[str, int] = {}
    kind = _collect(statement, own, places, bases)
    return (kind, tuple(places)), bases


def _collect(statement: Statement, own: dict[str, int], places: list[Any], bases: list[int]) -> Any:
    """What a statement does; notes its addresses in the order of `_addresses`."""
    if isinstance(statement, Loop | While):
        count = None if isinstance(statement, While) else (statement.count, statement.again)
        if isinstance(statement, While):
            own[statement.local] = len(own)
            _note((statement.condition,), own, places, bases)
        kinds = [
            tuple([_collect(below, own, places, bases) for below in part])
            for part in parts(statement)
        ]
        return count, tuple(kinds)
    if isinstance(statement, Run):
        raise NotLoops
    _note((statement.target, *reads(statement)), own, places, bases)
    row = None if isinstance(statement, Accumulate) else statement.row
    line = statement.source if isinstance(statement, Guard) else ""  # each can say where it stands
    return type(statement), row, line


def _note(
    addresses: Iterable[Address], own: dict[str, int], places: list[Any], bases: list[int]
) -> None:
    for address in addresses:
        memory, lookup = address.memory, address.lookup
        places.append((own.get(memory, memory), address.strides))
        bases.append(address.base)
        if lookup:
            places.append(lookup.strides)
        bases.append(lookup.start if lookup else 0)
