"""CasADi: SX for scalar code, maps and folds of MX around it; its virtual machine, or its C."""

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import casadi
import numpy as np
import workloads

Call = Callable[[], Any]
FLAGS = ["-O3", "-march=native", "-ffast-math"]


def in_c(function: Any) -> Any:
    """The function by the C that CasADi writes for it."""
    name = function.name()
    with tempfile.TemporaryDirectory() as folder:
        generator = casadi.CodeGenerator(f"{name}.c")
        generator.add(function)
        source, library = generator.generate(f"{folder}/"), f"{folder}/{name}.so"
        command = ["gcc", *FLAGS, "-shared", "-fPIC", source, "-o", library, "-lm"]
        subprocess.run(command, check=True)
        return casadi.external(name, library)


def called(function: Any, arguments: Sequence[Any], compiled: bool) -> Callable[[], list[Any]]:
    """Its results as arrays, from buffers as CasADi's manual has them for repeated calls."""
    function = in_c(function) if compiled else function
    buffer, evaluate = function.buffer()
    kept = [np.asarray(a, dtype=float).ravel(order="F") for a in arguments]
    places = [np.zeros(function.numel_out(k)) for k in range(function.n_out())]
    for k, array in enumerate(kept):
        buffer.set_arg(k, memoryview(array))
    for k, array in enumerate(places):
        buffer.set_res(k, memoryview(array))
    shapes = [function.size_out(k) for k in range(function.n_out())]
    results = [a.reshape(s, order="F") for a, s in zip(places, shapes, strict=True)]

    def run(_: Any = (buffer, kept, function)) -> list[Any]:  # nothing else keeps them
        evaluate()
        return results

    return run


def both(name: str, value: Any, by: Any, inputs: Any, gradient: bool) -> Any:
    """The function that gives a value, and its derivatives."""
    outputs = [value]
    if gradient:
        outputs += [casadi.densify(casadi.gradient(value, each)) for each in by]
    return casadi.Function(name, inputs, outputs)


def paired(run: Callable[[], list[Any]], gradient: bool) -> Call:
    """Results as the others have them."""

    def call() -> Any:
        value, *derivatives = run()
        return (value, derivatives) if gradient else value

    return call


def w1(data: Any, gradient: bool, threads: int, compiled: bool = False) -> Call:
    p, x = casadi.SX.sym("p", 337), casadi.SX.sym("x", 3)
    tanh = casadi.tanh
    value = workloads.perceptron(casadi.vertsplit(p), *casadi.vertsplit(x), tanh=tanh)
    each = both("each", value, [p], [p, x], gradient)
    count, outputs = data.columns.shape[1], list(range(1 + gradient))
    whole = each.map("whole", "serial", count, [0], outputs, {})
    return paired(called(whole, [data.p, data.columns], compiled), gradient)


def mapped(function: Any, data: Any, gradient: bool, threads: int, compiled: bool = False) -> Call:
    x = casadi.SX.sym("x", len(data.columns))
    value = function(*casadi.vertsplit(x))
    outputs = [value, casadi.gradient(value, x)] if gradient else [value]
    whole = casadi.Function("each", [x], outputs).map(data.columns.shape[1])
    return paired(called(whole, [data.columns], compiled), gradient)


w2 = partial(mapped, partial(workloads.call_price, functions=casadi))
w3 = partial(mapped, workloads.squared_end)


def mlp(data: Any, gradient: bool, threads: int, compiled: bool = False) -> Call:
    sizes = [each.shape for layer in data.layers for each in layer]
    given = [np.reshape(each, (len(each), -1)) for layer in data.layers for each in layer]
    w1, b1, w2, b2 = symbols = [casadi.MX.sym("p", *each.shape) for each in given]
    x, y = casadi.MX.sym("x", 784, len(data.xs)), casadi.MX.sym("y", 10, len(data.xs))
    hidden = casadi.fmax(w1 @ x + casadi.repmat(b1, 1, len(data.xs)), 0.0)
    outputs = w2 @ hidden + casadi.repmat(b2, 1, len(data.xs))
    value = casadi.sum2(casadi.log(casadi.sum1(casadi.exp(outputs)))) - casadi.sum2(
        casadi.sum1(outputs * y)
    )
    whole = both("whole", value, symbols, [*symbols, x, y], gradient)
    run = called(whole, [*given, data.xs.T, data.ys.T], compiled)

    def call() -> Any:
        value, *derivatives = run()
        return (value, [np.reshape(d, s) for d, s in zip(derivatives, sizes, strict=True)])

    return call if gradient else paired(run, False)


def heat(data: Any, gradient: bool, threads: int, compiled: bool = False) -> Call:
    n = len(data.u)
    u, rate = casadi.SX.sym("u", n), casadi.SX.sym("rate")
    inner = u[1:-1] + rate * (u[:-2] - 2.0 * u[1:-1] + u[2:])
    after = casadi.vertcat(u[0], inner, u[-1])
    once = casadi.Function("once", [casadi.vertcat(u, rate)], [casadi.vertcat(after, rate)])
    alpha, start = casadi.MX.sym("alpha"), casadi.MX.sym("start", n)
    end = once.fold(data.steps)(casadi.vertcat(start, alpha))[:n]
    value = casadi.sumsqr(end - data.target)
    whole = both("whole", value, [alpha, start], [alpha, start], gradient)
    return paired(called(whole, [data.alpha, data.u], compiled), gradient)


def rosenbrock(data: Any, gradient: bool, threads: int, compiled: bool = False) -> Call:
    x = casadi.MX.sym("x", len(data.x))
    value = 100.0 * casadi.sumsqr(x[1:] - x[:-1] ** 2) + casadi.sumsqr(1.0 - x[:-1])
    return paired(called(both("whole", value, [x], [x], gradient), [data.x], compiled), gradient)


def rk4(data: Any, gradient: bool, threads: int, compiled: bool = False) -> Call:
    state = casadi.SX.sym("s", 6)
    *rates, x, y = casadi.vertsplit(state)
    after = workloads.runge_kutta(tuple(rates), x, y, workloads.SMALL_STEP)
    once = casadi.Function("once", [state], [casadi.vertcat(*rates, *after)])
    start = casadi.MX.sym("x", 6)
    value = casadi.sumsqr(once.fold(data.steps)(start)[4:])
    whole = both("whole", value, [start], [start], gradient)
    return paired(called(whole, [data.start], compiled), gradient)
