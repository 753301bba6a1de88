"""Composed functions against mpmath: values, first and second derivatives, extremes."""

import math
from collections.abc import Callable, Sequence
from math import inf, nan
from typing import Any

import numpy as np
import pytest

import wengert as wg
from oracle import differentiate, mp
from wengert import Value
from wengert.errors import OperandError
from wengert.graph import topological_order

POINTS = (
    -700.0, -300.0, -37.0, -5.0, -1.0, -1e-8, -0.0, 0.0, 1e-8, 0.5, 1.0, 3.0, 37.0, 300.0, 700.0,
)  # fmt: skip
PAIRS = (
    (0.0, 0.0), (3.0, 3.0), (-700.0, -700.0), (1.0, 2.0), (2.0, 1.0), (-300.0, 300.0),
    (300.0, -300.0), (1000.0, 1000.5), (0.3, -0.7), (-1e-9, 1e-9), (1e300, 1e300),
)  # fmt: skip
UNARY: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "norm_pdf": lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
    "norm_cdf": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
}
ROUNDED_SQUARE = {"gelu", "norm_pdf", "norm_cdf"}  # exp(-x²/2): the rounding of x² counts x² times


def gradient(out: Value, xs: Sequence[Value]) -> list[Any]:
    """The gradient as Values, to be differentiated again: reverse mode on `partials`."""
    adjoints: dict[Value, Any] = {out: 1.0}
    for node in reversed(topological_order(out)):
        if node.operands and node in adjoints:
            partials = node._row.partials(node, *node.operands)
            for operand, partial in zip(node.operands, partials, strict=True):
                adjoints[operand] = adjoints.get(operand, 0.0) + partial * adjoints[node]
    return [adjoints.get(x, 0.0) for x in xs]


def first(function: Callable[..., Any], *xs: float) -> list[float]:
    values = [Value(x) for x in xs]
    function(*values).backward()
    return [value.grad for value in values]


def second(function: Callable[[Any], Any], x: float) -> float:
    value = Value(x)
    (slope,) = gradient(function(value), [value])
    if not isinstance(slope, Value):
        return 0.0
    slope.backward()
    return value.grad


def every_way(function: Callable[..., Any], *xs: float) -> list[float]:
    """The value on floats, on arrays, on Values and on object arrays."""
    boxed = [np.array([Value(x)]) for x in xs]
    return [
        function(*xs),
        float(function(*[np.array([x, x]) for x in xs])[1]),
        function(*[Value(x) for x in xs]).data,
        function(*boxed)[0].data,
    ]


def agrees(got: float, expected: float) -> bool:
    return got == expected or (got != got and expected != expected)


unary = pytest.mark.parametrize("name", UNARY)
each_point = pytest.mark.parametrize("x", POINTS)


def exact_derivative(name: str, x: float, order: int) -> Any:
    with mp.workdps(700):  # sigmoid(700) is within 1e-304 of 1
        return differentiate(UNARY[name], [x], [order])


def amplified(name: str, x: float) -> float:
    return 1e-15 * (1.0 + (x * x if name in ROUNDED_SQUARE else 0.0))


@unary
@each_point
def test_values_are_those_of_mpmath(name: str, x: float) -> None:
    exact = UNARY[name](mp.mpf(x))
    for got in every_way(getattr(wg, name), x):
        assert abs(got - exact) <= amplified(name, x) * abs(exact) + 1e-323, got


@unary
@each_point
def test_first_derivatives_are_those_of_mpmath(name: str, x: float) -> None:
    exact = exact_derivative(name, x, 1)
    (got,) = first(getattr(wg, name), x)
    assert abs(got - exact) <= 4 * amplified(name, x) * abs(exact) + 1e-321, got


@unary
@each_point
def test_second_derivatives_are_those_of_mpmath(name: str, x: float) -> None:
    exact, slope = (exact_derivative(name, x, order) for order in (2, 1))
    got = second(getattr(wg, name), x)
    scale = max(abs(exact), abs(slope))
    assert abs(got - exact) <= 4 * amplified(name, x) * scale + 1e-319, got


def test_the_curvature_of_softplus_at_zero_is_a_quarter() -> None:
    assert second(wg.softplus, 0.0) == 0.25


def test_log_of_sigmoid_keeps_its_slope_where_sigmoid_is_tiny() -> None:
    (slope,) = first(lambda x: wg.log(wg.sigmoid(x)), -700.0)
    assert math.isclose(slope, 1.0, rel_tol=1e-13)


