"""What SciPy is given: Hessians in all forms, sparse Jacobians, constraints, and other paths."""

import warnings
from typing import Any

import numpy as np
import pytest
from quartic import quartic
from scipy import optimize, sparse

import wengert as wg
from problems import PROBLEMS
from problems.derivatives import jacobian
from problems.models import rosenbrock_at
from problems.problem import Array
from wengert.interop import scipy as interop

HESSIANS = (True, "hvp", "sparse")


# --- Hessians in all forms ------------------------------------------------------------------------

TAKERS = ["Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"]


@pytest.mark.parametrize("hess", HESSIANS)
@pytest.mark.parametrize("method", TAKERS)
def test_every_form_of_the_hessian_serves_every_method_that_takes_it(
    method: str, hess: Any
) -> None:
    row = rosenbrock_at(10)
    result = wg.scipy.minimize(row.value, row.start, method=method, hess=hess, tol=1e-10)
    assert np.allclose(result.x, 1.0, atol=1e-6)


@pytest.mark.parametrize("method", ["trust-exact", "dogleg"])
def test_methods_that_take_the_whole_hessian(method: str) -> None:
    result = wg.scipy.minimize(quartic, [0.8, 1.9], method=method, gtol=1e-10)
    assert np.allclose(result.x, [1.0, 2.0], atol=1e-6)


def test_an_approximation_of_scipys_is_passed_on() -> None:
    told = {"method": "trust-constr", "hess": optimize.BFGS(), "gtol": 1e-9}
    assert wg.scipy.minimize(quartic, [0.0, 0.0], **told).x == pytest.approx([1.0, 2.0], abs=1e-5)


def test_a_solver_that_is_a_function_gets_what_was_asked_for() -> None:
    given: dict[str, Any] = {}

    def solver(fun: Any, x0: Array, args: Any, **rest: Any) -> Any:
        given.update(rest)
        return optimize.OptimizeResult(x=x0, fun=fun(x0))

    assert wg.scipy.minimize(quartic, (0.0, 1.0), method=solver, steps=3).fun == 3.0
    assert given["hess"](np.array([1.0, 2.0])).tolist() == [[10.0, -4.0], [-4.0, 2.0]]
    assert given["jac"](np.array([1.0, 3.0])).tolist() == [-4.0, 2.0]
    assert given["steps"] == 3
    wg.scipy.minimize(quartic, (0.0, 1.0), method=solver, hess="hvp")
    assert given["hessp"](np.array([1.0, 2.0]), np.array([1.0, 0.0])).tolist() == [10.0, -4.0]


# --- residuals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["trf", "dogbox"])
def test_a_sparse_jacobian_gives_the_same_fit(method: str) -> None:
    row = PROBLEMS["broyden tridiagonal, 9"]
    result = wg.scipy.least_squares(row.function, row.start, sparse=True, method=method, gtol=1e-12)
    assert sparse.issparse(result.jac)
    assert result.jac.nnz == 25
    assert np.allclose(result.jac.toarray(), jacobian(row.function, result.x), rtol=1e-12)
    assert np.allclose(result.x, row.solution, atol=1e-6)


def test_large_thin_jacobians_are_sparse_without_being_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def thin(x: Array) -> Array:
        return x**2 - np.arange(1.0, len(x) + 1)

    def full(x: Array) -> Array:
        return x - 0.5 * np.sum(x) / len(x)

    monkeypatch.setattr(interop, "MANY", 400)
    result = wg.scipy.least_squares(thin, np.ones(20))
    assert sparse.issparse(result.jac)
    assert np.allclose(result.x, np.sqrt(np.arange(1.0, 21.0)))
    assert isinstance(wg.scipy.least_squares(thin, np.ones(19)).jac, np.ndarray)
    assert isinstance(wg.scipy.least_squares(thin, np.ones(20), method="lm").jac, np.ndarray)
    assert isinstance(wg.scipy.least_squares(full, np.ones(20)).jac, np.ndarray)


def test_residuals_may_have_any_structure_and_bounds_follow_the_unknowns() -> None:
    def residuals(p: Any, scale: float) -> Any:
        t = np.linspace(0.0, 2.0, 9)
        fit = p["a"] * np.exp(-p["k"][0, 0] * t) - 3.0 * np.exp(-0.5 * t)
        return {"fit": scale * fit, "more": (p["k"][0, 0] - 0.5, [p["a"] - 3.0])}

    start = {"a": 1.0, "k": np.ones((1, 1))}
    seen: list[Any] = []
    bounds = {"a": (0.0, 2.0)}
    free = wg.scipy.least_squares(residuals, start, args=(2.0,))
    assert free.x["a"] == pytest.approx(3.0)
    assert free.x["k"].shape == (1, 1)
    assert len(free.fun) == 11
    held = wg.scipy.least_squares(residuals, start, args=2.0, bounds=bounds, loss="soft_l1")
    assert held.x["a"] == pytest.approx(2.0, abs=1e-6)
    wg.scipy.least_squares(residuals, start, args=2.0, callback=lambda x: seen.append(x))
    assert seen[-1].keys() == start.keys()


