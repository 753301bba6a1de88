"""Numerical differentiation: slopes of a function from its values alone, each with an error bound.

A difference quotient is too coarse where its step is large and all rounding where it is small, and
the best step depends on a function nobody knows. So a whole ladder of steps is tried, the quotients
are extrapolated to step zero, and the finest rungs that agree among themselves decide: coarser
rungs may have stepped over a bend, finer ones drown in rounding, whose size the caller states.

Everything here works on many functions at once: one row per function, one column per step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

ROUNDING = 2.0**-51  # relative error of one operation: what math and NumPy stay within, with room
TINY = 2.0**-1070  # its absolute error where the result underflows
RATIO = 4.0  # from one step of a ladder to the next
SAFETY = 4.0  # how far beyond its estimate an error may reach
SETTLED = 1e-5  # the relative error at which a rung may speak
FIRST = np.arange(-3, -19, -2)  # steps as powers of two, relative to the point's own size
WIDE = np.arange(7, -47, -2)
SMOOTH, KINK, POOR = "smooth", "kink", "poor"


@dataclass(frozen=True, slots=True)
class Slope:
    """The slope of one function at one point.

    Attributes:
        kind: "smooth", "kink" (two slopes that differ), or "poor" (no slope was found).
        value: the slope from both sides; where poor, the best guess.
        error: a bound of its error, inf where nothing is known.
        left: the slope from the left; NaN where there is none.
        right: the slope from the right.
        flat: no step changed the function at all.
        diverges: the slopes grow without limit, or a side has no value.
    """

    kind: str
    value: float
    error: float
    left: float
    right: float
    flat: bool = False
    diverges: bool = False

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval the slope is known to lie in."""
        if self.kind == KINK:
            return min(self.left, self.right), max(self.left, self.right)
        if self.kind == SMOOTH or self.flat:
            return self.value - SAFETY * self.error, self.value + SAFETY * self.error
        return -inf, inf

    @property
    def sharp(self) -> bool:
        """Whether it is known to about half of all digits."""
        return self.kind == KINK or (self.kind == SMOOTH and self.error <= 1e-9 * abs(self.value))


def better(first: Slope, second: Slope) -> Slope:
    """Of two slopes of one function, found with different steps, the one to rely on."""
    if first.kind == POOR:
        return second if second.kind != POOR else first
    if first.kind != SMOOTH or second.kind != SMOOTH or second.error >= first.error:
        return first
    low, high = first.bounds
    return second if low <= second.value <= high else first


def derivative(f: Callable[[float], float], x: float) -> Slope:
    r"""The slope of a function of one number, from its values.

    $$f'(x) = \lim_{h \to 0} \frac{f(x + h) - f(x - h)}{2h}$$

    Args:
        f: a function from float to float; it has no value where it gives NaN or raises an
            ArithmeticError or a ValueError.
        x: where.

    Returns:
        A `Slope`, with the slope, a bound of its error, and the slopes of either side.

    Source: C. J. F. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Advances in
    Engineering Software 4(2), 1982, doi:10.1016/S0141-1195(82)80057-0; L. F. Richardson, The
    deferred approach to the limit, Phil. Trans. R. Soc. A 226, 1927.

    Examples:
        >>> from wengert.proof.numeric import derivative
        >>> slope = derivative(lambda x: 3 * x**2 - 4 * x + 5, 3.0)
        >>> slope.kind, round(slope.value, 9)
        ('smooth', 14.0)
        >>> corner = derivative(abs, 0.0)
        >>> corner.kind, corner.left, corner.right
        ('kink', -1.0, 1.0)
    """
    points = np.array([x], dtype=float)

    def values(_: Array, at: Array) -> Array:
        return np.array([[number(f, float(each)) for each in at[0]]])

    return slopes(values, points, WIDE)[0]


def number(f: Callable[..., float], *args: float) -> float:
    """What f gives, NaN where Python's arithmetic raises."""
    try:
        return float(f(*args))
    except (ArithmeticError, ValueError):
        return nan


