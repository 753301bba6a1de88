"""Reverse mode: random programs against eager Values, edges of rows, what is summed up."""

from collections.abc import Iterable

import numpy as np
import pytest
from folding import assign, at, value
from hypothesis import given, settings
from hypothesis import strategies as st
from making import from_array
from meaning import hold, jacobian_by, second, unsimplified
from randomly import GIVEN, random_program

import wengert as wg
from wengert import primitives as p
from wengert.derive.programs import gradient, jacobian, vjp
from wengert.derive.reverse import reverse
from wengert.dispatch import Primitive
from wengert.program.address import VALUE
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Statement, While, walk

pytestmark = pytest.mark.no_cover  # long; what it runs is run by others, too

ROWS = list(p.rows())


@given(st.sampled_from(list(GIVEN)), st.integers(0, 10**6))
@settings(max_examples=60)
def test_random_programs(kind: str, seed: int) -> None:
    program, inputs = random_program(kind, seed)
    hold(program, inputs, ["reverse"])


@given(st.sampled_from(list(GIVEN)), st.integers(0, 10**6))
@settings(max_examples=15)
def test_reverse_mode_of_derivatives(kind: str, seed: int) -> None:
    program, inputs = random_program(kind, seed, most=300)
    for further, point in second(program, inputs, seed):
        hold(further, point, ["reverse"])


# --- edges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_every_row_at_its_edges(row: Primitive) -> None:
    program = wg.record(row, *(1.0,) * row.nin, passes=())
    for edge in row.edges:
        found = jacobian_by("reverse", program, edge.at)
        assert np.array_equal(found[0], edge.partials, equal_nan=True), edge
        backwards = vjp(program)(*edge.at, 0.0)
        assert backwards == (0.0,) * row.nin, "a zero absorbs"


@pytest.mark.parametrize("row", [row for row in ROWS if row.edges], ids=repr)
def test_second_derivatives_at_edges_are_those_of_values(row: Primitive) -> None:
    program = wg.record(row, *(1.0,) * row.nin, passes=())
    for edge in row.edges:
        hold(gradient(program, tuple(range(row.nin))), edge.at, ["reverse"])


# --- sums and assignments -------------------------------------------------------------------------


def accumulates(statements: Iterable[Statement]) -> list[Accumulate]:
    return [item for item, _ in walk(statements) if isinstance(item, Accumulate)]


def backwards(program: Program) -> tuple[Statement, ...]:
    """What reverse mode writes, by all inputs."""
    return reverse(program, np.ones(program.arguments.size, bool)).statements


def runge_kutta(a, b, x, y, steps=50):
    """Steps of the midpoint rule."""

    def slope(x, y):
        return x * (a - b * y), y * (b * x - a)

    def step(k, state):
        x, y = state
        dx, dy = slope(x, y)
        dx, dy = slope(x + 0.05 * dx, y + 0.05 * dy)
        return x + 0.1 * dx, y + 0.1 * dy

    return wg.fori(steps, step, (x, y))


def test_a_recurrence_sums_up_nothing_but_its_parameters() -> None:
    """What is carried is passed from round to round."""
    program = wg.record(runge_kutta, 1.1, 0.4, 1.0, 1.2, passes=())
    assert not accumulates(reverse(program, np.array([False, False, True, True])).statements)
    assert len({item.target for item in accumulates(backwards(program))}) == 2
    hold(program, [1.1, 0.4, 1.0, 1.2])


def test_weights_of_a_matrix_are_assigned() -> None:
    rng = np.random.default_rng(1)
    weights, x = rng.normal(size=(7, 5)), rng.normal(size=5)

    def product(w, x):
        return [wg.tanh(wg.dot(row, x)) for row in w]

    program = wg.record(product, weights, x)
    by_weights = reverse(program, np.arange(program.arguments.size) < weights.size)
    assert not accumulates(by_weights.statements), "each is read once"
    assert accumulates(backwards(program)), "x is read by every row"
    hold(program, [*weights.ravel(), *x])


def test_what_is_made_and_used_in_one_round_needs_no_sum() -> None:
    program = wg.record(lambda xs: wg.sum([wg.exp(wg.sin(x) * wg.sin(x)) for x in xs]),
                        np.linspace(0.1, 0.9, 50))  # fmt: skip
    assert not accumulates(backwards(program))


def added(program: Program, wanted: list[bool], chosen: list[bool] | None = None) -> int:
    """How many statements reverse mode adds."""
    mask = None if chosen is None else np.array(chosen)
    derived = reverse(program, np.array(wanted), chosen=mask)
    return len(list(walk(derived.statements))) - len(list(walk(program.statements)))


