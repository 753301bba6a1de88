"""The lesson, flow by flow, under its own names and with its own figures.

Where the published text gives every digit, ours must have every digit.
"""

import math

import numpy as np
import pytest

import wengert as wg
from wengert import Value, trace

B_NEURON = 6.8813735870195432


class Seed:
    """The lesson's first expression, L = (a·b + c)·f."""

    def __init__(self, a: float = 2.0, b: float = -3.0, c: float = 10.0, f: float = -2.0) -> None:
        self.a = Value(a, label="a")
        self.b = Value(b, label="b")
        self.c = Value(c, label="c")
        self.f = Value(f, label="f")
        self.e = self.a * self.b
        self.e.label = "e"
        self.d = self.e + self.c
        self.d.label = "d"
        self.L = self.d * self.f
        self.L.label = "L"

    def nodes(self) -> dict[str, Value]:
        return vars(self)


class Neuron:
    """o = tanh(x1·w1 + x2·w2 + b)."""

    def __init__(self, bias: float = B_NEURON) -> None:
        self.x1, self.x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
        self.w1, self.w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
        self.b = Value(bias, label="b")
        self.x1w1 = self.x1 * self.w1
        self.x2w2 = self.x2 * self.w2
        self.both = self.x1w1 + self.x2w2
        self.n = self.both + self.b
        self.o = self.n.tanh()

    def gradients(self) -> dict[str, float]:
        return {name: node.grad for name, node in vars(self).items()}


SEED_GRADIENTS = {"L": 1.0, "f": 4.0, "d": -2.0, "c": -2.0, "e": -2.0, "a": 6.0, "b": -4.0}


def f(x):
    return 3 * x**2 - 4 * x + 5


# --- 1. the slope of a function -------------------------------------------------------------------


def test_flow_1_a_parabola() -> None:
    assert f(3.0) == 20.0
    assert f(Value(3.0)).data == 20.0
    x = Value(3.0)
    f(x).backward()
    assert x.grad == 14.0
    h = 1e-10
    assert abs((f(2 / 3 + h) - f(2 / 3)) / h) < 1e-4
    bottom = Value(2 / 3)
    f(bottom).backward()
    assert bottom.grad == pytest.approx(0.0, abs=1e-15)


def test_flow_1_over_a_range() -> None:
    xs = np.arange(-5, 5, 0.25)
    ys = f(np.array([Value(x) for x in xs]))
    assert len(ys) == 40
    assert [y.data for y in ys] == [f(float(x)) for x in xs]


@pytest.mark.parametrize(("name", "slope"), [("a", -3.0), ("b", 2.0), ("c", 1.0)])
def test_flow_1_slopes_of_three_inputs(name: str, slope: float) -> None:
    h = 1e-5
    at = {"a": 2.0, "b": -3.0, "c": 10.0}
    values = {key: Value(number) for key, number in at.items()}
    d = values["a"] * values["b"] + values["c"]
    assert d.data == 4.0
    before = d.data
    values[name].data += h
    assert (d.forward().data - before) / h == pytest.approx(slope, rel=1e-9)
    values[name].data -= h
    d.forward().backward()
    assert values[name].grad == slope


# --- 2. and 3. building, and filling by hand ------------------------------------------------------


def test_flow_2_the_expression() -> None:
    seed = Seed()
    assert repr(seed.L) == "Value(data=-8.0)"
    assert (seed.e.data, seed.d.data) == (-6.0, 4.0)
    assert (seed.e._op, seed.d._op, seed.L._op) == ("*", "+", "*")
    assert seed.d._prev == {seed.e, seed.c}
    nodes, edges = trace(seed.L)
    assert len(nodes) == 7
    assert len(edges) == 6
    operations = [node for node in nodes if node._op]
    assert len(operations) == 3
    assert len(edges) + len(operations) == 9  # the picture's edges
    assert f"{seed.d.data:.4f} | {seed.d.grad:.4f}" == "4.0000 | 0.0000"


def test_flow_3_filled_by_hand_one_at_a_time() -> None:
    seed = Seed()
    for name, gradient in SEED_GRADIENTS.items():
        assert seed.nodes()[name].grad == 0.0
        seed.nodes()[name].grad = gradient
    by_hand = {name: node.grad for name, node in seed.nodes().items()}
    seed.L.zero_grad()
    seed.L.backward()
    assert {name: node.grad for name, node in seed.nodes().items()} == by_hand == SEED_GRADIENTS


