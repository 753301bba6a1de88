"""The tape: the same items from either twin, whatever is recorded, and numbers as on floats."""

import copy
import gc
import math
import operator
import pickle
import random
import signal
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from evaluate import bits, walked
from hypothesis import given
from hypothesis import strategies as st
from twins import NATIVE, PLAIN, TWINS, details, items, memory_errors, recorded, told

import wengert as wg
from wengert import primitives
from wengert.dispatch import Family, Primitive
from wengert.errors import LostDerivativeError, OperandError, ProgramError
from wengert.program.address import CONSTANT, INPUT, VALUE, Address, coded
from wengert.program.recorded import REWRITES
from wengert.program.statements import Assign, Guard, Loop, Operation, Run

twin = pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
HERE = "test_tape.py"


def both(function: Any, *example: Any) -> Any:
    """The recording, which is the same with either twin."""
    program = recorded(PLAIN, function, *example)
    assert details(recorded(NATIVE, function, *example)) == details(program)
    return program


# --- every operation ------------------------------------------------------------------------------

ROWS = [row for row in primitives.TABLE.values() if isinstance(row, Primitive)]
MEMBERS = [row for each in primitives.TABLE.values() if isinstance(each, Family) for row in each]
BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow,
]  # fmt: skip
COMPARE = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
NUMBERS = [2, -3, 0, 0.25, -0.0, math.inf, math.nan, True, 10**400, np.float64(1.5), np.int64(3),
           np.float32(0.1), np.bool_(True)]  # fmt: skip


@pytest.mark.parametrize("row", [*ROWS, *MEMBERS], ids=repr)
def test_every_row_is_recorded_with_its_value(row: Primitive) -> None:
    point = [(low + high) / 2 for low, high in row.domain]
    program = both(row, *point)
    (item, _) = items(program)
    assert item.row is row
    assert item.operands == tuple(Address(INPUT, k) for k in range(row.nin))
    assert bits([walked(program, *point)]) == bits([row.scalar(*point)])


@pytest.mark.parametrize("row", [row for row in ROWS if row.nin > 1], ids=repr)
def test_plain_numbers_become_constants_in_the_order_of_the_operands(row: Primitive) -> None:
    program = both(lambda x: row(*[0.5 + k for k in range(row.nin - 1)], x), 2.0)
    (item, _) = items(program)
    constants = [Address(CONSTANT, k) for k in range(row.nin - 1)]
    assert item.operands == (*constants, Address(INPUT, 0))
    assert program.constants.tolist() == [0.5 + k for k in range(row.nin - 1)]


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("operate", [*BINARY, *COMPARE], ids=lambda f: f.__name__)
def test_operators_with_every_kind_of_number_on_either_side(
    operate: Callable[[Any, Any], Any], number: Any
) -> None:
    program = both(lambda x: [operate(x, number), operate(number, x)], 1.5)
    assert [item.source.partition(":")[0] for item in items(program)[:2]] == [HERE] * 2
    left, right = (item.row for item in items(program)[:2])
    numbers = [walked(program, 1.5)[0], walked(program, 1.5)[1]]
    as_float = primitives.stop_gradient(number)
    if operate is operator.pow:
        assert left.name in ("powi", "powc")
        assert right is primitives.pow
        assert bits(numbers)[1:] == bits([right.scalar(as_float, 1.5)])
    else:
        expected = [left.scalar(1.5, as_float)]
        expected.append(
            right.scalar(1.5, as_float) if operate in COMPARE else right.scalar(as_float, 1.5)
        )
        assert bits(numbers) == bits(expected)


def test_unary_operators_and_methods() -> None:
    program = both(lambda x: [-x, +x, abs(x), x.exp(), x.sqrt(), np.tanh(x), x.arctan()], 0.7)
    names = [item.row.name for item in items(program) if item.row]
    assert names == ["neg", "abs", "exp", "sqrt", "tanh", "atan"]


@pytest.mark.parametrize("exponent", [2, -1, 0, 7, 10**6, 2**40, 0.5, -1.5, 2.0, math.inf, math.nan,
                                      True, np.int64(3), np.float64(0.5)], ids=repr)  # fmt: skip
def test_constant_exponents_have_rows_of_their_own(exponent: Any) -> None:
    program = both(lambda x: [x**exponent, x**exponent], 1.25)
    first, second, *_ = items(program)
    assert first.row == second.row or exponent != exponent
    assert first.row
    assert first.row.name in ("powi", "powc")
    assert len(first.operands) == 1


