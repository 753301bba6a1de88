"""The interpreter for many examples: a statement is met once for a block of them.

Blocks are as long as their numbers stay in the cache. Each result has the bits that the interpreter
gives for its example alone, so it does not depend on blocks or threads. Instructions are those of
`instructions`; native/blocks.c obeys them, and where there is no native engine `plain_blocks`.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.program.address import OUTPUT
from wengert.program.dependence import layout
from wengert.program.program import Program
from wengert.program.structure import Floats
from wengert.run import pool
from wengert.run.columns import Column, Leaves, Sums
from wengert.run.instructions import Coder, takes
from wengert.run.lane_buffer import LaneBuffer
from wengert.run.plain_blocks import run_blocks_plain
from wengert.value import engine

if TYPE_CHECKING or engine == "native":
    from wengert import _native

NATIVE = engine == "native"
CACHE = 1 << 22  # bytes that the numbers of a block take
WIDEST, NARROWEST = 256, 8  # examples in a block
PLAIN_WIDTH = 1024  # where each statement is an operation of NumPy
LARGEST = 1 << 30  # bytes that the narrowest block may take

ALONE = 5e-3  # seconds up to which it does not pay to ask other threads
PORTION = 0.05  # seconds of work that a thread is given at a time
MOST_PARTS = 64  # for each thread

Failed = np.ndarray[Any, np.dtype[np.uint8]]


class Blocks:
    """A program made ready to run for many examples.

    Args:
        program: any program.
        shared: for each leaf of the arguments, whether it is the same for all examples.
        native: whether the native engine runs it.
    """

    def __init__(self, program: Program, shared: Sequence[bool], native: bool = NATIVE) -> None:
        self.program = program
        self.buffer = LaneBuffer(program, shared)
        coder = Coder(self.buffer)
        coder.tree(self.buffer.kept.layout.tree)
        code = coder.code(program.index)
        self.native = native
        if native:
            self._run: Callable[..., None] = partial(_native.run_blocks, _native.machine(*code))
        else:
            self._run = partial(run_blocks_plain, code)
        self.results = Leaves.of(program.results)

    @cached_property
    def width(self) -> int:
        """How many examples are in a block."""
        widest, room = (WIDEST, CACHE) if self.native else (PLAIN_WIDTH, LARGEST)
        fitting = room // (8 * max(self.buffer.own, 1))
        return max(NARROWEST, min(widest, fitting // NARROWEST * NARROWEST))

    @staticmethod
    def of(program: Program, shared: Sequence[bool]) -> "Blocks | None":
        """A program made ready, if there are instructions for all of it, and it fits in memory."""
        if not all(map(takes, layout(program).sites)):
            return None
        made = Blocks(program, shared)
        return made if 8 * NARROWEST * made.buffer.own <= LARGEST else None

    # --- a batch ----------------------------------------------------------------------------------

    def run(
        self, inputs: Sequence[Column], outputs: Sequence[Column], failed: Failed, seconds: float,
        threads: int | None = None, progress: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        """Compute a batch.

        Args:
            inputs: the columns of the arguments.
            outputs: those of the results, which are written to.
            failed: for each example, becomes 1 where a guard does not hold.
            seconds: how long it is predicted to take.
            threads: at most so many; by default as many as there are CPUs, if that pays.
            progress: is told how many examples have been computed.
        """
        count = len(failed)
        stop = np.zeros(1, np.int32)
        if seconds < ALONE and not progress:
            self.part(inputs, outputs, failed, stop, 0, count)
            return
        threads = 1 if seconds < ALONE else threads or pool.processors()
        parts = max(threads, int(min(seconds / PORTION, MOST_PARTS * threads)))
        size = -(-count // (parts * self.width)) * self.width
        tasks = [
            partial(self.part, inputs, outputs, failed, stop, start, min(start + size, count))
            for start in range(0, count, size)
        ]
        told = progress and (lambda done: progress(min(done * size, count)))
        pool.run(tasks, threads, stop, told)

    def part(
        self, inputs: Sequence[Column], outputs: Sequence[Column | Sums], failed: Failed,
        stop: Any, begin: int, end: int,
    ) -> None:  # fmt: skip
        """The examples from one to another."""
        leaves = [*zip(self.buffer.leaves, inputs, self.buffer.is_shared, strict=True)]
        own = tuple(
            (place, _whole(column, end), False) for place, column, shared in leaves if not shared
        )
        first = self.buffer.starts[OUTPUT]
        given = tuple(
            (first + start, column.array, isinstance(column, Sums))
            for start, column in zip(self.results.starts, outputs, strict=True)
        )
        self._run(self._shared(leaves), own, given, failed, stop, begin, end, self.width)

    def _shared(self, leaves: Sequence[tuple[int, Column, bool]]) -> Floats:
        """The numbers that all examples share."""
        numbers = np.empty(self.buffer.shared)
        constants = self.program.constants
        numbers[: len(constants)] = constants
        for place, column, shared in leaves:
            if shared:
                numbers[place : place + column.array.shape[1]] = column.array[0]
        return numbers


def _whole(column: Column, count: int) -> Floats:
    """The numbers of so many examples."""
    if column.shared:
        return np.broadcast_to(column.array, (count, column.array.shape[1]))
    return column.array


def suits(program: Program) -> bool:
    """Whether there are instructions for all statements of a program."""
    return all(map(takes, LaneBuffer(program, ()).kept.layout.sites))
