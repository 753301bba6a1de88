"""Reverse mode where values are computed again: the same gradients, in less memory.

Gradients with and without checkpoints are compared with each other, with those of eager Values, and
by a second evaluator; memory is that of the interpreter's buffer.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from evaluate import walked
from hypothesis import given, settings
from hypothesis import strategies as st
from program_helpers import marks

import wengert as wg
from wengert.errors import OperandError, PathChanged
from wengert.program.checkpoint import checkpoint
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.run.interpret import Interpreter

pytestmark = pytest.mark.no_cover  # long; what it runs is run by others, too

NUMBERS = st.floats(-1.5, 1.5, allow_subnormal=False)
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def gradient(function: Callable[..., Any], x: Any) -> Program:
    return checked(wg.grad(function).program(x))


def eager(function: Callable[..., Any], x: Any) -> Any:
    """The gradient by the graph of Values."""
    leaves = [wg.Value(float(each)) for each in x]
    function(np.array(leaves, dtype=object)).backward()
    return [leaf.grad for leaf in leaves]


def buffer(program: Program) -> int:
    return Interpreter(program).buffer.size


def agree(function: Callable[[Wrap], Callable[..., Any]], x: Any) -> tuple[Program, Program]:
    """Gradients without and with checkpoints, which must be the same to the bit."""
    plain, again = gradient(function(as_it_is), x), gradient(function(checkpoint), x)
    expected = walked(plain, x)
    np.testing.assert_array_equal(walked(again, x), expected)
    np.testing.assert_array_equal(Interpreter(again)(x), expected)
    np.testing.assert_allclose(expected, eager(function(as_it_is), x), rtol=1e-12, atol=1e-14)
    assert marks(again)
    assert not marks(plain)
    return plain, again


# --- functions ------------------------------------------------------------------------------------


def layers(wrap: Wrap, depth: int) -> Callable[..., Any]:
    """A function through which two numbers go again and again."""

    @wrap
    def layer(x: Any, y: Any) -> tuple[Any, Any]:
        z = wg.sin(x * y)
        for _ in range(5):
            z = wg.cos(z * y) + x
        return wg.tanh(z) * x, z + y

    def all_layers(p: Any) -> Any:
        x, y = p
        for _ in range(depth):
            x, y = layer(x, y)
        return x * y + y

    return all_layers


@pytest.mark.parametrize("depth", [1, 2, 3, 60])
def test_layers(depth: int) -> None:
    agree(lambda wrap: layers(wrap, depth), np.array([0.4, 0.9]))


def test_layers_keep_what_goes_between_them() -> None:
    plain, again = (gradient(layers(wrap, 2000), np.ones(2)) for wrap in (as_it_is, checkpoint))
    assert buffer(plain) > 2000 * 10
    assert buffer(again) < 2000 * 5


def test_a_straight_function_is_computed_again() -> None:
    """The values of one call are read from no other."""
    function = checkpoint(lambda p: wg.exp(wg.sin(p[0])) * p[0])
    program = wg.value_and_grad(function).program(np.array([0.5]))
    sines = str(program).count("= sin(")
    assert sines == 2


def structured(wrap: Wrap) -> Callable[..., Any]:
    """Structures go in and come out, a closure is read, and something is left outside."""

    def whole(p: Any) -> Any:
        seen = []

        @wrap
        def inner(given: dict[str, Any], scale: Any = 2.0) -> dict[str, Any]:
            product = np.sum(given["x"] * p[1]) * scale
            seen.append(product * product)
            return {"both": [wg.exp(given["y"]), product], "kind": "done"}

        found = inner({"x": p[:3], "y": p[0] * p[3]}, scale=p[2])
        return found["both"][0] * found["both"][1] + seen[0]

    return whole


def test_structures_and_closures() -> None:
    agree(structured, np.array([0.3, -0.2, 0.7, 0.4]))


def nested(wrap: Wrap) -> Callable[..., Any]:
    """Checkpoints in checkpoints, around loops, with sums in them."""

    def deepest(x: Any, w: Any) -> Any:
        return wg.sin(x * w) + x

    inner = wrap(deepest)

    @wrap
    def middle(x: Any, p: Any) -> Any:
        for w in p:
            x = inner(x, w)
        return wg.fori(7, lambda i, c: inner(c, p[1]) * 0.5, x)

    def outer(p: Any) -> Any:
        x = p[0]
        for _ in range(6):
            x = middle(x, p) + middle(x * 0.5, p)
        return x

    return outer


def test_checkpoints_in_checkpoints() -> None:
    agree(nested, np.array([0.3, 0.5, -0.4]))


def with_while(wrap: Wrap) -> Callable[..., Any]:
    @wrap
    def root(a: Any) -> Any:
        scaled = wg.exp(a * 0.1) * a
        found = wg.while_loop(
            lambda x: abs(x * x - scaled) > 1e-12, lambda x: 0.5 * (x + scaled / x), scaled
        )
        return wg.sin(found) * found

    return lambda p: root(p[0]) + root(root(p[1]) + 2.0)


def test_while_loops_in_checkpoints() -> None:
    agree(with_while, np.array([2.0, 3.0]))


def test_a_checkpoint_in_a_while_loop() -> None:
    def function(wrap: Wrap) -> Callable[..., Any]:
        step = wrap(lambda x: wg.sin(x) * 0.5 + x * 0.25)
        return lambda p: wg.while_loop(lambda x: x > 0.001, step, p[0] * p[1])

    agree(function, np.array([1.5, 0.7]))


def test_a_guard_in_a_checkpoint_holds_once() -> None:
    def function(wrap: Wrap) -> Callable[..., Any]:
        @wrap
        def branch(x: Any) -> Any:
            y = wg.sin(x)
            return wg.exp(y) * y if y > 0.0 else y * y

        return lambda p: branch(p[0]) * branch(p[1])

    x = np.array([0.5, -0.5])
    agree(function, x)
    program = gradient(function(checkpoint), x)
    assert str(program).count("guard") == str(gradient(function(as_it_is), x)).count("guard")
    with pytest.raises(PathChanged):
        Interpreter(program)(-x)


def test_derivatives_of_any_order() -> None:
    x = np.array([0.4, 0.9])
    plain, again = layers(as_it_is, 3), layers(checkpoint, 3)
    for transform in (
        wg.hessian,
        lambda f: lambda x: wg.grad(lambda x: np.sum(wg.grad(f)(x) ** 2))(x),
        lambda f: lambda x: wg.jacobian(wg.grad(f), mode="reverse")(x),
        lambda f: wg.jacobian(lambda x: [f(x), f(x * 2.0)], mode="reverse"),
    ):
        found, expected = (np.array(transform(f)(x)) for f in (again, plain))
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_several_rows_are_computed_again_for_each() -> None:
    def function(wrap: Wrap) -> Callable[..., Any]:
        layer = wrap(lambda x, p: [wg.sin(x[0] * p[0]) + x[1], wg.exp(x[1] * p[1]) * x[0]])
        return lambda p: layer(layer(layer(list(p), p), p), p)

    x = np.array([0.3, -0.6])
    plain, again = (
        wg.jacobian(function(wrap), mode="reverse").program(x) for wrap in (as_it_is, checkpoint)
    )
    np.testing.assert_allclose(walked(checked(again), x), walked(plain, x), rtol=1e-14)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_random_functions(data: st.DataObject) -> None:
    """Operations on what there is, some of them in checkpoints, in loops of Python."""
    names = ["mul", "add", "sin", "tanh"]
    plan = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from(["plain", "block", "loop"]),
                st.lists(st.tuples(st.sampled_from(names), st.integers(0, 9), st.integers(0, 9)),
                         min_size=1, max_size=4),
                st.integers(1, 5),
            ),
            min_size=1, max_size=5,
        )
    )  # fmt: skip
    x = np.array(data.draw(st.lists(NUMBERS, min_size=3, max_size=3)))

    def done(steps: Any, known: tuple[Any, ...]) -> tuple[Any, ...]:
        made = list(known)
        for name, i, j in steps:
            a, b = made[i % len(made)], made[j % len(made)]
            made.append({"mul": a * b, "add": a + b * 0.5}.get(name) if name in ("mul", "add")
                        else getattr(wg, name)(a))  # fmt: skip
        return tuple(made[-3:]) if len(made) >= 3 else tuple(made)

    def function(wrap: Wrap) -> Callable[..., Any]:
        def whole(p: Any) -> Any:
            known = tuple(p)
            for kind, steps, count in plan:
                step = wrap(lambda known, steps=steps: done(steps, known))
                for _ in range(count if kind == "loop" else 1):
                    known = done(steps, known) if kind == "plain" else step(known)
            return known[0] * known[1] + known[2]

        return whole

    plain, again = (gradient(function(wrap), x) for wrap in (as_it_is, checkpoint))
    np.testing.assert_allclose(walked(again, x), walked(plain, x), rtol=1e-13, atol=1e-300)
    np.testing.assert_array_equal(Interpreter(again)(x), walked(again, x))


# --- loops ----------------------------------------------------------------------------------------


def runge_kutta(steps: int, kept: Any) -> Callable[..., Any]:
    """Lotka and Volterra's populations by the classical steps of fourth order."""
    h = 0.001

    def run(p: Any) -> Any:
        def slope(x: Any, y: Any) -> tuple[Any, Any]:
            return x * (p[0] - p[1] * y), y * (p[3] * x - p[2])

        def step(_: Any, at: Any) -> Any:
            x, y = at
            k1, l1 = slope(x, y)
            k2, l2 = slope(x + k1 * (h / 2), y + l1 * (h / 2))
            k3, l3 = slope(x + k2 * (h / 2), y + l2 * (h / 2))
            k4, l4 = slope(x + k3 * h, y + l3 * h)
            x = x + (k1 + (k2 + k3) * 2.0 + k4) * (h / 6)
            return x, y + (l1 + (l2 + l3) * 2.0 + l4) * (h / 6)

        x, y = wg.fori(steps, step, (p[4], p[5]), checkpoint=kept)
        return x * x + y * y

    return run


