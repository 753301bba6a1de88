"""Value as a Python number: construction, attributes, operators, comparisons, `forward`."""

import gc
import math
import operator
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import wengert as wg
from programs import Program, programs
from wengert import Value
from wengert.dispatch import Primitive
from wengert.graph import topological_order
from wengert.primitives import TABLE

# --- construction ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_data", "data"),
    [
        (2.5, 2.5),
        (3, 3.0),
        (True, 1.0),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(-7), -7.0),
        (np.uint8(255), 255.0),
        (np.bool_(True), 1.0),
        (np.array(2.0), 2.0),
        (np.array(3), 3.0),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (math.inf, math.inf),
    ],
)
def test_every_real_number_becomes_a_python_float(given_data: Any, data: float) -> None:
    value = Value(given_data)
    assert value.data == data
    assert type(value.data) is float


def test_nan_and_the_sign_of_zero_are_kept() -> None:
    assert math.isnan(Value(math.nan).data)
    assert math.copysign(1.0, Value(-0.0).data) == -1.0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("3", "float('3')"),
        (b"3", "float(b'3')"),
        (None, "return"),
        (1j, "z.real"),
        ([1.0], "list"),
        ((1.0,), "tuple"),
        ({}, "dict"),
        (np.array([1.0]), "ndarray"),
        (np.array("3"), "float('3')"),
        (Fraction(1, 2), "Fraction"),
        (math.sin, "Call it first"),
    ],
)
def test_what_is_not_a_real_number_is_refused_with_advice(data: Any, words: str) -> None:
    with pytest.raises(wg.OperandError) as caught:
        Value(data)
    assert "Value()" in str(caught.value)
    assert words in str(caught.value)


def test_a_value_of_a_value_is_refused() -> None:
    with pytest.raises(wg.LostDerivativeError, match=r"Write x\.data"):
        Value(Value(1.0))


def test_a_new_leaf() -> None:
    a = Value(2.0)
    assert (a.data, a.grad, a.label, a.scope, a.operands) == (2.0, 0.0, "", "", ())
    assert a._prev == set()
    assert a._op == ""
    a._backward()  # a leaf has nowhere to push to
    assert a.grad == 0.0


def test_the_lessons_constructor() -> None:
    a, b = Value(1.0), Value(2.0)
    out = Value(3.0, (a, b), "+", "out")
    assert (out._op, out.label, out.operands) == ("+", "out", (a, b))
    assert out._prev == {a, b}
    keywords = Value(data=3.0, _children=[a, b], _op="+", label="out")
    assert (keywords._op, keywords.label, keywords.operands) == ("+", "out", (a, b))


@pytest.mark.parametrize("collect", [tuple, list, set, iter, frozenset])
def test_children_come_in_any_collection(collect: Callable[[Any], Any]) -> None:
    a, b = Value(1.0), Value(2.0)
    out = Value(3.0, collect([a, b]), "own")
    assert set(out.operands) == {a, b}
    assert len(out.operands) == 2


def test_a_name_for_an_operation_without_operands_is_kept() -> None:
    leaf = Value(1.0, (), "input")
    assert leaf._op == "input"
    leaf.backward()
    assert leaf.forward().grad == 1.0


@pytest.mark.parametrize("none", [(), [], set()])
def test_no_children_make_a_leaf(none: Any) -> None:
    leaf = Value(1.0, none)
    assert leaf.operands == ()
    assert leaf._notes is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"_children": Value(1.0)}, r"\(x,\) for one"),
        ({"_children": None}, r"\(x,\) for one"),
        ({"_children": (Value(1.0), 2.0)}, "all of them Values, not float 2.0"),
        ({"_children": "ab"}, "all of them Values, not str 'a'"),
        ({"_children": (Value(1.0),), "_op": 3}, "_op is the operation's name"),
        ({"label": 3}, "A label is a string, not int 3"),
    ],
)
def test_mistakes_in_the_constructor_are_explained(arguments: Any, words: str) -> None:
    with pytest.raises(wg.OperandError, match=words):
        Value(1.0, **arguments)


def test_no_attribute_can_be_invented() -> None:
    with pytest.raises(AttributeError):
        Value(1.0).gard = 2.0  # type: ignore[attr-defined]


