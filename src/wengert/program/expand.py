"""From the stored form back to the flat list that it means.

An operation stands at the place that it writes to. In a program with sums each term makes a number
of its own, an addition to the sum so far; so there operations stand in the order of time.
"""

from collections.abc import Sequence

import numpy as np

from wengert import primitives
from wengert.errors import ProgramError
from wengert.program.address import CODES, OUTPUT, SHIFT, VALUE, Address, Integers, in_memory
from wengert.program.program import Program
from wengert.program.statements import (
    Accumulate,
    Guard,
    Operation,
    Plain,
    Run,
    arity_of,
    reads,
)
from wengert.program.terms import Terms, duration, timed

LONGEST = 1 << 28
ADDED = Operation(primitives.add)


def expanded(program: Program) -> Program:
    """The program without loops: every operation it means, in record order.

    Positions that nothing is assigned to, as simplification leaves them, are skipped. The terms of
    a sum become a chain of additions.

    Raises:
        ProgramError: it would be too long; or it has loops that run as long as a condition holds,
            which have no fixed list; or what it accumulates into are outputs.
    """
    columns = _Columns(program)
    columns.skip_holes()
    statements = (columns.run(VALUE), columns.run(OUTPUT))
    return program.passed(
        "expand", statements=statements, values=columns.sizes[VALUE], index=np.zeros(0, np.int64)
    )


class _Columns:
    """One place per operation, filled statement by statement."""

    def __init__(self, program: Program) -> None:
        self.index = program.index
        self.sizes = dict(program.sizes)
        each = list(timed(program.statements))
        sums = any(isinstance(statement, Accumulate) for statement, _, _ in each)
        if sums:
            self.sizes[VALUE] = sum(map(duration, program.statements))
        if max(self.sizes.values()) > LONGEST:
            raise ProgramError(f"{program!r} is too long to be written out.")
        self.terms = Terms(each, self.index, self.sizes[VALUE]) if sums else None
        self.numbers: dict[Operation, int] = {}
        self.sources: dict[str, int] = {}
        self.ops = {m: np.full(self.sizes[m], -1, np.int32) for m in (VALUE, OUTPUT)}
        self.lines = {m: np.zeros(self.sizes[m], np.int32) for m in (VALUE, OUTPUT)}
        self.reads: dict[str, list[Integers]] = {VALUE: [], OUTPUT: []}  # operand by operand
        self.labels: dict[str, dict[int, str]] = {VALUE: {}, OUTPUT: {}}
        for statement, counts, time in each:
            if isinstance(statement, Run):
                self._put_run(statement, time.base)
            else:
                self._put(statement, counts, time)

    def _number(self, operation: Operation) -> int:
        return self.numbers.setdefault(operation, len(self.numbers))

    def _columns_for(self, memory: str, count: int) -> list[Integers]:
        columns = self.reads[memory]
        while len(columns) < count:
            columns.append(np.zeros(self.sizes[memory], np.int64))
        return columns

    def _put(self, statement: Plain, counts: Sequence[int], time: Address) -> None:
        if 0 in counts:
            return
        memory = statement.target.memory
        in_time = self.terms is not None and memory == VALUE
        at = (time if in_time else statement.target).all(counts, self.index)
        addresses = reads(statement)
        if isinstance(statement, Accumulate):
            operation, addresses = ADDED, (statement.target, *addresses)
        else:
            operation = Operation(statement.row, isinstance(statement, Guard))
        self.ops[memory][at] = self._number(operation)
        self.lines[memory][at] = self.sources.setdefault(statement.source, len(self.sources))
        if statement.label:
            self.labels[memory].update(dict.fromkeys(at.ravel().tolist(), statement.label))
        for column, address in zip(
            self._columns_for(memory, len(addresses)), addresses, strict=False
        ):
            column[at] = self._coded(address, counts, time)

    def _coded(self, address: Address, counts: Sequence[int], time: Address) -> Integers:
        places = address.all(counts, self.index)
        if self.terms and address.memory == VALUE:
            places = self.terms.before(places, time.all(counts, self.index))
        return places + (CODES[address.memory] << SHIFT)

    def _put_run(self, run: Run, time: int) -> None:
        memory = OUTPUT if run.outputs else VALUE
        start, operands = run.start, run.operands
        arity, starts = run.arity, run.starts[:-1]
        if self.terms:
            start = run.start if run.outputs else time
            operands = operands.copy()
            values = in_memory(operands, VALUE)
            times = np.repeat(time + np.arange(len(run)), arity)
            operands[values] = self.terms.before(operands[values], times[values])
        here = slice(start, start + len(run))
        numbers = np.array([self._number(o) for o in run.operations], np.int32)
        self.ops[memory][here] = numbers[run.ops]
        if len(run.lines):
            names = [self.sources.setdefault(s, len(self.sources)) for s in run.sources]
            self.lines[memory][here] = np.array(names, np.int32)[run.lines]
        self.labels[memory].update({start + k: name for k, name in run.labels.items()})
        for k, column in enumerate(self._columns_for(memory, int(arity.max(initial=0)))):
            has = np.flatnonzero(arity > k)
            column[start + has] = operands[starts[has] + k]

    def skip_holes(self) -> None:
        """Number the positions anew without those that nothing is assigned to."""
        kept = np.flatnonzero(self.ops[VALUE] >= 0)
        if len(kept) == self.sizes[VALUE]:
            return
        new = np.full(self.sizes[VALUE], -1, np.int64)
        new[kept] = np.arange(len(kept))
        self.ops[VALUE], self.lines[VALUE] = self.ops[VALUE][kept], self.lines[VALUE][kept]
        self.reads[VALUE] = [column[kept] for column in self.reads[VALUE]]
        for memory, columns in self.reads.items():
            ops = np.maximum(self.ops[memory], 0)
            arity = arity_of(self.numbers, ops)
            for k, column in enumerate(columns):
                at = np.flatnonzero(in_memory(column, VALUE) & (arity > k))
                places = new[column[at]]
                if (places < 0).any():
                    place = int(column[at[int(np.argmin(places))]])
                    raise ProgramError(f"Nothing is assigned to {VALUE}[{place}], which is read.")
                column[at] = places
        self.labels[VALUE] = {int(new[k]): name for k, name in self.labels[VALUE].items()}
        self.sizes[VALUE] = len(kept)

    def run(self, memory: str) -> Run:
        """What was put into a memory, in order."""
        ops = self.ops[memory]
        if (ops < 0).any():
            raise ProgramError(f"Nothing is assigned to {memory}[{int(np.argmin(ops))}].")
        operations = tuple(self.numbers)
        arity = arity_of(operations, ops)
        starts = np.cumsum(arity) - arity
        operands = np.zeros(int(arity.sum()), np.int64)
        for k, column in enumerate(self.reads[memory]):
            has = np.flatnonzero(arity > k)
            operands[starts[has] + k] = column[has]
        return Run(
            0, operations, ops, operands, tuple(self.sources), self.lines[memory],
            self.labels[memory], memory == OUTPUT,
        )  # fmt: skip
