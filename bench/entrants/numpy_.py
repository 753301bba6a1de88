"""NumPy, with adjoints written by hand."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import workloads

Call = Callable[[], Any]
DENSITY = 1.0 / math.sqrt(2.0 * math.pi)


def w1(data: Any, gradient: bool, threads: int) -> Call:
    x, target, p = data.columns[:2].T.copy(), data.columns[2], data.p
    first, second, third = p[:48].reshape(16, 3), p[48:320].reshape(16, 17), p[320:]

    def run() -> Any:
        h1 = np.tanh(x @ first[:, :2].T + first[:, 2])
        h2 = np.tanh(h1 @ second[:, :16].T + second[:, 16])
        d = h2 @ third[:16] + third[16] - target
        value = d @ d
        if not gradient:
            return value
        d = 2.0 * d
        b2 = d[:, None] * third[:16] * (1.0 - h2 * h2)
        b1 = b2 @ second[:, :16] * (1.0 - h1 * h1)
        parts = (
            np.column_stack([b1.T @ x, b1.sum(0)]), np.column_stack([b2.T @ h1, b2.sum(0)]),
            h2.T @ d, d.sum(),
        )  # fmt: skip
        return value, np.concatenate([np.ravel(part) for part in parts])

    return run


def w2(data: Any, gradient: bool, threads: int) -> Call:
    from scipy.special import erf

    def run() -> Any:
        s, k, t, r, v = data.columns
        root = np.sqrt(t)
        spread, drift = v * root, r + 0.5 * v * v
        d1 = (np.log(s / k) + drift * t) / spread
        d2 = d1 - spread
        n1, n2 = (0.5 + 0.5 * erf(d * math.sqrt(0.5)) for d in (d1, d2))
        discount = np.exp(-r * t)
        present = k * discount
        value = s * n1 - present * n2
        if not gradient:
            return value
        a1 = s * DENSITY * np.exp(-0.5 * d1 * d1)
        a2 = -present * DENSITY * np.exp(-0.5 * d2 * d2)
        u = (a1 + a2) / spread
        of_spread = -a2 - u * d1
        of_rate = present * n2
        return value, (
            n1 + u / s, -n2 * discount - u / k,
            u * drift + of_spread * v * 0.5 / root + of_rate * r,
            (u + of_rate) * t, u * t * v + of_spread * root,
        )  # fmt: skip

    return run


AHEAD, WEIGHT = (0.5, 0.5, 1.0, 0.0), (1.0, 2.0, 2.0, 1.0)


def forward(rates: Any, x: Any, y: Any, h: float, steps: int, tape: list[Any] | None) -> Any:
    """Runge-Kutta steps; the tape gets the four places of each."""
    a, b, d, c = rates
    for _ in range(steps):
        places, sum_x, sum_y, px, py = [], 0.0, 0.0, x, y
        for ahead, weight in zip(AHEAD, WEIGHT, strict=True):
            places.append((px, py))
            kx, ky = px * (a - b * py), py * (d * px - c)
            sum_x, sum_y = sum_x + weight * kx, sum_y + weight * ky
            px, py = x + ahead * h * kx, y + ahead * h * ky
        x, y = x + h / 6 * sum_x, y + h / 6 * sum_y
        if tape is not None:
            tape.append(places)
    return x, y


def backward(rates: Any, gx: Any, gy: Any, h: float, tape: list[Any]) -> Any:
    """Derivatives by rates and start from those by the end."""
    a, b, d, c = rates
    ga = gb = gd = gc = 0.0
    for places in reversed(tape):
        end_x, end_y, ux, uy = gx, gy, 0.0, 0.0
        for k in (3, 2, 1, 0):
            px, py = places[k]
            bx = h * (WEIGHT[k] / 6 * end_x + AHEAD[k] * ux)
            by = h * (WEIGHT[k] / 6 * end_y + AHEAD[k] * uy)
            t, u = bx * px, by * py
            ga, gb, gd, gc = ga + t, gb - t * py, gd + u * px, gc - u
            ux, uy = bx * (a - b * py) + u * d, by * (d * px - c) - t * b
            gx, gy = gx + ux, gy + uy
    return ga, gb, gd, gc, gx, gy


def steps_by_hand(start: Any, h: float, steps: int, gradient: bool) -> Call:
    *rates, x, y = start

    def run() -> Any:
        tape: list[Any] = []
        end_x, end_y = forward(rates, x, y, h, steps, tape if gradient else None)
        value = end_x * end_x + end_y * end_y
        if not gradient:
            return value
        return value, backward(rates, 2.0 * end_x, 2.0 * end_y, h, tape)

    return run


def w3(data: Any, gradient: bool, threads: int) -> Call:
    return steps_by_hand(data.columns, 0.01, workloads.STEPS, gradient)


def rk4(data: Any, gradient: bool, threads: int) -> Call:
    """Plain Python's numbers: there is nothing to put in an array."""
    return steps_by_hand(data.start, workloads.SMALL_STEP, data.steps, gradient)


def mlp(data: Any, gradient: bool, threads: int) -> Call:
    (w1, b1), (w2, b2) = data.layers
    x, y = data.xs, data.ys

    def run() -> Any:
        sums = x @ w1.T + b1
        hidden = np.maximum(sums, 0.0)
        outputs = hidden @ w2.T + b2
        exps = np.exp(outputs)
        totals = exps.sum(1)
        value = np.log(totals).sum() - (outputs * y).sum()
        if not gradient:
            return value
        of_outputs = exps / totals[:, None] - y
        of_sums = (of_outputs @ w2) * (sums > 0.0)
        return value, [
            (of_sums.T @ x, of_sums.sum(0)),
            (of_outputs.T @ hidden, of_outputs.sum(0)),
        ]

    return run


def heat(data: Any, gradient: bool, threads: int) -> Call:
    alpha, target, steps = data.alpha, data.target, data.steps

    def run() -> Any:
        u, laplacians = data.u.copy(), np.empty((steps, len(data.u) - 2))
        for laplacian in laplacians:
            laplacian[:] = u[:-2] - 2.0 * u[1:-1] + u[2:]
            u[1:-1] += alpha * laplacian
        d = u - target
        value = d @ d
        if not gradient:
            return value
        back, of_alpha = 2.0 * d, 0.0
        for laplacian in laplacians[::-1]:
            inner = back[1:-1].copy()
            of_alpha += inner @ laplacian
            inner *= alpha
            back[1:-1] -= 2.0 * inner
            back[:-2] += inner
            back[2:] += inner
        return value, (of_alpha, back)

    return run


def rosenbrock(data: Any, gradient: bool, threads: int) -> Call:
    def run() -> Any:
        x = data.x
        t, u = x[1:] - x[:-1] * x[:-1], 1.0 - x[:-1]
        value = 100.0 * (t @ t) + u @ u
        if not gradient:
            return value
        found = np.zeros(len(x))
        found[1:] = 200.0 * t
        found[:-1] -= 400.0 * t * x[:-1] + 2.0 * u
        return value, found

    return run
