"""Operators and NumPy's protocols on stand-ins for numbers, and conversions that lose them."""

import importlib.util
import math
import operator
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Value
from wengert.dispatch import Primitive
from wengert.errors import LostDerivativeError, OperandError
from wengert.operand import UFUNCS, Ieee, ieee_partials, local_partials
from wengert.primitives import TABLE, div, mul, powi, sqrt

OPERATORS: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow,
]  # fmt: skip
COMPARISONS: list[Callable[[Any, Any], Any]] = [
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip
KINDS = [
    float, int, np.float64, np.float32, np.int64, np.int8, np.uint8, np.longdouble, np.array,
]  # fmt: skip


def data(result: Any) -> Any:
    return [x.data for x in result] if isinstance(result, np.ndarray) else result.data


# --- operators ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_take_every_kind_of_number_on_either_side(op: Any, kind: Any) -> None:
    assert data(op(Value(7.0), kind(2))) == op(7.0, 2.0)
    assert data(op(kind(7), Value(2.0))) == op(7.0, 2.0)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda op: op.__name__)
def test_comparisons_take_every_kind_of_number_on_either_side(compare: Any, kind: Any) -> None:
    for x in (1.0, 2.0, 3.0):
        assert bool(compare(Value(x), kind(2))) is compare(x, 2.0)
        assert bool(compare(kind(2), Value(x))) is compare(2.0, x)


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_on_object_arrays(op: Any) -> None:
    xs, v = np.array([Value(7.0), Value(5.0)]), Value(2.0)
    for other in (v, 2.0, np.float64(2.0), np.array([2.0, 2.0]), np.array([v, v])):
        assert data(op(xs, other)) == [op(7.0, 2.0), op(5.0, 2.0)]
    assert data(op(v, xs)) == [op(2.0, 7.0), op(2.0, 5.0)]


def test_divmod_on_object_arrays() -> None:
    quotients, remainders = divmod(np.array([Value(7.0), Value(5.0)]), Value(2.0))
    assert (data(quotients), data(remainders)) == ([3.0, 2.0], [1.0, 1.0])


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda op: op.__name__)
def test_comparisons_on_object_arrays_give_masks(compare: Any) -> None:
    xs = np.array([Value(1.0), Value(2.0), Value(3.0)])
    for two in (Value(2.0), 2.0, np.float32(2.0)):
        mask = compare(xs, two)
        assert mask.dtype == bool
        assert mask.tolist() == [compare(x, 2.0) for x in (1.0, 2.0, 3.0)]
        if not (compare is operator.ne and isinstance(two, Value)):
            assert compare(two, xs).tolist() == [compare(2.0, x) for x in (1.0, 2.0, 3.0)]


def test_unary_operators() -> None:
    v = Value(-2.5)
    assert (-v).data == 2.5
    assert +v is v
    assert abs(v).data == 2.5
    assert math.floor(v).data == -3.0
    assert math.trunc(v).data == -2.0
    assert math.ceil(v).data == -2.0
    assert [x.data for x in divmod(v, 2)] == [-2.0, 1.5]
    assert [x.data for x in divmod(7, Value(2.0))] == [3.0, 1.0]


@pytest.mark.parametrize(
    ("exponent", "row"),
    [(2, powi(2)), (True, powi(1)), (np.int8(-1), powi(-1)), (2**31, powi(2**31)),
     (2**31 + 1, TABLE["powc"](2.0**31 + 1)), (2.0, TABLE["powc"](2.0)),
     (np.float32(0.5), TABLE["powc"](0.5)), (10**400, TABLE["powc"](inf))],
)  # fmt: skip
def test_constant_exponents_have_rows_of_their_own(exponent: Any, row: Primitive) -> None:
    assert (Value(1.5) ** exponent)._row is row


def test_an_exponent_that_is_a_value() -> None:
    x, y = Value(2.0), Value(3.0)
    (x**y).backward()
    assert (x.grad, y.grad) == (12.0, 8.0 * math.log(2.0))
    assert (2**y).data == (2 ** np.array(y)).data == 8.0


@pytest.mark.parametrize("exponent", [2**31, -(2**31), 2**40, -(2**53), 2**60])
def test_huge_exponents_differentiate(exponent: int) -> None:
    x = Value(1.0)
    (x**exponent).backward()
    assert x.grad == exponent


