"""Walking a program through gives what the interpreter does, for what is short."""

from typing import Any

import numpy as np
import pytest
from evaluate import bits, walk
from hypothesis import given
from hypothesis import strategies as st
from nests import nest
from test_interpret import given_numbers, halving, program, value

from wengert import primitives
from wengert.errors import PathChanged, ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, Address, Lookup
from wengert.program.statements import Accumulate, Assign, Loop
from wengert.run.interpret import Interpreter, interpret
from wengert.run.walk import DEEPEST, TooLong, effort, walked

MANY = 10**6


@given(seed=st.integers(0, 10**9), kind=st.sampled_from(["far", "near", "whiles"]))
def test_a_walk_gives_the_bits_of_the_interpreter(seed: int, kind: str) -> None:
    found = nest(seed, near=kind != "far", whiles=kind == "whiles")
    inputs = given_numbers(seed)
    said = []
    for run in (Interpreter(found), lambda numbers: walked(found, numbers, MANY)[0]):
        try:
            said.append(bits(run(np.array(inputs))))
        except PathChanged as changed:
            said.append(str(changed))
    assert said[0] == said[1]


def test_the_steps_are_known_beforehand_where_no_loop_depends_on_data() -> None:
    for seed in range(30):
        found = nest(seed, near=True)
        _, steps = effort(found.statements)
        assert effort(found.statements)[0] == found.size
        try:
            assert walked(found, given_numbers(seed), MANY)[1] == MANY - steps - 1
        except PathChanged:
            continue
        with pytest.raises(TooLong):
            walked(found, given_numbers(seed), steps)


def test_a_while_loop_takes_as_many_steps_as_it_needs() -> None:
    few, many = (walked(halving(), [x, 0.0, 0.0, 0.0], MANY)[1] for x in (2.0, 1e300))
    assert few > many
    with pytest.raises(TooLong):
        walked(halving(), [1e300, 0.0, 0.0, 0.0], 100)


def test_sums_keep_their_order() -> None:
    start = Assign(value(5), None, (Address(INPUT, 1),))
    adds = Accumulate(value(5, 0), Address(INPUT, 0, (1,)))
    found = program(start, Loop(4, (adds,)), Assign(Address(OUTPUT, 0), None, (value(5),)))
    numbers = [1e16, 1.0, -1e16, 1.0]
    assert walked(found, numbers, MANY)[0] == walk(found, numbers) == [1.0]


def copy(target: Address, operand: Address) -> Any:
    return Assign(target, None, (operand,))


@pytest.mark.parametrize(
    "statements",
    [
        (copy(Address(OUTPUT, 0), Address(INPUT, 4)),),
        (copy(Address(OUTPUT, 0), Address(INPUT, -1)),),
        (copy(Address(OUTPUT, 0), Address(CONSTANT, 2)),),
        (copy(Address(OUTPUT, 0), value(7)),),
        (copy(Address(OUTPUT, 0), value(7, 1)),),
        (copy(Address(OUTPUT, 1), Address(INPUT, 0)),),
        (copy(Address(INPUT, 0), Address(INPUT, 1)),),
        (copy(value(-1), Address(INPUT, 1)),),
        (copy(value(0), Address("elsewhere", 1)),),
        (copy(value(0), Address(INPUT, 0, (), Lookup(0, ()))),),
        (copy(value(0), Address(INPUT, 0, (), Lookup(-1, ()))),),
        (copy(value(1000), Address(INPUT, 1)),),
        (Loop(1, (Assign(value(0), primitives.neg, (Address(INPUT, 0, (0,)),)),)),),
    ],
)
def test_what_is_wrong_is_left_to_the_interpreter_to_say(statements: Any) -> None:
    found = program(*statements)
    with pytest.raises(LookupError):
        walked(found, [1.0, 2.0, 3.0, 4.0], MANY)
    with pytest.raises(ProgramError):
        interpret(found, np.ones(4))


def test_outputs_that_nothing_assigns_are_left_to_the_interpreter_too() -> None:
    assert np.isnan(interpret(program(), np.ones(4))).all()


def test_loops_are_as_deep_as_in_the_interpreter() -> None:
    for depth, held in ((DEEPEST, True), (DEEPEST + 1, False)):
        strides = (0,) * depth
        body: Any = copy(Address(OUTPUT, 0, strides), Address(INPUT, 0, strides))
        for _ in strides:
            body = Loop(1, (body,))
        if held:
            assert walked(program(body), [3.0] * 4, MANY)[0] == [3.0]
            assert Interpreter(program(body))(np.full(4, 3.0)) == [3.0]
        else:
            with pytest.raises(TooLong):
                walked(program(body), [3.0] * 4, MANY)
            with pytest.raises(ProgramError, match="inside each other"):
                Interpreter(program(body))
