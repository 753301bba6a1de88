"""The ways to run one program: at once by the interpreter, or compiled, which takes a while first.

Which one is used is chosen, unless the user has: a program is compiled as soon as it has taken, or
is about to take, as long in the interpreter as compiling it will.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from threading import RLock
from time import perf_counter
from typing import Any

import numpy as np

from wengert.errors import OperandError
from wengert.program.program import Program
from wengert.program.structure import Floats
from wengert.run import llvm
from wengert.run.adding import Adding
from wengert.run.columns import (
    AGAIN,
    LANES,
    SUM,
    UNIT,
    Column,
    Examples,
    Leaves,
    Numbers,
    joined,
)
from wengert.run.interpreted import Interpreted
from wengert.run.kernel import (
    Failed,
    Kernel,
    compiled,
    has_guards,
    has_while,
    is_straight,
    lanes_for,
)
from wengert.run.module import Plan
from wengert.run.short_call import ShortCall, short_call

AUTO, INTERPRETER, NATIVE = "auto", "interpreter", "native"
TIERS = AUTO, INTERPRETER, NATIVE

# Seconds, as predicted; measured on the scenarios of the benchmarks.
STARTING = 5e-3  # to compile anything at all
COMPILING = 6e-5  # an operation that is written out
MANY, QUICKLY = 4000, 2.2e-5  # from so many on, each takes less
COMPILING_LOOPS = 3e-4  # a statement of a program with loops

Adder = Callable[[Floats, int, int, Any], None]  # to sums, from an example to another, unless told


@dataclass(frozen=True)
class Options:
    """How a user wants a function to be run.

    Args:
        exact: with the bits of the eager engine.
        tier: "auto", "interpreter" or "native".
        threads: at most so many; None for all CPUs.
    """

    exact: bool = False
    tier: str = AUTO
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            listed = ", ".join(f'"{tier}"' for tier in TIERS)
            raise OperandError(f"The tier is one of {listed}, not {self.tier!r}.")


class Tiers:
    """The ways to run a program.

    Args:
        program: any program.
        options: what the user wants.

    Attributes:
        kernels: what has been compiled, by the kinds of the columns and the lanes.
        interpreted: the program as the interpreter runs it.
        examples, seconds: what has been computed natively, and how long it took.
    """

    def __init__(self, program: Program, options: Options) -> None:
        self.program, self.options = program, options
        self.kernels: dict[tuple[tuple[str, ...], int, bool, bool], Kernel] = {}
        self.lock = RLock()
        self.interpreted = Interpreted(program)
        self.seconds = 0.0
        self.examples = 0

    def one(self, numbers: Numbers) -> Floats | None:
        """The results for one example; None if it takes another path."""
        if not self.is_native(1):
            return self.interpreted.one(joined(numbers))
        for strong in (False, True):
            kernel = self.kernel((UNIT, UNIT), 1, whole=True, strong=strong)
            if kernel.is_short:
                results, why = kernel.one(numbers)
            else:
                results = kernel.results.empty((self.program.results.size,), kernel.ahead)
                failed = np.zeros(1, np.uint8)
                given = Column(kernel.code.blocks.laid_out(numbers)[None])
                kernel.run([given], [Column(results[None])], failed, 1)
                why = failed[0]
            if not why & AGAIN:
                break
        return None if why else results

    @cached_property
    def short_call(self) -> ShortCall | None:
        """The same with floats, where that is compiled and takes microseconds."""
        kernel = self.kernel((UNIT, UNIT), 1, whole=True)
        return short_call(kernel, self.program.arguments, self.program.results)

    def batch(
        self, inputs: Sequence[Column], outputs: Sequence[Column], failed: Failed,
        progress: Callable[[int], None] | None,
    ) -> None:  # fmt: skip
        """Compute many examples: as `Kernel.run` does."""
        if not len(failed):
            return
        if not self.is_native(len(failed)):
            self.interpreted.batch(inputs, outputs, failed, self.options.threads, progress)
            return
        kinds = tuple(column.kind for column in (*inputs, *outputs))
        kernel = self.kernel(kinds, self.lanes)
        begin = perf_counter()
        kernel.run(inputs, outputs, failed, self.options.threads, progress)
        if kernel.code.speculates and failed.any():
            self._again(inputs, outputs, failed)
        self.seconds += perf_counter() - begin
        self.examples += len(failed)

    def adder(self, inputs: Sequence[Column], count: int) -> Adder | None:
        """What adds the results of examples to sums where they are computed, if anything does.

        With guards nothing does: what an example adds could not be taken back.
        """
        if self.has_guards:
            return None
        if self.is_native(count):
            starts = Leaves.of(self.program.results).starts
            kinds = (*(column.kind for column in inputs), *[SUM] * len(starts))
            return Adding(lambda strong: self.kernel(kinds, LANES, strong=strong), inputs, starts)
        if self.interpreted.blocks_for(inputs, count) is None:
            return None
        return partial(self.interpreted.add, inputs)

    @cached_property
    def has_guards(self) -> bool:
        """Whether examples may take other paths."""
        return has_guards(self.program)

    def lets_others(self, inputs: Sequence[Column], count: int) -> bool:
        """Whether other threads can run beside the one that computes so many examples."""
        if self.is_native(count):
            return True
        blocks = self.interpreted.blocks_for(inputs, count)
        return blocks is not None and blocks.native

    def measures(self, count: int) -> bool:
        """Whether so many examples that are added to sums tell what an example takes."""
        return not self.has_guards and self.is_native(count)

    def predicted(self, count: int) -> float:
        """Seconds that so many examples are predicted to take; forever, if nobody can know."""
        if self.is_native(count) and (kernel := next(iter(self.kernels.values()), None)):
            return kernel.predicted * count
        return math.inf if has_while(self.program) else self.interpreted.predicted(count)

    def _again(self, inputs: Sequence[Column], outputs: Sequence[Column], failed: Failed) -> None:
        """Compute those examples once more that ask for it."""
        rows = np.flatnonzero(failed & AGAIN)
        if not len(rows):
            return
        some = Examples(tuple(inputs), len(failed)).taken(rows)
        found = [Column(np.empty((len(rows), column.array.shape[1]))) for column in outputs]
        kinds = tuple(column.kind for column in (*some.columns, *found))
        left = np.zeros(len(rows), np.uint8)
        kernel = self.kernel(kinds, self.lanes, strong=True)
        kernel.run(some.columns, found, left, self.options.threads)
        failed[rows] = left
        for column, own in zip(outputs, found, strict=True):
            column.array[rows] = own.array

    # --- compiled ---------------------------------------------------------------------------------

    def kernel(
        self, kinds: tuple[str, ...], lanes: int, whole: bool = False, strong: bool = False
    ) -> Kernel:
        """The kernel for columns of these kinds."""
        key = kinds, lanes, whole, strong
        found = self.kernels.get(key)
        if found is None:
            with self.lock:
                found = self.kernels.get(key)
                if found is None:
                    plan = Plan(self.program, kinds, lanes, self.options.exact, whole, strong)
                    found = self.kernels[key] = compiled(plan)
        return found

    def is_native(self, count: int) -> bool:
        """Whether so many examples are computed by machine code."""
        if self.options.tier != AUTO:
            return self.options.tier == NATIVE
        if self.kernels:
            return True
        spent = self.interpreted.spent
        return llvm.is_there() and spent + self.interpreted.predicted(count) > self.compiling

    @cached_property
    def lanes(self) -> int:
        """How many examples machine code computes at a time."""
        return lanes_for(self.program)

    @cached_property
    def compiling(self) -> float:
        """Seconds that compiling is predicted to take."""
        if is_straight(self.program):
            count = len(self.program)
            return STARTING + count * (COMPILING if count < MANY else QUICKLY)
        return STARTING + COMPILING_LOOPS * self.program.size
