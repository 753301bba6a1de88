"""Operations of the user's own, made the lesson's way."""

import _thread
import copy
import functools
import gc
import math
import operator
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import wengert as wg
from awaiting import awaited
from wengert import Value
from wengert.own import replaced

CANNOT = "cannot be computed again"


def sinc(x: Value) -> Value:
    out = Value(math.sin(x.data) / x.data, (x,), "sinc")

    def _backward() -> None:
        x.grad += (math.cos(x.data) - out.data) / x.data * out.grad

    out._backward = _backward
    return out


def sinc_at(x: float) -> float:
    return math.sin(x) / x


def sinc_slope(x: float) -> float:
    return (math.cos(x) - sinc_at(x)) / x


def moved(root: Value, leaf: Value, to: float) -> float:
    """The root's number after a leaf has moved."""
    leaf.data = to
    return root.forward().data


# --- taking part like any other -------------------------------------------------------------------


def test_backward_forward_and_backward_again() -> None:
    x = Value(2.0)
    y = sinc(x) * 3.0
    assert y.data == 3.0 * sinc_at(2.0)
    y.backward()
    assert x.grad == pytest.approx(3.0 * sinc_slope(2.0))
    assert moved(y, x, 1.25) == 3.0 * sinc_at(1.25)
    x.grad = 0.0
    y.backward()
    assert x.grad == pytest.approx(3.0 * sinc_slope(1.25))


def test_one_after_the_other() -> None:
    x = Value(2.0)
    y = sinc(sinc(x))
    y.backward()
    assert x.grad == pytest.approx(sinc_slope(sinc_at(2.0)) * sinc_slope(2.0))
    assert moved(y, x, 1.0) == sinc_at(sinc_at(1.0))


def test_a_node_of_ones_own_by_hand() -> None:
    x = Value(2.0)
    out = sinc(x)
    out.grad = 2.0
    out._backward()
    assert x.grad == pytest.approx(2.0 * sinc_slope(2.0))
    assert out._op == "sinc"
    assert out._forward(1.0) == sinc_at(1.0)
    assert out.data == sinc_at(2.0)


def test_several_operands_and_one_that_stands_twice() -> None:
    def area(width: Value, height: Value) -> Value:
        out = Value(width.data * height.data, (width, height), "area")

        def _backward() -> None:
            width.grad += height.data * out.grad
            height.grad += width.data * out.grad

        out._backward = _backward
        return out

    a, b = Value(2.0), Value(3.0)
    product = area(a, b)
    product.backward()
    assert (a.grad, b.grad) == (3.0, 2.0)
    assert moved(product, a, 10.0) == 30.0
    square = area(b, b)
    b.grad = 0.0
    square.backward()
    assert b.grad == 6.0
    assert moved(square, b, 5.0) == 25.0


@pytest.mark.parametrize("collect", [list, tuple])
def test_a_collection_of_operands(collect: Callable[[Any], Any]) -> None:
    def total(xs: Any) -> Value:
        out = Value(sum(x.data for x in xs), xs, "total")

        def _backward() -> None:
            for x in xs:
                x.grad += out.grad

        out._backward = _backward
        return out

    xs = collect([Value(1.0), Value(2.0), Value(3.0)])
    y = total(xs)
    y.backward()
    assert [x.grad for x in xs] == [1.0, 1.0, 1.0]
    assert moved(y, xs[1], 20.0) == 24.0


def test_an_object_array_of_operands() -> None:
    def total(xs: Any) -> Value:
        out = Value(sum(x.data for x in xs), xs, "total")
        out._backward = lambda: None
        return out

    xs = np.array([Value(1.0), Value(2.0)])
    assert moved(total(xs), xs[0], 5.0) == 7.0


def test_star_arguments_keywords_and_constants() -> None:
    def weighted(first: Value, *rest: Value, scale: float, **named: Value) -> Value:
        every = (first, *rest, *named.values())
        out = Value(scale * sum(x.data for x in every), every, "weighted")

        def _backward() -> None:
            for x in every:
                x.grad += scale * out.grad

        out._backward = _backward
        return out

    a, b, c, d = (Value(float(k)) for k in range(4))
    y = weighted(a, b, c, scale=2.0, last=d)
    y.backward()
    assert [x.grad for x in (a, b, c, d)] == [2.0] * 4
    for leaf, result in ((a, 32.0), (b, 50.0), (c, 66.0), (d, 80.0)):
        assert moved(y, leaf, 10.0) == result


