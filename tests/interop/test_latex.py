r"""Programs as formulas: that they mean what the program does, and that LaTeX can read them."""

import random
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_c import halving, with_sums

import wengert as wg
from scenarios import SCENARIOS
from wengert import primitives
from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.interop.latex import LONGEST
from wengert.program.program import Program
from wengert.program.record import record


def lines(program: Program) -> list[str]:
    first, *body, last = program.to_latex().splitlines()
    assert first == r"\begin{aligned}"
    assert last == r"\end{aligned}"
    assert all(line.endswith(r" \\") for line in body[:-1])
    return [line.removesuffix(r" \\") for line in body]


def formula(f: Any, *example: Any) -> list[str]:
    return lines(wg.record(f, *example))


# --- what is written ------------------------------------------------------------------------------


def test_what_is_used_once_stands_where_it_is_used() -> None:
    def f(x: Any, y: Any) -> Any:
        return wg.sin(x * y) / (1.0 + x**2)

    assert formula(f, 1.0, 2.0) == [r"f(x, y) &= \frac{\sin (x \cdot y)}{1 + x^{2}}"]


def test_what_would_be_misread_has_parentheses() -> None:
    for f, expected in (
        (lambda x, y: wg.sin(x) * y, r"(\sin x) \cdot y"),
        (lambda x, y: y * wg.sin(x), r"y \cdot \sin x"),
        (lambda x, y: x * wg.sin(y) * y, r"(x \cdot \sin y) \cdot y"),
        (lambda x, y: wg.sin(x + y) * y, r"\sin (x + y) \cdot y"),
        (lambda x, y: wg.exp(x) ** 2 + wg.sin(y) ** 3, r"(e^{x})^{2} + (\sin y)^{3}"),
        (lambda x, y: (x**2) ** y, r"(x^{2})^{y}"),
        (lambda x, y: -(x - y) - (y - x), r"-(x - y) - (y - x)"),
    ):
        assert formula(f, 2.0, 0.5)[0].partition(" &= ")[2] == expected


def test_what_is_used_twice_or_has_a_label_has_a_line() -> None:
    def f(x: Any) -> Any:
        square = x * x
        square.label = "square"
        e = wg.exp(square)
        return e + 1e-9 / e

    assert formula(f, 2.0) == [
        r"\mathrm{square} &= x \cdot x",
        r"t_{1} &= e^{\mathrm{square}}",
        r"f(x) &= t_{1} + \frac{10^{-9}}{t_{1}}",
    ]


def test_a_long_formula_is_cut() -> None:
    program = wg.record(lambda x: sum((wg.sin(v) * wg.cos(v) for v in x), 0.0), np.ones(3) * 1.5)
    assert len(lines(program)) == 1
    chain = record(lambda x: sum((wg.sin(x / k) for k in range(1, 15)), x), 1.0, passes=())
    assert 1 < len(lines(chain)) < 5


def test_loops_that_add_up_or_multiply() -> None:
    def norm(x: Any) -> Any:
        total = 0.5
        for v in x:
            total = total + (v - 1.0) * v
        return wg.sqrt(total)

    assert formula(norm, np.ones(9)) == [
        r"\mathrm{norm}(x) &= \sqrt{0.5 + (x_{0} - 1) \cdot x_{0}"
        r" + \sum_{i=0}^{7} (x_{i + 1} - 1) \cdot x_{i + 1}}"
    ]

    def product(x: Any) -> Any:
        total = x[0]
        for v in x[1:]:
            total = total * (v + 1.0)
        return total, total * 2.0

    assert formula(product, np.ones(9)) == [
        r"t_{3,\,6} &= x_{0} \cdot (x_{1} + 1) \cdot \prod_{i=0}^{6} \left(x_{i + 2} + 1\right)",
        r"\text{out.0} &= t_{3,\,6}",
        r"\text{out.1} &= t_{3,\,6} \cdot 2",
    ]


def test_a_sum_inside_a_loop() -> None:
    assert formula(lambda w, b, x: np.tanh(w @ x + b), np.ones((4, 5)), np.ones(4), np.ones(5)) == [
        r"\mathrm{out}_{i} &= \tanh (w_{i,\,0} \cdot x_{0}"
        r" + \sum_{j=0}^{3} w_{i,\,j + 1} \cdot x_{j + 1} + b_{i}), && i = 0, \dots, 3"
    ]


def test_sums_whose_parts_are_used_are_recurrences() -> None:
    assert formula(lambda x: list(np.cumsum(x)), np.ones(7)) == [
        r"t_{1,\,-1} &= x_{0} + x_{1}",
        r"t_{1,\,i} &= t_{1,\,i - 1} + x_{i + 2}, && i = 0, \dots, 4",
        r"\text{out.0} &= x_{0}",
        r"\mathrm{output}_{i + 1} &= t_{1,\,i - 1}, && i = 0, \dots, 5",
    ]


def test_accumulations() -> None:
    program, _ = with_sums(3)
    found = lines(program)
    assert any(r"&\mathrel{+}= " in line for line in found)


