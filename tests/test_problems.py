"""Classic problems: every formula against the facts of its paper, every derivative in two ways.

The second way takes nothing from the table: the same functions on numbers of 50 digits, with
mpmath's functions in place of ours, and differences so narrow that all of a float's digits are
right. A third fact is that a minimiser, led by the derivatives, ends at the published minimum.
"""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import integrate, optimize, stats

import scenarios
import wengert as wg
from oracle import mp
from problems import PROBLEMS, ROWS, constrained, control, least_squares, models, stiff
from problems.problem import Array, Function, Numbers, Problem

every_problem = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
RESIDUALS = [row for row in ROWS if row.kind == "residuals"]
CONSTRAINED = [row for row in ROWS if row.kind == "constrained"]
SOLVED = [row for row in ROWS if row.solution is not None]
ids = {"ids": lambda row: row.name}

# --- derivatives by Values ------------------------------------------------------------------------


def jacobian(function: Function, x: Numbers) -> Array:
    """A row for each output, by back-propagation through Values."""
    leaves = [wg.Value(float(xk)) for xk in x]
    rows = []
    for output in np.atleast_1d(np.array(function(np.array(leaves)), dtype=object)):
        for leaf in leaves:
            leaf.grad = 0.0
        if isinstance(output, wg.Value):
            output.backward()
        rows.append([leaf.grad for leaf in leaves])
    return np.array(rows).reshape(-1, len(leaves))


def gradient(row: Problem, x: Numbers) -> Array:
    return jacobian(row.value, x)[0]


# --- and by 50 digits -----------------------------------------------------------------------------

EXACT = SimpleNamespace(
    exp=mp.exp, log=mp.log, sin=mp.sin, cos=mp.cos, sqrt=mp.sqrt, atan=mp.atan, tanh=mp.tanh,
    sigmoid=lambda x: 1 / (1 + mp.exp(-x)),
    norm_cdf=lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
    logsumexp=lambda xs: mp.log(sum(map(mp.exp, xs))),
    sum=sum,
    where=lambda condition, x, y: x if condition else y,
    while_loop=wg.while_loop,
)  # fmt: skip
MODULES = (scenarios, least_squares, constrained, models, stiff, control)
STEP = mpmath.mpf(10) ** -15


@pytest.fixture
def exactly(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Array]:
    """A function's outputs, or its Jacobian, by numbers of 50 digits; rounded at the end."""

    def run(function: Function, x: Numbers, wanted: str = "values") -> Array:
        with monkeypatch.context() as patch:
            for module in MODULES:
                patch.setattr(module, "wg", EXACT, raising=False)
            point = np.array([mp.mpf(float(xk)) for xk in x])
            if wanted == "values":
                return np.atleast_1d(np.array(function(point), dtype=object)).astype(float)
            return np.array([_slope(function, point, k) for k in range(len(point))]).T

    return run


def _slope(function: Function, point: Array, k: int) -> Array:
    there, back = point.copy(), point.copy()
    there[k], back[k] = point[k] + STEP, point[k] - STEP
    difference = np.atleast_1d(np.array(function(there) - function(back), dtype=object))
    return (difference / (2 * STEP)).astype(float)


def functions_of(row: Problem) -> list[Function]:
    return [row.function, row.equalities, row.inequalities]


def off_the_start(row: Problem) -> Array:
    """A point of no symmetry near the start, inside the bounds."""
    x = np.array(row.start, float)
    return x + 0.01 * (1.0 + abs(x)) * np.sin(1.0 + np.arange(len(x)))


def close(found: Array, exact: Array, digits: float = 11) -> bool:
    """Equal up to so many digits of the largest number."""
    return bool(np.all(abs(found - exact) <= 10.0**-digits * (1.0 + np.max(abs(exact), initial=0.0))))


@every_problem
def test_values_and_derivatives_are_those_of_50_digits(
    row: Problem, exactly: Callable[..., Array]
) -> None:
    for function in functions_of(row):
        for x in (np.array(row.start, float), off_the_start(row)):
            found = np.atleast_1d(np.array(function(x), float))
            assert close(found, exactly(function, x))
            if len(found):
                assert close(jacobian(function, x), exactly(function, x, "slopes"), 9)


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
    """As far as the solution's digits go: Newton's step from there is no longer than they allow."""
    x = np.array(row.solution)
    if row.kind == "objective":
        assert close(gradient(row, x), np.zeros(len(x)), row.digits)
        return
    step = np.linalg.lstsq(jacobian(row.function, x), -np.array(row.function(x), float))[0]
    assert np.all(abs(step) <= 10.0**-row.digits * (1.0 + abs(x)))


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
    assert np.all(abs(slope - balancing.T @ multipliers) <= 10.0 * allowed * (1.0 + abs(slope).max()))


def found(row: Problem, got: float) -> bool:
    """Whether a minimum is a published one: to the six digits that the papers print."""
    return any(got == pytest.approx(minimum, rel=6e-6, abs=1e-11) for minimum in row.minima)


