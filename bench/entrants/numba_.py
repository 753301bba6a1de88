"""Numba: scalar loops compiled; it has no derivatives, so some adjoints are written by hand."""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
import workloads

Call = Callable[[], Any]
NO_DERIVATIVES = "no derivatives; an adjoint by hand was not written"
VALUE_ONLY = dict.fromkeys(("w1", "w2", "w3", "mlp", "rk4"), NO_DERIVATIVES)


def compiled(function: Any, threads: int) -> Any:
    return numba.njit(fastmath=True, parallel=threads > 1, error_model="numpy")(function)


def w1(data: Any, gradient: bool, threads: int) -> Call:
    pairs = tuple(itertools.pairwise(workloads.SIZES))

    def total(columns: Any, p: Any) -> Any:
        whole = 0.0
        for i in numba.prange(columns.shape[1]):
            here, after, at = np.empty(16), np.empty(16), 0
            here[0], here[1] = columns[0, i], columns[1, i]
            for inputs, outputs in pairs:
                for j in range(outputs):
                    s = p[at + inputs]
                    for k in range(inputs):
                        s += p[at + k] * here[k]
                    at += inputs + 1
                    after[j] = s if outputs == 1 else math.tanh(s)
                here[:] = after
            whole += (here[0] - columns[2, i]) ** 2
        return whole

    fast = compiled(total, threads)
    return lambda: fast(data.columns, data.p)


def w2(data: Any, gradient: bool, threads: int) -> Call:
    price = numba.njit(fastmath=True)(price_by_modules)

    def all_of_them(columns: Any) -> Any:
        found = np.empty(columns.shape[1])
        for i in numba.prange(columns.shape[1]):
            found[i] = price(
                columns[0, i], columns[1, i], columns[2, i], columns[3, i], columns[4, i]
            )
        return found

    fast = compiled(all_of_them, threads)
    return lambda: fast(data.columns)


def price_by_modules(s: Any, k: Any, t: Any, r: Any, v: Any) -> Any:
    """`call_price`: numba knows functions by their modules, not as arguments."""
    spread = v * math.sqrt(t)
    d1 = (math.log(s / k) + (r + 0.5 * v * v) * t) / spread
    n1 = 0.5 + 0.5 * math.erf(d1 * math.sqrt(0.5))
    n2 = 0.5 + 0.5 * math.erf((d1 - spread) * math.sqrt(0.5))
    return s * n1 - k * math.exp(-r * t) * n2


def step() -> Any:
    """`runge_kutta` with the rates one by one."""
    slope = numba.njit(fastmath=True)(workloads.slope)

    def runge_kutta(a: Any, b: Any, d: Any, c: Any, x: Any, y: Any, h: Any) -> Any:
        k1x, k1y = slope(a, b, d, c, x, y)
        k2x, k2y = slope(a, b, d, c, x + 0.5 * h * k1x, y + 0.5 * h * k1y)
        k3x, k3y = slope(a, b, d, c, x + 0.5 * h * k2x, y + 0.5 * h * k2y)
        k4x, k4y = slope(a, b, d, c, x + h * k3x, y + h * k3y)
        x = x + h / 6 * (k1x + 2.0 * (k2x + k3x) + k4x)
        return x, y + h / 6 * (k1y + 2.0 * (k2y + k3y) + k4y)

    return numba.njit(fastmath=True)(runge_kutta)


def w3(data: Any, gradient: bool, threads: int) -> Call:
    runge_kutta, steps = step(), workloads.STEPS

    def all_of_them(columns: Any) -> Any:
        found = np.empty(columns.shape[1])
        for i in numba.prange(columns.shape[1]):
            x, y = columns[4, i], columns[5, i]
            for _ in range(steps):
                x, y = runge_kutta(
                    columns[0, i], columns[1, i], columns[2, i], columns[3, i], x, y, 0.01
                )
            found[i] = x * x + y * y
        return found

    fast = compiled(all_of_them, threads)
    return lambda: fast(data.columns)


def mlp(data: Any, gradient: bool, threads: int) -> Call:
    def total(xs: Any, ys: Any, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        loss = 0.0
        for i in numba.prange(len(xs)):
            hidden = np.empty(len(b1))
            for j in range(len(b1)):
                s = b1[j]
                for k in range(xs.shape[1]):
                    s += w1[j, k] * xs[i, k]
                hidden[j] = max(s, 0.0)
            exps, along = 0.0, 0.0
            for j in range(len(b2)):
                s = b2[j]
                for k in range(len(b1)):
                    s += w2[j, k] * hidden[k]
                exps += math.exp(s)
                along += s * ys[i, j]
            loss += math.log(exps) - along
        return loss

    fast = compiled(total, threads)
    (w1, b1), (w2, b2) = data.layers
    return lambda: fast(data.xs, data.ys, w1, b1, w2, b2)


def heat(data: Any, gradient: bool, threads: int) -> Call:
    def both(alpha: Any, start: Any, target: Any, steps: Any, gradient: Any) -> Any:
        n = len(start)
        u = start.copy()
        laplacian = np.zeros((steps, n))
        for s in range(steps):
            for i in range(1, n - 1):
                laplacian[s, i] = u[i - 1] - 2.0 * u[i] + u[i + 1]
            for i in range(1, n - 1):
                u[i] += alpha * laplacian[s, i]
        back = 2.0 * (u - target)
        value = 0.25 * np.dot(back, back)
        of_alpha = 0.0
        if gradient:
            inner = np.zeros(n)
            for s in range(steps - 1, -1, -1):
                for i in range(1, n - 1):
                    of_alpha += back[i] * laplacian[s, i]
                    inner[i] = alpha * back[i]
                for i in range(1, n - 1):
                    back[i] += inner[i - 1] - 2.0 * inner[i] + inner[i + 1]
                back[0] += inner[1]
                back[n - 1] += inner[n - 2]
        return value, of_alpha, back

    fast = compiled(both, 1)

    def run() -> Any:
        value, *derivatives = fast(data.alpha, data.u, data.target, data.steps, gradient)
        return (value, derivatives) if gradient else value

    return run


def rosenbrock(data: Any, gradient: bool, threads: int) -> Call:
    def both(x: Any) -> Any:
        value, found = 0.0, np.zeros(len(x))
        for i in range(len(x) - 1):
            t, u = x[i + 1] - x[i] * x[i], 1.0 - x[i]
            value += 100.0 * t * t + u * u
            found[i + 1] = 200.0 * t
            found[i] -= 400.0 * t * x[i] + 2.0 * u
        return value, found

    def alone(x: Any) -> Any:
        value = 0.0
        for i in range(len(x) - 1):
            t, u = x[i + 1] - x[i] * x[i], 1.0 - x[i]
            value += 100.0 * t * t + u * u
        return value

    fast = compiled(both if gradient else alone, 1)
    return lambda: fast(data.x)


def rk4(data: Any, gradient: bool, threads: int) -> Call:
    runge_kutta, h = step(), workloads.SMALL_STEP

    def end(steps: Any, a: Any, b: Any, d: Any, c: Any, x: Any, y: Any) -> Any:
        for _ in range(steps):
            x, y = runge_kutta(a, b, d, c, x, y, h)
        return x * x + y * y

    fast = compiled(end, 1)
    return partial(fast, data.steps, *data.start)
