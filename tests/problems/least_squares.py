"""Moré, Garbow and Hillstrom's test problems, as rows.

The numbers are those of the paper; values at the start and solutions that it does not print are
those of its authors' MINPACK (the norms that its test programs print, squared). Where those
solutions have few digits, Newton's method has sharpened them.
"""

import math
from collections.abc import Callable
from typing import Any

from problems.problem import Array, Numbers, Problem
from problems.residuals import (
    bard,
    beale,
    biggs,
    box,
    brown_almost_linear,
    brown_badly_scaled,
    brown_dennis,
    broyden_banded,
    broyden_tridiagonal,
    chebyquad,
    discrete_boundary_value,
    discrete_integral,
    extended_powell,
    extended_rosenbrock,
    freudenstein_roth,
    gaussian,
    gulf,
    helical_valley,
    jennrich_sampson,
    kowalik_osborne,
    linear_full_rank,
    linear_rank_1,
    linear_rank_1_zeros,
    meyer,
    osborne_1,
    osborne_2,
    penalty_1,
    penalty_2,
    powell_badly_scaled,
    rosenbrock,
    trigonometric,
    variably_dimensioned,
    watson,
    wood,
)

SOURCE = "Moré, Garbow and Hillstrom (1981), doi 10.1145/355934.355936"


def row(number: int, function: Callable[[Numbers], Array], start: Numbers, **facts: Any) -> Problem:
    """A row by its number in the paper."""
    source = f"{SOURCE}, problem {number}"
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


def broyden_tridiagonal_at(n: int, **facts: Any) -> Problem:
    return row(
        30, broyden_tridiagonal, (-1.0,) * n, at_start=n + 11.0, minima=(0.0,), **facts
    )  # fmt: skip


def broyden_banded_at(n: int, **facts: Any) -> Problem:
    return row(31, broyden_banded, (-1.0,) * n, at_start=36.0 * n, minima=(0.0,), **facts)


def chebyquad_at(n: int, **facts: Any) -> Problem:
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
        at_start=2815.43839161816**2, minima=(85822.2,),
        solution=(-11.59444, 13.20363, -0.4034395, 0.2367789), digits=5,
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
    # The paper prints 0 alone; from its starting point minimisers find the second.
    row(26, trigonometric, (0.1,) * 10, minima=(0.0, 2.79506e-5), solution=(0.0,) * 10),
    row(
        27, brown_almost_linear, (0.5,) * 10,
        at_start=16.5302162063499**2, minima=(0.0, 1.0), solution=(1.0,) * 10,
    ),
    discrete_boundary_value_at(10),
    discrete_integral_at(10),
    broyden_tridiagonal_at(
        9, digits=6,
        solution=(
            -0.5706545, -0.6816283, -0.7017325, -0.7042129, -0.7013690, -0.6918656, -0.6657920,
            -0.5960342, -0.4164121,
        ),
    ),
    broyden_banded_at(
        10, digits=8,
        solution=(
            -0.4283028636, -0.4765964242, -0.5196524640, -0.5580993248, -0.5925061566,
            -0.6245036821, -0.6232394714, -0.6213938418, -0.6204535966, -0.5864692707,
        ),
    ),
    row(
        32, linear_full_rank, (1.0,) * 5,
        at_start=25.0, minima=(5.0,), solution=(-1.0,) * 5,
    ),
    row(33, linear_rank_1, (1.0,) * 5, at_start=291.521868819476**2, minima=(15 / 7,)),
    row(34, linear_rank_1_zeros, (1.0,) * 5, minima=(62 / 17,)),
    chebyquad_at(
        8, at_start=0.196513862833975**2, minima=(3.51687e-3,), digits=5,
        solution=(
            0.0431528, 0.1930908, 0.2663287, 0.5, 0.5, 0.7336713, 0.8069092, 0.9568472,
        ),
    ),
    chebyquad_at(
        9, at_start=0.16994993465202**2, minima=(0.0,),
        solution=(
            0.0442053461357828, 0.199490672309881, 0.23561910847106, 0.416046907892598, 0.5,
            0.583953092107402, 0.764380891528940, 0.800509327690119, 0.955794653864217,
        ),
    ),
    # The paper prints the second; minimisers from other points find the first.
    chebyquad_at(10, at_start=0.183747831178711**2, minima=(4.77271e-3, 6.50395e-3)),
]  # fmt: skip
