"""Back-propagation: what `backward` adds, in which order, and what it leaves alone."""

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import wengert as wg
from programs import POLYNOMIAL, Program, exact, mp, programs
from wengert import Value
from wengert.chain_rule import contributions, push
from wengert.graph import topological_order

INTEGERS = st.integers(-5, 5).map(float)


def gradients(*nodes: Value) -> list[float]:
    return [node.grad for node in nodes]


# --- agreement with an independent reference ------------------------------------------------------


@given(programs(POLYNOMIAL, INTEGERS, max_steps=8))
def test_polynomials_of_small_integers_are_differentiated_exactly(program: Program) -> None:
    truth = exact(program)
    assume(all(abs(dual.number) < 2**50 and dual.scale < 2**50 for dual in truth))
    nodes = program.on_values()
    nodes[-1].backward()
    leaves = nodes[: len(program.leaves)]
    assert [Fraction(node.data) for node in nodes] == [dual.number for dual in truth]
    assert [Fraction(leaf.grad) for leaf in leaves] == list(truth[-1].tangent)


@given(programs())
def test_smooth_programs_agree_with_forward_mode_at_30_digits(program: Program) -> None:
    truth = exact(program, mp.mpf)
    assume(all(abs(dual.number) < 50 and dual.scale < 1e5 for dual in truth))
    nodes = program.on_values()
    nodes[-1].backward()
    for node, dual in zip(nodes, truth, strict=True):
        assert node.data == pytest.approx(float(dual.number), rel=1e-8, abs=1e-8)
    tolerance = 1e-8 * (1.0 + float(truth[-1].scale))
    for leaf, derivative in zip(nodes, truth[-1].tangent, strict=False):
        assert abs(leaf.grad - derivative) <= tolerance


@given(programs())
def test_twice_is_the_same_again(program: Program) -> None:
    nodes = program.on_values()
    count = len(program.leaves)
    nodes[-1].backward()
    first = gradients(*nodes)
    nodes[-1].backward()
    assume(all(map(math.isfinite, first)))
    assert gradients(*nodes[:count]) == [2.0 * grad for grad in first[:count]]
    assert gradients(*nodes[count:]) == first[count:]


@given(programs(POLYNOMIAL, INTEGERS, max_steps=6), st.data())
def test_gradients_of_two_roots_add_up_in_the_leaves(program: Program, data: st.DataObject) -> None:
    nodes = program.on_values()
    count = len(program.leaves)
    other = data.draw(st.sampled_from(nodes))
    separate = []
    for root in (nodes[-1], other):
        nodes[-1].zero_grad()
        other.zero_grad()
        for leaf in nodes[:count]:
            leaf.grad = 0.0
        root.backward()
        separate.append(gradients(*nodes[:count]))
    for node in nodes:
        node.grad = 0.0
    nodes[-1].backward()
    other.backward()
    assume(all(map(math.isfinite, separate[0] + separate[1])))
    assert gradients(*nodes[:count]) == [a + b for a, b in zip(*separate, strict=True)]


# --- the contract, case by case -------------------------------------------------------------------


def test_a_value_used_twice() -> None:
    a = Value(3.0)
    (a + a).backward()
    assert a.grad == 2.0


def test_a_diamond() -> None:
    x = Value(3.0)
    y = x * 2.0
    z = y * y + y
    z.backward()
    assert gradients(z, y, x) == [1.0, 13.0, 26.0]


def test_intermediates_hold_only_the_last_roots_gradient() -> None:
    x = Value(2.0)
    shared = x * x
    first, second = shared * 3.0, shared * 5.0
    first.backward()
    assert gradients(shared, x) == [3.0, 12.0]
    second.backward()
    assert gradients(shared, x) == [5.0, 12.0 + 20.0]
    assert first.grad == 1.0  # it is no part of the second root's graph


