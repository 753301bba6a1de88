"""Numbers as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.errors import ExpressionError
from wengert.learn.typed import typed


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("-2", -2.0),
        ("+2.5", 2.5),
        (" 0.5 ", 0.5),
        (".5", 0.5),
        ("1/2", 0.5),
        ("-3*2", -6.0),
        ("-3 · 2", -6.0),
        ("−3×2", -6.0),
        ("2**-1", 0.5),
        ("3^2", 9.0),
        ("(1+2)*(3-4)", -3.0),
        ("1e-3", 0.001),
        ("1_000", 1000.0),
    ],
)
def test_numbers(text, number):
    assert typed(text).number == number


@pytest.mark.parametrize(
    "text",
    ["", "foo", "x", "__import__('os')", "(1).real", "[1]", "1 if 1 else 2", "True", "'a'", "1j",
     "1,5", "2 3", "1 % 2", "not 1", "~1", "1\n+1", "(" * 150 + "1", "1" * 201, "-" * 199 + "1" * 9,
     "lambda: 1", "f'{1}'", "max(1,2)", "1 < 2", "\x00"],
)  # fmt: skip
def test_what_is_no_number(text):
    with pytest.raises(ExpressionError, match="is not a number"):
        typed(text)


def test_a_decimal_comma():
    with pytest.raises(ExpressionError, match="Write a point"):
        typed("0,5")


@pytest.mark.parametrize("text", ["1/0", "1e999", "10.0**999", "(-8)**0.5", "9**9**9**9"])
def test_no_finite_value(text):
    with pytest.raises(ExpressionError, match="no finite value"):
        typed(text)


@pytest.mark.parametrize(
    ("text", "true", "right"),
    [
        ("0.57", 0.5680831525768881, True),
        ("0.568", 0.5680831525768881, True),
        ("0.569", 0.5680831525768881, False),
        ("0.6", 0.5680831525768881, False),  # one digit is not enough
        ("-0.57", -0.5680831525768881, True),
        ("0.57", -0.5680831525768881, False),
        ("5.7e-1", 0.5680831525768881, True),
        ("0.50", 0.5, True),
        ("0.5", 0.5, True),
        ("6", 6.4, False),  # an integer is exact
        ("6.0", 6.04, True),
        ("1/3", 1 / 3, True),
        ("0.5*2.0", 1.01, False),  # arithmetic is exact too
        ("0.1+0.2", 0.3, True),
        ("0", 0.0, True),
        ("0.00", 0.001, False),  # no significant digit at all
        ("1e-3", 1.2e-3, False),
    ],
)
def test_rounded_answers(text, true, right):
    assert typed(text).means(true) is right


@given(st.floats(-1e6, 1e6), st.integers(2, 15))
def test_any_number_may_be_rounded(number, digits):
    assert typed(f"{number:.{digits}f}").means(number) or abs(number) < 10.0 ** (1 - digits)
    assert typed(repr(number)).number == number