START = np.array([1.1, 0.4, 0.4, 0.1, 1.0, 1.0])


@pytest.mark.parametrize("kept", ["sqrt", 1, 7, 40, 1000])
@pytest.mark.parametrize("steps", [1, 2, 40])
def test_steps_in_segments(steps: int, kept: Any) -> None:
    plain, again = (gradient(runge_kutta(steps, each), START) for each in (None, kept))
    np.testing.assert_allclose(walked(again, START), walked(plain, START), rtol=1e-14)
    np.testing.assert_array_equal(Interpreter(again)(START), walked(again, START))
    np.testing.assert_allclose(walked(again, START), eager(runge_kutta(steps, kept), START))


def test_the_memory_of_a_million_steps() -> None:
    """50 numbers a step without segments; with them, those of 1000 steps and 1000 states."""
    plain, again = (gradient(runge_kutta(10**6, each), START) for each in (None, "sqrt"))
    assert 8 * buffer(plain) > 800e6
    assert 8 * buffer(again) < 10e6


def test_memory_grows_with_the_square_root() -> None:
    small, large = (buffer(gradient(runge_kutta(n, "sqrt"), START)) for n in (10**4, 10**6))
    assert large < 12 * small


def test_the_second_derivative_in_segments() -> None:
    """Its memory is bounded too: what is done on the way back is in segments again."""

    def pushed(kept: Any, steps: int) -> Program:
        slope = wg.grad(runge_kutta(steps, kept))
        return checked(wg.grad(lambda p: np.sum(slope(p) * START)).program(START))

    plain, again = (pushed(kept, 30) for kept in (None, 6))
    np.testing.assert_allclose(walked(again, START), walked(plain, START), rtol=1e-12)
    np.testing.assert_array_equal(Interpreter(again)(START), walked(again, START))
    assert buffer(pushed("sqrt", 10**4)) < buffer(pushed(None, 10**4)) / 5