@pytest.mark.parametrize("wrong", ["2", b"2", 1j, None, [2.0], (2.0,), {}, set(), np.complex128(1)])
@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_operators_refuse_what_is_no_number(op: Any, wrong: Any) -> None:
    message = "takes (a number or a Value on its other side|real numbers and Values)"
    with pytest.raises(OperandError, match=message):
        op(Value(1.0), wrong)
    if not isinstance(wrong, (str, bytes)) or op is not operator.mod:  # which formats them
        with pytest.raises(OperandError, match=message):
            op(wrong, Value(1.0))


def test_other_types_may_have_their_own_way_with_a_value() -> None:
    class Other:
        def __radd__(self, other: Any) -> str:
            return "theirs"

    assert Value(1.0) + Other() == "theirs"
    with pytest.raises(TypeError, match="unsupported operand"):
        Value(1.0) - Other()


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
def test_a_value_does_not_meet_a_float_array(op: Any) -> None:
    with pytest.raises(OperandError, match="cannot combine one Value with a float array"):
        op(Value(1.0), np.ones(2))
    with pytest.raises(OperandError, match="cannot combine one Value with a float array"):
        op(np.ones(2), Value(1.0))


# --- NumPy ----------------------------------------------------------------------------------------

# NumPy computes the sign of an object by comparing it, which gives an integer.
UNARY_UFUNCS = [ufunc for ufunc in UFUNCS if ufunc.nin == 1 and ufunc is not np.sign]


@pytest.mark.parametrize("ufunc", UNARY_UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_unary_ufuncs_on_a_value_and_on_an_object_array(ufunc: Any) -> None:
    x = 1.25 if ufunc is np.arccosh else 0.75
    expected = pytest.approx(float(ufunc(x)), rel=1e-15)
    assert ufunc(Value(x)).data == expected
    assert ufunc(np.array(Value(x))).data == expected
    assert [v.data for v in ufunc(np.array([Value(x)]))] == [expected]


@pytest.mark.parametrize(
    "ufunc",
    [u for u in UFUNCS if u.nin == 2 and u.nout == 1 and u.__name__ not in
     ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")],
    ids=lambda ufunc: ufunc.__name__,
)  # fmt: skip
def test_binary_ufuncs_on_values_numbers_and_object_arrays(ufunc: Any) -> None:
    expected = pytest.approx(float(ufunc(7.0, 2.0)), rel=1e-15)
    assert ufunc(Value(7.0), Value(2.0)).data == expected
    assert ufunc(7.0, Value(2.0)).data == expected
    assert ufunc(Value(7.0), np.float32(2.0)).data == expected
    assert [v.data for v in ufunc(np.array([Value(7.0)]), Value(2.0))] == [expected]
    assert [v.data for v in ufunc(Value(7.0), np.array([Value(2.0)]))] == [expected]


def test_every_row_that_is_a_ufunc_is_known_by_it() -> None:
    rows = [row for row in TABLE.values() if isinstance(row, Primitive) and row.nin <= 2]
    assert all(row.array in UFUNCS for row in rows if isinstance(row.array, np.ufunc))
    assert UFUNCS[np.fabs] is TABLE["abs"]


def test_sums_products_and_matrix_products_of_object_arrays() -> None:
    xs = np.array([Value(2.0), Value(3.0)])
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert np.add.reduce(xs).data == xs.sum().data == sum(xs).data == 5.0
    assert np.multiply.reduce(xs).data == xs.prod().data == 6.0
    assert (xs @ xs).data == np.dot(xs, xs).data == 13.0
    assert [v.data for v in matrix @ xs] == [8.0, 18.0]
    assert xs.mean().data == 2.5


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda v, xs: np.exp(v, out=xs), "np.exp with out"),
        (lambda v, xs: np.add(xs, v, where=[True, False]), "np.add with where"),
        (lambda v, xs: np.add.at(xs, [0], v), "np.add.at"),
        (lambda v, xs: np.add.outer(xs, v), "np.add.outer"),
        (lambda v, xs: np.isnan(v), "np.isnan"),
        (lambda v, xs: np.frompyfunc(len, 1, 1)(v), "np.len"),
    ],
)
def test_ufuncs_that_do_not_work_say_which_do(call: Any, named: str) -> None:
    xs = np.array([Value(1.0), Value(2.0)])
    with pytest.raises(OperandError, match=rf"{named}.* does not work on a Value\.") as error:
        call(Value(1.0), xs)
    assert "functions that do: absolute, add, arccos" in str(error.value)


