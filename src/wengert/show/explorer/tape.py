"""What the explorer shows, in columns: a number per value for its operation, operands and group.

A graph of Values is read as it stands, numbers and gradients included. A Program, or a function
that is recorded as one, is written out; its loops become groups, one for each loop and one for
each of its rounds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wengert.chain_rule import contributions
from wengert.dispatch import Primitive, describe
from wengert.errors import GraphError, OperandError, ProgramError
from wengert.graph import topological_order
from wengert.program.address import CONSTANT, INPUT, OUTPUT, PLACE, SHIFT, VALUE, Integers
from wengert.program.expand import expanded
from wengert.program.program import Program
from wengert.program.record import record
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
from wengert.show.explorer.groups import Groups, folded_scopes, split
from wengert.value import Value

Floats = np.ndarray[Any, np.dtype[np.float64]]
EVALUATED = 100_000  # longer programs are evaluated by the page alone


@dataclass(frozen=True)
class Kind:
    """What a value is made by: a row of the table, or an operation of the user's own."""

    row: Primitive | None
    symbol: str
    arity: int


@dataclass
class Tape:
    """A graph in topological order.

    Attributes:
        kinds: what the numbers in `ops` stand for.
        ops: per value, the number of its kind; -1 for a leaf.
        operands: the operands of all values, one after the other.
        data: the numbers, where they are known; NaN stands for those to be computed.
        grad: the gradients as they stand.
        labels: by value.
        groups: what folds.
        group: per value, the innermost group that it is in, -1 for none.
        roots: what can be differentiated, the first one first.
        guards: by value, what a comparison of the recorded code gave; another number would have
            led it along another path.
        local: the partials of values that the page cannot compute, by value.
        values: the Values behind it, for a live page.
        computed: whether `data` has all numbers.
        left_out: how many earlier values were left out.
    """

    kinds: list[Kind]
    ops: Integers
    operands: Integers
    data: Floats
    grad: Floats
    labels: dict[int, str]
    groups: Groups
    group: Integers
    roots: list[int]
    local: dict[int, list[float]] = field(default_factory=dict)
    guards: dict[int, float] = field(default_factory=dict)
    values: Sequence[Value] = ()
    computed: bool = True
    left_out: int = 0

    @property
    def starts(self) -> Integers:
        """Per value, where its operands start; and where those of the last one end."""
        arity = np.array([*(kind.arity for kind in self.kinds), 0], np.int64)
        starts = np.zeros(len(self.ops) + 1, np.int64)
        np.cumsum(arity[self.ops], out=starts[1:])
        return starts

    def within(self, most: int) -> "Tape":
        """The last values, with the leaves that they start from: at most so many in all."""
        if len(self.ops) <= most:
            return self
        last_use = np.full(len(self.ops), -1)
        owners = np.repeat(np.arange(len(self.ops)), np.diff(self.starts))
        np.maximum.at(last_use, self.operands, owners)
        # From a cut on stand all values behind it, and those before it that are read there.
        crossing = np.zeros(len(self.ops) + 1, np.int64)
        read = last_use >= 0
        np.add.at(crossing, np.flatnonzero(read) + 1, 1)
        np.add.at(crossing, last_use[read] + 1, -1)
        size = len(self.ops) - np.arange(len(self.ops) + 1) + np.cumsum(crossing)
        fits = np.flatnonzero(size[:-1] <= most)
        return self.last(len(self.ops) - int(fits[0]) if len(fits) else 1)

    def last(self, count: int) -> "Tape":
        """The last so many values; what was computed before stands as leaves."""
        cut = len(self.ops) - count
        if cut <= 0:
            return self
        starts = self.starts
        operands = self.operands[starts[cut] :]
        before = np.unique(operands[operands < cut])
        new = np.full(len(self.ops), -1, np.int64)
        new[before] = np.arange(len(before))
        new[cut:] = np.arange(count) + len(before)
        kept = np.concatenate([before, np.arange(cut, len(self.ops))])
        ops = self.ops[kept].copy()
        ops[: len(before)] = -1
        roots = [int(new[root]) for root in self.roots if new[root] >= 0]
        return replace(
            self, ops=ops, operands=new[operands], data=self.data[kept], grad=self.grad[kept],
            labels={int(new[k]): name for k, name in self.labels.items() if new[k] >= 0},
            group=self.group[kept], roots=roots,
            local={int(new[k]): each for k, each in self.local.items() if k >= cut},
            guards={int(new[k]): each for k, each in self.guards.items() if k >= cut},
            values=[self.values[k] for k in kept] if self.values else (),
            left_out=cut - len(before),
        )  # fmt: skip


def tape_of(target: Any, args: Sequence[Any], limit: int) -> Tape:
    """The tape of whatever is to be explored.

    Args:
        target: a Value or a list of them, a Program, or a function.
        args: the arguments of the latter two.
        limit: how many cells a group may show before it is folded into smaller ones.

    Raises:
        OperandError: the target is none of these, or the arguments do not go with it.
    """
    if isinstance(target, Program):
        return _of_program(target, target.bound(args, {}), limit)
    if callable(target) and not isinstance(target, Value):
        return _of_program(record(target, *args), args, limit)
    if args:
        raise OperandError(
            "explore() of a Value takes no arguments; those are for functions and Programs."
        )
    return of_values(_values_in(target), limit)


def _values_in(target: Any) -> list[Value]:
    given = target.ravel().tolist() if isinstance(target, np.ndarray) else target
    roots = list(given) if isinstance(given, list | tuple) else [given]
    for root in roots:
        if not isinstance(root, Value):
            raise OperandError(
                "explore() starts from a Value, a list of Values, a Program and its arguments, or "
                f"a function and its arguments, not from {describe(root)}."
            )
    if not roots:
        raise OperandError("explore() starts from at least one Value, and the list is empty.")
    return list(dict.fromkeys(roots))