@pytest.mark.parametrize(
    ("name", "x", "value", "slope"),
    [
        ("sigmoid", 1000.0, 1.0, 0.0), ("sigmoid", -1000.0, 0.0, 0.0), ("sigmoid", inf, 1.0, 0.0),
        ("sigmoid", -inf, 0.0, 0.0), ("sigmoid", nan, nan, nan),
        ("softplus", 1000.0, 1000.0, 1.0), ("softplus", -1000.0, 0.0, 0.0),
        ("softplus", inf, inf, 1.0), ("softplus", -inf, 0.0, 0.0), ("softplus", nan, nan, nan),
        ("silu", 1000.0, 1000.0, 1.0), ("silu", -1000.0, -0.0, 0.0),
        ("gelu", 1000.0, 1000.0, 1.0), ("gelu", -1000.0, -0.0, 0.0), ("gelu", nan, nan, nan),
        ("norm_pdf", 1e200, 0.0, 0.0), ("norm_pdf", -inf, 0.0, 0.0),
        ("norm_cdf", -1000.0, 0.0, 0.0), ("norm_cdf", 1000.0, 1.0, 0.0),
        ("norm_cdf", inf, 1.0, 0.0),
    ],
)  # fmt: skip
def test_extremes(name: str, x: float, value: float, slope: float) -> None:
    function = getattr(wg, name)
    for got in every_way(function, x):
        assert agrees(got, value), got
    assert agrees(first(function, x)[0], slope), first(function, x)


@pytest.mark.parametrize(("x", "y"), PAIRS)
def test_logaddexp_is_that_of_mpmath(x: float, y: float) -> None:
    exact = max(x, y) + mp.log1p(mp.exp(-abs(mp.mpf(x) - y)))
    for got in every_way(wg.logaddexp, x, y):
        assert abs(got - exact) <= 4e-16 * max(abs(exact), 1.0), got
    shares = [1 / (1 + mp.exp(mp.mpf(b) - a)) for a, b in ((x, y), (y, x))]
    for got, share in zip(first(wg.logaddexp, x, y), shares, strict=True):
        assert abs(got - share) <= 1e-15 * share, got
    curvature = second(lambda v: wg.logaddexp(v, y), x)
    assert abs(curvature - shares[0] * shares[1]) <= 1e-15


@pytest.mark.parametrize(
    ("x", "y", "value", "slopes"),
    [
        (inf, 1.0, inf, (1.0, 0.0)), (1.0, inf, inf, (0.0, 1.0)), (-inf, 1.0, 1.0, (0.0, 1.0)),
        (1.0, -inf, 1.0, (1.0, 0.0)), (inf, inf, inf, (0.5, 0.5)), (-inf, -inf, -inf, (0.5, 0.5)),
        (inf, -inf, inf, (1.0, 0.0)), (nan, 1.0, nan, (nan, nan)),
    ],
)  # fmt: skip
def test_logaddexp_at_infinities(
    x: float, y: float, value: float, slopes: tuple[float, float]
) -> None:
    for got in every_way(wg.logaddexp, x, y):
        assert agrees(got, value), got
    assert all(map(agrees, first(wg.logaddexp, x, y), slopes)), first(wg.logaddexp, x, y)


# --- choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "value", "slopes"),
    [
        (0.5, 0.5, (1.0, 0.0, 0.0)), (-1.0, 0.0, (0.0, 1.0, 0.0)), (2.0, 1.0, (0.0, 0.0, 1.0)),
        (0.0, 0.0, (0.0, 1.0, 0.0)), (1.0, 1.0, (0.0, 0.0, 1.0)), (inf, 1.0, (0.0, 0.0, 1.0)),
        (nan, nan, (1.0, 0.0, 0.0)),
    ],
)  # fmt: skip
def test_clip(x: float, value: float, slopes: tuple[float, ...]) -> None:
    for got in every_way(wg.clip, x, 0.0, 1.0):
        assert agrees(got, value), got
    assert tuple(first(wg.clip, x, 0.0, 1.0)) == slopes


def test_where_takes_nothing_from_the_side_not_taken() -> None:
    x = Value(0.0)
    wg.where(x > 0.0, wg.log(x), 2.0 * x).backward()
    assert x.grad == 2.0
    assert wg.where([True, False], [1.0, 2.0], 5.0).tolist() == [1.0, 5.0]


