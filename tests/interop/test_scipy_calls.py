"""How SciPy's solvers are called: structures, bounds, callbacks, roots, and what goes wrong."""

import sys
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy
from quartic import quartic
from scipy import optimize

import wengert as wg
from problems import PROBLEMS
from problems.problem import Array, Numbers
from wengert.interop import doors

HESSIANS = (True, "hvp", "sparse")


# --- structures -----------------------------------------------------------------------------------


class Point(NamedTuple):
    x: float
    y: float


def of_point(p: Any) -> Any:
    return quartic((p.x, p.y))


def of_dict(p: Any) -> Any:
    return quartic((p["a"], np.sum(p["b"])))


def test_the_solution_has_the_structure_of_the_start() -> None:
    result = wg.scipy.minimize(of_point, Point(0.0, 0.0), gtol=1e-9)
    assert isinstance(result.x, Point)
    assert result.x == pytest.approx((1.0, 2.0), abs=1e-5)
    assert result.jac.shape == (2,)
    result = wg.scipy.minimize(of_dict, {"a": 0, "b": np.zeros((2, 1)), "name": "fixed"})
    assert result.x["name"] == "fixed"
    assert result.x["b"].shape == (2, 1)
    assert np.sum(result.x["b"]) == pytest.approx(2.0, abs=1e-4)
    result = wg.scipy.minimize(lambda x: (x - 2.0) ** 2, 5)
    assert type(result.x) is float
    assert result.x == pytest.approx(2.0)
    result = wg.scipy.minimize(lambda x: np.sum((x - 2.0) ** 2), np.zeros((2, 3)))
    assert result.x.shape == (2, 3)


@pytest.mark.parametrize("start", [[0, 0], (0.0, 0.0), np.zeros(2), np.zeros(2, int)])
def test_a_vector_is_a_vector_as_for_scipy(start: Any) -> None:
    def vectorial(x: Array) -> Any:
        return np.sum((x**2 - np.arange(1, 3)) ** 2 + (x - 1.0) ** 2)

    result = wg.scipy.minimize(vectorial, start)
    plain = optimize.minimize(vectorial, start)
    assert isinstance(result.x, np.ndarray)
    assert np.allclose(result.x, plain.x, atol=1e-5)
    assert result.keys() == plain.keys()


BOUNDS = [
    {"a": (None, 0.5), "b": (0.0, np.array([[0.1], [9.0]]))},
    {"a": (-np.inf, 0.5), "b": (np.zeros((2, 1)), [[0.1], [9.0]])},
    optimize.Bounds([-np.inf, 0.0, 0.0], [0.5, 0.1, 9.0]),
]


@pytest.mark.parametrize("bounds", BOUNDS)
def test_bounds_have_the_structure_of_the_start(bounds: Any) -> None:
    result = wg.scipy.minimize(
        of_dict, {"a": 0.0, "b": np.zeros((2, 1))}, bounds=bounds, method="L-BFGS-B"
    )
    assert result.x["a"] == pytest.approx(0.5)
    assert np.sum(result.x["b"]) == pytest.approx(1.0)
    assert result.x["b"][0, 0] <= 0.1


def test_bounds_of_records_and_lists() -> None:
    held = wg.scipy.minimize(of_point, Point(0.0, 0.0), bounds=Point((0.0, 0.5), None))
    assert held.x == pytest.approx((0.5, 1.0), abs=1e-5)
    start, bounds = [np.zeros(1), 0.0], [None, (None, 1.0)]
    held = wg.scipy.minimize(lambda p: quartic((p[0][0], p[1])), start, bounds=bounds)
    assert held.x[1] == 1.0
    nested = {"a": 0.0, "b": [1.0]}
    held = wg.scipy.minimize(
        lambda p: quartic((p["a"], p["b"][0])), nested, bounds={"a": (0.0, 0.5)}
    )
    assert held.x == {"a": pytest.approx(0.5), "b": [pytest.approx(1.0, abs=1e-5)]}
    result = wg.scipy.minimize(quartic, [0.0, 0.0], bounds=[(0.0, 0.5), (None, None)])
    assert np.allclose(result.x, [0.5, 1.0], atol=1e-5)
    box = np.array([-1.0, -1.0]), np.array([0.5, 9.0])
    assert np.allclose(
        wg.scipy.least_squares(lambda x: x - 1.0, [0.0, 0.0], bounds=box).x, [0.5, 1.0]
    )


