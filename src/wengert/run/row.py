"""A program that sums another one over a row of examples, in a loop around all that it does.

What is derived of it adds what each example gives to the same sums, and its loops can be gone
through for several examples together. So it is the faster way where there are many parameters, and
a sum for each of them in each lane would be more than the processor has near at hand.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from wengert.primitives import select
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.dependence import Layout, Table, layout, reads_of
from wengert.program.program import Program
from wengert.program.rewrite import Change, deeper, rewritten
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Plain,
    Statement,
    While,
    walk,
)
from wengert.program.structure import NUMBER, TUPLE, Structure
from wengert.run.columns import Leaves

LONGEST = 2000  # statements of a program that is put into a loop


def summed(program: Program, held: int, rows: int) -> Program | None:
    """The sum of a program over some examples; None where it is not made.

    Args:
        program: gives one number, and takes no branch.
        held: how many of its last arguments are the example's.
        rows: how many examples.

    Returns:
        A program with the same arguments, of which those of the example are rows of examples. A
        last one has a number for each: an example whose number is 0 does not count.
    """
    if program.results.kind != NUMBER or program.size > LONGEST:
        return None
    if any(map(_branches, walk(program.statements))):
        return None
    placed, parts = layout(program), program.arguments.parts
    own = len(parts) - held
    shared = sum(part.size for part in parts[:own])
    leaves = Leaves.of(Structure(TUPLE, parts=parts[own:]))
    if not _are_apart(program, placed, shared, leaves):
        return None
    around = _Around(program, shared, leaves, rows)
    of_rows = [part.with_leading((rows,)) for part in (*parts[own:], Structure(NUMBER))]
    keys = (*program.arguments.keys, "weights") if program.arguments.keys else ()
    arguments = Structure(TUPLE, keys=keys, parts=(*parts[:own], *of_rows))
    return replace(
        program, statements=tuple(around.statements()), values=around.total + 1,
        constants=np.append(program.constants, 0.0), arguments=arguments,
    )  # fmt: skip


def _branches(found: tuple[Plain, tuple[Loop | While, ...]]) -> bool:
    """Whether a statement is a guard, or in a loop that runs as long as a condition holds."""
    statement, around = found
    return isinstance(statement, Guard) or any(isinstance(loop, While) for loop in around)


def _are_apart(program: Program, placed: Layout, shared: int, leaves: Leaves) -> bool:
    """Whether no address reaches into several leaves of the example, or into parameters as well."""
    table = Table(program.index)
    for _, _, reach in reads_of(INPUT, placed.sites, table):
        if reach is None:
            return False
        low, high = reach.low - shared, reach.high - shared
        if high >= 0 and (low < 0 or leaves.common(low, high) is None):
            return False
    return True


class _Around:
    """The statements of a program in a loop over rows, each of which has places of its own."""

    def __init__(self, program: Program, shared: int, leaves: Leaves, rows: int) -> None:
        self.program, self.shared, self.leaves, self.rows = program, shared, leaves, rows
        self.result = program.values  # the place of what it gives in the first row
        self.width = program.values + 2
        self.total = self.width * rows

    def statements(self) -> Iterator[Statement]:
        """All of them."""
        zero = Address(CONSTANT, len(self.program.constants))
        total = Address(VALUE, self.total)
        yield Assign(total, None, (zero,))
        yield Loop(self.rows, tuple(self._body()))
        yield Assign(Address(OUTPUT, 0), None, (total,))

    def _body(self) -> Iterator[Statement]:
        yield from rewritten(self.program.statements, self._change())
        weights = self.shared + self.rows * self.leaves.size
        zero = Address(CONSTANT, len(self.program.constants), (0,))
        result, counted = (Address(VALUE, self.result + k, (self.width,)) for k in (0, 1))
        yield Assign(counted, select, (Address(INPUT, weights, (1,)), result, zero))
        yield Accumulate(Address(VALUE, self.total, (0,)), counted)

    def _change(self) -> Change:
        index, shared, leaves, rows = self.program.index, self.shared, self.leaves, self.rows
        ends = (*leaves.starts[1:], leaves.size)

        def change(
            memory: str, base: int, strides: tuple[int, ...], lookup: Lookup | None,
            counts: tuple[int, ...],
        ) -> Address:  # fmt: skip
            stride = 0
            if memory == INPUT:
                first = base + (int(index[lookup.start]) if lookup else 0)
                if first >= shared:
                    leaf, _ = leaves.find(first - shared)
                    stride = ends[leaf] - leaves.starts[leaf]
                    base += leaves.starts[leaf] * (rows - 1)
            elif memory == OUTPUT:
                memory, base, stride = VALUE, self.result, self.width
            elif memory == VALUE:
                stride = self.width
            return deeper(memory, base, strides, lookup, stride)

        return change
