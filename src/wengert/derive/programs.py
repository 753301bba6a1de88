"""The transforms of Programs: each takes a Program and gives one.

`transforms.py` has them for functions, and says what they mean.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.derive.assemble import assembled, blocks, extended
from wengert.derive.forward import forward
from wengert.derive.reverse import reverse
from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.program.address import Integers, Mask
from wengert.program.program import Program
from wengert.program.segments import Checkpoint
from wengert.program.structure import FIXED, TUPLE, Structure

Argnums = int | Sequence[int]
MODES = "forward", "reverse"
CHEAPER = 2  # so many directions forwards cost as much as one backwards, for they keep nothing


def gradient(
    program: Program, argnums: Argnums | None = 0, has_aux: bool = False, value: bool = False,
    taken: int = 0, checkpoint: Checkpoint = None,
) -> Program:  # fmt: skip
    """The gradient of a program with one number as its result, by reverse mode."""
    chosen = Chosen(program, argnums, has_aux, taken)
    if chosen.rows.size != 1 or chosen.rows.leaf_shape is None:
        raise OperandError(
            f"A gradient is that of one number, and {called(program)} gives "
            f"{described(chosen.rows)}. {_remedy(chosen.rows)}"
        )
    seeds = np.zeros((1, program.results.size))
    seeds[0, : chosen.rows.size] = 1.0
    derived = reverse(program, chosen.wanted, 1, seeds, chosen.mask, checkpoint)
    entries = program.results.size + chosen.order
    return chosen.program(derived, chosen.columns, entries, value, "grad")


def jacobian(
    program: Program, argnums: Argnums | None = 0, has_aux: bool = False, mode: str | None = None,
    value: bool = False, taken: int = 0, checkpoint: Checkpoint = None,
) -> Program:  # fmt: skip
    """The Jacobian of a program, by forward or reverse mode."""
    chosen = Chosen(program, argnums, has_aux, taken)
    structure, entries = blocks(chosen.rows, chosen.columns)
    size, m, n = program.results.size, chosen.rows.size, chosen.columns.size
    entries = entries // max(n, 1) * n + chosen.order[entries % max(n, 1)]
    if chosen.mode(mode) == "forward":
        seeds = np.zeros((n, program.arguments.size))
        seeds[np.arange(n), np.flatnonzero(chosen.wanted)] = 1.0
        derived = forward(program, chosen.wanted, max(n, 1), seeds)
        entries = entries % max(n, 1) * size + entries // max(n, 1)
    else:
        seeds = np.zeros((m, size))
        seeds[np.arange(m), np.arange(m)] = 1.0
        derived = reverse(program, chosen.wanted, max(m, 1), seeds, chosen.mask, checkpoint)
    return chosen.program(derived, structure, size + entries, value, "jacobian")


def hessian(
    program: Program, argnums: Argnums | None = 0, has_aux: bool = False, taken: int = 0,
    checkpoint: Checkpoint = None,
) -> Program:  # fmt: skip
    """The Hessian of a program with one number as its result, forward over reverse."""
    slope = gradient(program, argnums, has_aux, taken=taken, checkpoint=checkpoint)
    return jacobian(slope, argnums, has_aux, "forward", taken=taken)


def hvp(program: Program, taken: int = 0, checkpoint: Checkpoint = None) -> Program:
    """What takes the arguments and a tangent of each, and gives the Hessian times these."""
    slope = gradient(program, None, taken=taken, checkpoint=checkpoint)
    return jvp(slope, taken=taken, value=False)


def jvp(program: Program, has_aux: bool = False, taken: int = 0, value: bool = True) -> Program:
    """What takes the arguments and their tangents, and gives the result and its tangent."""
    chosen = Chosen(program, None, has_aux, taken)
    derived = forward(program, chosen.wanted)
    tangents = Structure(TUPLE, parts=chosen.own)
    entries = program.results.size + np.arange(chosen.rows.size)
    return chosen.program(derived, chosen.rows, entries, value, "jvp", {"tangents": tangents})


def vjp(
    program: Program, has_aux: bool = False, taken: int = 0, checkpoint: Checkpoint = None
) -> Program:
    """What takes the arguments and the result's cotangent, and gives the arguments' adjoints."""
    chosen = Chosen(program, None, has_aux, taken)
    size = program.results.size
    derived = reverse(program, chosen.wanted, 1, None, chosen.mask, checkpoint)
    chosen.has_aux = False  # which does not depend on the cotangent
    return chosen.program(
        derived, chosen.columns, size + chosen.order, False, "vjp", {"cotangent": chosen.rows}
    )


class Chosen:
    """What is differentiated by what.

    Args:
        program: any program.
        argnums: the arguments to differentiate by: a position, or several; None for all.
        has_aux: whether its result is a pair, and only the first is to be differentiated.
        taken: how many of its last arguments are not the caller's.

    Attributes:
        rows: the structure of what is differentiated.
        columns: the structure of what it is differentiated by.
        wanted: the inputs that it is differentiated by, `(n,)`.
        own: the structures of the caller's arguments.
        mask: the outputs that are differentiated, `(m,)`.
        order: where each number of `columns` is among the wanted inputs.
    """

    def __init__(
        self, program: Program, argnums: Argnums | None, has_aux: bool, taken: int
    ) -> None:
        self.source, self.has_aux = program, has_aux
        results = program.results
        if has_aux and (results.kind != TUPLE or len(results.parts) != 2):
            raise OperandError(
                f"With has_aux=True, {called(program)} returns a pair (result, aux), "
                f"not {described(results)}."
            )
        self.rows = results.parts[0] if has_aux else results
        self.mask: Mask = np.arange(results.size) < self.rows.size
        self.own = program.arguments.parts[: len(program.arguments.parts) - taken]
        numbers = positions(argnums, program, len(self.own))
        sizes = [part.size for part in self.own]
        starts = np.cumsum([0, *sizes])
        self.wanted: Mask = np.zeros(program.arguments.size, bool)
        for k in numbers:
            self.wanted[starts[k] : starts[k + 1]] = True
        parts = tuple(self.own[k] for k in numbers)
        self.columns = parts[0] if isinstance(argnums, int) else Structure(TUPLE, parts=parts)
        before = np.cumsum(self.wanted) - 1
        pieces = [before[starts[k] : starts[k + 1]] for k in numbers]
        self.order: Integers = np.concatenate([np.empty(0, np.int64), *pieces])

    def mode(self, asked: str | None) -> str:
        """Forward or reverse: what was asked for, or what costs less."""
        return checked_mode(asked) or cheaper(self.columns.size, self.rows.size)

    def program(
        self, derived: Any, structure: Structure, entries: Integers, value: bool, what: str,
        further: dict[str, Structure] | None = None,
    ) -> Program:  # fmt: skip
        """The program of a derivative, with the result in front if its value is asked for too."""
        source = self.source
        size, rows = source.results.size, self.rows.size
        results, order = structure, [entries]
        own, aux = np.arange(rows), np.arange(rows, size)
        if value:
            results = Structure(TUPLE, parts=(source.results, structure))
            order = [own, aux, entries]
        elif self.has_aux:
            results = Structure(TUPLE, parts=(structure, source.results.parts[1]))
            order = [entries, aux]
        arguments = extended(source.arguments, further or {})
        name = f"{source.name}_{what}"
        return assembled(source, derived, arguments, results, order, name).simplify()


def settled(argnums: Any) -> Argnums | None:
    """Positions as an int, a tuple of ints, or None.

    Raises:
        OperandError: they are something else.
    """
    if argnums is None:
        return None
    several = isinstance(argnums, Sequence | np.ndarray) and not isinstance(argnums, str)
    return tuple(map(_position, argnums)) if several and np.ndim(argnums) else _position(argnums)


def _position(given: Any) -> int:
    if not isinstance(given, int | np.integer) or isinstance(given, bool):
        raise OperandError(
            f"argnums is the position of an argument or a tuple of them, not {describe(given)}."
        )
    return int(given)


def positions(argnums: Argnums | None, program: Program, count: int) -> list[int]:
    """The positions of arguments, counted from the front; None stands for all of them.

    Args:
        argnums: what `settled` gives.
        program: whose arguments they are.
        count: how many of them can be chosen, the first ones.

    Raises:
        OperandError: there are not so many arguments, or one that is chosen is no number.
    """
    if argnums is None:
        return list(range(count))
    found: list[int] = []
    for each in [argnums] if isinstance(argnums, int) else argnums:
        if not -count <= each < count:
            given = f"{count} argument{'s' * (count != 1)}"
            raise OperandError(
                f"argnums={each} of {called(program)}, which was given {given} by position. "
                "Those given by name are held fixed."
            )
        found.append(each % count)
        part = program.arguments.parts[found[-1]]
        if part.kind == FIXED and part.fixed is not None:
            name = program.arguments.keys[found[-1]]
            raise OperandError(
                f"{called(program)} cannot be differentiated by {name}, argument {each}: it is "
                f"{describe(part.fixed)}, which is no number."
            )
    if len(set(found)) != len(found):
        raise OperandError(f"argnums names an argument twice: {argnums}.")
    return found


def cheaper(forwards: int, backwards: int) -> str:
    """The mode that costs less, by how many directions each would take."""
    return "forward" if forwards <= CHEAPER * backwards else "reverse"


def checked_mode(mode: str | None) -> str | None:
    """A mode, if it is one.

    Raises:
        OperandError: it is not.
    """
    if mode is not None and not (isinstance(mode, str) and mode in MODES):
        raise OperandError(f'The mode is "forward", "reverse" or None, not {mode!r}.')
    return mode


def called(program: Program) -> str:
    """A program in a message; that of a lambda has no name."""
    return "the function" if program.name == "program" else f"{program.name}()"


def described(structure: Structure) -> str:
    """A structure in a message."""
    shape = structure.leaf_shape
    if shape == ():
        return "one number"
    if shape is not None:
        return f"an array of shape {shape}"
    if structure.kind == FIXED:
        return "None" if structure.fixed is None else describe(structure.fixed)
    return f"a {structure.kind} of {structure.size} number{'s' * (structure.size != 1)}"


def _remedy(structure: Structure) -> str:
    """What to do about a result that is not one number."""
    if structure.kind == FIXED:
        return "Return a number."
    if structure.kind == TUPLE and len(structure.parts) == 2:
        return "Use has_aux=True if the second is an auxiliary result, or wg.jacobian."
    return "Use wg.jacobian, or sum it up."
