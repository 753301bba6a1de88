"""Moré, Garbow and Hillstrom's test problems, as vectors of residuals.

The numbers in the rows are those of the paper; values at the start and solutions that it does not
print are those of its authors' MINPACK (the norms that its test programs print, squared).
"""

import math
from collections.abc import Callable

import numpy as np

import wengert as wg
from problems.problem import Array, Numbers, Problem
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
    for i in range(1, n):
        residuals.append(weight * (wg.exp(x[i] / 10.0) - math.exp(-0.1)))
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


def total(terms: object) -> object:
    """Their sum by a plain loop, from 0."""
    result = 0.0
    for term in terms:
        result = result + term
    return result


# --- the rows -------------------------------------------------------------------------------------


def row(number: int, function: Callable[[Numbers], Array], start: Numbers, **facts: object) -> Problem:
    """A row by its number in the paper."""
    source = f"Moré, Garbow and Hillstrom (1981), doi 10.1145/355934.355936, problem {number}"
    name = function.__name__.replace("_", " ")
    return Problem(f"{name}, {len(start)}", "residuals", function, start, source, **facts)


def extended_rosenbrock_at(n: int) -> Problem:
    return row(
        21, extended_rosenbrock, (-1.2, 1.0) * (n // 2),
        at_start=12.1 * n, minima=(0.0,), solution=(1.0,) * n,
    )  # fmt: skip


def extended_powell_at(n: int) -> Problem:
    return row(
        22, extended_powell, (3.0, -1.0, 0.0, 1.0) * (n // 4),
        at_start=53.75 * n, minima=(0.0,), solution=(0.0,) * n,
    )  # fmt: skip


def variably_dimensioned_at(n: int) -> Problem:
    return row(
        25, variably_dimensioned, tuple(1.0 - j / n for j in range(1, n + 1)),
        minima=(0.0,), solution=(1.0,) * n,
    )  # fmt: skip


def discrete_boundary_value_at(n: int) -> Problem:
    times = [j / (n + 1) for j in range(1, n + 1)]
    return row(28, discrete_boundary_value, tuple(t * (t - 1.0) for t in times), minima=(0.0,))


def discrete_integral_at(n: int) -> Problem:
    times = [j / (n + 1) for j in range(1, n + 1)]
    return row(29, discrete_integral, tuple(t * (t - 1.0) for t in times), minima=(0.0,))


def broyden_tridiagonal_at(n: int) -> Problem:
    return row(30, broyden_tridiagonal, (-1.0,) * n, minima=(0.0,))


def broyden_banded_at(n: int) -> Problem:
    return row(31, broyden_banded, (-1.0,) * n, minima=(0.0,))


def chebyquad_at(n: int, **facts: object) -> Problem:
    return row(35, chebyquad, tuple(j / (n + 1) for j in range(1, n + 1)), **facts)


ROWS = [
    row(
        1, rosenbrock, (-1.2, 1.0),
        at_start=24.2, minima=(0.0,), solution=(1.0, 1.0),
    ),
    row(
        2, freudenstein_roth, (0.5, -2.0),
        at_start=400.5, minima=(0.0, 48.9842), solution=(5.0, 4.0),
    ),
    row(
        3, powell_badly_scaled, (0.0, 1.0),
        at_start=1.0 + (math.exp(-1.0) - 0.0001) ** 2, minima=(0.0,),
        solution=(1.098159e-5, 9.106147), digits=6,
    ),
    row(
        4, brown_badly_scaled, (1.0, 1.0),
        at_start=999998000002.999996, minima=(0.0,), solution=(1e6, 2e-6),
    ),
    row(
        5, beale, (1.0, 1.0),
        at_start=14.203125, minima=(0.0,), solution=(3.0, 0.5),
    ),
    row(
        6, jennrich_sampson, (0.3, 0.4),
        at_start=64.5856498144943**2, minima=(124.362,), solution=(0.2578, 0.2578), digits=4,
    ),
    row(
        7, helical_valley, (-1.0, 0.0, 0.0),
        at_start=2500.0, minima=(0.0,), solution=(1.0, 0.0, 0.0),
    ),
    row(
        8, bard, (1.0, 1.0, 1.0),
        at_start=6.45613629515967**2, minima=(8.21487e-3, 17.4286),
        solution=(0.0824106, 1.13304, 2.34369), digits=5,
    ),
    row(9, gaussian, (0.4, 1.0, 0.0), minima=(1.12793e-8,)),
    row(
        10, meyer, (0.02, 4000.0, 250.0),
        at_start=41153.4665543031**2, minima=(87.9458,),
        solution=(0.00560963647, 6181.34634629, 345.223634624), digits=8,
    ),
    row(
        11, gulf, (5.0, 2.5, 0.15),
        minima=(0.0,), solution=(50.0, 25.0, 1.5),
    ),
    row(
        12, box, (0.0, 10.0, 20.0),
        at_start=32.1115837449572**2, minima=(0.0,), solution=(1.0, 10.0, 1.0),
    ),
    extended_powell_at(4),
    row(
        14, wood, (-3.0, -1.0, -3.0, -1.0),
        at_start=19192.0, minima=(0.0,), solution=(1.0,) * 4,
    ),
    row(
        15, kowalik_osborne, (0.25, 0.39, 0.415, 0.39),
        at_start=0.0728915102882945**2, minima=(3.07505e-4, 1.02734e-3),
        solution=(0.1928, 0.1913, 0.1231, 0.1361), digits=3,
    ),
    row(
        16, brown_dennis, (25.0, 5.0, -5.0, -1.0),
        at_start=2815.43838161816**2, minima=(85822.2,),
        solution=(-11.594, 13.204, -0.4034, 0.2368), digits=3,
    ),
    row(
        17, osborne_1, (0.5, 1.5, -1.0, 0.01, 0.02),
        at_start=0.937564021037838**2, minima=(5.46489e-5,),
        solution=(0.3754100, 1.935847, -1.464687, 0.01286753, 0.02212270), digits=5,
    ),
    row(
        18, biggs, (1.0, 2.0, 1.0, 1.0, 1.0, 1.0),
        minima=(0.0, 5.65565e-3), solution=(1.0, 10.0, 1.0, 5.0, 4.0, 3.0),
    ),
    row(
        19, osborne_2, (1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5),
        at_start=1.44686540984712**2, minima=(4.01377e-2,),
        solution=(
            1.309977, 0.4315525, 0.6336613, 0.5994286, 0.7541798, 0.9043001,
            1.365799, 4.823732, 2.398685, 4.568876, 5.675342,
        ), digits=5,
    ),
    row(
        20, watson, (0.0,) * 6,
        at_start=30.0, minima=(2.28767e-3,),
        solution=(-0.0157250, 1.012435, -0.2329916, 1.260430, -1.513729, 0.9929964), digits=5,
    ),
    row(20, watson, (0.0,) * 9, at_start=30.0, minima=(1.39976e-6,)),
    row(20, watson, (0.0,) * 12, at_start=30.0, minima=(4.72238e-10,)),
    extended_rosenbrock_at(10),
    extended_powell_at(12),
    row(23, penalty_1, (1.0, 2.0, 3.0, 4.0), at_start=885.06264, minima=(2.24997e-5,)),
    row(23, penalty_1, tuple(map(float, range(1, 11))), minima=(7.08765e-5,)),
    row(24, penalty_2, (0.5,) * 4, minima=(9.37629e-6,)),
    row(24, penalty_2, (0.5,) * 10, minima=(2.93660e-4,)),
    variably_dimensioned_at(8),
    row(26, trigonometric, (0.1,) * 10, minima=(0.0,), solution=(0.0,) * 10),
    row(
        27, brown_almost_linear, (0.5,) * 10,
        at_start=16.5302162063499**2, minima=(0.0, 1.0), solution=(1.0,) * 10,
    ),
    discrete_boundary_value_at(10),
    discrete_integral_at(10),
    broyden_tridiagonal_at(10),
    broyden_banded_at(10),
    row(
        32, linear_full_rank, (1.0,) * 5,
        at_start=25.0, minima=(5.0,), solution=(-1.0,) * 5,
    ),
    row(33, linear_rank_1, (1.0,) * 5, at_start=291.521868819476**2, minima=(15 / 7,)),
    row(34, linear_rank_1_zeros, (1.0,) * 5, minima=(62 / 17,)),
    chebyquad_at(
        8, at_start=0.196513862833975**2, minima=(3.51687e-3,), digits=5,
        solution=(
            0.04315366, 0.1930916, 0.2663286, 0.4999993, 0.5000007, 0.7336714, 0.8069084, 0.9568463,
        ),
    ),
    chebyquad_at(
        9, at_start=0.16994993465202**2, minima=(0.0,),
        solution=(
            0.0442053461357828, 0.199490672309881, 0.23561910847106, 0.416046907892598, 0.5,
            0.583953092107402, 0.764380891528940, 0.800509327690119, 0.955794653864217,
        ),
    ),
    chebyquad_at(10, at_start=0.183747831178711**2, minima=(6.50395e-3, 4.77271e-3)),
]  # fmt: skip
