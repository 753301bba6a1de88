"""Every row of the table in JavaScript gives what it gives in Python."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from wengert.dispatch import Primitive
from wengert.operand import local_partials
from wengert.primitives import rows
from wengert.show.explorer.modules import script
from wengert.show.explorer.rules import UnwritableError, rule_of, rules_module, tables_module
from wengert.special import strong_product

ROWS = list(rows())
NAMES = [f"{row.name}{list(row.params) or ''}" for row in ROWS]
POINTS = 200
WITHIN = 1e-15  # relative
# Where nothing but operators, comparisons and correctly rounded functions is used.
EXACT = {
    *("select", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
    *("add", "sub", "mul", "strong_mul", "div", "floordiv", "mod", "neg", "fma", "sqrt", "abs"),
    *("sign", "floor", "ceil", "trunc", "rint", "minimum", "maximum", "relu", "stop_gradient"),
}
ASKED = """cases => {%s
const {rules} = use("rules.js"), {parsed} = use("tape.js"), {full} = use("text.js");
return cases.map(([row, xs]) => {
  const given = xs.map(parsed), z = rules[row].value(...given);
  return [full(z), rules[row].partials(z, ...given).map(full)];
}); }"""


def points(row: Primitive) -> list[list[float]]:
    """Some in the row's domain, and all that are pinned in the table."""
    numbers = np.random.default_rng(0)
    inside = [[float(numbers.uniform(*each)) for each in row.domain] for _ in range(POINTS)]
    return inside + [list(edge.at) for edge in row.edges]


@pytest.fixture(scope="module")
def answers(browser: Any) -> list[list[Any]]:
    """What the page's rules give at all points of all rows."""
    generated = {"rules.js": rules_module(ROWS), "tables.js": tables_module()}
    used = [("rules", "rules"), ("parsed", "tape"), ("full", "text")]
    generated["all.js"] = "".join(f'import {{ {n} }} from "./{m}.js";\n' for n, m in used)
    cases = [[k, list(map(repr, xs))] for k, row in enumerate(ROWS) for xs in points(row)]
    page = browser.new_page()
    given = page.evaluate(ASKED % script("all.js", generated), cases)
    page.close()
    answers: list[list[Any]] = [[] for _ in ROWS]
    for (row, _), answer in zip(cases, given, strict=True):
        answers[row].append(answer)
    return answers


def off(x: float, y: float) -> float:
    """The relative difference of two numbers, 0 where they are the same bit for bit."""
    if x != x or y != y:
        return 0.0 if x != x and y != y else math.inf
    if x == y:
        return 0.0 if math.copysign(1.0, x) == math.copysign(1.0, y) else math.inf
    if math.isinf(x) or math.isinf(y):
        return math.inf
    return abs(x - y) / max(abs(x), abs(y))


@pytest.mark.parametrize("k", range(len(ROWS)), ids=NAMES)
def test_values_partials_and_gradients_are_those_of_python(k: int, answers: Any) -> None:
    row = ROWS[k]
    within = 0.0 if row.name in EXACT else WITHIN
    for xs, (value, partials) in zip(points(row), answers[k], strict=True):
        z = row.scalar(*xs)
        if row.name == "lgamma" and math.isfinite(z):
            z = float(mpmath.loggamma(xs[0]).real)  # Python's own is off by more than that
        assert off(float(value), z) <= within, (xs, value, z)
        own = local_partials(row, z, xs)
        for given, expected in zip(map(float, partials), map(float, own), strict=True):
            assert off(given, expected) <= within, (xs, partials, own)
            product = strong_product(given, -1.75)
            assert off(product, strong_product(expected, -1.75)) <= within


def test_a_row_without_a_spelling_is_said_to_be_unwritable() -> None:
    made = Primitive("mine", "my own", float, np.positive, lambda z, x: (1.0,), [(-1.0, 1.0)])
    with pytest.raises(UnwritableError):
        rule_of(made)
    assert rules_module([made, None]).count("null") == 2


def test_modules_hold_what_they_use_and_no_more() -> None:
    multiply = [row for row in ROWS if row.name == "mul"]
    text = script("main.js", {"rules.js": rules_module(multiply), "tables.js": tables_module()})
    assert '"layout.js"' in text
    assert '"gamma.js"' not in text
    assert "@param" not in text