@settings(deadline=None, max_examples=30)
@given(
    xs=st.lists(NUMBERS, min_size=1, max_size=9), kept=st.sampled_from(["sqrt", 1, 2, 3, 20]),
    moves=st.booleans(),
)  # fmt: skip
def test_a_scan_in_segments(xs: list[float], kept: Any, moves: bool) -> None:
    """Elements are read, outputs are left, and other numbers are read from outside."""

    def function(kept: Any) -> Callable[..., Any]:
        def whole(p: Any) -> Any:
            elements = p[::-1] if moves else wg.sin(p[0]) * p
            (last, _), seen = wg.scan(
                lambda c, x: ((wg.sin(c[0] * x) + c[1], c[0] * p[0]), c[0] * x),
                (p[0], 0.5), elements, checkpoint=kept,
            )  # fmt: skip
            return last * np.sum(seen * seen)

        return whole

    x = np.array(xs)
    program = wg.record(function(kept), x)
    expected = wg.record(function(None), x)(x)
    assert walked(checked(program), x) == program(x) == expected
    assert function(kept)(x) == function(None)(x)
    plain, again = (gradient(function(each), x) for each in (None, kept))
    np.testing.assert_allclose(walked(again, x), walked(plain, x), rtol=1e-12, atol=1e-300)
    np.testing.assert_array_equal(Interpreter(again)(x), walked(again, x))


# --- loops that are in a program already ----------------------------------------------------------


def fibonacci(steps: int) -> Callable[..., Any]:
    """Reads from two rounds before, and a number from outside."""

    def run(p: Any) -> Any:
        a, b = p[0], p[1]
        for _ in range(steps):
            a, b = b, wg.sin(a * b) + p[0]
        return a * b

    return run


def smoothed(steps: int) -> Callable[..., Any]:
    """A row of numbers goes from round to round."""

    def run(p: Any) -> Any:
        u = list(p)
        for _ in range(steps):
            u = [0.5 * u[k] + 0.5 * wg.tanh(u[k - 1]) for k in range(len(u))]
        return np.sum(np.array(u) ** 2)

    return run


