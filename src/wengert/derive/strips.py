"""Loops that are in a program already, done in segments that are computed again on the way back.

The rounds of a segment get places of their own, with room in front for what the first of them read
of earlier rounds: the *halo*. A segment begins with moves from cells to its halo and ends with
moves to the cells of the next one, as in `program/segments.py`. What is read elsewhere is moved to
where it was. Where places do not move alike from round to round, a loop is left as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from wengert.program.address import (
    VALUE,
    Address,
    Integers,
    Lookup,
    distinct,
)
from wengert.program.program import Program
from wengert.program.rewrite import Counts, Strides, rewritten
from wengert.program.segments import Checkpoint, rounds_kept
from wengert.program.statements import (
    Accumulate,
    Assign,
    Loop,
    Plain,
    Run,
    Statement,
    While,
    reads,
    walk,
)

LONG = 256  # rounds: shorter loops keep everything
FEW = 64  # places that are followed one by one: carried, or read from outside
SEEN = 1 << 16  # places of one round that are looked at
BACK = 8  # rounds that something is read from, at most


def stripped(program: Program, checkpoint: Checkpoint) -> Program:
    """The same program with its long outermost loops, if they carry something, in segments.

    Args:
        program: any program.
        checkpoint: how many rounds a segment has, as for `wg.fori`.
    """
    for position, statement in enumerate(program.statements):
        if isinstance(statement, Loop) and statement.count >= LONG:
            length = rounds_kept(checkpoint, statement.count)
            if length and length < statement.count and not _is_marked(statement):
                strip = _planned(program, position, statement, length)
                program = strip.program() if strip else program
    return program


def _is_marked(loop: Loop) -> bool:
    return any(
        isinstance(each, Loop) and each.again for _, around in walk((loop,)) for each in around
    )


@dataclass(frozen=True)
class _Own:
    """The places that a statement in the loop assigns in the first round, one after the other."""

    target: Address
    places: Integers


def _planned(before: Program, position: int, loop: Loop, length: int) -> "_Strip | None":
    """How to do a loop in segments; None if that is not possible."""
    own = []
    for statement, around in walk(before.statements):
        if any(isinstance(o, While) and o.condition.memory == VALUE for o in around):
            return None  # a condition that is no statement's operand
        if not around or around[0] is not loop:
            continue
        target = statement.target
        if target.memory == VALUE and not isinstance(statement, Accumulate):
            places = _in_first(target, around)
            if places is None:
                return None
            own.append(_Own(target, places))
    strides = {each.target.strides[0] for each in own}
    if len(strides) != 1 or min(strides) <= 0:
        return None
    (stride,) = strides
    found = _halo(before, loop, own, stride)
    if found is None or not 0 < len(found) <= FEW:
        return None
    strip = _Strip(before, position, loop, length, stride, tuple(own), found)
    return None if strip.left_over() is None else strip


def _in_first(address: Address, around: Sequence[Loop | While]) -> Integers | None:
    """The places of an address in the first round of the outermost loop; None if too many."""
    counts = [loop.count if isinstance(loop, Loop) else 1 for loop in around[1:]]
    if address.lookup or prod(counts) > SEEN:
        return None
    still = Address(VALUE, address.base, address.strides[1:])
    return still.all(counts, np.empty(0, np.int64)).ravel()


def _halo(program: Program, loop: Loop, own: Sequence[_Own], stride: int) -> Integers | None:
    """The places read in first rounds that earlier ones would have written; None if not known."""
    written = np.sort(np.concatenate([each.places for each in own]))
    halo: list[Integers] = [np.empty(0, np.int64)]
    for statement, around in walk((loop,)):
        addresses = (*reads(statement), statement.target)
        for address in addresses:
            if address.memory != VALUE or not _meets(address, around, loop, own, program):
                continue
            read = _in_first(address, around)
            if read is None or address.strides[0] != stride:
                return None
            missing = ~np.isin(read, written)
            for back in range(1, BACK + 1):
                here = missing & np.isin(read + back * stride, written)
                halo += [read[here] + k * stride for k in range(back)]
                missing &= ~here
            if missing.any():
                return None
    return distinct(np.concatenate(halo))


def _meets(
    address: Address, around: Sequence[Loop | While], loop: Loop, own: Sequence[_Own],
    program: Program,
) -> bool:  # fmt: skip
    """Whether an address may mean a place that the loop writes."""
    counts = [each.count if isinstance(each, Loop) else 1 for each in around]
    low, high = _reach(address, counts, program.index)
    reach = own[0].target.strides[0] * (loop.count - 1)
    return any(low <= each.places.max() + reach and high >= each.places.min() for each in own)


def _reach(address: Address, counts: Sequence[int], index: Integers) -> tuple[int, int]:
    moves = [s * (n - 1) for s, n in zip(address.strides, counts, strict=True) if n > 1]
    low = address.base + sum(move for move in moves if move < 0)
    high = address.base + sum(move for move in moves if move > 0)
    if address.lookup and len(index):
        low, high = low + int(index.min()), high + int(index.max())
    return low, high


class _Strip:
    """A loop and how it is done in segments."""

    def __init__(
        self, before: Program, position: int, loop: Loop, length: int, stride: int,
        own: tuple[_Own, ...], halo: Integers,
    ) -> None:  # fmt: skip
        self.before, self.position, self.loop, self.length = before, position, loop, length
        self.stride, self.own, self.halo = stride, own, halo
        self.segments = (loop.count - 1) // length
        self.left = loop.count - self.segments * length  # the last ones, which others read
        low = min(int(halo.min()), *(int(each.places.min()) for each in own))
        high = max(int(each.places.max()) for each in own) + stride * (length - 1)
        self.step = high - low + 1
        self.cells = before.values
        self.shift = before.values + len(halo) * (self.segments + 1) - low
        self.values = self.shift + low + self.step * (self.segments + 1)

    # --- outside ----------------------------------------------------------------------------------

    def left_over(self) -> list[int] | None:
        """The places that are read or added to elsewhere; None if they are many."""
        found: set[int] = set()
        for k, statement in enumerate(self.before.statements):
            if k == self.position:
                continue
            for places in self._touched(statement):
                if places is None or len(places) > SEEN:
                    return None
                found.update(place for place in places.tolist() if self._now(place) != place)
                if len(found) > FEW:
                    return None
        return sorted(found)

    def _touched(self, statement: Statement) -> Iterator[Integers | None]:
        """The places of the value memory that may be the loop's; None for too many."""
        if isinstance(statement, Run):
            places = distinct(statement.places_in(VALUE))
            reach = self.stride * (self.loop.count - 1)
            low = min(int(each.places.min()) for each in self.own)
            high = max(int(each.places.max()) for each in self.own) + reach
            yield places[(places >= low) & (places <= high)]
            return
        for plain, around in walk((statement,)):
            for address in (*reads(plain), plain.target):
                if address.memory == VALUE and _meets(
                    address, around, self.loop, self.own, self.before
                ):
                    counts = [loop.count if isinstance(loop, Loop) else 1 for loop in around]
                    many = prod(counts) > SEEN
                    yield None if many else address.all(counts, self.before.index).ravel()

    def _now(self, place: int) -> int:
        """Where what a place kept is kept now."""
        for each in self.own:
            rounds, apart = np.divmod(place - each.places, self.stride)
            found = (apart == 0) & (rounds >= 0) & (rounds < self.loop.count)
            if found.any():
                segment = min(int(rounds[found][0]) // self.length, self.segments)
                return place + self.shift + segment * (self.step - self.stride * self.length)
        return place

    # --- inside -----------------------------------------------------------------------------------

    def program(self) -> Program:
        """The program with the loop in segments."""
        statements = list(self.before.statements)
        again = [_move(place, (), self._now(place), ()) for place in self.left_over() or ()]
        statements[self.position : self.position + 1] = [*self._loops(), *again]
        return replace(self.before, statements=tuple(statements), values=self.values)

    def _loops(self) -> Iterator[Statement]:
        count, halo = len(self.halo), self.halo.tolist()
        for k, place in enumerate(halo):
            yield _move(self.cells + k, (), place, ())
        rounds = Loop(self.length, self._body((self.step, self.stride), 0, 0))
        end = self.shift + self.stride * self.length
        first = [
            _move(self.shift + place, (self.step,), self.cells + k, (count,))
            for k, place in enumerate(halo)
        ]
        last = [
            _move(self.cells + count + k, (count,), end + place, (self.step,))
            for k, place in enumerate(halo)
        ]
        yield Loop(self.segments, (*first, rounds, *last), again=True)
        moved = self.step * self.segments
        for k, place in enumerate(halo):
            source = self.cells + count * self.segments + k
            yield _move(self.shift + moved + place, (), source, ())
        body = self._body((self.stride,), moved, self.segments * self.length)
        yield Loop(self.left, body)

    def _body(self, strides: tuple[int, ...], moved: int, done: int) -> tuple[Statement, ...]:
        """The body in other loops, after so many rounds."""

        def inside(
            memory: str, base: int, own: Strides, lookup: Lookup | None, counts: Counts
        ) -> Address:
            address = Address(memory, base, own, lookup)
            around = [Loop(count, ()) for count in counts]
            if memory == VALUE and _meets(address, around, self.loop, self.own, self.before):
                base += self.shift + moved
                return Address(memory, base, (*strides, *own[1:]))
            start, steps = self._split(base, own, done, len(strides))
            if lookup:
                lookup = Lookup(*self._split(lookup.start, lookup.strides, done, len(strides)))
            return Address(memory, start, steps, lookup)

        return tuple(rewritten(self.loop.body, inside, (self.loop.count,)))

    def _split(
        self, base: int, strides: Sequence[int], done: int, depth: int
    ) -> tuple[int, tuple[int, ...]]:
        outer = (strides[0] * self.length,) * (depth - 1)
        return base + strides[0] * done, (*outer, *strides)


def _move(target: int, to: tuple[int, ...], source: int, of: tuple[int, ...]) -> Plain:
    return Assign(Address(VALUE, target, to), None, (Address(VALUE, source, of),))
