"""Classic problems: every formula against the facts of its paper, every derivative in two ways.

Values and gradients are those of the papers and of numbers of 50 digits; and a minimiser, led by
the gradients, ends at the published minimum.
"""

import numpy as np
import pytest
from scipy import optimize

import wengert as wg
from problems import PROBLEMS, ROWS
from problems.derivatives import close, exact_jacobian, exact_values, gradient, jacobian
from problems.minimise import constrained_minimum, least_squares_minimum
from problems.problem import Array, Function, Problem

pytestmark = pytest.mark.no_cover  # long; what it runs is run by others, too

every_problem = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
RESIDUALS = [row for row in ROWS if row.kind == "residuals"]
CONSTRAINED = [row for row in ROWS if row.kind == "constrained"]
SOLVED = [row for row in ROWS if row.solution is not None]
ids = {"ids": lambda row: row.name}


def functions_of(row: Problem) -> list[Function]:
    return [row.function, row.equalities, row.inequalities]


def off_the_start(row: Problem) -> Array:
    """A point of no symmetry near the start, inside the bounds."""
    x = np.array(row.start, float)
    return x + 0.01 * (1.0 + abs(x)) * np.sin(1.0 + np.arange(len(x)))


@every_problem
def test_values_and_derivatives_are_those_of_50_digits(row: Problem) -> None:
    for function in functions_of(row):
        for x in (np.array(row.start, float), off_the_start(row)):
            found = np.atleast_1d(np.array(function(x), float))
            assert close(found, exact_values(function, x))
            if len(found):
                assert close(jacobian(function, x), exact_jacobian(function, x), 9)


# --- facts ----------------------------------------------------------------------------------------


@every_problem
def test_a_row_is_complete(row: Problem) -> None:
    assert PROBLEMS[row.name] is row
    assert row.source
    assert row.solution is None or len(row.solution) == len(row.start)
    assert len(row.bounds) in (0, len(row.start))
    assert list(row.minima) == sorted(row.minima)


@pytest.mark.parametrize("row", [row for row in ROWS if row.at_start is not None], **ids)
def test_the_value_at_the_start_is_the_known_one(row: Problem) -> None:
    assert row.value(np.array(row.start)) == pytest.approx(row.at_start, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("row", SOLVED, **ids)
def test_the_value_at_the_solution_is_the_minimum(row: Problem) -> None:
    assert row.value(np.array(row.solution)) == pytest.approx(
        row.minima[0], rel=10.0 ** (1 - min(row.digits, 6)), abs=10.0 ** -(2 * row.digits - 5)
    )


@pytest.mark.parametrize("row", [row for row in SOLVED if row.kind != "constrained"], **ids)
def test_the_gradient_vanishes_at_the_solution(row: Problem) -> None:
    """As far as the solution's digits go: to change it by a last one would change as much."""
    x = np.array(row.solution)
    slopes = jacobian(row.function, x)
    if row.kind == "objective":
        assert np.all(abs(slopes) <= 10.0**-row.digits)
        return
    gradient = slopes.T @ np.array(row.function(x), float)
    curvature = abs(slopes).T @ abs(slopes)
    assert np.all(abs(gradient) <= 10.0**-row.digits * (curvature @ (1.0 + abs(x))))


@pytest.mark.parametrize("row", [row for row in SOLVED if row.kind == "constrained"], **ids)
def test_a_constrained_solution_is_feasible_and_stationary(row: Problem) -> None:
    """Karush, Kuhn and Tucker: the gradient is balanced by those of the active constraints."""
    x, allowed = np.array(row.solution), 2.0 * 10.0 ** (1 - row.digits)
    assert np.all(abs(np.array(row.equalities(x), float)) <= 10.0 * allowed)
    slack = np.array(row.inequalities(x), float)
    assert np.all(slack >= -10.0 * allowed)
    active = jacobian(row.inequalities, x)[slack <= 1e-3]
    at_bounds = [np.eye(len(x))[k] for k, (low, _) in enumerate(row.bounds) if x[k] - low < 1e-6]
    one_sided = [*active, *at_bounds]
    balancing = np.array([*jacobian(row.equalities, x), *one_sided])
    signs = [-np.inf] * (len(balancing) - len(one_sided)) + [0.0] * len(one_sided)
    slope = gradient(row, x)
    multipliers = optimize.lsq_linear(balancing.T, slope, (signs, np.inf), tol=1e-14).x
    assert np.all(
        abs(slope - balancing.T @ multipliers) <= 10.0 * allowed * (1.0 + abs(slope).max())
    )


def found(row: Problem, got: float) -> bool:
    """Whether a minimum is a published one: to the six digits that the papers print."""
    return any(got == pytest.approx(minimum, rel=6e-6, abs=1e-11) for minimum in row.minima)


@pytest.mark.parametrize("row", [row for row in RESIDUALS if row.reachable], **ids)
def test_a_minimiser_of_squares_ends_at_a_published_minimum(row: Problem) -> None:
    got = least_squares_minimum(row)
    assert found(row, got), got


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind == "objective"], **ids)
def test_a_minimiser_ends_at_a_published_minimum(row: Problem) -> None:
    result = optimize.minimize(
        row.value, np.array(row.start), jac=lambda x: gradient(row, x), options={"gtol": 1e-9}
    )
    assert found(row, result.fun), result.fun


@pytest.mark.parametrize("row", [r for r in CONSTRAINED if r.minima and r.reachable], **ids)
def test_a_constrained_minimiser_ends_at_a_published_minimum(row: Problem) -> None:
    got = constrained_minimum(row)
    assert found(row, got), got


# --- the same functions recorded ------------------------------------------------------------------


@every_problem
def test_a_recorded_problem_computes_the_same_bits(row: Problem) -> None:
    x = np.array(row.start, float)
    for function in functions_of(row):
        expected = np.atleast_1d(np.array(function(x), float))
        if len(expected):
            program = wg.record(function, x)
            assert np.atleast_1d(np.array(program(x), float)).tobytes() == expected.tobytes()
