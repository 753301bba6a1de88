"""From the stored form back to the flat list that it means."""

from collections.abc import Iterator, Sequence

import numpy as np

from wengert.errors import ProgramError
from wengert.program.address import CODES, OUTPUT, SHIFT, VALUE, Address, Integers, in_memory
from wengert.program.program import Program
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Operation,
    Run,
    Statement,
    While,
    arity_of,
    reads,
)

LONGEST = 1 << 31


def expanded(program: Program) -> Program:
    """The program without loops: every operation it means, in record order.

    Positions that nothing is assigned to, as simplification leaves them, are skipped.

    Raises:
        ProgramError: it would be too long; or it has accumulations, or loops that run as long as
            a condition holds, which have no fixed list.
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
        if max(self.sizes.values()) > LONGEST:
            raise ProgramError(f"{program!r} is too long to be written out.")
        self.numbers: dict[Operation, int] = {}
        self.sources: dict[str, int] = {}
        self.ops = {m: np.full(self.sizes[m], -1, np.int32) for m in (VALUE, OUTPUT)}
        self.lines = {m: np.zeros(self.sizes[m], np.int32) for m in (VALUE, OUTPUT)}
        self.reads: dict[str, list[Integers]] = {VALUE: [], OUTPUT: []}  # operand by operand
        self.labels: dict[str, dict[int, str]] = {VALUE: {}, OUTPUT: {}}
        for statement, counts in _statements(program.statements, ()):
            if isinstance(statement, Run):
                self._put_run(statement)
            else:
                self._put(statement, counts)

    def _number(self, operation: Operation) -> int:
        return self.numbers.setdefault(operation, len(self.numbers))

    def _columns_for(self, memory: str, count: int) -> list[Integers]:
        columns = self.reads[memory]
        while len(columns) < count:
            columns.append(np.zeros(self.sizes[memory], np.int64))
        return columns

    def _put(self, statement: Assign | Guard, counts: Sequence[int]) -> None:
        if 0 in counts:
            return
        memory = statement.target.memory
        at = statement.target.all(counts, self.index)
        operation = Operation(statement.row, isinstance(statement, Guard))
        self.ops[memory][at] = self._number(operation)
        self.lines[memory][at] = self.sources.setdefault(statement.source, len(self.sources))
        if statement.label:
            self.labels[memory].update(dict.fromkeys(at.ravel().tolist(), statement.label))
        addresses = reads(statement)
        for column, address in zip(
            self._columns_for(memory, len(addresses)), addresses, strict=False
        ):
            column[at] = self._coded(address, counts)

    def _coded(self, address: Address, counts: Sequence[int]) -> Integers:
        return address.all(counts, self.index) + (CODES[address.memory] << SHIFT)

    def _put_run(self, run: Run) -> None:
        memory = OUTPUT if run.outputs else VALUE
        here = slice(run.start, run.start + len(run))
        numbers = np.array([self._number(o) for o in run.operations], np.int32)
        self.ops[memory][here] = numbers[run.ops]
        if len(run.lines):
            names = [self.sources.setdefault(s, len(self.sources)) for s in run.sources]
            self.lines[memory][here] = np.array(names, np.int32)[run.lines]
        self.labels[memory].update({run.start + k: name for k, name in run.labels.items()})
        arity, starts = run.arity, run.starts[:-1]
        for k, column in enumerate(self._columns_for(memory, int(arity.max(initial=0)))):
            has = np.flatnonzero(arity > k)
            column[run.start + has] = run.operands[starts[has] + k]

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


def _statements(
    statements: Sequence[Statement], counts: tuple[int, ...]
) -> Iterator[tuple[Assign | Guard | Run, tuple[int, ...]]]:
    for statement in statements:
        if isinstance(statement, Loop):
            yield from _statements(statement.body, (*counts, statement.count))
        elif isinstance(statement, While | Accumulate):
            what = "a while loop" if isinstance(statement, While) else "an accumulation"
            raise ProgramError(f"A program with {what} has no fixed list of operations.")
        else:
            yield statement, counts