def random_function(seed: int) -> Callable[..., Any]:
    """Arithmetic, library calls, branches on data and arrays, at random."""

    def run(x: Any, y: Any, rows: Any) -> Any:
        choose = random.Random(seed)
        nodes = [x, y, *rows]
        for _ in range(choose.randrange(30)):
            kind = choose.randrange(12)
            a, b, c = (choose.choice(nodes) for _ in range(3))
            if kind < 3:
                made = choose.choice(BINARY)(a, b)
            elif kind == 3:
                operation, number = choose.choice(BINARY), choose.choice(NUMBERS)
                made = operation(a, number) if choose.random() < 0.5 else operation(number, a)
            elif kind == 4:
                made = choose.choice([wg.sin, wg.exp, wg.tanh, wg.relu, wg.lgamma, wg.floor])(a)
            elif kind == 5:
                made = choose.choice([wg.hypot, wg.maximum, wg.atan2])(
                    a, choose.choice([b, 2, 0.5])
                )
            elif kind == 6:
                made = choose.choice([wg.sum, wg.prod, wg.norm, max])([a, 0.5, b, 2])
            elif kind == 7:
                made = wg.dot([a, b, 1.0], [c, 2, 0.5])
            elif kind == 8:
                made = a if choose.choice(COMPARE)(b, choose.choice([c, 0, 0.5])) else b * 2
            elif kind == 9:
                made = np.sum(np.array([a, b, c]) * choose.choice([b, 0.5]))
            elif kind == 10:
                made = wg.where(a > b, c, 1.0) + wg.clip(b, 0, 1)
            else:
                made = a ** choose.choice([2, 3, 0.5, -1])
            nodes.append(made if hasattr(made, "_apply") else x * made)
        return nodes[-5:]

    return run


@given(st.integers(0, 10**9), st.floats(-3, 3), st.floats(allow_nan=True))
def test_random_functions_are_recorded_alike(seed: int, x: float, y: float) -> None:
    function, example = random_function(seed), (x, y, [0.5, 3, -1.25])
    values = [wg.Value(number) for number in (x, y, 0.5, 3.0, -1.25)]
    with np.errstate(all="ignore"):
        program = both(function, *example)
        eager = function(values[0], values[1], values[2:])
    assert bits(walked(program, *example)) == bits([value.data for value in eager])


def test_sums_and_products_of_lists_are_one_after_the_other() -> None:
    program = both(lambda xs: [wg.sum(xs), wg.dot(xs, xs), wg.prod(list(xs))], np.arange(1.0, 4.0))
    names = [item.row.name for item in items(program) if item.row]
    assert names == ["add", "add", "mul", "mul", "add", "mul", "add", "mul", "mul"]
    assert {item.source.partition(":")[0] for item in items(program)[:9]} == {HERE}


def test_sums_of_plain_numbers_and_recorded_ones_stay_plain_as_long_as_they_can() -> None:
    program = both(lambda x: wg.sum([1, 2.5, x, 4.0]), 1.0)
    assert [item.row.name for item in items(program) if item.row] == ["add", "add"]
    assert program.constants.tolist() == [3.5, 4.0]
    assert both(lambda x: wg.sum([x]), 1.0).values == 0
    both(lambda x: wg.dot([x, 1, np.float64(2)], [1.0, x, x]), 1.0)
    both(lambda x: wg.sum([x, 10**400]), 1.0)


# --- decisions ------------------------------------------------------------------------------------


def guards(program: Any) -> list[tuple[str, float, str]]:
    return [
        (item.row.name, program.constants[item.expected.base], item.source)
        for item in items(program) if isinstance(item, Guard)
    ]  # fmt: skip


def test_a_comparison_that_decides_is_its_own_guard() -> None:
    program = both(lambda x: 1.0 if x < 2.0 else x, 1.0)
    (item, _) = items(program)
    assert isinstance(item, Guard)
    assert (item.row, item.operands) == (primitives.less, (Address(INPUT, 0), Address(CONSTANT, 0)))
    assert program.constants.tolist() == [2.0, 1.0, 1.0]


def test_a_comparison_that_is_data_is_no_guard() -> None:
    program = both(lambda x: (x < 2.0) * 3.0 + sum(y > 0 for y in [x, -x]), 1.0)
    assert not guards(program)
    assert walked(program, 1.0) == 4.0
    assert walked(program, -1.0) == 4.0


