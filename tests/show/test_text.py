from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from show_graphs import HOSTILE

from wengert.show.text import clean, columns, count, number, shorten, wrap


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (2.0, "2.0000"),
        (-8.0, "-8.0000"),
        (0.0, "0.0000"),
        (0.00005, "0.0001"),
        (0.00004, "4e-05"),
        (-1.23456789e-17, "-1.235e-17"),
        (9999999.0, "9999999.0000"),
        (1e300, "1e+300"),
        (-123456789.0, "-1.235e+08"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_are_readable_at_any_size(x: float, text: str) -> None:
    assert number(x, 4) == text


def test_number_takes_its_digits() -> None:
    assert number(2.5, 1) == "2.5"
    assert number(1e9, 0) == "1e+09"


@given(st.floats())
def test_no_number_is_long(x: float) -> None:
    assert len(number(x, 4)) <= 13


@given(st.text(st.characters(codec=None)))
def test_clean_text_stands_in_xml(text: str) -> None:
    element = ElementTree.Element("t")
    element.text = clean(text)
    assert ElementTree.fromstring(ElementTree.tostring(element)).text == (clean(text) or None)


def test_control_characters_become_visible() -> None:
    assert clean("a\tb\nc\x7f") == "a␉b␊c␡"
    assert clean("\ud800\u202e\x85") == "\ufffd" * 3
    assert clean("naïve 日本 ±") == "naïve 日本 ±"


def test_columns_count_wide_and_combining_characters() -> None:
    assert columns("abc") == 3
    assert columns("日本") == 4
    assert columns("e\u0301\u200b") == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_shortened_text_fits(text: str) -> None:
    short = shorten(text, 24)
    assert columns(short) <= 24
    assert len(short) <= 97


def test_short_text_stays() -> None:
    assert shorten("x1*w1 + x2*w2", 24) == "x1*w1 + x2*w2"
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("日本語", 4) == "日…"


def test_counts_read_well() -> None:
    assert [count(n, "value") for n in (0, 1, 1234)] == ["0 values", "1 value", "1,234 values"]


def test_wrapped_lines_hold_all_words() -> None:
    text = "one two three four " + "x" * 30
    lines = wrap(text, 12)
    assert " ".join(lines) == text
    assert lines[:2] == ["one two", "three four"]