# --- 4. verified by nudging -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "h", "printed"),
    [
        ("L", 1e-3, 1.000000000000334),
        ("d", 1e-3, -2.000000000000668),
        ("f", 1e-5, 4.000000000026205),
        ("c", 1e-7, -1.999999987845058),
        ("e", 1e-5, -1.9999999999242843),
        ("a", 1e-5, 6.000000000128124),
        ("b", 1e-5, -4.000000000026205),
    ],
)
def test_flow_4_every_digit_of_the_differences(name: str, h: float, printed: float) -> None:
    def expression(nudged: str = "") -> float:
        numbers = {"a": 2.0, "b": -3.0, "c": 10.0, "f": -2.0}
        values = {key: Value(number) for key, number in numbers.items()}
        if nudged in values:
            values[nudged].data += h
        e = values["a"] * values["b"]
        e.data += h * (nudged == "e")
        d = e + values["c"]
        d.data += h * (nudged == "d")
        result = d * values["f"]
        return result.data + h * (nudged == "L")

    difference = (expression(name) - expression()) / h
    assert difference == printed
    assert difference == pytest.approx(SEED_GRADIENTS[name], rel=1e-7)


# --- 5. a step along the gradient -----------------------------------------------------------------


def test_flow_5_two_steps_with_the_same_gradients() -> None:
    seed = Seed()
    seed.L.backward()
    results = []
    for _ in range(2):
        for leaf in (seed.a, seed.b, seed.c, seed.f):
            leaf.data += 0.01 * leaf.grad
        rebuilt = (seed.a * seed.b + seed.c) * seed.f
        assert seed.L.forward().data == rebuilt.data
        results.append(rebuilt.data)
    assert results == [-7.286496, -6.586368000000001]


def test_flow_5_as_one_notebook_printed_it() -> None:
    seed = Seed()
    seed.L.backward()
    for leaf in (seed.a, seed.b, seed.c, seed.f, seed.a, seed.b, seed.c):
        leaf.data += 0.01 * leaf.grad
    assert seed.L.forward().data == -6.723584000000001


# --- 6. the neuron --------------------------------------------------------------------------------

NEURON_GRADIENTS = {
    "o": 1.0, "n": 0.5, "b": 0.5, "both": 0.5, "x1w1": 0.5, "x2w2": 0.5,
    "x1": -1.5, "w1": 1.0, "x2": 0.5, "w2": 0.0,
}  # fmt: skip


def test_flow_6_the_neuron() -> None:
    neuron = Neuron()
    neuron.o.backward()
    assert neuron.gradients() == pytest.approx(NEURON_GRADIENTS, rel=1e-12)
    assert neuron.o.data == pytest.approx(math.sqrt(0.5), rel=1e-12)


def test_flow_6_with_the_other_bias_every_digit() -> None:
    neuron = Neuron(6.787875467865)
    assert neuron.n.data == 0.7878754678649997
    assert neuron.o.data == 0.657203809653529
    neuron.o.backward()
    assert neuron.x1w1.grad == 0.5680831525768881


def test_flow_6_tanh_taken_apart() -> None:
    whole, parts = Neuron(), Neuron()
    e = (2 * parts.n).exp()
    o = (e - 1) / (e + 1)
    o.backward()
    whole.o.backward()
    assert o.data == pytest.approx(whole.o.data, rel=1e-14)
    for name in ("x1", "w1", "x2", "w2", "b", "n"):
        assert getattr(parts, name).grad == pytest.approx(getattr(whole, name).grad, rel=1e-12)


# --- 7., 9. and 10. backward by hand --------------------------------------------------------------


def test_flow_7_one_node_at_a_time() -> None:
    neuron, automatic = Neuron(), Neuron()
    neuron.o.grad = 1.0
    neuron.o._backward()
    assert neuron.n.grad == pytest.approx(0.5)
    assert neuron.x1.grad == 0.0
    neuron.n._backward()
    neuron.b._backward()  # a leaf: nothing happens
    neuron.both._backward()
    neuron.x2w2._backward()
    neuron.x1w1._backward()
    automatic.o.backward()
    assert neuron.gradients() == automatic.gradients()


