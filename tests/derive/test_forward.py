"""Forward mode: random programs against eager Values, edges of rows, what is left out."""

import numpy as np
import pytest
from folding import assign, at, value
from hypothesis import given, settings
from hypothesis import strategies as st
from making import from_array
from meaning import hold, jacobian_by, numbers, second, unsimplified
from randomly import GIVEN, random_program

import wengert as wg
from wengert import primitives as p
from wengert.derive.forward import forward
from wengert.derive.programs import jacobian, jvp
from wengert.dispatch import Primitive
from wengert.program.address import INPUT
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Loop, walk

ROWS = list(p.rows())


@given(st.sampled_from(list(GIVEN)), st.integers(0, 10**6))
@settings(max_examples=60)
def test_random_programs(kind: str, seed: int) -> None:
    program, inputs = random_program(kind, seed)
    hold(program, inputs, ["forward"])


@given(st.sampled_from(list(GIVEN)), st.integers(0, 10**6))
@settings(max_examples=15)
def test_forward_mode_of_derivatives(kind: str, seed: int) -> None:
    program, inputs = random_program(kind, seed, most=300)
    for further, point in second(program, inputs, seed):
        hold(further, point, ["forward"])


# --- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_every_row_at_its_edges(row: Primitive) -> None:
    program = wg.record(row, *(1.0,) * row.nin, passes=())
    for edge in row.edges:
        found = jacobian_by("forward", program, edge.at)
        assert np.array_equal(found[0], edge.partials, equal_nan=True), edge
        for k, partial in enumerate(edge.partials):  # one direction, in which the others are zero
            unit = [float(j == k) for j in range(row.nin)]
            _, slope = jvp(program)(*edge.at, tuple(unit))
            assert np.array_equal(slope, partial, equal_nan=True)


# --- what is left out -----------------------------------------------------------------------------


def added(program: Program, wanted: list[bool], directions: int = 1) -> int:
    """How many statements forward mode adds."""
    derived = forward(program, np.array(wanted), directions)
    return len(list(walk(derived.statements))) - len(list(walk(program.statements)))


def test_what_does_not_depend_on_a_wanted_input_has_no_tangent() -> None:
    program = wg.record(lambda x, y: wg.sin(y) * wg.exp(y) + x * wg.floor(x) + (x > y), 1.5, 0.5)
    inactive = wg.record(lambda x: x * wg.floor(x), 1.5)
    assert added(program, [True, False]) == added(inactive, [True]) + 2, "moves through two sums"
    assert added(program, [False, False]) == 1, "the output's, a zero"


def test_products_with_one_are_not_written() -> None:
    program = wg.record(lambda x, y: x + y - x, 1.5, 0.5, passes=())
    derived = forward(program, np.array([True, True]))
    rows = [item.row.name for item, _ in walk(derived.statements)
            if isinstance(item, Assign) and item.row]  # fmt: skip
    assert rows == ["add", "add", "sub", "neg", "add"]


def test_directions_are_a_loop_inside_of_all_others() -> None:
    program = wg.record(lambda x: wg.fori(9, lambda _, z: wg.sin(z), x), 0.5)
    assert added(program, [True], 1) == added(program, [True], 1000)
    derived = forward(program, np.array([True]), 1000)
    assert max(len(around) for _, around in walk(derived.statements)) == 2


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_the_size_does_not_depend_on_counts(mode: str) -> None:
    def steps(count: int) -> Program:
        def body(state, x):
            a, b = state
            return (wg.sin(a) * b + x, a * 0.5), a * b

        def run(a, b):
            return wg.scan(body, (a, b), np.full(count, 0.25))[0]

        return wg.record(run, 0.3, 0.7)

    few, many = (unsimplified(jacobian, steps(n), (0, 1), False, mode) for n in (10, 10**6))
    assert few.size == many.size
    assert few.simplify().size == many.simplify().size


# --- sums -----------------------------------------------------------------------------------------


def summed() -> Program:
    """Inputs are added to one number, values to others, and nobody reads some of them."""
    return from_array(
        [
            *(assign(value(k), None, at("constant", 0)) for k in range(4)),
            Accumulate(value(0), at("input", 0)),
            Loop(3, (
                assign(value(4, 1), p.sin, at("input", 0, 1)),
                Accumulate(value(1, 1), value(4, 1)),
                Accumulate(value(0, 0), value(4, 1)),
            )),
            assign(at("output", 0), p.exp, value(0)),
            assign(at("output", 1), p.exp, value(2)),
        ],
        7, [0.25], [], 3, 2,
    )  # fmt: skip


def test_sums_start_at_zero_where_what_they_start_with_does_not_depend_on_anything() -> None:
    program, inputs = summed(), [0.3, 0.6, 0.9]
    hold(program, inputs)
    for further, point in second(program, inputs):
        hold(further, point)


def test_looked_up_outside_of_loops() -> None:
    """As it is left when a loop of one round is taken away."""
    out = [at("output", 0, lookup=(k,)) for k in (0, 1)]
    program = from_array(
        [assign(out[0], None, at("input", 1)), assign(out[1], p.sin, at("input", 0, lookup=(0,)))],
        0, [], [1, 0], 2, 2,
    )  # fmt: skip
    inputs = [0.3, 0.6]
    assert jacobian_by("forward", program, inputs).tolist() == [[0.0, np.cos(0.6)], [0.0, 1.0]]
    hold(program, inputs)
    for further, point in second(program, inputs):
        hold(further, point)


@pytest.mark.parametrize("directions", [1, 2, 5])
def test_tangents_are_inputs_where_no_seeds_are_given(directions: int) -> None:
    program = wg.record(lambda xs: [wg.sin(xs[0]) * xs[1], xs[1] ** 2], np.array([0.3, 0.7]))
    derived = forward(program, np.array([True, True]), directions)
    read = {item.operands[k].base for item, _ in walk(derived.statements)
            if isinstance(item, Assign) for k in range(len(item.operands))
            if item.operands[k].memory == INPUT and item.operands[k].base >= 2}  # fmt: skip
    assert read == {2, 3}, "one behind the other, in the loop over directions"


def test_a_tangent_times_the_jacobian() -> None:
    program = wg.record(lambda x, y: (wg.sin(x) * y, x / y), 0.3, 0.7)
    tangents = numbers(2, 3)
    known = hold(program, [0.3, 0.7])
    values, slopes = jvp(program)(0.3, 0.7, tuple(tangents))
    assert values == program(0.3, 0.7)
    assert np.allclose(slopes, known.jacobian @ tangents, rtol=1e-15, atol=1e-16)