def test_object_arrays_at_singular_points_do_not_warn() -> None:
    xs = np.array([Value(1e308), Value(nan)])
    assert (xs * Value(1e308))[0].data == inf
    assert (Value(1e308) * xs)[0].data == inf


# --- methods --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [row for row in TABLE.values() if isinstance(row, Primitive) and row.nin == 1],
    ids=lambda row: row.name,
)
def test_methods_mirror_the_functions(row: Primitive) -> None:
    v = Value(1.25 if row.name == "acosh" else 0.75)
    method = getattr(v, row.name)
    assert method()._row is row
    assert method()._operands == (v,)
    assert method.__name__ == row.name
    assert row.about in method.__doc__


def test_binary_methods() -> None:
    v = Value(3.0)
    assert v.hypot(4.0).data == 5.0
    assert v.maximum(Value(4.0)).data == 4.0
    assert v.arctan2(3.0).data == math.pi / 4
    assert "hypot" in (v.hypot.__doc__ or "")
    with pytest.raises(OperandError, match="takes a number or a Value"):
        v.hypot("4")


# --- conversions that would lose the derivative ---------------------------------------------------

MODEL = """\
import math
from math import sqrt


def model(call, v):
    return CALLS[call](v)


CALLS = {
    "exp": lambda v: math.exp(v),
    "sqrt": lambda v: sqrt(v),
    "pow": lambda v: math.pow(v, 2),
    "gamma": lambda v: math.gamma(v),
    "float": lambda v: float(v),
    "complex": lambda v: complex(v),
    "int": lambda v: int(v),
    "round": lambda v: round(v),
    "digits": lambda v: round(v, 2),
}
"""


@pytest.fixture
def model(tmp_path: Path) -> Any:
    path = tmp_path / "model.py"
    path.write_text(MODEL)
    spec = importlib.util.spec_from_file_location("model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.model


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("exp", r"^exp\(\) of a Value needs wg\.exp, not math\.exp, which would drop the "
                r"derivative \(model\.py:10\)\. Write wg\.exp\(x\)\.$"),
        ("sqrt", r"^sqrt\(\) of a Value needs wg\.sqrt, not sqrt, .*\(model\.py:11\)"),
        ("pow", r"^pow\(\) of a Value needs wg\.pow, not math\.pow, .*\(model\.py:12\)"),
        ("gamma", r"float\(\) of a Value, or a math function of it, .*\(model\.py:13\).*x\.data"),
        ("float", r"float\(\) of a Value.*\(model\.py:14\)\. Write x\.data"),
        ("complex", r"of a Value.*\(model\.py:15\)\. Write x\.data"),
        ("int", r"^int\(\) of a Value .*\(model\.py:16\)\. Write wg\.trunc\(x\), or int"),
        ("round", r"^round\(\) of a Value .*\(model\.py:17\)\. Write wg\.rint\(x\)"),
        ("digits", r"^round\(\) of a Value .*\(model\.py:18\)"),
    ],
)  # fmt: skip
def test_a_lost_derivative_is_an_error_that_says_what_to_write(
    model: Any, call: str, message: str
) -> None:
    with pytest.raises(LostDerivativeError, match=message):
        model(call, Value(4.0))


def test_a_lost_derivative_where_there_is_no_file() -> None:
    with pytest.raises(LostDerivativeError, match="Write x.data"):
        eval("float(v)", {"v": Value(1.0)})


# --- partials on floats ---------------------------------------------------------------------------


def test_ieee_arithmetic_never_raises() -> None:
    zero, huge = Ieee(0.0), Ieee(1e300)
    assert (1.0 / zero).number == inf
    assert (zero / zero).number != (zero / zero).number
    assert (huge**2).number == inf
    assert (huge * 1e300).number == inf
    assert (zero**-1).number == inf
    assert (-1.0 / Ieee(-0.0)).number == inf
    assert wg.log(Ieee(-1.0)).number != 0.0


def test_local_partials_where_python_raises() -> None:
    assert local_partials(sqrt, 0.0, (0.0,)) == (inf,)
    assert local_partials(div, inf, (1.0, 0.0)) == (inf, -inf)
    assert ieee_partials(mul, 6.0, (2.0, 3.0)) == local_partials(mul, 6.0, (2.0, 3.0)) == (3.0, 2.0)
