"""The transforms as users call them: conventions of jax and torch.func, nesting, errors."""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert.errors import OperandError

Pair = namedtuple("Pair", "w b")
Other = namedtuple("Other", "w b")


@dataclass
class Line:
    w: Any
    b: Any


def f(x, y):
    return wg.sin(x) * y**2


X, Y = 0.5, 2.0
FX, FY = np.cos(X) * Y**2, 2 * Y * np.sin(X)


def same(found: Any, expected: Any, rtol: float = 1e-13) -> None:
    """Structures of the same kinds, with numbers that are close."""
    assert type(found) is type(expected) or {type(found), type(expected)} <= {float, np.float64}
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            same(found[key], expected[key], rtol)
    elif isinstance(expected, tuple | list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other, rtol)
    elif isinstance(expected, Line):
        same(vars(found), vars(expected), rtol)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol, 1e-14)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rtol, 1e-14, nan_ok=True)
    else:
        assert found == expected


# --- what is differentiated by what ---------------------------------------------------------------

ARGNUMS = [
    (None, FX), (0, FX), (1, FY), (-1, FY), (-2, FX), (np.int64(1), FY), ((0, 1), (FX, FY)),
    ((1, 0), (FY, FX)), ([0, 1], (FX, FY)), ((1,), (FY,)), ((), ()), (range(2), (FX, FY)),
    (np.array([1, 0]), (FY, FX)), ((-1, 0), (FY, FX)),
]  # fmt: skip


@pytest.mark.parametrize(("argnums", "expected"), ARGNUMS, ids=lambda each: repr(each)[:20])
def test_argnums(argnums: Any, expected: Any) -> None:
    same(wg.grad(f, argnums)(X, Y), expected)
    same(wg.jacobian(f, argnums, mode="forward")(X, Y), expected)
    same(wg.jacobian(f, argnums, mode="reverse")(X, Y), expected)
    same(wg.value_and_grad(f, argnums)(X, Y), (f(X, Y), expected))
    same(wg.grad(wg.record(f, X, Y), argnums)(X, Y), expected)


@pytest.mark.parametrize(
    ("argnums", "message"),
    [
        (True, "not bool True"), (1.0, "not float 1.0"), ("x", "not str 'x'"), ("", "not str ''"),
        ((0, False), "not bool False"), ({0, 1}, "not set"), (np.array(0.0), "not ndarray"),
        (np.array([[0]]), "not ndarray"), (((0,),), "not tuple"), ((None,), "not NoneType"),
    ],
)  # fmt: skip
def test_argnums_that_are_no_positions(argnums: Any, message: str) -> None:
    wg.grad(f, 0)(X, Y), wg.grad(f, 1)(X, Y)  # what is known for 1 is not what True asks for
    for transform in (wg.grad, wg.value_and_grad, wg.jacobian, wg.hessian):
        with pytest.raises(OperandError, match=f"argnums is the position of an .*{message}"):
            transform(f, argnums)


def test_argnums_that_are_not_there() -> None:
    for argnums in (2, -3, (0, 2)):
        with pytest.raises(
            OperandError, match=r"of f\(\), which was given 2 arguments by position"
        ):
            wg.grad(f, argnums)(X, Y)
    for argnums in ((0, 0), (0, -2)):
        with pytest.raises(OperandError, match="argnums names an argument twice"):
            wg.grad(f, argnums)(X, Y)
    with pytest.raises(OperandError, match="given 1 argument by position. Those given by name are"):
        wg.grad(f, 1)(X, y=Y)
    with pytest.raises(OperandError, match="argnums=0 of the function, which was given 0"):
        wg.grad(lambda: 3.0)()


