"""Hock and Schittkowski's test problems: objective, constraints, bounds and what is known."""

import math
from typing import Any

import numpy as np

import wengert as wg
from problems.problem import Array, Function, Numbers, Problem, nothing

BOOK = "Hock and Schittkowski (1981), LNEMS 187, doi 10.1007/978-3-642-48320-2"

# --- objectives -----------------------------------------------------------------------------------


def f6(x: Numbers) -> Any:
    return (1.0 - x[0]) ** 2


def f7(x: Numbers) -> Any:
    return wg.log(1.0 + x[0] ** 2) - x[1]


def f26(x: Numbers) -> Any:
    return (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4


def f27(x: Numbers) -> Any:
    return 0.01 * (x[0] - 1.0) ** 2 + (x[1] - x[0] ** 2) ** 2


def f28(x: Numbers) -> Any:
    return (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2


def f35(x: Numbers) -> Any:
    a, b, c = x
    linear = 9.0 - 8.0 * a - 6.0 * b - 4.0 * c
    return linear + 2.0 * a * a + 2.0 * b * b + c * c + 2.0 * a * b + 2.0 * a * c


def f39(x: Numbers) -> Any:
    return -x[0]


def f40(x: Numbers) -> Any:
    return -x[0] * x[1] * x[2] * x[3]


def f43(x: Numbers) -> Any:
    a, b, c, d = x
    linear = -5.0 * a - 5.0 * b - 21.0 * c + 7.0 * d
    return a * a + b * b + 2.0 * c * c + d * d + linear


def f48(x: Numbers) -> Any:
    return (x[0] - 1.0) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2


def f50(x: Numbers) -> Any:
    return (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 2 + (x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 2


def f51(x: Numbers) -> Any:
    return (x[0] - x[1]) ** 2 + (x[1] + x[2] - 2.0) ** 2 + (x[3] - 1.0) ** 2 + (x[4] - 1.0) ** 2


def f71(x: Numbers) -> Any:
    return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]


def f76(x: Numbers) -> Any:
    a, b, c, d = x
    quadratic = a * a + 0.5 * b * b + c * c + 0.5 * d * d - a * c + c * d
    return quadratic - a - 3.0 * b + c - d


def f77(x: Numbers) -> Any:
    a, b, c, d, e = x
    return (
        (a - 1.0) ** 2 + (a - b) ** 2 + (c - 1.0) ** 2 + (d - 1.0) ** 4 + (e - 1.0) ** 6
    )  # fmt: skip


def f78(x: Numbers) -> Any:
    return x[0] * x[1] * x[2] * x[3] * x[4]


def f80(x: Numbers) -> Any:
    return wg.exp(f78(x))


def f100(x: Numbers) -> Any:
    a, b, c, d, e, f, g = x
    return (
        (a - 10.0) ** 2 + 5.0 * (b - 12.0) ** 2 + c**4 + 3.0 * (d - 11.0) ** 2 + 10.0 * e**6
        + 7.0 * f * f + g**4 - 4.0 * f * g - 10.0 * f - 8.0 * g
    )  # fmt: skip


def f113(x: Numbers) -> Any:
    a, b, c, d, e, f, g, h, i, j = x
    return (
        a * a + b * b + a * b - 14.0 * a - 16.0 * b + (c - 10.0) ** 2 + 4.0 * (d - 5.0) ** 2
        + (e - 3.0) ** 2 + 2.0 * (f - 1.0) ** 2 + 5.0 * g * g + 7.0 * (h - 11.0) ** 2
        + 2.0 * (i - 10.0) ** 2 + (j - 7.0) ** 2 + 45.0
    )  # fmt: skip


# --- what must be 0 -------------------------------------------------------------------------------


def c6(x: Numbers) -> Array:
    return np.array([10.0 * (x[1] - x[0] ** 2)])


def c7(x: Numbers) -> Array:
    return np.array([(1.0 + x[0] ** 2) ** 2 + x[1] ** 2 - 4.0])


def c26(x: Numbers) -> Array:
    return np.array([(1.0 + x[1] ** 2) * x[0] + x[2] ** 4 - 3.0])


def c27(x: Numbers) -> Array:
    return np.array([x[0] + x[2] ** 2 + 1.0])


def c28(x: Numbers) -> Array:
    return np.array([x[0] + 2.0 * x[1] + 3.0 * x[2] - 1.0])


def c39(x: Numbers) -> Array:
    return np.array([x[1] - x[0] ** 3 - x[2] ** 2, x[0] ** 2 - x[1] - x[3] ** 2])


def c40(x: Numbers) -> Array:
    a, b, c, d = x
    return np.array([a**3 + b**2 - 1.0, a * a * d - c, d * d - b])


def c48(x: Numbers) -> Array:
    a, b, c, d, e = x
    return np.array([a + b + c + d + e - 5.0, c - 2.0 * (d + e) + 3.0])


def c50(x: Numbers) -> Array:
    return np.array([x[k] + 2.0 * x[k + 1] + 3.0 * x[k + 2] - 6.0 for k in range(3)])


def c51(x: Numbers) -> Array:
    return np.array([x[0] + 3.0 * x[1] - 4.0, x[2] + x[3] - 2.0 * x[4], x[1] - x[4]])


def c71(x: Numbers) -> Array:
    return np.array([x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2 - 40.0])


def c77(x: Numbers) -> Array:
    a, b, c, d, e = x
    first = a * a * d + wg.sin(d - e) - 2.0 * math.sqrt(2.0)
    return np.array([first, b + c**4 * d * d - 8.0 - math.sqrt(2.0)])


def c78(x: Numbers) -> Array:
    a, b, c, d, e = x
    sphere = a * a + b * b + c * c + d * d + e * e - 10.0
    return np.array([sphere, b * c - 5.0 * d * e, a**3 + b**3 + 1.0])


# --- what must not be negative --------------------------------------------------------------------


def g35(x: Numbers) -> Array:
    return np.array([3.0 - x[0] - x[1] - 2.0 * x[2]])


def g43(x: Numbers) -> Array:
    a, b, c, d = x
    return np.array(
        [
            8.0 - a * a - b * b - c * c - d * d - a + b - c + d,
            10.0 - a * a - 2.0 * b * b - c * c - 2.0 * d * d + a + d,
            5.0 - 2.0 * a * a - b * b - c * c - 2.0 * a + b + d,
        ]
    )


def g71(x: Numbers) -> Array:
    return np.array([x[0] * x[1] * x[2] * x[3] - 25.0])


def g76(x: Numbers) -> Array:
    a, b, c, d = x
    return np.array([5.0 - a - 2.0 * b - c - d, 4.0 - 3.0 * a - b - 2.0 * c + d, b + 4.0 * c - 1.5])


def g100(x: Numbers) -> Array:
    a, b, c, d, e, f, g = x
    return np.array(
        [
            127.0 - 2.0 * a * a - 3.0 * b**4 - c - 4.0 * d * d - 5.0 * e,
            282.0 - 7.0 * a - 3.0 * b - 10.0 * c * c - d + e,
            196.0 - 23.0 * a - b * b - 6.0 * f * f + 8.0 * g,
            -4.0 * a * a - b * b + 3.0 * a * b - 2.0 * c * c - 5.0 * f + 11.0 * g,
        ]
    )


def g113(x: Numbers) -> Array:
    a, b, c, d, e, f, g, h, i, j = x
    return np.array(
        [
            105.0 - 4.0 * a - 5.0 * b + 3.0 * g - 9.0 * h,
            -10.0 * a + 8.0 * b + 17.0 * g - 2.0 * h,
            8.0 * a - 2.0 * b - 5.0 * i + 2.0 * j + 12.0,
            -3.0 * (a - 2.0) ** 2 - 4.0 * (b - 3.0) ** 2 - 2.0 * c * c + 7.0 * d + 120.0,
            -5.0 * a * a - 8.0 * b - (c - 6.0) ** 2 + 2.0 * d + 40.0,
            -0.5 * (a - 8.0) ** 2 - 2.0 * (b - 4.0) ** 2 - 3.0 * e * e + f + 30.0,
            -a * a - 2.0 * (b - 2.0) ** 2 + 2.0 * a * b - 14.0 * e + 6.0 * f,
            3.0 * a - 6.0 * b - 12.0 * (i - 8.0) ** 2 + 7.0 * j,
        ]
    )


# --- the rows -------------------------------------------------------------------------------------


def row(
    number: int,
    objective: Function,
    equalities: Function,
    inequalities: Function,
    start: Numbers,
    at_start: float,
    solution: Numbers,
    minimum: float,
    digits: int = 10,
    bounds: tuple[tuple[float, float], ...] = (),
) -> Problem:
    """A row by its number in the book."""
    return Problem(
        f"Hock-Schittkowski {number}", "constrained", objective, start, f"{BOOK}, problem {number}",
        at_start=at_start, minima=(minimum,), solution=solution, digits=digits, bounds=bounds,
        equalities=equalities, inequalities=inequalities,
    )  # fmt: skip


ROOT = 2.0 ** (-1 / 4)
BOX = ((-2.3, 2.3), (-2.3, 2.3), (-3.2, 3.2), (-3.2, 3.2), (-3.2, 3.2))
ROWS = [
    row(6, f6, c6, nothing, (-1.2, 1.0), 4.84, (1.0, 1.0), 0.0),
    row(
        7, f7, c7, nothing, (2.0, 2.0), math.log(5.0) - 2.0,
        (0.0, math.sqrt(3.0)), -math.sqrt(3.0),
    ),
    row(26, f26, c26, nothing, (-2.6, 2.0, 2.0), 21.16, (1.0, 1.0, 1.0), 0.0),
    row(27, f27, c27, nothing, (2.0, 2.0, 2.0), 4.01, (-1.0, 1.0, 0.0), 0.04),
    row(28, f28, c28, nothing, (-4.0, 1.0, 1.0), 13.0, (0.5, -0.5, 0.5), 0.0),
    row(
        35, f35, nothing, g35, (0.5, 0.5, 0.5), 2.25, (4 / 3, 7 / 9, 4 / 9), 1 / 9,
        bounds=((0.0, math.inf),) * 3,
    ),
    row(39, f39, c39, nothing, (2.0,) * 4, -2.0, (1.0, 1.0, 0.0, 0.0), -1.0),
    row(
        40, f40, c40, nothing, (0.8,) * 4, -0.4096,
        (2.0 ** (-1 / 3), 2.0 ** (-1 / 2), 2.0 ** (-11 / 12), ROOT), -0.25,
    ),
    row(43, f43, nothing, g43, (0.0,) * 4, 0.0, (0.0, 1.0, 2.0, -1.0), -44.0),
    row(48, f48, c48, nothing, (3.0, 5.0, -3.0, 2.0, -2.0), 84.0, (1.0,) * 5, 0.0),
    row(50, f50, c50, nothing, (35.0, -31.0, 11.0, 5.0, -5.0), 7516.0, (1.0,) * 5, 0.0),
    row(51, f51, c51, nothing, (2.5, 0.5, 2.0, -1.0, 0.5), 8.5, (1.0,) * 5, 0.0),
    row(
        71, f71, c71, g71, (1.0, 5.0, 5.0, 1.0), 16.0,
        (1.0, 4.7429994, 3.8211503, 1.3794082), 17.0140173, 6, ((1.0, 5.0),) * 4,
    ),
    row(
        76, f76, nothing, g76, (0.5,) * 4, -1.25,
        (3 / 11, 23 / 11, 0.0, 6 / 11), -4.681818181, 6, ((0.0, math.inf),) * 4,
    ),
    row(
        77, f77, c77, nothing, (2.0,) * 5, 4.0,
        (1.166172, 1.182111, 1.380257, 1.506036, 0.6109203), 0.24150513, 6,
    ),
    row(
        78, f78, c78, nothing, (-2.0, 1.5, 2.0, -1.0, -1.0), -6.0,
        (-1.717142, 1.595708, 1.827248, -0.7636429, -0.7636435), -2.91970041, 6,
    ),
    row(
        80, f80, c78, nothing, (-2.0, 2.0, 2.0, -1.0, -1.0), math.exp(-8.0),
        (-1.717143, 1.595709, 1.827247, -0.7636413, -0.7636450), 0.0539498478, 6, BOX,
    ),
    row(
        100, f100, nothing, g100, (1.0, 2.0, 0.0, 4.0, 0.0, 1.0, 1.0), 714.0,
        (2.330499, 1.951372, -0.4775414, 4.365726, -0.6244870, 1.038131, 1.594227),
        680.6300573, 6,
    ),
    row(
        113, f113, nothing, g113, (2.0, 3.0, 5.0, 5.0, 1.0, 2.0, 7.0, 3.0, 6.0, 10.0), 753.0,
        (
            2.171996, 2.363683, 8.773926, 5.095984, 0.9906548,
            1.430574, 1.321644, 9.828726, 8.280092, 8.375927,
        ),
        24.3062091, 6,
    ),
]  # fmt: skip
