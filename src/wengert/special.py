"""Scalar functions of IEEE doubles that neither `math` nor NumPy offers as we need them.

`math` raises where IEEE arithmetic has an answer (1/0, log(-1), exp(1000)); `ieee` gives that
answer. The gamma family is here because NumPy has none of it.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

Scalar = Callable[..., float]

_RAISED = (ValueError, OverflowError, ZeroDivisionError)


def ieee(function: Scalar, array: Callable[..., Any]) -> Scalar:
    """`function` where it has an answer, and the IEEE answer of `array` where it raises."""

    def evaluate(*args: float) -> float:
        try:
            return function(*args)
        except _RAISED:
            with np.errstate(all="ignore"):
                return float(array(*args))

    return evaluate


def elementwise(scalar: Scalar) -> Callable[..., Any]:
    """The array form of a scalar function, one element at a time."""
    return np.vectorize(scalar, otypes=[float])


def power(x: float, n: int) -> float:
    """x to a constant integer: one correctly rounded operation where one is enough."""
    if n == 2:
        return x * x
    if n == -1:
        return 1.0 / x
    return math.pow(x, n)


def power_array(x: Any, y: Any) -> Any:
    """np.power, but for what NumPy does where the exponent is one number, 0.5.

    It takes the square root then, which is nan at -inf and -0.0 at -0.0; the power is inf and 0.0.
    """
    x, y = np.broadcast_arrays(x, y)
    return np.power(x.ravel(), y.flatten()).reshape(x.shape)


def integer_power_array(x: Any, n: int) -> Any:
    """np.power with a constant integer: odd or even bit for bit, which NumPy's loops are not."""
    if n == 2:
        return x * x
    if n == -1:
        return 1.0 / x
    size = np.power(np.absolute(x), float(n))
    return np.copysign(size, x) if n % 2 else size


def sign(x: float) -> float:
    """-1, 0 or 1; NaN stays NaN."""
    return x if x != x else float((x > 0) - (x < 0))


def maximum(x: float, y: float) -> float:
    """The larger operand; NaN if either is."""
    return x if x >= y or x != x else y


def minimum(x: float, y: float) -> float:
    """The smaller operand; NaN if either is."""
    return x if x <= y or x != x else y


def strong_product(x: float, y: float) -> float:
    """x·y, where a zero absorbs what is infinite or NaN; its sign is that of the product."""
    product = x * y
    return 0.0 if product != product and (x == 0.0 or y == 0.0) else product


