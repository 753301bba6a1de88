"""Back through a while loop: it is run again, forwards, with the tangents of all that it reads.

Nobody knows how often a while loop runs, so its rounds cannot be gone through backwards at places
that are known. But it reads few numbers from outside. A loop that carries their tangents along
gives its Jacobian, in memory that does not grow with the rounds, and the adjoints of its results
times that Jacobian are the adjoints of what it reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from wengert.derive.activity import stands_in
from wengert.derive.forward import Forward
from wengert.derive.space import Body, dense
from wengert.derive.uses import Here, Uses
from wengert.program.address import CODES, CONSTANT, Address
from wengert.program.draft import Axes, Frame, Line


@dataclass(frozen=True)
class Entry:
    """Numbers that a while loop reads through one address.

    Args:
        address: where.
        axes: the loops around the reader; the first ones are those around the while loop.
        moving: which of the loops inside the while loop move it.
        offset: the direction of the first number's tangent.
        several: whether there is more than one direction.
    """

    address: Address
    axes: Axes
    moving: tuple[int, ...]
    offset: int
    several: bool

    @property
    def counts(self) -> tuple[int, ...]:
        """How often each of these loops runs."""
        return tuple(self.axes[k].rounds or 1 for k in self.moving)

    @property
    def moves(self) -> tuple[int, ...]:
        """By how much each of these loops moves it."""
        return tuple(self.address.strides[k] for k in self.moving)

    @property
    def lookup_moves(self) -> tuple[int, ...]:
        """By how much each of them moves it in the index table."""
        lookup = self.address.lookup
        return tuple(lookup.strides[k] for k in self.moving) if lookup else ()


def entries_of(frame: Frame, depth: int, uses: Uses) -> list[Entry]:
    """What a while loop reads from outside that derivatives pass through.

    Args:
        frame: the loop.
        depth: how many loops are around it.
        uses: the uses in the program.
    """
    found: dict[object, Entry] = {}
    offset = 0
    for use in uses.all:
        axes = use.line.axes
        if len(axes) <= depth or axes[depth].frame is not frame or use.address.memory not in CODES:
            continue
        if any(stands_in(writer, frame, depth) for writer in uses.writers(use)):
            continue  # one of its own results
        moving = moving_inside(use.address, axes, depth)
        entry = Entry(use.address, axes, moving, offset, True)
        if found.setdefault(_key(entry, depth), entry) is entry:
            offset += prod(entry.counts)
    return [replace(entry, several=offset > 1) for entry in found.values()]


def moving_inside(address: Address, axes: Axes, depth: int) -> tuple[int, ...]:
    """Which of the loops inside the while loop at a depth move an address."""
    lookup = address.lookup
    return tuple(
        k for k in range(depth + 1, len(axes))
        if address.strides[k] or (lookup and lookup.strides[k])
    )  # fmt: skip


def _key(entry: Entry, depth: int) -> object:
    address, lookup = entry.address, entry.address.lookup
    return (
        address.memory, address.base, address.strides[:depth], entry.moves, entry.counts,
        lookup and (lookup.start, lookup.strides[:depth], entry.lookup_moves),
    )  # fmt: skip


class Rerun(Forward):
    """A while loop with tangents, written down in the body in which its adjoints are wanted.

    Args:
        uses: the uses in the program.
        here: what an address of the program is in that body.
        frame: the loop.
        axes: the loops around it.
        entries: what it reads.
        body: that body.

    Attributes:
        exits: the statements that move results out of it, and where their tangents are.
    """

    def __init__(
        self, uses: Uses, here: Here, frame: Frame, axes: Axes, entries: Sequence[Entry], body: Body
    ) -> None:
        self.size = sum(prod(entry.counts) for entry in entries)
        super().__init__(body.space, uses.activity, self.size, {})
        self.useful = uses.useful
        self.here, self.depth = here, len(axes)
        self.rows = len(body.counts) - len(axes)
        self.entries = {_key(entry, self.depth): entry for entry in entries}
        self.identity = body.space.block(np.eye(self.size))
        self.exits: list[tuple[Line, Address]] = []
        self.loop(frame, axes, body)

    def name(self, local: str) -> str:
        """Its memory is a new one."""
        if local not in self.names:
            self.names[local] = self.space.local(local)
        return self.names[local]

    def primal(self, address: Address, axes: Axes) -> Address:
        """Where a value is: in the new memory, or where it was left."""
        return super().primal(self.here(address, axes, self.depth), axes)

    def tangent(self, address: Address, axes: Axes) -> Address:
        """Where its tangent is: of what is read from outside, one row of the identity for each."""
        if address.memory not in CODES:
            return super().tangent(address, axes)
        for line, place in self.exits:
            if line.target == address:
                return place
        moving = moving_inside(address, axes, self.depth)
        entry = self.entries[_key(Entry(address, axes, moving, 0, True), self.depth)]
        strides = [0] * (self.rows + len(axes))
        for k, stride in zip(moving, dense(entry.counts), strict=True):
            strides[self.rows + k] = stride * self.size
        first = self.identity + entry.offset * self.size
        return Address(CONSTANT, first, (*strides, *(1,) * (self.size > 1)))

    def result(self, line: Line, inner: Body) -> Address:
        """Where the tangent of a statement's result goes; of one that leaves the loop, outside."""
        if line.target.memory not in CODES:
            return super().result(line, inner)
        self.exits.append((line, inner.place()))
        return self.exits[-1][1]

    def repeats(self, line: Line) -> bool:
        """What leaves the loop has been there since the first run."""
        return line.target.memory not in CODES

    def follows(self, line: Line) -> bool:
        """Only what reaches an output with a cotangent: no tangents come from elsewhere."""
        return id(line) in self.useful or id(line) in self.zeros