def test_a_comparison_that_is_used_later_is_guarded_by_its_answer() -> None:
    def later(x: Any) -> Any:
        small = x < 2.0
        y = x * 2
        return y if small else x

    program = both(later, 1.0)
    assert [type(item) for item in items(program)][:3] == [Assign, Assign, Guard]
    guard = items(program)[2]
    assert isinstance(guard, Guard)
    assert (guard.row, guard.operands[0]) == (primitives.not_equal, Address(VALUE, 0))


def test_each_decision_is_a_guard() -> None:
    def thrice(x: Any) -> Any:
        small = x < 2.0
        return [1.0 if small else 0.0 for _ in range(3)]

    assert [name for name, *_ in guards(both(thrice, 1.0))] == ["less", "not_equal", "not_equal"]


@pytest.mark.parametrize(
    ("decide", "expected"),
    [
        (lambda x: bool(0 < x < 2), [("greater", 1.0), ("less", 1.0)]),
        (lambda x: 2 < x < 3, [("greater", 0.0)]),
        (lambda x: x in [5, 1, 1], [("equal", 0.0), ("equal", 1.0)]),
        (lambda x: x in {1, 2}, [("equal", 1.0), ("equal", 1.0)]),
        (lambda x: {1: 2.0}[x], [("equal", 1.0), ("equal", 1.0)]),
        (lambda x: not x, [("not_equal", 1.0)]),
        (lambda x: bool(x - 1), [("not_equal", 0.0)]),
        (lambda x: max(x, 3, 2) * 1.0, [("less", 1.0)]),
        (lambda x: max(x, 0, 2 * x) * 1.0, [("less", 0.0), ("greater", 1.0)]),
        (lambda x: min([x, 3 * x]) * 1.0, [("less", 0.0)]),
        (lambda x: sorted([3 * x, x])[0] * 1.0, [("less", 1.0)]),
        (lambda x: any([x > 1, x > 0]), [("not_equal", 0.0), ("not_equal", 1.0)]),
        (
            lambda x: np.float64(0.5) < x and bool(np.int64(1) == x),
            [("greater", 1.0), ("equal", 1.0)],
        ),
        (lambda x: bool(np.array(2.0) > x), [("less", 1.0)]),
        (lambda x: bool(np.any(x > np.array([0.0, 3.0]))), [("greater", 1.0), ("greater", 0.0)]),
        (lambda x: int(x + 0.75), [("trunc", 1.0)]),
        (lambda x: math.trunc(-1.5 * x), [("trunc", -1.0)]),
        (lambda x: round(x * 2.5), [("rint", 2.0)]),
        (lambda x: math.floor(x - 1.5), [("floor", -1.0)]),
        (lambda x: math.ceil(x + 0.5), [("ceil", 2.0)]),
        (lambda x: list(range(x)) and [7.0, 8.0][x], [("equal", 1.0), ("equal", 1.0)]),
        (lambda x: [1.0, 2.0][x:], [("equal", 1.0)]),
        (lambda x: np.arange(3.0)[x] * 1.0, [("equal", 1.0)]),
        (lambda x: x < math.nan or bool(math.nan != x), [("less", 0.0), ("not_equal", 1.0)]),
    ],
)
def test_what_decides_is_guarded(
    decide: Callable[[Any], Any], expected: list[tuple[str, float]]
) -> None:
    program = both(decide, 1)
    assert [(name, answer) for name, answer, _ in guards(program)] == expected
    assert all(source.startswith(HERE) for *_, source in guards(program))
    walked(program, 1)


def test_answers_are_joined_without_deciding() -> None:
    program = both(lambda x: [(x > 0) & (x < 2), (x > 0) | (x > 9), (x > 0) ^ (x < 2)], 1.0)
    assert not guards(program)
    for x in (1.0, 3.0, -1.0, math.nan):
        given_ = [0 < x < 2, x > 0 or x > 9, (x > 0) != (x < 2)]
        assert walked(program, x) == given_
    program = both(
        lambda x: [(x > 0) & True, False | (x > 0), (x > 0) ^ True, (x > 0) & False], 1.0
    )
    assert walked(program, 1.0) == [1.0, 1.0, 0.0, False]
    assert walked(program, -1.0) == [0.0, 0.0, 1.0, False]


