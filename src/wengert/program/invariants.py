"""What holds of every program: `checked` sees to it, wherever a program comes from.

Always decided: what statements are made of, that every address stays within its memory at every
setting of the counters, and that nothing grows beyond what an integer holds. Which places are
written, each once and before it is read, and that a sum is read after its last term, is decided
exactly for programs of at most `EXACT` operations; of longer ones only the number of writes is
compared with the number of places. Of a while loop's own memory, the first few iterations are
looked at.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.dispatch import Family, Primitive
from wengert.errors import OperandError, ProgramError
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
    in_memory,
    span,
)
from wengert.program.order import Order, described, follow
from wengert.program.program import Program
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Operation,
    Plain,
    Run,
    Statement,
    While,
    parts,
    reads,
)
from wengert.program.structure import TUPLE, Structure
from wengert.registry import known

DEEPEST = 64  # loops inside each other; parts of a structure inside each other
LARGEST = PLACE  # no integer in a program is larger, and no loop runs more often
EXACT = 1 << 22  # operations, up to which every single place is followed


def checked(program: Program) -> Program:
    """The program itself, if it keeps the invariants.

    Raises:
        ProgramError: it does not; the message says which statement breaks which one.
    """
    _check_structures(program)
    for name, size in program.sizes.items():
        if not 0 <= size <= LARGEST:
            raise ProgramError(f"The {name} memory has {size} places.")
    checker = _Checker(program)
    checker.all(program.statements, _Around())
    checker.finish()
    return program


def reach(address: Address, counts: Sequence[int], index: Integers) -> tuple[int, int]:
    """The lowest and the highest place that an address means; no count may be 0.

    Raises:
        ProgramError: it looks outside the index table.
    """
    low, high = span(address.base, address.strides, counts)
    if address.lookup:
        first, last = span(address.lookup.start, address.lookup.strides, counts)
        if first < 0 or last >= len(index):
            raise ProgramError(f"It looks up entries {first} to {last} of {len(index)}.")
        entries = index[first : last + 1]
        low, high = low + int(entries.min()), high + int(entries.max())
    return low, high


def check_run(run: Run) -> None:
    """See to it that the columns of a run fit together, so that its items can be read."""
    if not _is_integer(run.start) or not all(_is_operation(o) for o in run.operations):
        raise ProgramError("A run does not start at a place, or does what is no operation.")
    if len(run.ops) and not (run.ops.min() >= 0 and run.ops.max() < len(run.operations)):
        raise ProgramError("A run names an operation that it does not list.")
    if int(run.arity.sum()) != len(run.operands):
        raise ProgramError("A run has too many operands, or too few.")
    if len(run.operands) and not (
        run.operands.min() >= 0 and int(run.operands.max()) >> SHIFT < len(MEMORIES)
    ):
        raise ProgramError("A run reads from a memory that there is not.")
    lines = run.lines
    if len(lines) not in (0, len(run.ops)):
        raise ProgramError("A run has another number of source lines than of operations.")
    if len(lines) and not (lines.min() >= 0 and lines.max() < len(run.sources)):
        raise ProgramError("A run names a source line that it does not list.")
    if not all(_is_integer(k) and k < len(run) and isinstance(label, str)
               for k, label in run.labels.items()):  # fmt: skip
        raise ProgramError("A run has a label for an operation that it has not.")
    if not all(isinstance(source, str) for source in run.sources):
        raise ProgramError("A source line is not a text.")


# --- statement by statement -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands around a statement."""

    counts: tuple[int, ...] = ()
    local: dict[str, int] = field(default_factory=dict)  # loops with a memory, and how deep
    endless: frozenset[int] = frozenset()  # depths of those whose counter has no limit here
    where: str = ""  # in which part of the innermost of them

    def inside(self, count: int, **changed: Any) -> "_Around":
        kept = {"local": self.local, "endless": self.endless, "where": self.where}
        return _Around((*self.counts, count), **(kept | changed))


