"""Random programs of every kind that there are makers for, with numbers to run them on."""

from collections.abc import Callable

from hypothesis import assume
from meaning import numbers
from nests import INPUTS as MANY
from nests import nest
from redundant import INPUTS as FEW
from redundant import redundant, redundant_while

from wengert.errors import PathChanged, ProgramError
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.run.interpret import interpret

GIVEN: dict[str, Callable[[int], Program]] = {
    "nests": nest,
    "near": lambda seed: nest(seed, near=True),
    "while nests": lambda seed: nest(seed, whiles=True, depth=2),
    "redundant": redundant,
    "columns": lambda seed: redundant(seed, long=0.8),
    "while": redundant_while,
}
AT = [0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0]  # where the guards of nests hold
LONGEST = 4000


def random_program(kind: str, seed: int, most: int = LONGEST) -> tuple[Program, list[float]]:
    """A program and inputs; examples that mean nothing are told to Hypothesis."""
    program = GIVEN[kind](seed)
    inputs = AT if program.arguments.size == MANY else [2.0 * x for x in numbers(FEW, seed)]
    assume(len(program) <= most)
    try:
        interpret(checked(program), inputs)
    except (PathChanged, ProgramError):
        assume(False)
    return program, inputs