def test_what_is_no_number_cannot_be_chosen() -> None:
    def scaled(x, how):
        return 2 * x if how else x

    assert wg.grad(scaled)(3.0, True) == 2.0
    for how in (True, np.True_, "yes"):
        with pytest.raises(OperandError, match="by how, argument 1: it is .* no number"):
            wg.grad(scaled, 1)(3.0, how)
    assert wg.grad(scaled, (0, 1))(3.0, None) == (1.0, None)  # nothing to differentiate by


def test_second_derivatives_by_several_arguments() -> None:
    def g(x, y):
        return x[0] * x[1] * y + y**3

    x, y = np.array([2.0, 3.0]), 5.0
    xx, xy = np.array([[0.0, y], [y, 0.0]]), x[::-1].copy()
    same(wg.hessian(g)(x, y), xx)
    same(wg.hessian(g, (0, 1))(x, y), ((xx, xy), (xy, 6 * y)))
    same(wg.hessian(g, (1, 0))(x, y), ((6 * y, xy), (xy, xx)))
    same(wg.hessian(g, -1)(x, y), 6 * y)
    same(wg.hvp(g, (x, y), (np.ones(2), 2.0)), (xx @ np.ones(2) + 2 * xy, xy.sum() + 12 * y))


# --- auxiliary results ----------------------------------------------------------------------------


def with_aux(x):
    return x**3, {"twice": 2 * x, "name": "cube", "nothing": None}


AUX = {"twice": 4.0, "name": "cube", "nothing": None}


def test_auxiliary_results() -> None:
    same(wg.grad(with_aux, has_aux=True)(2.0), (12.0, AUX))
    same(wg.value_and_grad(with_aux, has_aux=True)(2.0), ((8.0, AUX), 12.0))
    same(wg.jacobian(with_aux, has_aux=True)(2.0), (12.0, AUX))
    same(wg.hessian(with_aux, has_aux=True)(2.0), (12.0, AUX))
    same(wg.jvp(with_aux, (2.0,), (10.0,), has_aux=True), (8.0, 120.0, AUX))


def test_a_pullback_takes_and_gives_nothing_for_auxiliary_results() -> None:
    y, pullback, aux = wg.vjp(with_aux, 2.0, has_aux=True)
    same((y, pullback(10.0), aux), (8.0, (120.0,), AUX))
    y, pullback, aux = wg.vjp(lambda x, k: ((k * x, x**2), x), np.ones(2), 3.0, has_aux=True)
    same(pullback((np.array([1.0, 0.0]), np.array([0.0, 5.0]))), (np.array([3.0, 10.0]), 1.0))


@pytest.mark.parametrize("result", [1.0, (1.0,), (1.0, 2.0, 3.0), [1.0, 2.0], None])
def test_what_is_no_pair_with_auxiliary_results(result: Any) -> None:
    for transform in (wg.grad, wg.value_and_grad, wg.jacobian, wg.hessian):
        with pytest.raises(OperandError, match=r"With has_aux=True, .* returns a pair"):
            transform(lambda x: result, has_aux=True)(1.0)


# --- structures -----------------------------------------------------------------------------------


def line(p, x):
    return np.sum((p.w * x + p.b) ** 2)


@pytest.mark.parametrize("kind", [Pair, Other, Line])
def test_records(kind: Any) -> None:
    x, w = np.arange(3.0), np.array([1.0, 2.0, 3.0])
    residual = w * x + 0.5
    same(wg.grad(line)(kind(w, 0.5), x), kind(2 * residual * x, 2 * residual.sum()))
    y, slope = wg.jvp(lambda x: kind(x, 2 * x), (3.0,), (1.0,))
    same((y, slope), (kind(3.0, 6.0), kind(1.0, 2.0)))  # of this class, not of one seen before
    same(wg.jacobian(lambda x: kind(x, 2 * x))(3.0), kind(1.0, 2.0))
    same(wg.vjp(lambda x: kind(x, 2 * x), 3.0)[1](kind(1.0, 10.0)), (21.0,))


