"""Random programs that put evaluation to the test: carried values, lookups, guards that hold.

For interpreting and for storage, and so some read only what was assigned not long before.

Every place of the value memory is assigned, in order, so an address is good if at all counters it
is below the place that is assigned there.
"""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from evaluate import walk
from making import dense, from_array

from wengert import primitives
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.program import Program
from wengert.program.statements import Assign, Guard, Loop, Statement, While

INPUTS = 7
ROWS = [
    *[primitives.add, primitives.mul, primitives.sub] * 3, primitives.maximum, primitives.tanh,
    primitives.select, primitives.less, primitives.div, None,
]  # fmt: skip
GUARDS = [primitives.less, primitives.floor, primitives.greater_equal]


@dataclass
class Nests:
    """A program in the making."""

    random: random.Random
    depth: int
    longest: int
    near: bool
    whiles: bool
    memories: int = 0
    constants: list[float] = field(default_factory=list)
    index: list[int] = field(default_factory=list)

    def block(self, depth: int, size: int) -> list[tuple[object, ...]]:
        """A tree of rows and counts, not yet placed."""
        items: list[tuple[object, ...]] = []
        for _ in range(size):
            if depth < self.depth and self.random.random() < 0.45:
                count = self.random.choice([0, 1, 2, 3, self.longest, self.longest])
                items.append(("loop", count, self.block(depth + 1, self.random.randint(1, 3))))
            elif depth < self.depth and self.whiles and self.random.random() < 0.3:
                count = self.random.choice([0, 1, self.longest])
                items.append(("while", count, self.block(depth + 1, self.random.randint(1, 3))))
            elif self.random.random() < 0.06 and not self.whiles:
                items.append(("guard", self.random.choice(GUARDS)))
            else:
                items.append(("row", self.random.choice(ROWS)))
        return items

    def placed(
        self, block: list[tuple[object, ...]], base: int, strides: tuple[int, ...],
        counts: tuple[int, ...], memory: str = VALUE,
    ) -> Iterator[Statement]:  # fmt: skip
        """The statements of a block; in `counts`, a while loop counts once."""
        for kind, what, *below in block:
            if kind == "loop":
                (inner,) = below
                inside = (*strides, width(inner)), (*counts, what)
                yield Loop(what, tuple(self.placed(inner, base, *inside, memory)))
                base += what * width(inner)
                continue
            target = Address(memory, base, strides)
            if kind == "while":
                yield self.loop_while(what, below[0], target, counts)
                base += 1
                continue
            nin = what.nin if what else 1
            operands = tuple(self.operand(target, counts) for _ in range(nin))
            if kind == "guard":
                yield Guard(target, what, operands, self.data(counts), source=f"nest.py:{base}")
            else:
                yield Assign(target, what, operands)
            base += 1

    def loop_while(
        self, count: int, block: list[tuple[object, ...]], target: Address, counts: tuple[int, ...]
    ) -> While:
        """`count` times a block, which reads its last iterations and what is there at the start."""
        self.memories += 1
        local, size = f"w{self.memories}", width(block) + 2
        strides = (*(0 for _ in counts), size)

        def inside(address: Address) -> Address:
            return replace(address, strides=(*address.strides, 0))

        def here(place: int) -> Address:
            return Address(local, place, strides)

        first = [Assign(here(0), None, (inside(self.number(-1.0, counts)),))]
        first += [
            Assign(here(k), None, (inside(self.operand(target, counts)),))
            for k in range(1, size)
        ]  # fmt: skip
        one, limit = inside(self.number(1.0, counts)), inside(self.number(count, counts))
        test = (
            Assign(here(size), primitives.add, (here(0), one)),
            Assign(here(size + 1), primitives.less, (here(size), limit)),
        )
        body = tuple(self.placed(block, size + 2, strides, (*counts, 1), local))
        last = (Assign(inside(target), None, (here(self.random.randrange(size)),)),)
        return While(local, tuple(first), test, here(size + 1), body, last)

    def number(self, number: float, counts: tuple[int, ...]) -> Address:
        self.constants.append(number)
        return Address(CONSTANT, len(self.constants) - 1, (0,) * len(counts))

    def operand(self, target: Address, counts: tuple[int, ...]) -> Address:
        choice = self.random.random()
        if choice < 0.1:
            return self.data(counts)
        if choice < 0.2:
            return Address(INPUT, self.random.randrange(INPUTS), (0,) * len(counts))
        if choice < 0.3 and 0 not in counts and not self.near:
            return self.looked_up(target, counts)
        for _ in range(8):
            address = self.affine(target)
            if all(0 <= a < t for a, t in pairs(address, target, counts)):
                return address
        return self.data(counts)

    def affine(self, target: Address) -> Address:
        pick = self.random.choice
        strides = tuple(pick([s, s, s, s, 0, -s, 1]) for s in target.strides)
        back = pick([1, 1, 2, 3, *target.strides, *(2 * s for s in target.strides)])
        if self.near:
            return replace(target, base=target.base - back)
        far = self.random.randint(0, max(target.base, 0))
        return Address(VALUE, pick([target.base - back, target.base - back, far]), strides)

    def data(self, counts: tuple[int, ...]) -> Address:
        """Constants, a new one for each iteration."""
        start, size = len(self.constants), math.prod(counts)
        self.constants += [round(self.random.gauss(0, 1.5), 2) for _ in range(size)]
        return Address(CONSTANT, start if size else 0, dense(counts))

    def looked_up(self, target: Address, counts: tuple[int, ...]) -> Address:
        below = [t for _, t in pairs(target, target, counts)]
        if min(below) == 0:
            return Address(INPUT, 0, (0,) * len(counts))
        start = len(self.index)
        back = self.random.choice([3, 10, 10**6])
        self.index += [self.random.randrange(max(0, t - back), t) for t in below]
        return Address(VALUE, 0, (0,) * len(counts), Lookup(start, dense(counts)))


def width(block: list[tuple[object, ...]]) -> int:
    """How many operations a block means."""
    return sum(item[1] * width(item[2]) if item[0] == "loop" else 1 for item in block)


def pairs(a: Address, b: Address, counts: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    none = np.empty(0, np.int64)
    for counters in itertools.product(*map(range, counts)):
        yield a.at(counters, none), b.at(counters, none)


def nest(
    seed: int, near: bool = False, whiles: bool = False, depth: int = 3, outputs: int = 8
) -> Program:
    """A random program; if `near`, nothing is read long after it was assigned."""
    making = Nests(random.Random(seed), depth, 9, near, whiles)
    block = making.block(0, making.random.randint(1, 5))
    values = width(block)
    statements = [*making.placed(block, 0, (), ())]
    for k in range(outputs):
        place = making.random.randrange(max(0, values - 9) if near else 0, values) if values else 0
        source = Address(VALUE if values else INPUT, place)
        statements.append(Assign(Address(OUTPUT, k), None, (source,)))
    program = from_array(statements, values, making.constants, making.index, INPUTS, outputs)
    return program if whiles else expecting(program, [0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0])


def expecting(program: Program, inputs: list[float]) -> Program:
    """The program with its guards holding at these inputs."""
    constants = program.constants.copy()

    def expect(guard: Guard, result: float) -> None:
        constants[guard.expected.base] = result

    walk(program, inputs, expect)
    return replace(program, constants=constants)
