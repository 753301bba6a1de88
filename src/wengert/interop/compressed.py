"""Sparse Jacobians and Hessians: programs that give the entries of the pattern, and no others."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wengert.derive import programs
from wengert.derive.coloring import Coloring, color_columns, color_rows, color_symmetric
from wengert.derive.forward import forward
from wengert.derive.pattern import Pattern
from wengert.derive.programs import CHEAPER, Chosen
from wengert.derive.reverse import reverse
from wengert.derive.sparsity import hessian_pattern, jacobian_pattern
from wengert.interop.doors import scipy_sparse
from wengert.program.program import Program
from wengert.program.structure import ARRAY, Structure


@dataclass(frozen=True)
class Compressed:
    """A sparse derivative as a function of what its program takes.

    Args:
        program: gives the entries, in the order of the pattern.
        pattern: where they stand.
    """

    program: Program
    pattern: Pattern

    def __call__(self, *args: Any) -> Any:
        """The derivative as a `scipy.sparse.csr_array`."""
        sparse = scipy_sparse("A sparse derivative")
        entries = self.program(*args), self.pattern.indices, self.pattern.indptr
        return sparse.csr_array(entries, shape=self.pattern.shape, copy=True)


def jacobian(program: Program) -> Compressed:
    """The Jacobian of a program of one vector, by forward or reverse mode."""
    pattern = jacobian_pattern(program)
    columns, rows = color_columns(pattern), color_rows(pattern)
    if columns.number <= CHEAPER * rows.number:
        return Compressed(_pushed(program, columns), pattern)
    return Compressed(_pulled(program, rows), pattern)


def hessian(program: Program) -> Compressed:
    """The Hessian of a program with one number as its result."""
    pattern = hessian_pattern(program)
    return Compressed(_pushed(programs.gradient(program), color_symmetric(pattern)), pattern)


def weighted_hessian(program: Program) -> Compressed:
    """What takes x and weights, and gives the Hessian of ⟨weights, c(x)⟩ by x."""
    pattern = hessian_pattern(program)
    (columns,) = program.arguments.parts
    slope = replace(programs.vjp(program), results=columns)  # it gives a tuple of one
    return Compressed(_pushed(slope, color_symmetric(pattern)), pattern)


def _pushed(program: Program, coloring: Coloring) -> Program:
    """The entries by forward mode, a direction for each color, by the first argument."""
    chosen = Chosen(program, 0, False, 0)
    size, number = program.results.size, max(coloring.number, 1)
    seeds = np.zeros((number, program.arguments.size))
    seeds[: coloring.number, np.flatnonzero(chosen.wanted)] = coloring.seeds().T
    row, color = np.divmod(coloring.recovery, number)
    return _entries(chosen, forward(program, chosen.wanted, number, seeds), color * size + row)


def _pulled(program: Program, coloring: Coloring) -> Program:
    """The entries by reverse mode, a cotangent for each color."""
    chosen = Chosen(program, 0, False, 0)
    number = max(coloring.number, 1)
    seeds = np.zeros((number, program.results.size))
    seeds[: coloring.number] = coloring.seeds().T
    derived = reverse(program, chosen.wanted, number, seeds, chosen.mask)
    return _entries(chosen, derived, coloring.recovery)


def _entries(chosen: Chosen, derived: Any, places: Any) -> Program:
    structure = Structure(ARRAY, (len(places),))
    return chosen.program(derived, structure, chosen.source.results.size + places, False, "entries")