# --- graphs of Values -----------------------------------------------------------------------------


def of_values(roots: Sequence[Value], limit: int) -> Tape:
    """The tape of a graph of Values."""
    order = topological_order(*roots)
    index = {node: k for k, node in enumerate(order)}
    numbers: dict[Kind, int] = {}
    by_row: dict[tuple[Any, int], int] = {}
    ops = np.full(len(order), -1, np.int64)
    operands: list[int] = []
    labels: dict[int, str] = {}
    scopes: list[str] = []
    local: dict[int, list[float]] = {}
    for k, node in enumerate(order):
        own = node.operands
        if own:
            key = node._row or node._op, len(own)
            if key not in by_row:
                kind = Kind(node._row, node._op or "?", len(own))
                by_row[key] = numbers.setdefault(kind, len(numbers))
            ops[k] = by_row[key]
            operands += [index[operand] for operand in own]
            if node._row is None or not (node._row.c or node._row.c_near):
                local[k] = _local(node)
        if node.label:
            labels[k] = node.label
        scopes.append(node.scope)
    taken = [index[root] for root in roots]
    column = np.array(operands, np.int64)
    data = np.array([node.data for node in order])
    grad = np.array([node.grad for node in order])
    tape = Tape(
        list(numbers), ops, column, data, grad, labels, Groups(), ops, taken, local, values=order
    )
    tape.groups, tape.group = folded_scopes(scopes)
    _gather_leaves(tape)
    symbols = [kind.symbol for kind in tape.kinds]
    named = [symbols[op] if op >= 0 else "" for op in ops.tolist()]
    split(tape.groups, tape.group, named, tape.starts, column, taken, limit)
    return tape


def _local(node: Value) -> list[float]:
    """The partials of an operation that has no spelling in JavaScript; zeros where unknown."""
    try:
        return contributions(node, 1.0)
    except GraphError:
        return [0.0] * len(node.operands)


# --- programs -------------------------------------------------------------------------------------


def _of_program(program: Program, args: Sequence[Any], limit: int) -> Tape:
    inputs = program.arguments.numbers(args, program.name)
    try:
        marked, statements = _marked(program)
        flat = expanded(marked)
    except ProgramError:  # loops that depend on data: only a run knows their rounds
        named = [Value(x, label=n) for x, n in zip(inputs.tolist(), _names(program), strict=True)]
        outputs = program._outputs(list(named))
        roots = [each for each in outputs if isinstance(each, Value)]
        if not roots:
            raise OperandError(
                f"{program.name}() gives nothing that depends on its arguments."
            ) from None
        return of_values(list(dict.fromkeys(roots)), limit)
    return _flat_tape(program, flat, statements, inputs, limit)


def _names(program: Program) -> list[str]:
    """A name for each place of the input memory."""
    names: list[str] = []
    for slot in program.inputs:
        whole = slot.size == 1
        names += [slot.name] if whole else [f"{slot.name}[{k}]" for k in range(slot.size)]
    return names


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
    labels = dict(enumerate(_names(program)))
    for each, first in ((value, table.values), (output, table.outputs)):
        if each:
            labels |= {first + k: name for k, name in each.labels.items()}
    roots = table.roots or [count - 1]
    for k, root in enumerate(roots):
        labels.setdefault(root, program.name if len(roots) == 1 else f"{program.name}[{k}]")
    groups, group = _loop_groups(program, value, statements, table, limit)
    tape = Tape(table.kinds, ops, operands, data, np.zeros(count), labels, groups, group, roots)
    tape.guards = {k: float(data[place]) for k, place in table.guards}
    tape = _used(tape)
    _gather_leaves(tape)
    tape.computed = len(tape.ops) <= EVALUATED
    if tape.computed:
        _evaluate(tape)
    symbols = [kind.symbol for kind in tape.kinds]
    named = [symbols[op] if op >= 0 else "" for op in tape.ops.tolist()]
    split(tape.groups, tape.group, named, tape.starts, tape.operands, tape.roots, limit)
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
    new = np.cumsum(used) - 1
    return replace(
        tape, ops=tape.ops[used], operands=new[tape.operands], data=tape.data[used],
        grad=tape.grad[used], group=tape.group[used], roots=[int(new[r]) for r in tape.roots],
        labels={int(new[k]): name for k, name in tape.labels.items() if used[k]},
        guards={int(new[k]): each for k, each in tape.guards.items()},
    )  # fmt: skip


def _gather_leaves(tape: Tape) -> None:
    """Put leaves that one group alone reads into that group."""
    users = np.repeat(tape.group, np.diff(tape.starts))
    first = np.full(len(tape.ops), len(tape.groups) + 1)
    last = np.full(len(tape.ops), -1)
    np.minimum.at(first, tape.operands, users)
    np.maximum.at(last, tape.operands, users)
    alone = (tape.ops < 0) & (tape.group < 0) & (first == last)
    tape.group[alone] = first[alone]


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


def _evaluate(tape: Tape) -> None:
    """Fill in the numbers."""
    scalars: list[Callable[..., float]] = [kind.row.scalar for kind in tape.kinds if kind.row]
    data = tape.data.tolist()
    operands = tape.operands.tolist()
    at = 0
    for k, op in enumerate(tape.ops.tolist()):
        if op >= 0:
            end = at + tape.kinds[op].arity
            data[k] = scalars[op](*[data[j] for j in operands[at:end]])
            at = end
    tape.data = np.array(data, float)
