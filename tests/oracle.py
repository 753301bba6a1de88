"""The outside oracle: every primitive and its derivatives by mpmath, at 50 digits.

Nothing here is taken from the table but names, constants and domains. The derivatives are mpmath's
own numerical ones, at a working precision that leaves 50 digits of them right, so that no formula
of ours is repeated.
"""

import math
import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import mpmath

from wengert.dispatch import Primitive

mp = mpmath.mp.clone()
mp.dps = 50

Exact = Any  # an mpmath number

VALUES: dict[str, Callable[..., Exact]] = {
    "select": lambda c, x, y: x if c else y,
    "less": lambda x, y: mp.mpf(x < y),
    "less_equal": lambda x, y: mp.mpf(x <= y),
    "greater": lambda x, y: mp.mpf(x > y),
    "greater_equal": lambda x, y: mp.mpf(x >= y),
    "equal": lambda x, y: mp.mpf(x == y),
    "not_equal": lambda x, y: mp.mpf(x != y),
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "strong_mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "floordiv": lambda x, y: mp.floor(x / y),
    "mod": lambda x, y: x - y * mp.floor(x / y),
    "neg": lambda x: -x,
    "fma": lambda x, y, w: x * y + w,
    "pow": lambda x, y: mp.exp(y * mp.log(x)),
    "sqrt": mp.sqrt,
    "cbrt": mp.cbrt,
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "exp": mp.exp,
    "expm1": mp.expm1,
    "exp2": lambda x: mp.exp(x * mp.ln2),
    "log": mp.log,
    "log1p": mp.log1p,
    "log2": lambda x: mp.log(x) / mp.ln2,
    "log10": lambda x: mp.log(x) / mp.ln10,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "sigmoid": lambda x: mp.exp(x) / (mp.exp(x) + 1),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "lgamma": mp.loggamma,
    "digamma": mp.digamma,
    "abs": abs,
    "sign": mp.sign,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "trunc": lambda x: mp.floor(x) if x > 0 else mp.ceil(x),
    "rint": mp.nint,
    "minimum": min,
    "maximum": max,
    "relu": lambda x: max(x, mp.mpf(0)),
    "stop_gradient": lambda x: x,
}
FAMILIES: dict[str, Callable[..., Callable[..., Exact]]] = {
    "powi": lambda n: lambda x: x**n,
    "powc": lambda c: lambda x: mp.exp(mp.mpf(c) * mp.log(x)),
    "polygamma": lambda n: lambda x: mp.psi(n, x),
}


def reference(row: Primitive) -> Callable[..., Exact]:
    """The row's function on mpmath numbers."""
    return FAMILIES[row.name](*row.params) if row.params else VALUES[row.name]


def value(row: Primitive, xs: Sequence[float]) -> Exact:
    """The value at floats, which are taken as exact."""
    return reference(row)(*map(mp.mpf, xs))


def derivative(row: Primitive, xs: Sequence[float], *wanted: int) -> Exact:
    """The partial derivative with respect to the operands numbered in `wanted`, once for each."""
    if row.facts.stops_gradient:  # by definition, and not by calculus
        return mp.mpf(0)
    orders = [wanted.count(k) for k in range(row.nin)]
    return differentiate(reference(row), xs, orders)


def differentiate(function: Callable[..., Exact], xs: Sequence[float], orders: Any) -> Exact:
    """A derivative of any function on mpmath numbers, of the given order in each operand."""
    point = tuple(map(mp.mpf, xs))
    return (
        mp.diff(function, point, tuple(orders))
        if len(xs) > 1
        else mp.diff(function, point[0], orders[0])
    )


def ulps(got: float, exact: Exact) -> float:
    """The error of a float in units in the last place of the exact result."""
    got = float(got)
    nearest = float(exact)
    if got == nearest and (nearest == 0.0 or math.isinf(nearest)):
        return 0.0
    if not math.isfinite(got):
        return math.inf
    return float(abs(mp.mpf(got) - exact) / math.ulp(nearest))


