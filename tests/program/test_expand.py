"""The flat list that a program means."""

from dataclasses import replace

import numpy as np
import pytest
import samples
from evaluate import bits, outcome, walk
from folding import assign, at, flat, value
from hypothesis import given, settings
from hypothesis import strategies as st
from sums import GIVEN, accumulations, summing
from worded import worded

from wengert import primitives
from wengert.errors import ProgramError
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.statements import Accumulate, Assign, Loop, Run


def test_a_flat_list_is_its_own_expansion() -> None:
    program = samples.long_run()
    assert program.expand() == program


@pytest.mark.parametrize("make", [samples.rolled_neuron, samples.rolled_heat])
def test_loops_are_written_out(make: object) -> None:
    program = make()  # type: ignore[operator]
    source, example = {
        "neuron": (samples.neuron, (np.ones(8), np.ones(8), 0.5)),
        "heat": (samples.heat, (0.1, np.arange(10.0))),
    }[program.name]
    raw = record(source, *example, passes=())
    assert program.expand() == raw
    lines = [(s.source, s.label) for s in flat(raw)]
    assert [(s.source, s.label) for s in flat(program.expand())] == lines


@settings(max_examples=60)
@given(worded())
def test_every_operation_stands_at_its_place(program: Program) -> None:
    """Item by item, by walking through the loops with their counters."""
    if len(_walked(program.statements, (), program)) != program.values + 2:
        return  # it has holes
    expected = _walked(program.statements, (), program)
    found = [
        (s.target.memory, s.target.base, s.row, [(a.memory, a.base) for a in s.operands])
        for s in flat(program.expand())
    ]
    assert found == sorted(expected, key=lambda item: (item[0] == "output", item[1]))


def _walked(statements: object, counters: tuple[int, ...], program: Program) -> list[tuple]:
    found = []
    for statement in statements:  # type: ignore[attr-defined]
        if isinstance(statement, Loop):
            for k in range(statement.count):
                found += _walked(statement.body, (*counters, k), program)
        elif isinstance(statement, Run):
            found += _walked(list(statement), counters, program)
        else:
            operands = [(a.memory, a.at(counters, program.index)) for a in statement.operands]
            target = statement.target
            place = target.at(counters, program.index)
            found.append((target.memory, place, statement.row, operands))
    return found


@given(st.integers(0, 10**9), st.booleans())
def test_sums_become_chains_of_additions(seed: int, near: bool) -> None:
    program = summing(seed, near)
    flat = program.expand()
    assert not accumulations(flat.statements)
    assert checked(flat) is flat
    for inputs in (GIVEN, GIVEN[::-1]):
        assert outcome(flat, inputs)[0] == outcome(program, inputs)[0]


def test_sums_in_a_long_list() -> None:
    """What stands in columns is read and summed like all else."""
    found = record(lambda x: [x[0] + k for k in range(100)], np.ones(2), passes=())
    run = found.statements[0]
    start = Assign(value(100), None, (value(3),))
    terms = Loop(50, (Accumulate(value(100, 0), value(49, -1)),))
    more = [Assign(value(101 + k), primitives.neg, (value(100),)) for k in range(100)]
    total = [Assign(at("output", k), None, (value(101 + k),)) for k in range(100)]
    program = replace(found, statements=(run, start, terms, *more, *total), values=201)
    assert isinstance(program.statements[-1], Run)
    flat = program.expand()
    assert flat.values == 251
    assert bits(walk(flat, [0.1, 0.0])) == bits(walk(program, [0.1, 0.0]))


def test_loops_that_never_run_cost_nothing() -> None:
    never = Loop(10**9, (Loop(0, (assign(value(0, 0, 0), primitives.exp, at("input", 0, 0, 0)),)),))
    base = record(lambda x: x, 1.0, passes=())
    program = Program(
        (never, *base.statements), 0, base.constants, base.index, base.arguments, base.results
    )
    assert program.expand() == base


def test_what_has_no_fixed_list_is_refused() -> None:
    with pytest.raises(ProgramError, match="while loop has no fixed list"):
        samples.newton().expand()
    with pytest.raises(ProgramError, match="too long to be written out"):
        samples.summed().expand()
    added = (assign(at("output", 0), None, at("input", 0)), Accumulate(at("output", 0), value(0)))
    outputs = replace(samples.summed(), statements=(*samples.summed().statements[:-1], *added))
    with pytest.raises(ProgramError, match="accumulates into its outputs has no flat list"):
        outputs.expand()
    huge = Program.parse("program f(x) -> number\n\nfor i in 9000000000:\n    t1 = -x\nout = x\n")
    with pytest.raises(ProgramError, match="too long to be written out"):
        huge.expand()
