"""The tape of a Program that is written out, its loops as groups.

There is a group for each loop, and in it one for each of its rounds. Loops whose rounds depend on
data are run on Values, and what these have recorded is shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.errors import OperandError, ProgramError
from wengert.graph import topological_order
from wengert.program.address import CONSTANT, INPUT, OUTPUT, PLACE, SHIFT, VALUE, Integers
from wengert.program.expand import expanded
from wengert.program.program import Program
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Run,
    Statement,
    While,
    straight,
    walk,
)
from wengert.program.terms import timed
from wengert.show.explorer.groups import Groups
from wengert.show.explorer.of_values import of_values
from wengert.show.explorer.tape import Floats, Kind, Tape
from wengert.value import Value

EVALUATED = 100_000  # longer programs are evaluated by the page alone


def of_program(program: Program, inputs: Floats, limit: int) -> Tape:
    """The tape of a program with these numbers for its arguments.

    Args:
        program: any program.
        inputs: its input memory, `(n,)`.
        limit: how many cells a group may show before it is folded into smaller ones.

    Raises:
        OperandError: no result of it depends on its arguments.
    """
    try:
        marked, statements = _marked(program)
        flat = expanded(marked)
    except ProgramError:  # loops that depend on data: only a run knows their rounds
        return _of_run(program, inputs, limit)
    return _flat_tape(program, flat, statements, inputs, limit)


def names_of(program: Program) -> list[str]:
    """A name for each place of the input memory: x, or x[0], x[1] ..."""
    names: list[str] = []
    for slot in program.inputs:
        whole = slot.size == 1
        names += [slot.name] if whole else [f"{slot.name}[{k}]" for k in range(slot.size)]
    return names


def _of_run(program: Program, inputs: Floats, limit: int) -> Tape:
    named = [Value(x, label=n) for x, n in zip(inputs.tolist(), names_of(program), strict=True)]
    outputs = program._outputs(list(named))
    roots = list(dict.fromkeys(each for each in outputs if isinstance(each, Value)))
    if not roots:
        raise OperandError(f"{program.name}() gives nothing that depends on its arguments.")
    order = topological_order(*roots)
    tape = of_values(order, roots, limit)
    at = {node: k for k, node in enumerate(order)}
    tape.inputs = np.array([at.get(node, -1) for node in named], np.int64)
    return tape


Around = tuple[tuple[int, int], ...]  # the loops around a statement: (number, count)


def _marked(program: Program) -> tuple[Program, list[tuple[Any, Around]]]:
    """The program with a mark for each statement in place of its source line."""
    statements: list[tuple[Any, Around]] = []
    loops = 0

    def mark(body: Sequence[Statement], around: Around) -> tuple[Statement, ...]:
        nonlocal loops
        made: list[Statement] = []
        for statement in body:
            if isinstance(statement, Loop):
                loops += 1
                inner = mark(statement.body, (*around, (loops - 1, statement.count)))
                made.append(replace(statement, body=inner))
            elif isinstance(statement, Run | While):
                made.append(statement)
            else:
                made.append(replace(statement, source=f"\0{len(statements)}"))
                statements.append((statement, around))
        return tuple(made)

    return replace(program, statements=mark(program.statements, ())), statements


def _flat_tape(
    program: Program, flat: Program, statements: list[tuple[Any, Around]],
    inputs: Floats, limit: int,
) -> Tape:  # fmt: skip
    value, output = (_in_columns(flat, outputs) for outputs in (False, True))
    table = _Table(len(inputs), len(program.constants), len(value) if value else 0)
    for run in filter(None, (value, output)):
        table.add(run)
    count = table.count
    ops, operands = table.columns()
    data = np.full(count, np.nan)
    data[: len(inputs)] = inputs
    data[len(inputs) : table.values] = program.constants
    labels = dict(enumerate(names_of(program)))
    for each, first in ((value, table.values), (output, table.outputs)):
        if each:
            labels |= {first + k: name for k, name in each.labels.items()}
    roots = table.roots or [count - 1]
    for k, root in enumerate(roots):
        labels.setdefault(root, program.name if len(roots) == 1 else f"{program.name}[{k}]")
    groups, group = _loop_groups(program, value, statements, table, limit)
    tape = Tape(table.kinds, ops, operands, data, np.zeros(count), labels, groups, group, roots)
    tape.guards = {k: float(data[place]) for k, place in table.guards}
    tape.inputs = np.arange(len(inputs))
    tape.computed = False
    tape = _used(tape)
    tape.gather_leaves()
    if len(tape.ops) <= EVALUATED:
        tape.evaluate()
    tape.fold(limit)
    return tape


def _in_columns(flat: Program, outputs: bool) -> Run | None:
    """What a flat program writes to its values, or to its outputs; short ones are no runs yet."""
    alone: list[Assign | Guard] = []
    for statement in flat.statements:
        if isinstance(statement, Run):
            if statement.outputs == outputs:
                return statement
        elif isinstance(statement, Assign | Guard) and (
            (statement.target.memory == OUTPUT) == outputs
        ):
            alone.append(statement)
    return straight(alone) if alone else None


def _used(tape: Tape) -> Tape:
    """The tape without leaves that nothing reads, such as constants of another branch."""
    used = tape.ops >= 0
    used[tape.operands] = True
    used[tape.roots] = True
    if used.all():
        return tape
    new = np.where(used, np.cumsum(used) - 1, -1)
    return replace(
        tape, ops=tape.ops[used], operands=new[tape.operands], data=tape.data[used],
        grad=tape.grad[used], group=tape.group[used], roots=[int(new[r]) for r in tape.roots],
        labels={int(new[k]): name for k, name in tape.labels.items() if used[k]},
        guards={int(new[k]): each for k, each in tape.guards.items()}, inputs=new[tape.inputs],
    )  # fmt: skip


class _Table:
    """Places of all memories in one numbering: inputs, constants, values, outputs."""

    def __init__(self, inputs: int, constants: int, values: int) -> None:
        self.first = {INPUT: 0, CONSTANT: inputs, VALUE: inputs + constants}
        self.values = inputs + constants
        self.outputs = self.count = self.values + values
        self.kinds: list[Kind] = []
        self.roots: list[int] = []
        self.guards: list[tuple[int, int]] = []  # a comparison, and where its answer stands
        self._numbers: dict[Any, int] = {}
        self._ops = [np.full(self.values, -1, np.int64)]
        self._operands: list[Integers] = []

    def _number(self, row: Primitive) -> int:
        if row not in self._numbers:
            self._numbers[row] = len(self.kinds)
            self.kinds.append(Kind(row, row.symbol, row.nin))
        return self._numbers[row]

    def add(self, run: Run) -> None:
        """The statements of a run; moves to the outputs only say which values are results."""
        places = np.zeros(len(run.operands), np.int64)
        for code, memory in ((0, VALUE), (1, INPUT), (2, CONSTANT)):
            at = run.operands >> SHIFT == code
            places[at] = (run.operands[at] & PLACE) + self.first[memory]
        rows = [operation.row for operation in run.operations]
        starts = run.starts
        if run.outputs:
            for k, op in enumerate(run.ops.tolist()):
                row = rows[op]
                if row is None:
                    self.roots.append(int(places[starts[k]]))
                else:
                    self._ops.append(np.array([self._number(row)], np.int64))
                    self._operands.append(places[starts[k] : starts[k] + row.nin])
                    self.roots.append(self.count)
                    self.count += 1
            self.roots = list(dict.fromkeys(self.roots))
            return
        copied = [k for k, row in enumerate(rows) if row is None]
        if copied and np.isin(run.ops, copied).any():
            raise ProgramError("A program that moves numbers within its memory has no flat list.")
        guards = np.array([operation.guards for operation in run.operations])
        numbers = np.array([self._number(row) if row else -1 for row in rows], np.int64)
        self._ops.append(numbers[run.ops])
        kept = np.ones(len(places), bool)
        expected = starts[1:][guards[run.ops]] - 1
        kept[expected] = False  # what a guard expects is no operand
        at = self.values + np.flatnonzero(guards[run.ops])
        self.guards += zip(at.tolist(), places[expected].tolist(), strict=True)
        self._operands.append(places[kept])

    def columns(self) -> tuple[Integers, Integers]:
        """Operations and operands of all values."""
        operands = self._operands or [np.zeros(0, np.int64)]
        return np.concatenate(self._ops), np.concatenate(operands)


def _loop_groups(
    program: Program, value: Run | None, statements: list[tuple[Any, Around]], table: _Table,
    limit: int,
) -> tuple[Groups, Integers]:  # fmt: skip
    """A group for each loop in each round of those around it, and one for each of its rounds."""
    groups = Groups()
    group = np.full(table.count, -1, np.int64)
    if value is None or not statements or not len(value.lines):
        return groups, group
    marks = np.array([int(s[1:]) if s.startswith("\0") else -1 for s in value.sources])
    of = marks[value.lines]
    order = np.argsort(of, kind="stable")
    sums = any(isinstance(statement, Accumulate) for statement, _ in walk(program.statements))
    times = [
        (statement, counts, time) for statement, counts, time in timed(program.statements)
        if not isinstance(statement, Run)
    ]  # fmt: skip
    first = np.searchsorted(of[order], np.arange(len(statements) + 1))
    rounds: dict[Around, Integers] = {(): np.array([-1])}
    for k, ((statement, around), (_, counts, time)) in enumerate(
        zip(statements, times, strict=True)
    ):
        if not around or statement.target.memory == OUTPUT:
            continue
        for depth in range(1, len(around) + 1):
            path = around[:depth]
            if path not in rounds:
                _, size = path[-1]
                letter = "ijklmnop"[min(depth - 1, 7)]
                loop = groups.add(rounds[path[:-1]], f"for {letter} in {size:,}")
                rounds[path] = groups.add_rounds(loop, size, letter, limit)
        here = order[first[k] : first[k + 1]]
        address = time if sums else statement.target
        rank = np.argsort(address.all(counts, program.index).ravel(), kind="stable")
        if len(rank) == len(here):
            group[table.values + here] = rounds[around][rank]
    return groups, group
