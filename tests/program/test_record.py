"""record(): arguments and results of every kind, functions of every kind, and Values' graphs."""

import functools
import math
import operator
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from evaluate import bits, walked
from twins import TWINS, details, items, recorded

import wengert as wg
from wengert import plain
from wengert.errors import OperandError
from wengert.graph import topological_order
from wengert.program.address import INPUT, Address
from wengert.program.record import name_of, parameters, record
from wengert.program.statements import Guard, Run

pytestmark = pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)


# --- functions ------------------------------------------------------------------------------------


def plus(x: Any, y: Any = 2.0, *more: Any, scale: float = 1.0) -> Any:
    return (x + y + sum(more)) * scale


class Model:
    def __init__(self, weight: float = 3.0) -> None:
        self.weight = weight

    def __call__(self, x: Any) -> Any:
        return self.weight * x

    def method(self, x: Any) -> Any:
        return x + self.weight

    @staticmethod
    def static(x: Any, y: Any) -> Any:
        return x * y

    @classmethod
    def of_class(cls, x: Any) -> Any:
        return -x


@pytest.mark.parametrize(
    ("function", "example", "names", "name", "result"),
    [
        (plus, (1.0,), ("x",), "plus", 3.0),
        (plus, (1.0, 5.0), ("x", "y"), "plus", 6.0),
        (plus, (1.0, 5.0, 1.0, 2.0), ("x", "y", "more0", "more1"), "plus", 9.0),
        (lambda x0, *x: x0 + sum(x), (1.0, 2.0, 3.0), ("x0", "x1", "x2"), "program", 6.0),
        (lambda: 3.0, (), (), "program", 3.0),
        (functools.partial(plus, scale=2.0), (1.0,), ("x",), "plus", 6.0),
        (functools.partial(plus, 1.0), (5.0,), ("y",), "plus", 6.0),
        (Model(), (2.0,), ("x",), "Model", 6.0),
        (Model().method, (2.0,), ("x",), "method", 5.0),
        (Model.static, (2.0, 4.0), ("x", "y"), "static", 8.0),
        (Model.of_class, (2.0,), ("x",), "of_class", -2.0),
        (wg.hypot, (3.0, 4.0), ("x", "y"), "hypot", 5.0),
        (wg.softplus, (0.0,), ("x",), "softplus", math.log(2.0)),
        (abs, (-4.0,), ("x",), "abs", 4.0),
        (max, (-4.0, 2.0), ("x0", "x1"), "max", 2.0),
        (operator.mul, (-4.0, 2.0), ("a", "b"), "mul", -8.0),
    ],
)
def test_functions_of_every_kind(
    twin: Any, function: Any, example: Any, names: Any, name: str, result: float
) -> None:
    program = recorded(twin, function, *example)
    assert program.arguments.keys == names
    assert program.name == name
    assert walked(program, *example) == result
    assert all(value == 1 for value in dict(program.arguments.slots()).values())


def test_calls_that_do_not_fit(twin: Any) -> None:
    def by_name(x: Any, *, n: int) -> Any:
        return x * n

    with pytest.raises(OperandError, match=r"by_name\(x.*n.*'n'.*lambda x: f\(x, n=3\)"):
        recorded(twin, by_name, 1.0)
    with pytest.raises(OperandError, match=r"that it was given, 2 by position: too many"):
        recorded(twin, lambda x: x, 1.0, 2.0)
    with pytest.raises(OperandError, match=r"takes a function .*, not float 3\.0"):
        record(3.0)
    assert walked(recorded(twin, lambda x: by_name(x, n=3), 2.0), 2.0) == 6.0


@pytest.mark.parametrize("passes", [None, wg.sin, [None], "roll"])
def test_passes_that_are_none(twin: Any, passes: Any) -> None:
    with pytest.raises(OperandError, match="sequence of functions from Program to Program, not"):
        record(plus, 1.0, passes=passes)


def test_names(twin: Any) -> None:
    assert name_of(functools.partial(functools.partial(plus))) == "plus"
    assert parameters(plus, (1, 2, 3)) == ("x", "y", "more0")
    assert parameters(lambda more0, *more: 0, (1, 2, 3)) == ("more0", "more1", "more2")


def test_recursion_closures_generators_and_library_code(twin: Any) -> None:
    def fibonacci(n: Any) -> Any:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    def halves(x: Any) -> Iterator[Any]:
        while x > 1:
            yield x
            x = x / 2

    def compute(n: Any, x: Any) -> Any:
        total = 0.0

        def add(y: Any) -> None:
            nonlocal total
            total += y

        for half in halves(x):
            add(half)
        x += total
        x *= 2
        x -= 1
        x /= 3
        x **= 2
        return [fibonacci(n), x, statistics.median([x, n, 1.0]), math.prod([x, n]),
                np.polyval([1.0, 2.0], x), functools.reduce(max, [x, n])]  # fmt: skip

    assert walked(recorded(twin, compute, 6, 9.0), 6, 9.0) == compute(6.0, 9.0)


