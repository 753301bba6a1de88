"""The plainest reading of a program: its statements one by one, in the order of the text.

An evaluator of its own, for tests: memories are dicts, so whatever is read before it is written,
or written twice, is an error here.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from wengert.errors import PathChanged
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Run, Statement, While


class Walker:
    def __init__(self, program: Program, inputs: Sequence[float]) -> None:
        self.index = program.index
        self.memories: dict[str, dict[int, float]] = {
            INPUT: dict(enumerate(inputs)),
            CONSTANT: dict(enumerate(program.constants.tolist())),
            VALUE: {},
            OUTPUT: {},
        }
        self.walk(program.statements, ())

    def read(self, address: Address, counters: tuple[int, ...]) -> float:
        return self.memories[address.memory][address.at(counters, self.index)]

    def write(self, address: Address, counters: tuple[int, ...], number: float) -> None:
        memory, place = self.memories[address.memory], address.at(counters, self.index)
        assert place not in memory, f"{address} is written twice at {place}"
        memory[place] = number

    def walk(self, statements: Iterable[Statement], counters: tuple[int, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Loop):
                for k in range(statement.count):
                    self.walk(statement.body, (*counters, k))
            elif isinstance(statement, While):
                self.run_while(statement, counters)
            elif isinstance(statement, Run):
                self.walk(statement, counters)
            else:
                self.step(statement, counters)

    def run_while(self, loop: While, counters: tuple[int, ...]) -> None:
        self.memories[loop.local] = {}
        self.walk(loop.first, (*counters, 0))
        k = 0
        self.walk(loop.test, (*counters, k))
        while self.read(loop.condition, (*counters, k)) != 0.0:
            self.walk(loop.body, (*counters, k))
            k += 1
            self.walk(loop.test, (*counters, k))
        self.walk(loop.last, (*counters, k))

    def step(self, statement: Assign | Accumulate | Guard, counters: tuple[int, ...]) -> None:
        if isinstance(statement, Accumulate):
            memory, place = (
                self.memories[statement.target.memory],
                statement.target.at(counters, self.index),
            )
            memory[place] = memory.get(place, 0.0) + self.read(statement.operand, counters)
            return
        numbers = [self.read(operand, counters) for operand in statement.operands]
        result = statement.row.scalar(*numbers) if statement.row else numbers[0]
        self.write(statement.target, counters, result)
        if isinstance(statement, Guard) and result != self.read(statement.expected, counters):
            raise PathChanged(f"{statement.row} at {statement.source}")


def walked(program: Program, *args: Any) -> Any:
    """What the program gives for these arguments."""
    outputs = Walker(program, program.arguments.numbers(args).tolist()).memories[OUTPUT]
    return program.results.tree([outputs[k] for k in range(len(outputs))])
