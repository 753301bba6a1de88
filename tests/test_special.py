"""Special functions beyond the table's domains: negative operands, high orders, IEEE corners."""

import math
from math import inf, nan

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oracle import mp, ulps
from wengert import special

MODERATE = st.floats(-1e150, 1e150)


def agrees(got: float, expected: float) -> bool:
    """Equal, with NaN equal to NaN and zeros told apart by sign."""
    if expected != expected:
        return got != got
    return got == expected and math.copysign(1.0, got) == math.copysign(1.0, expected)


# --- gamma functions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [1e-300, 1e-9, 0.5, 0.96, 1.2, 1.4616321449683622, 1.75, 1.97, 2.0, 3.0, 11.99, 12.0, 100.0,
     1e9, 1e300],
)  # fmt: skip
def test_digamma_of_positive_numbers(x: float) -> None:
    assert ulps(special.digamma(x), mp.digamma(x)) <= 8.5


@pytest.mark.parametrize("x", [-1e-9, -0.25, -0.75, -1.5, -3.7, -12.1, -100.3, -1e6 - 0.25])
def test_digamma_of_negative_numbers(x: float) -> None:
    exact = mp.digamma(x)
    assert abs(special.digamma(x) - exact) <= 1e-14 * max(1.0, abs(exact))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10, 20, 50, 100])
@pytest.mark.parametrize("x", [0.01, 0.5, 1.0, 2.5, 11.0, 60.0, 130.0])
def test_polygamma_of_positive_numbers(n: int, x: float) -> None:
    assert ulps(special.polygamma(n, x), mp.psi(n, x)) <= 6.0 + 0.3 * n


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 9])
@pytest.mark.parametrize("x", [-0.25, -0.7, -1.4, -3.7, -10.3])
def test_polygamma_of_negative_numbers(n: int, x: float) -> None:
    exact = mp.psi(n, x)
    scale = math.factorial(n) / abs(x - round(x)) ** (n + 1)
    assert abs(special.polygamma(n, x) - exact) <= 1e-14 * max(scale, abs(exact))


@pytest.mark.parametrize(
    ("n", "x", "expected"),
    [
        (0, 0.0, -inf), (0, -0.0, inf), (0, -1.0, nan), (0, -1e300, nan), (0, inf, inf),
        (0, -inf, nan), (0, nan, nan), (1, 0.0, inf), (1, -0.0, inf), (1, -3.0, inf),
        (1, inf, 0.0), (1, -inf, nan), (1, nan, nan), (2, 0.0, -inf), (2, -0.0, inf),
        (2, -3.0, nan), (2, inf, -0.0),
    ],
)  # fmt: skip
def test_digamma_and_polygamma_at_poles_and_infinities(n: int, x: float, expected: float) -> None:
    assert agrees(special.polygamma(n, x) if n else special.digamma(x), expected)


@pytest.mark.parametrize(
    "x",
    [1e-300, 1e-5, 0.3, 0.7500000000000001, 0.9, 1.0 - 2**-53, 1.0 + 2**-52, 1.2, 1.25, 1.5, 1.9,
     2.0 - 2**-52, 2.1, 2.4999999999999996, 30.0, 1e300],
)  # fmt: skip
def test_lgamma_keeps_its_relative_accuracy_at_its_zeros(x: float) -> None:
    assert ulps(special.lgamma(x), mp.loggamma(x)) <= 7.0


@pytest.mark.parametrize("x", [-0.5, -1.5, -2.25, -20.1])
def test_lgamma_of_negative_numbers(x: float) -> None:
    exact = mp.log(abs(mp.gamma(x)))
    assert abs(special.lgamma(x) - exact) <= 1e-14 * max(1.0, abs(exact))


@pytest.mark.parametrize(
    ("x", "expected"),
    [(0.0, inf), (-0.0, inf), (-1.0, inf), (1e308, inf), (inf, inf), (-inf, inf), (nan, nan),
     (1.0, 0.0), (2.0, 0.0)],
)  # fmt: skip
def test_lgamma_at_poles_zeros_and_infinities(x: float, expected: float) -> None:
    assert agrees(special.lgamma(x), expected)


# --- fused multiply-add ---------------------------------------------------------------------------


