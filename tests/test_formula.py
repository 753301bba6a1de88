"""Formulas: what a row says of itself must mean what the row computes."""

import math
import random

import pytest

import wengert as wg
from wengert import expression
from wengert.formula import (
    Symbol,
    named,
    partial_symbols,
    partial_texts,
    symbol,
    tex_name,
    value_symbol,
    value_text,
)
from wengert.operand import local_partials
from wengert.primitives import TABLE, rows

_SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def as_python(text: str) -> str:
    """A formula's plain text, turned into Python that can be evaluated."""
    out, k = "", 0
    while k < len(text):
        digits = ""
        while k < len(text) and text[k] in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹":
            digits += text[k]
            k += 1
        if digits:
            out += f"**({digits.translate(_SUPERSCRIPT)})"
            continue
        out += text[k]
        k += 1
    for there, here in {
        "·": "*", "⊗": "*", "^": "**", "√": "sqrt", "∛": "cbrt", "≤": "<=", "≥": ">=", "≠": "!=",
        " = ": " == ", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", " mod ": " % ",
        "[": "float(", "]": ")",
    }.items():  # fmt: skip
        out = out.replace(there, here)
    return out


NAMESPACE = {name: getattr(wg, name) for name in wg.__all__} | {
    "min": min, "max": max, "float": float, "inf": math.inf,
    **{f"ψ{n}": TABLE["polygamma"](n) for n in range(1, 6)},
}  # fmt: skip


def wrapped(text: str) -> str:
    """√x and |x| as calls."""
    text = text.replace("|x|", "abs(x)")
    for root in ("sqrt", "cbrt"):
        for name in "xyz":
            text = text.replace(f"{root}{name}", f"{root}({name})")
    return text


@pytest.mark.parametrize("row", list(rows()), ids=repr)
def test_texts_compute_what_the_row_computes(row):
    numbers = random.Random(row.name)
    for _ in range(5):
        at = [numbers.uniform(low, high) for low, high in row.domain]
        names = dict(zip(row.operands, at, strict=True))
        z = row.scalar(*at)
        got = eval(wrapped(as_python(value_text(row))), {**NAMESPACE, **names})
        assert got == pytest.approx(z, rel=1e-9)
        for text, want in zip(partial_texts(row), local_partials(row, z, at), strict=True):
            got = eval(wrapped(as_python(text)), {**NAMESPACE, **names, "z": z})
            assert got == pytest.approx(want, rel=1e-4)  # constants are shown with six digits


@pytest.mark.parametrize("row", list(rows()), ids=repr)
def test_tex_is_balanced_and_complete(row):
    operands = [named(name) for name in row.operands]
    for each in (value_symbol(row, operands), *partial_symbols(row, named("z"), operands)):
        assert each.tex.count("{") == each.tex.count("}")
        assert each.tex.count("(") == each.tex.count(")")
    value = value_symbol(row, operands).tex
    assert all(name in value for name in row.operands)


def x(name="x"):
    return named(name)


@pytest.mark.parametrize(
    ("make", "text", "tex"),
    [
        (lambda a, b: (a + b) * a, "(a + b)·a", r"(a + b) \cdot a"),
        (lambda a, b: a * (a - b), "a·(a - b)", r"a \cdot (a - b)"),
        (lambda a, b: a - (a - b), "a - (a - b)", "a - (a - b)"),
        (lambda a, b: a - b - a, "a - b - a", "a - b - a"),
        (lambda a, b: a / (a * b), "a/(a·b)", r"\frac{a}{a \cdot b}"),
        (lambda a, b: (a * b) ** 3, "(a·b)³", r"(a \cdot b)^{3}"),
        (lambda a, b: (-a) ** 2, "(-a)²", "(-a)^{2}"),
        (lambda a, b: -(a + b), "-(a + b)", "-(a + b)"),
        (lambda a, b: a * -b, "a·(-b)", r"a \cdot (-b)"),
        (lambda a, b: a * a, "a²", "a^{2}"),
        (lambda a, b: 1.0 * a + 0.0, "a", "a"),
        (lambda a, b: -1.0 * a, "-a", "-a"),
        (lambda a, b: a**1 + a**0, "a + 1", "a + 1"),
        (lambda a, b: wg.sin(a + b), "sin(a + b)", r"\sin (a + b)"),
        (lambda a, b: wg.exp(-(a * a)), "exp(-a²)", "e^{-a^{2}}"),
        (lambda a, b: a * math.inf, "a·inf", r"a \cdot \infty"),
        (lambda a, b: a ** (b + 1.0), "a^(b + 1)", "a^{b + 1}"),
    ],
)
def test_brackets_stand_where_they_are_needed(make, text, tex):
    got = make(x("a"), x("b"))
    assert (got.text, got.tex) == (text, tex)


def test_a_name_that_is_not_a_word_is_bracketed():
    total = named("x1w1 + x2w2")
    assert (total * x("b")).text == "(x1w1 + x2w2)·b"


def test_symbol_of_a_symbol_is_itself():
    a = x("a")
    assert symbol(a) is a
    assert isinstance(symbol(-2.0), Symbol)
    assert symbol(-2.0).binds < a.binds


@pytest.mark.parametrize(
    ("name", "tex"),
    [
        ("x", "x"),
        ("x1", "x_{1}"),
        ("w12", "w_{12}"),
        ("loss", r"\mathrm{loss}"),
        ("loss2", r"\mathrm{loss}_{2}"),
        ("x′", "x'"),
        ("a b", r"\text{a b}"),
        ("50%_{$", r"\text{50\%\_\{\$}"),
        ("a\\b", r"\text{a\textbackslash b}"),
        ("", r"\text{}"),
    ],
)
def test_labels_in_tex(name, tex):
    assert tex_name(name) == tex


def test_formulas_read_back_as_expressions():
    """A value's text, parsed by the command line's parser, is the same function."""
    at = {"x": 0.7, "y": 1.3}
    assert expression.build("x*y + y", at).data == eval(
        as_python(value_text(TABLE["fma"], ("x", "y", "y"))), at
    )
