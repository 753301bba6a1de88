"""Trigonometric functions and their inverses on lanes."""

from __future__ import annotations

import math

from wengert.run import coefficients
from wengert.run.building_blocks import polynomial, product_of, sum_of, sum_of_larger
from wengert.run.exponentials import INF
from wengert.run.lanes import Integers, Lanes, Mask

SHIFT = 1.5 * 2.0**52  # x + SHIFT holds the integer nearest to x in its lowest bits
# π/2, each what those before it lack.
HALF_PI = float.fromhex("0x1.921fb54442d18p+0")
HALF_PI_LOW = float.fromhex("0x1.1a62633145c07p-54")
HALF_PI_LOWEST = float.fromhex("-0x1.f1976b7ed8fbcp-110")
LARGE = 2.0**30  # beyond, the C library reduces angles, with as many digits of π as that takes
SIGN = -(1 << 63)
TAN_EIGHTH = 2.0**0.5 - 1.0  # tan(π/8)
LARGEST = math.nextafter(INF, 0.0)


# --- sine, cosine, tangent ------------------------------------------------------------------------


def _quarter_turns(x: Lanes) -> tuple[Integers, Lanes, Lanes]:
    """n, in the lowest bits, and r as two doubles, with x = n·π/2 + r, |r| <= π/4.

    The first fused step is exact: n·HALF_PI and x agree in so many bits. The second product is
    taken with its rounding error, so that r is right where x is near a multiple of π/2.
    Source: Cody and Waite, Software Manual for the Elementary Functions, 1980.
    """
    shifted = x.fma(2 / math.pi, SHIFT)
    n = shifted - SHIFT
    first = n.fma(-HALF_PI, x)
    product, lost = product_of(n, HALF_PI_LOW)
    r = first - product
    low = ((first - r) - product) - lost
    return shifted.bits(), r, n.fma(-HALF_PI_LOWEST, low)


def _sine_parts(r: Lanes, low: Lanes, z: Lanes) -> tuple[Lanes, Lanes]:
    return r, (r * z).fma(polynomial(z, coefficients.SIN), low)


def _cosine_parts(r: Lanes, low: Lanes, z: Lanes) -> tuple[Lanes, Lanes]:
    top = z.fma(-0.5, 1.0)
    tail = (z * z).fma(polynomial(z, coefficients.COS), -(r * low))
    return top, z.fma(-0.5, 1.0 - top) + tail


def _sine(r: Lanes, low: Lanes, z: Lanes) -> Lanes:
    top, tail = _sine_parts(r, low, z)
    return top + tail


def _cosine(r: Lanes, low: Lanes, z: Lanes) -> Lanes:
    top, tail = _cosine_parts(r, low, z)
    return top + tail


def _odd(n: Integers) -> Mask:
    return (n & 1).differs(0)


def _turned(y: Lanes, n: Integers) -> Lanes:
    """y with its sign changed where bit 1 of n is set."""
    return (y.bits() ^ ((n << 62) & SIGN)).as_doubles()


def _turned_with(x: Lanes, y: Lanes, n: Integers) -> Lanes:
    """The same of an odd function whose value at |x| is y."""
    return (y.bits() ^ (((n << 62) ^ x.bits()) & SIGN)).as_doubles()


def _by_library(name: str, x: Lanes, usual: Lanes) -> Lanes:
    """`usual`, but the C library's function where x is large."""
    return x.block.rarely(abs(x) > LARGE, usual, lambda: scalars(name, x))


def scalars(name: str, *operands: Lanes) -> Lanes:
    """The C library's function, lane by lane."""
    block = operands[0].block
    return block.call(f"wengert.scalars.{name}.{block.lanes}", *operands)


def sin_cos(x: Lanes) -> tuple[Lanes, Lanes]:
    """Sine and cosine together: what they share is written once. Their bits are the same."""
    n, r, low = _quarter_turns(abs(x))
    z = r * r
    sine, cosine, swap = _sine(r, low, z), _cosine(r, low, z), _odd(n)
    sin = _turned_with(x, swap.select(cosine, sine), n)
    cos = _turned(swap.select(sine, cosine), n + 1)
    return _by_library("sin", x, sin), _by_library("cos", x, cos)


def sin(x: Lanes) -> Lanes:
    """± the sine or the cosine of r."""
    n, r, low = _quarter_turns(abs(x))
    z = r * r
    y = _odd(n).select(_cosine(r, low, z), _sine(r, low, z))
    return _by_library("sin", x, _turned_with(x, y, n))


def cos(x: Lanes) -> Lanes:
    """± the cosine or the sine of r."""
    n, r, low = _quarter_turns(abs(x))
    z = r * r
    y = _turned(_odd(n).select(_sine(r, low, z), _cosine(r, low, z)), n + 1)
    return _by_library("cos", x, y)


