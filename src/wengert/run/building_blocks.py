"""What formulas on lanes are made of: polynomials, and sums and products with what rounding loses.

A sum or product and its rounding error are exact together, unless the result overflows.

Source: Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed., chapter 4: sums by Dekker
(1971) and Knuth (1969), products by one fused multiply-add.
"""

from __future__ import annotations

from collections.abc import Sequence

from wengert.run.lanes import Lanes

Number = Lanes | float


def sum_of_larger(large: Lanes, small: Lanes) -> tuple[Lanes, Lanes]:
    """large + small and its rounding error, where `large` is the larger one, or is 0."""
    total = large + small
    return total, (large - total) + small


def sum_of(x: Lanes, y: Lanes | float) -> tuple[Lanes, Lanes]:
    """x + y and its rounding error."""
    total = x + y
    of_y = total - x
    return total, (x - (total - of_y)) + (y - of_y)


def product_of(x: Lanes, y: Number) -> tuple[Lanes, Lanes]:
    """x·y and its rounding error."""
    product = x * y
    return product, x.fma(y, -product)


def polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    """c0 + c1·x + c2·x² + ..., in pairs, pairs of pairs and so on: few steps wait for others.

    Source: G. Estrin, Organization of computer systems, 1960; Muller, Elementary Functions, 3rd
    ed., section 5.1.
    """
    terms: list[Number] = list(coefficients)
    power = x
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        odd = terms[len(terms) // 2 * 2 :]
        terms = [*(power.fma(b, a) for a, b in pairs), *odd]
        power = power * power if len(terms) > 1 else power
    assert isinstance(terms[0], Lanes)
    return terms[0]