def slopes(
    values: Callable[[Array, Array], Array],
    points: Array,
    exponents: Array,
    rounding: Array | float = 0.0,
    scales: Array | None = None,
) -> list[Slope]:
    """The slopes of n functions, each at its own point.

    Args:
        values: from the indices (n,) of the functions and their arguments (n, lanes) to their
            values (n, lanes). The first lane is the point itself.
        points: the points, (n,).
        exponents: the ladder: steps as powers of two, descending by two.
        rounding: absolute error of the values, (n,), beyond that of their last operation.
        scales: what the steps are relative to, (n,); the sizes of the points by default.

    Returns:
        One Slope for each function.
    """
    with np.errstate(all="ignore"):
        steps, beyond = _steps(points if scales is None else scales, exponents)
        above, below = points[:, None] + steps, points[:, None] - steps
        lanes = np.concatenate([points[:, None], above, below], axis=1)
        f = values(np.arange(len(points)), lanes)
        count = len(exponents)
        middle, upper, lower = f[:, :1], f[:, 1 : count + 1], f[:, count + 1 :]
        up, down = above - points[:, None], points[:, None] - below
        extent = np.maximum(np.abs(upper), np.abs(lower))
        extent = np.abs(middle) + np.where(np.isfinite(extent), extent, 0.0)
        absolute = np.reshape(rounding, (-1, 1)) + ROUNDING * extent + TINY
        relative = ROUNDING * np.abs(points)[:, None]
        sides = (upper - middle) / up, (middle - lower) / down
        noise = (absolute + relative * np.maximum(np.abs(sides[0]), np.abs(sides[1]))) / up
        noise = np.where(np.isfinite(noise), noise, absolute / up)
        noise = np.where(beyond, inf, noise)  # steps that are equal agree, and prove nothing
        size = _size(sides, noise)
        central = _limit((upper - lower) / (up + down), noise, size, up, 2)
        right, left = (_limit(side, noise, size, up, 1) for side in sides)
        same = np.all((f == middle) | ((f != f) & (middle != middle)), axis=1)
        kinked = _differ(left, right)
    finite = np.isfinite(middle[:, 0]) & np.isfinite(points)
    return [
        _slope(k, central, left, right, bool(kinked[k]), bool(same[k]), bool(finite[k]))
        for k in range(len(points))
    ]


@dataclass(frozen=True, slots=True)
class _Limits:
    """Limits of difference quotients: value, error, whether it settled, whether it diverges."""

    value: Array
    error: Array
    settled: Array
    diverges: Array


def _steps(sizes: Array, exponents: Array) -> tuple[Array, Array]:
    """The steps, and which of them stand for others that no float is small or large enough for."""
    _, size = np.frexp(np.where(np.isfinite(sizes) & (sizes != 0.0), sizes, 1.0))
    wanted = size[:, None] + exponents
    given = np.clip(wanted, -1070, 1022)
    return np.ldexp(1.0, given), wanted != given


def _size(sides: tuple[Array, Array], noise: Array) -> Array:
    """How large the slopes of this and of all coarser steps are, rounding apart."""
    size = np.zeros(noise.shape)
    for quotients in sides:
        known = np.isfinite(quotients) & (np.abs(quotients) > 8.0 * noise)
        size = np.maximum(size, np.where(known, np.abs(quotients), 0.0))
    return np.asarray(np.maximum.accumulate(size, axis=1))


def _limit(quotients: Array, noise: Array, size: Array, steps: Array, order: int) -> _Limits:
    """Where the quotients tend to as the steps shrink; their error has the powers h**(order k)."""
    value, error = _extrapolated(quotients, noise, order)
    settled = error <= SETTLED * np.maximum(np.abs(value), size)
    chosen, bound, finest = _finest_that_agree(value, error, settled)
    excess = _excess(quotients, noise, steps, chosen, bound, finest)
    enough = np.maximum(np.abs(chosen), size[np.arange(len(size)), finest])
    found = (finest >= 0) & (excess <= SETTLED * enough)
    bound = bound + 2.0 * excess
    return _Limits(chosen, bound, found, _diverging(quotients, noise))


def _extrapolated(quotients: Array, noise: Array, order: int) -> tuple[Array, Array]:
    """For each step, the best extrapolation from it and coarser ones, and a bound of its error."""
    value = np.full(quotients.shape, nan)
    error = np.full(quotients.shape, inf)
    column = quotients
    for m in range(1, min(quotients.shape[1], 7)):
        finer, coarser = column[:, 1:], column[:, :-1]
        column = finer + (finer - coarser) / (RATIO ** (order * m) - 1.0)
        estimate = np.maximum(np.abs(column - finer), np.abs(column - coarser))
        estimate = estimate + 2.0 * noise[:, m:]
        better = estimate < error[:, m:]
        value[:, m:] = np.where(better, column, value[:, m:])
        error[:, m:] = np.where(better, estimate, error[:, m:])
    return value, error


