"""What holds of every program: `checked` sees to it, wherever a program comes from.

Always decided: what statements are made of, that every address stays within its memory at every
setting of the counters, and that nothing grows beyond what an integer holds. Which places are
written, each once and before it is read, is decided exactly for programs of at most `EXACT`
operations; of longer ones only the number of writes is compared with the number of places. Of a
while loop's own memory, the first few iterations are looked at.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.dispatch import Family, Primitive
from wengert.errors import OperandError, ProgramError
from wengert.primitives import TABLE
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
)
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

DEEPEST = 64  # loops inside each other; parts of a structure inside each other
LARGEST = PLACE  # no integer in a program is larger, and no loop runs more often
EXACT = 1 << 22  # operations, up to which every single place is followed
ITERATIONS = 3  # of a while loop, that are followed
FOLLOWED = 10_000  # reads and writes of a while loop's memory in those


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
    low, high = _span(address.base, address.strides, counts)
    if address.lookup:
        first, last = _span(address.lookup.start, address.lookup.strides, counts)
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
    arity = np.array([o.reads for o in run.operations], np.int64)
    if int(arity[run.ops].sum()) != len(run.operands):
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
        _follow(loop, depth, self.index)

    def _plain(self, statement: Plain, around: _Around) -> None:
        what = _described(statement)
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
        memory = OUTPUT if run.outputs else VALUE
        if run.start + len(run) > self.sizes[memory]:
            raise ProgramError(f"A run writes beyond the {memory} memory.")
        if run.outputs and any(o.row or o.guards for o in run.operations):
            raise ProgramError("A run to the outputs consists of moves.")
        for code, size in ((CODES[m], self.sizes[m]) for m in (VALUE, INPUT, CONSTANT, OUTPUT)):
            places = run.operands[run.operands >> SHIFT == code] & PLACE
            if len(places) and (places.max() >= size or code == CODES[OUTPUT]):
                raise ProgramError(f"A run reads beyond the {MEMORIES[code]} memory.")
        if any(o.guards for o in run.operations):
            arity = np.array([o.reads for o in run.operations], np.int64)[run.ops]
            guards = np.array([o.guards for o in run.operations])[run.ops]
            expected = run.operands[(np.cumsum(arity) - 1)[guards]]
            if (expected >> SHIFT != CODES[CONSTANT]).any():
                raise ProgramError("A guard in a run demands what is no constant.")
        self.written[memory] += len(run)
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
            _Order(self.program).check()


class _Order:
    """Follows every single place: who writes it when, and who reads it when."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.writes: dict[str, list[tuple[Integers, Integers]]] = {VALUE: [], OUTPUT: []}
        self.reads: dict[str, list[tuple[Integers, Integers, str]]] = {VALUE: [], OUTPUT: []}
        self.length = 0
        self._times(program.statements, (), (), 0)

    def _times(
        self, statements: Sequence[Statement], counts: tuple[int, ...], steps: tuple[int, ...],
        start: int,
    ) -> int:  # fmt: skip
        """Give every statement its times, affine in the counters, from `start` on; how many."""
        time = start
        for statement in statements:
            if isinstance(statement, Run):
                self._run(statement, time)
                time += len(statement)
            elif isinstance(statement, Loop):
                step = sum(map(_steps, statement.body))
                self._times(statement.body, (*counts, statement.count), (*steps, step), time)
                time += step * statement.count
            elif isinstance(statement, While):
                for part in parts(statement):
                    time = self._times(part, (*counts, 1), (*steps, 0), time)
            else:
                self._plain(statement, counts, Address(VALUE, time, steps))
                time += 1
        return time

    def _plain(self, statement: Plain, counts: tuple[int, ...], time: Address) -> None:
        index, target = self.program.index, statement.target
        if 0 in counts:
            return
        times = time.all(counts, index).ravel()
        for address in reads(statement):
            if address.memory == VALUE:
                places = address.all(counts, index).ravel()
                self.reads[VALUE].append((places, times, _described(statement)))
        if target.memory in (VALUE, OUTPUT):
            places = target.all(counts, index).ravel()
            if isinstance(statement, Accumulate):
                self.reads[target.memory].append((places, times, _described(statement)))
            else:
                self.writes[target.memory].append((places, times))

    def _run(self, run: Run, time: int) -> None:
        times = np.arange(time, time + len(run), dtype=np.int64)
        places = np.arange(run.start, run.start + len(run), dtype=np.int64)
        self.writes[OUTPUT if run.outputs else VALUE].append((places, times))
        arity = np.array([o.reads for o in run.operations], np.int64)[run.ops]
        values = run.operands >> SHIFT == CODES[VALUE]
        self.reads[VALUE].append(
            (run.operands[values] & PLACE, np.repeat(times, arity)[values], f"{run!r:.100}")
        )

    def check(self) -> None:
        for memory in (VALUE, OUTPUT):
            writes = self.writes[memory]
            places = np.concatenate([p for p, _ in writes] or [np.empty(0, np.int64)])
            times = np.concatenate([t for _, t in writes] or [np.empty(0, np.int64)])
            order = np.argsort(places, kind="stable")
            places, times = places[order], times[order]
            twice = places[1:][places[1:] == places[:-1]]
            if len(twice):
                raise ProgramError(f"{memory}[{int(twice[0])}] is assigned twice.")
            for read, at, what in self.reads[memory]:
                if not len(read):
                    continue
                k = np.minimum(np.searchsorted(places, read), max(len(places) - 1, 0))
                good = (places[k] == read) & (times[k] < at) if len(places) else read < 0
                if not good.all():
                    place = int(read[int(np.argmin(good))])
                    raise ProgramError(
                        f"{memory}[{place}] is read before anything is assigned to it: {what}"
                    )