def test_while_loops() -> None:
    def root(a: Any) -> Any:
        return wg.while_loop(lambda x: abs(x * x - a) > 1e-9, lambda x: 0.5 * (x + a / x), a)

    assert formula(root, 2.0) == [
        r"t_{8,\,i - 1} &= a, && i = 0",
        r"t_{4,\,i} &= [\left|t_{8,\,i - 1} \cdot t_{8,\,i - 1} - a\right| > 10^{-9}],"
        r" && i = 0, 1, \dots",
        r"t_{8,\,i} &= 0.5 \cdot (t_{8,\,i - 1} + \frac{a}{t_{8,\,i - 1}}),"
        r" && i = 0, 1, \dots \text{ while } t_{4,\,i} \ne 0",
        r"t_{9} &= t_{8,\,i - 1}, && i \text{ the first without } t_{4,\,i} \ne 0",
        r"\mathrm{root}(a) &= t_{9}",
    ]
    assert lines(halving())


def test_guards_are_given() -> None:
    assert formula(lambda x: -x if x > 1.0 else x, 2.0)[0] == r"\text{given } [x > 1] &= 1"


def test_tables_are_indices() -> None:
    function, example = SCENARIOS["sparse product, ragged"].make(6)
    text = wg.record(function, *example).to_latex()
    assert r"x_{\mathrm{table}_{3,\,i}}" in text
    assert r"\mathrm{value}_{\mathrm{table}_{7,\,i} + 177}" in text


def test_a_long_program_is_refused() -> None:
    program = record(lambda x: [wg.sin(x + k) for k in range(LONGEST)], 1.0, passes=())
    with pytest.raises(ProgramError, match=r"at most 60 statements, and program has 180"):
        program.to_latex()


# --- that it means the same -----------------------------------------------------------------------

OPERATIONS = [primitives.add, primitives.sub, primitives.mul, primitives.div, primitives.neg,
              primitives.powi(2), primitives.powi(3)]  # fmt: skip


def in_python(tex: str) -> str:
    """The few forms that these operations have, as Python."""
    tex = re.sub(r"([a-z]+)_\{(\d+)\}", r"\1\2", tex).replace(r"\cdot", "*")
    while r"\frac" in tex:
        tex = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", tex)
        tex = re.sub(r"\^\{(\d)\}", r"**\1", tex)
    return re.sub(r"\^\{(\d)\}", r"**\1", tex)


@given(seed=st.integers(0, 10**9))
def test_formulas_mean_what_the_program_does(seed: int) -> None:
    chance = random.Random(seed)

    def f(x: Any, y: Any) -> Any:
        values = [x, y]
        for _ in range(chance.randint(1, 12)):
            row = chance.choice(OPERATIONS)
            operands = [chance.choice([*values[-3:], chance.randint(1, 5) / 2])
                        for _ in range(row.nin)]  # fmt: skip
            if any(hasattr(operand, "_apply") for operand in operands):
                values.append(row(*operands))
        return values[-1]

    program = record(f, 0.75, -1.25, passes=())
    found = {"x": 0.5, "y": 1.5}
    for line in lines(program):
        left, right = line.split(" &= ")
        name = "result" if "(" in left else in_python(left)
        try:
            found[name] = eval(in_python(right), {}, found)
        except (ZeroDivisionError, OverflowError):
            return
    assert found["result"] == pytest.approx(program(0.5, 1.5), rel=1e-12, abs=1e-300)


# --- that LaTeX can read it -----------------------------------------------------------------------


def is_balanced(tex: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}]", "", tex):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0 and tex.count(r"\left") == tex.count(r"\right")


@pytest.mark.parametrize("row", list(primitives.rows()), ids=repr)
def test_every_row_can_be_read(row: Primitive) -> None:
    sums = wg.record(lambda *x: row(*(v + w for v, w in pairwise(x))),
                     *([0.3] * (row.nin + 1)))  # fmt: skip
    assert is_balanced(sums.to_latex())
    readable(sums)


@pytest.mark.parametrize("name", ["Rosenbrock", "perceptron", "heat equation", "1-D convolution"])
def test_scenarios_can_be_read(name: str) -> None:
    row = SCENARIOS[name]
    function, example = row.make(*row.small)
    program = wg.record(function, *example)
    assert is_balanced(program.to_latex())
    readable(program)


HOSTILE = ["}", "{", "\\", "$", "a_b^c", "&", "%", "#", "~", "x y", "é"]


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_are_text(label: str) -> None:
    def f(x: Any) -> Any:
        y = wg.sin(x)
        y.label = label
        return y * 2.0

    assert is_balanced(wg.record(f, 1.0).to_latex())


_UNKNOWN = re.compile(r"\\(le|ge|bmod)\b")  # to mathtext


def readable(program: Program) -> None:
    """What matplotlib's mathtext can read; it has no environments."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("agg")
    for line in lines(program):
        for part in line.split("&") if "cases" not in line else ():
            if part.strip():
                parser.parse(f"${_UNKNOWN.sub(r'=', part)}$")