@pytest.mark.parametrize("kept", ["sqrt", 1, 7, 100, 290])
@pytest.mark.parametrize("steps", [300, 961])
@pytest.mark.parametrize("make", [fibonacci, smoothed, lambda n: runge_kutta(n, None)])
def test_loops_of_python_in_segments(make: Any, steps: int, kept: Any) -> None:
    function, x = make(steps), START / 2.0
    plain = gradient(function, x)
    again = checked(wg.grad(function, checkpoint=kept).program(x))
    assert marks(again)
    np.testing.assert_allclose(walked(again, x), walked(plain, x), rtol=1e-13)
    np.testing.assert_array_equal(Interpreter(again)(x), walked(again, x))
    value = wg.value_and_grad(function, checkpoint=kept).program(x)(x)[0]
    assert value == wg.record(function, x)(x)


def test_the_memory_of_a_loop_of_python() -> None:
    function = runge_kutta(10**6, None)
    again = wg.grad(function, checkpoint="sqrt").program(START)
    assert 8 * buffer(again) < 20e6


def test_what_cannot_be_done_in_segments_is_kept() -> None:
    """All rounds are read elsewhere; there is no carry; loops are short."""

    def all_read(p: Any) -> Any:
        _, seen = wg.scan(lambda c, _: (wg.sin(c) * p[0], c), p[1], length=400)
        return np.sum(seen * seen)

    def no_carry(p: Any) -> Any:
        return wg.scan(lambda c, x: (c, wg.sin(x * p[0])), (), np.arange(400.0))[1][7]

    for function in (all_read, no_carry, fibonacci(20)):
        x = np.array([0.3, 0.4])
        again = checked(wg.grad(function, checkpoint="sqrt").program(x))
        np.testing.assert_array_equal(walked(again, x), walked(gradient(function, x), x))


@pytest.mark.parametrize("way", ["store", "body"])
def test_bodies_are_computed_again(way: str) -> None:
    def function(p: Any) -> Any:
        return wg.fori(500, lambda i, c: wg.sin(wg.exp(-c * p[0]) * p[1]), p[0])

    x = np.array([0.3, 0.4])
    found = checked(wg.grad(function, checkpoint=way).program(x))
    np.testing.assert_array_equal(walked(found, x), walked(gradient(function, x), x))


@pytest.mark.parametrize("wrong", ["binomial", 0, 2.5, True])
def test_wrong_ways(wrong: Any) -> None:
    with pytest.raises(OperandError, match='checkpoint= is "store", "body", "sqrt", a positive'):
        wg.grad(wg.sin, checkpoint=wrong)(1.0)


@pytest.mark.parametrize("kept", ["sqrt", 2, 3])
def test_segments_in_segments(kept: Any) -> None:
    def function(kept: Any) -> Callable[..., Any]:
        def inner(c: Any, x: Any) -> Any:
            return wg.sin(c * x) + 0.1, c * x

        def outer(c: Any, row: Any) -> Any:
            last, seen = wg.scan(inner, c, row, checkpoint=kept)
            return last * np.sum(seen), last

        def whole(p: Any) -> Any:
            last, seen = wg.scan(outer, p[0], wg.cos(p).reshape(4, 5), checkpoint=kept)
            return last + np.sum(seen * seen)

        return whole

    x = np.linspace(0.2, 0.9, 20)
    plain, again = (gradient(function(each), x) for each in (None, kept))
    np.testing.assert_allclose(walked(again, x), walked(plain, x), rtol=1e-12)
    np.testing.assert_array_equal(Interpreter(again)(x), walked(again, x))


@pytest.mark.parametrize("way", ["sqrt", 7, "body", "store"])
def test_every_transform_that_goes_back_takes_it(way: Any) -> None:
    def f(x: Any) -> Any:
        return wg.fori(300, lambda i, c: c + 0.01 * wg.sin(c * x[0]) * x[1], x[1])

    x, v = np.array([0.7, 1.3]), np.array([1.0, -2.0])
    assert wg.hessian(f, checkpoint=way)(x) == pytest.approx(wg.hessian(f)(x), rel=1e-12)
    sparse = wg.hessian(f, sparse=True, checkpoint=way)(x).toarray()
    assert sparse == pytest.approx(wg.hessian(f)(x), rel=1e-12)
    slopes = wg.jacobian(lambda x: [f(x), x[0]], mode="reverse", checkpoint=way)(x)
    assert slopes[0] == pytest.approx(wg.grad(f)(x), rel=1e-12)
    assert wg.vjp(f, x, checkpoint=way)[1](2.0)[0] == pytest.approx(2.0 * wg.grad(f)(x), rel=1e-12)
    (product,) = wg.hvp(f, (x,), (v,), checkpoint=way)
    assert product == pytest.approx(wg.hessian(f)(x) @ v, rel=1e-12)
    for call in (wg.jacobian, wg.hessian):
        with pytest.raises(OperandError, match="checkpoint"):
            call(f, checkpoint="often", **({"mode": "reverse"} if call is wg.jacobian else {}))(x)