class Neuron(Value):
    """A subclass with an operation as a method, whose body has cells of its own."""

    def scaled(self, factor: Value, offset: float = 1.0) -> Value:
        out = type(self)(self.data * factor.data + offset, (self, factor), "scaled")

        def _backward() -> None:
            self.grad += factor.data * out.grad
            factor.grad += self.data * out.grad

        out._backward = _backward
        return out


class Counted(Neuron):
    """Its constructor stands between the operation and that of Value."""

    made = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        type(self).made += 1


@pytest.mark.parametrize("kind", [Neuron, Counted])
def test_a_method_of_a_subclass(kind: type[Neuron]) -> None:
    x, factor = kind(2.0), Value(3.0)
    y = x.scaled(factor, offset=0.5)
    assert type(y) is kind
    y.backward()
    assert (x.grad, factor.grad) == (3.0, 2.0)
    assert moved(y, x, 4.0) == 12.5


def test_closures_made_in_a_loop_each_keep_their_own() -> None:
    def power(exponent: int) -> Callable[[Value], Value]:
        def apply(x: Value) -> Value:
            out = Value(x.data**exponent, (x,), f"power{exponent}")

            def _backward() -> None:
                x.grad += exponent * x.data ** (exponent - 1) * out.grad

            out._backward = _backward
            return out

        return apply

    x = Value(2.0)
    results = [power(exponent)(x) for exponent in (1, 2, 3)]
    assert [moved(y, x, 3.0) for y in results] == [3.0, 9.0, 27.0]
    for y in results:
        y.backward()
    assert x.grad == 1.0 + 6.0 + 27.0


def test_a_loop_in_one_function_makes_many_nodes() -> None:
    def all_doubled(xs: list[Value]) -> list[Value]:
        results = []
        for x in xs:
            out = Value(2.0 * x.data, (x,), "double")
            out._backward = functools.partial(push_double, x, out)
            results.append(out)
        return results

    def push_double(x: Value, out: Value) -> None:
        x.grad += 2.0 * out.grad

    xs = [Value(1.0), Value(2.0), Value(3.0)]
    results = all_doubled(xs)
    assert moved(results[1], xs[1], 10.0) == 20.0
    assert moved(results[2], xs[2], 100.0) == 200.0
    results[2].backward()
    assert [x.grad for x in xs] == [0.0, 0.0, 2.0]


def test_two_nodes_of_one_name_in_one_function_are_not_confused() -> None:
    def quarter(x: Value) -> tuple[Value, Value]:
        half = Value(x.data / 2.0, (x,), "half")
        half._backward = lambda: None
        eighth = Value(x.data / 8.0, (x,), "half")
        eighth._backward = lambda: None
        return half, eighth

    x = Value(2.0)
    half, eighth = quarter(x)
    assert moved(half, x, 16.0) == 8.0
    assert moved(eighth, x, 32.0) == 4.0


def test_the_function_is_left_as_soon_as_the_node_is_made() -> None:
    calls = []

    def traced(x: Value) -> Value:
        calls.append("in")
        out = Value(2.0 * x.data, (x,), "double")
        out._backward = lambda: None
        calls.append("out")
        return out * 3.0  # not even what it returns matters

    x = Value(1.0)
    y = traced(x)
    assert moved(y, x, 5.0) == 30.0
    assert calls == ["in", "out", "in"]


def test_what_is_remade_leaves_the_graph_and_its_gradients_alone() -> None:
    x = Value(2.0, label="x")
    y = sinc(x)
    x.grad, y.grad = 5.0, 7.0
    before = y.operands
    y.forward()
    assert (x.grad, y.grad, y.operands, x.label) == (5.0, 7.0, before, "x")
    assert all(map(operator.is_, y.operands, before))


# --- what cannot be made again --------------------------------------------------------------------


def assert_cannot_evaluate(root: Value, name: str) -> None:
    data = root.data
    with pytest.raises(wg.GraphError, match=f"'{name}'.*{CANNOT}.*_forward = "):
        root.forward()
    assert root.data == data


def test_without_a_function_around_it() -> None:
    namespace: dict[str, Any] = {"Value": Value, "x": Value(2.0)}
    exec("out = Value(4.0, (x,), 'double')\nout._backward = lambda: None", namespace)
    assert_cannot_evaluate(namespace["out"], "double")


