"""A Program as a value: equality, hash, copies, sizes, and what it takes."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import samples
from folding import assign, at, flat, folded, value
from hypothesis import given, settings
from worded import worded

import wengert as wg
from wengert import primitives
from wengert.errors import OperandError
from wengert.program.program import RUN_LENGTH, Program, Slot, gathered
from wengert.program.record import record
from wengert.program.statements import Assign, Loop, Run


def test_equal_programs_are_equal_however_they_were_made() -> None:
    a, b = samples.rolled_heat(), samples.rolled_heat()
    assert a == b
    assert hash(a) == hash(b)
    assert a.key == b.key
    assert len({a, b}) == 1
    assert a != samples.rolled_neuron()
    assert a != "a program"


def test_names_labels_and_lines_are_not_part_of_the_meaning() -> None:
    def one(x):
        y = x * 2.0
        y.label = "y"
        return y

    def other(x):
        return x * 2.0

    assert record(one, 1.0, passes=()) == record(other, 1.0, passes=())


@pytest.mark.parametrize(
    "changed",
    [
        {"values": 99},
        {"constants": np.array([1.0])},
        {"index": np.array([1])},
        {"statements": ()},
    ],
)
def test_whatever_else_differs_makes_another_program(changed: dict[str, object]) -> None:
    program = samples.rolled_heat()
    assert replace(program, **changed) != program


def test_every_statement_is_part_of_the_meaning() -> None:
    program = samples.long_run()
    items = flat(program)
    seen = {program.key}
    for k in (0, 40, len(items) - 1):
        operands = tuple(replace(a, base=a.base + 1) for a in items[k].operands)
        other = [*items[:k], replace(items[k], operands=operands), *items[k + 1 :]]
        seen.add(replace(program, statements=tuple(other)).key)
    assert len(seen) == 4


def test_zeros_of_either_sign_differ_and_nans_do_not() -> None:
    program = record(lambda x: x * 0.0, 1.0, passes=())
    assert replace(program, constants=np.array([-0.0])) != program
    odd = np.array([0x7FF8000000000001], np.int64).view(float)
    a, b = (replace(program, constants=c) for c in (odd, np.array([-np.nan])))
    assert a == b


def test_a_program_cannot_be_changed() -> None:
    program = samples.long_run()
    with pytest.raises(FrozenInstanceError):
        program.values = 3  # type: ignore[misc]
    run = program.statements[0]
    assert isinstance(run, Run)
    for array in (program.constants, program.index, run.ops, run.operands, run.lines):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_arrays_are_taken_over_by_value() -> None:
    constants = np.array([2.0])
    program = replace(record(lambda x: x * 2.0, 1.0, passes=()), constants=constants)
    key = program.key
    constants[0] = 3.0
    assert replace(program).key == key


def test_sizes() -> None:
    program = samples.rolled_neuron()
    assert len(program) == 17
    assert program.size == 7
    assert program.inputs == (Slot("x", 8), Slot("w", 8), Slot("b", 1))
    assert program.sizes == {"value": 17, "input": 17, "constant": 0, "output": 1}
    assert repr(program) == "<Program neuron: 17 operations in 7 statements>"
    assert len(samples.summed()) == 10**9 + 2
    assert len(samples.empty()) == 0
    assert len(samples.newton()) == 2  # those of a while loop count once


def test_moves_are_no_operations() -> None:
    program = record(lambda x: [x] * 100, 1.0, passes=())
    assert isinstance(program.statements[0], Run)
    assert len(program) == 0
    assert program.size == 100


def test_arguments_by_name() -> None:
    program = samples.rolled_neuron()
    assert program.bound((1, 2), {"b": 3}) == (1, 2, 3)
    assert program.bound((), {"b": 3, "x": 1, "w": 2}) == (1, 2, 3)
    for args, named in (((1, 2), {}), ((1, 2, 3), {"b": 3}), ((1, 2), {"c": 3}), ((1,) * 4, {})):
        with pytest.raises(OperandError, match=r"neuron\(\) takes the .* with \(x, w, b\)"):
            program.bound(args, named)


def test_long_straight_stretches_are_columns_and_short_ones_are_not() -> None:
    def chain(x, n):
        for _ in range(n):
            x = wg.exp(x)
        return x

    short = record(lambda x: chain(x, RUN_LENGTH - 1), 1.0, passes=())
    long = record(lambda x: chain(x, RUN_LENGTH), 1.0, passes=())
    assert not any(isinstance(s, Run) for s in short.statements)
    assert [type(s) for s in long.statements] == [Run, Assign]
    # however a sequence is put together, it is stored in one way
    assert gathered(flat(long)) == long.statements
    halves = [*gathered(flat(long)[:40]), *gathered(flat(long)[40:])]
    assert gathered(halves) == long.statements


def test_loops_and_gaps_end_a_stretch() -> None:
    items = [assign(value(k), primitives.exp, at("input", 0)) for k in range(200)]
    loop = Loop(0, ())
    assert [type(s) for s in gathered([*items[:100], loop, *items[100:]])] == [Run, Loop, Run]
    assert [type(s) for s in gathered([*items[:100], *items[101:]])] == [Run, Run]


def test_what_each_pass_did_is_told() -> None:
    program = samples.rolled_neuron().passed("roll", ["found 1 loop"])
    assert program.explain() == "roll: 7 statements -> 7\n  found 1 loop"
    assert program == samples.rolled_neuron()


@settings(max_examples=50)
@given(worded())
def test_equality_is_that_of_the_printed_form(program: Program) -> None:
    again = replace(program, name="other")
    assert again == program
    assert str(again).split("\n")[1:] == str(program).split("\n")[1:]


def test_folding_by_hand_keeps_the_meaning() -> None:
    program = record(samples.neuron, np.ones(8), np.ones(8), 0.5, passes=())
    assert folded(program, (2, 2, 7)).expand() == program.expand()


def test_a_program_is_true_even_if_it_computes_nothing() -> None:
    program = record(lambda x: x, 1.0)
    assert len(program) == 0
    assert program