@pytest.mark.parametrize("method", ["BFGS", "trust-constr", "SLSQP", "Nelder-Mead"])
def test_callbacks_are_told_the_structure(method: str) -> None:
    seen: list[Any] = []
    wg.scipy.minimize(of_point, Point(0.0, 0.0), method=method, callback=seen_by(seen, method))
    assert all(isinstance(each, Point) for each in seen)
    assert seen[-1] == pytest.approx((1.0, 2.0), abs=1e-3)
    told: list[Any] = []

    def intermediate(intermediate_result: Any) -> None:
        told.append(intermediate_result)

    if method != "SLSQP":
        wg.scipy.minimize(of_point, Point(0.0, 0.0), method=method, callback=intermediate)
        assert all(isinstance(each.x, Point) for each in told)


def seen_by(seen: list[Any], method: str) -> Any:
    if method == "trust-constr":
        return lambda x, state: seen.append(x)
    return lambda x: seen.append(x)


def test_options_in_a_dict_and_by_name() -> None:
    result = wg.scipy.minimize(quartic, [0.0, 0.0], method="BFGS", options={"maxiter": 1})
    assert result.nit == 1
    result = wg.scipy.minimize(
        quartic, [0.0, 0.0], method="BFGS", options={"maxiter": 9}, maxiter=2, gtol=1e-20
    )
    assert result.nit == 2


@pytest.mark.parametrize("method", ["Nelder-Mead", "Powell", "COBYLA", "COBYQA"])
def test_methods_without_derivatives_get_none(method: str) -> None:
    result = wg.scipy.minimize(quartic, [0.0, 0.0], method=method, tol=1e-8)
    assert np.allclose(result.x, [1.0, 2.0], atol=1e-3)


def test_further_arguments_are_fixed() -> None:
    def shifted(x: Any, by: float, name: str) -> Any:
        assert name == "fixed"
        return quartic((x[0] - by, x[1]))

    result = wg.scipy.minimize(shifted, [0.0, 0.0], args=(5.0, "fixed"))
    assert np.allclose(result.x, [6.0, 2.0], atol=1e-4)


def test_programs_and_transformed_functions_are_solved_too() -> None:
    program = wg.record(quartic, np.zeros(2))
    assert np.allclose(wg.scipy.minimize(program, np.zeros(2)).x, [1.0, 2.0], atol=1e-4)
    slope = wg.grad(quartic)
    assert np.allclose(wg.scipy.root(slope, np.zeros(2)).x, [1.0, 2.0], atol=1e-4)


# --- roots ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1", "df-sane"])
def test_a_system_is_solved_by_every_kind_of_method(method: str) -> None:
    def system(p: Any, a: float) -> Any:
        return {"one": p[0] + 0.5 * (p[0] - p[1]) ** 3 - a, "two": 0.5 * (p[1] - p[0]) ** 3 + p[1]}

    result = wg.scipy.root(system, [0.0, 0.0], args=1.0, method=method, tol=1e-10)
    residual = system(result.x, 1.0)
    assert abs(residual["one"]) < 1e-8
    assert abs(residual["two"]) < 1e-8


def test_roots_need_fewer_evaluations_than_with_differences() -> None:
    row = PROBLEMS["broyden banded, 10"]
    exact = wg.scipy.root(row.function, row.start)
    assert np.allclose(exact.x, row.solution, atol=1e-7)
    assert exact.nfev < optimize.root(row.function, row.start).nfev


@pytest.mark.parametrize("method", [None, "newton", "halley", "secant"])
def test_roots_of_a_function_of_one_number(method: Any) -> None:
    further = {"x1": 2.0} if method == "secant" else {}
    result = wg.scipy.root_scalar(
        lambda x, a: x**3 + x - a, args=(10.0,), method=method, x0=3.0, **further
    )
    assert result.converged
    assert result.root == pytest.approx(2.0)


def test_a_bracketed_root_needs_no_derivative() -> None:
    result = wg.scipy.root_scalar(lambda x: x**3 - 8.0 if x > 0.0 else x - 8.0, bracket=(-5.0, 5.0))
    assert result.root == pytest.approx(2.0)


def test_halleys_method_takes_fewer_steps_than_newtons() -> None:
    steps = {
        method: wg.scipy.root_scalar(lambda x: wg.exp(x) - 5.0, method=method, x0=4.0).iterations
        for method in ("newton", "halley")
    }
    assert steps["halley"] < steps["newton"]


# --- what goes wrong ------------------------------------------------------------------------------


