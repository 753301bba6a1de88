"""Linear systems in scalar arithmetic, against LAPACK and in exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wengert as wg
from wengert.derive.linear import Factored


@given(st.integers(1, 8), st.integers(0, 10**6))
def test_solutions_are_those_of_lapack(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, n)) * 10.0 ** rng.integers(-3, 4, (n, 1))
    right = rng.normal(size=n)
    wanted = np.linalg.solve(matrix, right)
    room = 1e-13 * np.linalg.cond(matrix) * np.abs(wanted).max()
    factored = Factored(matrix.tolist())
    assert np.abs(np.array(factored.solution(right.tolist())) - wanted).max() <= room
    again = factored.solution((2.0 * right).tolist())
    assert np.abs(np.array(again) - 2.0 * wanted).max() <= 2.0 * room


def test_small_pivots_are_exchanged() -> None:
    """Without an exchange, 1e-20 as a pivot would lose the solution altogether."""
    x = Factored([[1e-20, 1.0], [1.0, 1.0]]).solution([1.0, 2.0])
    a, b = Fraction(1e-20), Fraction(1)
    exact = (Fraction(2) - b) / (b - a), (b - 2 * a) / (b - a)
    assert x == pytest.approx([float(each) for each in exact], rel=1e-15)


def test_recorded_it_pivots_for_whatever_it_meets() -> None:
    def solve(matrix: object, right: object) -> object:
        return Factored(matrix).solution(right)  # type: ignore[arg-type]

    program = wg.record(solve, np.eye(3), np.ones(3))
    rng = np.random.default_rng(3)
    for _ in range(20):
        matrix, right = rng.normal(size=(3, 3)), rng.normal(size=3)
        matrix[0, 0] = 0.0
        found = program(matrix, right)
        assert found == pytest.approx(np.linalg.solve(matrix, right), rel=1e-10)


def test_derivatives_are_those_of_the_inverse() -> None:
    rng = np.random.default_rng(4)
    matrix, right = rng.normal(size=(4, 4)), rng.normal(size=4)
    found = wg.jacobian(lambda b: np.array(Factored(matrix).solution(b)))(right)
    assert found == pytest.approx(np.linalg.inv(matrix), rel=1e-10)


def test_a_singular_matrix_gives_what_is_no_number() -> None:
    assert not np.isfinite(Factored([[1.0, 2.0], [2.0, 4.0]]).solution([1.0, 1.0])).any()
