"""Random programs with accumulations: those of `nests`, into whose bodies some are strewn.

Where they add to is mostly a guess. Those that turn out to add to what no sum has started, or to
what has been read already, are taken out again, so the rest are sums as a program may have them.
"""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from evaluate import Walk
from making import dense
from nests import INPUTS, expecting, nest

from wengert.program.address import INPUT, VALUE, Address, Lookup, span
from wengert.program.program import Program
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Plain,
    Statement,
    While,
    parts,
    reads,
)

GIVEN = [0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0]


def strewn(seed: int, near: bool = False, whiles: bool = False) -> Program:
    """A random program with accumulations anywhere."""
    found = nest(seed, near, whiles)
    strewing = _Strewing(random.Random(seed), found)
    statements = tuple(strewing.body(found.statements, (), VALUE))
    return replace(found, statements=statements, index=strewing.index)


def summing(seed: int, near: bool = False, whiles: bool = False) -> Program:
    """A random program with accumulations where they may be."""
    program = strewn(seed, near, whiles)
    while bad := wrong(program):
        program = replace(program, statements=tuple(_without(program.statements, bad)))
    return program if whiles else expecting(program, GIVEN)


def accumulations(statements: Iterable[Statement]) -> int:
    """How many there are."""
    count = 0
    for statement in statements:
        if isinstance(statement, Loop | While):
            count += sum(map(accumulations, parts(statement)))
        count += isinstance(statement, Accumulate)
    return count


# --- where to add what ----------------------------------------------------------------------------


class _Strewing:
    def __init__(self, chance: random.Random, program: Program) -> None:
        self.random = chance
        self.index = program.index
        self.values = program.values
        self.started: list[Address] = []
        self.whiles: set[int] = set()  # how deep the while loops around stand

    def body(
        self, statements: Iterable[Statement], counts: tuple[int, ...], memory: str
    ) -> Iterator[Statement]:
        """The statements of a body, with accumulations between them."""
        here: list[Address] = [Address(INPUT, self.random.randrange(INPUTS), (0,) * len(counts))]
        for statement in statements:
            if isinstance(statement, Loop):
                inside = self.body(statement.body, (*counts, statement.count), memory)
                yield replace(statement, body=tuple(inside))
            elif isinstance(statement, While):
                yield self.loop_while(statement, counts)
            else:
                yield statement
                if isinstance(statement, Assign | Guard):
                    here += [a for a in (*reads(statement), statement.target) if _is_read(a)]
                    self.started += [statement.target] * isinstance(statement, Assign)
            for _ in range(self.random.choice([0, 0, 1, 1, 2])):
                if target := self.target(counts, memory):
                    yield Accumulate(target, self.random.choice(here))

    def loop_while(self, loop: While, counts: tuple[int, ...]) -> While:
        self.started += [s.target for s in loop.first if isinstance(s, Assign)]
        self.whiles.add(len(counts))
        body = tuple(self.body(loop.body, (*counts, 1), loop.local))
        self.whiles.remove(len(counts))
        return replace(loop, body=body)

    def target(self, counts: tuple[int, ...], memory: str) -> Address | None:
        """A place that some statement has assigned to, moved about by the loops."""
        pool = [address for address in self.started if address.memory in (VALUE, memory)]
        if not pool or 0 in counts:
            return None
        start = self.random.choice(pool[-8:])
        base, strides = start.base, []
        for k, count in enumerate(counts):
            own = start.strides[k] if k < len(start.strides) else 0
            stride = own
            if memory == VALUE:
                stride = self.random.choice([own, own, own, own, -own, 0, 1])
                if stride == -own:
                    base += own * (count - 1)
            if k in self.whiles and start.memory == VALUE:
                stride = 0
            strides.append(stride)
        for k, stride in enumerate(start.strides[len(counts) :]):
            base += stride * self.random.randrange(3 if k else 4)
        base += self.random.choice([0, 0, 0, 1, -1, *strides, *(-s for s in strides)])
        address = Address(start.memory, base, tuple(strides))
        low, high = span(base, strides, counts)
        if start.memory == VALUE and not 0 <= low <= high < self.values:
            return None
        looked_up = memory == VALUE == start.memory and counts and self.random.random() < 0.15
        return self.scattered(address, counts) if looked_up else address

    def scattered(self, address: Address, counts: Sequence[int]) -> Address:
        """The same in another order, and with gaps and repetitions."""
        places = address.all(counts, self.index).ravel().tolist()
        start = len(self.index)
        table = self.random.choices(places, k=math.prod(counts))
        self.index = np.concatenate((self.index, np.array(table, np.int64)))
        still = (0,) * len(counts)
        return Address(address.memory, 0, still, Lookup(start, dense(counts)))


def _is_read(address: Address) -> bool:
    return address.memory != "output"


# --- what no program may do -----------------------------------------------------------------------


class _Watching(Walk):
    """An evaluation that remembers which accumulations come too early or too late."""

    def __init__(self, program: Program) -> None:
        self.seen: set[tuple[str, int]] = set()
        self.bad: set[int] = set()
        super().__init__(program, GIVEN, lambda guard, result: None)

    def repeat(self, loop: While, counters: tuple[int, ...]) -> None:
        self.seen = {(memory, place) for memory, place in self.seen if memory != loop.local}
        super().repeat(loop, counters)

    def step(self, statement: Plain, counters: tuple[int, ...]) -> None:
        if isinstance(statement, Accumulate):
            target = statement.target
            place = target.at(counters, self.program.index)
            started = place in self.memories.get(target.memory, {})
            own = statement.operand.at(counters, self.program.index) == place
            own &= statement.operand.memory == target.memory
            if not started or own or (target.memory, place) in self.seen:
                self.bad.add(id(statement))
            if id(statement) in self.bad:
                return
        super().step(statement, counters)

    def read(self, address: Address, counters: tuple[int, ...]) -> float:
        self.seen.add((address.memory, address.at(counters, self.program.index)))
        return super().read(address, counters)


def wrong(program: Program) -> set[int]:
    """The identities of the accumulations that a program must not have."""
    return _Watching(program).bad


def _without(statements: Iterable[Statement], bad: set[int]) -> Iterator[Statement]:
    for statement in statements:
        if isinstance(statement, Loop | While):
            yield replace(statement, body=tuple(_without(statement.body, bad)))
        elif id(statement) not in bad:
            yield statement
