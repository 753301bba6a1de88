"""ddx-ad: scalar code traced and compiled for a batch, without loops or sums over examples."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import ddx
import numpy as np
import workloads
from peers import filled, scenarios

Call = Callable[[], Any]
CHUNK = 1000  # examples whose gradients are kept until they are added
FUNCTIONS = SimpleNamespace(**vars(ddx), relu=lambda x: ddx.max(x, 0.0))
WANT = {False: ddx.Want.VALUE, True: ddx.Want.JACOBIAN}


def compiled(equation: Any, points: Any, gradient: bool) -> Any:
    """A call bound to its buffers, as its documentation has it for loops."""
    equation.compile(points=points.shape[1] if points.ndim > 1 else 1)
    return equation.buffer(points, want=WANT[gradient])


def summed(equation: Any, shared: Any, rows: Any, gradient: bool) -> Call:
    """The sum over examples, some at a time."""
    count = rows.shape[1]
    chunk = next(size for size in range(min(CHUNK, count), 0, -1) if count % size == 0)
    points = np.empty((len(shared) + len(rows), chunk))
    points[: len(shared)] = shared[:, None]
    points[len(shared) :] = rows[:, :chunk]
    call = compiled(equation, points, gradient)

    def run() -> Any:
        value, found = 0.0, np.zeros(len(shared))
        for at in range(0, count, chunk):
            call.x[len(shared) :] = rows[:, at : at + chunk]
            call()
            value += np.sum(call.value)
            if gradient:
                found += call.jacobian.sum(1)
        return (value, found) if gradient else value

    return run


def w1(data: Any, gradient: bool, threads: int) -> Call:
    def example() -> Any:
        p = [ddx.var(f"p{k}") for k in range(337)]
        x = [ddx.param(f"x{k}") for k in range(3)]
        return workloads.perceptron(p, *x, tanh=ddx.tanh)

    return summed(ddx.equation(example), data.p, data.columns, gradient)


def mapped(function: Any, data: Any, gradient: bool, threads: int) -> Call:
    def example() -> Any:
        return function(*(ddx.var(f"x{k}") for k in range(len(data.columns))))

    call = compiled(ddx.equation(example), data.columns, gradient)

    def run() -> Any:
        call()
        return (call.value, tuple(call.jacobian)) if gradient else call.value

    return run


w2 = partial(mapped, partial(workloads.call_price, functions=ddx))
w3 = partial(mapped, workloads.squared_end)


def named(shape: Any, letter: str, make: Any) -> Any:
    """Symbols in place of an array's numbers."""
    names = iter(range(int(np.prod(shape))))
    return filled(np.zeros(shape), lambda _: make(f"{letter}{next(names)}"))


def mlp(data: Any, gradient: bool, threads: int) -> Call:
    shapes = [each.shape for layer in data.layers for each in layer]

    def example() -> Any:
        w1, b1, w2, b2 = (named(s, f"p{k}_", ddx.var) for k, s in enumerate(shapes))
        x, y = (named(n, letter, ddx.param) for n, letter in ((784, "x"), (10, "y")))
        scenarios.wg = FUNCTIONS
        return scenarios.perceptron([(w1, b1), (w2, b2)], x, y)

    shared = np.concatenate([np.ravel(each) for layer in data.layers for each in layer])
    rows = np.concatenate([data.xs.T, data.ys.T])
    run = summed(ddx.equation(example), shared, rows, gradient)
    cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def call() -> Any:
        value, found = run()
        parts = np.split(found, cuts)
        return value, [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    return call if gradient else run


def alone(trace: Callable[[], Any], x: Any, cuts: list[int], gradient: bool) -> Call:
    """One example; its derivatives in parts."""
    call = compiled(ddx.equation(trace), np.asarray(x), gradient)

    def run() -> Any:
        call()
        return (call.value, np.split(call.jacobian, cuts)) if gradient else call.value

    return run


def heat(data: Any, gradient: bool, threads: int) -> Call:
    def trace() -> Any:
        alpha = ddx.var("alpha")
        u = named(len(data.u), "u", ddx.var)
        return scenarios.heat(alpha, u, data.target.tolist(), steps=data.steps)

    return alone(trace, np.concatenate([[data.alpha], data.u]), [1], gradient)


def rosenbrock(data: Any, gradient: bool, threads: int) -> Call:
    def trace() -> Any:
        return scenarios.rosenbrock(named(len(data.x), "x", ddx.var))

    return alone(trace, data.x, [], gradient)


def rk4(data: Any, gradient: bool, threads: int) -> Call:
    def trace() -> Any:
        start = named(6, "x", ddx.var)
        return workloads.trajectory(data.steps, workloads.python_loop, *start)

    return alone(trace, np.array(data.start), [], gradient)
