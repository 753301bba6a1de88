"""What the functions accept and refuse: every kind of operand, one meaning."""

import math
from fractions import Fraction
from math import inf, nan
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Value
from wengert.dispatch import describe, remedy, to_array, to_float
from wengert.errors import OperandError
from wengert.primitives import add, fma, mul, rows

# --- one number -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one",
    [1.0, 1, True, np.float64(1), np.float32(1), np.float16(1), np.longdouble(1), np.int8(1),
     np.uint64(1), np.bool_(True)],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_every_kind_of_number_gives_a_float(one: Any) -> None:
    assert type(wg.exp(one)) is float
    assert wg.exp(one) == math.e
    assert wg.hypot(one, 0.0) == wg.hypot(0.0, one) == 1.0
    assert wg.exp(Value(one)).data == math.e
    assert wg.hypot(Value(0.0), one).data == wg.hypot(one, Value(0.0)).data == 1.0


def test_integers_beyond_the_largest_double_are_infinite() -> None:
    assert to_float(10**400, "here") == inf
    assert to_float(-(10**400), "here") == -inf
    assert wg.log(2**2000) == inf


# --- arrays ---------------------------------------------------------------------------------------


class Series:
    """As pandas and torch have them: no array, but known to NumPy."""

    def __init__(self, numbers: list[float]) -> None:
        self.numbers = numbers

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(self.numbers, dtype=dtype)


def read_only() -> np.ndarray:
    array = np.array([0.0, 1.0])
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "array",
    [[0.0, 1.0], (0, 1), [False, True], np.array([0, 1]), np.array([0, 1], dtype=np.uint8),
     np.array([0, 1], dtype=np.float32), np.array([0, 1], dtype=np.longdouble),
     np.array([False, True]), np.array([1.0, 0.0])[::-1], np.arange(0.0, 4.0).reshape(2, 2)[0],
     np.asfortranarray([[0.0, 1.0]])[0], read_only(), Series([0.0, 1.0]),
     [np.float32(0), 1]],
)  # fmt: skip
def test_every_kind_of_array_gives_an_array_of_doubles(array: Any) -> None:
    before = np.array(array).copy()
    for row in (wg.exp, wg.cos, wg.relu, wg.stop_gradient, wg.erf, wg.digamma, wg.abs):
        result = row(array)
        assert isinstance(result, np.ndarray)
        assert result.dtype == float
        assert result.tolist() == pytest.approx([row(0.0), row(1.0)], rel=1e-15, nan_ok=True)
        assert not np.shares_memory(result, np.asarray(array))
    assert np.array_equal(np.array(array), before)


@pytest.mark.parametrize("row", [row for row in rows() if row.nin == 1], ids=repr)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 1)])
def test_the_shape_is_kept(row: Any, shape: tuple[int, ...]) -> None:
    result = row(np.full(shape, 0.5))
    assert np.shape(result) == shape
    assert isinstance(result, np.ndarray if shape else np.float64)


def test_operands_broadcast() -> None:
    assert wg.hypot(np.array([[3.0], [0.0]]), [4.0, 5.0]).shape == (2, 2)
    assert wg.hypot([3.0], 4.0).tolist() == [5.0]
    assert fma([1.0, 2.0], 2.0, np.array(1.0)).tolist() == [3.0, 5.0]
    with pytest.raises(ValueError, match="broadcast"):
        wg.hypot([1.0, 2.0], [1.0, 2.0, 3.0])


def test_arrays_never_warn() -> None:
    assert wg.log([0.0, -1.0]).tolist()[0] == -inf
    assert (1.0 / wg.exp(np.array([1000.0]))).tolist() == [0.0]
    boxed = wg.sigmoid(np.array([Value(nan), Value(-1000.0)]))
    assert boxed[1].data == 0.0


def test_comparisons_give_numbers_on_arrays_too() -> None:
    assert wg.less([1.0, 2.0], 2.0).dtype == float
    assert (-wg.less([1.0, 2.0], 2.0)).tolist() == [-1.0, -0.0]


# --- arrays of Values -----------------------------------------------------------------------------