@pytest.mark.parametrize("row", [row for row in RESIDUALS if row.reachable], **ids)
def test_a_minimiser_of_squares_ends_at_a_published_minimum(row: Problem) -> None:
    result = optimize.least_squares(
        row.function, np.array(row.start), lambda x: jacobian(row.function, x),
        method="lm" if len(row.function(row.start)) >= len(row.start) else "trf",
        x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=5000,
    )  # fmt: skip
    assert found(row, 2.0 * result.cost), 2.0 * result.cost


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind == "objective"], **ids)
def test_a_minimiser_ends_at_a_published_minimum(row: Problem) -> None:
    result = optimize.minimize(
        row.value, np.array(row.start), jac=lambda x: gradient(row, x), options={"gtol": 1e-9}
    )
    assert found(row, result.fun), result.fun


def constrained_minimum(row: Problem) -> Any:
    conditions = [
        {"type": kind, "fun": function, "jac": lambda x, f=function: jacobian(f, x)}
        for kind, function in (("eq", row.equalities), ("ineq", row.inequalities))
        if len(function(row.start))
    ]
    return optimize.minimize(
        row.value, np.array(row.start), jac=lambda x: gradient(row, x), method="SLSQP",
        bounds=row.bounds or None, constraints=conditions,
        options={"ftol": 1e-15, "maxiter": 500},
    )  # fmt: skip


@pytest.mark.parametrize("row", [r for r in CONSTRAINED if r.minima and r.reachable], **ids)
def test_a_constrained_minimiser_ends_at_a_published_minimum(row: Problem) -> None:
    got = constrained_minimum(row).fun
    assert found(row, got), got


# --- models by other means ------------------------------------------------------------------------


def test_the_mixture_is_that_of_scipys_normal_distributions() -> None:
    row = PROBLEMS["Gaussian mixture, 12 points"]
    data, (k, d) = scenarios.noise(12, 3), (2, 3)
    weights, means, logs, lower = np.split(row.start, [k, k + k * d, k + 2 * k * d])
    shares = np.exp(weights) / np.exp(weights).sum()
    density = np.zeros(12)
    for c in range(k):
        factor = np.diag(np.exp(logs.reshape(k, d)[c]))
        factor.T[np.triu_indices(d, 1)] = lower.reshape(k, -1)[c]
        covariance = np.linalg.inv(factor.T @ factor)
        density += shares[c] * stats.multivariate_normal(means.reshape(k, d)[c], covariance).pdf(data)
    assert row.value(row.start) == pytest.approx(np.log(density).sum(), rel=1e-10)


def test_the_lstm_is_that_of_matrices() -> None:
    row = PROBLEMS["LSTM, 3 wide, 5 steps"]
    weights, biases, xs = scenarios.lstm_example(3, 5, 2)
    h, c = np.zeros(3), np.zeros(3)
    for x in xs:
        keep, take, give, new = weights @ np.concatenate([h, x]) + biases
        keep, take, give = (1.0 / (1.0 + np.exp(-z)) for z in (keep, take, give))
        c = keep * c + take * np.tanh(new)
        h = give * np.tanh(c)
    assert row.value(row.start) == pytest.approx(h[0] + c[0], rel=1e-13)


def test_runge_kutta_is_as_near_to_the_solution_as_its_order_says() -> None:
    row = PROBLEMS["Lotka-Volterra, 200 steps"]
    a, b, c, d, *start = row.start
    end = integrate.solve_ivp(
        lambda _, z: (z[0] * (a - b * z[1]), z[1] * (d * z[0] - c)), (0.0, 0.2), start,
        "DOP853", rtol=1e-13, atol=1e-13,
    ).y[:, -1]  # fmt: skip
    assert row.value(row.start) == pytest.approx(end @ end, rel=1e-11)


def test_the_price_of_hulls_example() -> None:
    row = PROBLEMS["Black-Scholes"]
    assert round(row.value(row.start), 2) == 4.76