def _finest_that_agree(value: Array, error: Array, settled: Array) -> tuple[Array, Array, Array]:
    """The best of the run of settled steps, from the finest on, whose error intervals overlap.

    Returns value, error, and the index of the finest settled step, -1 where none is.
    """
    rows = np.arange(len(value))
    guess = np.argmin(error, axis=1)
    chosen, bound = value[rows, guess], error[rows, guess]
    finest = np.full(len(value), -1)
    stopped = np.zeros(len(value), dtype=bool)
    low, high = np.full(len(value), -inf), np.full(len(value), inf)
    for k in reversed(range(value.shape[1])):
        v, e = value[:, k], error[:, k]
        agrees = settled[:, k] & (v - e <= high) & (v + e >= low) & ~stopped
        started = finest >= 0
        better = agrees & (~started | (e < bound))
        chosen, bound = np.where(better, v, chosen), np.where(better, e, bound)
        low = np.where(agrees, np.maximum(low, v - e), low)
        high = np.where(agrees, np.minimum(high, v + e), high)
        stopped |= started & ~agrees
        finest = np.where(agrees & ~started, k, finest)
    return chosen, bound, finest


def _excess(
    quotients: Array, noise: Array, steps: Array, value: Array, error: Array, finest: Array
) -> Array:
    """What the steps finer than the finest settled one add to its error, beyond known rounding.

    Rounding that nobody knows of is as large at all steps, so its part in a quotient grows as the
    step shrinks; a bend or a jump that was stepped over contributes more than that explains.
    """
    rows = np.arange(len(value))
    there = np.abs(quotients[rows, finest] - value)
    off = np.abs(quotients - value[:, None])
    allowed = (2.0 * there + error)[:, None] + 4.0 * noise
    off = np.where(np.isnan(off), inf, np.where(off <= allowed, 0.0, off))
    finer = (np.arange(quotients.shape[1]) > finest[:, None]) & np.isfinite(noise)
    amplitude = np.max(np.where(finer, off * steps, 0.0), axis=1)
    return np.asarray(amplitude / steps[rows, finest])


def _diverging(quotients: Array, noise: Array) -> Array:
    """Whether a side has no value, or its last six resolved quotients grow at each step."""
    absent = ~np.any(np.isfinite(quotients), axis=1)
    resolved = np.isfinite(quotients) & (noise < 0.01 * np.abs(quotients))
    size = np.abs(quotients)
    grows = np.zeros(size.shape, dtype=bool)
    grows[:, 1:] = resolved[:, 1:] & resolved[:, :-1] & (size[:, 1:] > 1.3 * size[:, :-1])
    run = np.zeros(len(size), dtype=int)
    last = np.zeros(len(size), dtype=int)
    for k in range(size.shape[1]):
        run = np.where(grows[:, k], run + 1, 0)
        last = np.where(resolved[:, k], run, last)
    return np.asarray(absent | (last >= 5))


def _differ(left: _Limits, right: _Limits) -> Array:
    """Whether both sides have a slope and the two are not the same."""
    size = np.maximum(np.abs(left.value), np.abs(right.value))
    apart = np.abs(left.value - right.value)
    both = left.settled & right.settled
    return np.asarray(both & (apart > 8.0 * (left.error + right.error) + 1e-4 * size))


def _slope(
    k: int, central: _Limits, left: _Limits, right: _Limits, kinked: bool, same: bool, finite: bool
) -> Slope:
    sides = (
        float(left.value[k]) if left.settled[k] else nan,
        float(right.value[k]) if right.settled[k] else nan,
    )
    value, error = float(central.value[k]), float(central.error[k])
    if same:
        return Slope(POOR, 0.0, error if np.isfinite(error) else 0.0, 0.0, 0.0, flat=True)
    if not finite:
        return Slope(POOR, nan, inf, *sides, diverges=True)
    if kinked:
        return Slope(KINK, value, error, *sides)
    if central.settled[k] and left.settled[k] and right.settled[k]:
        return Slope(SMOOTH, value, error, *sides)
    diverges = bool(central.diverges[k] | left.diverges[k] | right.diverges[k])
    return Slope(POOR, value, inf, *sides, diverges=diverges)
