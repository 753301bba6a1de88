"""Run a Python function once and keep what it computed, as a Program."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count, islice
from types import FunctionType
from typing import Any

import numpy as np

from wengert.dispatch import Primitive, describe, to_float
from wengert.errors import OperandError, WengertError
from wengert.graph import names
from wengert.node import Node
from wengert.program.address import Integers
from wengert.program.capture import Captured
from wengert.program.listing import Listing
from wengert.program.program import Pass, Program
from wengert.program.recorded import Recorded
from wengert.program.recorder import Tape
from wengert.program.recording import RECORDING, Recording, refuse_leaks, result_codes
from wengert.program.roll import roll
from wengert.program.statements import Operation, Run
from wengert.program.structure import NUMBER, TUPLE, Structure, structure_of

PASSES: tuple[Pass, ...] = (roll,)  # what a recording goes through

_FLOATS_ALONE = (
    "What it computes in compiled code for floats alone (np.linalg, np.fft, np.interp, "
    "np.isfinite, storing in an array of floats) has to be written with arithmetic."
)
NUMPYS = (  # what its errors about objects contain, and what to do
    ("dtype('O')", _FLOATS_ALONE),
    ("not supported for the input types", _FLOATS_ALONE),
    ("arrays used as indices", "Write xs[k.astype(int)] for indices and xs[m.astype(bool)] for a "
     "mask, which holds the program to these, or fix them: record(lambda xs: f(xs, k), ...)."),
)  # fmt: skip


def record(function: Any, *example: Any, passes: Sequence[Pass] = PASSES) -> Program:
    """Record what a function computes, and find the loops in it.

    The function is run once, on operands that carry the example's numbers. Its loops, branches,
    recursion and calls leave a list of scalar operations; every comparison that decided the path
    leaves a guard, so that no branch is ever frozen.

    Args:
        function: a function of numbers; or a Value, whose graph is recorded, with the leaves as
            arguments.
        example: arguments to run it on: numbers, arrays, and tuples, lists, dicts, dataclasses and
            named tuples of them.
        passes: what to do with the list; `()` leaves it as it was recorded.

    Returns:
        A Program, which takes and gives what the function does.

    Raises:
        OperandError: an argument or a result is not made of numbers, or NumPy is asked for what it
            does on floats alone.
        LostDerivativeError: the function converts an operand to a plain number.

    Examples:
        >>> import wengert as wg
        >>> def power(x, n):
        ...     result = 1.0
        ...     for _ in range(n):
        ...         result = result * x
        ...     return result
        >>> program = wg.record(power, 2.0, 10)
        >>> program(3.0, 10)
        59049.0
    """
    _check_passes(passes)
    if isinstance(function, Node):
        if example:
            raise OperandError("record() of a Value takes no example: the leaves have numbers.")
        listing = _of_graph(function)
    elif callable(function):
        arguments = structure_of(example, parameters(function, example))
        listing = _of_function(function, arguments, Tape(arguments.numbers(example)))
    else:
        raise OperandError(
            f"record() takes a function and its arguments, or a Value, not {describe(function)}."
        )
    return _passed(listing.program(), passes)


def record_captured(
    function: Callable[..., Any], example: Sequence[Any], passes: Sequence[Pass] = PASSES
) -> tuple[Program, list[Recorded]]:
    """Record a function inside a function that is being recorded.

    Operands of the recordings around that it meets, which is what its closure holds of them, become
    further arguments of its program: one number for each operand, named captured0, captured1, ...
    What the function computes from such operands alone is written down where they are of, and so
    are the guards on them.

    Args:
        function: a function of numbers.
        example: arguments to run it on, as for `record`; recorded numbers and Values in them stand
            for the numbers that they carry.
        passes: what to do with the list.

    Returns:
        A Program, and the operands that it takes behind the function's own arguments.

    Raises:
        ProgramError: it meets an operand of a recording that is over.
    """
    _check_passes(passes)
    listing, operands = listed(function, example)
    return _passed(listing.program(), passes), operands


def listed(function: Callable[..., Any], example: Sequence[Any]) -> tuple[Listing, list[Recorded]]:
    """What `record_captured` makes its program of, and the operands."""
    arguments = structure_of(tuple(example), parameters(function, example))
    given = arguments.given(tuple(example))
    tape = Tape(list(map(_number, given)) if isinstance(given, list) else given)
    captured = tape.captured = Captured()
    return _of_function(function, arguments, tape), captured.operands


def _check_passes(passes: Any) -> None:
    if not isinstance(passes, Sequence) or not all(map(callable, passes)):
        raise OperandError(
            "The passes of record() are a sequence of functions from Program to Program, not "
            f"{describe(passes)}."
        )


def _passed(program: Program, passes: Sequence[Pass]) -> Program:
    for each in passes:
        program = each(program)
    return program


def _number(element: Any) -> float:
    return element._data if isinstance(element, Recorded | Node) else to_float(element, "record()")


def _of_function(function: Callable[..., Any], arguments: Structure, tape: Recording) -> Listing:
    name = name_of(function)
    tape.outer = RECORDING.get()
    operands = tape.inputs()
    recording = RECORDING.set(tape)
    try:
        result = function(*arguments.tree(operands))
        results = structure_of(result, where=f"the result of {name}()")
        outputs = result_codes(results.elements(result), tape)
    except (TypeError, IndexError) as error:
        advice = next((row[1] for row in NUMPYS if row[0] in str(error)), None)
        if advice is None or isinstance(error, WengertError):
            raise
        raise OperandError(
            f"NumPy cannot do this with recorded numbers, which it keeps as objects: {error}. "
            f"{advice}"
        ) from error
    finally:
        RECORDING.reset(recording)
        tape.close()
    return _listing(tape, outputs, _with_captured(arguments, tape.captured), results, name)


def _with_captured(arguments: Structure, captured: Captured | None) -> Structure:
    """The arguments, and a number for each operand that was captured."""
    if not captured or not captured.operands:
        return arguments
    parts = (Structure(NUMBER),) * len(captured.operands)
    names = (f"captured{k}" for k in count())
    free = (name for name in names if name not in arguments.keys)
    keys = (*arguments.keys, *islice(free, len(parts)))
    return replace(arguments, keys=keys, parts=(*arguments.parts, *parts))


def _listing(
    tape: Recording, outputs: Integers, arguments: Structure, results: Structure, name: str
) -> Listing:
    tape.flush()
    moves = Run(0, (Operation(None),), np.zeros(len(outputs), np.int32), outputs, outputs=True)
    statements = (*tape.statements, *([moves] if len(moves) else []))
    for statement in statements:
        if isinstance(statement, Run):
            refuse_leaks(statement.operands, tape.bodies)
    return Listing(
        statements, tape.length, tape.constants,
        np.array(tape.index, dtype=np.int64), arguments, results,
        name if name.isidentifier() else "program",
    )  # fmt: skip


def name_of(function: Any) -> str:
    """What a function is called."""
    function = getattr(function, "func", function)  # of a functools.partial
    own = getattr(function, "__name__", None) or getattr(function, "name", None)
    return own if isinstance(own, str) else type(function).__name__


def parameters(function: Callable[..., Any], example: Sequence[Any]) -> tuple[str, ...]:
    """A name for each positional argument.

    Raises:
        OperandError: the function cannot be called with so many arguments.
    """
    if isinstance(function, Primitive):
        return function.operands
    if _takes_just(function, len(example)):
        names: tuple[str, ...] = function.__code__.co_varnames[: len(example)]
        return names
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a builtin that does not tell
        return tuple(f"x{k}" for k in range(len(example)))
    try:
        signature.bind(*example)
    except TypeError as error:
        raise OperandError(
            f"{name_of(function)}{signature} cannot be called with the arguments that it was given,"
            f" {len(example)} by position: {error}. Arguments that are to be given by name can be "
            "held fixed, as n is in lambda x: f(x, n=3)."
        ) from None
    found: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            numbered = (f"{parameter.name}{k}" for k in count())
            free = (name for name in numbered if name not in signature.parameters)
            found += islice(free, max(0, len(example) - len(found)))
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            found.append(parameter.name)
    return tuple(found[: len(example)])


def _takes_just(function: Any, number: int) -> bool:
    """Whether it is a plain function with so many parameters, which is known at a glance."""
    if type(function) is not FunctionType or vars(function):
        return False
    code = function.__code__
    others = code.co_kwonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return code.co_argcount == number and not others


def _of_graph(root: Node) -> Listing:
    tape = Tape()
    leaves, code = tape.put_graph(root)
    tape.close()
    keys = tuple(names(leaves).values())
    arguments = Structure(TUPLE, keys=keys, parts=(Structure(NUMBER),) * len(keys))
    name = root.label if root.label.isidentifier() else "program"
    return _listing(tape, np.array([code]), arguments, Structure(NUMBER), name)
