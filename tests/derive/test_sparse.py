"""Sparse derivatives: what dense ones give, with the entries that there are; what they refuse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from nests import nest

import wengert as wg
from problems import ROWS as PROBLEMS
from problems.problem import Problem
from scenarios import ROWS as SCENARIOS
from scenarios import Scenario
from wengert.errors import OperandError, PathChanged

MODES = (None, "forward", "reverse")
SMALL = (
    "Rosenbrock",
    "heat equation",
    "Gaussian mixture",
    "logistic regression",
    "branch per element",
)


def check(sparse: Any, dense: Any) -> None:
    """The same numbers, and no entry outside of the pattern."""
    dense = np.asarray(dense, float).reshape(sparse.shape)
    assert isinstance(sparse, scipy.sparse.csr_array)
    assert sparse.has_canonical_format
    scale = max(1.0, np.abs(dense[np.isfinite(dense)]).max(initial=0.0))
    np.testing.assert_allclose(sparse.toarray(), dense, 1e-12, 1e-12 * scale)


def check_jacobian(
    function: Callable[..., Any], *arguments: Any, modes: Sequence[str | None] = MODES
) -> None:
    dense = wg.jacobian(function)(*arguments)
    for mode in modes:
        check(wg.jacobian(function, mode=mode, sparse=True)(*arguments), dense)


# --- against dense derivatives --------------------------------------------------------------------


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_problems(problem: Problem) -> None:
    x = np.asarray(problem.start, float)
    modes = MODES if x.size < 10 else (None,)
    if problem.kind == "residuals":
        check_jacobian(problem.function, x, modes=modes)
    check_jacobian(problem.equalities, x, modes=modes)
    check_jacobian(problem.inequalities, x, modes=modes)
    check(wg.hessian(problem.value, sparse=True)(x), wg.hessian(problem.value)(x))


@pytest.mark.parametrize("row", [s for s in SCENARIOS if s.name in SMALL], ids=lambda s: s.name)
def test_scenarios(row: Scenario) -> None:
    function, arguments = row.make(*row.small)
    check_jacobian(function, *arguments)
    if np.ndim(function(*arguments)) == 0:
        hessian = wg.hessian(function, sparse=True)(*arguments)
        check(hessian, wg.hessian(function)(*arguments))


@pytest.mark.parametrize("seed", range(25))
def test_random_programs(seed: int) -> None:
    program, x = nest(seed), np.array([0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0])
    try:
        program(x)
    except PathChanged:
        pytest.skip("guards in its loops do not hold at all counters")
    check_jacobian(program, x)
    summed = wg.record(lambda x: np.sum(program(x)), x)
    check(wg.hessian(summed, sparse=True)(x), wg.hessian(summed)(x))


# --- arguments, rows and columns of every kind ----------------------------------------------------


def of_two(x, y):
    return np.array([x[0] * y, x[1] * x[0], y * y])


def energy(x, y):
    return x[0] * x[1] * y + y**3 + x[0] ** 2


X, Y = np.array([2.0, 3.0]), 5.0
JACOBIAN = np.array([[5.0, 0.0, 2.0], [3.0, 2.0, 0.0], [0.0, 0.0, 10.0]])
HESSIAN = np.array([[2.0, 5.0, 3.0], [5.0, 0.0, 2.0], [3.0, 2.0, 30.0]])
COLUMNS = [
    (None, [0, 1]), (0, [0, 1]), (1, [2]), (-1, [2]), ((0, 1), [0, 1, 2]), ((1, 0), [2, 0, 1]),
    ((1, -2), [2, 0, 1]), ([1], [2]), ((), []),
]  # fmt: skip


@pytest.mark.parametrize(("argnums", "columns"), COLUMNS)
def test_argnums(argnums: Any, columns: list[int]) -> None:
    for mode in MODES:
        found = wg.jacobian(of_two, argnums, mode=mode, sparse=True)(X, Y)
        check(found, JACOBIAN[:, columns])
    check(wg.hessian(energy, argnums, sparse=True)(X, Y), HESSIAN[np.ix_(columns, columns)])


@pytest.mark.parametrize("mode", MODES)
def test_empty_rows_and_columns(mode: str | None) -> None:
    def jacobian(function: Any, x: Any) -> Any:
        return wg.jacobian(function, mode=mode, sparse=True)(x)

    x = np.array([1.0, 2.0, 3.0])
    found = jacobian(lambda x: np.array([x[0] * x[2], 0.0, x[2]]), x)
    check(found, [[3.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert found.nnz == 3
    for function, shape in [
        (lambda x: np.arange(4.0), (4, 3)), (lambda x: x[:0], (0, 3)), (lambda x: 1.0, (1, 3)),
        (lambda x: (), (0, 3)),
    ]:  # fmt: skip
        assert jacobian(function, x).shape == shape
        assert jacobian(function, x).nnz == 0
    assert jacobian(lambda x: np.ones(2), np.zeros(0)).shape == (2, 0)
    check(jacobian(lambda x: x, 2.0), [[1.0]])


def test_hessians_without_entries() -> None:
    for function in (lambda x: 3.0, lambda x: x[0] + 2 * x[1]):
        found = wg.hessian(function, sparse=True)(np.ones(2))
        assert (found.shape, found.nnz) == ((2, 2), 0)
    assert wg.hessian(lambda x: 3.0, sparse=True)(np.zeros(0)).shape == (0, 0)


@dataclass
class Parameters:
    a: Any
    b: Any


def test_structures_are_in_the_order_of_their_numbers() -> None:
    def f(p, n):
        return {"u": p.a * p.b, "v": [p.b**n]}

    check(
        wg.jacobian(f, sparse=True)(Parameters(np.array([1.0, 2.0]), 3.0), n=2),
        [[3.0, 0.0, 1.0], [0.0, 3.0, 2.0], [0.0, 0.0, 6.0]],
    )


def test_the_pattern_is_that_of_the_path() -> None:
    def branched(x):
        return x * x if x[0] > 0 else np.sum(x) * x

    derivative = wg.jacobian(branched, sparse=True)
    check(derivative(np.array([1.0, 3.0])), [[2.0, 0.0], [0.0, 6.0]])
    check(derivative(np.array([-1.0, 3.0])), [[1.0, -1.0], [3.0, 5.0]])
    check(derivative(np.array([2.0, 3.0])), [[4.0, 0.0], [0.0, 6.0]])


def test_numbers_that_are_not_finite_stay_in_their_rows() -> None:
    def f(x):
        return np.array([wg.log(x[0]) + x[1], wg.sqrt(x[1]) * x[2], x[0] * x[2]])

    x = np.array([0.0, 4.0, 1.0])
    expected = [[np.inf, 1.0, 0.0], [0.0, 0.25, 2.0], [1.0, 0.0, 0.0]]
    for mode in MODES:
        check(wg.jacobian(f, mode=mode, sparse=True)(x), expected)
    check(wg.hessian(lambda x: np.sum(x**3), sparse=True)(np.array([np.nan, 1.0])),
          [[np.nan, 0.0], [0.0, 6.0]])  # fmt: skip


def test_programs_values_and_derivatives() -> None:
    program = wg.record(of_two, X, Y)
    check(wg.jacobian(program, (0, 1), sparse=True)(X, Y), JACOBIAN)
    a, b = wg.Value(2.0, label="a"), wg.Value(3.0, label="b")
    check(wg.hessian(a * b, sparse=True)(2.0, 3.0), [[0.0, 1.0], [1.0, 0.0]])
    check(wg.jacobian(a * b, sparse=True)(2.0, 3.0), [[3.0, 2.0]])
    gradient = wg.grad(energy, (0, 1))
    check(wg.jacobian(gradient, (0, 1), sparse=True)(X, Y), HESSIAN)


# --- how it is computed ---------------------------------------------------------------------------


def test_what_is_compressed_can_be_looked_at() -> None:
    def products(x):
        return x[1:] * x[:-1]

    x = np.arange(1.0, 6.0)
    compressed = wg.jacobian(products, sparse=True).compressed(x)
    assert repr(compressed) == (
        "<products_directions: 4 x 5, Coloring(2 colors of 5 columns, 8 entries)>"
    )
    assert compressed.coloring.number == 2
    assert compressed.pattern.shape == (4, 5)
    np.testing.assert_array_equal(compressed.directions, [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]])
    two = compressed.program(x, compressed.directions)  # J times both directions
    np.testing.assert_array_equal(two, [[2.0, 1.0], [2.0, 3.0], [4.0, 3.0], [4.0, 5.0]])
    expected = np.diag(x[1:], 0) @ np.eye(4, 5) + np.diag(x[:-1]) @ np.eye(4, 5, 1)
    np.testing.assert_array_equal(compressed.matrix(x).toarray(), expected)
    assert compressed is wg.jacobian(products, sparse=True).compressed(2 * x)


def test_the_picture_shows_what_is_computed() -> None:
    x = np.ones(4)
    hessian = wg.sparsity(lambda x: np.sum(x[1:] * x[:-1]), x)
    assert hessian.coloring.pattern.shape == (4, 4)
    jacobian = wg.sparsity(lambda x: np.sum(x[1:] * x[:-1]), x, order=1)
    assert jacobian.coloring.pattern.shape == (1, 4)
    assert wg.sparsity(wg.Value(2.0) * wg.Value(3.0)).pattern.nnz == 2
    assert wg.sparsity(of_two, X, Y, argnums=(1, 0)).pattern.shape == (3, 3)
    with pytest.raises(OperandError, match="The order is 1"):
        wg.sparsity(np.sum, x, order=3)
    with pytest.raises(OperandError, match="A gradient is that of one number"):
        wg.sparsity(lambda x: x, x, order=2)


# --- what cannot be -------------------------------------------------------------------------------

SQUARES = wg.jacobian(lambda x: x * x, sparse=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(SQUARES(x)),
        lambda x: np.sum(SQUARES(Parameters(x, x).a)),
        lambda x: np.sum(wg.jacobian(lambda p: p.a * p.b, sparse=True)(Parameters(x, x))),
        lambda x: np.sum(wg.jacobian(lambda y: y * x, sparse=True)(np.ones(2))),
        SQUARES,
        wg.hessian(np.sum, sparse=True),
    ],
)
def test_nothing_is_lost_silently_inside_recorded_code(function: Any) -> None:
    for transform in (wg.grad, wg.jacobian, wg.hessian, wg.record):
        with pytest.raises(OperandError, match="A sparse matrix holds plain numbers and cannot be"):
            transform(function)(np.ones(2)) if transform is not wg.record else SQUARES.program(X)
    with pytest.raises(OperandError, match="A sparse matrix holds plain numbers and cannot be"):
        wg.jacobian(function, sparse=True)(np.ones(2))


def test_with_plain_numbers_it_serves_inside_recorded_code() -> None:
    assert wg.grad(lambda x: x * SQUARES(np.ones(2)).sum())(3.0) == 4.0


def test_values_are_refused() -> None:
    for argument in (wg.Value(2.0), np.array([wg.Value(2.0), 1.0]), np.array([wg.Value(1.0)])):
        with pytest.raises(OperandError, match="sparse=True out inside recorded code, and for Val"):
            SQUARES(argument)


def test_auxiliary_results_are_refused() -> None:
    for transform in (wg.jacobian, wg.hessian):
        with pytest.raises(OperandError, match="A sparse derivative is a matrix alone"):
            transform(np.sum, has_aux=True, sparse=True)
