"""A program made ready to be compiled for one example, whose sums may be added in any order.

There is no batch to make vectors of, so the rounds of loops are to be lanes, and what they need is
to be near: in registers, where it can be, or else side by side.
"""

from collections.abc import Callable
from functools import partial

from wengert.program.program import Program
from wengert.program.statements import Loop
from wengert.run.coalesced import coalesced
from wengert.run.dense import dense
from wengert.run.ends import with_ends_apart
from wengert.run.fused import fused
from wengert.run.jam import jammed
from wengert.run.short_loops import without_short_loops
from wengert.run.starts import with_late_starts
from wengert.run.unpeeled import unpeeled

Pass = Callable[[Program], Program]

PASSES: tuple[Pass, ...] = (
    without_short_loops, unpeeled, coalesced, fused, partial(with_late_starts, in_any_order=True),
)  # fmt: skip
IN_NESTS: tuple[Pass, ...] = with_ends_apart, dense, jammed


def for_one_example(program: Program) -> Program:
    """The same program, in the order in which one example is best computed."""
    for each in PASSES:
        program = each(program)
    if any(_has_loops(statement) for statement in program.statements):
        for each in IN_NESTS:
            program = each(program)
    return program


def _has_loops(statement: object) -> bool:
    return isinstance(statement, Loop) and any(isinstance(s, Loop) for s in statement.body)