def test_caches_keep_numbers_apart(twin: Any) -> None:
    @functools.lru_cache
    def cached(n: Any) -> Any:
        return n if n < 2 else cached(n - 1) + cached(n - 2)

    program = recorded(twin, cached, 12.0)
    assert walked(program, 12.0) == 144.0
    assert any(isinstance(item, Guard) for item in items(program))


def test_an_exception_passes_through_and_ends_the_recording(twin: Any) -> None:
    kept: list[Any] = []
    error = KeyError("mine")

    def fails(x: Any) -> Any:
        kept.append(x)
        raise error

    with pytest.raises(KeyError) as caught:
        recorded(twin, fails, 1.0)
    assert caught.value is error
    with pytest.raises(ValueError, match="has ended"):
        kept[0] + 1


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.linalg.solve(np.diag(x), x),
        lambda x: np.fft.fft(x),
        lambda x: np.interp(1.5, x, x),
        lambda x: np.isfinite(x),
        lambda x: np.add(x, x, out=np.zeros(2)),
    ],
)
def test_what_numpy_does_on_floats_alone(twin: Any, function: Any) -> None:
    with pytest.raises(OperandError, match=r"NumPy cannot do this .*'O'|input types") as caught:
        recorded(twin, function, np.array([1.0, 2.0]))
    assert isinstance(caught.value.__cause__, TypeError)


def test_arrays_of_indices(twin: Any) -> None:
    xs, k = np.array([1.0, 2.0, 4.0]), np.array([2, 0])
    with pytest.raises(OperandError, match=r"NumPy cannot .*xs\[k\.astype\(int\)\]"):
        recorded(twin, lambda xs, k: xs[k], xs, k)
    program = recorded(twin, lambda xs, k: xs[k.astype(int)], xs, k)
    assert walked(program, xs, k).tolist() == [4.0, 1.0]
    mask = np.array([True, False, True])
    program = recorded(twin, lambda xs, m: xs[m.astype(bool)], xs, mask)
    assert walked(program, xs, mask).tolist() == [1.0, 4.0]


def test_a_recorded_count_repeats_a_list(twin: Any) -> None:
    def padded(x: Any, n: Any) -> Any:
        return [*([x] * n), *(n * (0.0,))]

    assert walked(recorded(twin, padded, 1.5, 3), 1.5, 3) == [1.5] * 3 + [0.0] * 3
    with pytest.raises(OperandError, match=r"An index is an integer, not 2\.5"):
        recorded(twin, padded, 1.5, 2.5)


def test_a_recording_inside_another(twin: Any) -> None:
    def outer(x: Any) -> Any:
        inner = recorded(twin, lambda y: y * y, 3.0)
        return x * len(inner)

    program = recorded(twin, outer, 2.0)
    assert len(program) == 1
    assert walked(program, 2.0) == 2.0


# --- arguments and results ------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    x: Any
    y: Any = 0.0


class Pair(NamedTuple):
    first: Any
    second: Any


