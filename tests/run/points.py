"""Where the vector math is asked: all of the domain, and more where it is hard.

Shared by its tests, by `tools/accuracy.py` and by `bench/vector_math.py`.
"""

import math
import random
import struct
from collections.abc import Callable, Iterator
from functools import cache
from math import inf, pi
from typing import Any

import numpy as np

from oracle import VALUES, mp, ulps
from wengert.primitives import TABLE, rows

Point = tuple[float, ...]

# Where a function has finite real values, as far as that is less than everywhere.
DOMAINS: dict[str, list[tuple[float, float]]] = {
    "log": [(0.0, inf)],
    "log1p": [(-1.0, inf)],
    "log2": [(0.0, inf)],
    "log10": [(0.0, inf)],
    "asin": [(-1.0, 1.0)],
    "acos": [(-1.0, 1.0)],
    "acosh": [(1.0, inf)],
    "atanh": [(-1.0, 1.0)],
    "erfc": [(-1e100, 1e100)],  # mpmath fails beyond
    "cbrt": [(0.0, inf)],  # mpmath's roots of negative numbers are complex
    "pow": [(0.0, inf), (-inf, inf)],
}
EXPONENTIAL = [0.0, 0.34657359, 1.0397, 709.78, 710.47, -36.04, -37.42, -708.39, -745.13]
QUARTERS = [k * pi / 2 for k in (1, -1, 2, 3, 4, 7, 22, 355, 1e3, 51819, 1e6, 12345678, 683e6)]
TURNING = [0.0, pi / 4, *QUARTERS, 2.0**30, 1e22, 5.3e8]
NEAR_ONE = [0.5**0.5, 1.0, 2.0**0.5, 2.0**-1022, 1e-310, 1e3, 2.0]

# Where reductions, polynomials or results turn.
HARD: dict[str, list[float]] = {
    "exp": EXPONENTIAL,
    "expm1": EXPONENTIAL,
    "exp2": [0.0, 0.5, -0.5, 1023.999, -1021.7, -1022.3, -1074.4],
    "sigmoid": EXPONENTIAL,
    "sinh": EXPONENTIAL,
    "cosh": EXPONENTIAL,
    "tanh": [0.0, 0.17328, 0.55, 19.06, 22.0, 1e-300],
    "log": NEAR_ONE,
    "log2": NEAR_ONE,
    "log10": [*NEAR_ONE, 10.0, 1e15],
    "log1p": [0.0, -0.29289, 0.41421, -1.0 + 2.0**-53, 1.0, 1e-300, 2.0**53],
    "sin": TURNING,
    "cos": TURNING,
    "tan": TURNING,
    "asin": [0.0, 0.5, 1.0 - 2.0**-53, 1e-300],
    "acos": [0.0, 0.5, -0.5, 1.0 - 2.0**-53, 1e-300],
    "atan": [0.0, 0.41421356, 1.0, 2.41421356, 1e16, 1e-300],
    "asinh": [0.0, 0.75, 1e-8, 2.0**100],
    "acosh": [1.0 + 2.0**-52, 1.25, 2.0**100],
    "atanh": [0.0, 0.17157, 0.33333, 1.0 - 2.0**-53],
    "cbrt": [0.5, 1.0, 4.0, 8.0, 2.0**-1022],
    "erf": [0.0, 0.92449829, 1.46875, 5.92, 6.0, 1e-300],
    "erfc": [0.0, 0.5, -0.5, 2.6851, 26.54, 27.22],
}


def points(name: str, count: int) -> list[Point]:
    """Three times `count` points and those that are hard; the same in every run."""
    rng = random.Random(name)
    row = next(row for row in rows() if row is TABLE[name])
    domain = DOMAINS.get(name, [(-inf, inf)] * row.nin)
    chosen: list[Point] = []
    while len(chosen) < count:
        chosen += _inside(domain, tuple(_any_double(rng) for _ in domain))
    while len(chosen) < 2 * count:
        chosen += _inside(domain, tuple(_of_a_size(rng) for _ in domain))
    while len(chosen) < 3 * count:
        chosen.append(tuple(rng.uniform(*interval) for interval in row.domain))
    chosen += [
        point for x in HARD.get(name, ()) for y in about(x) for point in _inside(domain, (y,))
    ]
    if name == "pow":  # near 1 the exponent is large, and the error of the logarithm counts
        for _ in range(count):
            x = 1.0 + rng.choice((-1.0, 1.0)) * 2.0 ** rng.uniform(-40.0, -1.0)
            chosen.append((x, rng.uniform(-745.0, 709.0) / math.log(x)))
    if name in ("hypot", "atan2"):
        chosen += [(x, x * 2.0 ** rng.uniform(-2.0, 2.0)) for x, _ in chosen[: 2 * count]]
    return chosen


@cache
def exact(name: str, count: int) -> tuple[list[Point], list[Any]]:
    """The points, and what mpmath gives there."""
    chosen = points(name, count)
    return chosen, [VALUES[name](*map(mp.mpf, point)) for point in chosen]


def worst(name: str, apply: Callable[..., Any], count: int) -> tuple[float, Point]:
    """The largest error of a function of arrays, in ulps, and where it is."""
    chosen, values = exact(name, count)
    errors = map(ulps, apply(*np.array(chosen).T), values)
    return max(zip(errors, chosen, strict=True))


def about(x: float) -> Iterator[float]:
    """x, its neighbours and numbers nearby."""
    yield x
    for direction in (-inf, inf):
        y = x
        for _ in range(3):
            y = math.nextafter(y, direction)
            yield y
    for k in range(2, 52, 3):
        yield x + (abs(x) or 1.0) * 2.0**-k
        yield x - (abs(x) or 1.0) * 2.0**-k


def _inside(domain: list[tuple[float, float]], point: Point) -> list[Point]:
    both = zip(point, domain, strict=True)
    return [point] if all(low < x < high for x, (low, high) in both) else []


def _any_double(rng: random.Random) -> float:
    (x,) = struct.unpack("<d", rng.randbytes(8))
    return float(x)


def _of_a_size(rng: random.Random) -> float:
    return rng.choice((-1.0, 1.0)) * 2.0 ** rng.uniform(-35.0, 10.5)