def test_flow_9_the_lessons_recursive_order() -> None:
    neuron = Neuron()
    topo: list[Value] = []
    visited = set()

    def build_topo(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build_topo(child)
            topo.append(v)

    build_topo(neuron.o)
    assert len(topo) == 10
    assert topo[-1] is neuron.o
    neuron.o.grad = 1.0
    for node in reversed(topo):
        node._backward()
    automatic = Neuron()
    automatic.o.backward()
    assert neuron.gradients() == automatic.gradients()


def test_flow_10_nine_gradients_by_the_chain_rule() -> None:
    neuron = Neuron()
    neuron.o.grad = 1.0
    neuron.n.grad = 1 - neuron.o.data**2
    neuron.b.grad = neuron.both.grad = neuron.n.grad
    neuron.x1w1.grad = neuron.x2w2.grad = neuron.both.grad
    neuron.x1.grad = neuron.w1.data * neuron.x1w1.grad
    neuron.w1.grad = neuron.x1.data * neuron.x1w1.grad
    neuron.x2.grad = neuron.w2.data * neuron.x2w2.grad
    neuron.w2.grad = neuron.x2.data * neuron.x2w2.grad
    automatic = Neuron()
    automatic.o.backward()
    assert neuron.gradients() == automatic.gradients()


# --- 8. used twice --------------------------------------------------------------------------------


def test_flow_8_a_value_used_twice() -> None:
    a = Value(3.0, label="a")
    b = a + a
    b.backward()
    assert a.grad == 2.0
    x, y = Value(-2.0), Value(3.0)
    d, e = x * y, x + y
    product = d * e
    product.backward()
    assert (x.grad, y.grad) == (-3.0, -8.0)


# --- the lesson's ways of writing, with nothing but our class -------------------------------------


def test_an_operation_written_inside_the_lesson() -> None:
    def tanh(self):
        t = (math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)
        out = Value(t, (self,), "tanh")

        def _backward():
            self.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out

    x = Value(0.8814)
    out = tanh(x)
    out.backward()
    assert out._op == "tanh"
    assert x.grad == pytest.approx(1 - math.tanh(0.8814) ** 2)


def test_numbers_on_either_side() -> None:
    a = Value(2.0)
    assert [(a + 1).data, (1 + a).data, (2 * a).data, (a / 4).data, (1 - a).data] == [
        3.0, 3.0, 4.0, 0.5, -1.0,
    ]  # fmt: skip
    assert (1 / a).data == 0.5


def test_tanh_of_a_large_number_does_not_overflow() -> None:
    x = Value(1000.0)
    y = x.tanh()
    y.backward()
    assert y.data == 1.0
    assert x.grad == 0.0


def test_a_sum_of_squares_from_zero() -> None:
    targets, outputs = [1.0, -1.0], [Value(0.5), Value(0.25)]
    loss = sum((out - target) ** 2 for target, out in zip(targets, outputs, strict=True))
    assert isinstance(loss, Value)
    assert loss.data == 0.25 + 1.5625
    loss.backward()
    assert [out.grad for out in outputs] == [-1.0, 2.5]


def test_descent_on_a_small_perceptron() -> None:
    rng = np.random.default_rng(3)
    weights = [Value(w) for w in rng.uniform(-1, 1, 4)]
    examples = [((2.0, 3.0), 1.0), ((3.0, -1.0), -1.0), ((0.5, 1.0), -1.0), ((1.0, 1.0), 1.0)]
    losses = []
    for _ in range(50):
        loss = Value(0.0)
        for xs, target in examples:
            act = sum((w * x for w, x in zip(weights, xs, strict=False)), weights[2])
            loss += (act.tanh() * weights[3] - target) ** 2
        for w in weights:
            w.grad = 0.0
        loss.backward()
        for w in weights:
            w.data += -0.05 * w.grad
        losses.append(loss.data)
    assert losses[-1] < 0.8 * losses[0]


def test_the_expression_of_micrograds_readme() -> None:
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_the_names_of_the_lesson_are_public() -> None:
    for name in ("Value", "draw_dot", "trace"):
        assert hasattr(wg, name)
