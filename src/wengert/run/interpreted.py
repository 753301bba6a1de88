"""The two ways in which the interpreter runs a program: example by example, or in blocks of them.

Blocks take some time to make ready, as the interpreter itself does, and are faster from then on if
there is more than one example. They are made ready as soon as examples have taken, or are about to
take, as long one by one.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from threading import RLock
from time import perf_counter
from typing import Any

import numpy as np

from wengert.errors import PathChanged
from wengert.primitives import add
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Loop, Run, Statement, While, parts
from wengert.program.structure import Floats
from wengert.run.blocks import NATIVE, Blocks, Failed
from wengert.run.columns import Column, Examples, Leaves, Sums
from wengert.run.interpret import interpret
from wengert.run.kernel import has_while
from wengert.run.walk import effort

# Seconds, measured on the scenarios of the benchmarks; the others are those of NumPy.
CALLING = 2e-5  # the interpreter once
ALONE = 6e-9 if NATIVE else 7e-8  # a statement for one example
WALKED = 1.5e-6  # the same where nothing has been made ready
PREPARING = 6e-5  # to make a statement ready
PREPARING_STRAIGHT = 5e-7  # one of a straight stretch
MEETING = 1e-8 if NATIVE else 2.5e-6  # to meet a statement once for a block
ARITHMETIC = 3e-10 if NATIVE else 3e-9  # an operation for one of the examples of a block
CALLED = 1e-8 if NATIVE else 1e-7  # one that calls a function


class Interpreted:
    """A program, as the interpreter runs it.

    Args:
        program: any program.

    Attributes:
        spent: seconds that it has taken so far.
        blocks: what has been made ready, by which leaves of the arguments all examples share; None
            where there is no such way.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.spent = 0.0
        self.blocks: dict[tuple[bool, ...], Blocks | None] = {}
        self.alone = self.together = 0  # examples done so far
        self.spent_together = 0.0
        self._lock = RLock()

    def one(self, numbers: Floats) -> Floats | None:
        """The results of one example; None if it takes another path."""
        begin = perf_counter()
        try:
            return interpret(self.program, numbers)
        except PathChanged:
            return None
        finally:
            self.alone += 1
            self.spent += perf_counter() - begin

    def batch(
        self, inputs: Sequence[Column], outputs: Sequence[Column], failed: Failed,
        threads: int | None, progress: Callable[[int], None] | None,
    ) -> None:  # fmt: skip
        """Compute many examples: as `Kernel.run` does."""
        blocks = self.blocks_for(inputs, len(failed))
        if blocks is None:
            self._one_by_one(inputs, outputs, failed, progress)
            return
        begin = perf_counter()
        seconds = math.inf if has_while(self.program) else self.predicted(len(failed))
        blocks.run(inputs, outputs, failed, seconds, threads, progress)
        self._has_taken(perf_counter() - begin, len(failed))

    def add(self, inputs: Sequence[Column], sums: Floats, first: int, end: int, stop: Any) -> None:
        """Add the results of the examples from one to another to sums, `(numbers, lanes)`."""
        blocks = self._made(inputs)
        assert blocks is not None
        begin = perf_counter()
        count = end - first
        columns = Examples(tuple(inputs), end).part(first, end).columns
        starts = Leaves.of(self.program.results).starts
        given = [Sums(sums[slice(*ends)]) for ends in pairwise((*starts, len(sums)))]
        blocks.part(columns, given, np.zeros(count, np.uint8), stop, 0, count)
        self._has_taken(perf_counter() - begin, count)

    def _has_taken(self, seconds: float, count: int) -> None:
        self.spent += seconds
        self.spent_together += seconds
        self.together += count

    # --- which way --------------------------------------------------------------------------------

    def blocks_for(self, inputs: Sequence[Column], count: int) -> Blocks | None:
        """Blocks, if they are the faster way for so many examples."""
        ready = self.blocks.get(_shared(inputs))
        if count < 2 or not self._pays(count, ready is not None):
            return None
        return ready or self._made(inputs)

    def _pays(self, count: int, ready: bool) -> bool:
        """Whether blocks are the faster way, for some examples behind those of before."""
        _, run = self._effort
        before = 0 if ready else self.alone
        each = CALLING / 4 + ALONE * run
        if not ready and "_interpreter" not in vars(self.program):
            each = WALKED * run
        together = MEETING * run + count * self._together
        return (before + count) * each > together + (0.0 if ready else self._preparing)

    def _made(self, inputs: Sequence[Column]) -> Blocks | None:
        shared = _shared(inputs)
        with self._lock:
            if shared not in self.blocks:
                self.blocks[shared] = Blocks.of(self.program, shared)
            return self.blocks[shared]

    # --- how long it takes ------------------------------------------------------------------------

    def predicted(self, count: int) -> float:
        """Seconds that so many examples are predicted to take."""
        if count < 2:
            return CALLING + ALONE * self._effort[1]
        if self.together:
            return CALLING + count * self.spent_together / self.together
        return CALLING + self._preparing + count * self._together

    @cached_property
    def _effort(self) -> tuple[int, int]:
        return effort(self.program.statements)

    @cached_property
    def _preparing(self) -> float:
        """Seconds to make blocks ready."""
        stored, _ = self._effort
        straight = sum(len(s) for s in self.program.statements if isinstance(s, Run))
        return PREPARING * stored + PREPARING_STRAIGHT * straight

    @cached_property
    def _together(self) -> float:
        """Seconds for an example of a block."""
        moved = self.program.arguments.size + self.program.results.size
        return ARITHMETIC * moved + _seconds(self.program.statements)

    # --- one by one -------------------------------------------------------------------------------

    def _one_by_one(
        self, inputs: Sequence[Column], outputs: Sequence[Column], failed: Failed,
        progress: Callable[[int], None] | None,
    ) -> None:  # fmt: skip
        sizes = [column.array.shape[1] for column in outputs]
        ends = np.cumsum(sizes).tolist()
        numbers = np.empty(self.program.arguments.size)
        for example in range(len(failed)):
            at = 0
            for column in inputs:
                row = column.array[0 if column.shared else example]
                numbers[at : at + len(row)] = row
                at += len(row)
            results = self.one(numbers)
            if results is None:
                failed[example] = 1
                continue
            for column, end, size in zip(outputs, ends, sizes, strict=True):
                column.array[example] = results[end - size : end]
            if progress:
                progress(example + 1)


def _shared(inputs: Sequence[Column]) -> tuple[bool, ...]:
    return tuple(column.shared for column in inputs)


def _seconds(statements: Iterable[Statement]) -> float:
    """What statements take for an example of a block, if every while loop runs once."""
    total = 0.0
    for statement in statements:
        if isinstance(statement, Run):
            each = [_pace(operation.row) for operation in statement.operations]
            total += float(np.array([*each, 0.0])[statement.ops].sum())
        elif isinstance(statement, Loop | While):
            inside = math.fsum(map(_seconds, parts(statement)))
            total += inside * (statement.count if isinstance(statement, Loop) else 1)
        else:
            total += _pace(add if isinstance(statement, Accumulate) else statement.row)
    return total


def _pace(row: Any) -> float:
    return ARITHMETIC if row is None or row.facts.exact_array else CALLED