def test_where_with_a_condition_that_is_a_value() -> None:
    c, x, y = Value(1.0), Value(2.0), Value(3.0)
    out = wg.where(c, x, y)
    out.backward()
    assert (out.data, c.grad, x.grad, y.grad) == (2.0, 0.0, 1.0, 0.0)


# --- reductions -----------------------------------------------------------------------------------


def values_of(xs: Any) -> list[Any]:
    return [x.data if isinstance(x, Value) else float(x) for x in np.ravel(xs).tolist()]


@pytest.mark.parametrize(
    ("function", "values", "total"),
    [(wg.sum, [1.0, 2.0, 4.0], 7.0), (wg.prod, [2.0, 3.0, 4.0], 24.0),
     (wg.mean, [1.0, 2.0, 6.0], 3.0), (wg.norm, [2.0, 3.0, 6.0], 7.0)],
)  # fmt: skip
def test_reductions_take_any_sequence(function: Any, values: list[float], total: float) -> None:
    for xs in (values, tuple(values), np.array(values), iter(values), np.array(values, dtype=int),
               dict.fromkeys(values).keys(), [np.float32(v) for v in values]):  # fmt: skip
        assert function(xs) == total
    for boxed in ([Value(v) for v in values], np.array([Value(v) for v in values]),
                  [Value(values[0]), *values[1:]]):  # fmt: skip
        assert function(boxed).data == total


@pytest.mark.parametrize(
    ("function", "expected"), [(wg.sum, 0.0), (wg.prod, 1.0), (wg.mean, nan), (wg.norm, 0.0),
                               (wg.logsumexp, -inf)],
)  # fmt: skip
def test_reductions_of_nothing(function: Any, expected: float) -> None:
    for nothing in ([], (), np.empty(0), iter(())):
        assert agrees(function(nothing), expected)


def test_reductions_of_one_number() -> None:
    v = Value(-3.0)
    assert wg.sum(v).data == wg.prod(v).data == wg.mean(v).data == -3.0
    assert wg.norm(v).data == 3.0
    assert wg.sum(2.0) == wg.mean(np.array(2.0)) == wg.logsumexp(2.0) == 2.0


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_axis(axis: int) -> None:
    xs = np.arange(1.0, 7.0).reshape(2, 3)
    boxed = np.array([Value(x) for x in xs.ravel()]).reshape(2, 3)
    for function, numpy in ((wg.sum, np.sum), (wg.prod, np.prod), (wg.mean, np.mean)):
        expected = numpy(xs, axis=axis).tolist()
        assert function(xs, axis=axis).tolist() == expected
        assert values_of(function(boxed, axis=axis)) == expected


def test_axis_of_an_empty_array() -> None:
    assert wg.sum(np.empty((2, 0)), axis=1).tolist() == [0.0, 0.0]
    assert wg.prod(np.empty((0, 3)), axis=0).tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(wg.mean(np.empty((2, 0)), axis=1)).all()
    assert wg.sum(np.empty((2, 0)), axis=0).shape == (0,)


@pytest.mark.parametrize("function", [wg.sum, wg.prod, wg.mean])
def test_an_axis_that_is_not_there(function: Any) -> None:
    with pytest.raises(OperandError, match=r"shape \(2,\) has no axis 1"):
        function([1.0, 2.0], axis=1)


@pytest.mark.parametrize("function", [wg.sum, wg.prod, wg.mean, wg.norm, wg.logsumexp, wg.softmax])
@pytest.mark.parametrize("wrong", ["12", b"12", {"a": 1.0}, [1.0, None], [[1.0], [1.0, 2.0]], None])
def test_reductions_refuse_what_is_no_number(function: Any, wrong: Any) -> None:
    with pytest.raises(OperandError):
        function(wrong)


def test_prod_has_the_derivatives_of_each_factor_at_zeros() -> None:
    xs = [Value(0.0), Value(2.0), Value(0.0)]
    wg.prod(xs).backward()
    assert [x.grad for x in xs] == [0.0, 0.0, 0.0]
    xs = [Value(0.0), Value(2.0), Value(5.0)]
    wg.prod(xs).backward()
    assert [x.grad for x in xs] == [10.0, 0.0, 0.0]


def test_dot() -> None:
    xs, ys = [Value(1.0), Value(2.0)], [3.0, 4.0]
    wg.dot(xs, ys).backward()
    assert [x.grad for x in xs] == ys
    assert wg.dot(np.array([1, 2]), iter(ys)) == 11.0
    assert wg.dot([], []) == 0.0