@cache
def samples(row: Primitive, count: int) -> tuple[tuple[float, ...], ...]:
    """Points of the row's domain, the same in every run; log-uniform too where it is positive."""
    rng = random.Random(f"{row.name}{row.params}")
    return tuple(tuple(_sample(rng, *interval) for interval in row.domain) for _ in range(count))


def _sample(rng: random.Random, low: float, high: float) -> float:
    if low > 0.0 and rng.random() < 0.5:
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return rng.uniform(low, high)


# How far the value (on floats and on arrays), then each partial, may be from the exact result, in
# ulps of that result, anywhere in the row's domain: 1.5 times the worst that `tools/accuracy.py`
# finds, 0 and 0.5 where IEEE arithmetic promises so much, and at least 1 where a C library or
# NumPy's vector loops decide, since theirs differ between machines.
BOUNDS: dict[str, tuple[float, ...]] = {
    "select": (0.0, 0.0, 0.0, 0.0),
    "less": (0.0, 0.0, 0.0),
    "less_equal": (0.0, 0.0, 0.0),
    "greater": (0.0, 0.0, 0.0),
    "greater_equal": (0.0, 0.0, 0.0),
    "equal": (0.0, 0.0, 0.0),
    "not_equal": (0.0, 0.0, 0.0),
    "add": (0.5, 0.0, 0.0),
    "sub": (0.5, 0.0, 0.0),
    "mul": (0.5, 0.0, 0.0),
    "strong_mul": (0.5, 0.0, 0.0),
    "div": (0.5, 0.5, 1.9),
    "floordiv": (0.0, 0.0, 0.0),
    "mod": (0.0, 0.0, 0.0),
    "neg": (0.0, 0.0),
    "fma": (0.5, 0.0, 0.0, 0.0),
    "powi": (1.0, 2.1),
    "powc": (1.0, 2.1),
    "pow": (1.0, 8.7, 2.8),  # x^(y - 1): the rounding of y - 1 counts log(x) times
    "sqrt": (0.5, 2.0),
    "cbrt": (3.9, 11.6),  # the C library's; its error counts twice in 1/(3z²)
    "hypot": (1.0, 2.0, 1.8),
    "exp": (1.0, 1.0),
    "expm1": (1.1, 1.0),
    "exp2": (1.0, 2.3),
    "log": (1.0, 0.5),
    "log1p": (1.1, 2.2),
    "log2": (1.0, 2.3),
    "log10": (2.1, 3.2),
    "sin": (1.0, 1.0),
    "cos": (1.0, 1.0),
    "tan": (1.0, 2.4),
    "asin": (1.1, 2.2),
    "acos": (1.2, 2.4),
    "atan": (1.0, 2.5),
    "atan2": (1.0, 3.9, 3.9),
    "sinh": (2.3, 1.5),
    "cosh": (1.5, 2.3),
    "tanh": (2.7, 170.0),  # 1 - z² cancels: 1/(1 - z²) times the error of z
    "asinh": (1.6, 2.1),
    "acosh": (1.5, 3.2),
    "atanh": (2.0, 2.9),
    "sigmoid": (2.4, 5.1),
    "erf": (1.1, 11.5),  # exp(-x²): the rounding of x² counts x² times
    "erfc": (3.2, 11.5),
    "polygamma": (4.0, 4.0),
    "lgamma": (
        43.0,
        8.5,
    ),  # the C-Python one, about 0.7 and 2.7, where it is not far from its zeros
    "digamma": (8.5, 1.9),  # cancels near its zero, 1.4616
    "abs": (0.0, 0.0),
    "sign": (0.0, 0.0),
    "floor": (0.0, 0.0),
    "ceil": (0.0, 0.0),
    "trunc": (0.0, 0.0),
    "rint": (0.0, 0.0),
    "minimum": (0.0, 0.0, 0.0),
    "maximum": (0.0, 0.0, 0.0),
    "relu": (0.0, 0.0),
    "stop_gradient": (0.0, 0.0),
}