def test_what_stands_in_an_intermediate_is_forgotten_and_in_a_leaf_is_kept() -> None:
    x = Value(2.0)
    y = x * x
    z = y * 1.0
    x.grad, y.grad, z.grad = 100.0, 100.0, 100.0
    z.backward()
    assert gradients(z, y, x) == [1.0, 1.0, 104.0]


def test_a_gradient_of_several_terms_is_added_as_one() -> None:
    x = Value(0.1)
    y = x * 0.1 + x * 0.7 + x * x * x
    y.backward()
    once = x.grad
    for times in (2, 3):
        y.backward()
        assert x.grad == sum([once] * times)


def test_a_leaf_as_root_accumulates() -> None:
    x = Value(2.0)
    x.backward()
    x.backward()
    assert x.grad == 2.0


def test_partials_are_taken_at_the_data_as_it_stands() -> None:
    x, y = Value(2.0), Value(3.0)
    z = x * y
    y.data = 10.0
    z.backward()
    assert gradients(x, y) == [10.0, 2.0]


@pytest.mark.parametrize(
    ("untaken", "at"),
    [
        (wg.log, 0.0),
        (wg.log, -1.0),
        (wg.sqrt, 0.0),
        (lambda x: 1.0 / x, 0.0),
        (lambda x: wg.exp(x * 1e6), 1.0),
        (lambda x: x * math.inf, 0.0),
        (lambda x: x**-2, 0.0),
        (lambda x: wg.fma(x, math.inf, math.nan), 1.0),
    ],
)
def test_a_zero_adjoint_absorbs(untaken, at: float) -> None:
    x = Value(at)
    wg.where(False, untaken(x), 3.0 * x).backward()
    assert x.grad == 3.0


def test_a_zero_adjoint_absorbs_an_own_operation() -> None:
    x = Value(1.0)
    own = Value(math.inf, (x,), "own")

    def _backward() -> None:
        x.grad += math.nan

    own._backward = _backward
    wg.where(False, own, x).backward()
    assert x.grad == 1.0
    assert own.grad == 0.0


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (lambda x: wg.cbrt(wg.relu(x)), -2.0),  # inf · 0, in one operand
        (lambda x: wg.sqrt(x * x), 0.0),  # in two, both the same
        (lambda x: wg.sqrt(wg.hypot(x, 0.0)), 0.0),
        (lambda x: wg.sqrt(wg.fma(x, x, 0.0)), 0.0),  # in three
        (lambda x: wg.log(wg.maximum(x, 0.0)), -1.0),
        (lambda x: wg.log(x**3), 0.0),
        (lambda x: math.nan * wg.floor(x), 1.5),  # nan · 0
        (lambda x: wg.sqrt(-wg.exp(wg.relu(x))), -1.0),
        (lambda x: math.inf * wg.stop_gradient(x), 1.0),
    ],
)
def test_a_zero_partial_absorbs(function, at: float) -> None:
    x = Value(at)
    y = function(x)
    y.backward()
    assert x.grad == 0.0
    assert any(not math.isfinite(node.grad) for node in topological_order(y))  # it was needed


def test_a_zero_partial_absorbs_in_one_operand_only() -> None:
    x, y = Value(0.0), Value(2.0)
    wg.sqrt(x * y).backward()  # partials 2 and 0, upstream inf
    assert gradients(x, y) == [math.inf, 0.0]


@pytest.mark.parametrize("upstream", [math.nan, math.inf, -math.inf])
def test_push_and_contributions_let_a_zero_partial_absorb(upstream: float) -> None:
    x, y, w = Value(0.0), Value(2.0), Value(-1.0)
    for node, dependent in ((x * y, [x]), (wg.relu(w), []), (wg.where(True, y, w), [y])):
        added = contributions(node, upstream)
        for each in node.operands:
            each.grad = 0.0
        node.grad = upstream
        push(node)
        expected = [upstream if each in dependent else 0.0 for each in node.operands]
        for got in (added, gradients(*node.operands)):
            assert got == pytest.approx(expected, nan_ok=True)