def test_an_object_array_is_taken_element_by_element() -> None:
    v, w = Value(1.0), Value(2.0)
    for xs in ([v, w], (v, w), np.array([v, w]), [v, 2.0], [1, w]):
        result = wg.exp(xs)
        assert result.dtype == object
        assert [float(getattr(x, "data", x)) for x in result] == [math.e, math.exp(2.0)]


def test_object_arrays_meet_numbers_values_and_float_arrays() -> None:
    v = Value(2.0)
    xs = np.array([Value(1.0), Value(3.0)])
    for other in (2.0, v, [2.0, 2.0], np.array([2.0, 2.0]), np.array(2.0), np.float32(2.0)):
        assert [x.data for x in mul(xs, other)] == [2.0, 6.0]
        assert [x.data for x in mul(other, xs)] == [2.0, 6.0]
    assert mul(v, np.array(3.0)).data == 6.0
    assert mul(np.array(3), v).data == 6.0


def test_a_value_does_not_meet_a_float_array() -> None:
    for args in ((Value(1.0), [1.0, 2.0]), (np.ones(2), Value(1.0)), (Value(1.0), Series([1.0]))):
        with pytest.raises(OperandError, match="hypot cannot combine one Value with a float"):
            wg.hypot(*args)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("1.5", r"log takes real numbers and Values, not str '1.5'\. .*float\('1.5'\)"),
        (b"1.5", r"not bytes b'1.5'\. Convert it first"),
        (None, r"not NoneType\. A function without a return statement gives None"),
        (1j, r"not complex 1j\. Use its real and imaginary parts"),
        (np.complex64(1j), r"not complex64 .*real and imaginary parts"),
        (math.exp, r"not builtin_function_or_method.*\. Call it first"),
        (Fraction(1, 2), r"not Fraction\(1, 2\)\. Convert it first, with float"),
        ({"x": 1.0}, r"not dict {'x': 1.0}\.$"),
        ({1.0}, r"not set {1.0}\.$"),
        (np.datetime64("2020-01-01"), r"not datetime64"),
    ],
)
def test_what_is_no_real_number_is_refused_with_a_remedy(wrong: Any, message: str) -> None:
    with pytest.raises(OperandError, match=message):
        wg.log(wrong)
    with pytest.raises(OperandError):
        wg.hypot(Value(1.0), wrong)
    with pytest.raises(OperandError):
        wg.hypot([1.0], wrong)
    with pytest.raises(OperandError):
        wg.log([wrong])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.array(["2020-01-01"], dtype="M8[D]"), r"not of datetime64\[D\]"),
        (np.array([1j]), r"not of complex128"),
        (np.array(["a"]), r"not of <U1"),
        ([[1.0], [1.0, 2.0]], r"cannot make an array of its operand"),
        (np.array([None]), r"not NoneType"),
        (np.zeros(1, dtype=[("x", float)]), r"not of \[\('x', '<f8'\)\]"),
    ],
)
def test_arrays_of_anything_else_are_refused(wrong: Any, message: str) -> None:
    with pytest.raises(OperandError, match=message):
        wg.log(wrong)


@pytest.mark.parametrize("args", [(), (1.0, 2.0), ([1.0], [2.0])])
def test_one_operand(args: tuple[Any, ...]) -> None:
    with pytest.raises(OperandError, match=rf"log\(\) takes 1 operand \(x\), and got {len(args)}"):
        wg.log(*args)


def test_several_operands() -> None:
    with pytest.raises(OperandError, match=r"add\(\) takes 2 operands \(x, y\), and got 1"):
        add(Value(1.0))


def test_a_long_argument_is_described_by_its_type() -> None:
    assert describe("x" * 100) == "str"
    assert describe("x") == "str 'x'"
    assert describe(None) == "NoneType"
    assert describe(range(3)) == "range(0, 3)"
    assert describe(map(abs, ())) == "map"
    assert describe(wg.Value) == "the class Value"
    assert remedy(object()) == ""


def test_to_array_leaves_an_array_of_doubles_as_it_is() -> None:
    array = np.zeros(3)
    assert to_array(array, "here") is array