# --- constraints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("hess", [False, *HESSIANS])
@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "COBYLA", "COBYQA"])
def test_constraints_as_dicts(method: str, hess: Any) -> None:
    def on_circle(x: Any, radius: float) -> Any:
        return x[0] ** 2 + x[1] ** 2 - radius**2

    if method != "trust-constr" and hess is not True:
        return
    told = [
        {"type": "eq", "fun": on_circle, "args": (np.sqrt(2.0),)},
        {"type": "ineq", "fun": lambda x: [x[1] + 0.5, 2.0 - x[1]]},
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # SciPy's, about its own approximation
        result = wg.scipy.minimize(
            lambda x: x[0] + 2.0 * x[1], [-1.0, 1.0], method=method, constraints=told, hess=hess,
            tol=1e-9,
        )  # fmt: skip
    assert np.allclose(result.x, [-np.sqrt(1.75), -0.5], atol=1e-4)


def test_scipys_own_constraints_are_left_as_they_are() -> None:
    told = [
        optimize.LinearConstraint([[1.0, 1.0]], -np.inf, 2.0),
        optimize.NonlinearConstraint(lambda x: x[0], -np.inf, 0.9),
        {"type": "ineq", "fun": lambda x: 5.0 - x[0], "jac": lambda x: np.array([-1.0, 0.0])},
    ]
    result = wg.scipy.minimize(quartic, [0.0, 0.0], method="SLSQP", constraints=told)
    # on the line x + y = 2: 4 (x - 1)³ + 2 (x - 1) + 6 (3x - 2) = 0
    root = optimize.brentq(lambda x: 4 * (x - 1) ** 3 + 2 * (x - 1) + 6 * (3 * x - 2), 0.0, 1.0)
    assert np.allclose(result.x, [root, 2.0 - root], atol=1e-5)


def test_a_constraint_is_kept_feasible_and_takes_arguments() -> None:
    seen: list[float] = []
    kept = wg.scipy.NonlinearConstraint(
        lambda x, share: wg.log(share * x[0]), -10.0, 0.0, keep_feasible=True, args=(2.0,)
    )
    result = wg.scipy.minimize(
        quartic, [0.1, 0.0], method="trust-constr", constraints=kept, gtol=1e-9,
        callback=lambda x, state: seen.append(float(x[0])),
    )  # fmt: skip
    assert result.x == pytest.approx([0.5, 1.0], abs=1e-3)
    assert max(seen) <= 0.5


# --- branches -------------------------------------------------------------------------------------


def bent(x: Any) -> Any:
    """A parabola whose other half is steeper, smooth at the seam; its minimum is 0 at (-1, 3)."""
    y = x[0] + 1.0
    if y > 0.0:
        return y**2 + y**4 + (x[1] - 3.0) ** 2
    return 3.0 * y**2 + (x[1] - 3.0) ** 2


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact", "L-BFGS-B", "SLSQP"])
def test_a_path_that_changes_on_the_way_is_followed(method: str) -> None:
    runs: list[float] = []

    def watched(x: Any) -> Any:
        runs.append(1.0)
        return bent(x)

    seen: list[float] = []
    result = wg.scipy.minimize(
        watched, [2.0, -2.0], method=method, tol=1e-10, callback=lambda x: seen.append(x[0])
    )
    assert np.allclose(result.x, [-1.0, 3.0], atol=1e-4)
    assert len(runs) <= 2


@pytest.mark.parametrize("sparse", [False, True])
def test_residuals_and_constraints_may_branch(sparse: bool) -> None:
    def residuals(x: Any) -> Any:
        return [x[0] ** 2 - 4.0 if x[0] > 0.0 else x[0] - 1.0, x[1] * (2.0 if x[1] > 1.0 else 1.0)]

    result = wg.scipy.least_squares(residuals, [-3.0, 5.0], sparse=sparse)
    assert np.allclose(result.x, [2.0, 0.0], atol=1e-6)
    told = wg.scipy.NonlinearConstraint(
        lambda x: x[0] * 2.0 if x[0] > 1.0 else x[0] ** 2 + 1.0, -np.inf, 1.25, sparse=sparse
    )
    hess = "sparse" if sparse else True
    result = wg.scipy.minimize(
        bent, [2.0, 0.0], method="trust-constr", constraints=told, hess=hess, gtol=1e-9
    )
    assert result.x == pytest.approx([-0.5, 3.0], abs=1e-3)


def test_functions_are_run_once_on_each_path() -> None:
    runs: list[int] = []

    def counted(x: Any) -> Any:
        runs.append(1)
        return quartic(x)

    def limit(x: Any) -> Any:
        runs.append(1)
        return x[0] * x[1]

    told = wg.scipy.NonlinearConstraint(limit, -np.inf, 1.0)
    result = wg.scipy.minimize(
        counted, [0.0, 0.0], method="trust-constr", constraints=told, gtol=1e-9
    )
    assert result.nfev > 5
    assert result.x[0] * result.x[1] == pytest.approx(1.0, abs=1e-3)
    assert len(runs) == 2