@given(MODERATE, MODERATE, MODERATE)
@example(0.1, 10.0, -1.0)
@example(1e-160, 1e-160, 0.0)
@example(1.0 + 2**-52, 1.0 - 2**-52, -1.0)
def test_fma_rounds_once(x: float, y: float, w: float) -> None:
    with mp.workprec(4000):
        exact = mp.mpf(x) * y + w
        assert ulps(special.fma(x, y, w), exact) <= 0.5


@pytest.mark.parametrize(
    ("x", "y", "w", "expected"),
    [
        (1e200, 1e200, -1e308, inf), (-1e200, 1e200, 1e308, -inf), (inf, 0.0, 1.0, nan),
        (inf, 1.0, -inf, nan), (1.0, 1.0, inf, inf), (nan, 1.0, 1.0, nan), (0.0, 1.0, -0.0, 0.0),
        (-0.0, 1.0, -0.0, -0.0), (1.0, 1.0, -1.0, 0.0), (1e-200, -1e-200, 0.0, -0.0),
        (1.7976931348623157e308, 2.0, -1.7976931348623157e308, 1.7976931348623157e308),
        (1e308, 1e308, -inf, -inf), (1e308, -1e308, nan, nan),
    ],
)  # fmt: skip
def test_fma_at_corners(x: float, y: float, w: float, expected: float) -> None:
    assert agrees(special.fma(x, y, w), expected)


# --- powers, signs, choices -----------------------------------------------------------------------


@given(st.floats(), st.sampled_from([-3, -2, -1, 0, 1, 2, 3, 4, 7]))
def test_integer_powers_on_arrays_are_odd_or_even_and_near_those_on_floats(
    x: float, n: int
) -> None:
    with np.errstate(all="ignore"):
        got = float(special.integer_power_array(np.array([x]), n)[0])
        mirrored = float(special.integer_power_array(np.array([-x]), n)[0])
        expected = float(np.power(x, float(n)))
    assert agrees(mirrored, -got if n % 2 else got)
    assert agrees(got, expected) or abs(got - expected) <= 2 * math.ulp(expected)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2)])
def test_the_power_one_half_is_no_square_root_at_the_negative_end(shape: tuple[int, ...]) -> None:
    for exponent in (0.5, np.full(shape, 0.5)):
        with np.errstate(all="ignore"):
            assert (special.power_array(np.full(shape, -inf), exponent) == inf).all()
            zeros = special.power_array(np.full(shape, -0.0), exponent)
        assert not np.signbit(zeros).any()
        assert zeros.shape == shape


@given(st.floats(), st.floats())
def test_minimum_maximum_and_sign_are_those_of_numpy(x: float, y: float) -> None:
    for got, expected in (
        (special.minimum(x, y), np.minimum(x, y)),
        (special.maximum(x, y), np.maximum(x, y)),
        (special.sign(x), np.sign(x)),
    ):
        assert got == expected or (got != got and expected != expected)


@given(st.floats())
def test_sigmoid_is_monotone_and_between_0_and_1(x: float) -> None:
    if x == x:
        assert 0.0 <= special.sigmoid(x) <= 1.0
        assert special.sigmoid(x) <= special.sigmoid(math.nextafter(x, inf)) * (1.0 + 1e-15)
    else:
        assert math.isnan(special.sigmoid(x))


# --- the tools of the table -----------------------------------------------------------------------


def test_ieee_answers_where_math_raises() -> None:
    exp = special.ieee(math.exp, np.exp)
    assert exp(1000.0) == inf
    assert exp(1.0) == math.e
    assert math.isnan(special.ieee(math.log, np.log)(-1.0))
    assert special.ieee(lambda x: 1.0 / x, lambda x: np.divide(1.0, x))(-0.0) == -inf


def test_ieee_does_not_hide_other_errors() -> None:
    with pytest.raises(TypeError):
        special.ieee(math.exp, np.exp)("1")  # type: ignore[arg-type]


def test_elementwise_takes_empty_arrays() -> None:
    erf = special.elementwise(math.erf)
    assert erf(np.empty(0)).shape == (0,)
    assert erf(np.array([0.0, inf])).tolist() == [0.0, 1.0]
