"""What a check of a function looks at: a program at a point, and its derivatives as programs.

A derivative is a program as well, so a check of second derivatives is a check of first derivatives
of a subject that is itself a derivative.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from wengert.derive import programs
from wengert.errors import PathChanged
from wengert.program.program import Program
from wengert.program.spelling import leaves
from wengert.program.structure import Floats, Structure
from wengert.run.interpret import interpret

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that a subject gives, by name: `f`, or a derivative `∂²f/∂x∂y` of it."""

    of: str
    by: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.by:
            return self.of
        order = str(len(self.by)).translate(SUPERSCRIPTS) if len(self.by) > 1 else ""
        return f"∂{order}{self.of}/{''.join(f'∂{name}' for name in self.by)}"

    def derived(self, name: str) -> "Quantity":
        """Its derivative."""
        return Quantity(self.of, (*self.by, name))


@dataclass(frozen=True, slots=True)
class Direction:
    """A way through the inputs: x + t·vector from t = 0, or input number `unit` alone at t.

    Attributes:
        name: what derivatives along it are by.
        vector: `(n,)`, its derivative by t.
        unit: the number of the one input that moves, None where several do.
        start: where t starts.
    """

    name: str
    vector: Floats
    unit: int | None = None
    start: float = 0.0

    def point(self, x: Floats, t: float) -> Floats:
        """The inputs at t."""
        if self.unit is None:
            return np.asarray(x + t * self.vector)
        moved = x.copy()
        moved[self.unit] = t
        return moved


@dataclass(frozen=True, eq=False)
class Subject:
    """A program at a point.

    Args:
        program: what is differentiated.
        inputs: all that it takes; first what it is differentiated by, then what stays fixed.
        free: how many arguments it is differentiated by.
        names: of the numbers that it is differentiated by, `(n,)`.
        outputs: what it gives, `(m,)`.
        how: the transforms that it was made by, the last one first; empty for the function itself.
    """

    program: Program
    inputs: Floats
    free: int
    names: tuple[str, ...]
    outputs: tuple[Quantity, ...]
    how: tuple[str, ...] = ()
    left: list[str] = field(default_factory=list)  # what was said where the path was left

    @staticmethod
    def of(program: Program, args: Sequence[Any]) -> "Subject":
        """The subject of a first derivative: a program at its arguments."""
        inputs = program.arguments.numbers(tuple(args), program.name)
        outputs = tuple(map(Quantity, named(program.results, program.name)))
        names = tuple(named(program.arguments))
        return Subject(program, inputs, len(program.arguments.parts), names, outputs)

    @property
    def x(self) -> Floats:
        """What it is differentiated by."""
        return self.inputs[: len(self.names)]

    @property
    def fixed(self) -> int:
        """How many arguments stay as they are."""
        return len(self.program.arguments.parts) - self.free

    @property
    def is_one_number(self) -> bool:
        """Whether there is a gradient of it."""
        results = self.program.results
        return results.size == 1 and results.leaf_shape is not None

    def values(self, x: Floats) -> Floats:
        """What it gives at other inputs; NaN where the program's path ends before that."""
        try:
            return interpret(self.program, np.concatenate([x, self.inputs[len(x) :]]))
        except PathChanged as changed:
            if not self.left:
                decision = str(changed).partition(". Record")[0]
                self.left.append(decision.partition("holds: ")[2] or decision)
            return np.full(len(self.outputs), np.nan)

    @property
    def total(self) -> str:
        """What the sum of its outputs with weights w is called: ⟨w, f⟩, ⟨w, f′⟩, ⟨w, f″⟩."""
        return f"⟨w, f{('', '′', '″')[len(self.how)]}⟩"

    # --- its derivatives --------------------------------------------------------------------------

    def gradient(self, weights: Floats) -> "Subject":
        """The gradient of its number; of several, that of their sum with these weights."""
        if self.is_one_number:
            chosen = tuple(range(self.free))
            program = programs.gradient(self.program, chosen, taken=self.fixed)
            return self._derived(program, self.inputs, self._by_each(self.outputs[0]), "reverse")
        program = programs.vjp(self.program, taken=self.fixed)
        inputs = np.concatenate([self.inputs, weights])
        return self._derived(program, inputs, self._by_each(Quantity(self.total)), "reverse")

    def along(self, direction: Direction) -> "Subject":
        """Its derivative in a direction."""
        program = programs.jvp(self.program, taken=self.fixed, value=False)
        inputs = np.concatenate([self.inputs, direction.vector])
        outputs = tuple(each.derived(direction.name) for each in self.outputs)
        return self._derived(program, inputs, outputs, "forward")

    def _by_each(self, number: Quantity) -> tuple[Quantity, ...]:
        return tuple(number.derived(name) for name in self.names)

    def _derived(
        self, program: Program, inputs: Floats, outputs: tuple[Quantity, ...], how: str
    ) -> "Subject":
        return Subject(program, inputs, self.free, self.names, outputs, (how, *self.how))

    def called(self, mode: str) -> str:
        """What a derivative of it by a mode is called: "forward over reverse"."""
        return " over ".join((mode, *self.how))


def named(structure: Structure, name: str = "") -> list[str]:
    """A name for each number in a structure."""
    found = []
    for leaf in leaves(structure, name):
        shape = leaf.shape
        if shape is None:
            found.append(leaf.name)
            continue
        for k in range(prod(shape)):
            index = ", ".join(str(int(i)) for i in np.unravel_index(k, shape)) if shape else ""
            found.append(f"{leaf.name}[{index}]" if index else leaf.name)
    return found