def _steps(statement: Statement) -> int:
    if isinstance(statement, Loop):
        return statement.count * sum(map(_steps, statement.body))
    if isinstance(statement, While):
        return sum(_steps(below) for part in parts(statement) for below in part)
    return len(statement) if isinstance(statement, Run) else 1


# --- the memory of a while loop -------------------------------------------------------------------


def _follow(loop: While, depth: int, index: Integers) -> None:
    """Run through the first iterations: what is read there has been written, and once."""
    written: set[int] = set()
    budget = [FOLLOWED]
    for memory, place, writes in _touches(loop, depth, index, budget):
        if budget[0] < 0:
            return
        if memory == loop.local and writes:
            if place in written:
                raise ProgramError(f"{memory}[{place}] is assigned twice.")
            written.add(place)
        elif memory == loop.local and place not in written:
            raise ProgramError(f"{memory}[{place}] is read before anything is assigned to it.")


def _touches(
    loop: While, depth: int, index: Integers, budget: list[int]
) -> Iterator[tuple[str, int, bool]]:
    outer = (0,) * depth
    yield from _touched(loop.first, (*outer, 0), budget)
    for k in range(ITERATIONS):
        yield from _touched(loop.test, (*outer, k), budget)
        yield loop.condition.memory, _at(loop.condition, (*outer, k)), False
        yield from [t for t in _touched(loop.last, (*outer, k), budget) if not t[2]]
        yield from _touched(loop.body, (*outer, k), budget)


def _touched(
    statements: Sequence[Statement], counters: tuple[int, ...], budget: list[int]
) -> Iterator[tuple[str, int, bool]]:
    for statement in statements:
        if budget[0] < 0:
            return
        if isinstance(statement, Loop):
            for k in range(statement.count):
                budget[0] -= 1
                if budget[0] < 0:
                    return
                yield from _touched(statement.body, (*counters, k), budget)
        elif isinstance(statement, While):
            for k, part in enumerate(parts(statement)):
                if k < 2:  # that much happens for certain
                    yield from _touched(part, (*counters, 0), budget)
            yield from [t for t in _touched(statement.last, (*counters, 0), budget) if t[2]]
        elif not isinstance(statement, Run):
            budget[0] -= 1
            for address in reads(statement):
                yield address.memory, _at(address, counters), False
            if isinstance(statement, Accumulate):
                yield statement.target.memory, _at(statement.target, counters), False
            else:
                yield statement.target.memory, _at(statement.target, counters), True


def _at(address: Address, counters: Sequence[int]) -> int:
    """The place of an address that is not looked up; others are of no interest here."""
    return address.base + sum(s * k for s, k in zip(address.strides, counters, strict=True))


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


def _described(statement: Plain) -> str:
    """A statement in a message: where it writes, what, and the user's line."""
    target = statement.target
    moved = "".join(f" + {s}*i{k}" for k, s in enumerate(target.strides) if s)
    what = (
        "a sum" if isinstance(statement, Accumulate) else getattr(statement.row, "name", "a move")
    )
    source = f" ({statement.source})" if statement.source else ""
    return f"{target.memory}[{target.base}{moved}], {what}{source}"[:200]


def _span(base: int, strides: Sequence[int], counts: Sequence[int]) -> tuple[int, int]:
    reached = [stride * (count - 1) for stride, count in zip(strides, counts, strict=True)]
    return base + sum(r for r in reached if r < 0), base + sum(r for r in reached if r > 0)


def _is_integer(number: Any) -> bool:
    return type(number) is int and 0 <= number <= LARGEST


def _is_operation(operation: Any) -> bool:
    if not isinstance(operation, Operation):
        return False
    return _is_row(operation.row) if operation.row or operation.guards else True


def _is_row(row: Any) -> bool:
    """Whether it is a row of the table; of a family, a member that the table would make."""
    if not isinstance(row, Primitive):
        return False
    known = TABLE.get(row.name)
    if isinstance(known, Family):
        try:
            return len(row.params) == 1 and known(row.params[0]).symbol == row.symbol
        except OperandError:
            return False
    return row is known
