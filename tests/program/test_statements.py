"""Statements, and runs of them in columns."""

import numpy as np
import pytest
import samples
from folding import assign, at, flat, value
from hypothesis import given
from hypothesis import strategies as st

from wengert import primitives
from wengert.primitives import powc
from wengert.program.statements import (
    Guard,
    Loop,
    Operation,
    Run,
    fits_columns,
    parts,
    reads,
    straight,
    walk,
)

ITEM = st.builds(
    lambda row, places, memory, label, source: (row, places[: row.nin], memory, label, source),
    st.sampled_from([primitives.add, primitives.exp, primitives.select, powc(0.5)]),
    st.lists(st.integers(0, 2**50), min_size=3, max_size=3),
    st.sampled_from(["value", "input", "constant"]),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["", "f.py:1", "f.py:2"]),
)


@given(st.lists(ITEM, min_size=1, max_size=20), st.integers(0, 2**40))
def test_a_run_gives_its_items_back(items: list, start: int) -> None:
    statements = []
    for k, (row, places, memory, label, source) in enumerate(items):
        made = assign(value(start + k), row, *[at(memory, p) for p in places], label=label)
        if label == "b":
            made = Guard(made.target, row, made.operands, at("constant", 3), label, source)
        statements.append(made)
    run = straight(statements)
    assert list(run) == statements
    assert [s.label for s in run] == [s.label for s in statements]
    assert [s.source for s in run] == [s.source for s in statements]
    assert straight(list(run)) == run


def test_runs_are_equal_however_they_number_their_operations() -> None:
    ops, operands = np.array([0, 1, 0], np.int32), np.zeros(3, np.int64)
    exp, neg = Operation(primitives.exp), Operation(primitives.neg)
    a = Run(0, (exp, neg), ops, operands.copy())
    b = Run(0, (neg, exp, Operation(None)), 1 - ops, operands.copy())
    c = Run(0, (exp, neg, exp), np.array([2, 1, 0], np.int32), operands.copy())
    assert a == b == c
    assert hash(a) == hash(b) == hash(c)
    assert a != Run(0, (exp, neg), 1 - ops, operands.copy())
    assert a != Run(1, (exp, neg), ops.copy(), operands.copy())
    assert a != Run(0, (Operation(primitives.exp, True), neg), ops.copy(), operands.copy())
    assert a != "a run"


def test_a_run_cannot_be_changed() -> None:
    run = straight([assign(value(0), primitives.exp, at("input", 0))])
    with pytest.raises(ValueError, match="read-only"):
        run.ops[0] = 1


def test_what_moves_with_loops_does_not_fit_columns() -> None:
    x = at("input", 0)
    assert fits_columns(assign(value(0), primitives.exp, x))
    assert fits_columns(assign(at("output", 0), None, x))
    for other in (
        assign(value(0, 1), primitives.exp, x),
        assign(value(0), primitives.exp, at("input", 0, lookup=(0,))),
        assign(value(0), primitives.exp, at("loop1", 0)),
        assign(at("loop1", 0), primitives.exp, x),
        assign(value(-1), primitives.exp, x),
        assign(value(0), primitives.exp, at("input", 2**56)),
    ):
        assert not fits_columns(other)


def test_walking_finds_every_statement_with_its_loops() -> None:
    program = samples.rolled_heat()
    found = list(walk(program.statements))
    assert len(found) == 5 + 15 + 10
    depths = [len(around) for _, around in found]
    assert depths == [1] * 5 + [1] * 5 + [2] * 5 + [1] * 5 + [0] * 10
    assert len(list(walk(samples.long_run().statements))) == len(flat(samples.long_run()))
    newton = list(walk(samples.newton().statements))
    assert [len(around) for _, around in newton] == [1, 1, 1, 1, 0]


def test_what_is_read_and_what_is_inside() -> None:
    summed = samples.summed().statements
    assert reads(summed[2]) == (*summed[2].operands, summed[2].expected)
    loop = summed[3]
    assert isinstance(loop, Loop)
    assert parts(loop) == (loop.body,)
    assert reads(loop.body[0]) == (loop.body[0].operand,)
    assert len(parts(samples.newton().statements[0])) == 4