# --- attributes -----------------------------------------------------------------------------------


def test_data_grad_and_label_are_assignable() -> None:
    a = Value(1.0)
    a.data, a.grad, a.label = 2, np.float32(0.5), "weight"
    assert (a.data, a.grad, a.label) == (2.0, 0.5, "weight")
    assert type(a.data) is type(a.grad) is float
    a.label = ""
    assert a.label == ""


@pytest.mark.parametrize("attribute", ["data", "grad"])
@pytest.mark.parametrize("bad", ["3", None, 1j, [1.0], np.array([1.0, 2.0]), Value(5.0)])
def test_a_bad_number_is_refused_and_nothing_is_lost(attribute: str, bad: Any) -> None:
    a = Value(2.0)
    a.grad = 3.0
    with pytest.raises(wg.OperandError, match=attribute):
        setattr(a, attribute, bad)
    assert (a.data, a.grad) == (2.0, 3.0)


def test_a_gradient_that_is_a_value_says_so() -> None:
    a = Value(2.0)
    with pytest.raises(wg.LostDerivativeError, match=r"grad takes a plain number.*Write x\.data"):
        a.grad += Value(1.0)
    assert a.grad == 0.0


@pytest.mark.parametrize("bad", [3, None, b"x"])
def test_a_bad_label_is_refused_and_nothing_is_lost(bad: Any) -> None:
    a = Value(2.0, label="a")
    with pytest.raises(wg.OperandError, match="A label is a string"):
        a.label = bad
    assert a.label == "a"


@pytest.mark.parametrize("attribute", ["operands", "scope", "_prev", "_op"])
def test_the_graph_itself_is_read_only(attribute: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Value(2.0), attribute, ())


def test_operands_are_ordered_and_repeated() -> None:
    a, b = Value(1.0), Value(2.0)
    assert (a - b).operands == (a, b)
    assert (b - a).operands[0] is b
    squared = a * a
    assert squared.operands[0] is a
    assert squared.operands[1] is a
    assert squared._prev == {a}


@pytest.mark.parametrize(
    ("make", "symbol"),
    [
        (lambda x: x + 1, "+"),
        (lambda x: x - 1, "-"),
        (lambda x: x * 2, "*"),
        (lambda x: x / 2, "/"),
        (lambda x: x**2, "**2"),
        (lambda x: x**0.5, "**0.5"),
        (lambda x: x**x, "**"),
        (lambda x: x // 2, "//"),
        (lambda x: x % 2, "%"),
        (lambda x: -x, "-"),
        (abs, "abs"),
        (wg.tanh, "tanh"),
        (wg.relu, "relu"),
    ],
)
def test_op_is_the_symbol_a_picture_shows(make: Callable[[Value], Value], symbol: str) -> None:
    assert make(Value(1.5))._op == symbol


# --- how it shows ---------------------------------------------------------------------------------


def test_repr_and_str() -> None:
    assert repr(Value(-8.0)) == "Value(data=-8.0)"
    assert str(Value(0.1 + 0.2)) == "Value(data=0.30000000000000004)"
    assert repr(Value(math.nan)) == "Value(data=nan)"


def test_format_is_that_of_the_number() -> None:
    assert f"{Value(2 / 3):.4f}" == "0.6667"
    assert f"{Value(1234.5):>10,.1f}" == "   1,234.5"
    assert f"{Value(2.0)}" == "Value(data=2.0)"


def test_truth_is_that_of_the_number() -> None:
    assert Value(0.1)
    assert not Value(0.0)
    assert not Value(-0.0)
    assert Value(math.nan)


# --- operators ------------------------------------------------------------------------------------

HUGE = 10**400
NUMBERS = [
    3,
    2.5,
    True,
    np.float64(2.5),
    np.float32(2.5),
    np.int64(3),
    np.int8(3),
    np.bool_(True),
    np.array(2.5),
    HUGE,
]
OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]


def same(result: Any, number: float) -> bool:
    return isinstance(result, Value) and repr(result.data) == repr(float(number))


def as_float(number: Any) -> np.float64:
    """For the expected result: NumPy's doubles divide by zero as IEEE has it."""
    return np.float64(math.inf) if number is HUGE else np.float64(number)


