"""The derivatives in question: what each transform gives for a subject, as plain numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.derive import programs
from wengert.derive.assemble import blocks
from wengert.errors import WengertError
from wengert.program.structure import TUPLE, Floats, Structure
from wengert.proof.subject import Subject
from wengert.run.interpret import interpret
from wengert.value import Value

WHOLE = 64  # up to so many rows or columns the whole Jacobian is asked for, else some of them


def forward_entries(subject: Subject, rows: Sequence[int], columns: Sequence[int]) -> Floats:
    """Entries of the Jacobian by forward mode, `(rows, columns)`."""
    if len(subject.names) <= WHOLE:
        return _whole(subject, "forward")[np.ix_(rows, columns)]
    pushed = pushforward(subject)
    units = np.eye(1, len(subject.names))[0]
    found = [pushed(np.roll(units, k))[list(rows)] for k in columns]
    return np.reshape(found, (len(columns), len(rows))).T


def reverse_entries(subject: Subject, rows: Sequence[int], columns: Sequence[int]) -> Floats:
    """Entries of the Jacobian by reverse mode, `(rows, columns)`."""
    if len(subject.outputs) <= WHOLE:
        return _whole(subject, "reverse")[np.ix_(rows, columns)]
    pulled = pullback(subject)
    units = np.eye(1, len(subject.outputs))[0]
    found = [pulled(np.roll(units, k))[list(columns)] for k in rows]
    return np.reshape(found, (len(rows), len(columns)))


def _whole(subject: Subject, mode: str) -> Floats:
    """The Jacobian, `(m, n)`."""
    program, free = subject.program, subject.free
    derived = programs.jacobian(program, tuple(range(free)), mode=mode, taken=subject.fixed)
    columns = Structure(TUPLE, parts=program.arguments.parts[:free])
    _, entries = blocks(program.results, columns)
    matrix = np.empty(len(subject.outputs) * len(subject.names))
    matrix[entries] = interpret(derived, subject.inputs)
    return matrix.reshape(len(subject.outputs), len(subject.names))


def pushforward(subject: Subject) -> Callable[[Floats], Floats]:
    """From a tangent `(n,)` to J·v, `(m,)`, by forward mode."""
    program = programs.jvp(subject.program, taken=subject.fixed, value=False)
    return lambda v: interpret(program, np.concatenate([subject.inputs, v]))


def pullback(subject: Subject) -> Callable[[Floats], Floats]:
    """From a cotangent `(m,)` to Jᵀ·w, `(n,)`, by reverse mode."""
    program = programs.vjp(subject.program, taken=subject.fixed)
    return lambda w: interpret(program, np.concatenate([subject.inputs, w]))


def eager_entries(
    subject: Subject, function: Callable[..., Any], rows: Sequence[int], columns: Sequence[int]
) -> Floats:
    """Entries of the Jacobian by `backward` of the Values that the function gives."""
    program = subject.program
    leaves = [Value(number) for number in subject.inputs.tolist()]
    arguments = program.arguments.tree(leaves)
    try:
        results = program.results.elements(function(*arguments))
    except WengertError:  # it takes an integer, say, from what is a Value here
        results = program.results.elements(program(*arguments))
    found = []
    for row in rows:
        for leaf in leaves:
            leaf.zero_grad()
        if isinstance(results[row], Value):
            results[row].backward()
        found.append([leaves[k].grad for k in columns])
    return np.reshape(found, (len(rows), len(columns)))