def test_an_own_operation_adds_what_its_closure_says_and_absorbs_below() -> None:
    x = Value(-1.0)
    inner = wg.relu(x)
    own = Value(0.0, (inner,), "own")

    def _backward() -> None:
        inner.grad += math.nan * own.grad

    own._backward = _backward
    own.backward()
    assert math.isnan(inner.grad)  # the closure's own arithmetic is its own business
    assert x.grad == 0.0


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (abs, 0.0, 0.0),
        (wg.relu, 0.0, 0.0),
        (wg.sign, 2.0, 0.0),
        (lambda x: wg.clip(x, -1.0, 1.0), 1.0, 0.0),
        (lambda x: wg.clip(x, -1.0, 1.0), -1.0, 0.0),
        (lambda x: wg.maximum(x, 2.0), 2.0, 0.5),
        (lambda x: wg.minimum(2.0, x), 2.0, 0.5),
        (lambda x: wg.hypot(x, 0.0), 0.0, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**0.0, -3.0, 0.0),
        (lambda x: x ** Value(0.0), 0.0, 0.0),
        (lambda y: 0.0**y, 2.0, 0.0),
        (wg.sqrt, 0.0, math.inf),
        (wg.log, 0.0, math.inf),
        (lambda x: wg.atan2(x, 0.0), 0.0, math.nan),
        (wg.log, -1.0, math.nan),
        (lambda x: 1.0 / x, 0.0, -math.inf),
        (lambda x: x / 0.0, 1.0, math.inf),
        (wg.exp, 1000.0, math.inf),
        (wg.stop_gradient, 2.0, 0.0),
    ],
)
def test_kinks_and_poles(function, at: float, expected: float) -> None:
    x = Value(at)
    function(x).backward()
    assert x.grad == pytest.approx(expected, nan_ok=True)


def test_python_floats_that_raise_follow_ieee_on_one_two_and_three_operands() -> None:
    x, y = Value(1.0), Value(0.0)
    quotient = x / y  # partials (1/0, -inf/0): Python's own floats would raise
    assert quotient.data == math.inf
    quotient.backward()
    assert gradients(x, y) == [math.inf, -math.inf]
    z = Value(-0.0)
    (z**-1).backward()
    assert z.grad == -math.inf


def test_three_operands() -> None:
    c, x, y = Value(1.0), Value(2.0), Value(3.0)
    wg.where(c, x, y).backward()
    assert gradients(c, x, y) == [0.0, 1.0, 0.0]
    a, b, w = Value(2.0), Value(3.0), Value(4.0)
    wg.fma(a, b, w).backward()
    assert gradients(a, b, w) == [3.0, 2.0, 1.0]


def test_a_chain_of_100_000_needs_no_recursion() -> None:
    x = Value(1.0)
    y = x
    for _ in range(50_000):
        y = (y + x) * 1.0
    y.backward()
    assert y.data == 50_001.0
    assert x.grad == 50_001.0


def test_a_graph_of_exponentially_many_paths_is_walked_once() -> None:
    x = Value(1.0)
    y = x
    for _ in range(200):
        y = y + y
    y.backward()
    assert x.grad == 2.0**200


# --- one step by hand -----------------------------------------------------------------------------


def test_push_adds_one_nodes_gradient_to_its_operands() -> None:
    a, b = Value(2.0), Value(-3.0)
    e = a * b
    e.grad = -2.0
    push(e)
    assert gradients(a, b) == [6.0, -4.0]
    push(e)
    assert gradients(a, b) == [12.0, -8.0]


def test_push_of_a_leaf_does_nothing() -> None:
    a = Value(2.0)
    a.grad = 1.0
    push(a)
    assert a.grad == 1.0


