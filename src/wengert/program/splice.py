"""A Program called with recorded numbers is written into their recording, its loops as they are.

The operands are moved to places side by side, so that addresses with strides find them where the
program's inputs would be. Behind them come the program's values, and results that it computes in
loops; others are found where they are made. Each memory moves by an offset:

    inputs -> value + start | values -> value + start + inputs | outputs -> behind those

Constants and the index table are appended once for each recording. What rolling and simplification
see is a stretch that is the same wherever the program is called, but for where it stands. A program
that is short and straight is written operation by operation, as its function would be recorded.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.program.address import (
    CODES,
    CONSTANT,
    INPUT,
    MEMORIES,
    OUTPUT,
    PLACE,
    SHIFT,
    VALUE,
    Address,
    Integers,
    Lookup,
    coded,
)
from wengert.program.capture import innermost
from wengert.program.program import Program
from wengert.program.recorded import Recorded, closed_error, recordable
from wengert.program.recording import Recording
from wengert.program.statements import (
    Assign,
    Guard,
    Loop,
    Operation,
    Run,
    Statement,
    While,
    changed,
    fits_columns,
    parts,
)
from wengert.program.trial import LONGEST_TRIAL

SHORT = 1000  # statements: a straight program of so many is written operation by operation
Number = tuple[int | None, float]  # its coded address, None for a constant to be; the example's


def spliced(program: Program, args: Sequence[Any]) -> list[Recorded]:
    """The outputs of a program, written into the recording of the operands it is given.

    Args:
        program: any program.
        args: what stands for its inputs: recorded numbers, one at least, and plain ones.

    Returns:
        Operands of that recording.

    Raises:
        PathChanged: a guard of the program does not hold for the example's numbers.
        OperandError: there is something else among the args.
        ProgramError: the operands are of recordings that are over, or that have nothing to do with
            each other.
    """
    where = program.name
    tape = innermost((arg for arg in args if isinstance(arg, Recorded)), where)
    if tape.closed:
        raise closed_error()
    operands = [_operand(tape, arg, where) for arg in args]
    numbers = _numbers(program, [number for _, number in operands])
    items = _straight(program)
    if items is not None:
        codes = _written(tape, program, items, operands)
        return [tape.tracer(code, n) for code, n in zip(codes, numbers, strict=True)]
    for code, number in operands:
        tape.move(tape.constant(number) if code is None else code, number)
    splice = _Splice(tape, program)
    width = splice.width
    for statement in splice.statements:
        tape.add(statement, width)
        width = 0  # the first one has taken the places of all
    return [_result(tape, code, n) for code, n in zip(splice.results, numbers, strict=True)]


def _numbers(program: Program, example: Sequence[float]) -> list[float]:
    """What the example gives; what would take too long is NaN, as after a stated loop."""
    from wengert.run.interpret import interpret
    from wengert.run.walk import effort

    if effort(program.statements)[1] > LONGEST_TRIAL:
        return [math.nan] * program.results.size
    numbers: list[float] = interpret(program, np.array(example)).tolist()
    return numbers


def _operand(tape: Recording, arg: Any, where: str) -> Number:
    if isinstance(arg, Recorded):
        return tape.own(arg, where)._code, arg._data
    return None, recordable(arg, where)


def _result(tape: Recording, code: int, number: float) -> Recorded:
    is_value = code >> SHIFT == CODES[VALUE]
    return tape.value(code, number) if is_value else tape.tracer(code, number)


# --- operation by operation -----------------------------------------------------------------------


def _straight(program: Program) -> list[Assign | Guard] | None:
    """The statements of a program that is short and has no loops."""
    if program.size > SHORT:
        return None
    items: list[Assign | Guard] = []
    for statement in program.statements:
        for item in statement if isinstance(statement, Run) else (statement,):
            if not isinstance(item, Assign | Guard) or not fits_columns(item):
                return None
            items.append(item)
    return items


def _written(
    tape: Recording, program: Program, items: Sequence[Assign | Guard], operands: Sequence[Number]
) -> list[int]:
    """Where the outputs are kept; a constant gets an address wherever it is used."""
    memories: dict[str, dict[int, Number]] = {
        INPUT: dict(enumerate(operands)),
        CONSTANT: {k: (None, number) for k, number in enumerate(program.constants.tolist())},
        VALUE: {},
        OUTPUT: {},
    }

    def read(address: Address) -> Number:
        return memories[address.memory][address.base]

    def code_of(number: Number) -> int:
        return tape.constant(number[1]) if number[0] is None else number[0]

    for item in items:
        given = [read(address) for address in item.operands]
        found = given[0]
        if item.row is not None:
            codes = list(map(code_of, given))
            if isinstance(item, Guard):
                codes.append(code_of(read(item.expected)))
            with np.errstate(all="ignore"):
                result = item.row.scalar(*(number for _, number in given))
            operation = Operation(item.row, isinstance(item, Guard))
            found = tape.put(operation, codes, result, item.source), result
            if item.label:
                tape.label(tape.length - 1, item.label)
        memories[item.target.memory][item.target.base] = found
    return [code_of(memories[OUTPUT][k]) for k in range(program.results.size)]


# --- as it is -------------------------------------------------------------------------------------


class _Splice:
    """A program as it stands in a recording, whose last values so far are its inputs.

    Attributes:
        statements: what it does, less the copies to the outputs at its end.
        results: where the outputs are kept.
        width: how many places of the value memory it takes.
    """

    def __init__(self, tape: Recording, program: Program) -> None:
        self.tape, self.program = tape, program
        constants, table = _tables(tape, program)
        values = tape.length
        self.starts = {
            INPUT: values - program.arguments.size,
            VALUE: values,
            OUTPUT: values + program.values,
            CONSTANT: constants,
        }
        self.tables = {0: table}  # by what its entries are moved
        self.locals: dict[str, str] = {}
        body, copied = _split(program.statements)
        outputs = program.results.size
        self.statements = list(self._all(body))
        self.results = [self._code(copied.get(k, coded(OUTPUT, k))) for k in range(outputs)]
        self.width = program.values + (outputs if len(copied) < outputs else 0)

    def _all(self, statements: Sequence[Statement]) -> Iterator[Statement]:
        """The statements as they stand in the recording, without loops in which nothing is done."""
        for statement in statements:
            if isinstance(statement, Run):
                yield self._run(statement)
            elif isinstance(statement, Loop):
                body = tuple(self._all(statement.body)) if statement.count else ()
                if body:
                    yield replace(statement, body=body)
            elif isinstance(statement, While):
                yield self._while(statement)
            else:
                yield changed(statement, self._address)

    def _run(self, run: Run) -> Run:
        codes = np.array([self._code(coded(memory, 0)) for memory in CODES])
        operands: Integers = (run.operands & PLACE) + codes[run.operands >> SHIFT]
        start = run.start + self.starts[OUTPUT if run.outputs else VALUE]
        return replace(run, start=start, operands=operands, outputs=False)

    def _code(self, code: int) -> int:
        """Where in the recording something is that is kept at a coded address of the program."""
        memory, place = MEMORIES[code >> SHIFT], code & PLACE
        return coded(_memory(memory), self.starts[memory] + place)

    def _while(self, loop: While) -> While:
        self.locals[loop.local] = self.tape.fresh_local()
        first, test, body, last = (tuple(self._all(part)) for part in parts(loop))
        condition = self._address(loop.condition)
        return While(self.locals[loop.local], first, test, condition, body, last)

    def _address(self, address: Address) -> Address:
        if address.memory in self.locals:
            return replace(address, memory=self.locals[address.memory])
        start, base, lookup = self.starts[address.memory], address.base, address.lookup
        if lookup:
            shift = min(base, 0)  # bases stay within: they tell what is made in a loop's body
            lookup = Lookup(lookup.start + self._table(shift), lookup.strides)
            base -= shift
        return Address(_memory(address.memory), start + base, address.strides, lookup)

    def _table(self, shift: int) -> int:
        """Where the index table starts, with this added to its entries."""
        if shift not in self.tables:
            self.tables[shift] = len(self.tape.index)
            self.tape.index.extend((self.program.index + shift).tolist())
        return self.tables[shift]


def _memory(memory: str) -> str:
    """The recording's memory for one of the program's."""
    return CONSTANT if memory == CONSTANT else VALUE


def _split(statements: Sequence[Statement]) -> tuple[Sequence[Statement], dict[int, int]]:
    """The statements without the copies to outputs at the end, and by output what is copied."""
    copied: dict[int, int] = {}
    end = len(statements)
    while end and (found := _copies(statements[end - 1])):
        copied |= found
        end -= 1
    return statements[:end], copied


def _copies(statement: Statement) -> dict[int, int]:
    """By output, the coded address of what a statement outside loops copies there."""
    if isinstance(statement, Run) and statement.outputs:
        return dict(enumerate(statement.operands.tolist(), statement.start))
    if isinstance(statement, Assign) and statement.row is None and fits_columns(statement):
        (source,), target = statement.operands, statement.target
        if target.memory == OUTPUT:
            return {target.base: coded(source.memory, source.base)}
    return {}


def _tables(tape: Recording, program: Program) -> tuple[int, int]:
    """Where the constants and the index table of a program are kept: once in each recording."""
    known = tape.spliced.get(id(program))
    if known is None:
        place = [tape.constant(number) & PLACE for number in program.constants.tolist()]
        known = program, place[0] if place else 0, len(tape.index)
        tape.index.extend(program.index.tolist())
        tape.spliced[id(program)] = known
    return known[1:]
