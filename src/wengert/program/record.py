"""Run a Python function once and keep what it computed, as a Program."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.dispatch import describe
from wengert.errors import OperandError
from wengert.graph import names, topological_order
from wengert.node import Node
from wengert.program.program import Pass, Program
from wengert.program.roll import roll
from wengert.program.statements import Operation, Run
from wengert.program.structure import NUMBER, TUPLE, Structure, structure_of
from wengert.program.tape import RECORDING, Tape, refuse_leaks, result_code

PASSES: tuple[Pass, ...] = (roll,)  # what a recording goes through


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
        OperandError: an argument or a result is not made of numbers.
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
    if isinstance(function, Node):
        if example:
            raise OperandError("record() of a Value takes no example: the leaves have numbers.")
        program = _of_graph(function)
    elif callable(function):
        program = _of_function(function, example)
    else:
        raise OperandError(
            f"record() takes a function and its arguments, or a Value, not {describe(function)}."
        )
    for each in passes:
        program = each(program)
    return program


def _of_function(function: Callable[..., Any], example: Sequence[Any]) -> Program:
    arguments = structure_of(tuple(example), parameters(function, example))
    tape = Tape(arguments.numbers(tuple(example)).tolist())
    operands = [tape.input(place) for place in range(arguments.size)]
    recording = RECORDING.set(tape)
    try:
        result = function(*arguments.tree(operands))
    finally:
        RECORDING.reset(recording)
        tape.closed = True
    name = getattr(function, "__name__", type(function).__name__)
    results = structure_of(result, where=f"the result of {name}()")
    codes = [result_code(leaf, tape) for leaf in results.elements(result)]
    return _program(tape, codes, arguments, results, name)


def _program(
    tape: Tape, outputs: Sequence[int], arguments: Structure, results: Structure, name: str
) -> Program:
    tape.flush()
    none = np.zeros(len(outputs), np.int32)
    moves = Run(0, (Operation(None),), none, np.array(outputs, np.int64), outputs=True)
    statements = (*tape.statements, moves) if outputs else tuple(tape.statements)
    refuse_leaks(statements, tape.bodies)
    return Program(
        statements, tape.length, np.array(tape.constants, dtype=float),
        np.array(tape.index, dtype=np.int64), arguments, results,
        name if name.isidentifier() else "program",
    )  # fmt: skip


def parameters(function: Callable[..., Any], example: Sequence[Any]) -> tuple[str, ...]:
    """A name for each positional argument."""
    try:
        given = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return tuple(f"x{k}" for k in range(len(example)))
    found: list[str] = []
    for parameter in given:
        if parameter.kind is parameter.VAR_POSITIONAL:
            found += [f"{parameter.name}{k}" for k in range(len(example) - len(found))]
        elif parameter.kind is not parameter.KEYWORD_ONLY and len(found) < len(example):
            found.append(parameter.name)
    if len(found) != len(example):
        name = getattr(function, "__name__", "the function")
        raise OperandError(
            f"{name}() takes {len(found)} positional arguments, and record() got {len(example)}."
        )
    return tuple(found)


def _of_graph(root: Node) -> Program:
    order: list[Any] = topological_order(root)
    leaves = [node for node in order if not node._operands]
    tape = Tape([leaf.data for leaf in leaves])
    named = names(order)
    recorded: dict[Any, Any] = {}
    for place, leaf in enumerate(leaves):
        recorded[leaf] = tape.input(place)
    for node in order:
        if node._operands:
            if node._row is None:
                raise OperandError(
                    f"record() cannot record the operation {node._op!r} of your own: only its "
                    "number is known. Write it with wg functions."
                )
            recorded[node] = node._row(*(recorded[operand] for operand in node._operands))
            if node.label:
                recorded[node].label = node.label
    tape.closed = True
    keys = [named[leaf] for leaf in leaves]
    arguments = Structure(TUPLE, keys=tuple(keys), parts=(Structure(NUMBER),) * len(keys))
    outputs = [result_code(recorded[root], tape)]
    name = root.label if root.label.isidentifier() else "program"
    return _program(tape, outputs, arguments, Structure(NUMBER), name)
