"""A program as one list of operations without loops, on numbered values.

Every place is known here, so no memory is needed: what a place holds is the number of the operation
that made it. What is computed twice stands once, what has constant operands is computed, and what
nothing comes of is left out. All of that keeps every bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.primitives import add
from wengert.program.address import CONSTANT, INPUT, MEMORIES, OUTPUT, PLACE, SHIFT, VALUE, Address
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Guard, Loop, Run, Statement, While

Operand = int  # an operation from 0 on; -1, -3, ... is an input, -2, -4, ... a constant
Operation = tuple[Primitive, tuple[Operand, ...]]


@dataclass
class Unrolled:
    """The list.

    Args:
        operations: a row and its operands, in order.
        constants: the numbers that are constants.
        outputs: what each output is.
        guards: the result of each guard's operation, and what is expected of it.
    """

    operations: list[Operation] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    outputs: list[Operand] = field(default_factory=list)
    guards: list[tuple[Operand, Operand]] = field(default_factory=list)

    def live(self, wanted: Sequence[Operand] | None = None) -> list[int]:
        """The operations that an output, or else what is wanted, or a guard needs, in order."""
        needed = bytearray(len(self.operations))
        wanted = self.outputs if wanted is None else wanted
        for operand in (*wanted, *(each for guard in self.guards for each in guard)):
            if operand >= 0:
                needed[operand] = 1
        for k in range(len(self.operations) - 1, -1, -1):
            if needed[k]:
                for operand in self.operations[k][1]:
                    if operand >= 0:
                        needed[operand] = 1
        return [k for k, is_needed in enumerate(needed) if is_needed]


def is_input(operand: Operand) -> bool:
    """Whether an operand is an input."""
    return operand < 0 and operand % 2 == 1


def number_of(operand: Operand) -> int:
    """The place of an input, or the number of a constant."""
    return (-operand - 1) // 2


def unrolled(program: Program) -> Unrolled:
    """The list of a program.

    Raises:
        ProgramError: it has a while loop, or reads what nothing has assigned.
    """
    return _Unrolling(program).list


class _Unrolling:
    def __init__(self, program: Program) -> None:
        self.program, self.list = program, Unrolled()
        self.index = program.index.data
        self.bits = program.constants.view(np.int64).tolist()
        self.known: dict[tuple[Primitive, tuple[Operand, ...]], Operand] = {}
        self.known_constants: dict[int, Operand] = {}
        self.memories: dict[str, dict[int, Operand]] = {VALUE: {}, OUTPUT: {}}
        self.find: dict[str, Callable[[int], Operand]] = {
            VALUE: self.memories[VALUE].__getitem__,
            OUTPUT: self.memories[OUTPUT].__getitem__,
            INPUT: lambda place: -1 - 2 * place,
            CONSTANT: lambda place: self._constant(self.bits[place]),
        }
        try:
            self._walk(program.statements, ())
            outputs = self.memories[OUTPUT]
            self.list.outputs = [outputs[k] for k in range(program.results.size)]
        except LookupError as error:
            raise ProgramError(f"{program.name} reads what nothing has assigned.") from error

    def _constant(self, bits: int) -> Operand:
        if bits not in self.known_constants:
            self.known_constants[bits] = -2 - 2 * len(self.list.constants)
            self.list.constants.append(float(np.int64(bits).view(np.float64)))
        return self.known_constants[bits]

    def _walk(self, statements: Sequence[Statement], counters: tuple[int, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Run):
                self._run(statement)
            elif isinstance(statement, Loop):
                for k in range(statement.count):
                    self._walk(statement.body, (*counters, k))
            elif isinstance(statement, While):
                raise ProgramError("A while loop cannot be unrolled.")
            else:
                self._plain(statement, counters)

    def _plain(self, statement: Any, counters: tuple[int, ...]) -> None:
        memory = self.memories[statement.target.memory]
        place = statement.target.at(counters, self.index)
        if isinstance(statement, Accumulate):
            memory[place] = self._apply(
                add, (memory[place], self._read(statement.operand, counters))
            )
            return
        operands = tuple([self._read(address, counters) for address in statement.operands])
        result = self._apply(statement.row, operands) if statement.row else operands[0]
        memory[place] = result
        if isinstance(statement, Guard):
            self.list.guards.append((result, self._read(statement.expected, counters)))

    def _read(self, address: Address, counters: tuple[int, ...]) -> Operand:
        return self.find[address.memory](address.at(counters, self.index))

    def _run(self, run: Run) -> None:
        memory = self.memories[OUTPUT if run.outputs else VALUE]
        find = [self.find[MEMORIES[code]] for code in sorted(MEMORIES)]
        for place, (operation, codes) in enumerate(zip(*run.items(), strict=True), run.start):
            operands = tuple([find[code >> SHIFT](code & PLACE) for code in codes])
            if operation.row is None:
                memory[place] = operands[0]
                continue
            result = self._apply(operation.row, operands[: operation.row.nin])
            memory[place] = result
            if operation.guards:
                self.list.guards.append((result, operands[-1]))

    def _apply(self, row: Primitive, operands: tuple[Operand, ...]) -> Operand:
        """The value of a row: that of an equal operation, or a constant, if there is one."""
        key = row, operands
        found = self.known.get(key)
        if found is None:
            if all(operand < 0 and operand % 2 == 0 for operand in operands):
                numbers = [self.list.constants[number_of(operand)] for operand in operands]
                found = self._constant(int(np.float64(row.scalar(*numbers)).view(np.int64)))
            else:
                found = len(self.list.operations)
                self.list.operations.append(key)
            self.known[key] = found
        return found