def strong_product_array(x: Any, y: Any) -> Any:
    """The same for arrays."""
    product = np.multiply(x, y)
    if np.isnan(product).any():
        product = np.where(np.isnan(product) & (np.equal(x, 0.0) | np.equal(y, 0.0)), 0.0, product)
    return product


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow and accurate in both tails."""
    return math.exp(min(x, 0.0)) / (1.0 + math.exp(-abs(x)))


def fma(x: float, y: float, w: float) -> float:
    """x*y + w with a single rounding, by exact rational arithmetic."""
    if not (math.isfinite(x) and math.isfinite(y)) or x == 0.0 or y == 0.0:
        return x * y + w  # no second rounding takes place, and the signs of zero are right
    if not math.isfinite(w):
        return w  # also where x*y would overflow
    exact = Fraction(x) * Fraction(y) + Fraction(w)
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


# Bernoulli numbers B2, B4, ... B26: the coefficients of the asymptotic series below.
BERNOULLI = tuple(
    Fraction(*pair)
    for pair in (
        (1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510),
        (43867, 798), (-174611, 330), (854513, 138), (-236364091, 2730), (8553103, 6),
    )
)  # fmt: skip

# The positive zero of digamma, as the unevaluated sum of two doubles.
DIGAMMA_ZERO = (1.4616321449683622, 9.549995429965697e-17)


def lgamma(x: float) -> float:
    """The logarithm of the absolute value of the gamma function; inf at its poles.

    `math.lgamma` keeps the absolute accuracy near its zeros 1 and 2; the series about them, of
    which digamma and polygamma are the coefficients, keeps the relative accuracy too.
    """
    if 0.75 < x < 2.5:
        zero = 1.0 if x < 1.25 else 2.0
        return (x - zero) * _horner(lgamma_series(zero), x - zero) + 0.0  # and no -0.0
    try:
        return math.lgamma(x)
    except _RAISED:
        return math.inf


def digamma(x: float) -> float:
    """d/dx lgamma(x).

    Source: Abramowitz & Stegun 6.3.5 (recurrence), 6.3.7 (reflection), 6.3.18 (asymptotic series).
    """
    if x <= 0.0:
        return _reflected(0, x)
    if x == math.inf:
        return x
    from_zero = (x - DIGAMMA_ZERO[0]) - DIGAMMA_ZERO[1]
    if abs(from_zero) < 0.5:  # a series about the zero keeps the relative accuracy there
        return from_zero * _horner(digamma_series(), from_zero)
    below = []
    while x < 12.0:
        below.append(-1.0 / x)
        x += 1.0
    tail = _horner([-float(b) / (2 * k) for k, b in enumerate(BERNOULLI[:8], 1)], 1.0 / (x * x))
    return math.fsum([math.log(x), -0.5 / x, tail / (x * x), *below])


def polygamma(n: int, x: float) -> float:
    """The n-th derivative of digamma, n >= 1.

    Source: Abramowitz & Stegun 6.4.6 (recurrence), 6.4.7 (reflection), 6.4.11 (asymptotic series).
    """
    if x <= 0.0:
        return _reflected(n, x)
    if x != x:
        return x
    terms = []
    while x < 12.0 + n:
        terms.append(x ** -(n + 1.0))
        x += 1.0
    terms += [x**-n / n, 0.5 * x ** -(n + 1.0)]
    rising = Fraction(1)  # (n+1)(n+2)...(n+2k-1) / (2k)!
    for k, bernoulli in enumerate(BERNOULLI, 1):
        rising = rising * (n + 2 * k - 2) * (n + 2 * k - 1) if k > 1 else Fraction(n + 1)
        rising /= (2 * k - 1) * (2 * k)
        terms.append(float(bernoulli * rising) * x ** -(n + 2.0 * k))
    return -((-1.0) ** n) * math.gamma(n + 1.0) * math.fsum(terms)


def _reflected(n: int, x: float) -> float:
    """polygamma (n = 0: digamma) at x <= 0, from its value at 1 - x."""
    if x == -math.inf:
        return math.nan
    if x == 0.0 and n % 2 == 0:
        return -math.copysign(math.inf, x)
    if x == math.floor(x):  # a pole; of one sign where n is odd, of both where it is even
        return math.inf if n % 2 else math.nan
    cot = 1.0 / math.tan(math.pi * (x - round(x)))
    polynomial = [0.0, 1.0]  # coefficients of d^n/dt^n cot(t), a polynomial in cot(t)
    for _ in range(n):
        slope = [k * c for k, c in enumerate(polynomial)][1:]
        polynomial = [-(a + b) for a, b in zip([*slope, 0.0, 0.0], [0.0, 0.0, *slope], strict=True)]
    at_mirror = polygamma(n, 1.0 - x) if n else digamma(1.0 - x)
    return (-1.0) ** n * at_mirror - math.pi ** (n + 1) * _horner(polynomial, cot)


@cache
def digamma_series() -> list[float]:
    """The coefficients of digamma about its zero, over the distance from it."""
    return [polygamma(k, DIGAMMA_ZERO[0]) / math.factorial(k) for k in range(1, 40)]


@cache
def lgamma_series(zero: float) -> list[float]:
    """The same of lgamma, about 1 or 2."""
    higher = [polygamma(k, zero) / math.factorial(k + 1) for k in range(1, 40)]
    return [digamma(zero), *higher]


def _horner(coefficients: Sequence[float], x: float) -> float:
    total = 0.0
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total
