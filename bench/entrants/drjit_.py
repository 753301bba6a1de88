"""Dr.Jit: arrays over the examples, loops kept as loops, kernels frozen for repeated calls."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import drjit as dr
import workloads
from drjit.llvm.ad import Float64, UInt32

Call = Callable[[], Any]
FUNCTIONS = SimpleNamespace(sqrt=dr.sqrt, log=dr.log, exp=dr.exp, erf=dr.erf, tanh=dr.tanh)
CANNOT = {
    "mlp": "no matrix products in double precision, and 100,000 operations written out",
}


def started(threads: int) -> None:
    dr.set_thread_count(threads)


def frozen(
    function: Callable[..., Any], leaves: list[Any], gradient: bool, fixed: tuple[Any, ...] = ()
) -> Call:
    """The value, and its derivatives by the leaves, traced once."""

    @dr.freeze
    def traced(leaves: list[Any], fixed: tuple[Any, ...]) -> Any:
        if gradient:
            leaves = dr.detach(leaves)  # or gradients of several calls would be added
            dr.enable_grad(leaves)
        value = function(leaves, *fixed)
        if not gradient:
            return value
        dr.backward(dr.sum(value))
        return dr.detach(value), dr.grad(leaves)

    return evaluated(traced, leaves, fixed)


def evaluated(traced: Callable[..., Any], *arguments: Any) -> Call:
    def run() -> Any:
        found = traced(*arguments)
        dr.eval(found)
        dr.sync_thread()
        return found

    return run


def w1(data: Any, gradient: bool, threads: int) -> Call:
    """Each example has parameters of its own, whose derivatives are added: that is faster."""
    count = data.columns.shape[1]

    def value(p: Any, x1: Any, x2: Any, target: Any) -> Any:
        return dr.sum(workloads.perceptron(p, x1, x2, target, tanh=dr.tanh))

    columns = tuple(Float64(column) for column in data.columns)
    if not gradient:
        return frozen(value, [Float64(p) for p in data.p], False, columns)

    @dr.freeze
    def traced(p: list[Any], columns: tuple[Any, ...]) -> Any:
        wide = [each + dr.zeros(Float64, count) for each in p]
        dr.enable_grad(wide)
        total = value(wide, *columns)
        dr.backward(total)
        derivatives = dr.grad(wide)
        dr.eval(total, derivatives)
        return dr.detach(total), [dr.sum(each) for each in derivatives]

    return evaluated(traced, [Float64(p) for p in data.p], columns)


def mapped(function: Any, data: Any, gradient: bool, threads: int) -> Call:
    columns = [Float64(column) for column in data.columns]
    return frozen(lambda leaves: function(*leaves), columns, gradient)


def looped(steps: int, h: float, *start: Any) -> Any:
    """Runge-Kutta steps in a loop that is kept."""
    a, b, d, c, x, y = start

    def after(k: Any, x: Any, y: Any, a: Any, b: Any, d: Any, c: Any) -> Any:
        x, y = workloads.runge_kutta((a, b, d, c), x, y, h)
        return k + 1, x, y, a, b, d, c

    _, x, y, *_ = dr.while_loop(
        (UInt32(0), x, y, a, b, d, c), lambda k, *_: k < steps, after,
        max_iterations=steps, mode="symbolic",
    )  # fmt: skip
    return x * x + y * y


w2 = partial(mapped, partial(workloads.call_price, functions=FUNCTIONS))
w3 = partial(mapped, partial(looped, workloads.STEPS, 0.01))


def heat(data: Any, gradient: bool, threads: int) -> Call:
    """A step is a kernel: what stands beside a place is gathered from memory."""

    def function(leaves: Any, target: Any) -> Any:
        alpha, u = leaves
        inner = dr.arange(UInt32, len(data.u) - 2) + 1
        for _ in range(data.steps):
            here = dr.gather(Float64, u, inner)
            left, right = dr.gather(Float64, u, inner - 1), dr.gather(Float64, u, inner + 1)
            after = Float64(u)
            dr.scatter(after, here + alpha * (left - 2.0 * here + right), inner)
            u = after
        return dr.sum((u - target) ** 2)

    leaves = [Float64(data.alpha), Float64(data.u)]
    return frozen(function, leaves, gradient, (Float64(data.target),))


def rosenbrock(data: Any, gradient: bool, threads: int) -> Call:
    def function(leaves: Any) -> Any:
        index = dr.arange(UInt32, len(data.x) - 1)
        here, after = dr.gather(Float64, leaves[0], index), dr.gather(Float64, leaves[0], index + 1)
        t, u = after - here * here, 1.0 - here
        return dr.sum(100.0 * (t * t) + u * u)

    return frozen(function, [Float64(data.x)], gradient)


def rk4(data: Any, gradient: bool, threads: int) -> Call:
    start = [Float64(x) for x in data.start]
    function = partial(looped, data.steps, workloads.SMALL_STEP)
    return frozen(lambda leaves: function(*leaves), start, gradient)
