"""Powers and roots on lanes: pow, cbrt and hypot."""

from __future__ import annotations

from wengert.run import coefficients
from wengert.run.building_blocks import polynomial, product_of, sum_of_larger
from wengert.run.exponentials import (
    INF,
    LN2_REST,
    LN2_SHORT,
    NAN,
    SHIFT,
    SMALLEST,
    TWO_THIRDS_LOW,
    exponential,
    halves,
    power_of_two,
    split,
)
from wengert.run.lanes import Lanes


def _accurate_log(x: Lanes) -> tuple[Lanes, Lanes]:
    """log(x) of a positive x as two doubles, right to some 66 bits.

    2·artanh(s) = 2s + s·z·(2/3 + z·(...)) with s, its square and 2/3 as two doubles each.
    """
    _, k, f = split(x)
    below, below_low = sum_of_larger(f.block.constant(2.0), f)
    s = f / below
    s_low = (s.fma(-below, f) - s * below_low) / below
    z, z_low = product_of(s, s)
    z_low = s.fma(s_low * 2.0, z_low)
    w, w_low = product_of(z, 2 / 3)
    w_low = z.fma(TWO_THIRDS_LOW, z_low.fma(2 / 3, w_low))
    g, g_low = sum_of_larger(w, z * z * polynomial(z, coefficients.LOG_TAIL))
    p, p_low = product_of(s, g)
    p_low = s.fma(g_low + w_low, s_low.fma(g, p_low))
    high, low = sum_of_larger(s * 2.0, p)
    top, top_low = sum_of_larger(k * LN2_SHORT, high)
    return sum_of_larger(top, top_low + (low + k.fma(LN2_REST, s_low.fma(2.0, p_low))))


def pow(x: Lanes, y: Lanes) -> Lanes:
    """|x|^y = exp(y·log|x|), negative where x is and y is odd."""
    size = abs(x)
    high, low = _accurate_log(size)
    regular = (size > 0.0) & (size < INF)
    high = regular.select(high, size.equals(0.0).select(-INF, size))  # log of 0, inf and NaN
    low = regular.select(low, 0.0)
    bounded = y.at_most(1e300).at_least(-1e300)  # an infinite y times log 1 is 0
    product, product_low = product_of(bounded, high)
    moderate = abs(product) < 800.0
    product_low = moderate.select(bounded.fma(low, product_low), 0.0)
    shifted, e, t = exponential(product.at_most(800.0).at_least(-800.0), product_low)
    first, second = halves(shifted)
    power = (e + t).fma(first, first) * second

    half = y * 0.5
    whole = y.floor().equals(y)
    odd = whole & half.floor().differs(half)
    power = odd.select(power.copysign(x), power)
    power = ((x < 0.0) & (x > -INF) & ~whole).select(NAN, power)
    return (y.equals(0.0) | x.equals(1.0)).select(1.0, power)


def cbrt(x: Lanes) -> Lanes:
    """2^q·m·(1/∛m)², where x = 2^3q·m; 1/∛m by a polynomial and two steps of third order."""
    size = abs(x)
    tiny = size < SMALLEST
    scaled = tiny.select(size * 2.0**54, size)
    exponent = (scaled.bits() >> 52).to_doubles() - 1023.0
    shifted = exponent.fma(1 / 3, SHIFT)  # rounded, so m is from 1/2 to 4
    q = shifted - SHIFT
    m = scaled * power_of_two(SHIFT - q) * power_of_two(SHIFT - q) * power_of_two(SHIFT - q)
    r = polynomial(m, coefficients.INVERSE_CUBE_ROOT)
    for _ in range(2):
        error = 1.0 - m * (r * r * r)
        r = (r * error).fma(error.fma(2 / 9, 1 / 3), r)
    root = m * (r * r)
    square, low = product_of(root, root)
    excess = square.fma(root, -m) + low * root
    root = (excess * (r * r)).fma(-1 / 3, root)
    root = root * power_of_two(shifted) * tiny.select(2.0**-18, 1.0)
    regular = (size > 0.0) & (size < INF)
    return regular.select(root, size).copysign(x)


def hypot(x: Lanes, y: Lanes) -> Lanes:
    """sqrt(x² + y²), scaled by a power of two where squares would overflow or vanish."""
    x, y = abs(x), abs(y)
    swap = x < y
    large, small = swap.select(y, x), swap.select(x, y)
    huge, slight = large > 2.0**500, large < 2.0**-450
    scale = huge.select(2.0**-600, slight.select(2.0**600, 1.0))
    back = huge.select(2.0**600, slight.select(2.0**-600, 1.0))
    large, small = large * scale, small * scale
    root = large.fma(large, small * small).sqrt() * back
    return (x.equals(INF) | y.equals(INF)).select(INF, root)
