"""Loops made by hand out of flat lists, for tests that do not want to depend on rolling."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wengert.program.address import Address, Lookup
from wengert.program.program import Program
from wengert.program.statements import Assign, Guard, Loop, Run, Statement


def flat(program: Program) -> list[Any]:
    """Its statements outside loops one by one."""
    return [item for s in program.statements for item in (s if isinstance(s, Run) else (s,))]


def folded(program: Program, *folds: tuple[int, int, int]) -> Program:
    """The program with loops: each fold makes one of `count` repetitions of `period` statements.

    A fold says (at, period, count), by position among the top statements that are left by then.
    """
    statements = flat(program)
    for at, period, count in folds:
        copies = [statements[at + k * period : at + (k + 1) * period] for k in range(count)]
        body = tuple(together(versions) for versions in zip(*copies, strict=True))
        statements[at : at + period * count] = [Loop(count, body)]
    return replace(program, statements=tuple(statements))


def together(versions: Sequence[Any]) -> Statement:
    """One statement that is each of these at counters 0, 1, ... of a loop around it."""
    first = versions[0]
    if isinstance(first, Loop):
        bodies = zip(*(v.body for v in versions), strict=True)
        assert all(v.count == first.count for v in versions)
        return Loop(first.count, tuple(map(together, bodies)))
    assert all(type(v) is type(first) and v.row is first.row for v in versions)
    changed: dict[str, Any] = {"target": affine([v.target for v in versions])}
    changed["operands"] = tuple(
        affine(places) for places in zip(*(v.operands for v in versions), strict=True)
    )
    if isinstance(first, Guard):
        changed["expected"] = affine([v.expected for v in versions])
    return replace(first, **changed)


def affine(places: Sequence[Address]) -> Address:
    """One address that is each of these at counters 0, 1, ..."""
    first, second = places[0], places[min(1, len(places) - 1)]
    stride = second.base - first.base
    for k, place in enumerate(places):
        same = (place.memory, place.strides) == (first.memory, first.strides)
        assert same, "these do not fold"
        assert place.base == first.base + k * stride, "these do not fold"
    return replace(first, base=first.base, strides=(stride, *first.strides))


def assign(target: Address, row: Any, *operands: Address, label: str = "") -> Assign:
    """An assignment."""
    return Assign(target, row, operands, label)


def value(base: int, *strides: int, lookup: tuple[int, ...] = ()) -> Address:
    """An address in the value memory; `lookup` is (start, *strides)."""
    return Address("value", base, strides, Lookup(lookup[0], lookup[1:]) if lookup else None)


def at(memory: str, base: int, *strides: int, lookup: tuple[int, ...] = ()) -> Address:
    """An address in any memory."""
    return Address(memory, base, strides, Lookup(lookup[0], lookup[1:]) if lookup else None)