@twin
def test_numbers_are_not_joined_as_bits(twin: Any) -> None:
    with pytest.raises(OperandError, match=r"int\(x\)"):
        recorded(twin, lambda x: x & 1, 3)
    with pytest.raises(OperandError, match=r"join the answers of comparisons"):
        recorded(twin, lambda x: (x > 0) | (x + 1), 3)


def test_object_arrays() -> None:
    def compute(x: Any) -> Any:
        w = np.arange(9.0).reshape(3, 3)
        y = w @ x + x[::-1] * x
        return [
            np.sum(y),
            np.exp(y / 100),
            np.where(x > 1.5, x, -x),
            np.max(y),
            y.mean(),
            np.std(x),
        ]

    program = both(compute, np.array([1.0, 2.0, 3.0]))
    floats = compute(np.array([1.0, 2.0, 3.0]))
    for found, expected in zip(walked(program, np.array([1.0, 2.0, 3.0])), floats, strict=True):
        assert found == pytest.approx(expected, rel=1e-15)


@twin
@pytest.mark.parametrize(
    "function",
    [
        lambda x, xs: x * xs,
        lambda x, xs: xs - x,
        lambda x, xs: np.multiply(xs, x),
        lambda x, xs: wg.hypot(x, xs),
        lambda x, xs: wg.where(x > 1.0, xs, -x),
        lambda x, xs: x**xs + xs**x,
        lambda x, xs: np.array([x, -x]) @ xs,
        lambda x, xs: np.where(xs < x, xs, x),
        lambda x, xs: np.exp(-x * xs) / np.eye(2),
    ],
)
def test_a_recorded_number_meets_arrays_of_floats_as_a_float_does(twin: Any, function: Any) -> None:
    xs = np.array([[0.5, 2.0], [1.5, 3.0]])
    with np.errstate(divide="ignore"):
        program = recorded(twin, lambda x: function(x, xs), 1.25)
        for x in (1.25, 1.375):
            assert program(x) == pytest.approx(function(x, xs), rel=1e-15, nan_ok=True)


# --- what is refused ------------------------------------------------------------------------------