@pytest.mark.parametrize("x", [(42.0, 40.0, 0.1, 0.2, 0.5), (90.0, 120.0, -0.01, 0.5, 2.0)])
def test_the_greeks_in_closed_form(x: Numbers, exactly: Callable[..., Array]) -> None:
    first, second = models.first_greeks(x), models.second_greeks(x)
    assert close(jacobian(models.black_scholes, x)[0], first, 13)
    assert close(exactly(models.black_scholes, x, "slopes")[0], first, 13)

    def price(*point: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(models, "wg", EXACT)
            return models.black_scholes(point)

    for i in range(5):
        for j in range(5):
            orders = tuple((k == i) + (k == j) for k in range(5))
            exact = mp.diff(price, tuple(map(mp.mpf, x)), orders)
            assert second[i, j] == pytest.approx(float(exact), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("name", ["Kepler, guards", "Kepler, while_loop"])
@pytest.mark.parametrize(("mean", "eccentricity"), [(0.8, 0.6), (0.01, 0.0), (3.0, 0.95)])
def test_keplers_equation_is_solved(name: str, mean: float, eccentricity: float) -> None:
    root = PROBLEMS[name].value((mean, eccentricity))
    known = optimize.brentq(lambda e: e - eccentricity * math.sin(e) - mean, 0.0, 4.0, xtol=1e-14)
    assert root == pytest.approx(known, abs=1e-11)
    turn = 1.0 - eccentricity * math.cos(root)  # by the implicit function theorem
    slopes = jacobian(PROBLEMS[name].function, (mean, eccentricity))[0]
    assert slopes == pytest.approx([1.0 / turn, math.sin(root) / turn], rel=1e-6)


@pytest.mark.parametrize("name", ["bisection, guards", "bisection, while_loop"])
@pytest.mark.parametrize("a", [0.3, 5.0, 1e4])
def test_bisection_finds_the_root(name: str, a: float) -> None:
    root = PROBLEMS[name].value((a,))
    (known,) = (r.real for r in np.roots([1.0, 0.0, 1.0, -a]) if abs(r.imag) < 1e-9)
    assert root == pytest.approx(known, rel=1e-13)
    slope = jacobian(PROBLEMS[name].function, (a,))[0, 0]
    assert slope == pytest.approx(1.0 / (3.0 * root**2 + 1.0), rel=1e-6)


# --- stiff equations and control by other means ---------------------------------------------------


@pytest.mark.parametrize(
    ("make", "dimension", "slope", "time"),
    [
        (stiff.van_der_pol_at, 2, stiff.van_der_pol, 10.0),
        (stiff.robertson_at, 3, stiff.robertson, 40.0),
    ],
)
def test_implicit_steps_end_near_the_solution(
    make: Callable[[int], Problem], dimension: int, slope: stiff.Slope, time: float
) -> None:
    ends = []
    for steps in (40, 80):
        row = make(steps)
        solved = optimize.fsolve(
            row.function, row.start, fprime=lambda x, f=row.function: jacobian(f, x), xtol=1e-12
        )
        assert close(row.function(solved), np.zeros(len(solved)), 8)
        ends.append(solved[-dimension:])
    initial = [2.0, 0.0] if dimension == 2 else [1.0, 0.0, 0.0]
    exact = integrate.solve_ivp(
        lambda _, y: slope(y), (0.0, time), initial, "Radau", rtol=1e-9, atol=1e-11
    ).y[:, -1]
    errors = [np.max(abs(end - exact)) for end in ends]
    assert errors[1] < 0.01
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.3)  # a method of first order


def test_robertsons_concentrations_at_time_40() -> None:
    """The published ones, to check the rates: a, b/1e4 and c."""
    end = integrate.solve_ivp(
        lambda _, y: stiff.robertson(y), (0.0, 40.0), (1.0, 0.0, 0.0), "Radau", rtol=1e-10, atol=1e-12
    ).y[:, -1]  # fmt: skip
    assert end == pytest.approx([0.7158270688, 0.09185534765, 0.2841637457], rel=1e-7)


def test_the_control_is_that_of_pontryagins_principle() -> None:
    """The optimality conditions as a boundary value problem; the trapezoidal rule has order two."""

    def rates(_: Any, z: Array) -> Array:
        velocity, place, of_velocity, of_place = z
        turn = 1.0 - place**2
        return np.array(
            [
                turn * velocity - place - of_velocity / 2.0,
                velocity,
                -(2.0 * velocity + of_velocity * turn + of_place),
                -(2.0 * place - of_velocity * (2.0 * velocity * place + 1.0)),
            ]
        )

    times = np.linspace(0.0, control.TIME, 400)
    best = integrate.solve_bvp(
        rates, lambda a, b: np.array([a[0], a[1] - 1.0, b[2], b[3]]),
        times, np.zeros((4, 400)), tol=1e-9, max_nodes=100_000,
    )  # fmt: skip
    assert best.success
    velocity, place, of_velocity, _ = best.sol(np.linspace(0.0, control.TIME, 20_001))
    cost = np.trapezoid(velocity**2 + place**2 + of_velocity**2 / 4.0, dx=control.TIME / 20_000)
    errors = [constrained_minimum(control.van_der_pol_at(n)).fun - cost for n in (10, 20)]
    assert abs(errors[1]) < 0.02 * cost
    assert errors[0] / errors[1] == pytest.approx(4.0, abs=0.8)


# --- the same functions recorded ------------------------------------------------------------------


@every_problem
def test_a_recorded_problem_computes_the_same_bits(row: Problem) -> None:
    x = np.array(row.start, float)
    for function in functions_of(row):
        expected = np.atleast_1d(np.array(function(x), float))
        if len(expected):
            program = wg.record(function, x)
            assert np.atleast_1d(np.array(program(x), float)).tobytes() == expected.tobytes()
