"""Numerical slopes against mpmath, on every row of the table, and where slopes are hard to find."""

import math

import numpy as np
import pytest

import oracle
from wengert.primitives import rows
from wengert.proof.nudge import local_slopes, record
from wengert.proof.numeric import WIDE, Slope, better, derivative, slopes
from wengert.value import Value

ROWS = [row for row in rows() if not row.facts.stops_gradient]
BOUND = 1e-8  # relative to the derivative, or to the slopes around it where that is larger


def _name(row):
    return "_".join([row.name, *map(str, row.params)])


def _no_raise(function):
    def evaluate(x):
        try:
            return function(x)
        except (ValueError, OverflowError, ZeroDivisionError):
            return math.nan

    return evaluate


@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_every_row_over_its_domain(row):
    for xs in oracle.samples(row, 12):
        operands = [Value(x) for x in xs]
        node = row(*operands)
        for k, slope in enumerate(local_slopes(record(node))[-1]):
            if row.name == "select" and k == 0:
                assert slope.bounds == (0.0, 0.0)
                continue
            exact = float(oracle.derivative(row, xs, k))
            size = max(abs(exact), 1e-3 * abs(node.data / xs[k]))
            assert slope.kind == "smooth" or (slope.flat and exact == 0.0)
            assert abs(slope.value - exact) <= BOUND * size
            low, high = slope.bounds
            assert low - 1e-14 * size <= exact <= high + 1e-14 * size, "the error is a bound"


@pytest.mark.parametrize(
    ("function", "at", "exact"),
    [
        (lambda x: math.exp(50.0 * x), 1.0, 50.0 * math.exp(50.0)),
        (lambda x: x**3, 1e-8, 3e-16),
        (lambda x: x**3, 1e100, 3e200),
        (math.log, 1e-300, 1e300),
        (math.sin, 1e6, math.cos(1e6)),
        (lambda x: math.sin(1e8 * x), 0.0, 1e8),
        (lambda x: 1.0 / x, -1e-12, -1e24),
        (lambda x: max(0.0, x - 0.999999), 1.0, 1.0),  # the bend is just below
        (lambda x: x + 1e-3 * math.sin(1e6 * x), 0.0, 1001.0),  # coarse steps see a slope of 1
        (lambda x: math.log1p(-x), 0.999999, -1e6),  # coarse steps leave the domain
        (lambda x: math.tan(x), 1.57, 1.0 / math.cos(1.57) ** 2),
    ],
)
def test_hard_but_smooth(function, at, exact):
    slope = derivative(function, at)
    assert slope.kind == "smooth"
    assert slope.value == pytest.approx(exact, rel=1e-7)
    assert abs(slope.value - exact) <= 4.0 * slope.error + 1e-12 * abs(exact)
    assert slope.left == pytest.approx(exact, rel=1e-4)
    assert slope.right == pytest.approx(exact, rel=1e-4)


def test_a_derivative_of_zero():
    for function in (lambda x: x**2, lambda x: x**3, math.cos, lambda x: 5.0 + x**4):
        slope = derivative(function, 0.0)
        assert slope.kind == "smooth"
        assert abs(slope.value) <= 1e-9


def test_a_constant_is_flat():
    slope = derivative(lambda x: 5.0, 3.0)
    assert slope.flat
    assert slope.value == 0.0
    assert derivative(lambda x: math.nan, 3.0).flat, "NaN everywhere does not change either"


@pytest.mark.parametrize(
    ("function", "at", "left", "right"),
    [
        (abs, 0.0, -1.0, 1.0),
        (lambda x: max(0.0, x), 0.0, 0.0, 1.0),
        (lambda x: math.exp(abs(x - 2.0)), 2.0, -1.0, 1.0),
        (lambda x: min(3.0 * x, 7.0 * x), 0.0, 7.0, 3.0),
    ],
)
def test_kinks(function, at, left, right):
    slope = derivative(function, at)
    assert slope.kind == "kink"
    assert (slope.left, slope.right) == pytest.approx((left, right), abs=1e-7)
    assert slope.bounds == pytest.approx((min(left, right), max(left, right)), abs=1e-7)
    assert slope.sharp


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (math.sqrt, 0.0),
        (math.cbrt, 0.0),
        (math.acos, 1.0),
        (lambda x: x * math.log(x) if x else 0.0, 0.0),
        (lambda x: math.floor(x), 2.0),
        (lambda x: math.copysign(1.0, x) if x else 0.0, 0.0),
        (lambda x: 1.0 / x, 0.0),
    ],
)
def test_no_slope(function, at):
    slope = derivative(function, at)
    assert slope.kind == "poor"
    assert slope.diverges
    assert slope.bounds == (-math.inf, math.inf)
    assert not slope.sharp


@pytest.mark.parametrize("at", [math.nan, math.inf])
def test_no_slope_at_points_that_are_no_numbers(at):
    assert derivative(lambda x: x, at).kind == "poor"


def test_rounding_that_hides_the_slope_is_not_mistaken_for_flatness():
    slope = derivative(lambda x: (x + 1e16) - 1e16, 1.0)
    assert slope.kind == "poor"
    assert derivative(lambda x: 1.0 + 1e-20 * x, 1.0).bounds[0] <= 1e-20


def test_stated_rounding_widens_the_error():
    def values(_, lanes):
        return np.sin(lanes)

    points = np.array([1.0])
    (exact,) = slopes(values, points, WIDE)
    (noisy,) = slopes(values, points, WIDE, rounding=np.array([1e-9]))
    assert exact.error < 1e-10 < noisy.error
    (hopeless,) = slopes(values, points, WIDE, rounding=np.array([1e3]))
    assert hopeless.kind == "poor"
    assert not hopeless.diverges


def test_many_functions_at_once():
    def values(which, lanes):
        return lanes ** (which[:, None] + 1.0)

    found = slopes(values, np.array([2.0, 2.0, 2.0]), WIDE)
    assert [slope.value for slope in found] == pytest.approx([1.0, 4.0, 12.0])


def test_which_of_two_slopes():
    poor = Slope("poor", 1.0, math.inf, math.nan, math.nan)
    rough = Slope("smooth", 1.0, 1e-3, 1.0, 1.0)
    fine = Slope("smooth", 1.0001, 1e-9, 1.0, 1.0)
    elsewhere = Slope("smooth", 7.0, 1e-9, 7.0, 7.0)
    assert better(poor, rough) is rough
    assert better(poor, poor) is poor
    assert better(rough, poor) is rough
    assert better(rough, fine) is fine
    assert better(fine, rough) is fine
    assert better(rough, elsewhere) is rough, "it does not agree"
