"""The residuals of Moré, Garbow and Hillstrom's test problems, by the paper's formulas."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

import wengert as wg
from problems.problem import Array, Numbers
from problems.tables import BARD, GAUSSIAN, KOWALIK_OSBORNE, MEYER, OSBORNE_1, OSBORNE_2

# --- two and three variables ----------------------------------------------------------------------


def rosenbrock(x: Numbers) -> Array:
    return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def freudenstein_roth(x: Numbers) -> Array:
    a, b = x
    first = -13.0 + a + ((5.0 - b) * b - 2.0) * b
    second = -29.0 + a + ((b + 1.0) * b - 14.0) * b
    return np.array([first, second])


def powell_badly_scaled(x: Numbers) -> Array:
    return np.array([1e4 * x[0] * x[1] - 1.0, wg.exp(-x[0]) + wg.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x: Numbers) -> Array:
    return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0])


def beale(x: Numbers) -> Array:
    return np.array([y - x[0] * (1.0 - x[1] ** i) for i, y in enumerate((1.5, 2.25, 2.625), 1)])


def jennrich_sampson(x: Numbers) -> Array:
    return np.array([2.0 + 2 * i - (wg.exp(i * x[0]) + wg.exp(i * x[1])) for i in range(1, 11)])


def helical_valley(x: Numbers) -> Array:
    a, b, c = x
    turn = wg.atan(b / a) / (2.0 * math.pi)
    if a < 0.0:
        turn = turn + 0.5
    return np.array([10.0 * (c - 10.0 * turn), 10.0 * (wg.sqrt(a * a + b * b) - 1.0), c])


def bard(x: Numbers) -> Array:
    residuals = []
    for u, y in enumerate(BARD, 1):
        v = 16 - u
        residuals.append(y - (x[0] + u / (v * x[1] + min(u, v) * x[2])))
    return np.array(residuals)


def gaussian(x: Numbers) -> Array:
    residuals = []
    for i, y in enumerate(GAUSSIAN, 1):
        t = (8 - i) / 2
        residuals.append(x[0] * wg.exp(-x[1] * (t - x[2]) ** 2 / 2.0) - y)
    return np.array(residuals)


def meyer(x: Numbers) -> Array:
    return np.array(
        [x[0] * wg.exp(x[1] / (45.0 + 5.0 * i + x[2])) - y for i, y in enumerate(MEYER, 1)]
    )


def gulf(x: Numbers) -> Array:
    """The paper prints y·m·i·x2 where y - x2 is meant; with that, its minimum is one."""
    residuals = []
    for i in range(1, 100):
        t = i / 100
        y = 25.0 + (-50.0 * math.log(t)) ** (2.0 / 3.0)
        residuals.append(wg.exp(-(abs(y - x[1]) ** x[2]) / x[0]) - t)
    return np.array(residuals)


def box(x: Numbers) -> Array:
    residuals = []
    for i in range(1, 11):
        t = i / 10
        known = math.exp(-t) - math.exp(-10.0 * t)
        residuals.append(wg.exp(-t * x[0]) - wg.exp(-t * x[1]) - x[2] * known)
    return np.array(residuals)


# --- four and more variables ----------------------------------------------------------------------


def wood(x: Numbers) -> Array:
    return np.array(
        [
            10.0 * (x[1] - x[0] ** 2), 1.0 - x[0],
            math.sqrt(90.0) * (x[3] - x[2] ** 2), 1.0 - x[2],
            math.sqrt(10.0) * (x[1] + x[3] - 2.0), (x[1] - x[3]) / math.sqrt(10.0),
        ]
    )  # fmt: skip


def kowalik_osborne(x: Numbers) -> Array:
    return np.array(
        [
            y - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3])
            for y, u in KOWALIK_OSBORNE
        ]
    )  # fmt: skip


def brown_dennis(x: Numbers) -> Array:
    residuals = []
    for i in range(1, 21):
        t = i / 5
        first = x[0] + t * x[1] - math.exp(t)
        second = x[2] + x[3] * math.sin(t) - math.cos(t)
        residuals.append(first * first + second * second)
    return np.array(residuals)


def osborne_1(x: Numbers) -> Array:
    residuals = []
    for i, y in enumerate(OSBORNE_1):
        t = 10.0 * i
        residuals.append(y - (x[0] + x[1] * wg.exp(-t * x[3]) + x[2] * wg.exp(-t * x[4])))
    return np.array(residuals)


def biggs(x: Numbers) -> Array:
    residuals = []
    for i in range(1, 14):
        t = i / 10
        y = math.exp(-t) - 5.0 * math.exp(-10.0 * t) + 3.0 * math.exp(-4.0 * t)
        model = x[2] * wg.exp(-t * x[0]) - x[3] * wg.exp(-t * x[1]) + x[5] * wg.exp(-t * x[4])
        residuals.append(model - y)
    return np.array(residuals)


def osborne_2(x: Numbers) -> Array:
    residuals = []
    for i, y in enumerate(OSBORNE_2):
        t = i / 10
        model = x[0] * wg.exp(-t * x[4])
        for k in range(3):
            model = model + x[1 + k] * wg.exp(-((t - x[8 + k]) ** 2) * x[5 + k])
        residuals.append(y - model)
    return np.array(residuals)


def watson(x: Numbers) -> Array:
    residuals = []
    for i in range(1, 30):
        t = i / 29
        slope, value = 0.0, 0.0
        for j, xj in enumerate(x):
            if j:
                slope = slope + j * xj * t ** (j - 1)
            value = value + xj * t**j
        residuals.append(slope - value * value - 1.0)
    return np.array([*residuals, x[0], x[1] - x[0] ** 2 - 1.0])


# --- any number of variables ----------------------------------------------------------------------


def extended_rosenbrock(x: Numbers) -> Array:
    residuals = []
    for i in range(0, len(x), 2):
        residuals += [10.0 * (x[i + 1] - x[i] ** 2), 1.0 - x[i]]
    return np.array(residuals)


def extended_powell(x: Numbers) -> Array:
    residuals = []
    for i in range(0, len(x), 4):
        a, b, c, d = (x[i + k] for k in range(4))
        residuals += [
            a + 10.0 * b, math.sqrt(5.0) * (c - d),
            (b - 2.0 * c) ** 2, math.sqrt(10.0) * (a - d) ** 2,
        ]  # fmt: skip
    return np.array(residuals)


def penalty_1(x: Numbers) -> Array:
    residuals = [math.sqrt(1e-5) * (xi - 1.0) for xi in x]
    return np.array([*residuals, total(xi * xi for xi in x) - 0.25])


def penalty_2(x: Numbers) -> Array:
    n, weight = len(x), math.sqrt(1e-5)
    residuals = [x[0] - 0.2]
    for i in range(2, n + 1):
        y = math.exp(i / 10) + math.exp((i - 1) / 10)
        residuals.append(weight * (wg.exp(x[i - 1] / 10.0) + wg.exp(x[i - 2] / 10.0) - y))
    residuals += [weight * (wg.exp(x[i] / 10.0) - math.exp(-0.1)) for i in range(1, n)]
    return np.array([*residuals, total((n - j) * x[j] ** 2 for j in range(n)) - 1.0])


def variably_dimensioned(x: Numbers) -> Array:
    weighted = total(j * (xj - 1.0) for j, xj in enumerate(x, 1))
    return np.array([*(xj - 1.0 for xj in x), weighted, weighted**2])


def trigonometric(x: Numbers) -> Array:
    cosines = total(wg.cos(xj) for xj in x)
    return np.array(
        [len(x) - cosines + i * (1.0 - wg.cos(xi)) - wg.sin(xi) for i, xi in enumerate(x, 1)]
    )


def brown_almost_linear(x: Numbers) -> Array:
    n = len(x)
    everything, product = total(x), 1.0
    for xj in x:
        product = product * xj
    return np.array([*(x[i] + everything - (n + 1.0) for i in range(n - 1)), product - 1.0])


def discrete_boundary_value(x: Numbers) -> Array:
    n = len(x)
    h = 1.0 / (n + 1)
    padded = [0.0, *x, 0.0]
    return np.array(
        [
            2.0 * padded[i] - padded[i - 1] - padded[i + 1]
            + h * h * (padded[i] + i * h + 1.0) ** 3 / 2.0
            for i in range(1, n + 1)
        ]
    )  # fmt: skip


def discrete_integral(x: Numbers) -> Array:
    n = len(x)
    h = 1.0 / (n + 1)
    times = [(j + 1) * h for j in range(n)]
    cubes = [(xj + t + 1.0) ** 3 for xj, t in zip(x, times, strict=True)]
    residuals = []
    for i, t in enumerate(times):
        below = total(times[j] * cubes[j] for j in range(i + 1))
        above = total((1.0 - times[j]) * cubes[j] for j in range(i + 1, n))
        residuals.append(x[i] + h * ((1.0 - t) * below + t * above) / 2.0)
    return np.array(residuals)


def broyden_tridiagonal(x: Numbers) -> Array:
    padded = [0.0, *x, 0.0]
    return np.array(
        [
            (3.0 - 2.0 * padded[i]) * padded[i] - padded[i - 1] - 2.0 * padded[i + 1] + 1.0
            for i in range(1, len(x) + 1)
        ]
    )


def broyden_banded(x: Numbers) -> Array:
    residuals = []
    for i, xi in enumerate(x):
        near = [x[j] for j in range(max(0, i - 5), min(len(x), i + 2)) if j != i]
        residuals.append(xi * (2.0 + 5.0 * xi**2) + 1.0 - total(xj * (1.0 + xj) for xj in near))
    return np.array(residuals)


def linear_full_rank(x: Numbers, m: int = 10) -> Array:
    shift = 2.0 / m * total(x) + 1.0
    return np.array([xi - shift for xi in x] + [-shift] * (m - len(x)))


def linear_rank_1(x: Numbers, m: int = 10) -> Array:
    weighted = total(j * xj for j, xj in enumerate(x, 1))
    return np.array([i * weighted - 1.0 for i in range(1, m + 1)])


def linear_rank_1_zeros(x: Numbers, m: int = 10) -> Array:
    """The first and the last residual are constant, as is what x1 and xn do to the others."""
    weighted = total((j + 1) * x[j] for j in range(1, len(x) - 1))
    return np.array([-1.0, *(i * weighted - 1.0 for i in range(1, m - 1)), -1.0])


def chebyquad(x: Numbers) -> Array:
    n = len(x)
    before, now = [1.0] * n, [2.0 * xj - 1.0 for xj in x]
    residuals = []
    for i in range(1, n + 1):
        integral = 0.0 if i % 2 else -1.0 / (i * i - 1)
        residuals.append(total(now) / n - integral)
        after = [2.0 * (2.0 * xj - 1.0) * t - s for xj, t, s in zip(x, now, before, strict=True)]
        before, now = now, after
    return np.array(residuals)


def total(terms: Iterable[Any]) -> Any:
    """Their sum by a plain loop, from 0."""
    result: Any = 0.0
    for term in terms:
        result = result + term
    return result
