"""Wengert, with scalar code as it is."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import workloads
from peers import scenarios
from timing import seconds

import wengert as wg
import wengert.derive
import wengert.program
import wengert.run
from wengert.derive.programs import gradient as gradient_of
from wengert.program.roll import roll
from wengert.program.simplify import simplified
from wengert.run import llvm

Call = Callable[[], Any]


def started(threads: int) -> None:
    """Import what is imported when it is needed: peers have been imported by now."""
    llvm.cpu()
    for package in (wengert.derive, wengert.program, wengert.run):
        for module in iter_modules(package.__path__, f"{package.__name__}."):
            import_module(module.name)


def w1(data: Any, gradient: bool, threads: int) -> Call:
    total = wg.sum_over(workloads.perceptron, *data.columns, tier="native", threads=threads)
    function = wg.value_and_grad(total) if gradient else total
    return lambda: function(data.p)


def broadcast(function: Any, data: Any, gradient: bool, threads: int) -> Call:
    every = tuple(range(len(data.columns)))
    function = wg.value_and_grad(function, argnums=every) if gradient else function
    fast = wg.vectorize(function, tier="native", threads=threads)
    value, *derivatives = np.empty((1 + len(every), data.columns.shape[1]))
    out = (value, tuple(derivatives)) if gradient else value
    return lambda: fast(*data.columns, out=out)


w2 = partial(broadcast, workloads.call_price)
w3 = partial(broadcast, workloads.squared_end)


def compiled(
    function: Any, arguments: tuple[Any, ...], by: Any, gradient: bool, threads: int
) -> Call:
    function = wg.value_and_grad(function, argnums=by) if gradient else function
    fast = wg.jit(function, tier="native", threads=threads)
    return lambda: fast(*arguments)


def mlp(data: Any, gradient: bool, threads: int) -> Call:
    total = wg.sum_over(scenarios.perceptron, data.xs, data.ys, tier="native", threads=threads)
    return compiled(total, (data.layers,), 0, gradient, threads)


def heat(data: Any, gradient: bool, threads: int) -> Call:
    function = partial(scenarios.heat, steps=data.steps)
    return compiled(function, (data.alpha, data.u, data.target), (0, 1), gradient, threads)


def rosenbrock(data: Any, gradient: bool, threads: int) -> Call:
    return compiled(scenarios.rosenbrock, (data.x,), 0, gradient, threads)


def rk4(data: Any, gradient: bool, threads: int) -> Call:
    function = partial(workloads.trajectory, data.steps, wg.fori)
    return compiled(function, data.start, tuple(range(6)), gradient, threads)


# --- where preparation goes -----------------------------------------------------------------------


def example(name: str, data: Any) -> tuple[Any, tuple[Any, ...], Any]:
    """What is recorded: the function of one example, its arguments, and those it is derived by."""
    if name == "w1":
        return workloads.perceptron, (data.p, *data.columns[:, 0]), 0
    if name in ("w2", "w3"):
        function = workloads.call_price if name == "w2" else workloads.squared_end
        return function, tuple(data.columns[:, 0]), tuple(range(len(data.columns)))
    if name == "mlp":
        return scenarios.perceptron, (data.layers, data.xs[0], data.ys[0]), 0
    if name == "heat":
        function = partial(scenarios.heat, steps=data.steps)
        return function, (data.alpha, data.u, data.target), (0, 1)
    if name == "rosenbrock":
        return scenarios.rosenbrock, (data.x,), 0
    return partial(workloads.trajectory, data.steps, wg.fori), data.start, tuple(range(6))


def stages(name: str, data: Any) -> dict[str, float]:
    """Seconds for each step from Python to the program of the gradient."""
    return steps(*example(name, data))


def steps(function: Any, arguments: tuple[Any, ...], by: Any) -> dict[str, float]:
    spent = {}
    spent["record"], raw = seconds(partial(wg.record, function, *arguments, passes=()))
    spent["roll"], rolled = seconds(partial(roll, raw))
    spent["simplify"], simple = seconds(partial(simplified, rolled))
    spent["derive"], _ = seconds(partial(gradient_of, simple, by, value=True))
    return spent