@pytest.mark.parametrize(
    ("xs", "ys"), [([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]]), (np.eye(2), np.ones(2))]
)
def test_dot_of_shapes_that_do_not_match(xs: Any, ys: Any) -> None:
    with pytest.raises(OperandError, match=r"one length, not of shapes .*operator @"):
        wg.dot(xs, ys)


@pytest.mark.parametrize(
    ("xs", "length", "slopes"),
    [
        ([0.0], 0.0, [0.0]), ([0.0, 0.0, 0.0], 0.0, [0.0, 0.0, 0.0]), ([-2.0], 2.0, [-1.0]),
        ([1e200, 1e200], math.sqrt(2.0) * 1e200, [math.sqrt(0.5)] * 2),
        ([3e-200, 4e-200], 5e-200, [0.6, 0.8]), ([0.0, 2.0], 2.0, [0.0, 1.0]),
        ([3e-320, 4e-320], 5e-320, [0.6, 0.8]), ([1e308, -1e308, 1e308, 1e308], inf, None),
        ([inf, 1.0], inf, [nan, 0.0]), ([nan, 1.0], nan, [nan, nan]),
    ],
)  # fmt: skip
def test_norm(xs: list[float], length: float, slopes: list[float] | None) -> None:
    got = wg.norm(xs)
    assert agrees(got, length) or math.isclose(got, length, rel_tol=4e-16)
    if slopes is not None:
        for slope, expected in zip(first(lambda *v: wg.norm(v), *xs), slopes, strict=True):
            assert agrees(slope, expected) or math.isclose(slope, expected, rel_tol=1e-3), slope


LISTS = (
    [0.0],
    [1.0, 2.0, 3.0],
    [1000.0, 1000.0, 999.0],
    [-1000.0, -1001.0],
    [5.0, -300.0],
    [0.3] * 9,
)


@pytest.mark.parametrize("xs", LISTS)
def test_logsumexp_and_softmax_are_those_of_mpmath(xs: list[float]) -> None:
    total = mp.fsum([mp.exp(x) for x in xs])
    exact = mp.log(total)
    assert abs(wg.logsumexp(xs) - exact) <= 1e-15 * max(abs(exact), 1.0)
    shares = [mp.exp(x) / total for x in xs]
    weights = wg.softmax(xs)
    for got in (weights, first(lambda *v: wg.logsumexp(v), *xs)):
        assert all(abs(g - s) <= 4e-15 * s for g, s in zip(got, shares, strict=True)), got
    values = [Value(x) for x in xs]
    boxed = wg.softmax(values)
    assert [w.data for w in boxed] == weights.tolist()
    boxed[0].backward()
    for k, value in enumerate(values):
        exact = shares[0] * ((k == 0) - shares[k])
        assert abs(value.grad - exact) <= 1e-15, (k, value.grad)


def test_the_curvature_of_logsumexp() -> None:
    got = second(lambda v: wg.logsumexp([v, 1.0, 2.0]), 0.5)
    share = mp.exp(0.5) / (mp.exp(0.5) + mp.exp(1) + mp.exp(2))
    assert abs(got - share * (1 - share)) <= 1e-15


@pytest.mark.parametrize(
    ("xs", "value", "slopes"),
    [
        ([inf], inf, [1.0]), ([-inf], -inf, [1.0]), ([inf, 1.0], inf, [1.0, 0.0]),
        ([-inf, 1.0], 1.0, [0.0, 1.0]), ([-inf, -inf], -inf, [0.5, 0.5]),
        ([inf, inf], inf, [0.5, 0.5]),
        ([inf, -inf], inf, [1.0, 0.0]), ([nan, 1.0], nan, [nan, nan]),
    ],
)  # fmt: skip
def test_logsumexp_at_infinities(xs: list[float], value: float, slopes: list[float]) -> None:
    assert agrees(wg.logsumexp(xs), value)
    got = first(lambda *v: wg.logsumexp(v), *xs)
    assert all(map(agrees, got, slopes)), got


def test_softmax_of_extremes() -> None:
    assert wg.softmax([-inf, 0.0]).tolist() == [0.0, 1.0]
    assert wg.softmax([1e308, -1e308]).tolist() == [1.0, 0.0]
    assert math.isnan(wg.softmax([inf, 1.0])[0])
    assert np.isnan(wg.softmax([-inf, -inf])).all()
    assert wg.softmax([]).shape == (0,)
    assert wg.softmax(np.zeros((2, 2))).tolist() == [[0.25, 0.25], [0.25, 0.25]]