def tan(x: Lanes) -> Lanes:
    """sin(r)/cos(r), or -cos(r)/sin(r) after an odd number of quarter turns."""
    n, r, low = _quarter_turns(x)
    z, swap = r * r, _odd(n)
    sine, sine_low = sum_of_larger(*_sine_parts(r, low, z))
    cosine, cosine_low = sum_of_larger(*_cosine_parts(r, low, z))
    above, above_low = swap.select(-cosine, sine), swap.select(-cosine_low, sine_low)
    below, below_low = swap.select(sine, cosine), swap.select(sine_low, cosine_low)
    inverse = 1.0 / below
    y = above * inverse
    y = ((y.fma(-below, above) + above_low) - y * below_low).fma(inverse, y)
    return _by_library("tan", x, x.equals(0.0).select(x, y))


# --- inverses -------------------------------------------------------------------------------------


def _half_angle(size: Lanes) -> tuple[Mask, Lanes, Lanes]:
    """Where |x| > 1/2; t, which is |x| or sin(acos(|x|)/2); and asin(t) - t."""
    steep = size > 0.5
    half = (1.0 - size) * 0.5
    t = steep.select(half.sqrt(), size)
    z = steep.select(half, size * size)
    return steep, t, t * z * polynomial(z, coefficients.ASIN)


def asin(x: Lanes) -> Lanes:
    """|x| up to 1/2: by a polynomial; beyond, π/2 - 2·asin(t) with t = sqrt((1 - |x|)/2)."""
    steep, t, tail = _half_angle(abs(x))
    far = HALF_PI - 2.0 * (t + (tail - HALF_PI_LOW * 0.5))
    return steep.select(far, t + tail).copysign(x)


def acos(x: Lanes) -> Lanes:
    """π/2 - asin(x), or twice asin(t), from π where x is negative."""
    steep, t, tail = _half_angle(abs(x))
    negative = x < 0.0
    angle = 2.0 * (t + tail)
    far = negative.select(2.0 * HALF_PI - (angle - 2.0 * HALF_PI_LOW), angle)
    near = HALF_PI - (t.copysign(x) + (tail.copysign(x) - HALF_PI_LOW))
    return steep.select(far, near)


def _angle(a: Lanes, b: Lanes, mirrored: Mask | None = None) -> Lanes:
    """The angle of the point (b, a), neither negative; where mirrored, that of (-b, a).

    a/b, (a - b)/(a + b) or -b/a is the tangent of an angle below π/8, from 0, π/4 or π/2. The
    quotient is taken with its rounding error, and that of its terms.
    """
    flat, steep = a <= b * TAN_EIGHTH, b < a * TAN_EIGHTH
    slanting = ~(flat | steep)
    difference, lost_above = sum_of(steep.select(-b, a), slanting.select(-b, 0.0))
    total, lost_below = sum_of(steep.select(a, b), slanting.select(a, 0.0))
    inverse = 1.0 / total.equals(0.0).select(1.0, total)
    t = difference * inverse
    t_low = (t.fma(-total, difference) + (lost_above - t * lost_below)) * inverse
    z = t * t
    tail = (t * z).fma(polynomial(z, coefficients.ATAN), t_low)
    eighths = flat.select(0.0, steep.select(2.0, 1.0))
    if mirrored is not None:
        eighths = mirrored.select(4.0 - eighths, eighths)
        t, tail = mirrored.select(-t, t), mirrored.select(-tail, tail)
    return eighths.fma(HALF_PI * 0.5, t + eighths.fma(HALF_PI_LOW * 0.5, tail))


def atan(x: Lanes) -> Lanes:
    """The angle of the point (1, |x|), with the sign of x."""
    return _angle(abs(x).at_most(2.0**100), x.block.constant(1.0)).copysign(x)


def atan2(y: Lanes, x: Lanes) -> Lanes:
    """The angle of the point (|x|, |y|), in the quadrant of (x, y)."""
    a, b = abs(y), abs(x)
    vast, wide = a.equals(INF), b.equals(INF)
    a, b = (wide & ~vast).select(0.0, a), (vast & ~wide).select(0.0, b)
    a, b = a.at_most(LARGEST), b.at_most(LARGEST)
    largest = (a < b).select(b, a)
    scale = (largest > 2.0**1000).select(2.0**-30, (largest < 2.0**-900).select(2.0**100, 1.0))
    angle = _angle(a * scale, b * scale, x.bits() < 0).copysign(y)
    return x.is_nan().select(x, y.is_nan().select(y, angle))
