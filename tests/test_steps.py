"""Steps: the stream must tell exactly what backward and forward do."""

import math

import pytest

import wengert as wg
from lesson_graphs import expression
from wengert import Value
from wengert.graph import topological_order
from wengert.steps import Tex


def test_the_steps_of_the_expression():
    assert [str(step) for step in wg.steps(expression()["L"])] == [
        "∂L/∂d = ∂L/∂L · ∂L/∂d = 1.0 · -2.0 = -2.0",
        "∂L/∂f = ∂L/∂L · ∂L/∂f = 1.0 · 4.0 = 4.0",
        "∂L/∂e = ∂L/∂d · ∂d/∂e = -2.0 · 1.0 = -2.0",
        "∂L/∂c = ∂L/∂d · ∂d/∂c = -2.0 · 1.0 = -2.0",
        "∂L/∂a = ∂L/∂e · ∂e/∂a = -2.0 · -3.0 = 6.0",
        "∂L/∂b = ∂L/∂e · ∂e/∂b = -2.0 · 2.0 = -4.0",
    ]


def test_forward_steps():
    assert [str(step) for step in wg.steps(expression()["L"], "forward")] == [
        "e = a·b = 2.0·(-3.0) = -6.0",
        "d = e + c = -6.0 + 10.0 = 4.0",
        "L = d·f = 4.0·(-2.0) = -8.0",
    ]


def test_a_value_used_twice_accumulates_in_sight():
    a = Value(3.0, label="a")
    b = a + a
    b.label = "b"
    first, second = wg.steps(b)
    assert first.first
    assert str(first) == "∂b/∂a = ∂b/∂b · 1 = 1.0 · 1.0 = 1.0"
    assert not second.first
    assert str(second) == "∂b/∂a += ∂b/∂b · 1 = 1.0 · 1.0 = 1.0, together 2.0"
    assert second.total == 2.0
    assert r"\mathrel{+}=" in second.tex


def test_steps_leave_gradients_alone_and_agree_with_backward():
    x, y = Value(0.7, label="x"), Value(-1.2, label="y")
    z = wg.sin(x * y) / (x + 2) + x**2 * wg.exp(y) - wg.where(x > y, x, y)
    z.backward()
    before = {node: node.grad for node in topological_order(z)}
    totals = {step.operand: step.total for step in wg.steps(z)}
    assert before == {node: node.grad for node in topological_order(z)}
    assert all(before[node] == total for node, total in totals.items())


def test_partial_and_formula_come_from_the_row():
    n = Value(0.5, label="n")
    o = n.tanh()
    o.label = "o"
    (step,) = wg.steps(o)
    assert step.formula == "1 - o²"
    assert step.partial == 1.0 - o.data * o.data
    assert step.node is o
    assert step.operand is n
    assert step.upstream == 1.0
    assert step.contribution == step.total == step.partial


def test_a_zero_gradient_adds_nothing():
    x = Value(0.0, label="x")
    y = wg.where(x > 0, wg.log(x), 2 * x)
    y.label = "y"
    steps = list(wg.steps(y))
    through_log = [step for step in steps if step.node._op == "log"]
    assert [(step.upstream, step.partial, step.contribution) for step in through_log] == [
        (0.0, math.inf, 0.0)
    ]


@pytest.mark.parametrize(
    ("function", "at", "upstream"),
    [
        (lambda x: wg.cbrt(wg.relu(x)), -2.0, math.inf),
        (lambda x: wg.sqrt(x * x), 0.0, math.inf),
        (lambda x: math.nan * wg.relu(x), -2.0, math.nan),
    ],
)
def test_a_zero_partial_passes_nothing_on(function, at, upstream):
    x = Value(at, label="x")
    last = list(wg.steps(function(x)))[-1]
    assert last.operand is x
    assert last.upstream == pytest.approx(upstream, nan_ok=True)
    assert (last.partial, last.contribution, last.total) == (0.0, 0.0, 0.0)


