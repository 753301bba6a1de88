"""The models among the classic problems, computed by other means: SciPy, NumPy, closed forms."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import integrate, optimize, stats

import scenarios
from oracle import mp
from problems import PROBLEMS, control, least_squares, models, stiff
from problems.derivatives import close, exact_jacobian, fifty_digits, jacobian
from problems.minimise import constrained_minimum
from problems.problem import Array, Numbers, Problem

pytestmark = pytest.mark.no_cover  # long; what it runs is run by others, too

# --- sums, networks and steps in time -------------------------------------------------------------


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
        density += shares[c] * stats.multivariate_normal(means.reshape(k, d)[c], covariance).pdf(
            data
        )
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
def test_the_greeks_in_closed_form(x: Numbers) -> None:
    first, second = models.first_greeks(x), models.second_greeks(x)
    assert close(jacobian(models.black_scholes, x)[0], first, 13)
    assert close(exact_jacobian(models.black_scholes, x)[0], first, 13)

    def price(*point: Any) -> Any:
        with fifty_digits():
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


# --- equations between neighbours -----------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [least_squares.discrete_boundary_value_at, least_squares.discrete_integral_at]
)
def test_both_discretisations_approach_the_solution_of_their_equation(
    make: Callable[[int], Problem],
) -> None:
    """u'' = (u + t + 1)³/2, 0 at both ends: u = 2/(2 - t) - t - 1, to second order."""
    errors = []
    for n in (9, 19):
        row, t = make(n), np.arange(1, n + 1) / (n + 1)
        solved = optimize.fsolve(row.function, row.start, xtol=1e-13)
        errors.append(np.max(abs(solved - (2.0 / (2.0 - t) - t - 1.0))))
    assert errors[0] < 1e-3
    assert errors[0] / errors[1] == pytest.approx(4.0, abs=0.3)


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
        lambda _, y: stiff.robertson(y), (0.0, 40.0), (1.0, 0.0, 0.0), "Radau",
        rtol=1e-10, atol=1e-12,
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
    cost = integrate.trapezoid(
        velocity**2 + place**2 + of_velocity**2 / 4.0, dx=control.TIME / 20_000
    )
    errors = [constrained_minimum(control.van_der_pol_at(n)) - cost for n in (10, 20)]
    assert abs(errors[1]) < 0.02 * cost
    assert errors[0] / errors[1] == pytest.approx(4.0, abs=0.8)