STRUCTURES = [
    (lambda p: p["a"] * p["b"][0], {"a": 3.0, "b": [2.0, (1.0,)]}, {"a": 2.0, "b": [3.0, (0.0,)]}),
    (lambda p: p[1][1] ** 2, [1.0, [2.0, 3.0]], [0.0, [0.0, 6.0]]),
    (lambda p: p["x"] * len(p["name"]), {"x": 1.0, "name": "abc"}, {"x": 3.0, "name": "abc"}),
    (lambda p: 3.0, {}, {}),
    (lambda p: 3.0, (), ()),
    (lambda a: np.sum(a), np.zeros((0, 3)), np.zeros((0, 3))),
    (lambda a: a**2, np.array(3.0), np.array(6.0)),
    (lambda a: np.sum(a**2), np.arange(3), np.array([0.0, 2.0, 4.0])),
    (lambda a: np.sum(a**2), np.arange(3, dtype=np.float32), np.array([0.0, 2.0, 4.0])),
    (lambda a: np.sum(a**2), np.array([True, False]), np.array([2.0, 0.0])),
    (lambda a: a**2, 3, 6.0),
    (lambda a: a**2, np.float32(3), 6.0),
    (
        lambda a: np.sum(a * np.arange(6.0).reshape(2, 3)),
        np.asfortranarray(np.ones((2, 3))),
        np.arange(6.0).reshape(2, 3),
    ),
    (lambda a: np.sum(a * np.arange(3.0)), np.arange(6.0)[::-2], np.arange(3.0)),
]


@pytest.mark.parametrize(("function", "argument", "expected"), STRUCTURES)
def test_a_gradient_has_the_structure_of_the_argument(
    function: Callable[..., Any], argument: Any, expected: Any
) -> None:
    same(wg.grad(function)(argument), expected)


def test_jacobians_of_structures() -> None:
    def g(p):
        return {"u": p["a"] * p["b"], "v": [p["b"] ** 2]}

    a, b = np.array([1.0, 2.0]), 3.0
    expected = {
        "u": {"a": b * np.eye(2), "b": a},
        "v": [{"a": np.zeros(2), "b": 2 * b}],
    }
    for mode in (None, "forward", "reverse"):
        same(wg.jacobian(g, mode=mode)({"a": a, "b": b}), expected)


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
def test_jacobians_without_entries(mode: str | None) -> None:
    same(wg.jacobian(lambda a: 2 * a, mode=mode)(np.zeros(0)), np.zeros((0, 0)))
    same(wg.jacobian(lambda a: a[:0], mode=mode)(np.zeros((2, 3))), np.zeros((0, 3, 2, 3)))
    same(wg.jacobian(lambda a: np.ones(2), mode=mode)(np.zeros(0)), np.zeros((2, 0)))
    same(wg.jacobian(lambda a: (), mode=mode)(1.0), ())
    same(wg.jacobian(lambda a: None, mode=mode)(1.0), None)
    same(wg.hessian(lambda a: 1.0)(np.zeros(0)), np.zeros((0, 0)))


# --- functions of every kind ----------------------------------------------------------------------


class Model:
    scale = 3.0

    def method(self, x):
        return self.scale * x**2

    def __call__(self, x):
        return x**2

    @staticmethod
    @wg.grad
    def decorated(x):
        return x**2