def own_square(x):
    out = Value(x.data**2, (x,), "square")

    def _backward():
        x.grad += 2 * x.data * out.grad

    out._backward = _backward
    return out


def test_an_operation_of_ones_own_is_stepped():
    x = Value(3.0, label="x")
    y = own_square(x) * 2
    y.label = "y"
    *_, step = wg.steps(y)
    assert str(step) == "∂y/∂x = ∂y/∂v1 · ∂v1/∂x = 2.0 · 6.0 = 12.0"
    assert step.formula == ""
    assert "underbrace" not in step.tex
    assert [str(step) for step in wg.steps(y, "forward")] == [
        "v1 = square(x) = square(3.0) = 9.0",
        "y = v1·v2 = 9.0·2.0 = 18.0",
    ]


def test_an_operation_of_ones_own_with_a_zero_gradient():
    x = Value(3.0, label="x")
    *_, step = wg.steps(own_square(x) * 0.0)
    assert (step.upstream, step.partial, step.contribution) == (0.0, 0.0, 0.0)


def test_tex_renders_in_notebooks():
    (step, *_) = wg.steps(expression()["L"])
    assert isinstance(step.tex, Tex)
    assert step._repr_latex_() == step.tex._repr_latex_()
    assert step._repr_latex_().startswith("$")
    assert step.tex == (
        r"\frac{\partial L}{\partial d} = \frac{\partial L}{\partial L} \cdot "
        r"\underbrace{f}_{\frac{\partial L}{\partial d}} = 1.0 \cdot (-2.0) = -2.0"
    )
    forward = next(wg.steps(expression()["L"], "forward"))
    assert forward.tex == r"e = a \cdot b = 2.0 \cdot (-3.0) = -6.0"
    assert forward._repr_latex_().startswith("$")


def test_tex_of_extreme_numbers():
    x = Value(1e200, label="x")
    assert r"\infty" in next(wg.steps(x * x, "forward")).tex
    assert r"= 1 \cdot 10^{200}" in next(wg.steps(x * 1.0, "forward")).tex
    assert r"\text{nan}" in next(wg.steps(x * math.nan, "forward")).tex


def test_a_leaf_has_no_steps():
    assert list(wg.steps(Value(1.0))) == []
    assert list(wg.steps(Value(1.0), "forward")) == []


def test_wrong_calls():
    with pytest.raises(TypeError, match="takes a Value.*not float"):
        wg.steps(1.0)
    with pytest.raises(ValueError, match=r'"backward" or "forward", not .sideways.'):
        wg.steps(Value(1.0), "sideways")


def test_a_long_chain_is_stepped_without_recursion():
    x = Value(1.0)
    for _ in range(20_000):
        x = x + 1.0
    assert sum(1 for _ in wg.steps(x)) == 40_000


def test_a_square_is_told_by_its_two_places():
    x = Value(2.0, label="x")
    f = x * x
    f.label = "f"
    assert [str(step) for step in wg.steps(f)] == [
        "∂f/∂x = ∂f/∂f · x = 1.0 · 2.0 = 2.0",
        "∂f/∂x += ∂f/∂f · x = 1.0 · 2.0 = 2.0, together 4.0",
    ]
    assert r"\cdot \left(x\right)" in next(wg.steps(f)).tex


def test_steps_show_themselves():
    steps = wg.steps(expression()["L"])
    assert repr(steps).splitlines() == [str(step) for step in wg.steps(expression()["L"])]
    first = next(steps)
    assert repr([first]) == f"[{first}]"
    assert repr(steps).splitlines() == [str(step) for step in steps]
    assert repr(steps) == "no steps"
    x = Value(1.0)
    for _ in range(100):
        x = x + 1.0
    assert repr(wg.steps(x, "forward")).splitlines()[-1] == "…"
    assert len(repr(wg.steps(x, "forward")).splitlines()) == 51
