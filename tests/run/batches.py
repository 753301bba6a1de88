"""Kernels of programs for tests: every way to write one, and what the interpreter says."""

from dataclasses import dataclass, replace

import numpy as np

from wengert.errors import PathChanged
from wengert.program.program import Program
from wengert.run import llvm
from wengert.run.columns import AGAIN, SHARED, UNIT, Column
from wengert.run.interpret import interpret
from wengert.run.kernel import Kernel
from wengert.run.list_code import list_code
from wengert.run.loop_code import loop_code
from wengert.run.module import Plan
from wengert.run.short_loops import without_short_loops
from wengert.run.starts import with_late_starts
from wengert.run.unrolled import unrolled

LIST, LOOP, ROUNDS = "list", "loop", "rounds"


def in_registers(program: Program) -> Program:
    """As kernels get it."""
    return with_late_starts(without_short_loops(program))


@dataclass(frozen=True)
class Way:
    """How a kernel is written, for columns of a kind, so many lanes.

    As a list; with loops as they are; or with more numbers that live no longer than a round.
    """

    form: str
    kind: str = UNIT
    lanes: int = 4

    def __str__(self) -> str:
        return f"{self.form}-{self.kind}-{self.lanes}"


def columns(rows: np.ndarray, sizes: list[int], kind: str) -> list[Column]:
    """The leaves of examples, `(examples, numbers)`, as columns of a kind."""
    parts = np.split(rows, np.cumsum(sizes)[:-1], axis=1) if sizes else []
    if kind == SHARED:
        return [Column(np.ascontiguousarray(part[:1]), shared=True) for part in parts]
    order = np.asfortranarray if kind == UNIT else np.ascontiguousarray
    return [Column(order(part)) for part in parts]


def kernel(
    program: Program, way: Way, exact: bool = True, shared: bool = False, strong: bool = False
) -> Kernel:
    """The kernel of a program, written in this way."""
    inputs = [SHARED if shared else way.kind] * len([*program.arguments.slots()])
    outputs = [way.kind] * len([*program.results.slots()])
    plan = Plan(program, (*inputs, *outputs), way.lanes, exact, strong=strong)
    if way.form == LIST:
        code = list_code(plan, unrolled(program))
    else:
        kept = in_registers(program) if way.form == ROUNDS else program
        code = loop_code(replace(plan, program=kept))
    passes = way.form != LIST and code.statements < 20_000
    made = llvm.machine_code(code.text, passes=passes)
    return Kernel(plan, code, llvm.Native(made, code.python), 0.0)


def run(
    made: Kernel, rows: np.ndarray, way: Way, threads: int = 1, shared: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The results of examples, `(examples, numbers)`, and which of them failed.

    Those that ask for it are computed again, with products as they are meant.
    """
    found, failed = once(made, rows, way, threads, shared)
    again = (failed & AGAIN) != 0
    if again.any():
        plan = made.plan
        strong = kernel(plan.program, way, plan.exact, shared, strong=True)
        meant, left = once(strong, rows, way, threads, shared)
        found[again], failed[again] = meant[again], left[again]
    return found, failed


def once(
    made: Kernel, rows: np.ndarray, way: Way, threads: int, shared: bool
) -> tuple[np.ndarray, np.ndarray]:
    """What a kernel gives, and why examples failed."""
    program = made.plan.program
    taken = [size for _, size in program.arguments.slots()]
    given = [size for _, size in program.results.slots()]
    inputs = columns(rows, taken, SHARED if shared else way.kind)
    outputs = columns(np.full((len(rows), program.results.size), 7.0), given, way.kind)
    failed = np.zeros(len(rows), np.uint8)
    made.run(inputs, outputs, failed, threads)
    return np.concatenate([np.empty((len(rows), 0)), *(c.array for c in outputs)], axis=1), failed


def interpreted(program: Program, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same by the interpreter; what failed is NaN."""
    found = np.full((len(rows), program.results.size), np.nan)
    failed = np.zeros(len(rows), np.uint8)
    for k, row in enumerate(rows):
        try:
            found[k] = interpret(program, row)
        except PathChanged:
            failed[k] = 1
    return found, failed


def bits(numbers: np.ndarray) -> np.ndarray:
    """Their bits; all NaNs are one."""
    return np.where(np.isnan(numbers), np.nan, numbers).view(np.int64)


def agree(program: Program, rows: np.ndarray, way: Way, shared: bool = False) -> None:
    """That a kernel gives the interpreter's bits, and fails where that fails."""
    found, failed = run(kernel(program, way, shared=shared), rows, way, shared=shared)
    expected, fails = interpreted(program, np.repeat(rows[:1], len(rows), 0) if shared else rows)
    np.testing.assert_array_equal(failed, fails)
    good = failed == 0
    np.testing.assert_array_equal(bits(found[good]), bits(expected[good]))
