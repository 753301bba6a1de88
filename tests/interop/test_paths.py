"""Programs that are kept while their path holds: how often a function is run, and what it gives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wengert as wg
from problems.derivatives import jacobian
from problems.problem import Array
from wengert.interop import paths
from wengert.interop.exact import Objective, Vector, latest
from wengert.interop.unknowns import Unknowns


class Counted:
    """Steps of a stair: a path for each whole number below x[0]."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, x: Any) -> Any:
        self.runs += 1
        level = 0
        while level < 20 and x[0] > level:
            level += 1
        return [x[0] ** level * x[1], wg.sin(x[1]) * level]


def test_a_path_is_recorded_once() -> None:
    counted = Counted()
    vector = Vector(paths.Paths(counted, Unknowns([0.0, 0.0])))
    for at in (0.5, 1.5, 0.4, 1.6, 0.3, 1.7):
        vector.value([at, 1.0])
        vector.jacobian([at, 1.0])
        vector.hessian([at, 1.0], [1.0, 1.0])
        vector.sparse_jacobian([at, 1.0])
    assert counted.runs == 2


def test_the_least_recently_used_path_goes_first() -> None:
    counted = Counted()
    vector = Vector(paths.Paths(counted, Unknowns([0.0, 0.0])))
    for at in range(paths.KEPT):
        vector.value([at + 0.5, 1.0])
    vector.value([0.25, 1.0])  # again the first
    vector.value([paths.KEPT + 0.5, 1.0])
    assert counted.runs == paths.KEPT + 1
    vector.value([0.75, 1.0])
    assert counted.runs == paths.KEPT + 1
    vector.value([1.75, 1.0])
    assert counted.runs == paths.KEPT + 2


coordinates = st.floats(-1.0, 6.0)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=8))
def test_on_every_path_all_derivatives_are_those_of_values(points: list[Any]) -> None:
    function = Counted()
    vector = Vector(paths.Paths(function, Unknowns([0.0, 0.0])))
    weights, v = np.array([0.5, -2.0]), np.array([1.0, 3.0])
    for x in map(np.array, points):
        # Of Values: x·x is rounded correctly, Python's x**2 is off by a bit for few x.
        assert vector.value(x).tolist() == [each.data for each in function([*map(wg.Value, x)])]
        slopes = jacobian(function, x)
        assert np.allclose(vector.jacobian(x), slopes, rtol=1e-13, atol=1e-13)
        assert np.allclose(vector.sparse_jacobian(x).toarray(), slopes, rtol=1e-13, atol=1e-13)
        second = wg.hessian(lambda x: np.dot(weights, function(x)))(x)
        assert np.allclose(vector.hessian(x, weights), second, rtol=1e-12, atol=1e-12)
        assert np.allclose(vector.sparse_hessian(x, weights).toarray(), second, rtol=1e-12)
        assert np.allclose(vector.product(x, weights, v), second @ v, rtol=1e-12, atol=1e-12)


@given(st.tuples(coordinates, coordinates))
def test_an_objective_in_all_forms(point: Any) -> None:
    def function(x: Any) -> Any:
        return Counted()(x)[0] + wg.exp(0.1 * x[1])

    x, v = np.array(point), np.array([1.0, -2.0])
    objective = Objective(paths.Paths(function, Unknowns([0.0, 0.0]), flat=False))
    assert objective.value(x) == objective.alone(x) == pytest.approx(float(function(x)), rel=1e-15)
    assert np.allclose(objective.gradient(x), jacobian(function, x)[0], rtol=1e-13, atol=1e-13)
    second = wg.hessian(function)(x)
    assert np.array_equal(objective.hessian(x), second)
    assert np.allclose(objective.sparse_hessian(x).toarray(), second, rtol=1e-13, atol=1e-13)
    assert np.allclose(objective.product(x, v), second @ v, rtol=1e-12, atol=1e-12)
    assert np.allclose(objective.sparse_product(x, v), second @ v, rtol=1e-12, atol=1e-12)


def test_what_is_given_may_be_changed() -> None:
    vector = Vector(paths.Paths(lambda x: x**2, Unknowns(np.zeros(2))))
    objective = Objective(paths.Paths(lambda x: x @ x, Unknowns(np.zeros(2)), flat=False))
    x = np.array([1.0, 2.0])
    for give in (vector.value, vector.jacobian, objective.gradient, objective.hessian):
        first = give(x)
        expected = first.copy()
        first[...] = 99.0
        assert np.array_equal(give(x), expected)


def test_the_latest_point_is_remembered_by_its_numbers() -> None:
    seen: list[float] = []

    def compute(x: Array) -> float:
        seen.append(float(x[0]))
        return 2.0 * x[0]

    remembered = latest(compute)
    x = np.array([1.0])
    assert (remembered(x), remembered(np.array([1.0]))) == (2.0, 2.0)
    x[0] = 3.0
    assert remembered(x) == 6.0
    assert seen == [1.0, 3.0]