def test_in_a_class_body() -> None:
    x = Value(2.0)

    class Holder:
        out = Value(4.0, (x,), "double")
        out._backward = lambda: None

    assert_cannot_evaluate(Holder.out, "double")


def test_a_function_that_assigns_no_backward_is_never_run_again() -> None:
    calls = []

    def launch(x: Value) -> Value:
        calls.append(1)
        return Value(2.0 * x.data, (x,), "launch")

    y = launch(Value(2.0))
    assert_cannot_evaluate(y, "launch")
    assert calls == [1]


def test_a_function_that_only_calls_backward_is_never_run_again() -> None:
    calls = []

    def train(x: Value) -> Value:
        calls.append(1)
        (x * x)._backward()
        return Value(2.0 * x.data, (x,), "train")

    assert_cannot_evaluate(train(Value(2.0)), "train")
    assert calls == [1]


def test_a_function_whose_operands_are_no_arguments() -> None:
    x = Value(2.0)

    def double() -> Value:
        out = Value(2.0 * x.data, (x,), "double")
        out._backward = lambda: None
        return out

    assert_cannot_evaluate(double(), "double")


def test_an_operand_made_inside_the_function() -> None:
    def double_of_next(x: Value) -> Value:
        inner = x + 1.0
        out = Value(2.0 * inner.data, (inner,), "double")
        out._backward = lambda: None
        return out

    assert_cannot_evaluate(double_of_next(Value(2.0)), "double")


def test_a_node_made_by_no_python_code() -> None:
    x = Value(2.0)
    out = Value.__new__(Value)
    _thread.start_new_thread(Value.__init__, (out, 4.0, (x,), "double"))
    while not (hasattr(out, "_notes") and out._op):
        time.sleep(0.001)
    assert_cannot_evaluate(out, "double")


def test_a_generator() -> None:
    def doubles(x: Value) -> Iterator[Value]:
        out = Value(2.0 * x.data, (x,), "double")
        out._backward = lambda: None
        yield out

    assert_cannot_evaluate(next(doubles(Value(2.0))), "double")


def test_a_coroutine() -> None:
    async def double(x: Value) -> Value:
        out = Value(2.0 * x.data, (x,), "double")
        out._backward = lambda: None
        return out

    assert_cannot_evaluate(awaited(double(Value(2.0))), "double")


def test_a_function_that_takes_another_branch() -> None:
    def positive_part(x: Value) -> Value:
        if x.data <= 0.0:
            return Value(0.0)
        out = Value(x.data, (x,), "positive")
        out._backward = lambda: None
        return out

    x = Value(2.0)
    y = positive_part(x)
    assert moved(y, x, 3.0) == 3.0
    x.data = -1.0
    assert_cannot_evaluate(y, "positive")


def test_a_function_with_a_variable_not_yet_bound() -> None:
    def outer() -> Value:
        def double(x: Value) -> Value:
            out = Value(2.0 * x.data, (x,), "double")
            out._backward = lambda: later
            return out

        made = double(Value(2.0))
        later = None
        return made

    assert_cannot_evaluate(outer(), "double")


def test_a_function_that_deletes_an_argument() -> None:
    def double(x: Value, unused: float) -> Value:
        del unused
        out = Value(2.0 * x.data, (x,), "double")
        out._backward = lambda: None
        return out

    assert_cannot_evaluate(double(Value(2.0), 1.0), "double")


def test_a_function_that_differentiates_what_it_makes_ends() -> None:
    def study(x: Value) -> Value:
        inner = helper(x)
        inner.forward()
        out = Value(inner.data, (x,), "study")
        out._backward = lambda: None
        return out

    def helper(x: Value) -> Value:
        out = Value(2.0 * x.data, (x,), "helper")
        out._backward = lambda: None
        return out

    y = study(Value(2.0))
    assert_cannot_evaluate(y, "helper")  # no function is repeated within a repetition


def test_an_error_of_the_function_comes_through_and_nothing_is_lost() -> None:
    def root_of(x: Value) -> Value:
        out = Value(math.sqrt(x.data), (x,), "root")
        out._backward = lambda: None
        return out

    x = Value(4.0)
    y = root_of(x)
    z = y * 1.0
    x.data = -4.0
    with pytest.raises(ValueError, match="math domain"):
        z.forward()
    assert (y.data, z.data) == (2.0, 2.0)
    assert moved(z, x, 9.0) == 3.0


