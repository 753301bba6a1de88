"""Where a derivative program puts what it computes: behind the primal values, each in its place."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.program.address import (
    CONSTANT,
    MEMORIES,
    PLACE,
    SHIFT,
    VALUE,
    Address,
    Integers,
    Lookup,
    distinct,
)
from wengert.program.draft import Axes
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Loop, Statement, While, parts
from wengert.program.structure import Floats

FEW = 8  # moves that stand one by one
RECENT = 64  # statements among which one to label is looked for


class Space:
    """The memories of a program that is being written."""

    def __init__(self, program: Program) -> None:
        self.values = program.values
        self._index: list[Integers] = [program.index]
        self._constants: list[Floats] = [program.constants]
        self._length = len(program.constants)
        self._known: dict[str, int] = {}
        self._locals = {loop.local for loop in whiles(program.statements)}

    @property
    def constants(self) -> Floats:
        """The constant memory."""
        return np.concatenate(self._constants)

    @property
    def length(self) -> int:
        """How many constants there are."""
        return self._length

    def take(self, size: int) -> int:
        """The first of some new places in the value memory."""
        first = self.values
        self.values += size
        return first

    def block(self, numbers: Any) -> int:
        """Where some new constants begin."""
        first, added = self._length, np.asarray(numbers, float).ravel()
        self._constants.append(added)
        self._length += len(added)
        return first

    def number(self, number: float) -> int:
        """The place of a constant; the same for the same."""
        key = repr(number)
        if key not in self._known:
            self._known[key] = self.block([number])
        return self._known[key]

    @property
    def index(self) -> Integers:
        """The index table."""
        return np.concatenate(self._index)

    def table(self, entries: Integers) -> int:
        """Where some new entries of the index table begin."""
        first = sum(map(len, self._index))
        self._index.append(np.asarray(entries, np.int64))
        return first

    def local(self, name: str) -> str:
        """A new name for the memory of a while loop."""
        number = 1
        while f"{name}_{number}" in self._locals:
            number += 1
        self._locals.add(f"{name}_{number}")
        return f"{name}_{number}"


@dataclass(frozen=True)
class Beside:
    """Numbers that belong to those of a memory, in rows of `size`: at `base + size·row + place`."""

    memory: str
    base: int
    size: int

    def of(self, address: Address) -> Address:
        """Where the number that belongs to an address is, in row 0."""
        return replace(address, memory=self.memory, base=address.base + self.base)


@dataclass
class Body:
    """The statements of one body, as they are written.

    Args:
        space: the memories.
        counts: how often each loop around runs, outermost first; 1 for one whose count nobody
            knows, by which nothing moves then.
        source: the line of the user's that the next statements come from.
        home: where results go; None for places of the value memory, one for each round.
        again: whether it is that of a loop whose values are computed again on the way back.
    """

    space: Space
    counts: tuple[int, ...] = ()
    statements: list[Statement] = field(default_factory=list)
    source: str = ""
    home: "Home | None" = None
    again: bool = False

    def place(self) -> Address:
        """New places for a result, one for each round of the loops around."""
        if self.home:
            return self.home.place(self.counts)
        strides = dense(self.counts)
        return Address(VALUE, self.space.take(prod(self.counts)), strides)

    def apply(
        self, row: Primitive | None, operands: tuple[Address, ...], label: str = ""
    ) -> Address:
        """Write an operation down; where its result is."""
        target = self.place()
        self.assign(target, row, operands, label)
        return target

    def assign(
        self, target: Address, row: Primitive | None, operands: tuple[Address, ...], label: str = ""
    ) -> None:
        """Write an operation down whose result has a place."""
        self.statements.append(Assign(target, row, operands, label, self.source))

    def name(self, target: Address, label: str) -> None:
        """Label what was written to a place, if that was not long ago."""
        for k in range(len(self.statements) - 1, max(-1, len(self.statements) - 1 - RECENT), -1):
            written = self.statements[k]
            if isinstance(written, Assign) and written.target == target:
                self.statements[k] = replace(written, label=written.label or label)
                return

    def add_to(self, target: Address, operand: Address) -> None:
        """Write an accumulation down."""
        self.statements.append(Accumulate(target, operand, "", self.source))

    def constant(self, number: float) -> Address:
        """The address of a number."""
        return Address(CONSTANT, self.space.number(number), (0,) * len(self.counts))

    def scatter(self, targets: Integers, sources: Integers, add: bool = False) -> None:
        """Move numbers to places of the value memory, or add them up there; both are coded.

        Many are a loop that looks up its places. There must be no loops around.
        """
        for code in distinct(sources >> SHIFT).tolist():
            chosen = sources >> SHIFT == code
            to, read = targets[chosen], sources[chosen] & PLACE
            if len(to) > FEW:
                inner = self.inside(len(to))
                there, here = (VALUE, to), (MEMORIES[code], read)
                inner.transfer(inner.looked_up(*there), inner.looked_up(*here), add)
                self.close(inner)
                continue
            for target, source in zip(to.tolist(), read.tolist(), strict=True):
                self.transfer(Address(VALUE, target), Address(MEMORIES[code], source), add)

    def transfer(self, target: Address, source: Address, add: bool) -> None:
        """Move a number, or add it to what is there."""
        if add:
            self.add_to(target, source)
        else:
            self.assign(target, None, (source,))

    def looked_up(self, memory: str, places: Integers) -> Address:
        """An address of which the innermost loop makes one place after the other."""
        steps = np.diff(places)
        outer = (0,) * (len(self.counts) - 1)
        if not (steps != steps[0]).any():
            return Address(memory, int(places[0]), (*outer, int(steps[0])))
        lookup = Lookup(self.space.table(places), (*outer, 1))
        return Address(memory, 0, (*outer, 0), lookup)

    def inside(self, count: int, again: bool = False) -> "Body":
        """The body of a loop in this one, which `close` writes down."""
        return Body(self.space, (*self.counts, count), [], self.source, self.home, again)

    @contextmanager
    def nested(self, counts: Iterable[int]) -> Iterator["Body"]:
        """The body of loops inside each other in this one, which are written down in the end."""
        nest = [self]
        for count in counts:
            nest.append(nest[-1].inside(count))
        yield nest[-1]
        for outer, inner in zip(nest[-2::-1], nest[:0:-1], strict=True):
            outer.close(inner)

    def loop(self) -> Loop:
        """All of it as the loop that it is the body of."""
        return Loop(self.counts[-1], tuple(self.statements), self.again)

    def close(self, inner: "Body") -> None:
        """Write a loop down, if anything is in it."""
        if inner.statements:
            self.statements.append(inner.loop())


@dataclass
class Home:
    """Places in a while loop's own memory, beside that of a result."""

    beside: Address
    used: int

    def place(self, counts: Sequence[int]) -> Address:
        """A new place, which moves with the result; in a further loop, one for each round."""
        further = counts[len(self.beside.strides) :]
        strides = (*self.beside.strides, *dense(further))
        address = Address(self.beside.memory, self.beside.base + self.used, strides)
        self.used += prod(further)
        return address


def whiles(statements: Iterable[Statement]) -> Iterator[While]:
    """Every while loop, wherever it stands."""
    for statement in statements:
        if isinstance(statement, While):
            yield statement
        if isinstance(statement, Loop | While):
            for part in parts(statement):
                yield from whiles(part)


def dense(counts: Sequence[int]) -> tuple[int, ...]:
    """The strides of a block with a place for each setting of the counters."""
    return tuple(prod(counts[k + 1 :]) if count > 1 else 0 for k, count in enumerate(counts))


def counts_of(axes: Axes) -> tuple[int, ...]:
    """How often each loop runs; 1 where that is not known."""
    return tuple(axis.rounds or 1 for axis in axes)