@dataclass
class Scaled:
    scale: float

    @partial(wg.grad, argnums=1)
    def slope(self, x):
        return self.scale * x**2

    @wg.grad
    def by_itself(self, x):
        return self.scale * x**2


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (np.sin, (X,), np.cos(X)), (wg.sin, (X,), np.cos(X)), (np.multiply, (2.0, 3.0), 3.0),
        (np.sum, (np.ones(2),), np.ones(2)), (abs, (-2.0,), -1.0), (pow, (2.0, 3.0), 12.0),
        (max, (2.0, 1.0), 1.0), (sum, ([1.0, 2.0],), [1.0, 1.0]),
        (np.sum, (2.0,), 1.0), (np.prod, (2.0,), 1.0), (np.max, (2.0,), 1.0),
        (np.sum, (np.array(2.0),), np.array(1.0)),
        (np.dot, (np.ones(2), np.arange(2.0)), np.arange(2.0)),
        (Model().method, (2.0,), 12.0), (Model(), (2.0,), 4.0), (partial(f, y=Y), (X,), FX),
        (partial(f, X), (Y,), FY), (lambda *xs: xs[0] * xs[1], (2.0, 3.0), 3.0),
        (lambda x, n=3: x**n, (2.0,), 12.0),
    ],
)  # fmt: skip
def test_functions(function: Any, arguments: Any, expected: Any) -> None:
    same(wg.grad(function)(*arguments), expected)


def test_methods_and_decorators() -> None:
    assert Model.decorated(2.0) == Model().decorated(2.0) == 4.0
    assert Scaled(3.0).slope(2.0) == 12.0  # positions count the object itself, as in jax
    assert Scaled(3.0).by_itself(2.0) == Scaled(4.0)
    assert isinstance(Scaled.slope, type(wg.grad(f)))
    with pytest.raises(OperandError, match=r"'self'\] is Plain.* Hold it fixed"):
        Plain().slope(2.0)


class Plain:
    @partial(wg.grad, argnums=1)
    def slope(self, x):
        return x


def test_names() -> None:
    gradient = wg.grad(f)
    assert gradient.__name__ == "f"
    assert repr(gradient) == "<grad of f>"
    assert repr(wg.hessian(partial(f, y=1.0))) == "<hessian of f>"


def test_arguments_by_name_are_held_fixed() -> None:
    assert wg.grad(lambda x, *, n: x**n)(2.0, n=3) == 12.0
    assert wg.grad(lambda x, **named: x * len(named["word"]))(2.0, word="abc") == 3.0
    assert wg.grad(lambda n: wg.grad(lambda x, n: x**2 * n)(2.0, n=n))(3.0) == 4.0
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        wg.grad(f)(X, z=Y)


def test_programs() -> None:
    program = wg.record(f, X, Y)
    slope = wg.grad(program, (0, 1))
    assert isinstance(slope, wg.Program)
    same(slope(X, y=Y), (FX, FY))
    same(wg.jvp(program, (X, Y), (1.0, 0.0)), (f(X, Y), FX))
    same(wg.vjp(program, X, Y)[1](1.0), (FX, FY))
    same(wg.linearize(program, X, Y)[1](0.0, 1.0), FY)
    same(wg.grad(lambda x: x * wg.grad(program)(x, Y))(X), FX - X * f(X, Y))
    with pytest.raises(OperandError, match=r"recorded with \(x, y\), and got 1 \(x\)"):
        wg.jvp(program, (X,), (1.0,))


def test_values_as_functions() -> None:
    a, b = wg.Value(2.0, label="a"), wg.Value(3.0, label="b")
    root = a * b + a
    same(wg.grad(root)(2.0, 3.0), (4.0, 2.0))
    same(wg.grad(root, 1)(2.0, 3.0), 2.0)
    same(wg.hessian(root)(2.0, 3.0), ((0.0, 1.0), (1.0, 0.0)))
    same(wg.jvp(root, (2.0, 3.0), (1.0, 0.0)), (8.0, 4.0))
    same(wg.grad(lambda x: x * wg.grad(root)(x, x)[0])(2.0), 5.0)  # x(x + 1)