@pytest.mark.parametrize("apply", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__}")
def test_operators_in_both_orders(apply: Callable[[Any, Any], Any], number: Any) -> None:
    x = Value(1.75)
    with np.errstate(all="ignore"):
        right = apply(np.float64(1.75), as_float(number))
        left = apply(as_float(number), np.float64(1.75))
    assert same(apply(x, number), right)
    assert same(apply(number, x), left)
    assert same(apply(x, Value(number)), right)
    assert same(apply(Value(number), x), left)


@pytest.mark.parametrize("number", NUMBERS[:-1], ids=lambda n: f"{type(n).__name__}")
def test_divmod_in_both_orders(number: Any) -> None:
    x = Value(1.75)
    quotient, remainder = divmod(x, number)
    assert (quotient.data, remainder.data) == divmod(1.75, float(number))
    quotient, remainder = divmod(number, x)
    assert (quotient.data, remainder.data) == divmod(float(number), 1.75)


def test_unary_operators() -> None:
    x = Value(-1.5)
    assert (-x).data == 1.5
    assert +x is x
    assert abs(x).data == 1.5
    assert math.floor(x).data == -2.0
    assert math.ceil(x).data == -1.0


def test_in_place_operators_rebind() -> None:
    a = original = Value(2.0)
    a += 1.0
    a *= 2
    a -= Value(1.0)
    a /= 5
    a **= 3
    assert a.data == 1.0
    assert original.data == 2.0
    assert a is not original
    a.backward()
    assert original.grad == pytest.approx(3.0 * 2.0 / 5.0)
    b = original
    b //= 2
    b %= 2
    assert b.data == 1.0


@pytest.mark.parametrize(
    ("exponent", "data", "grad"),
    [
        (2, 4.0, -4.0),
        (3, -8.0, 12.0),
        (-1, -0.5, -0.25),
        (-2, 0.25, 0.25),
        (0, 1.0, 0.0),
        (1, -2.0, 1.0),
        (True, -2.0, 1.0),
        (np.int64(3), -8.0, 12.0),
        (np.bool_(False), 1.0, 0.0),
        (np.uint8(3), -8.0, 12.0),
        (3.0, -8.0, 12.0),
        (np.float32(2.0), 4.0, -4.0),
        (0.5, math.nan, math.nan),
        (-(2**53), 0.0, 0.0),
        (2**53, math.inf, -math.inf),
        (2**60, math.inf, math.inf),  # 2**60 - 1 is no double: the sign is lost
    ],
)
def test_powers_of_a_negative_base(exponent: Any, data: float, grad: float) -> None:
    x = Value(-2.0)
    y = x**exponent
    y.backward()
    assert y.data == pytest.approx(data, nan_ok=True)
    assert x.grad == pytest.approx(grad, nan_ok=True)
    assert (x**HUGE).data == math.inf


def test_a_constant_exponent_is_no_operand_and_a_value_is() -> None:
    x, n = Value(2.0), Value(3.0)
    assert (x**3).operands == (x,)
    assert (x**3.5).operands == (x,)
    y = x**n
    assert y.operands[1] is n
    y.backward()
    assert x.grad == 12.0
    assert n.grad == 8.0 * math.log(2.0)


@pytest.mark.parametrize(
    "name", [name for name, row in TABLE.items() if isinstance(row, Primitive) and row.nin == 1]
)
def test_every_unary_row_is_a_method(name: str) -> None:
    row: Any = TABLE[name]
    low, high = row.domain[0]
    x = Value(0.5 * (low + high))
    assert same(getattr(x, name)(), row(x.data))
    assert getattr(Value, name).__doc__


@pytest.mark.parametrize(
    ("ufunc", "method"),
    [
        (np.arctan, "arctan"),
        (np.sqrt, "sqrt"),
        (np.absolute, "absolute"),
        (np.negative, "negative"),
    ],
)
def test_numpy_functions_find_their_row(ufunc: Any, method: str) -> None:
    x = Value(0.5)
    expected = float(ufunc(0.5))
    assert same(ufunc(x), expected)
    assert same(getattr(x, method)(), expected)
    many = ufunc(np.array([x, Value(0.25)]))
    assert [each.data for each in many] == [expected, float(ufunc(0.25))]


