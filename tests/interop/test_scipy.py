"""SciPy's solvers with exact derivatives: classic problems to their published minima."""

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import optimize, sparse

import wengert as wg
from problems import PROBLEMS, least_squares
from problems.constrained import ROWS as HOCK_SCHITTKOWSKI
from problems.control import double_integrator_at, van_der_pol_at
from problems.derivatives import jacobian
from problems.models import rosenbrock_at
from problems.problem import Problem

pytestmark = pytest.mark.no_cover  # long; what it runs is run by others, too

MORE_GARBOW_HILLSTROM = least_squares.ROWS
FIRM = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": 5000, "x_scale": "jac"}
FINE = {"gtol": 1e-13, "xtol": 1e-14, "barrier_tol": 1e-12, "maxiter": 3000}
HESSIANS = (True, "hvp", "sparse")
ids = {"ids": lambda row: row.name}


def found(row: Problem, got: float, least: float = 1e-11) -> bool:
    """Whether a minimum is a published one: to the six digits that the papers print."""
    return any(got == pytest.approx(minimum, rel=6e-6, abs=least) for minimum in row.minima)


def conditions(row: Problem, sparse: bool = False) -> list[Any]:
    made = [
        wg.scipy.NonlinearConstraint(row.equalities, 0.0, 0.0, sparse=sparse),
        wg.scipy.NonlinearConstraint(row.inequalities, 0.0, np.inf, sparse=sparse),
    ]
    return [each for each in made if len(each.fun(row.start))]


# --- sums of squares ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["trf", "lm"])
@pytest.mark.parametrize("row", MORE_GARBOW_HILLSTROM, **ids)
def test_least_squares_ends_at_a_published_minimum(row: Problem, method: str) -> None:
    result = wg.scipy.least_squares(row.function, row.start, method=method, **FIRM)
    assert found(row, 2.0 * result.cost), result
    assert np.allclose(result.jac, jacobian(row.function, result.x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("row", MORE_GARBOW_HILLSTROM, **ids)
def test_quasi_newton_ends_at_a_published_minimum(row: Problem) -> None:
    result = wg.scipy.minimize(row.value, row.start, method="BFGS", gtol=1e-11)
    assert found(row, result.fun, 2e-9), result  # the twelve of Watson lie in a flat valley


@pytest.mark.parametrize("row", MORE_GARBOW_HILLSTROM, **ids)
def test_newton_ends_at_a_published_minimum(row: Problem) -> None:
    radii = {"initial_trust_radius": 0.1, "max_trust_radius": 1e8}
    result = wg.scipy.minimize(
        row.value, row.start, method="trust-exact", gtol=1e-9, maxiter=2000, **radii
    )
    assert found(row, result.fun), result


# --- constraints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("row", HOCK_SCHITTKOWSKI, **ids)
def test_sequential_quadratic_programming_reaches_the_minimum(row: Problem) -> None:
    result = wg.scipy.minimize(
        row.value, row.start, method="SLSQP", bounds=row.bounds or None,
        constraints=conditions(row), ftol=1e-15, maxiter=500,
    )  # fmt: skip
    assert found(row, result.fun), result


@pytest.mark.parametrize("hess", HESSIANS)
@pytest.mark.parametrize("row", HOCK_SCHITTKOWSKI, **ids)
def test_interior_points_with_exact_hessians_reach_the_minimum(row: Problem, hess: Any) -> None:
    result = wg.scipy.minimize(
        row.value, row.start, method="trust-constr", bounds=row.bounds or None, hess=hess,
        constraints=conditions(row, hess == "sparse"), **FINE,
    )  # fmt: skip
    assert found(row, result.fun), result


@pytest.mark.parametrize("row", [double_integrator_at(20), van_der_pol_at(20)], **ids)
def test_optimal_control_by_sparse_hessians(row: Problem) -> None:
    told = {"method": "trust-constr", "gtol": 1e-10, "xtol": 1e-12, "maxiter": 500}
    result = wg.scipy.minimize(
        row.function, row.start, hess="sparse", constraints=conditions(row, sparse=True), **told
    )
    assert sparse.issparse(result.jac[0])
    assert np.abs(row.equalities(result.x)).max() < 1e-9
    by_hand = optimize.minimize(
        row.function, row.start, jac=lambda x: jacobian(row.function, x)[0], method="SLSQP",
        constraints={"type": "eq", "fun": row.equalities,
                     "jac": lambda x: jacobian(row.equalities, x)},
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert result.fun == pytest.approx(by_hand.fun, rel=1e-7)
    if row.minima:
        assert result.fun == pytest.approx(row.minima[0], rel=1e-8)
        assert np.allclose(result.x, row.solution, atol=1e-6)


def test_rosenbrocks_hundred_unknowns_by_products() -> None:
    row = rosenbrock_at(100)
    result = wg.scipy.minimize(
        row.value, row.start, method="Newton-CG", hess="hvp", xtol=1e-12, maxiter=2000
    )
    assert np.allclose(result.x, 1.0, atol=1e-6)


# --- evaluations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "TNC", "SLSQP", "trust-constr"])
@pytest.mark.parametrize("name", ["wood, 4", "extended rosenbrock, 10", "brown dennis, 4"])
def test_there_are_fewer_evaluations_than_with_differences(method: str, name: str) -> None:
    row = PROBLEMS[name]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        differences = optimize.minimize(row.value, row.start, method=method)
        exact = wg.scipy.minimize(row.value, row.start, method=method)
    assert exact.nfev < differences.nfev
    assert exact.fun <= differences.fun * (1.0 + 1e-3) + 1e-4