class _Checker:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.sizes = program.sizes
        self.index = program.index
        self.written = {VALUE: 0, OUTPUT: 0}
        self.locals: set[str] = set()
        self.meant = 0

    def all(self, statements: Sequence[Statement], around: _Around) -> None:
        for statement in statements:
            if isinstance(statement, Run):
                self._run(statement, around)
            elif isinstance(statement, Loop):
                self._loop(statement, around)
            elif isinstance(statement, While):
                self._while(statement, around)
            elif isinstance(statement, Assign | Accumulate | Guard):
                self._plain(statement, around)
            else:
                raise ProgramError(f"{statement!r:.80} is no statement.")

    def _loop(self, loop: Loop, around: _Around) -> None:
        if not _is_integer(loop.count):
            raise ProgramError(f"A loop cannot run {loop.count!r:.40} times.")
        if not isinstance(loop.again, bool):
            raise ProgramError(
                f"A loop is marked `again` or not, and {loop.again!r:.40} is neither."
            )
        inside = around.inside(loop.count)
        if len(inside.counts) > DEEPEST or math.prod(n or 1 for n in inside.counts) > LARGEST:
            raise ProgramError("The loops are too deep, or run too often.")
        self.all(loop.body, inside)

    def _while(self, loop: While, around: _Around) -> None:
        if not isinstance(loop.local, str) or loop.local in CODES or loop.local in self.locals:
            raise ProgramError(f"A loop cannot have the memory {loop.local!r:.80}.")
        if len(around.counts) >= DEEPEST:
            raise ProgramError("The loops are too deep.")
        self.locals.add(loop.local)
        depth = len(around.counts)
        local = around.local | {loop.local: depth}
        for name, part in zip(("first", "test", "body", "last"), parts(loop), strict=True):
            endless = around.endless if name == "first" else around.endless | {depth}
            self.all(part, around.inside(1, local=local, endless=endless, where=name))
        inside = around.inside(1, local=local, endless=around.endless | {depth}, where="test")
        self._address(loop.condition, inside, f"while ... in {loop.local}")
        follow(loop, depth, self.index)

    def _plain(self, statement: Plain, around: _Around) -> None:
        what = described(statement)
        if not isinstance(statement, Accumulate):
            is_move = isinstance(statement, Assign) and statement.row is None
            if not is_move and not _is_row(statement.row):
                raise ProgramError(f"{statement.row!r:.80} is no primitive: {what}")
            wanted = statement.row.nin if statement.row else 1
            if len(statement.operands) != wanted:
                raise ProgramError(f"{wanted} operands are wanted: {what}")
        if not (isinstance(statement.label, str) and isinstance(statement.source, str)):
            raise ProgramError(f"Label and source are texts: {what}")
        target = statement.target
        for address in (*reads(statement), target):
            self._address(address, around, what)
        if OUTPUT in (address.memory for address in reads(statement)):
            raise ProgramError(f"Outputs are not read: {what}")
        if target.memory in (INPUT, CONSTANT) or (
            isinstance(statement, Guard)
            and (target.memory == OUTPUT or statement.expected.memory != CONSTANT)
        ):
            raise ProgramError(f"It cannot write there, or demand that: {what}")
        times = math.prod(around.counts)
        self.meant += times
        if not isinstance(statement, Accumulate) and target.memory in CODES:
            if around.where in ("test", "body"):
                raise ProgramError(f"A while loop writes to {target.memory} only once: {what}")
            self.written[target.memory] += times

    def _address(self, address: Address, around: _Around, what: str) -> None:
        """See to it that an address is one, and that it stays within its memory."""
        lookup = address.lookup
        numbers = [address.base, *address.strides]
        if lookup is not None:
            if not isinstance(lookup, Lookup):
                raise ProgramError(f"{lookup!r:.80} does not look anything up: {what}")
            numbers += [lookup.start, *lookup.strides]
        depth = len(around.counts)
        if not all(type(n) is int and abs(n) <= LARGEST for n in numbers):
            raise ProgramError(f"An address is made of integers below 2**56: {what}")
        if len(address.strides) != depth or (lookup and len(lookup.strides) != depth):
            raise ProgramError(f"An address has a stride for each of {depth} loops: {what}")
        if address.memory in CODES:
            moving = [d for d in around.endless if address.strides[d]
                      or (lookup and lookup.strides[d])]  # fmt: skip
            if moving:
                raise ProgramError(f"It moves in a loop without a count: {what}")
            size = self.sizes[address.memory]
        elif address.memory in around.local:
            own = around.local[address.memory]
            if lookup or any(address.strides[:own]) or address.strides[own] < 0:
                raise ProgramError(f"In a loop's own memory, it moves in odd ways: {what}")
            size = LARGEST
        else:
            raise ProgramError(f"There is no memory {address.memory!r:.80} here: {what}")
        if 0 in around.counts:
            return
        try:
            low, high = reach(address, around.counts, self.index)
        except ProgramError as error:
            raise ProgramError(f"{error} {what}") from None
        if low < 0 or high >= size:
            raise ProgramError(
                f"It uses places {low} to {high} of {address.memory}, which has {size}: {what}"
            )

    def _run(self, run: Run, around: _Around) -> None:
        if around.counts:
            raise ProgramError("A run stands inside a loop.")
        check_run(run)
        target = OUTPUT if run.outputs else VALUE
        if run.start + len(run) > self.sizes[target]:
            raise ProgramError(f"A run writes beyond the {target} memory.")
        used = [run.operations[k] for k in set(run.ops.tolist())]  # others may be listed
        if run.outputs and any(o.row or o.guards for o in used):
            raise ProgramError("A run to the outputs consists of moves.")
        for memory in (VALUE, INPUT, CONSTANT, OUTPUT):
            places = run.places_in(memory)
            if len(places) and (places.max() >= self.sizes[memory] or memory == OUTPUT):
                raise ProgramError(f"A run reads beyond the {memory} memory.")
        if any(o.guards for o in run.operations):
            guards = np.array([o.guards for o in run.operations])[run.ops]
            expected = run.operands[run.starts[1:][guards] - 1]
            if not in_memory(expected, CONSTANT).all():
                raise ProgramError("A guard in a run demands what is no constant.")
        self.written[target] += len(run)
        self.meant += len(run)

    # --- the program as a whole -------------------------------------------------------------------

    def finish(self) -> None:
        if self.meant > LARGEST:
            raise ProgramError(f"It means {self.meant} operations.")
        for memory, written in self.written.items():
            size = self.sizes[memory]
            if written > size or (memory == OUTPUT and written != size):
                raise ProgramError(f"{written} results are written to {memory}, which has {size}.")
        if self.meant <= EXACT:
            Order(self.program).check()


# --- what things are made of ----------------------------------------------------------------------


def _check_structures(program: Program) -> None:
    arguments = program.arguments
    if arguments.kind != TUPLE or not all(isinstance(key, str) for key in arguments.keys):
        raise ProgramError("The arguments are a tuple with names.")
    if len(arguments.keys) != len(arguments.parts):
        raise ProgramError("Each argument has a name.")
    for structure in (arguments, program.results):
        Structure.of_data(structure.data())
    if not isinstance(program.name, str) or not _is_integer(program.values):
        raise ProgramError("A program has a name, and a number of values.")


def _is_integer(number: Any) -> bool:
    return type(number) is int and 0 <= number <= LARGEST


def _is_operation(operation: Any) -> bool:
    if not isinstance(operation, Operation):
        return False
    return _is_row(operation.row) if operation.row or operation.guards else True


def _is_row(row: Any) -> bool:
    """Whether it is a row of the table or a user's; of a family, a member that it would make."""
    if not isinstance(row, Primitive):
        return False
    found = known(row.name)
    if isinstance(found, Family):
        try:
            return len(row.params) == 1 and found(row.params[0]).symbol == row.symbol
        except OperandError:
            return False
    return row is found or bool(row.definition)  # of a rule that was replaced, programs remain