def test_values_as_arguments() -> None:
    v, w = wg.Value(0.7), wg.Value(2.0)
    slope = wg.grad(wg.grad(bumpy))(v)
    slope.backward()
    expected = mpmath.diff(bumpy_exact, 0.7, 3)
    assert v.grad == pytest.approx(float(expected), rel=1e-13)
    rows = wg.jacobian(lambda x, y: np.array([x * y, wg.sin(x)]), (0, 1))(v, w)
    assert [[entry.data for entry in row] for row in rows] == [[2.0, np.cos(0.7)], [0.7, 0.0]]
    v.grad = 0.0
    pulled = wg.vjp(bumpy, v)[1](1.0)[0]
    pulled.backward()
    assert v.grad == pytest.approx(float(mpmath.diff(bumpy_exact, 0.7, 2)), rel=1e-13)


# --- linear functions, many times -----------------------------------------------------------------


def test_pullbacks_and_linear_functions_are_linear_and_serve_many_times() -> None:
    def g(x):
        return np.array([x[0] * x[1] ** 2, wg.sin(x[0] * x[1]), wg.exp(x[0])])

    x = np.array([0.3, 0.8])
    c = np.cos(x[0] * x[1])
    exact = np.array([[x[1] ** 2, 2 * x[0] * x[1]], [c * x[1], c * x[0]], [np.exp(x[0]), 0.0]])
    y, pullback = wg.vjp(g, x)
    same(y, g(x).astype(float))
    for row, seed in zip(exact, np.eye(3), strict=True):
        same(pullback(seed), (row,))
    y, linear = wg.linearize(g, x)
    for column, seed in zip(exact.T, np.eye(2), strict=True):
        same(linear(seed), column.copy())
    same(wg.jacobian(linear)(np.zeros(2)), exact)  # they can be recorded
    same(wg.jacobian(lambda cotangent: pullback(cotangent)[0])(np.zeros(3)), exact.T.copy())
    same(wg.jvp(lambda z: wg.linearize(g, z)[1](np.ones(2)), (x,), (np.zeros(2),))[1], np.zeros(3))


# --- nesting --------------------------------------------------------------------------------------


def by_grad(g, x):
    return wg.grad(g)(x)


def by_forward(g, x):
    return wg.jacobian(g, mode="forward")(x)


def by_reverse(g, x):
    return wg.jacobian(g, mode="reverse")(x)


def by_jvp(g, x):
    return wg.jvp(g, (x,), (1.0,))[1]


def by_vjp(g, x):
    return wg.vjp(g, x)[1](1.0)[0]


def by_linearize(g, x):
    return wg.linearize(g, x)[1](1.0)


WAYS = [by_grad, by_forward, by_reverse, by_jvp, by_vjp, by_linearize]


def bumpy(x):
    return wg.exp(-x * x) * wg.sin(3 * x) + wg.log(1 + x**2)


def bumpy_exact(x):
    return mpmath.exp(-x * x) * mpmath.sin(3 * x) + mpmath.log(1 + x**2)


@pytest.mark.parametrize("inner", WAYS)
@pytest.mark.parametrize("outer", WAYS)
def test_two_levels_are_not_confused(outer: Any, inner: Any) -> None:
    assert outer(lambda x: x * inner(lambda y: x + y, 1.0), 1.0) == 1.0
    assert outer(lambda x: x * inner(lambda y: x * y, 1.0), 4.0) == 8.0
    x = 0.7
    expected = 2 * x * np.cos(x * x) - 2 * x**3 * np.sin(x * x)  # of x² cos x²
    assert outer(lambda x: inner(lambda y: wg.sin(x * y) * x, x), x) == pytest.approx(expected)


