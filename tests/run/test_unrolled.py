"""Programs as lists of operations: what they compute, and what stands there once."""

import numpy as np
import pytest
from evaluate import evaluate
from nests import nest
from redundant import redundant
from samples import SAMPLES, newton

import wengert as wg
from wengert.errors import ProgramError
from wengert.primitives import TABLE
from wengert.program.address import OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.statements import Assign
from wengert.program.structure import ARRAY, TUPLE, Structure
from wengert.run.kernel import has_while
from wengert.run.unrolled import Unrolled, is_input, number_of, unrolled


def value_of(found: Unrolled, inputs):
    """The outputs, by the live operations alone."""
    known = {}

    def get(operand):
        if operand >= 0:
            return known[operand]
        return float((inputs if is_input(operand) else found.constants)[number_of(operand)])

    for k in found.live():
        row, operands = found.operations[k]
        known[k] = row.scalar(*map(get, operands))
    for given, expected in found.guards:
        assert get(given) == get(expected)
    return [get(operand) for operand in found.outputs]


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(seed):
    inputs = [0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0]
    for program in (nest(seed), redundant(seed, 0.2)):
        some = inputs[: program.arguments.size]
        try:
            expected = evaluate(program, some)
        except wg.PathChanged:
            continue
        np.testing.assert_array_equal(value_of(unrolled(program), some), expected)


@pytest.mark.parametrize("program", [p for p in SAMPLES if len(p) < 10**6 and not has_while(p)])
def test_samples(program):
    inputs = np.linspace(0.5, 1.5, program.arguments.size)
    try:
        expected = evaluate(program, inputs.tolist())
    except wg.PathChanged:
        return
    np.testing.assert_array_equal(value_of(unrolled(program), inputs), expected)


def names(found):
    return [found.operations[k][0].name for k in found.live()]


def test_what_is_computed_twice_stands_once():
    program = wg.record(lambda x, y: wg.sin(x * y) + wg.sin(x * y), 1.0, 2.0, passes=())
    assert names(unrolled(program)) == ["mul", "sin", "add"]


def test_constants_are_computed_and_what_is_not_used_is_left_out():
    def f(x):
        wg.exp(x)
        return x + wg.fori(3, lambda k, s: s * 2.0, 1.0)

    found = unrolled(wg.record(f, 1.0, passes=()))
    assert names(found) == ["add"]
    assert 8.0 in found.constants


def test_zeros_of_both_signs_are_two_constants():
    found = unrolled(wg.record(lambda x: (x * 0.0, x * -0.0), 1.0, passes=()))
    assert names(found) == ["mul", "mul"]
    assert [np.signbit(found.constants[number_of(o[1])]) for _, o in found.operations] == [
        False,
        True,
    ]


def test_guards_are_live():
    found = unrolled(wg.record(lambda x: 1.0 if wg.sin(x) > 0.0 else 2.0, 1.0))
    assert names(found) == ["sin", "greater"]
    assert len(found.guards) == 1


def test_what_cannot_be_unrolled():
    with pytest.raises(ProgramError, match="while loop cannot be unrolled"):
        unrolled(newton())
    one = Structure(ARRAY, (1,))
    program = Program(
        (Assign(Address(OUTPUT, 0), TABLE["sin"], (Address(VALUE, 0),)),), 1, np.empty(0),
        np.empty(0, np.int64), Structure(TUPLE, keys=("x",), parts=(one,)), one,
    )  # fmt: skip
    with pytest.raises(ProgramError, match="reads what nothing has assigned"):
        unrolled(program)