def test_errors_of_the_users_function_are_the_users() -> None:
    def broken(x: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        wg.scipy.minimize(broken, [1.0])
    assert caught.traceback[-1].name == "broken"


def test_numbers_that_are_not_finite_are_scipys_business() -> None:
    def wall(x: Any) -> Any:
        return x[0] - wg.log(x[0])

    result = wg.scipy.minimize(wall, [0.01], method="BFGS")
    assert result.x == pytest.approx([1.0], abs=1e-4)
    with pytest.raises(ValueError, match="not finite in the initial point"):
        wg.scipy.least_squares(lambda x: wg.log(x), [-1.0])


MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (lambda: wg.scipy.minimize(lambda x: x, [1.0, 2.0]), wg.OperandError, "that of one number"),
    (lambda: wg.scipy.minimize(3.0, [1.0]), wg.OperandError, "takes a function"),
    (lambda: wg.scipy.minimize(quartic, []), wg.OperandError, "x0 holds no numbers"),
    (lambda: wg.scipy.minimize(quartic, "ab"), wg.OperandError, "x0 holds no numbers"),
    (lambda: wg.scipy.minimize(quartic, [1.0, 2.0], jac=quartic), wg.OperandError, "takes no jac"),
    (lambda: wg.scipy.minimize(quartic, [1.0, 2.0], hessp=1), wg.OperandError, "takes no hessp"),
    (lambda: wg.scipy.minimize(quartic, [1.0, 2.0], hess="full"), wg.OperandError, 'hess is True'),
    (
        lambda: wg.scipy.minimize(quartic, [1.0, 2.0], hess="hvp"),
        wg.OperandError, "The method that SciPy chooses does not take hess='hvp'",
    ),
    (
        lambda: wg.scipy.minimize(quartic, [1.0, 2.0], method="dogleg", hess="sparse"),
        wg.OperandError, "these do: newton-cg, trust-constr",
    ),
    (
        lambda: wg.scipy.minimize(quartic, [1.0, 2.0], method="wrong"),
        ValueError, "Unknown solver wrong",
    ),
    (
        lambda: wg.scipy.minimize(quartic, [1.0, 2.0], constraints=quartic),
        wg.OperandError, "A constraint is",
    ),
    (
        lambda: wg.scipy.minimize(quartic, [1.0, 2.0], constraints={"type": "le", "fun": quartic}),
        wg.OperandError, '"eq" or "ineq"',
    ),
    (
        lambda: wg.scipy.minimize(of_point, Point(1.0, 2.0), bounds=[(0.0, 1.0, 2.0)]),
        wg.OperandError, "None",
    ),
    (
        lambda: wg.scipy.minimize(of_dict, {"a": 0.0, "b": np.ones(2)}, bounds=[(0.0, 1.0)]),
        wg.OperandError, r"a dict of a, b, not",
    ),
    (
        lambda: wg.scipy.minimize(of_dict, {"a": 0.0, "b": np.ones(2)}, bounds={"c": (0.0, 1.0)}),
        wg.OperandError, r"a dict of a, b, not",
    ),
    (
        lambda: wg.scipy.minimize(of_dict, {"a": 0.0, "b": np.ones(2)}, bounds={"a": 3.0}),
        wg.OperandError, r"bounds\['a'\] are a pair",
    ),
    (
        lambda: wg.scipy.least_squares(lambda x: x, [1.0], sparse=True, method="lm"),
        wg.OperandError, "dense Jacobian",
    ),
    (lambda: wg.scipy.least_squares(lambda x: x, [1.0], jac="3-point"), wg.OperandError, "no jac"),
    (lambda: wg.scipy.root(lambda x: x, [1.0], jac=True), wg.OperandError, "takes no jac"),
    (lambda: wg.scipy.root_scalar(wg.sin, x0=1.0, fprime=wg.cos), wg.OperandError, "no fprime"),
    (lambda: wg.scipy.nothing, AttributeError, "nothing"),
    (lambda: wg.nothing, AttributeError, "nothing"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_mistakes_are_told(number: int) -> None:
    call, kind, message = MISTAKES[number]
    with pytest.raises(kind, match=message):
        call()


def test_a_solution_is_not_differentiated() -> None:
    def solved(a: Any) -> Any:
        return wg.scipy.minimize(lambda x: (x[0] - a) ** 2, [0.0]).x[0]

    with pytest.raises(wg.OperandError, match="Solve outside"):
        wg.grad(solved)(1.0)


def test_without_scipy_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    monkeypatch.delattr(scipy, "optimize", raising=False)
    with pytest.raises(wg.MissingExtraError, match=r'pip install "wengert\[scipy\]"'):
        wg.scipy.minimize(quartic, [1.0, 2.0])
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    with pytest.raises(wg.MissingExtraError, match="A feature needs scipy"):
        doors.scipy_sparse("A feature")


def test_numbers_are_of_any_kind() -> None:
    numbers: Numbers = (np.float32(0.0), 0)
    assert np.allclose(wg.scipy.minimize(quartic, numbers).x, [1.0, 2.0], atol=1e-4)
