"""Exponentials, logarithms, powers and hyperbolic functions on lanes.

Each reduces its operand to a small one by an identity of the function, puts a polynomial
(`coefficients.py`) there, and undoes the identity. What is added last is known to more than a
double holds, so that the last rounding is nearly the only one.
"""

from __future__ import annotations

import math

from wengert.run import coefficients
from wengert.run.building_blocks import Number, polynomial, product_of, sum_of, sum_of_larger
from wengert.run.lanes import Integers, Lanes

INF, NAN = math.inf, math.nan
# k + SHIFT holds k in its lowest bits, with twice what exponents are stored with: see `halves`.
SHIFT = 1.5 * 2.0**52 + 2046.0
SMALLEST = 2.0**-1022  # of the normal numbers
MANTISSA = (1 << 52) - 1
ONE_BITS = 0x3FF0000000000000
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD

LOG2_E = float.fromhex("0x1.71547652b82fep+0")
LOG2_E_LOW = float.fromhex("0x1.777d0ffda0d24p-56")
LOG10_E = float.fromhex("0x1.bcb7b1526e50ep-2")
LOG10_E_LOW = float.fromhex("0x1.95355baaafad3p-57")
LN2, LN2_LOW = float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56")
# These have so few bits that their products with any exponent are exact.
LN2_SHORT, LN2_REST = float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.ef35793c7673p-45")
LOG10_2_SHORT = float.fromhex("0x1.34413509f78p-2")
LOG10_2_REST = float.fromhex("0x1.fef311f12b358p-46")
TWO_THIRDS_LOW = float.fromhex("0x1.5555555555555p-55")


# --- exponentials ---------------------------------------------------------------------------------


def exponential(x: Lanes, low: Number = 0.0) -> tuple[Lanes, Lanes, Lanes]:
    """k + SHIFT, e and a small t with exp(x + low) = 2^k·(1 + e + t), for |x| < 2^10.

    x - k·ln 2 is exact in one fused step with ln 2 as a double; what that lacks is in t.
    Source: Cody and Waite, Software Manual for the Elementary Functions, 1980.
    """
    shifted = x.fma(LOG2_E, SHIFT)
    k = shifted - SHIFT
    e = k.fma(-LN2, x)
    rest = k * -LN2_LOW
    if isinstance(low, Lanes):
        rest = rest + low
    r = e + rest
    return shifted, e, (r * r).fma(polynomial(r, coefficients.EXP), rest)


def power_of_two(shifted: Lanes) -> Lanes:
    """2^k of k + SHIFT, for k from -1022 to 1023."""
    return ((shifted.bits() - 1023) << 52).as_doubles()


def halves(shifted: Lanes) -> tuple[Lanes, Lanes]:
    """Two factors whose product is 2^k, which may be subnormal or overflow; of k + SHIFT."""
    half = (shifted - SHIFT).fma(0.5, SHIFT - 1023.0).bits()
    return (half << 52).as_doubles(), ((shifted.bits() - half) << 52).as_doubles()


def exp(x: Lanes) -> Lanes:
    """e^x = 2^k·e^r."""
    shifted, e, t = exponential(x.at_most(710.0).at_least(-746.0))
    first, second = halves(shifted)
    return (e + t).fma(first, first) * second


def exp2(x: Lanes) -> Lanes:
    """2^x = 2^k·2^r, where x = k + r."""
    x = x.at_most(1025.0).at_least(-1076.0)
    shifted = x + SHIFT
    r = x - (shifted - SHIFT)
    tail = (r * r).fma(polynomial(r, coefficients.EXP2), r * LN2_LOW)
    first, second = halves(shifted)
    return r.fma(LN2, tail).fma(first, first) * second


