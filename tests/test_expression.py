"""Expressions: what is understood, what is refused, and that nothing is ever executed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wengert as wg
from wengert.errors import ExpressionError
from wengert.expression import FUNCTIONS, build, variables
from wengert.graph import topological_order

AT = {"a": 2.0, "b": -3.0}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a*b + 10", 4.0),
        ("a + b*2 - a/b", 2.0 - 6.0 + 2.0 / 3.0),
        ("-(a + b)", 1.0),
        ("+a*b", -6.0),
        ("a**3 + b**-1", 8.0 - 1.0 / 3.0),
        ("a**b", 0.125),
        ("a**2.5*b", -3.0 * 2.0**2.5),
        ("b**2**a", 3.0**4),
        ("(a // b) + a % b", -1.0 - 1.0),
        ("where(a > b, a, b)", 2.0),
        ("where(a <= b, a, b)*(a == 2)*(b != 2)*(a >= b)*(b < a)", -3.0),
        ("sum([a, b, 1])", 0.0),
        ("dot([a, 1], (b, 4))", -2.0),
        ("tanh(a*pi) + b*e", math.tanh(2 * math.pi) - 3 * math.e),
        ("e = a*b; d = e + 10; d*-2", -8.0),
        ("a*b\n", -6.0),
        ("a/0*b", -math.inf),
        ("clip(a, 0, 1)*b", -3.0),
        ("True*a*b", -6.0),
    ],
)
def test_values(source, expected):
    assert build(source, AT).data == pytest.approx(expected, rel=1e-15)


def test_variables_and_assigned_nodes_are_labelled():
    root = build("e = a*b; L = e*e", AT)
    labels = [node.label for node in topological_order(root)]
    assert labels == ["a", "b", "e", "L"]
    assert root.operands[0] is root.operands[1]
    root.backward()
    assert {node.label: node.grad for node in topological_order(root)}["a"] == 2 * -6.0 * -3.0


def test_an_integer_exponent_keeps_its_row():
    assert build("a**3", {"a": -2.0})._op == "**3"
    assert build("a**-3", {"a": -2.0})._op == "**-3"
    assert build("a**3.5", {"a": 2.0})._op == "**3.5"
    assert build("a**b", AT)._op == "**"


def test_long_sums_are_not_deep():
    assert build("b*a" + "+a" * 800, AT).data == -6.0 + 1600.0


def test_a_variable_may_hide_a_constant():
    assert build("e*2", {"e": 5.0}).data == 10.0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "is empty"),
        ("   ;", "Cannot read"),
        ("a +", "Cannot read"),
        ("a*b*q", "q has no number. Give it one: --at q=1.0"),
        ("a", "--at names b, which"),
        ("1 + 1", "--at names a, b, which"),
        ("sin(a, b)", r"In sin\(a, b\): sin\(\) takes 1 operand"),
        ("clip(a, b)", r"In clip\(a, b\)"),
        ("sinus(a)*b", r"no function 'sinus'. Did you mean sin\b"),
        ("max(a, b)", r"Did you mean maximum\?"),
        ("arctan(a)*b", r"Did you mean atan\?"),
        ("sigmiod(a)*b", "Did you mean sigmoid"),
        ("qqq(a)*b", "no function 'qqq'. There are functions such as exp"),
        ("a^2 + b", r"'a \^ 2 \+ b' is not an expression.*Write \*\* for powers"),
        ("np.sin(a)*b", r"Write sin\(a\)\."),
        ("numpy.arctan2(a, b)", r"Write atan2\(a, b\)\."),
        ("a*b*math.pi", r"Write pi\."),
        ("math.nothing(a)*b", "Numbers, names"),
        ("softmax([a, b])", "gives several numbers"),
        ("[a, b]", "gives several numbers"),
        ("dot([a], [b, 1])", "of one length"),
        ("a @ b", "not an expression"),
        ("a << b", "not an expression"),
        ("a and b", "not an expression"),
        ("not a + b", "not an expression"),
        ("~a*b", "not an expression"),
        ("a < b < 1", "not an expression"),
        ("a if b else 1", "not an expression"),
        ("a.b", "not an expression"),
        ("[a][0]*b", "not an expression"),
        ("lambda: a*b", "not an expression"),
        ("sin(x=a)*b", "not an expression"),
        ("sum(*[a, b])", "not an expression"),
        ("'a'*b", "not an expression"),
        ("1j*a*b", "not an expression"),
        ("f'{a}'*b", "not an expression"),
        ("(x := a)*b", "not an expression"),
        ("a, b = b, a", "not a statement"),
        ("a += b", "not a statement"),
        ("import os", "not a statement"),
        ("del a", "not a statement"),
        ("1e999*a*b + " + "9" * 400, "below 1e308"),
        ("a\0b", "Cannot read"),
        ("(" * 500 + "a" + ")" * 500 + "*b", "Cannot read|nested too deeply"),
        ("b*a" + "+a" * 20_000, "nested too deeply"),
    ],
)
def test_refusals(source, message):
    with pytest.raises(ExpressionError, match=message):
        build(source, AT)


def test_a_number_alone_is_no_graph():
    with pytest.raises(ExpressionError, match="the number 2.0"):
        build("1 + 1", {})


@pytest.mark.parametrize("name", ["__import__", "eval", "exec", "open", "print", "getattr"])
def test_no_builtin_can_be_called(name, capsys):
    with pytest.raises(ExpressionError, match="There is no function"):
        build(f"{name}(a)*b", AT)
    assert capsys.readouterr().out == ""


def test_functions_are_the_public_ones():
    assert set(FUNCTIONS) - set(dir(wg)) == {
        "add",
        "sub",
        "mul",
        "strong_mul",
        "div",
        "floordiv",
        "mod",
        "neg",
        "select",
    }


@given(st.text(alphabet="ab12.+-*/%()[],;=<> \n\"'_sinexp:", max_size=40))
def test_any_text_is_built_or_refused_cleanly(source):
    try:
        root = build(source, AT)
    except ExpressionError:
        return
    assert isinstance(root, wg.Value)


@pytest.mark.parametrize(
    "source",
    ["a*b +" * 100, "["  + "a, " * 200 + "b]", "x" * 500, "x" * 500 + "(a)",
     "sin(a, " + "a*" * 200 + "b)", "np.sin(" + "a*" * 200 + "b)"],
)  # fmt: skip
def test_messages_stay_short(source):
    with pytest.raises(ExpressionError) as caught:
        build(source, AT)
    assert "…" in str(caught.value)
    assert len(str(caught.value)) < 330


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x*y + x", ["x", "y"]),
        ("sin(x) + pi*e", ["x"]),
        ("e = a*b; e + c", ["a", "b", "c"]),
        ("x = x + 1; x*y", ["x", "y"]),
        ("1 + 1", []),
        ("np.sin(x)", ["x"]),
    ],
)
def test_variables(source, expected):
    assert variables(source) == expected


def test_a_constant_that_is_given_is_a_variable():
    assert variables("e*x", {"e": 2.0}) == ["e", "x"]
    with pytest.raises(ExpressionError, match="Cannot read"):
        variables("x +")