def test_a_function_assigned_to_forward_helps() -> None:
    x = Value(2.0)
    out = Value(4.0, (x,), "double")
    out._forward = lambda number: 2.0 * number
    assert moved(out, x, 5.0) == 10.0
    assert out._forward(1.0) == 2.0
    with pytest.raises(wg.GraphError, match="_backward"):
        out.backward()


@pytest.mark.parametrize("attribute", ["_backward", "_forward"])
def test_only_a_function_is_taken(attribute: str) -> None:
    x = Value(2.0)
    y = x * x
    with pytest.raises(wg.OperandError, match=f"{attribute} is a function, not float 3.0"):
        setattr(y, attribute, 3.0)
    y.backward()
    assert x.grad == 4.0


# --- a built-in operation made one's own ----------------------------------------------------------


def test_backward_of_a_built_in_operation_can_be_replaced() -> None:
    x = Value(2.0)
    y = x * x
    before = y._op

    def straight_through() -> None:
        x.grad += y.grad

    y._backward = straight_through
    assert y._backward is straight_through
    z = y * 3.0
    z.backward()
    assert x.grad == 3.0
    assert y._op == before
    assert moved(z, x, 3.0) == 27.0


def test_backward_of_a_leaf_is_kept_and_never_called_by_itself() -> None:
    x = Value(2.0)
    calls = []
    x._backward = lambda: calls.append(1)
    (x * x).backward()
    assert x.grad == 4.0
    assert not calls
    x._backward()
    assert calls == [1]


# --- debug_nans -----------------------------------------------------------------------------------


def test_debug_nans_sees_an_own_operation() -> None:
    x = Value(2.0, label="x")
    with wg.debug_nans(), pytest.raises(wg.NonFiniteError, match=r"bad\(x\) made nan from x = 2.0"):
        Value(math.nan, (x,), "bad")


# --- lifetime -------------------------------------------------------------------------------------


def test_the_cycle_of_an_own_operation_is_collected() -> None:
    x = Value(2.0)
    y = sinc(x)
    node, leaf = weakref.ref(y), weakref.ref(x)
    del x, y
    gc.collect()
    assert node() is None
    assert leaf() is None


# --- copies over other nodes ----------------------------------------------------------------------


def test_deepcopy_binds_the_closure_to_the_copies() -> None:
    x = Value(2.0)
    y = sinc(x) * 1.0
    twin = copy.deepcopy(y)
    twin.backward()
    leaf = twin.operands[0].operands[0]
    assert leaf.grad == pytest.approx(sinc_slope(2.0))
    assert x.grad == 0.0
    assert moved(twin, leaf, 1.0) == sinc_at(1.0)
    assert (x.data, y.data) == (2.0, sinc_at(2.0))
    y.backward()
    assert x.grad == pytest.approx(sinc_slope(2.0))


def test_copy_binds_the_closure_to_the_copy_and_the_same_operands() -> None:
    x = Value(2.0)
    y = sinc(x)
    twin = copy.copy(y)
    twin.backward()
    assert x.grad == pytest.approx(sinc_slope(2.0))
    assert (twin.grad, y.grad) == (1.0, 0.0)


def push_from(x: Value, out: Value) -> None:
    x.grad += 2.0 * out.grad


class Doubled(Value):
    def push(self) -> None:
        for operand in self.operands:
            operand.grad += 2.0 * self.grad


def _by_list(x: Value, out: Value) -> Any:
    nodes = [(x, out)]

    def _backward() -> None:
        for leaf, node in nodes:
            leaf.grad += 2.0 * node.grad

    return _backward


def _by_dict(x: Value, out: Value) -> Any:
    nodes = {"x": x, "out": out, "factor": 2.0}

    def _backward() -> None:
        nodes["x"].grad += nodes["factor"] * nodes["out"].grad  # type: ignore[attr-defined]

    return _backward


def _by_array(x: Value, out: Value) -> Any:
    nodes = np.array([x, out])

    def _backward() -> None:
        nodes[0].grad += 2.0 * nodes[1].grad

    return _backward


