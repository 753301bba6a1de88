"""Sparsity a second way: forwards through the statements, each number with all that it depends on.

Every number carries the inputs it depends on and the pairs of inputs that interact in it. That
takes quadratic room for long sums, and it knows nothing of graphs. A while loop is run for some
rounds, and may end after each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wengert.derive.curvature import pairs_of
from wengert.derive.partials import partials_of
from wengert.dispatch import Primitive
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Guard, Loop, Run, Statement, While

ROUNDS = 10


@dataclass(frozen=True)
class Known:
    """Sets as bits: input i is bit i, and the pair (i, j) is bit n·i + j."""

    inputs: int = 0
    pairs: int = 0

    def __or__(self, other: "Known") -> "Known":
        return Known(self.inputs | other.inputs, self.pairs | other.pairs)


NOTHING = Known()


def bits(number: int) -> list[int]:
    return [k for k, bit in enumerate(reversed(f"{number:b}")) if bit == "1"]


def after(row: Primitive | None, operands: Sequence[Known], n: int) -> Known:
    """What is known of an operation's result, of n inputs."""
    if row is None:
        return operands[0]
    known = NOTHING
    for depends, operand in zip(partials_of(row).depends, operands, strict=True):
        if depends:
            known |= operand
    for i, j in pairs_of(row):
        for a, b in (
            (operands[i].inputs, operands[j].inputs),
            (operands[j].inputs, operands[i].inputs),
        ):
            known |= Known(pairs=sum(b << n * k for k in bits(a)))
    return known


class Propagation:
    def __init__(self, program: Program) -> None:
        self.index, self.n = program.index, program.sizes[INPUT]
        self.memories: dict[str, dict[int, Known]] = {VALUE: {}, OUTPUT: {}, CONSTANT: {}}
        self.memories[INPUT] = {k: Known(1 << k) for k in range(self.n)}
        self.walk(program.statements, ())
        self.outputs = [self.memories[OUTPUT][k] for k in range(program.sizes[OUTPUT])]

    def at(self, address: Address, counters: tuple[int, ...]) -> Known:
        return self.memories[address.memory].get(address.at(counters, self.index), NOTHING)

    def walk(self, statements: Sequence[Statement] | Run, counters: tuple[int, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Run):
                self.walk(statement, counters)
            elif isinstance(statement, Loop):
                for k in range(statement.count):
                    self.walk(statement.body, (*counters, k))
            elif isinstance(statement, While):
                self.memories[statement.local] = {}
                self.walk(statement.first, (*counters, 0))
                for k in range(ROUNDS):
                    self.walk(statement.test, (*counters, k))
                    self.walk(statement.last, (*counters, k))
                    self.walk(statement.body, (*counters, k))
            else:
                self.put(statement, counters)

    def put(self, statement: Any, counters: tuple[int, ...]) -> None:
        memory = self.memories[statement.target.memory]
        place = statement.target.at(counters, self.index)
        if isinstance(statement, Accumulate):
            known = self.at(statement.operand, counters)
        elif isinstance(statement, Guard):
            known = NOTHING
        else:
            known = after(statement.row, [self.at(a, counters) for a in statement.operands], self.n)
        memory[place] = memory.get(place, NOTHING) | known


def jacobian_entries(program: Program) -> set[tuple[int, int]]:
    """All (output, input) of which the first depends on the second."""
    outputs = Propagation(program).outputs
    return {(i, j) for i, known in enumerate(outputs) for j in bits(known.inputs)}


def hessian_entries(program: Program) -> set[tuple[int, int]]:
    """All pairs of inputs that interact in an output."""
    found = Propagation(program)
    pairs = 0
    for known in found.outputs:
        pairs |= known.pairs
    return {divmod(k, found.n) for k in bits(pairs)}
