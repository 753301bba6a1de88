"""The flat list that a program means."""

import numpy as np
import pytest
import samples
from folding import assign, at, flat, value
from hypothesis import given, settings
from worded import worded

from wengert import primitives
from wengert.errors import ProgramError
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.statements import Loop, Run


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
    with pytest.raises(ProgramError, match="accumulation has no fixed list"):
        samples.summed().expand()
    huge = Program.parse("program f(x) -> number\n\nfor i in 9000000000:\n    t1 = -x\nout = x\n")
    with pytest.raises(ProgramError, match="too long to be written out"):
        huge.expand()
