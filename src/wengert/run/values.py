"""A Program called with Values gives Values: its statements are done one by one, on a new graph."""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from wengert.dispatch import Primitive, to_float
from wengert.errors import ProgramError
from wengert.node import Node
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.run.path import Failure, changed
from wengert.run.walk import DEEPEST, TooLong, Walker, memories_of, outputs


def on_values(program: Program, args: Sequence[Any]) -> list[Any]:
    """The outputs of a program for Values, as calling the recorded function would give them.

    Args:
        program: any program.
        args: what stands for its inputs: Values and plain numbers.

    Returns:
        Values, and plain numbers where no Value has a part in them.

    Raises:
        PathChanged: a guard does not hold for the Values' numbers.
        OperandError: there is something else among the args.
        ProgramError: the program is not well-formed, or too deep.
    """
    inputs = [arg if isinstance(arg, Node) else to_float(arg, program.name) for arg in args]

    def failed(failure: Failure) -> NoReturn:
        raise changed(program, _in_numbers(failure))

    memories = memories_of(program, inputs.__getitem__)
    walker = Walker(memories, program.index.data, sys.maxsize, failed, _itself)
    try:
        with np.errstate(all="ignore"):
            return outputs(program, walker)
    except TooLong:
        raise ProgramError(f"More than {DEEPEST} loops inside each other cannot be run.") from None
    except LookupError:
        checked(program)  # says what is wrong
        raise


def _itself(row: Primitive) -> Primitive:
    """A row called as it is finds the evaluator for its operands."""
    return row


def _in_numbers(failure: Failure) -> Failure:
    operands = tuple(map(_number, failure.operands))
    return failure._replace(
        operands=operands, result=_number(failure.result), expected=_number(failure.expected)
    )


def _number(operand: Any) -> float:
    return float(operand._data if isinstance(operand, Node) else operand)