def _by_default(x: Value, out: Value) -> Any:
    def _backward(x: Value = x, *, out: Value = out) -> None:
        x.grad += 2.0 * out.grad

    return _backward


def _by_helper(x: Value, out: Value) -> Any:
    def helper(times: int) -> None:
        if times:  # refers to itself
            x.grad += out.grad
            helper(times - 1)

    def _backward() -> None:
        helper(2)

    return _backward


def _by_partial(x: Value, out: Value) -> Any:
    return functools.partial(push_from, x, out=out)


def _by_method(x: Value, out: Value) -> Any:
    return out.push  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "closure", [_by_list, _by_dict, _by_array, _by_default, _by_helper, _by_partial, _by_method]
)
def test_however_a_closure_holds_its_nodes_a_copy_holds_the_copies(closure: Any) -> None:
    x = Value(3.0)
    out = Doubled(6.0, (x,), "double")
    out._backward = closure(x, out)
    twin = copy.deepcopy(out)
    twin.backward()
    assert (x.grad, out.grad) == (0.0, 0.0)
    assert twin.operands[0].grad == 2.0
    out.backward()
    assert x.grad == 2.0
    assert twin.operands[0].grad == 2.0


def test_what_refers_to_no_node_stays_itself() -> None:
    x = Value(1.0)

    def free(unused: int = 3) -> float:
        return factor[0] + math.pi

    factor = [2.0]
    loop: list[Any] = [1.0]
    loop.append(loop)
    for thing in (free, factor, loop, len, {"a": 1}, np.array([1.0]), np.array([None, 2]), x, None):
        assert replaced(thing, {id(Value(2.0)): None}) is thing


def test_counters_that_closures_share_stay_shared() -> None:
    x = Value(1.0)
    calls = 0

    def count() -> Value:
        nonlocal calls
        calls += 1
        return x

    other = Value(2.0)
    twin = replaced(count, {id(x): other})
    assert twin() is other
    assert count() is x
    assert calls == 2


def test_a_function_keeps_its_name_and_attributes() -> None:
    x = Value(1.0)

    def named() -> Value:
        """What it does."""
        return x

    named.note = "kept"  # type: ignore[attr-defined]
    twin = replaced(named, {id(x): None})
    assert (twin.__name__, twin.__qualname__, twin.__doc__, twin.note) == (
        "named", named.__qualname__, "What it does.", "kept",
    )  # fmt: skip


def test_an_empty_cell_stays_empty() -> None:
    x = Value(1.0)

    def refers_to_later() -> Any:
        return x, later

    twin = replaced(refers_to_later, {id(x): "other"})
    with pytest.raises(NameError):
        twin()
    later = 1
    assert twin() == ("other", 1)


def test_sets_and_tuples_are_rebuilt_only_where_they_change() -> None:
    x, other = Value(1.0), Value(2.0)
    kept = (1, [2])
    assert replaced({x}, {id(x): other}) == {other}
    result = replaced((x, kept), {id(x): other})
    assert result == (other, kept)
    assert result[1] is kept


class Scale:
    """A layer that keeps what it was last called with, as layers written by hand often do."""

    def __init__(self, k: float) -> None:
        self.k = k

    def __call__(self, x: Value) -> Value:
        self.x = x
        self.out = out = Value(self.k * x.data, (x,), "scale")

        def _backward() -> None:
            self.x.grad += self.k * self.out.grad

        out._backward = _backward
        return out


def test_a_function_that_leaves_something_behind_is_not_called_again() -> None:
    x = Value(3.0, label="x")
    root = Scale(3.0)(x) * 2.0
    with pytest.raises(wg.GraphError, match="assign out._forward"):
        root.forward()
    assert wg.check(root)["x"].verdict == "cannot check"
    root.backward()
    assert x.grad == 6.0


SEEN: dict[str, Any] = {}


def test_a_closure_that_reaches_its_nodes_otherwise_is_not_copied() -> None:
    x = Value(3.0)
    layer = Scale(3.0)(x)
    SEEN["x"], SEEN["out"] = x, layer

    def by_global() -> None:
        SEEN["x"].grad += 3.0 * SEEN["out"].grad

    for closure in (layer._backward, by_global):
        layer._backward = closure
        for copier in (copy.copy, copy.deepcopy):
            with pytest.raises(wg.GraphError, match="cannot be copied"):
                copier(layer)
    layer.backward()
    assert x.grad == 3.0