def expm1(x: Lanes) -> Lanes:
    """e^x - 1 = 2^k·((1 - 2^-k) + e^r - 1)."""
    shifted, e, t = exponential(x.at_most(710.0).at_least(-40.0))
    inverse = power_of_two(SHIFT - (shifted - SHIFT).at_most(1000.0))
    top, low = sum_of_larger(1.0 - inverse, e)
    first, second = halves(shifted)
    return ((top + (low + t)) * first * second).copysign(x)


def sigmoid(x: Lanes) -> Lanes:
    """1/(1 + e^-x), from the exponential that does not overflow."""
    small = exp(-abs(x))
    below, lost = sum_of_larger(x.block.constant(1.0), small)
    y = (x < 0.0).select(small, 1.0) / below
    return y - (y * lost) * small.fma(-0.5, 1.0)  # for 1/(1 + small), which need not be accurate


# --- hyperbolic functions -------------------------------------------------------------------------


def tanh(x: Lanes) -> Lanes:
    """1 - 2/(e^2x + 1), and near 0 a polynomial."""
    size = abs(x)
    shifted, e, t = exponential((size * 2.0).at_most(80.0))
    inverse = power_of_two(SHIFT - (shifted - SHIFT))
    far = 1.0 - (inverse * 2.0) / ((1.0 + inverse) + (e + t))
    z = x * x
    near = (size * z).fma(polynomial(z, coefficients.TANH), size)
    return (size < 0.55).select(near, far).copysign(x)


def _hyperbolic(x: Lanes) -> tuple[Lanes, Lanes, Lanes, Lanes, Lanes, tuple[Lanes, Lanes]]:
    """a, b, c, e, t and 2^k/2, with c = cosh(r) - 1 and sinh(r) = e + t.

    cosh|x| = 2^k/2·(b·(1 + c) + a·(e + t)) and sinh|x| = 2^k/2·(a·(1 + c) + b·(e + t)).
    """
    size = abs(x).at_most(711.0)
    shifted = size.fma(LOG2_E, SHIFT)
    k = shifted - SHIFT
    e = k.fma(-LN2, size)
    rest = k * -LN2_LOW
    r = e + rest
    z = r * r
    t = (r * z).fma(polynomial(z, coefficients.SINH), rest)
    c = (z * z).fma(polynomial(z, coefficients.COSH), z * 0.5)
    inverse = power_of_two(SHIFT - k.at_most(300.0) * 2.0)
    return 1.0 - inverse, 1.0 + inverse, c, e, t, halves(shifted - 1.0)


def sinh(x: Lanes) -> Lanes:
    """(e^x - e^-x)/2, by the sinh and cosh of r."""
    a, b, c, e, t, (first, second) = _hyperbolic(x)
    top = b.fma(e, a)
    low = b.fma(e, a - top)
    return ((top + (low + a.fma(c, b * t))) * first * second).copysign(x)


def cosh(x: Lanes) -> Lanes:
    """(e^x + e^-x)/2, by the sinh and cosh of r."""
    a, b, c, e, t, (first, second) = _hyperbolic(x)
    return (b + a.fma(e, b.fma(c, a * t))) * first * second


# --- logarithms -----------------------------------------------------------------------------------


def split(x: Lanes) -> tuple[Integers, Lanes, Lanes]:
    """k, k again and f with x = 2^k·(1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for a positive x."""
    tiny = x < SMALLEST
    bits = tiny.select(x * 2.0**54, x).bits() - SQRT_HALF_BITS
    k = (bits >> 52) + tiny.select(x.block.whole(-54), 0)
    return k, k.to_doubles(), ((bits & MANTISSA) + SQRT_HALF_BITS).as_doubles() - 1.0


def _logarithm(f: Lanes) -> tuple[Lanes, Lanes]:
    """h and a small t with log(1 + f) = f - (h - t).

    With s = f/(2 + f) and h = f²/2, it is 2·artanh(s) = f - h + s·(h + ...), and h is small.
    """
    s = f / (f + 2.0)
    h = f * (f * 0.5)
    z = s * s
    return h, s * z.fma(polynomial(z, coefficients.LOG), h)


