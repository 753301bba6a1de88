"""Fold statements that repeat: what stands around loops that a user stated, and within them.

An item is a whole statement, a loop with all that is in it included. What items have in common is
everything but the bases of their addresses and the names of local memories; these bases must move
by constant strides. That is checked address by address.
"""

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
        return Loop(statement.count, refolded(statement.body, depth))
    if isinstance(statement, While):
        first, test, body, last = (refolded(part, depth) for part in parts(statement))
        return While(statement.local, first, test, statement.condition, body, last)
    return statement


def _folded(items: Sequence[Statement], depth: int) -> Sequence[Statement]:
    if len(items) < 3:
        return items
    try:
        return _Sequence(items, depth).folded()
    except NotLoops:
        return items


class _Sequence:
    def __init__(self, items: Sequence[Statement], depth: int) -> None:
        self.items, self.depth = items, depth
        self.bases: list[Integers] = []
        shapes: dict[Any, int] = {}
        ids = []
        for item in items:
            addresses = tuple(_addresses(item))
            ids.append(shapes.setdefault(_shape(item, addresses), len(shapes)))
            bases = [(a.base, a.lookup.start if a.lookup else 0) for a in addresses]
            self.bases.append(np.array(bases, np.int64).ravel())
        self.ids = np.array(ids, np.int64)
        self.kinds = len(shapes)

    def folded(self) -> tuple[Statement, ...]:
        """The items in loops."""
        if self.kinds == len(self.items):
            return tuple(self.items)
        weights = coefficients(ITEM, max(map(len, self.bases)))
        sums = [(b.astype(np.uint64) * weights[: len(b)]).sum(dtype=np.uint64) for b in self.bases]
        hashes: Hashes = np.array(sums, np.uint64)
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
        bases = self.bases[item]
        steps = [self.bases[item + step] - bases for _, step in around]
        counters = np.indices(grid.shape).reshape(len(around), grid.size)
        for k, place in enumerate(grid.ravel().tolist()):
            wanted = bases + sum(s * c for s, c in zip(steps, counters[:, k], strict=True))
            if not np.array_equal(self.bases[place], wanted):
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


def _shape(statement: Statement, addresses: Sequence[Address]) -> Any:
    """What statements that may be turns of one loop have in common."""
    own: dict[str, int] = {}
    for inner in _whiles(statement):
        own[inner.local] = len(own)
    places = tuple(
        (own.get(a.memory, a.memory), a.strides, a.lookup and a.lookup.strides) for a in addresses
    )
    return _kind(statement), places


def _whiles(statement: Statement) -> Iterator[While]:
    if isinstance(statement, While):
        yield statement
    if isinstance(statement, Loop | While):
        for part in parts(statement):
            for below in part:
                yield from _whiles(below)


def _kind(statement: Statement) -> Any:
    if isinstance(statement, Loop | While):
        count = statement.count if isinstance(statement, Loop) else None
        return count, tuple(tuple(map(_kind, part)) for part in parts(statement))
    row = None if isinstance(statement, Accumulate | Run) else statement.row
    line = statement.source if isinstance(statement, Guard) else ""  # each can say where it stands
    return type(statement).__name__, row, line
