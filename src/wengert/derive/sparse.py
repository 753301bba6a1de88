"""Sparse derivatives: a few directions at once, and the entries read from what they give.

The pattern says which entries there are, a coloring which columns or rows share a direction. Both
depend on the program alone, and so does the program that computes the compressed matrix: directions
are an argument of it. All three are kept and serve for every point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from wengert.derive.assemble import assembled, extended
from wengert.derive.calling import Transformed, made, recorded, weight_of
from wengert.derive.coloring import Coloring, color_columns, color_rows, color_symmetric
from wengert.derive.forward import Derived, forward
from wengert.derive.pattern import Pattern
from wengert.derive.programs import Argnums, Chosen, cheaper, checked_mode, gradient, vjp
from wengert.derive.reverse import reverse
from wengert.derive.sparsity import hessian_pattern, jacobian_pattern
from wengert.errors import OperandError
from wengert.program.address import Integers
from wengert.program.program import Program
from wengert.program.segments import Checkpoint
from wengert.program.structure import ARRAY, Floats, Structure


@dataclass(frozen=True)
class Compressed:
    """How a sparse derivative is computed.

    Args:
        program: takes the arguments and directions, and gives the compressed matrix: `(m, colors)`
            for colored columns, `(colors, n)` for colored rows.
        coloring: which columns or rows share a direction; its `pattern` is the matrix's.
        places: where in the directions, which belong to all inputs or outputs, the colored ones
            stand.
        size: how many inputs or outputs there are.
    """

    program: Program
    coloring: Coloring
    places: Integers
    size: int

    @property
    def pattern(self) -> Pattern:
        """Which entries there are."""
        return self.coloring.pattern

    @property
    def weight(self) -> int:
        """How many statements and numbers it consists of."""
        entries = self.pattern.nnz + self.coloring.number * self.size
        return weight_of(self.program) + entries

    @cached_property
    def directions(self) -> Floats:
        """The directions, `(colors, size)`."""
        seeds = np.zeros((self.coloring.number, self.size))
        seeds[:, self.places] = self.coloring.seeds().T
        return seeds

    def entries(self, *args: Any) -> Floats:
        """The entries at some arguments, in the order of the pattern, `(nnz,)`.

        Raises:
            OperandError: there are Values or recorded numbers among the arguments.
        """
        compressed = self.program(*args, self.directions)
        if compressed.dtype == object:
            raise _plain_alone()
        return self.coloring.decompress(compressed)

    def matrix(self, *args: Any) -> Any:
        """The matrix at some arguments, a `scipy.sparse.csr_array`."""
        return self.pattern.csr(self.entries(*args))

    def __repr__(self) -> str:
        m, n = self.pattern.shape
        return f"<{self.program.name}: {m:,} x {n:,}, {self.coloring!r}>"


def compressed_jacobian(
    program: Program, argnums: Argnums | None = 0, mode: str | None = None, taken: int = 0,
    checkpoint: Checkpoint = None,
) -> Compressed:  # fmt: skip
    """The Jacobian of a program, by the mode that takes fewer directions."""
    checked_mode(mode)
    chosen = Chosen(program, argnums, False, taken)
    places = np.flatnonzero(chosen.wanted)[chosen.order]
    pattern = jacobian_pattern(program, inputs=places)
    ways = {"forward": color_columns, "reverse": color_rows}
    colorings = {way: color(pattern) for way, color in ways.items() if mode in (None, way)}
    mode = mode or cheaper(*(coloring.number for coloring in colorings.values()))
    coloring = colorings[mode]
    if mode == "forward":
        return _pushed(program, chosen, coloring, places)
    size, count = program.results.size, coloring.number
    derived = reverse(program, chosen.wanted, count, checkpoint=checkpoint)
    entries = np.arange(count)[:, None] * chosen.columns.size + chosen.order
    compressed = _program(program, derived, (count, size), entries, "jacobian")
    return Compressed(compressed, coloring, np.arange(size), size)


def compressed_hessian(
    program: Program, argnums: Argnums | None = 0, taken: int = 0, checkpoint: Checkpoint = None
) -> Compressed:
    """The Hessian of a program with one number as its result, by directions of the gradient."""
    slope = gradient(program, argnums, taken=taken, checkpoint=checkpoint)
    return _curved(program, slope, argnums, taken)


def compressed_weighted_hessian(program: Program, taken: int = 0) -> Compressed:
    """The Hessian of ⟨weights, c(x)⟩ by the first argument; the weights are the last one."""
    return _curved(program, vjp(program, taken=taken), 0, taken)


def _curved(program: Program, slope: Program, argnums: Argnums | None, taken: int) -> Compressed:
    """The Hessian of a program whose first derivatives another one gives."""
    chosen = Chosen(program, argnums, False, taken)
    places = np.flatnonzero(chosen.wanted)[chosen.order]
    coloring = color_symmetric(hessian_pattern(program, inputs=places))
    return _pushed(slope, Chosen(slope, argnums, False, taken), coloring, places)


def _pushed(program: Program, chosen: Chosen, coloring: Coloring, places: Integers) -> Compressed:
    """A matrix that is multiplied with directions, by forward mode."""
    size, count, m = program.arguments.size, coloring.number, chosen.rows.size
    derived = forward(program, chosen.wanted, count)
    entries = np.arange(m)[:, None] + m * np.arange(count)
    compressed = _program(program, derived, (count, size), entries, "directions")
    return Compressed(compressed, coloring, places, size)


def _program(
    program: Program, derived: Derived, directions: tuple[int, int], entries: Integers, what: str
) -> Program:
    arguments = extended(program.arguments, {"directions": Structure(ARRAY, directions)})
    results = Structure(ARRAY, entries.shape)
    order = [program.results.size + entries.ravel()]
    name = f"{program.name}_{what}"
    return assembled(program, derived, arguments, results, order, name).simplify()


class SparseTransformed(Transformed):
    """A function that gives a sparse matrix."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The matrix, a `scipy.sparse.csr_array`."""
        compressed, captured = self._compressed(args, named)
        if captured:
            raise _plain_alone()
        return compressed.matrix(*args)

    def programmed(
        self, args: Sequence[Any], named: dict[str, Any], loops: bool = False
    ) -> tuple[Program, list[Any]]:
        """What other transforms ask for: there is none.

        Raises:
            OperandError: always.
        """
        raise _plain_alone()

    def compressed(self, *example: Any, **named: Any) -> Compressed:
        """How it is computed at these arguments: pattern, coloring and program."""
        return self._compressed(example, named)[0]

    def _compressed(
        self, args: Sequence[Any], named: dict[str, Any]
    ) -> tuple[Compressed, list[Any]]:
        program, captured = recorded(self.function, args, named)
        found: Compressed = made(self.transform, program, len(captured))
        return found, captured


def _plain_alone() -> OperandError:
    return OperandError(
        "A sparse matrix holds plain numbers and cannot be recorded or differentiated further. "
        "Leave sparse=True out inside recorded code, and for Values; .compressed(...).program "
        "is the program that computes its entries."
    )