@pytest.mark.parametrize("third", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_three_levels(second: Any, third: Any) -> None:
    def inner(x):
        return second(lambda y: third(bumpy, y) * x, x)

    def exact(x):
        return x * mpmath.diff(bumpy_exact, x, 2)

    expected = float(mpmath.diff(exact, 0.6))
    for first in WAYS:
        assert first(inner, 0.6) == pytest.approx(expected, rel=1e-12)


def test_orders_one_to_five() -> None:
    derivative = bumpy
    for order in range(1, 6):
        derivative = wg.grad(derivative)
        with mpmath.workdps(40):
            expected = float(mpmath.diff(bumpy_exact, mpmath.mpf(0.7), order))
        assert derivative(0.7) == pytest.approx(expected, rel=1e-13)


def test_closures_over_operands_of_several_levels() -> None:
    def nested(a):
        def second(b):
            return wg.grad(lambda c: wg.grad(lambda d: a * b * c * d * d)(c) * b)(b) * a

        return wg.grad(second)(a)

    # d/dd = 2abcd; at d = c times b: 2ab²c²; d/dc at b: 4ab³, times a: 4a²b³; d/db at a: 12a⁴
    assert nested(1.2) == pytest.approx(12 * 1.2**4)
    assert wg.grad(nested)(1.2) == pytest.approx(48 * 1.2**3)


def test_gradient_of_a_jacobian_of_a_hessian_vector_product() -> None:
    def cubic(z):
        return np.sum(z**4) + z[0] * z[1] ** 2

    def of_hvp(z):
        return wg.hvp(cubic, (z,), (np.ones(2),))[0]

    def norm(z):
        return np.sum(wg.jacobian(of_hvp)(z))

    # H·1 = (12x² + 2y, 2y + 12y² + 2x); all entries of its Jacobian: 24x + 2 + 2 + 24y + 2
    assert norm(np.array([1.0, 2.0])) == 78.0
    same(wg.grad(norm)(np.array([1.0, 2.0])), np.array([24.0, 24.0]))
    dense = wg.jacobian(wg.grad(cubic))(np.array([1.0, 2.0]))
    same(dense, wg.hessian(cubic)(np.array([1.0, 2.0])))
    same(dense, np.array([[12.0, 4.0], [4.0, 50.0]]))


def in_scan(step, a):
    return wg.scan(lambda c, u: (step(c, u), c), a, np.arange(5.0))[0]


def in_fori(step, a):
    return wg.fori(5, lambda i, c: step(c, i), a)


def in_while(step, a):
    def body(state):
        return state[0] + 1.0, step(state[1], state[0])

    return wg.while_loop(lambda state: state[0] < 5.0, body, (0.0, a))[1]


@pytest.mark.parametrize("inner", WAYS)
@pytest.mark.parametrize("loop", [in_scan, in_fori, in_while])
def test_derivatives_in_the_bodies_of_loops(loop: Any, inner: Any) -> None:
    def with_loop(a):
        return loop(lambda c, u: c + inner(lambda z: wg.sin(z * a) * u, c), a)

    def written_out(a):
        c = a
        for u in range(5):
            c = c + mpmath.cos(c * a) * a * u
        return c

    expected = float(mpmath.diff(written_out, 0.5))
    for outer in WAYS:
        assert outer(with_loop, 0.5) == pytest.approx(expected, rel=1e-13)


def test_a_derivative_in_the_condition_of_a_loop() -> None:
    def halved(a):
        return wg.while_loop(lambda z: wg.grad(lambda u: u * u)(z) > 1.0, lambda z: z * a, 4.0)

    assert halved(0.5) == 0.5
    assert wg.grad(halved)(0.5) == 3.0  # 4a³


def test_newton_by_its_own_derivatives() -> None:
    def root(c):
        z = c
        for _ in range(6):
            slope = wg.grad(lambda z: z**3 / 3 - c * z)
            z = z - slope(z) / wg.grad(slope)(z)
        return z

    assert root(2.0) == pytest.approx(2**0.5)
    assert wg.grad(root)(2.0) == pytest.approx(0.5 * 2**-0.5)
    assert wg.grad(wg.grad(root))(2.0) == pytest.approx(-0.25 * 2**-1.5)


# --- results of every kind ------------------------------------------------------------------------


def test_constants_and_what_is_ignored() -> None:
    for constant in (lambda x, y: 3.0, lambda x, y: y, lambda x, y: 3):
        same(wg.grad(constant)(1.0, 2.0), 0.0)
        same(wg.hessian(constant)(np.ones(2), 2.0), np.zeros((2, 2)))
        same(wg.hvp(constant, (1.0, 2.0), (1.0, 1.0)), (0.0, 0.0))
        same(wg.jvp(constant, (1.0, 2.0), (1.0, 0.0))[1], 0.0)
        same(wg.vjp(constant, 1.0, 2.0)[1](5.0)[0], 0.0)
        same(wg.linearize(constant, 1.0, 2.0)[1](1.0, 0.0), 0.0)
    same(wg.jacobian(lambda x, y: y)(np.ones(2), np.ones(3)), np.zeros((3, 2)))


def test_inputs_as_results() -> None:
    x = np.ones(2)
    same(wg.jacobian(lambda x: x)(x), np.eye(2))
    same(wg.jacobian(lambda x: (x, x))(1.0), (1.0, 1.0))
    same(wg.vjp(lambda x: (x, x), 1.0)[1]((1.0, 10.0)), (11.0,))
    same(wg.jvp(lambda x: [x, x], (1.0,), (3.0,)), ([1.0, 1.0], [3.0, 3.0]))
    result = wg.vjp(lambda x: x, x)[0]
    result[0] = 7.0
    assert x[0] == 1.0


def test_numbers_that_are_not_finite() -> None:
    assert np.isnan(wg.grad(lambda x: x * x)(np.nan))
    assert wg.grad(lambda x: x * x)(np.inf) == np.inf
    assert wg.grad(lambda x: 1 / x)(np.inf) == 0.0
    assert wg.grad(wg.exp)(-np.inf) == 0.0


@pytest.mark.parametrize("where", [wg.where, np.where])
def test_the_untaken_side_leaks_nothing(where: Any) -> None:
    def safe(x):
        return where(x > 0, wg.sqrt(x) * wg.log(x), x * x * x)

    derivative = safe
    for expected in (3.0, -6.0, 6.0, 0.0):
        derivative = wg.grad(derivative)
        assert derivative(-1.0) == expected
    assert wg.hessian(safe)(-1.0) == -6.0
    assert wg.grad(lambda x: where(x > 0, wg.log(x), 0.0))(0.0) == 0.0
    assert wg.hessian(lambda x: where(x > 0, wg.log(x), 0.0))(0.0) == 0.0

    def of_array(z):
        return np.sum(np.where(z > 0, np.log(z), z))

    x = np.array([0.0, 2.0])
    if where is np.where:
        with np.errstate(divide="ignore"):  # NumPy itself warns of log 0
            same(wg.grad(of_array)(x), np.array([1.0, 0.5]))
            same(wg.hessian(of_array)(x), np.array([[0.0, 0.0], [0.0, -0.25]]))


# --- errors ---------------------------------------------------------------------------------------

RESULTS = [
    (lambda x: x, r"the function gives an array of shape \(3,\). Use wg.jacobian, or sum it up"),
    (lambda x: (x[0],), "gives a tuple of 1 number. Use wg.jacobian"),
    (lambda x: (x[0], x), "gives a tuple of 4 numbers. Use has_aux=True if the second"),
    (lambda x: None, "gives None. Return a number"),
    (lambda x: True, "gives bool True. Return a number"),
    (lambda x: "a", "gives str 'a'. Return a number"),
    (lambda x: {"a": x[0]}, "gives a dict of 1 number"),
]


@pytest.mark.parametrize(("function", "message"), RESULTS)
def test_gradients_of_what_is_not_one_number(function: Any, message: str) -> None:
    for transform in (wg.grad, wg.value_and_grad, wg.hessian, partial(wg.hessian, sparse=True)):
        with pytest.raises(OperandError, match=message):
            transform(function)(np.ones(3))
    with pytest.raises(OperandError, match=message):
        wg.hvp(function, (np.ones(3),), (np.ones(3),))


@pytest.mark.parametrize("wrong", [None, 3, "f", np.ones(2)])
def test_what_is_no_function(wrong: Any) -> None:
    for transform in (wg.grad, wg.value_and_grad, wg.jacobian, wg.hessian):
        with pytest.raises(OperandError, match="takes a function, a Program or a Value, not"):
            transform(wrong)
    for call in (wg.jvp, wg.hvp):
        with pytest.raises(OperandError, match="A function, a Program or a Value is wanted"):
            call(wrong, (1.0,), (1.0,))
    for call in (wg.vjp, wg.linearize, wg.sparsity):
        with pytest.raises(OperandError, match="A function, a Program or a Value is wanted"):
            call(wrong, 1.0)


def test_directions_of_another_structure() -> None:
    for call in (wg.jvp, wg.hvp):
        with pytest.raises(OperandError, match=r"not float 1.0: write \(primal,\)"):
            call(wg.sin, 1.0, (1.0,))
        with pytest.raises(OperandError, match=r"not ndarray .*: write \(tangent,\)"):
            call(wg.sin, (1.0,), np.ones(1))
        with pytest.raises(OperandError, match="one tangent for each argument: 1, not 2"):
            call(wg.sin, (1.0,), (1.0, 2.0))
        with pytest.raises(OperandError, match=r"\['tangents'\]\[0\] has shape \(2,\), not \(3,\)"):
            call(np.sum, (np.ones(2),), (np.ones(3),))
    with pytest.raises(OperandError, match=r"is a dict of \['a'\], not of \['b'\]"):
        wg.jvp(lambda p: p["a"], ({"a": 1.0},), ({"b": 1.0},))
    with pytest.raises(OperandError, match="one tangent for each argument: 1, not 0"):
        wg.linearize(wg.sin, 1.0)[1]()
    with pytest.raises(OperandError, match=r"\['cotangent'\] has shape \(2,\), not \(\)"):
        wg.vjp(lambda x: x, np.ones(2))[1](1.0)


@pytest.mark.parametrize("mode", ["fwd", "", 1, True, []])
@pytest.mark.parametrize("sparse", [False, True])
def test_other_modes(mode: Any, sparse: bool) -> None:
    with pytest.raises(OperandError, match='The mode is "forward", "reverse" or None, not'):
        wg.jacobian(f, mode=mode, sparse=sparse)


def assigned(x):
    out = np.zeros(2)
    out[0] = x
    return np.sum(out)


@pytest.mark.parametrize(
    ("function", "argument", "message"),
    [
        (lambda x: x, 1j, r"'x'\] is complex 1j"), (lambda x: x * 1j, 1.0, "not complex 1j"),
        (np.sum, np.ones(2, complex), "not an array of complex128"),
        (lambda x: float(x), 1.0, r"float\(\) of a recorded number"),
        (np.sum, np.ma.array([1.0, 2.0], mask=[0, 1]), "is a masked array"),
        (np.linalg.det, np.eye(2), "NumPy cannot do this with recorded numbers"),
        (assigned, 1.0, "arrays of dtype=object"),
        (lambda x: (y for y in [x]), 1.0, "the result of .* is generator"),
        (lambda x: x * wg.Value(2.0), 1.0, "meets a Value inside recorded code"),
        (lambda x: {x}, 1.0, "the result of .* is set"),
    ],
)  # fmt: skip
def test_what_cannot_be_differentiated(function: Any, argument: Any, message: str) -> None:
    for transform in (wg.grad, wg.jacobian, wg.hessian):
        with pytest.raises(OperandError, match=message):
            transform(function)(argument)


def test_a_wrong_number_of_arguments() -> None:
    with pytest.raises(OperandError, match="that it was given, 3 by position: too many"):
        wg.grad(f)(1.0, 2.0, 3.0)
    with pytest.raises(OperandError, match="missing a required argument: 'y'"):
        wg.grad(f)(1.0)