@twin
@pytest.mark.parametrize(
    ("misuse", "error", "words"),
    [
        (lambda x: float(x), LostDerivativeError, r"float\(\) of a recorded number.*int\(x\)"),
        (lambda x: np.zeros(2).__setitem__(0, x), LostDerivativeError, r"arrays of dtype=object"),
        (lambda x: np.array([x], float), LostDerivativeError, r"np\.array\(\) .* dtype=object"),
        (lambda x: x.grad, AttributeError, r"no gradient and no backward"),
        (lambda x: (x * x).backward(), AttributeError, r"no gradient and no backward"),
        (lambda x: math.exp(x), LostDerivativeError, r"math\.exp.*Write wg\.exp\(x\)\."),
        (lambda x: math.isnan(x), LostDerivativeError, r"isnan\(\) of a recorded.*Write x != x"),
        (lambda x: complex(x), LostDerivativeError, r"a recorded number"),
        (lambda x: round(x, 2), LostDerivativeError, r"wg\.rint\(x \* 100\) / 100"),
        (lambda x: x.data, AttributeError, r"int\(x\) gives it"),
        (lambda x: x.as_integer_ratio(), LostDerivativeError, r"sum\(xs\) / len\(xs\)"),
        (lambda x: int(x * math.nan), ValueError, "NaN"),
        (lambda x: int(x * math.inf), OverflowError, "infinity"),
        (lambda x: [1, 2][x / 2], OperandError, r"An index is an integer, not 0\.5"),
        (lambda x: x + "a", OperandError, r"recorded number on its other side.*float\('a'\)"),
        (lambda x: x * 1j, OperandError, r"z\.real"),
        (lambda x: x < "a", OperandError, r"compares a recorded number.*float\('a'\)"),
        (lambda x: np.heaviside(x, 0.5), OperandError, r"does not work on a recorded number"),
        (lambda x: x + wg.Value(1.0), OperandError, r"meets a Value.*x\.data"),
        (lambda x: wg.Value(1.0) * x, OperandError, r"beside a Value.*x\.data"),
        (lambda x: wg.hypot(x, wg.Value(1.0)), OperandError, r"meets a Value"),
        (lambda x: wg.hypot(wg.Value(1.0), x), OperandError, r"beside a Value"),
        (lambda x: x < wg.Value(1.0), OperandError, r"meets a Value"),
        (lambda x: wg.Value(1.0) < x, OperandError, r"beside a Value"),
        (lambda x: wg.Value(1.0) == x, OperandError, r"beside a Value"),
        (lambda x: wg.Value(x), OperandError, r"beside a Value"),
        (lambda x: wg.Value(2.0), OperandError, r"meets a Value"),
        (lambda x: pickle.dumps(x), OperandError, "cannot be pickled"),
        (lambda x: setattr(x, "label", 3), OperandError, "A label is a string"),
        (lambda x: pow(x, 2, 3), TypeError, "positional arguments"),
        (lambda x: object() + x, TypeError, "unsupported operand"),
        (lambda x: x >= [], OperandError, "compares a recorded number"),
    ],
)
def test_misuse_is_refused_with_advice(
    twin: Any, misuse: Callable[[Any], Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        recorded(twin, misuse, 1.0)


@twin
def test_misuse_is_refused_in_the_same_words(twin: Any) -> None:
    for misuse in (
        lambda x: x + "a",
        lambda x: wg.Value(1.0) < x,
        lambda x: x ** "a",
        wg.Value.exp,
    ):
        assert told(lambda: recorded(twin, misuse, 1.0)) == told(  # noqa: B023
            lambda: recorded(PLAIN, misuse, 1.0)  # noqa: B023
        )


@twin
def test_comparison_with_anything_is_as_on_floats(twin: Any) -> None:
    program = recorded(twin, lambda x: [x == "a", x != "a", x is None, x == [1.0]], 1.0)
    assert program.results.tree([]) == [False, True, False, False]


@twin
def test_operands_of_another_recording_are_refused(twin: Any) -> None:
    kept: list[Any] = []
    recorded(twin, lambda x: kept.append(x + 1), 1.0)
    (old,) = kept
    for use in (
        lambda x: x + old,
        lambda x: old * x,
        lambda x: wg.hypot(x, old),
        lambda x: x < old,
        lambda x: wg.sum([x, old]),
        lambda x: wg.dot([x, x], [x, old]),
        lambda x: old,
        lambda x: np.array([x, old]),
    ):
        with pytest.raises(ProgramError, match="operand of another recording"):
            recorded(twin, use, 1.0)
    for use in (
        lambda x: old + 1,
        lambda x: -old,
        lambda x: old**2,
        lambda x: old < 1,
        lambda x: bool(old),
        lambda x: int(old),
        lambda x: hash(old),
        lambda x: wg.sum([old, old]),
        lambda x: [1, 2][old - 1 if old is x else old],
    ):
        with pytest.raises(ProgramError, match="has ended"):
            recorded(twin, use, 1.0)


@twin
def test_an_operand_of_an_outer_recording_is_refused_in_an_inner_one(twin: Any) -> None:
    with pytest.raises(ProgramError, match="recording around this one.*Make it an argument"):
        recorded(twin, lambda x: recorded(twin, lambda y: x * y, 2.0), 1.0)
    with pytest.raises(OperandError, match="plain number"):
        recorded(twin, lambda x: recorded(twin, lambda y: y, x), 1.0)


# --- as Python objects ----------------------------------------------------------------------------


@twin
def test_text_shows_the_example(twin: Any) -> None:
    shown: list[str] = []
    recorded(twin, lambda x: shown.append(f"{x} {x:.2f} {x!r} {x > 1} {x + 1 > 9!r}"), 1.5)
    assert shown == ["1.5 1.50 <recorded 1.5> True <recorded False>"]


@twin
def test_copies_are_the_operand_itself(twin: Any) -> None:
    program = recorded(twin, lambda x: copy.deepcopy({"a": [x]})["a"][0] * copy.copy(x), 3.0)
    assert items(program)[0].operands == (Address(INPUT, 0), Address(INPUT, 0))


@twin
def test_operands_cannot_be_made_or_changed_by_hand(twin: Any) -> None:
    operand = twin([1.0]).input(0)
    with pytest.raises((TypeError, AttributeError)):
        operand.other = 1
    if twin is not PLAIN:
        for make in (type(operand), lambda: type(operand).__new__(type(operand))):
            with pytest.raises(TypeError):
                make()
        with pytest.raises(TypeError):
            object.__new__(type(operand))


def test_the_collector_leaves_the_native_twin_alone() -> None:
    tape = NATIVE([1.0])
    operands = tape.inputs() * 2 + [tape.input(0) < 2 for _ in range(1000)]
    if NATIVE is not PLAIN:
        collected = 1 << 14  # Py_TPFLAGS_HAVE_GC
        assert not type(tape).__flags__ & collected
        assert not type(operands[0]).__flags__ & collected
    for _ in range(3):
        gc.collect()
    assert [x._is_truth for x in operands] == [False] * 2 + [True] * 1000
    assert [x._data for x in operands] == [1.0] * 1002


def test_labels() -> None:
    def labelled(x: Any) -> Any:
        y = x * 2
        y.label = "y"
        x.label = "an input has its name already"
        z = y + 1
        z.label = "first"
        z.label = "z"
        return z

    assert [item.label for item in items(both(labelled, 1.0))] == ["y", "z", ""]


# --- sources --------------------------------------------------------------------------------------


def helper(x: Any) -> Any:
    return x * 2


def test_sources_are_the_innermost_lines_of_the_user() -> None:
    def lines(x: Any) -> Any:
        y = helper(x)
        z = wg.softmax([y, x])[0]
        return [t + 1 for t in [z]]

    first = lines.__code__.co_firstlineno
    program = both(lines, 1.0)
    sources = [item.source for item in items(program)[:-1]]
    assert sources[0] == f"{HERE}:{helper.__code__.co_firstlineno + 1}"
    assert set(sources[1:-1]) == {f"{HERE}:{first + 2}"}
    assert sources[-1] == f"{HERE}:{first + 3}"


def test_code_without_a_file_has_a_source_too() -> None:
    space: dict[str, Any] = {}
    exec("def f(x):\n    return x + 1\ndef g(x):\n    return x + 1\n", space)
    assert items(both(space["f"], 1.0))[0].source == "<string>:2"
    assert items(both(space["g"], 1.0))[0].source == "<string>:4"
    assert items(both(np.sin, 1.0))[0].source.startswith("twins.py")


def test_more_places_than_the_native_cache_holds() -> None:
    lines = "".join(f"    x = x + {k}\n" for k in range(1500))
    space: dict[str, Any] = {}
    exec(
        f"def f(x):\n    for _ in range(2):\n{lines.replace('    ', '        ')}    return x", space
    )
    program = both(space["f"], 1.0)
    expected = [f"<string>:{3 + k}" for k in range(1500)] * 2
    assert [item.source for item in items(program)[:-1]] == expected


def test_code_that_comes_and_goes_is_not_mistaken() -> None:
    def run(x: Any) -> Any:
        for k in range(50):
            space: dict[str, Any] = {}
            exec(compile("\n" * k + "def f(x): return x + 1", "<made>", "exec"), space)
            x = space["f"](x)
        return x

    program = both(run, 1.0)
    assert [i.source for i in items(program)[:-1]] == [f"<made>:{k + 1}" for k in range(50)]


# --- the tape itself ------------------------------------------------------------------------------


@twin
def test_stated_loops_stand_between_stretches(twin: Any) -> None:
    tape = twin([2.0, 3.0])
    x, y = tape.inputs()
    z = x * y + 1
    tape.label(1, "z")
    loop = Loop(5, (Assign(Address(VALUE, 2, (1,)), None, (Address(INPUT, 0, (0,)),)),))
    tape.add(loop, 5)
    last = tape.value(6, 2.0)
    assert tape.length == 7
    w = last - z
    assert (w._code, w._data) == (7, -5.0)
    moved = tape.move(coded(CONSTANT, 0), 1.0)
    assert (moved._code, moved._data) == (8, 1.0)
    tape.flush()
    tape.flush()
    first, middle, second = tape.statements
    assert (first.start, len(first), first.labels) == (0, 2, {1: "z"})
    assert middle is loop
    assert (second.start, len(second)) == (7, 2)
    assert [i.operands for i in second] == [
        (Address(VALUE, 6), Address(VALUE, 1)), (Address(CONSTANT, 0),),
    ]  # fmt: skip
    numbers = [tape.number(c) for c in (coded(INPUT, 1), coded(CONSTANT, 0), 0, 1, 6, 7, 8)]
    assert numbers == [3.0, 1.0, 6.0, 7.0, 2.0, -5.0, 1.0]
    tape.put(Operation(primitives.neg), (0,), -6.0)
    assert tape.number(9) == -6.0
    tape.rewind(2)
    assert tape.statements == [first, loop]
    assert tape.length == 10
    assert tape.number(9) == -6.0
    assert (tape.fresh_local(), tape.fresh_local()) == ("local1", "local2")
    tape.closed = True
    with pytest.raises(ProgramError, match="has ended"):
        tape.add(loop, 5)
    with pytest.raises(ProgramError, match="has ended"):
        tape.put(Operation(None), (0,), 1.0)


@twin
def test_constants_can_be_looked_at_while_the_tape_runs(twin: Any) -> None:
    tape = twin([1.0])
    (x,) = tape.inputs()
    assert tape.constants.tolist() == []
    for k in range(5000):
        x = x + k
        if k % 1000 == 0:
            assert tape.constants.tolist() == list(range(k + 1))
    before = tape.constants
    x + 0.5
    assert len(before) == 5000


@twin
def test_long_recordings(twin: Any) -> None:
    def long(x: Any) -> Any:
        for _ in range(20_000):
            x = x * 0.5 + 1.0
        return x

    program = recorded(twin, long, 1.0)
    (run, out) = program.statements
    assert isinstance(run, Run)
    assert len(run) == len(program) == 40_000
    assert program.constants.tolist() == [0.5, 1.0] * 20_000
    assert isinstance(out, Assign)
    assert out.operands == (Address(VALUE, 39_999),)
    assert walked(program, 1.0) == 2.0


@twin
def test_nothing_is_leaked(twin: Any) -> None:
    def run() -> None:
        recorded(twin, random_function(7), 1.0, 2.0, [0.5, 3.0, 1.0])
        told(lambda: recorded(twin, lambda x: x + "a", 1.0))
        told(lambda: recorded(twin, lambda x: x + wg.Value(1.0), 1.0))
        recorded(twin, lambda x: wg.dot([x, 2.0], [1.0, x]) if x < 2 else x, 1.0)
        recorded(twin, (wg.Value(1.0, label="a") * 2.0).exp())

    def held() -> int:
        gc.collect()
        kinds = (twin, type(twin([1.0]).input(0)), Run, Operation)
        return sum(sys.getrefcount(kind) for kind in kinds) + len(gc.get_objects())

    for _ in range(3):
        run()
    before = held()
    for _ in range(50):
        run()
    assert held() - before < 40


OUT_OF_MEMORY = """
import wengert as wg
from wengert.program.recorder import Tape

graph = (wg.Value(1.0, label="a") * 2.0 + 3.0).tanh() ** 3

def work():
    tape = Tape([1.0, 2.0])
    x, y = tape.inputs()
    for _ in range(3):
        x = x * y + 0.5
    if x < y or x:
        x = wg.sin(x**2) + wg.dot([x, 1.0, y], [y, x, 2.0]) - int(y)
    tape.put_graph(graph)
    tape.flush()
    assert tape.number(0) == 2.0
    assert len(tape.constants) > 5
"""


@pytest.mark.skipif(NATIVE is PLAIN, reason="the plain engine is in use")
def test_running_out_of_memory_is_an_error_and_nothing_worse() -> None:
    assert memory_errors(OUT_OF_MEMORY, 300) > 100


@pytest.mark.skipif(NATIVE is PLAIN, reason="the plain engine is in use")
def test_a_long_sum_can_be_interrupted() -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    tape = NATIVE([1.0])
    xs = tape.inputs() * 3_000_000
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-3)
        with pytest.raises(KeyboardInterrupt):
            wg.sum(xs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert tape.length < 3_000_000 - 1


@twin
@pytest.mark.parametrize("name", sorted(set(REWRITES) & set(vars(math)) - {"fsum"}))
@pytest.mark.parametrize("x", [2.5, -0.75, math.inf, math.nan])
def test_rewrites_compute_what_the_functions_do(twin: Any, name: str, x: float) -> None:
    y = (-1.25,) * (name in ("isclose", "fmod", "copysign"))
    if name == "fmod" and math.isinf(x):
        return  # Python's raises

    def rewritten(x: Any) -> Any:
        return eval(REWRITES[name], {"wg": wg, "math": math, "x": x, "y": -1.25})

    expected = float(getattr(math, name)(x, *y))
    assert walked(recorded(twin, rewritten, x), x) == pytest.approx(expected, nan_ok=True)
