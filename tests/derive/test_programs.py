"""Transforms of Programs: functions with loops of every kind, classic problems, every order.

Each derivative program keeps the invariants, comes back from text, file and pickle, and means the
same by the interpreter, by walking, and simplified.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import ROWS, Case
from meaning import (
    Eager,
    eager,
    evaluated,
    exact_jacobian,
    hold,
    hold_exactly,
    numbers,
    second,
    unsimplified,
)  # fmt: skip

import problems
import wengert as wg
from problems.problem import Problem
from scenarios import ROWS as SCENARIOS
from scenarios import SCENARIOS as NAMED
from scenarios import Scenario
from wengert.derive.programs import gradient, hessian, jacobian, jvp, vjp
from wengert.errors import OperandError
from wengert.program.invariants import checked
from wengert.program.program import Program

pytestmark = pytest.mark.no_cover  # long; what it runs is run by others, too

every_case = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
every_scenario = pytest.mark.parametrize("row", SCENARIOS, ids=lambda row: row.name)
every_problem = pytest.mark.parametrize("row", problems.ROWS, ids=lambda row: row.name)


def recorded(row: Case) -> tuple[Program, list[float]]:
    program = wg.record(row.function, *row.arguments)
    return program, program.arguments.numbers(row.arguments).tolist()


# --- loops of every kind --------------------------------------------------------------------------


@every_case
def test_first_derivatives(row: Case) -> None:
    program, inputs = recorded(row)
    raw = wg.record(row.function, *row.arguments, passes=())
    known = hold(raw, inputs)
    for stored in (program, program.simplify()):
        again = hold(stored, inputs)
        assert np.allclose(again.jacobian, known.jacobian, rtol=1e-13, atol=1e-15)
    if not row.jumps:
        hold_exactly(program, known, inputs)


@every_case
def test_second_derivatives(row: Case) -> None:
    program, inputs = recorded(row)
    for further, point in second(program, inputs):
        known = hold(further, point)
        if not row.jumps:
            hold_exactly(further, known, point)


@pytest.mark.parametrize("row", [row for row in ROWS if len(row.arguments) < 3
                                 and not isinstance(row.arguments[0], np.ndarray)],
                         ids=lambda row: row.name)  # fmt: skip
def test_third_derivatives(row: Case) -> None:
    program, inputs = recorded(row)
    for further, point in second(program, inputs):
        for third, place in second(further, point, 2):
            known = hold(third, place)
            if not row.jumps:
                hold_exactly(third, known, place)


@every_case
def test_the_two_modes_are_adjoint(row: Case) -> None:
    """⟨w, J v⟩ = ⟨Jᵀ w, v⟩."""
    program, inputs = recorded(row)
    known = eager(program, inputs)
    v, w = numbers(len(inputs), 3), numbers(program.results.size, 4)
    ahead = evaluated(jvp(program), [*inputs, *v])[program.results.size :]
    back = evaluated(vjp(program), [*inputs, *w])
    allowed = float(np.abs(w) @ known.bound @ np.abs(v)) * 2.0
    assert abs(np.dot(w, ahead) - np.dot(back, v)) <= allowed


@every_case
def test_derivatives_come_back_from_text_file_and_pickle(row: Case, tmp_path: Path) -> None:
    program, _ = recorded(row)
    for transform in (vjp, jvp):
        for derived in (unsimplified(transform, program), transform(program)):
            assert Program.parse(str(derived)) == derived
            derived.save(tmp_path / "program")
            assert wg.load(tmp_path / "program") == derived
            assert pickle.loads(pickle.dumps(derived)) == derived


# --- scenarios and classic problems ---------------------------------------------------------------


@every_scenario
def test_scenarios(row: Scenario) -> None:
    function, example = row.make(*row.small)
    program = wg.record(function, *example)
    inputs = program.arguments.numbers(example).tolist()
    known = eager(program, inputs)
    v, w = numbers(len(inputs), 3), numbers(program.results.size, 4)
    ahead = evaluated(jvp(program), [*inputs, *v])[program.results.size :]
    back = evaluated(vjp(program), [*inputs, *w])
    assert (abs(ahead - known.jacobian @ v) <= known.bound @ np.abs(v)).all()
    assert (abs(back - w @ known.jacobian) <= np.abs(w) @ known.bound).all()


@pytest.mark.parametrize("name", ["Rosenbrock", "heat equation", "sparse product, fixed"])
def test_second_derivatives_of_scenarios(name: str) -> None:
    """In three ways: forward over reverse, reverse over reverse, reverse over forward."""
    function, example = NAMED[name].make(*NAMED[name].small)
    program = wg.record(function, *example)
    inputs = program.arguments.numbers(example).tolist()
    backwards, w = vjp(program), numbers(program.results.size, 4)
    v = numbers(len(inputs), 5)
    known = eager(backwards, [*inputs, *w])
    by_inputs, bound = known.jacobian[:, : len(inputs)], known.bound[:, : len(inputs)]
    still = [0.0] * len(w)
    over = evaluated(jvp(backwards), [*inputs, *w, *v, *still])[len(inputs) :]
    assert (abs(over - by_inputs @ v) <= bound @ np.abs(v)).all()
    twice = evaluated(vjp(backwards), [*inputs, *w, *v])[: len(inputs)]
    assert (abs(twice - v @ by_inputs) <= np.abs(v) @ bound).all()
    ahead = jvp(program)  # (x, v) to f and J v, whose adjoints by x are the same numbers
    over = evaluated(vjp(ahead), [*inputs, *v, *still, *w])[: len(inputs)]
    assert (abs(over - by_inputs @ v) <= 2.0 * bound @ np.abs(v)).all()


@every_problem
def test_classic_problems(row: Problem) -> None:
    start = np.array(row.start, float)
    x = start + 0.01 * (1.0 + abs(start)) * np.sin(1.0 + np.arange(len(start)))
    program = wg.record(row.function, x)
    known = hold(program, x.tolist())
    exact = problem_jacobian(row, x)
    assert (abs(known.jacobian - exact) <= 1e-9 * (1.0 + known.scale + abs(exact))).all()


def problem_jacobian(row: Problem, x: Any) -> Any:
    from problems.derivatives import exact_jacobian as by_function

    return by_function(row.function, x)


@pytest.mark.parametrize("row", [row for row in problems.ROWS if len(row.start) <= 4],
                         ids=lambda row: row.name)  # fmt: skip
def test_hessians_of_classic_problems(row: Problem) -> None:
    start = np.array(row.start, float)
    x = start + 0.01 * (1.0 + abs(start)) * np.sin(1.0 + np.arange(len(start)))
    try:
        program = wg.record(row.value, x)
        slope = gradient(program)
    except OperandError:
        pytest.skip("it gives several numbers")
    known = hold(slope, x.tolist())
    found = np.array(evaluated(hessian(program), x.tolist())).reshape(len(x), -1)
    assert (abs(found - known.jacobian) <= known.bound).all()
    assert np.allclose(found, found.T, rtol=1e-9, atol=1e-9 * (1.0 + abs(found).max()))


# --- what must not leak ---------------------------------------------------------------------------

LEAKING = {
    "sqrt": lambda x: wg.where(x > 0.0, wg.sqrt(x), 2.0 * x * x),
    "log": lambda x: wg.where(x > 0.0, wg.log(x), 2.0 * x * x),
    "div": lambda x: wg.where(x != 0.0, 1.0 / x, 2.0 * x * x),
    "pow": lambda x: wg.where(x > 0.0, x**-1.5, 2.0 * x * x),
    "two": lambda x: wg.where(x > 0.0, wg.log(wg.sqrt(x) / x), 2.0 * x * x),
    "loop": lambda x: wg.fori(2, lambda i, t: t + wg.where(x > 0.0, wg.log(x), x * x), 0.0),
}


@pytest.mark.parametrize("name", LEAKING)
def test_the_side_that_is_not_taken_leaks_nothing(name: str) -> None:
    program = wg.record(LEAKING[name], 0.0)
    assert gradient(program)(0.0) == 0.0
    assert jvp(program)(0.0, (1.0,)) == (0.0, 0.0)
    assert hessian(program)(0.0) == 4.0
    assert gradient(gradient(program))(0.0) == 4.0, "reverse over reverse"
    assert jacobian(jacobian(program, 0, False, "forward"), 0, False, "reverse")(0.0) == 4.0
    assert gradient(hessian(program))(0.0) == 0.0


def test_composed_functions_at_their_kinks() -> None:
    clip = gradient(wg.record(lambda x: wg.clip(x, 0.0, 1.0), 0.5, passes=()))
    assert [clip(x) for x in (-1.0, 0.0, 0.5, 1.0, 2.0)] == [0.0, 0.0, 1.0, 0.0, 0.0]
    program = wg.record(wg.logaddexp, -np.inf, -np.inf, passes=())
    assert np.isfinite(gradient(program, (0, 1))(-np.inf, 1.0)).all()
    for mode in ("forward", "reverse"):
        for at in ((-np.inf, 1.0), (1.0, -np.inf), (0.0, 0.0), (800.0, -800.0)):
            found = jacobian(program, (0, 1), False, mode)(*at)
            assert sum(found) == pytest.approx(1.0)


# --- arguments and results ------------------------------------------------------------------------


@dataclass
class Spring:
    stiffness: Any
    lengths: Any


def energy(spring: Spring, xs: Any, more: Any) -> Any:
    total = more["mass"] * spring.stiffness
    for length, x in zip(spring.lengths, xs[0], strict=True):
        total = total + spring.stiffness * (x - length) ** 2
    return total * wg.exp(xs[1])


SPRING = Spring(1.5, np.array([0.3, 0.4])), [np.array([0.5, 0.9]), 0.2], {"mass": 2.0, "name": "s"}


def test_structures_stay_what_they_are() -> None:
    program = wg.record(energy, *SPRING)
    slope = gradient(program, (2, 0, 1))(*SPRING)
    assert isinstance(slope, tuple)
    more, spring, xs = slope
    assert isinstance(spring, Spring)
    assert set(more) == {"mass", "name"}
    known = eager(program, program.arguments.numbers(SPRING).tolist())
    found = [spring.stiffness, *spring.lengths, *xs[0], xs[1], more["mass"]]
    assert np.allclose(found, known.jacobian[0], rtol=1e-14)
    (last,) = gradient(program, [-1])(*SPRING)
    assert last["mass"] == more["mass"]
    hold(program, program.arguments.numbers(SPRING).tolist())


def test_results_in_structures() -> None:
    def function(x, ys):
        return {"a": x * ys[0], "b": (ys * x, [ys[1]]), "none": np.empty(0)}

    program = wg.record(function, 2.0, np.array([3.0, 5.0]))
    for mode in ("forward", "reverse"):
        found = jacobian(program, 1, False, mode)(2.0, np.array([3.0, 5.0]))
        assert found["a"].tolist() == [2.0, 0.0]
        assert found["b"][0].tolist() == [[2.0, 0.0], [0.0, 2.0]]
        assert found["b"][1][0].tolist() == [0.0, 1.0]
        assert found["none"].shape == (0, 2)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_nothing_at_all(mode: str) -> None:
    nothing = wg.record(lambda xs: xs * 2.0, np.empty(0))
    assert jacobian(nothing, 0, False, mode)(np.empty(0)).shape == (0, 0)
    no_inputs = wg.record(lambda xs, y: y * y, np.empty(0), 2.0)
    assert jacobian(no_inputs, 0, False, mode)(np.empty(0), 3.0).shape == (0,)
    assert gradient(no_inputs, (0, 1))(np.empty(0), 3.0)[1] == 6.0
    no_results = wg.record(lambda x: np.empty((0, 3)), 2.0)
    assert jacobian(no_results, 0, False, mode)(2.0).shape == (0, 3)
    assert vjp(no_results)(2.0, np.empty((0, 3))) == (0.0,)


def test_aux_is_passed_on_and_not_differentiated() -> None:
    program = wg.record(lambda x, y: (x * y, {"x": wg.exp(x), "y": y}), 2.0, 3.0)
    slope, aux = gradient(program, 0, True)(2.0, 3.0)
    assert slope == 3.0
    assert aux == {"x": np.exp(2.0), "y": 3.0}
    for mode in ("forward", "reverse"):
        found, aux = jacobian(program, (1, 0), True, mode)(2.0, 3.0)
        assert found == (2.0, 3.0)
        assert aux["y"] == 3.0
    (value, aux), slope = gradient(program, 0, True, True)(2.0, 3.0)
    assert (value, slope, aux["y"]) == (6.0, 3.0, 3.0)
    assert hessian(program, 0, True)(2.0, 3.0)[0] == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: gradient(f, 2), "argnums=2 of"), (lambda f: gradient(f, -3), "argnums=-3"),
        (lambda f: gradient(f, (0, -2)), "twice"), (lambda f: jacobian(f, 0, True), "a pair"),
        (lambda f: jacobian(f, 0, False, "sideways"), "sideways"),
        (lambda f: gradient(jacobian(f, (0, 1))), "one number"),
    ],
)  # fmt: skip
def test_mistakes_are_told(call: Any, message: str) -> None:
    program = wg.record(lambda x, y: x * y, 2.0, 3.0)
    with pytest.raises(OperandError, match=message):
        call(program)


def test_a_gradient_needs_one_number() -> None:
    with pytest.raises(OperandError, match=r"array of shape \(2,\)"):
        gradient(wg.record(lambda xs: xs * xs, np.ones(2)))


def test_a_guard_goes_with_the_derivative() -> None:
    program = wg.record(lambda x: x * x if x > 1.0 else -x, 2.0)
    slope = gradient(program)
    assert slope(3.0) == 6.0
    with pytest.raises(wg.PathChanged):
        slope(0.5)


def test_orders_up_to_six() -> None:
    program = wg.record(lambda x: x**3 * wg.sin(x), 0.5)
    known: Eager | None = None
    for _ in range(5):
        program = checked(gradient(program))
        known = hold(program, [0.5])
    assert known is not None
    exact = exact_jacobian(program, [0.5])
    assert abs(exact - known.jacobian) <= 1e-12 * known.scale
