"""A derivative put together as a Program: what it takes, and what it gives in which order."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.derive.forward import Derived
from wengert.derive.space import Space
from wengert.program.address import OUTPUT, VALUE, Address, Integers, Lookup
from wengert.program.program import Program
from wengert.program.statements import (
    Assign,
    Loop,
    Run,
    Statement,
    While,
    changed,
    parts,
)
from wengert.program.structure import Structure

MANY = 64  # moves of a result that is not regular: beyond, an index table says where it comes from


def assembled(
    program: Program, derived: Derived, arguments: Structure, results: Structure,
    sources: Sequence[Integers], name: str,
) -> Program:  # fmt: skip
    """The program of a derivative.

    Args:
        program: what was differentiated, with m outputs.
        derived: its derivative.
        arguments: what it takes.
        results: what it gives.
        sources: its outputs in order, in pieces: a number below m stands for an output of the
            program, and m + k for the k-th result of the derivative.
        name: what it is called.
    """
    space = derived.space
    first, size = space.take(program.results.size), program.results.size
    statements = [_redirected(statement, first) for statement in derived.statements]
    at = 0
    for piece in sources:
        places = np.where(piece < size, first + piece, derived.results - size + piece)
        statements += _moves(places, at, space)
        at += len(places)
    return Program(
        tuple(statements), space.values, space.constants, space.index, arguments, results,
        name, program.history,
    )  # fmt: skip


def _redirected(statement: Statement, first: int) -> Statement:
    """The statement with the value memory in place of the outputs."""
    if isinstance(statement, Run):
        if not statement.outputs:
            return statement
        return replace(statement, start=statement.start + first, outputs=False)
    if isinstance(statement, Loop):
        return replace(statement, body=tuple(_redirected(s, first) for s in statement.body))
    if isinstance(statement, While):
        bodies = (tuple(_redirected(s, first) for s in part) for part in parts(statement))
        start, test, body, last = bodies
        return While(statement.local, start, test, statement.condition, body, last)
    return changed(statement, lambda address: _moved(address, first))


def _moved(address: Address, first: int) -> Address:
    if address.memory != OUTPUT:
        return address
    return replace(address, memory=VALUE, base=address.base + first)


def _moves(places: Integers, at: int, space: Space) -> list[Statement]:
    """Statements that move values to the outputs from `at` on."""
    if not len(places):
        return []
    shape = affine(places)
    if shape:
        return [_nest(int(places[0]), *shape, at)]
    if len(places) <= MANY:
        return [
            Assign(Address(OUTPUT, at + k), None, (Address(VALUE, place),))
            for k, place in enumerate(places.tolist())
        ]
    if np.count_nonzero(np.diff(np.diff(places), prepend=0)) <= MANY:
        return _pieces(places, at)
    source = Address(VALUE, 0, (0,), Lookup(space.table(places), (1,)))
    return [Loop(len(places), (Assign(Address(OUTPUT, at, (1,)), None, (source,)),))]


def _pieces(places: Integers, at: int) -> list[Statement]:
    """The same in stretches with one stride each."""
    out: list[Statement] = []
    start = 0
    while start < len(places):
        rest = places[start:]
        steps = np.diff(rest)
        other = np.flatnonzero(steps != steps[0]) if len(steps) else np.empty(0, int)
        length = int(other[0]) + 1 if len(other) else len(rest)
        stride = int(steps[0]) if length > 1 else 0
        out.append(_nest(int(rest[0]), (length,), (stride,), at + start))
        start += length
    return out


def _nest(base: int, counts: tuple[int, ...], strides: tuple[int, ...], at: int) -> Statement:
    sizes = tuple(int(np.prod(counts[k + 1 :])) for k in range(len(counts)))
    move: Statement = Assign(Address(OUTPUT, at, sizes), None, (Address(VALUE, base, strides),))
    for count in reversed(counts):
        move = Loop(count, (move,))
    return move


def affine(places: Integers) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Counts and strides of the loops that go through these places in order, if there are some."""
    counts: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    while len(places) > 1:
        steps = np.diff(places)
        other = np.flatnonzero(steps != steps[0])
        length = int(other[0]) + 1 if len(other) else len(places)
        if length == 1 or len(places) % length or len(counts) == 3:
            return None
        rows = places.reshape(-1, length)
        if (np.diff(rows, axis=1) != steps[0]).any():
            return None
        counts, strides = (length, *counts), (int(steps[0]), *strides)
        places = rows[:, 0]
    return counts, strides


def blocks(rows: Structure, columns: Structure) -> tuple[Structure, Integers]:
    """The structure of a Jacobian, and its entries `row * n + column` in that order.

    Args:
        rows: the structure of what was differentiated, m numbers.
        columns: the structure of what it was differentiated by, n numbers.

    Returns:
        The structure of `rows` with one of `columns` for each number or array, in which each
        number or array has the axes of both.
    """
    structure = _nested(rows, columns)
    m, n = rows.size, columns.size
    inner = [size for _, size in columns.slots()]
    starts = np.cumsum([0, *inner])
    table = np.arange(m * n, dtype=np.int64).reshape(m, n)
    if len(inner) == 1 or all(size == 1 for _, size in rows.slots()):
        return structure, table.ravel()
    pieces, row = [], 0
    for _, height in rows.slots():
        for start, width in zip(starts, inner, strict=False):
            pieces.append(table[row : row + height, start : start + width].ravel())
        row += height
    return structure, np.concatenate([np.empty(0, np.int64), *pieces])


def _nested(rows: Structure, columns: Structure) -> Structure:
    shape = rows.leaf_shape
    if shape is not None:
        return columns.with_leading(shape)
    return replace(rows, parts=tuple(_nested(part, columns) for part in rows.parts))


def extended(arguments: Structure, further: dict[str, Structure]) -> Structure:
    """Arguments with further ones behind them."""
    keys = _named([*arguments.keys, *further])
    return replace(arguments, keys=tuple(keys), parts=(*arguments.parts, *further.values()))


def _named(names: Sequence[Any]) -> list[str]:
    """Names that differ, the later ones with a number behind where they do not."""
    found: list[str] = []
    for name in names:
        base, number = str(name), 2
        while name in found:
            name, number = f"{base}{number}", number + 1
        found.append(str(name))
    return found
