"""Find the loops in a flat list."""

from wengert.program.program import Program


def roll(program: Program) -> Program:
    """The same program with its loops found."""
    return program.passed("roll")
