"""Kernels: a program compiled for columns of a kind, and run over a batch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from struct import pack
from time import perf_counter
from typing import Any

import numpy as np

from wengert.program.program import Program
from wengert.program.statements import Guard, Loop, Run, Statement, While, walk
from wengert.program.structure import Floats
from wengert.run import cache, llvm, pool
from wengert.run.aligned import Blocks, aligned
from wengert.run.columns import LEAVES, LINE, Column, Numbers, address, joined, zeros
from wengert.run.desk import ROOM, WHOLE, Desk
from wengert.run.desk import desk as new_desk
from wengert.run.in_place import ahead
from wengert.run.list_code import list_code
from wengert.run.loop_code import loop_code
from wengert.run.module import Code, Plan
from wengert.run.one_example import for_one_example
from wengert.run.short_loops import without_short_loops
from wengert.run.spare import Spare
from wengert.run.starts import with_late_starts
from wengert.run.unrolled import unrolled

PACE = 3e-10  # seconds for an operation of an example, where vectors are used
SHORT = 5e-3  # seconds after which somebody may want to stop it
ALONE = 5e-4  # seconds up to which it does not pay to ask other threads
MEASURED = 1000  # examples whose time is a measure for others
PORTION = 0.05  # seconds of work that a thread is given at a time
MOST_PARTS = 64  # for each thread
LEAST, PIECES = 5e-5, 8  # seconds of a part of what is short, and so many for each thread
FLAT = 3000  # statements up to which loops are written out
FEW = 256  # operations written out, whose registers suffice for two vectors of examples
MOST_VALUES = 20_000  # up to which two vectors of examples keep them near the processor
LONG = 12_000  # instructions of straight code from which on it is made quickly: a sixth slower
SMALL = 20_000  # instructions up to which LLVM's own passes go over a kernel with loops

Failed = np.ndarray[Any, np.dtype[np.uint8]]
Scratch = tuple[Floats, int]  # and its address

GO_ON = np.zeros(1, np.int32)  # what is told to a kernel that nobody will stop
GO_ON_AT = address(GO_ON)


@dataclass
class Kernel:
    """A program in machine code.

    Args:
        plan: what it was made for.
        code: its text.
        native: its machine code.
        seconds: how long it took to make.
        straight: whether its loops are written out.
        found: whether it was found on disk.
    """

    plan: Plan
    code: Code
    native: llvm.Native
    seconds: float
    straight: bool = False
    found: bool = False
    spare: list[Scratch] = field(default_factory=list)  # memory that nobody uses
    desks: list[Desk] = field(default_factory=list)  # the same for calls with few numbers
    results: Spare = field(default_factory=Spare)
    measured: float = 0.0  # seconds that an example of the last batch took a thread

    def __post_init__(self) -> None:
        program = self.plan.program
        self.tables = address(program.constants), address(program.index)

    @property
    def text(self) -> str:
        """What LLVM was given; of a kernel that was found on disk, what it would be given."""
        return self.code.text or written(self.plan).text

    def run(
        self, inputs: Sequence[Column], outputs: Sequence[Column], failed: Failed,
        threads: int | None = None, progress: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        """Compute a batch.

        Args:
            inputs: the columns of the arguments.
            outputs: those of the results, which are written to.
            failed: for each example, becomes 1 where a guard does not hold.
            threads: at most so many; by default as many as there are CPUs, if that pays.
            progress: is told how many examples have been computed.
        """
        count, lanes = len(failed), self.plan.lanes
        whole = count - count % lanes
        stop = np.zeros(1, np.int32)
        columns = [*inputs, *outputs]
        seconds = self.expected * count
        threads = 1 if seconds < ALONE else threads or pool.processors()
        stoppable = PORTION if self.measured else SHORT
        begin = perf_counter()
        if seconds < stoppable and not progress:
            tasks = self._shared(columns, failed, stop, whole, seconds, threads)
            if whole < count:
                self._rest(inputs, outputs, failed, stop, whole)
            pool.share(tasks, threads, stop)
        else:
            parts = max(threads, int(min(seconds / PORTION, MOST_PARTS * threads)))
            size = max(-(-whole // (parts * lanes)) * lanes, lanes)
            tasks = [
                partial(self.part, columns, failed, stop, start, min(start + size, whole))
                for start in range(0, whole, size)
            ]
            if whole < count:
                tasks.append(partial(self._rest, inputs, outputs, failed, stop, whole))
            told = progress and (lambda done: progress(min(done * size, count)))
            pool.run(tasks, threads, stop, told)
        if count >= MEASURED and math.isfinite(seconds):
            self.measured = (perf_counter() - begin) * min(threads, len(tasks)) / count

    def _shared(
        self, columns: Sequence[Column], failed: Failed, stop: Any, whole: int, seconds: float,
        threads: int,
    ) -> list[Callable[[], None]]:  # fmt: skip
        """A task for each thread, which take the next examples from each other."""
        if threads == 1 or self.native.python or not whole:
            return [partial(self.part, columns, failed, stop, 0, whole)] if whole else []
        lanes = self.plan.lanes
        parts = max(threads, min(int(seconds / LEAST), PIECES * threads))
        size = max(-(-whole // (parts * lanes)) * lanes, lanes)
        taken = np.zeros(1, np.int64)
        table = self._table(_words(columns), address(failed), stop)

        def task() -> None:
            scratch = self._scratch()
            self.native.share(table, taken, size, whole, scratch[1])
            self.spare.append(scratch)

        return [task] * min(threads, parts)

    @cached_property
    def predicted(self) -> float:
        """Seconds for an example, from the number of operations; forever, if nobody can know."""
        return math.inf if has_while(self.plan.program) else 1e-9 + PACE * len(self.plan.program)

    @property
    def expected(self) -> float:
        """Seconds for an example, as measured the last time, or as predicted."""
        return self.measured or self.predicted

    def part(
        self, columns: Sequence[Column], failed: Failed, stop: Any, begin: int, end: int
    ) -> None:
        """The examples from one to another, a multiple of the lanes."""
        self.call(_words(columns), address(failed), stop, begin, end)

    def call(self, words: Sequence[int], failed: int, stop: Any, begin: int, end: int) -> None:
        """The same, told by words where columns are, and what fails by the address of the first."""
        scratch = self._scratch()
        self.native.run(self._table(words, failed, stop), begin, end, scratch[1], stop)
        self.spare.append(scratch)

    def _table(self, words: Sequence[int], failed: int, stop: Any) -> bytes:
        return pack(f"{LEAVES + len(words)}q", address(stop), failed, *self.tables, *words)

    @cached_property
    def ahead(self) -> int:
        """How many results come before the one that begins where a line of the cache does."""
        return ahead(self.plan.program.results)

    @cached_property
    def is_small(self) -> bool:
        """Whether its arguments and results are so few that they are copied."""
        program = self.plan.program
        few = program.arguments.size + program.results.size <= ROOM
        return few and not self.code.blocks.room

    @cached_property
    def is_short(self) -> bool:
        """Whether an example takes so little time that nobody will want to stop it."""
        return self.predicted < SHORT and not self.native.python

    def one(self, numbers: Numbers) -> tuple[Floats, int]:
        """One example, of a kernel for whole columns, that takes little time.

        Returns:
            The results, and why the example failed; 0 if it did not.
        """
        if self.is_small:
            return self._at_desk(joined(numbers))
        size = self.plan.program.results.size
        results = self.results.empty((size + 1,), self.ahead)  # behind them, why
        results[-1] = 0.0
        end = address(results)
        why = end + 8 * size
        scratch, blocks = self._scratch(), self.code.blocks
        if blocks.room:
            memory, at = scratch
            first = len(memory) - blocks.room
            blocks.put(numbers, memory[first:])
            at += 8 * first
        else:
            numbers = joined(numbers)  # which lives as long as it is read
            at = address(numbers)
        table = WHOLE(GO_ON_AT, why, *self.tables, at, 1, 1, end, 1, 1)
        self.native.run(table, 0, 1, scratch[1], GO_ON)
        self.spare.append(scratch)
        return results[:-1], int(results[-1:].view(np.uint8)[0])

    def new_desk(self) -> Desk:
        """Memory for calls, one at a time, that has been made ready."""
        sizes = self.plan.program.arguments.size, self.plan.program.results.size
        return new_desk(sizes, self.tables, GO_ON_AT, self._scratch())

    def _at_desk(self, numbers: Floats) -> tuple[Floats, int]:
        try:
            desk = self.desks.pop()
        except IndexError:
            desk = self.new_desk()
        desk.given[:] = numbers
        desk.why[0] = 0.0
        self.native.run(desk.table, 0, 1, desk.scratch[1], GO_ON)
        results = desk.results.copy()
        why = int(desk.why.view(np.uint8)[0]) if desk.why[0] else 0
        self.desks.append(desk)
        return results, why

    def _rest(
        self, inputs: Sequence[Column], outputs: Sequence[Column], failed: Failed, stop: Any,
        first: int,
    ) -> None:  # fmt: skip
        """The last examples, fewer than there are lanes.

        Some before them are computed again, to the same bits; where there are none, the last one
        is repeated.
        """
        lanes, count = self.plan.lanes, len(failed)
        if count > lanes:
            self.part([*inputs, *outputs], failed, stop, count - lanes, count)
            return
        padded = self.padded(inputs, first, count)
        results = [
            Column(_like(column, np.empty((lanes, column.array.shape[1])))) for column in outputs
        ]
        left = np.zeros(lanes, np.uint8)
        self.part([*padded, *results], left, stop, 0, lanes)
        here = count - first
        failed[first:] = left[:here]
        for column, result in zip(outputs, results, strict=True):
            column.array[first:] = result.array[:here]

    def padded(self, inputs: Sequence[Column], first: int, count: int) -> list[Column]:
        """The last examples, and the very last one again until there are as many as lanes."""
        taken = np.minimum(np.arange(first, first + self.plan.lanes), count - 1)
        return [
            column if column.shared else Column(_like(column, column.array[taken]))
            for column in inputs
        ]

    def _scratch(self) -> Scratch:
        """Memory of its own for one call, aligned as vectors want it."""
        try:
            return self.spare.pop()
        except IndexError:
            size = -(-self.code.scratch * self.plan.lanes // LINE) * LINE + self.code.blocks.room
            room = zeros((size,))
            return room, address(room)


def _words(columns: Sequence[Column]) -> list[int]:
    return [word for column in columns for word in column.words()]


def _like(column: Column, array: Floats) -> Floats:
    """The same numbers in the order in memory that a column has."""
    return np.asfortranarray(array) if column.kind == "unit" else np.ascontiguousarray(array)


def compiled(plan: Plan) -> Kernel:
    """A kernel made by LLVM, or found on disk."""
    begin = perf_counter()
    straight = is_straight(plan.program)
    key = cache.key_of(*llvm.versions(), straight, *plan.key()) if cache.folder() else ""
    stored = cache.load(key) if key else None
    if stored:
        blocks = Blocks(*stored.facts.pop("blocks"))
        code = Code("", plan.lanes, **stored.facts, blocks=blocks)
        native = llvm.Native(stored.code, {})
    else:
        code = written(plan)
        passes = not straight and code.statements <= SMALL
        level = llvm.QUICK if straight and code.statements > LONG else llvm.HOT
        made = llvm.machine_code(code.text, level, passes)
        native = llvm.Native(made, code.python)
        if key and not code.python:
            cache.store(key, cache.Stored(code.facts(), made))
    return Kernel(plan, code, native, perf_counter() - begin, straight, bool(stored))


def written(plan: Plan) -> Code:
    """A kernel as text."""
    if is_straight(plan.program):
        return list_code(plan, unrolled(plan.program))
    if not plan.is_alone:
        program = with_late_starts(without_short_loops(plan.program))
        return loop_code(replace(plan, program=program))
    program, blocks = aligned(for_one_example(plan.program))
    return replace(loop_code(replace(plan, program=program)), blocks=blocks)


def lanes_for(program: Program) -> int:
    """How many examples to compute at a time.

    A loop waits for what its last round has computed: with two vectors of examples, there is
    something to do meanwhile. Where a program is short, two share its constants.
    """
    if is_straight(program):
        return llvm.lanes() * (1 + (len(program) <= FEW))
    if has_while(program) or program.values > MOST_VALUES:
        return llvm.lanes()
    return 2 * llvm.lanes()


def is_straight(program: Program) -> bool:
    """Whether its loops are written out: it has none, or they are few operations in all."""
    if has_while(program):
        return False
    return sum(_written_out(each) for each in program.statements if isinstance(each, Loop)) <= FLAT


def _written_out(statement: Statement) -> int:
    """How many statements it is without loops."""
    if isinstance(statement, Loop):
        return statement.count * sum(map(_written_out, statement.body))
    return len(statement) if isinstance(statement, Run) else 1


def has_guards(program: Program) -> bool:
    """Whether there is a comparison that may come out otherwise."""
    for statement in program.statements:
        if isinstance(statement, Run):
            if any(operation.guards for operation in statement.operations):
                return True
        elif any(isinstance(each, Guard) for each, _ in walk([statement])):
            return True
    return False


def has_while(program: Program) -> bool:
    """Whether there is a loop whose count nobody knows before."""

    def holds(statement: Statement) -> bool:
        if isinstance(statement, Loop):
            return any(map(holds, statement.body))
        return isinstance(statement, While)

    return any(map(holds, program.statements))