def _on_domain(x: Lanes, y: Lanes) -> Lanes:
    """A logarithm y of x, with its values where x is no positive finite number."""
    y = (x < INF).select(y, x)  # inf and NaN
    y = x.equals(0.0).select(-INF, y)
    return (x < 0.0).select(NAN, y)


def log(x: Lanes) -> Lanes:
    """Natural logarithm: k·ln 2 and the logarithm of 1 + f."""
    _, k, f = split(x)
    h, t = _logarithm(f)
    top = k.fma(LN2_SHORT, f)
    low = k.fma(LN2_SHORT, -top) + f
    return _on_domain(x, top - (h - (k.fma(LN2_REST, t) + low)))


def log1p(x: Lanes) -> Lanes:
    """log(1 + x): of the sum as it is rounded, and its rounding error over it."""
    return _log1p(x, x.block.constant(0.0))


def _log1p(x: Lanes, x_low: Lanes) -> Lanes:
    total, lost = sum_of(x, 1.0)
    exponent, k, f = split(total)
    scale = (ONE_BITS - (exponent.at_most(1000) << 52)).as_doubles()
    near = k.equals(0.0)
    f, lost = near.select(x, f), near.select(x_low, (lost + x_low) * scale)
    h, t = _logarithm(f)
    top = k.fma(LN2_SHORT, f)
    low = k.fma(LN2_SHORT, -top) + f
    low = low + lost * f.fma(f - 1.0, 1.0)  # lost/(1 + f), which need not be accurate
    return _on_domain(total, top - (h - (k.fma(LN2_REST, t) + low))).copysign(x)


def _to_base(x: Lanes, factor: float, factor_low: float, two: float, two_low: float) -> Lanes:
    """k·two + factor·log(1 + f), where `two` is the logarithm of 2 in that base."""
    _, k, f = split(x)
    h, t = _logarithm(f)
    high, low = sum_of_larger(f, -h)
    product, rest = product_of(high, factor)
    rest = (low + t).fma(factor, high.fma(factor_low, rest))
    top, low = sum_of_larger(k * two, product)
    return _on_domain(x, top + (low + k.fma(two_low, rest)))


def log2(x: Lanes) -> Lanes:
    """Logarithm to base 2."""
    return _to_base(x, LOG2_E, LOG2_E_LOW, 1.0, 0.0)


def log10(x: Lanes) -> Lanes:
    """Logarithm to base 10."""
    return _to_base(x, LOG10_E, LOG10_E_LOW, LOG10_2_SHORT, LOG10_2_REST)


def asinh(x: Lanes) -> Lanes:
    """log1p(|x| + x²/(1 + sqrt(x² + 1))); where x² + 1 is x², log(2|x|)."""
    size = abs(x)
    large = size > 2.0**100
    small = large.select(0.0, size)
    square = small * small
    inner, low = sum_of_larger(small, square / ((square + 1.0).sqrt() + 1.0))
    y = _log1p(large.select(size, inner), low)
    return large.select(y + LN2, y).copysign(x)


def acosh(x: Lanes) -> Lanes:
    """log1p(u + sqrt(u·(u + 2))), where u = x - 1; where x² - 1 is x², log(2x)."""
    large = x > 2.0**100
    u = large.select(0.0, x - 1.0)
    inner, low = sum_of_larger((u * (u + 2.0)).sqrt(), u)
    y = _log1p(large.select(x, inner), low)
    return (x < 1.0).select(NAN, large.select(y + LN2, y))


def atanh(x: Lanes) -> Lanes:
    """log1p(2x/(1 - x))/2."""
    size = abs(x)
    below = 1.0 - size
    lost = (1.0 - below) - size
    inverse = 1.0 / below
    ratio = (size + size) * inverse
    ratio_low = (ratio.fma(-below, size + size) - ratio * lost) * inverse
    y = _log1p(ratio, ratio_low) * 0.5
    return (size > 1.0).select(NAN, y).copysign(x)
