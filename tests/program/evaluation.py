"""What a program means, item by item, evaluated with the rows' own scalars."""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Guard, Loop, Run, Statement, While


class Evaluation:
    """Memories that are filled statement by statement; a place is written once."""

    def __init__(self, program: Program, inputs: Sequence[float]) -> None:
        self.index, self.guards = program.index, list[tuple[str, float, float]]()
        self.memories: dict[str, Any] = {
            INPUT: list(inputs), CONSTANT: program.constants.tolist(), VALUE: {}, OUTPUT: {},
        }  # fmt: skip
        self.run(program.statements, ())
        self.outputs = [self.memories[OUTPUT][k] for k in range(program.results.size)]

    def at(self, address: Address, counters: Sequence[int]) -> float:
        return float(self.memories[address.memory][address.at(counters, self.index)])

    def put(self, address: Address, counters: Sequence[int], number: float) -> None:
        place = address.at(counters, self.index)
        memory = self.memories.setdefault(address.memory, {})
        assert place not in memory, f"{address} is written twice"
        memory[place] = number

    def run(self, statements: Iterable[Statement], counters: tuple[int, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Run):
                self.run(statement, counters)
            elif isinstance(statement, Loop):
                for k in range(statement.count):
                    self.run(statement.body, (*counters, k))
            elif isinstance(statement, While):
                self.repeat(statement, counters)
            elif isinstance(statement, Accumulate):
                place = statement.target.at(counters, self.index)
                memory = self.memories.setdefault(statement.target.memory, {})
                memory[place] = memory.get(place, 0.0) + self.at(statement.operand, counters)
            else:
                given = [self.at(a, counters) for a in statement.operands]
                number = statement.row.scalar(*given) if statement.row else given[0]
                self.put(statement.target, counters, number)
                if isinstance(statement, Guard):
                    expected = self.at(statement.expected, counters)
                    self.guards.append((statement.source, number, expected))

    def repeat(self, loop: While, counters: tuple[int, ...]) -> None:
        before, self.memories[loop.local] = self.memories.get(loop.local), {}
        round_ = 0
        self.run(loop.first, (*counters, 0))
        while True:
            self.run(loop.test, (*counters, round_))
            if self.at(loop.condition, (*counters, round_)) == 0.0 or round_ > 50:
                break
            self.run(loop.body, (*counters, round_))
            round_ += 1
        self.run(loop.last, (*counters, round_))
        self.memories[loop.local] = before


def evaluate(program: Program, inputs: Sequence[float]) -> tuple[list[bytes], str]:
    """The bits of the outputs (of any NaN the same), and the first guard that does not hold."""
    found = Evaluation(program, inputs)
    broken = [where for where, number, expected in found.guards if number != expected]
    return [bits(number) for number in found.outputs], broken[0] if broken else ""


def bits(number: float) -> bytes:
    """The bits of a number; all NaNs are one."""
    return struct.pack("<d", number if number == number else float("nan"))