# --- what the other side of an operator may not be ------------------------------------------------


@pytest.mark.parametrize("apply", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("x", "Convert it first: float('x')"),
        (b"x", "Convert it first"),
        (None, "return"),
        (1j, "z.real"),
        ([1.0], "list"),
        ((1.0,), "tuple"),
        ({1.0}, "set"),
        (np.complex128(1.0), "z.real"),
        (np.array([1.0, 2.0]), "np.array([Value(x) for x in xs])"),
        (np.array([1, 2]), "np.array([Value(x) for x in xs])"),
    ],
    ids=lambda bad: type(bad).__name__,
)
def test_bad_operands_are_refused_with_advice(
    apply: Callable[[Any, Any], Any], bad: Any, words: str
) -> None:
    x = Value(2.0)
    with pytest.raises(wg.OperandError) as caught:
        apply(x, bad)
    assert words in str(caught.value)
    if apply is operator.mod and isinstance(bad, str | bytes):
        return  # "x" % value is string formatting, which Python does itself
    with pytest.raises(wg.OperandError) as caught:
        apply(bad, x)
    assert words in str(caught.value)


class Foreign:
    """A class of someone else's that knows what to do with a Value."""

    def __radd__(self, other: Any) -> tuple[str, Any]:
        return ("radd", other)

    def __add__(self, other: Any) -> tuple[str, Any]:
        return ("add", other)


def test_a_foreign_class_gets_its_chance() -> None:
    x, foreign = Value(2.0), Foreign()
    assert x + foreign == ("radd", x)
    assert foreign + x == ("add", x)
    with pytest.raises(TypeError, match="unsupported operand"):
        x * foreign  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported operand"):
        foreign * x  # type: ignore[operator]
    assert x.__add__(foreign) is NotImplemented


@pytest.mark.parametrize("apply", OPERATORS[:6], ids=lambda f: f.__name__)
def test_object_arrays_work_in_both_orders(apply: Callable[[Any, Any], Any]) -> None:
    x, array = Value(7.0), np.array([Value(2.0), Value(3.0)])
    assert [each.data for each in apply(x, array)] == [apply(7.0, 2.0), apply(7.0, 3.0)]
    assert [each.data for each in apply(array, x)] == [apply(2.0, 7.0), apply(3.0, 7.0)]


def test_object_arrays_as_exponents_and_bases() -> None:
    x, array = Value(2.0), np.array([Value(2.0), Value(3.0)])
    assert [each.data for each in x**array] == [4.0, 8.0]
    assert [each.data for each in array**x] == [4.0, 9.0]


# --- conversions that would lose the derivative ---------------------------------------------------


@pytest.mark.parametrize(
    ("convert", "words"),
    [
        (float, "x.data"),
        (int, "int(x.data)"),
        (round, "round(x.data)"),
        (lambda v: round(v, 2), "wg.rint(x)"),
        (complex, "x.data"),
        (lambda v: math.exp(v), "Write wg.exp(x)"),
        (lambda v: math.tanh(v), "Write wg.tanh(x)"),
        (lambda v: math.hypot(v, 1.0), "Write wg.hypot(x, y)"),
        (lambda v: np.array([0.0]).__setitem__(0, v), "x.data"),
    ],
)
def test_a_conversion_that_would_lose_the_derivative_is_refused(
    convert: Callable[[Value], Any], words: str
) -> None:
    with pytest.raises((wg.LostDerivativeError, ValueError)) as caught:
        convert(Value(2.0))
    lost = caught.value if isinstance(caught.value, wg.LostDerivativeError) else None
    lost = lost or caught.value.__cause__  # NumPy wraps it
    assert isinstance(lost, wg.LostDerivativeError)
    assert isinstance(lost, TypeError)
    assert words in str(lost)


def test_the_message_names_the_users_line() -> None:
    with pytest.raises(wg.LostDerivativeError, match=r"not math\.exp.*\(test_value\.py:\d+\)"):
        math.exp(Value(2.0))


# --- comparisons ----------------------------------------------------------------------------------

COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", [1.0, 2.0, 3.0, math.nan])
@pytest.mark.parametrize(
    "kind", [Value, float, np.float64, np.float32, lambda x: x if math.isnan(x) else int(x)]
)
def test_comparisons_compare_data_in_both_orders(
    compare: Callable[[Any, Any], Any], other: float, kind: Callable[[float], Any]
) -> None:
    assert bool(compare(Value(2.0), kind(other))) is compare(2.0, other)
    assert bool(compare(kind(other), Value(2.0))) is compare(other, 2.0)


@pytest.mark.parametrize("other", [True, np.bool_(True), np.int64(1), Fraction(1), np.array(1.0)])
def test_equality_with_other_numbers(other: Any) -> None:
    assert Value(1.0) == other
    assert (Value(2.0) == other) is not True
    assert Value(2.0) != other
    assert Value(2.0) > other


@pytest.mark.parametrize("other", ["2.0", None, [2.0], (2.0,), {}, object()])
def test_nothing_else_is_equal(other: Any) -> None:
    assert (Value(2.0) == other) is False
    assert (Value(2.0) != other) is True
    assert (other == Value(2.0)) is False


@pytest.mark.parametrize(
    ("compare", "symbol"),
    [(operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.ge, ">=")],
)
@pytest.mark.parametrize("bad", ["2.0", None, 1j, [2.0], math.sin])
def test_what_has_no_order_is_refused(
    compare: Callable[[Any, Any], Any], symbol: str, bad: Any
) -> None:
    with pytest.raises(wg.OperandError, match=f"^{symbol} compares a Value with a number"):
        compare(Value(2.0), bad)
    with pytest.raises(wg.OperandError, match="compares a Value with a number"):
        compare(bad, Value(2.0))


def test_an_object_array_is_compared_by_element() -> None:
    array = np.array([Value(2.0), Value(3.0)])
    assert (Value(2.0) == array).tolist() == [True, False]  # type: ignore[attr-defined]
    assert (Value(2.0) < array).tolist() == [False, True]  # type: ignore[attr-defined]
    assert (array == Value(2.0)).tolist() == [True, False]
    assert (array > Value(2.0)).tolist() == [False, True]


def test_values_sort_and_have_a_largest() -> None:
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    assert [each.data for each in sorted([c, a, b])] == [1.0, 2.0, 3.0]
    assert max(a, c, b) is c


def test_hash_is_identity() -> None:
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert len({a, b, a}) == 2
    names = {a: "a", b: "b"}
    a.data = 5.0
    assert names[a] == "a"
    assert names[b] == "b"
    assert Value(1.0) not in names


# --- forward --------------------------------------------------------------------------------------


@given(programs(), st.data())
def test_forward_after_nudging_is_building_anew(program: Program, data: st.DataObject) -> None:
    nodes = program.on_values()
    others = data.draw(
        st.lists(st.floats(-2.0, 2.0), min_size=len(program.leaves), max_size=len(program.leaves))
    )
    for leaf, number in zip(nodes, others, strict=False):
        leaf.data = number
    assert nodes[-1].forward() is nodes[-1]
    anew = program.on_values(others)
    built = set(map(id, topological_order(nodes[-1])))
    for node, other in zip(nodes, anew, strict=True):
        if id(node) in built:
            assert repr(node.data) == repr(other.data)
    nodes[-1].backward()
    anew[-1].backward()
    assume(all(math.isfinite(node.grad) for node in anew))
    assert [node.grad for node in nodes] == [node.grad for node in anew]


def test_forward_keeps_gradients_and_the_graph() -> None:
    x = Value(3.0)
    y = x * x
    y.backward()
    operands = y.operands
    x.data = 4.0
    assert y.data == 9.0
    assert y.forward().data == 16.0
    assert x.grad == 6.0
    assert all(map(operator.is_, y.operands, operands))


def test_forward_overwrites_what_was_assigned_to_an_intermediate() -> None:
    x = Value(3.0)
    y = x * x
    y.data = 100.0
    z = y + 1.0
    assert z.forward().data == 10.0
    assert y.data == 9.0


def test_forward_by_hand_is_the_operation_on_numbers() -> None:
    y = Value(3.0) * Value(4.0)
    assert y._forward(5.0, 6.0) == 30.0
    assert y.data == 12.0