def test_what_does_not_matter_has_no_adjoint() -> None:
    def function(x, y):
        return wg.sin(y) * wg.exp(y) + wg.tanh(x), wg.exp(x) * wg.sin(x)

    program = wg.record(function, 1.5, 0.5, passes=())
    assert added(program, [False, False]) == 0
    tanh = wg.record(lambda x: (wg.tanh(x), x), 1.5, passes=())
    assert added(program, [True, False], [True, False]) == added(tanh, [True], [True, False])
    assert added(program, [True, True], [False, False]) == 2, "two zeros"


# --- what hands made ------------------------------------------------------------------------------


def test_a_guard_may_be_read_where_values_are() -> None:
    """Its adjoint is summed up with theirs, and nobody reads it."""
    program = from_array(
        [
            assign(value(0), p.sin, at("input", 0)),
            Guard(value(1), p.less, (at("input", 0), at("constant", 0)), at("constant", 0)),
            Loop(2, (assign(value(2, 1), p.mul, value(0, 1), value(0, 1)),)),
            assign(at("output", 0), p.add, value(2), value(3)),
        ],
        4, [1.0], [], 1, 1,
    )  # fmt: skip
    known = hold(program, [0.5])
    assert known.jacobian[0, 0] == pytest.approx(2.0 * np.sin(0.5) * np.cos(0.5), rel=1e-15)


def test_a_while_loop_with_a_result_that_nobody_reads() -> None:
    """What it reads for that result alone has no tangent."""

    def here(k: int) -> object:
        return at("w", k, 3)

    def body(k: int) -> object:
        return at("w", k + 3, 3)

    first = tuple(assign(here(k), None, at("input", k, 0)) for k in range(2))
    loop = While(
        "w", first, (assign(here(2), p.less, here(0), at("constant", 0, 0)),), here(2),
        (assign(body(0), p.add, here(0), here(0)), assign(body(1), p.mul, here(1), here(0))),
        tuple(assign(value(k, 0), None, here(k)) for k in range(2)),
    )  # fmt: skip
    program = from_array([loop, assign(at("output", 0), None, value(0))], 2, [3.0], [], 2, 1)
    known = hold(program, [0.5, 0.7])
    assert known.jacobian.tolist() == [[8.0, 0.0]]


def test_a_sum_of_which_some_places_are_not_read() -> None:
    program = from_array(
        [
            Loop(3, (assign(value(0, 1), None, at("constant", 0, 0)),)),
            Loop(3, (assign(value(3, 1), p.sin, at("input", 0, 1)),)),
            Loop(3, (Loop(3, (assign_sum(value(0, 1, 0), value(3, 0, 1)),)),)),
            assign(at("output", 0), p.exp, value(1)),
        ],
        6, [0.5], [], 3, 1,
    )  # fmt: skip
    inputs = [0.3, 0.6, 0.9]
    hold(program, inputs)
    for further, point in second(program, inputs):
        hold(further, point)


def assign_sum(target: object, operand: object) -> Accumulate:
    return Accumulate(target, operand)  # type: ignore[arg-type]


def test_sums_that_begin_in_columns() -> None:
    """Enough zeros in a row for columns; some are summed up, fewer are read."""
    many = 70
    program = from_array(
        [
            *(assign(value(k), None, at("constant", 0)) for k in range(many)),
            Loop(many, (Accumulate(value(0, 1), at("input", 0, 0)),)),
            Loop(3, (Accumulate(value(5, 1), at("input", 1, 0)),)),
            assign(value(many), p.mul, value(5), value(many - 1)),
            assign(at("output", 0), p.sin, value(many)),
        ],
        many + 1, [0.25], [], 2, 1,
    )  # fmt: skip
    assert type(program.statements[0]).__name__ == "Run"
    inputs = [0.3, 0.6]
    hold(program, inputs)
    for further, point in second(program, inputs):
        hold(further, point)


def test_gathers_hit_some_places_often_and_others_never() -> None:
    chosen = [3, 1, 3, 0, 1, 3, 3, 0]
    program = from_array(
        [
            Loop(8, (assign(value(0, 1), p.sin, at("input", 0, 0, lookup=(0, 1))),)),
            Loop(8, (assign(value(8, 1), p.mul, value(0, 0, lookup=(0, 1)), value(0, 1)),)),
            Loop(8, (assign(at("output", 0, 1), None, value(8, 1)),)),
        ],
        16, [], chosen, 5, 8,
    )  # fmt: skip
    known = hold(program, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert not known.jacobian[:, [2, 4]].any()


def test_many_cotangents_are_a_loop_around_the_way_back() -> None:
    program = wg.record(lambda x: [wg.sin(x) * k for k in range(1, 60)], 0.5)
    few = unsimplified(jacobian, wg.record(lambda x: [wg.sin(x), x], 0.5), 0, False, "reverse")
    many = unsimplified(jacobian, program, 0, False, "reverse")
    assert many.size < few.size + program.size * 2
    assert max(len(around) for _, around in walk(many.statements)) == 2
    assert all(item.target.memory != VALUE or item.target.base < many.values
               for item, _ in walk(many.statements) if isinstance(item, Assign))  # fmt: skip