def test_structures_go_in_and_come_out(twin: Any) -> None:
    def move(state: dict[str, Any], point: Point, pair: Pair, times: int, mode: str) -> Any:
        assert mode == "fast"
        w, b = state["w"], state["b"]
        y = w @ np.array([point.x, point.y]) + b[0] * times
        return Point(y[0], pair), [y, {"pair": Pair(pair.second, None)}], (), True, 2, x0

    x0 = 7.5
    state = {"w": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": [0.5]}
    example = (state, Point(1.0, 2), Pair(3, (4.0,)), 3, "fast")
    program = recorded(twin, move, *example)
    slots = dict(program.arguments.slots())
    assert slots == {"state.w": 4, "state.b.0": 1, "point.x": 1, "point.y": 1, "pair.first": 1,
                     "pair.second.0": 1, "times": 1}  # fmt: skip
    point, (y, inner), *rest = walked(program, *example)
    assert point == Point(6.5, Pair(3.0, (4.0,)))
    assert y.tolist() == [6.5, 12.5]
    assert inner == {"pair": Pair((4.0,), None)}
    assert rest == [(), True, 2.0, 7.5]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: (y for y in [x]), r"the result of <lambda>\(\) is generator"),
        (lambda x: {x}, r"is set"),
        (lambda x: {"a": [1, 1j]}, r"\['a'\]\[1\] is complex 1j"),
        (lambda x: {(1, 2): x}, r"keys of a dict are strings or integers.*\(1, 2\)"),
        (lambda x: np.array([x, None]), r"NoneType.*return statement"),
        (lambda x: wg.sin, r"is Primitive"),
        (lambda x: np.array(["a"]), r"is an array of numbers, not an array of <U1"),
    ],
)
def test_results_that_are_no_numbers(twin: Any, function: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(OperandError, match=words):
        recorded(twin, function, 1.0)


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ((1j,), r"the argument\['x'\] is complex 1j"),
        ((wg.sin,), r"is Primitive.*Hold it fixed"),
        ((len,), r"is builtin_function_or_method.*Hold it fixed"),
        ((wg.Value(1.0),), r"the argument\['x'\] takes a plain number.*x\.data"),
        (([1.0, wg.Value(1.0)],), r"the argument\['x'\]\[1\] takes a plain number"),
        (([1.0, "a", 1j],), r"the argument\['x'\]\[2\] is complex"),
        ((np.array([1.0, "a"], object),), r"the argument\['x'\]\[1\] takes real numbers"),
        ((np.array([1j]),), r"an array of numbers, not an array of complex128"),
    ],
)
def test_examples_that_are_no_numbers(twin: Any, example: Any, words: str) -> None:
    with pytest.raises(OperandError, match=words):
        recorded(twin, lambda x: x, *example)


def test_many_inputs_and_outputs(twin: Any) -> None:
    program = recorded(twin, lambda xs: xs[::-1], np.arange(100_000.0))
    (run,) = program.statements
    assert isinstance(run, Run)
    assert run.outputs
    assert program.values == 0
    assert next(iter(run)).operands == (Address(INPUT, 99_999),)


# --- graphs ---------------------------------------------------------------------------------------


def neuron(value: Any) -> Any:
    x = [value(2.0, label="x1"), value(0.5, label="x2")]
    w = [value(-3.0, label="w"), value(1.0, label="w")]
    n = sum((a * b for a, b in zip(x, w, strict=True)), value(6.88)) * 2
    n.label = "n"
    return wg.tanh(n) ** 3 + wg.lgamma(x[0]) + wg.where(x[0], x[1], 3.0)


@pytest.mark.parametrize("value", [wg.Value, plain.Value], ids=["chosen", "plain"])
def test_a_graph_is_recorded(twin: Any, value: Any) -> None:
    root = neuron(value)
    root.label = "L"
    program = recorded(twin, root)
    leaves = [node for node in topological_order(root) if not node._operands]
    assert program.name == "L"
    assert program.arguments.keys[:2] == ("v1", "x1")
    assert set(program.arguments.keys) >= {"x1", "x2", "w", "w′"}
    assert bits([walked(program, *[leaf.data for leaf in leaves])]) == bits([root.data])
    *rest, last, move = items(program)
    assert last.label == "L"
    assert "n" in {item.label for item in rest}
    assert {item.source for item in [*rest, last, move]} == {""}
    assert details(program) == details(recorded(TWINS["plain"], neuron_again(value)))


def neuron_again(value: Any) -> Any:
    root = neuron(value)
    root.label = "L"
    return root


def test_a_graph_made_while_debugging_knows_its_lines(twin: Any) -> None:
    with wg.debug_nans():
        root = wg.Value(2.0) * 3.0
    assert items(recorded(twin, root))[0].source.startswith("test_record.py:")


def test_a_leaf_alone_is_its_own_result(twin: Any) -> None:
    program = recorded(twin, wg.Value(2.0, label="x"))
    assert walked(program, 5.0) == 5.0
    assert program.arguments.keys == ("x",)
    with pytest.raises(OperandError, match="takes no example"):
        recorded(twin, wg.Value(2.0), 1.0)


def test_own_operations_are_refused(twin: Any) -> None:
    a = wg.Value(2.0)
    own = wg.Value(4.0, (a,), "twice")
    with pytest.raises(OperandError, match="operation 'twice' of your own.*wg functions"):
        recorded(twin, own * 3.0)


def test_subclasses_and_shared_nodes(twin: Any) -> None:
    class Weight(wg.Value):
        pass

    w = Weight(3.0, label="w")
    y = w * w
    program = recorded(twin, y * y + y)
    assert len(program) == 3
    assert walked(program, 3.0) == 90.0


def test_a_long_chain(twin: Any) -> None:
    x = y = wg.Value(1.0, label="x")
    for _ in range(30_000):
        y = y * x
    program = recorded(twin, y)
    assert (len(program), program.arguments.keys) == (30_000, ("x",))
    assert walked(program, 1.0) == 1.0