def test_contributions_leave_every_gradient_alone() -> None:
    a, b = Value(2.0), Value(-3.0)
    a.grad, b.grad = 7.0, 8.0
    e = a * b
    assert contributions(e, -2.0) == [6.0, -4.0]
    assert contributions(a * a, 1.0) == [2.0, 2.0]
    assert contributions(e, 0.0) == [0.0, 0.0]
    assert contributions(a, 1.0) == []
    assert gradients(a, b, e) == [7.0, 8.0, 0.0]


def own_product(x: Value, y: Value) -> Value:
    out = Value(x.data * y.data, (x, y), "own")

    def _backward() -> None:
        x.grad += y.data * out.grad
        y.grad += x.data * out.grad

    out._backward = _backward
    return out


def test_contributions_of_an_own_operation() -> None:
    a, b = Value(2.0), Value(-3.0)
    a.grad, b.grad = 7.0, 8.0
    assert contributions(own_product(a, b), -2.0) == [6.0, -4.0]
    # One node, one gradient: what a closure adds for both places is credited to the first.
    assert contributions(own_product(a, a), 1.0) == [4.0, 0.0]
    assert gradients(a, b) == [7.0, 8.0]


def test_contributions_of_a_closure_that_raises_put_everything_back() -> None:
    a = Value(2.0)
    a.grad = 7.0
    out = Value(1.0, (a,), "own")
    out.grad = 5.0

    def _backward() -> None:
        a.grad += 1.0
        raise ZeroDivisionError

    out._backward = _backward
    with pytest.raises(ZeroDivisionError):
        contributions(out, 1.0)
    assert gradients(a, out) == [7.0, 5.0]


# --- exceptions on the way ------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_in_a_closure_restores_every_gradient(error: type[BaseException]) -> None:
    x, y = Value(2.0), Value(5.0)
    inner = x * y
    broken = Value(inner.data, (inner,), "broken")

    def _backward() -> None:
        inner.grad += 1.0
        raise error

    broken._backward = _backward
    root = broken + y
    for k, node in enumerate((x, y, inner, broken, root)):
        node.grad = float(k + 10)
    with pytest.raises(error):
        root.backward()
    assert gradients(x, y, inner, broken, root) == [10.0, 11.0, 12.0, 13.0, 14.0]


def test_an_operation_without_a_derivative_says_how_to_give_it_one() -> None:
    x = Value(2.0)
    out = Value(4.0, (x,), "double")
    out.label = "d"
    root = out * x
    with pytest.raises(
        wg.GraphError, match=r"d was made by your own operation 'double'.*_backward"
    ):
        root.backward()
    assert gradients(x, out, root) == [0.0, 0.0, 0.0]
    out.label = ""
    with pytest.raises(wg.GraphError, match="The node without a label"):
        root.backward()


def test_debug_nans_names_the_backward_step_and_restores() -> None:
    x, y = Value(0.0, label="x"), Value(5.0, label="y")
    with wg.debug_nans():
        root = wg.sqrt(x) * y
        root.label = "L"
        with pytest.raises(wg.NonFiniteError) as caught:
            root.backward()
    message = str(caught.value)
    assert "The gradient of x became inf in the backward step of sqrt(x)" in message
    assert "test_chain_rule.py:" in message
    assert "upstream gradient 5.0, x = 0.0" in message
    assert gradients(x, y, root) == [0.0, 0.0, 0.0]


def test_debug_nans_knows_no_line_for_a_node_made_outside() -> None:
    x = Value(0.0, label="x")
    root = wg.sqrt(x)
    with wg.debug_nans(), pytest.raises(wg.NonFiniteError) as caught:
        root.backward()
    assert "made at" not in str(caught.value)
    root.backward()
    assert x.grad == math.inf


def test_debug_nans_lets_a_gradient_that_was_infinite_before_stand() -> None:
    x = Value(2.0)
    x.grad = math.inf
    y = x * x
    with wg.debug_nans():
        y.backward()
    assert x.grad == math.inf