def test_forward_of_a_leaf() -> None:
    x = Value(3.0)
    assert x.forward() is x
    assert x.data == 3.0


def test_forward_restores_every_number_when_an_operation_raises() -> None:
    x = Value(3.0)
    square = x * x
    broken = Value(9.0, (square,), "broken")

    def refuse(number: float) -> float:
        raise KeyboardInterrupt

    broken._forward = refuse
    x.data = 4.0
    with pytest.raises(KeyboardInterrupt):
        (broken + 1.0).forward()
    assert (x.data, square.data, broken.data) == (4.0, 9.0, 9.0)


@pytest.mark.parametrize(
    ("result", "error"),
    [("3", wg.OperandError), (None, wg.OperandError), (Value(1.0), wg.LostDerivativeError)],
)
def test_forward_refuses_a_result_that_is_no_number(result: Any, error: type[Exception]) -> None:
    x = Value(3.0)
    own = Value(9.0, (x,), "own")
    own._forward = lambda number: result
    with pytest.raises(error, match="_forward"):
        own.forward()
    assert own.data == 9.0


def test_forward_takes_any_real_number() -> None:
    x = Value(3.0)
    own = Value(9.0, (x,), "own")
    own._forward = lambda number: np.float32(0.5)
    own.forward()
    assert type(own.data) is float
    assert own.data == 0.5


def test_zero_grad_reaches_every_node() -> None:
    x, other = Value(3.0), Value(1.0)
    other.grad = 5.0
    y = x * x
    z = y + x
    z.backward()
    y.zero_grad()
    assert (x.grad, y.grad, z.grad) == (0.0, 0.0, 1.0)
    z.zero_grad()
    assert z.grad == 0.0
    assert other.grad == 5.0


# --- subclasses -----------------------------------------------------------------------------------


class Weight(Value):
    """A subclass with a constructor and attributes of its own."""

    def __init__(self, data: float, rate: float) -> None:
        super().__init__(data, label="w")
        self.rate = rate

    def step(self) -> None:
        self.data -= self.rate * self.grad


class HeavyWeight(Weight):
    pass


class Other(Value):
    __slots__ = ()


def test_results_keep_the_subclass() -> None:
    w, x = Weight(2.0, rate=0.5), Value(3.0)
    assert w.label == "w"
    for result in (w * x, x * w, w + 1.0, 1.0 + w, w**2, -w, w.tanh(), wg.where(True, x, w), w**x):
        assert type(result) is Weight
    (w * x).backward()
    w.step()
    assert w.data == 2.0 - 0.5 * 3.0


def test_the_most_derived_class_wins_and_strangers_do_not_mix_badly() -> None:
    w, h, o = Weight(2.0, 0.1), HeavyWeight(3.0, 0.1), Other(4.0)
    assert type(w * h) is HeavyWeight
    assert type(h * w) is HeavyWeight
    assert type(w * o) is Weight
    assert type(o * w) is Other
    assert type(Value(1.0) * Value(1.0)) is Value


def test_constants_take_no_part_in_the_class() -> None:
    w = Weight(2.0, 0.1)
    assert type((w * 3.0).operands[1]) is Value


# --- lifetime -------------------------------------------------------------------------------------


def test_weak_references() -> None:
    a = Value(2.0)
    reference = weakref.ref(a)
    assert reference() is a
    del a
    assert reference() is None


def test_a_graph_is_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        x = Value(1.0)
        y = x * x
        z = wg.tanh(y) + y
        z.backward()
        references = [weakref.ref(node) for node in (x, y, z)]
        del x, y, z
        assert [reference() for reference in references] == [None, None, None]
    finally:
        gc.enable()


def test_300_000_nodes_build_run_both_ways_and_are_freed() -> None:
    x = Value(1.0)
    y = x
    for _ in range(300_000):
        y = y + x
    y.backward()
    assert x.grad == 300_001.0
    x.data = 2.0
    assert y.forward().data == 600_002.0
    last = weakref.ref(y)
    del y
    assert last() is None


def test_unequal_to_an_array_of_values_is_elementwise() -> None:
    v = Value(2.0)
    array = np.array([Value(2.0), Value(3.0)])
    assert (v != array).tolist() == [False, True]
    assert (v == array).tolist() == [True, False]
