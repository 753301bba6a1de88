"""The error function and its complement on lanes."""

from __future__ import annotations

from wengert.run import coefficients
from wengert.run.building_blocks import polynomial, product_of, sum_of
from wengert.run.exponentials import exponential, halves
from wengert.run.lanes import Lanes

ERF_CENTRE = 0.8546971086835806  # erf(x)/x is 7/8 to 2^-55 where x² is this
ERFC_CENTRE = 2.6851011036012746  # and 2x·exp(x²)·erfc(x) is 17/16 where x is this


SPLIT = 1.46875


def _near(x: Lanes) -> Lanes:
    """erf(x) for |x| < SPLIT: 7/8·x + x·w·P(w), where w = x² - ERF_CENTRE."""
    w = x.fma(x, -ERF_CENTRE)
    xw = x * w
    bend = polynomial(w, coefficients.ERF[2:]).fma(w, coefficients.ERF[1])
    return x.fma(0.875, xw.fma(coefficients.ERF[0], xw * (w * bend)))


def erf(x: Lanes) -> Lanes:
    """Near 0 a polynomial; beyond, 1 less the eighth power of a polynomial, without any exp."""
    size = abs(x)
    u = size.at_most(6.0) - 3.75
    root = polynomial(u, coefficients.ERF_TAIL[1:]).fma(u, coefficients.ERF_TAIL[0])
    fourth = (root * root) * (root * root)
    far = fourth.fma(-fourth, 1.0).copysign(x)
    return (size < SPLIT).select(_near(x), far)


def erfc(x: Lanes) -> Lanes:
    """exp(-x²)·(17/16 + t·P(t))/(|x| + c), t = (|x| - c)/(|x| + c); from 2 where x < 0.

    Source: Shepherd and Laframboise, Mathematics of Computation 36 (1981), who use such a t.
    """
    size = abs(x).at_most(27.5)
    square, low = product_of(size, size)
    shifted, e, t = exponential(-square, -low)
    below, lost_below = sum_of(size, ERFC_CENTRE)
    above, lost_above = sum_of(size, -ERFC_CENTRE)
    inverse = 1.0 / below
    inverse_low = inverse * (inverse.fma(-below, 1.0) - inverse * lost_below)
    quotient = above * inverse
    quotient_low = ((lost_above - quotient * lost_below) + quotient.fma(-below, above)) * inverse
    slope = polynomial(quotient, coefficients.ERFC_TAIL[3:])
    for coefficient in coefficients.ERFC_TAIL[2::-1]:
        slope = slope.fma(quotient, coefficient)
    product, product_low = product_of(quotient, slope)
    value, value_low = sum_of(product, 1.0625)
    value_low = value_low + quotient_low.fma(slope, product_low)
    factor, factor_low = product_of(inverse, value)
    factor_low = inverse.fma(value_low, inverse_low.fma(value, factor_low))
    first, second = halves(shifted)
    far = (factor + factor.fma(e, factor.fma(t, factor_low))) * first * second
    far = (x < 0.0).select(2.0 - far, far)
    return (abs(x) < 0.5).select(1.0 - _near(x), far)
