"""What Ipopt would call, without Ipopt: values, derivatives, and where their entries are."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import optimize

import wengert as wg
from problems import PROBLEMS
from problems.constrained import ROWS
from problems.control import van_der_pol_at
from problems.derivatives import jacobian
from problems.problem import Array, Problem


def problem_of(row: Problem) -> Any:
    told = [wg.scipy.NonlinearConstraint(row.equalities, 0.0, 0.0)]
    if len(row.inequalities(row.start)):
        told.append(wg.scipy.NonlinearConstraint(row.inequalities, 0.0, np.inf))
    return wg.scipy.IpoptProblem(row.value, row.start, told, row.bounds or None)


def dense(structure: Any, entries: Array, shape: tuple[int, int]) -> Array:
    matrix = np.zeros(shape)
    matrix[structure] = entries
    return matrix


def constraints(row: Problem, x: Array) -> Array:
    return np.concatenate([row.equalities(x), row.inequalities(x)])


@pytest.mark.parametrize("row", [*ROWS, van_der_pol_at(5)], ids=lambda row: row.name)
def test_all_that_ipopt_asks_for_is_what_values_give(row: Problem) -> None:
    problem = problem_of(row)
    x = np.array(row.start) + 0.1 * np.sin(1.0 + np.arange(len(row.start)))
    weights, factor = np.cos(1.0 + np.arange(problem.m)), 0.7
    assert problem.n == len(x)
    assert problem.objective(x) == pytest.approx(row.value(x), rel=1e-14)
    assert np.allclose(problem.gradient(x), jacobian(row.value, x)[0], rtol=1e-12, atol=1e-12)
    assert np.allclose(problem.constraints(x), constraints(row, x), rtol=1e-13, atol=1e-13)
    slopes = dense(problem.jacobianstructure(), problem.jacobian(x), (problem.m, problem.n))
    expected = jacobian(lambda x: constraints(row, x), x)
    assert np.allclose(slopes, expected, rtol=1e-12, atol=1e-12)
    rows, columns = problem.hessianstructure()
    assert (rows >= columns).all()
    lower = dense((rows, columns), problem.hessian(x, weights, factor), (problem.n,) * 2)
    curvature = lower + np.tril(lower, -1).T

    def lagrangian(x: Array) -> Any:
        return factor * row.value(x) + np.dot(weights, constraints(row, x))

    assert np.allclose(curvature, wg.hessian(lagrangian)(x), rtol=1e-10, atol=1e-10)


def test_entries_are_those_that_there_are() -> None:
    problem = problem_of(van_der_pol_at(20))
    assert len(problem.jacobianstructure()[0]) < 0.15 * problem.n * problem.m
    assert len(problem.hessianstructure()[0]) < 3 * problem.n


def test_bounds_in_all_their_forms() -> None:
    def fun(p: Any) -> Any:
        return p["a"] ** 2 + p["b"] @ p["b"]

    start = {"a": 0.0, "b": np.zeros(2)}
    for bounds in (
        {"b": (0.0, [1.0, np.inf])},
        optimize.Bounds([-np.inf, 0.0, 0.0], [np.inf, 1.0, np.inf]),
    ):
        problem = wg.scipy.IpoptProblem(fun, start, (), bounds)
        assert problem.lb.tolist() == [-1e20, 0.0, 0.0]
        assert problem.ub.tolist() == [1e20, 1.0, 1e20]
    problem = wg.scipy.IpoptProblem(lambda x: x[0] * x[1], [1.0, 2.0], (), [(0.0, None), (None, 1)])
    assert (problem.lb.tolist(), problem.ub.tolist()) == ([0.0, -1e20], [1e20, 1.0])


def test_without_constraints() -> None:
    problem = wg.scipy.IpoptProblem(lambda x, a: a * x[0] * x[1], [1.0, 2.0], args=3.0)
    assert problem.m == len(problem.constraints([1.0, 2.0])) == len(problem.jacobian([1.0, 2.0]))
    assert problem.cl.shape == problem.cu.shape == (0,)
    assert [places.tolist() for places in problem.hessianstructure()] == [[1], [0]]
    assert problem.hessian([1.0, 2.0], [], 2.0).tolist() == [6.0]


def test_another_path_may_have_fewer_entries_but_not_others() -> None:
    def fewer(x: Any) -> Any:
        return x[0] ** 2 * x[1] if x[0] > 0.0 else x[0] ** 2

    def others(x: Any) -> Any:
        return fewer([-x[0], x[1]])

    problem = wg.scipy.IpoptProblem(fewer, [1.0, 1.0])
    assert [places.tolist() for places in problem.hessianstructure()] == [[0, 1], [0, 0]]
    assert problem.hessian([-1.0, 5.0], [], 1.0).tolist() == [2.0, 0.0]
    with pytest.raises(wg.OperandError, match="take another path"):
        wg.scipy.IpoptProblem(others, [1.0, 1.0]).hessian([-1.0, 5.0], [], 1.0)


@pytest.mark.parametrize("constraint", [{"type": "eq", "fun": abs}, 3.0])
def test_constraints_of_another_kind_are_refused(constraint: Any) -> None:
    with pytest.raises(wg.OperandError, match=r"wg\.scipy\.NonlinearConstraints, not"):
        wg.scipy.IpoptProblem(lambda x: x[0], [1.0], constraint)


# --- the package ----------------------------------------------------------------------------------


class Solver:
    """In place of cyipopt.Problem: Newton's method on the conditions of Karush, Kuhn and Tucker."""

    def __init__(self, n: int, m: int, problem_obj: Any, **limits: Array) -> None:
        assert limits["cl"].tolist() == limits["cu"].tolist()
        self.n, self.m, self.called, self.options = n, m, problem_obj, {}

    def add_option(self, name: str, setting: Any) -> None:
        self.options[name] = setting

    def solve(self, x: Array) -> tuple[Array, Any]:
        weights = np.zeros(self.m)
        for _ in range(self.options["max_iter"]):
            lower = dense(
                self.called.hessianstructure(), self.called.hessian(x, weights, 1.0), (self.n,) * 2
            )
            slopes = dense(
                self.called.jacobianstructure(), self.called.jacobian(x), (self.m, self.n)
            )
            system = np.block(
                [[lower + np.tril(lower, -1).T, slopes.T], [slopes, np.zeros((self.m,) * 2)]]
            )
            wrong = np.concatenate([self.called.gradient(x), self.called.constraints(x)])
            step = np.linalg.solve(system, -wrong)
            x, weights = x + step[: self.n], step[self.n :]
        return x, {"obj_val": self.called.objective(x)}


def test_a_problem_is_handed_to_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyipopt", SimpleNamespace(Problem=Solver))
    row = PROBLEMS["Hock-Schittkowski 77"]
    x, info = problem_of(row).solve(max_iter=12)
    assert info["obj_val"] == pytest.approx(row.minima[0], rel=1e-6)
    assert np.allclose(x, row.solution, atol=1e-5)


def test_without_cyipopt_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyipopt", None)
    with pytest.raises(wg.MissingExtraError, match=r'pip install "wengert\[ipopt\]"'):
        wg.scipy.IpoptProblem(lambda x: x[0], [1.0]).problem()
