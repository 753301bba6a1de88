"""What a program consists of: assignments, accumulations, guards, and the loops around them.

The position of an operation in record order is the place of its result in the value memory. Every
place of a memory is assigned once, so the order of statements matters only as far as what is read
must have been written. What accumulates into a place comes between: after the assignment, which
starts the sum, and before all that reads it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wengert.dispatch import Primitive
from wengert.program.address import (
    CODES,
    OUTPUT,
    PLACE,
    VALUE,
    Address,
    Integers,
    coded,
    decoded,
    in_memory,
)
from wengert.program.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class Assign:
    """`target = row(operands)`; without a row, a move: `target = operand`."""

    target: Address
    row: Primitive | None
    operands: tuple[Address, ...]
    label: str = field(default="", compare=False)
    source: str = field(default="", compare=False)


@quick
@dataclass(frozen=True, slots=True)
class Accumulate:
    """`target += operand`: one more term of the sum that an assignment to its place has started."""

    target: Address
    operand: Address
    label: str = field(default="", compare=False)
    source: str = field(default="", compare=False)


@quick
@dataclass(frozen=True, slots=True)
class Guard:
    """`target = row(operands)`, which must equal what was recorded, or the path has changed."""

    target: Address
    row: Primitive
    operands: tuple[Address, ...]
    expected: Address
    label: str = field(default="", compare=False)
    source: str = field(default="", compare=False)


@quick
@dataclass(frozen=True, slots=True)
class Loop:
    """The body, for a counter from 0 to `count - 1`.

    Where it is marked `again`, reverse mode keeps nothing of what a round computes for itself, and
    computes it once more on the way back. In any other respect the mark means nothing.
    """

    count: int
    body: tuple["Statement", ...]
    again: bool = False


@quick
@dataclass(frozen=True, slots=True)
class While:
    """`test`, then `body` if `condition` is not 0, and again with the next counter.

    Its numbers are kept in a memory of its own, `local`, which is empty whenever the loop starts
    but for what `first` writes to it. `first` and `last` stand outside the loop's body but have
    its counter all the same: 0 in `first`, and in `last` the number of times the body ran.
    """

    local: str
    first: tuple["Statement", ...]
    test: tuple["Statement", ...]
    condition: Address
    body: tuple["Statement", ...]
    last: tuple["Statement", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A straight stretch of assignments and guards outside all loops, kept in columns.

    Reading it gives them one by one. Their results go to the value memory from `start` on, one
    after the other; moves that are `outputs` go to the output memory from `start` on instead.

    Args:
        start: the place of the first result.
        operations: what the numbers in `ops` stand for.
        ops: per statement, the number of its operation.
        operands: all operands in a row, coded; behind those of a guard, what is expected.
        sources: what the numbers in `lines` stand for.
        lines: per statement, the number of its source; may be empty.
        labels: by number of the statement.
        outputs: whether it writes to the output memory.
    """

    start: int
    operations: tuple["Operation", ...]
    ops: np.ndarray[Any, np.dtype[np.int32]]
    operands: Integers
    sources: tuple[str, ...] = ()
    lines: np.ndarray[Any, np.dtype[np.int32]] = field(
        default_factory=lambda: np.empty(0, dtype=np.int32)
    )
    labels: dict[int, str] = field(default_factory=dict)
    outputs: bool = False

    def __post_init__(self) -> None:
        for column in (self.ops, self.operands, self.lines):
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.ops)

    @property
    def arity(self) -> Integers:
        """Per statement, how many addresses it reads."""
        return arity_of(self.operations, self.ops)

    @property
    def starts(self) -> Integers:
        """Per statement, where its operands start; and where those of the last one end."""
        starts = np.zeros(len(self) + 1, np.int64)
        np.cumsum(self.arity, out=starts[1:])
        return starts

    def places_in(self, memory: str) -> Integers:
        """The places of a memory that it reads, in order, as often as it does."""
        return self.operands[in_memory(self.operands, memory)] & PLACE

    def items(self) -> tuple[list["Operation"], list[list[int]]]:
        """Per statement, what it does, and the coded addresses that it reads."""
        operands = self.operands.tolist()
        arity = [operation.reads for operation in self.operations]
        done, reads, at = [], [], 0
        for number in self.ops.tolist():
            end = at + arity[number]
            done.append(self.operations[number])
            reads.append(operands[at:end])
            at = end
        return done, reads

    def made(
        self, k: int, operation: "Operation", target: Address, reads: tuple[Address, ...]
    ) -> "Assign | Guard":
        """Statement number k, with these addresses."""
        label = self.labels.get(k, "")
        source = self.sources[self.lines[k]] if len(self.lines) else ""
        if operation.guards and operation.row:
            return Guard(target, operation.row, reads[:-1], reads[-1], label, source)
        return Assign(target, operation.row, reads, label, source)

    def __iter__(self) -> Iterator["Assign | Guard"]:
        memory = OUTPUT if self.outputs else VALUE
        for k, (operation, codes) in enumerate(zip(*self.items(), strict=True)):
            target = Address(memory, self.start + k)
            yield self.made(k, operation, target, tuple(map(decoded, codes)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Run):
            return NotImplemented
        return self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def key(self) -> tuple[Any, ...]:
        """What two runs that mean the same have in common."""
        used = np.flatnonzero(np.bincount(self.ops, minlength=len(self.operations)))
        keys = {int(k): self.operations[k].sort_key for k in used}
        order = sorted(set(keys.values()))
        rank = np.zeros(len(self.operations), np.int32)
        for k, key in keys.items():
            rank[k] = order.index(key)
        columns = rank[self.ops].tobytes(), self.operands.tobytes()
        return self.start, tuple(order), *columns, self.outputs


@dataclass(frozen=True, slots=True)
class Operation:
    """What an item of a run does: a row's operation, a guard on one, or (without a row) a move."""

    row: Primitive | None
    guards: bool = False

    @property
    def reads(self) -> int:
        """How many addresses it reads."""
        return (self.row.nin if self.row else 1) + self.guards

    @property
    def sort_key(self) -> tuple[Any, ...]:
        """For an order that does not depend on when it was first used."""
        return (
            (self.row.name, repr(self.row.content[1:]), self.guards)
            if self.row
            else ("", "", False)
        )


def arity_of(operations: Iterable[Operation], numbers: np.ndarray[Any, Any]) -> Integers:
    """How many addresses each of some operations reads, given by their numbers."""
    arity: Integers = np.array([operation.reads for operation in operations], np.int64)
    return arity.take(numbers)


Plain = Assign | Accumulate | Guard
Statement = Plain | Loop | While | Run


def reads(statement: Plain) -> tuple[Address, ...]:
    """The addresses that a statement reads."""
    if isinstance(statement, Accumulate):
        return (statement.operand,)
    if isinstance(statement, Guard):
        return (*statement.operands, statement.expected)
    return statement.operands


def changed(statement: Plain, change: Callable[[Address], Address]) -> Plain:
    """The statement with its addresses changed: the target, then what it reads, in order."""
    target = change(statement.target)
    if isinstance(statement, Accumulate):
        return replace(statement, target=target, operand=change(statement.operand))
    operands = tuple(map(change, statement.operands))
    if isinstance(statement, Guard):
        expected = change(statement.expected)
        return replace(statement, target=target, operands=operands, expected=expected)
    return replace(statement, target=target, operands=operands)


def parts(statement: Loop | While) -> tuple[tuple[Statement, ...], ...]:
    """The bodies of a loop."""
    if isinstance(statement, Loop):
        return (statement.body,)
    return (statement.first, statement.test, statement.body, statement.last)


def walk(
    statements: Iterable[Statement], around: tuple[Loop | While, ...] = ()
) -> Iterator[tuple[Plain, tuple[Loop | While, ...]]]:
    """Every plain statement in the order of the text, and the loops around it, outermost first."""
    for statement in statements:
        if isinstance(statement, Run):
            for item in statement:
                yield item, around
        elif isinstance(statement, Loop | While):
            for part in parts(statement):
                yield from walk(part, (*around, statement))
        else:
            yield statement, around


def fits_columns(statement: Assign | Guard) -> bool:
    """Whether a statement outside loops can be kept in columns."""
    if statement.target.memory not in (VALUE, OUTPUT):
        return False
    addresses = (statement.target, *reads(statement))
    return all(
        a.memory in CODES and not a.strides and not a.lookup and 0 <= a.base <= PLACE
        for a in addresses
    )


def straight(statements: Sequence[Assign | Guard]) -> Run:
    """Statements that fit into columns, and whose results follow each other, as a run."""
    numbers: dict[Operation, int] = {}
    sources: dict[str, int] = {}
    ops, operands, lines, labels = [], [], [], {}
    for k, statement in enumerate(statements):
        addresses = reads(statement)
        operation = Operation(statement.row, isinstance(statement, Guard))
        ops.append(numbers.setdefault(operation, len(numbers)))
        operands += [coded(a.memory, a.base) for a in addresses]
        lines.append(sources.setdefault(statement.source, len(sources)))
        if statement.label:
            labels[k] = statement.label
    first = statements[0].target
    return Run(
        first.base, tuple(numbers), np.array(ops, dtype=np.int32),
        np.array(operands, dtype=np.int64), tuple(sources), np.array(lines, dtype=np.int32),
        labels, first.memory == OUTPUT,
    )  # fmt: skip
