"""Loops that the user states: on numbers, on Values, and recorded once."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from evaluate import walked
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
from wengert.program.statements import Loop, While
from wengert.program.structure import structure_of

NUMBERS = st.floats(-2.0, 2.0, allow_subnormal=False)
STEPS: dict[str, Callable[[Any, Any, Any], tuple[Any, Any]]] = {
    "sum": lambda c, x, p: (c + x, c),
    "decay": lambda c, x, p: (c * p + x, x * 2.0),
    "swap": lambda c, x, p: (x, c),
    "still": lambda c, x, p: (c, p),
    "constant": lambda c, x, p: (1.5, c * x),
    "no output": lambda c, x, p: (wg.sin(c) - x, None),
    "two outputs": lambda c, x, p: (c - p, (c, {"x": x * p})),
}


def bits(tree: Any) -> Any:
    """The numbers in a result, as they are, so that NaN equals NaN."""
    if isinstance(tree, dict):
        return {key: bits(value) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        return [bits(each) for each in tree]
    if isinstance(tree, np.ndarray):
        return [bits(each) for each in tree.tolist()]
    if isinstance(tree, wg.Value):
        return tree.data.hex()
    return float(tree).hex() if isinstance(tree, int | float) else tree


def same_everywhere(function: Callable[..., Any], example: tuple[Any, ...], *other: Any) -> None:
    """On floats, on Values, and recorded at the example and run on other arguments."""
    expected = bits(function(*other))
    values = [
        np.vectorize(wg.Value, otypes=[object])(x) if np.ndim(x) else wg.Value(x) for x in other
    ]
    assert bits(function(*values)) == expected
    program = wg.record(function, *example, passes=())
    assert bits(walked(program, *other)) == expected


# --- scan -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STEPS)
@given(
    xs=st.lists(NUMBERS, min_size=1, max_size=6), ys=st.lists(NUMBERS, min_size=6, max_size=6),
    start=NUMBERS, p=NUMBERS,
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_scan_is_the_loop_it_stands_for(
    name: str, xs: list[float], ys: list[float], start: float, p: float
) -> None:
    step = STEPS[name]

    def function(p: Any, start: Any, xs: Any) -> Any:
        return wg.scan(lambda c, x: step(c, x, p), start, xs)

    other = (p, start, np.array(ys[: len(xs)]))
    same_everywhere(function, (0.5, 1.0, np.array(xs)), *other)


def test_scan_stores_its_loop_once_whatever_its_length() -> None:
    def total(xs: Any) -> Any:
        return wg.scan(lambda c, x: (c + x * x, None), 0.0, xs)[0]

    sizes = {wg.record(total, np.ones(n), passes=()).size for n in (3, 1000)}
    assert len(sizes) == 1


def test_scan_over_a_structure_of_arrays_and_a_structure_carried() -> None:
    def function(a: Any, m: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            total, (row, _) = carry
            return (total + wg.sum(x["m"]) * x["a"], (x["m"], total)), row + x["a"]

        return wg.scan(step, (0.0, (m[0], 0.0)), {"a": a, "m": m})

    rng = np.random.default_rng(0)
    other = (rng.normal(size=4), rng.normal(size=(4, 3)))
    program = wg.record(function, np.ones(4), np.ones((4, 3)), passes=())
    (total, (row, last)), outputs = walked(program, *other)
    (total_, (row_, last_)), outputs_ = function(*other)
    assert outputs.shape == outputs_.shape == (4, 3)
    assert bits([total, row, last, outputs]) == bits([total_, row_, last_, outputs_])


def test_scan_over_what_was_computed_in_any_order() -> None:
    """Elements at irregular places, and elements that are partly constants."""

    def function(a: Any, b: Any) -> Any:
        c = a * b
        irregular = wg.scan(lambda s, x: (s * 0.5 + x, s), 1.0, np.array([a, b, a, a]))
        mixed = wg.scan(lambda s, x: (s + x, x), c, np.array([2.0, c, a, 1.0, b], dtype=object))
        again = wg.scan(lambda s, x: (s - x * x, None), 0.0, irregular[1])
        return irregular, mixed, again[0]

    same_everywhere(function, (1.0, 2.0), 0.3, -1.7)


@given(st.integers(0, 4), st.integers(0, 3), NUMBERS)
@settings(max_examples=30, deadline=None)
def test_loops_in_loops(n: int, m: int, a: float) -> None:
    def inner(i: Any, c: Any, a: Any) -> Any:
        return wg.fori(m, lambda j, d: d * 0.5 + i * j * a, c)

    def function(a: Any) -> Any:
        total = wg.fori(n, lambda i, c: inner(i, c, a) + a, 1.0)
        return total, wg.while_loop(
            lambda z: z < 3.0,
            lambda z: wg.fori(m, lambda j, y: y + 0.25 * j, z + 1.0),
            total * 0.01,
        )

    same_everywhere(function, (0.7,), a)


def test_a_while_loop_in_a_while_loop() -> None:
    def function(a: Any) -> Any:
        def outer(z: Any) -> Any:
            return 2.0 * z + wg.while_loop(lambda y: y > a, lambda y: y * 0.5, z)

        return wg.while_loop(lambda z: z < 50.0, outer, a)

    same_everywhere(function, (1.0,), 0.3)


def mixed(x: Any, outer: str, order: tuple[int, ...]) -> Any:
    """A scan in a body, over numbers of which some were computed in front of that body."""
    before = wg.sin(x[0]), x[0] * x[1]

    def body(c: Any) -> Any:
        own = c * 0.5 + x[1]
        given = own, before[0], own * 2.0, before[1], c
        xs = np.array([given[k] for k in order])
        last, made = wg.scan(lambda s, e: (s * 0.9 + wg.sin(e), s * e), c, xs)
        return last + made[0]

    start = x[0] * 1.0
    if outer == "fori":
        return wg.fori(5, lambda k, c: body(c), start)
    if outer == "nested":
        return wg.fori(5, lambda k, c: wg.fori(1, lambda j, d: body(d), c), start)
    if outer == "while":
        step = lambda c: (body(c[0]), c[1] - 1.0)  # noqa: E731
        return wg.while_loop(lambda c: c[1] > 0.0, step, (start, 5.0))[0]
    for _ in range(5):
        start = body(start)
    return start


@pytest.mark.parametrize("outer", ["fori", "nested", "while"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (1, 0, 3, 2), (4, 1), (1, 4), (3, 1), (2, 0)])
def test_sequences_of_what_is_inside_and_outside_of_a_body(outer: str, order: Any) -> None:
    """What is inside moves with the rounds, and what is outside does not."""
    x = np.array([0.3, 0.7])
    found = wg.record(lambda x: mixed(x, outer, order), x)
    plain = wg.record(lambda x: mixed(x, "python", order), x)
    for at in (x, 2.0 * x):
        assert found(at) == plain(at)
        np.testing.assert_allclose(wg.grad(found)(at), wg.grad(plain)(at), rtol=1e-12)
    assert mixed(x, outer, order) == plain(x)  # on plain numbers


# --- counts that depend on data -------------------------------------------------------------------


def root(a: Any) -> Any:
    return wg.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)


def test_while_loop_runs_as_often_as_its_arguments_demand() -> None:
    program = wg.record(root, 2.0, passes=())
    assert [walked(program, a) for a in (2.0, 1e6, 1.0)] == [root(a) for a in (2.0, 1e6, 1.0)]
    assert any(isinstance(statement, While) for statement in program.statements)


def test_fori_with_a_count_that_is_an_argument() -> None:
    def power(x: Any, n: Any) -> Any:
        return wg.fori(n, lambda i, c: c * x, 1.0)

    program = wg.record(power, 2.0, 3, passes=())
    assert [walked(program, 3.0, n) for n in (0, 1, 20)] == [3.0**n for n in (0, 1, 20)]
    assert power(wg.Value(3.0), 4).data == 81.0
    assert power(3.0, wg.Value(4.0)) == 81.0


def test_a_huge_count_costs_nothing_to_record() -> None:
    program = wg.record(lambda x: wg.fori(10**9, lambda i, c: c * x + 1.0, 0.0), 0.5, passes=())
    assert program.size < 12
    assert len(program) == 3 * 10**9
    [loop] = [s for s in program.statements if isinstance(s, Loop)]
    assert loop.count == 10**9


# --- branches -------------------------------------------------------------------------------------


def test_a_branch_in_the_body_must_go_the_same_way_each_time() -> None:
    def function(xs: Any) -> Any:
        return wg.scan(lambda c, x: (c + x if x > 0.0 else c - x, None), 0.0, xs)[0]

    program = wg.record(function, np.array([1.0, 2.0]), passes=())
    assert walked(program, np.array([3.0, 4.0])) == 7.0
    with pytest.raises(wg.PathChanged):
        walked(program, np.array([3.0, -4.0]))
    assert function(np.array([1.0, -2.0])) == 3.0


def test_a_loop_s_result_decides_a_branch_by_its_number() -> None:
    def function(x: Any) -> Any:
        total = wg.fori(3, lambda i, c: c + x, 0.0)
        return total * 2.0 if total > 5.0 else total

    program = wg.record(function, 2.0, passes=())
    assert walked(program, 3.0) == 18.0
    with pytest.raises(wg.PathChanged):
        walked(program, 1.0)


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: wg.scan(lambda c, y: (c, y), x), "length="),
        (lambda x: wg.scan(lambda c, y: (c, y), x, 3.0), "runs over arrays"),
        (lambda x: wg.scan(lambda c, y: c, x, [1.0, 2.0]), "a pair"),
        (lambda x: wg.scan(lambda c, y: (c, y), x, [1.0], length=2), "differ in length"),
        (lambda x: wg.scan(lambda c, y: (c, y), x, (np.ones(2), np.ones(3))), "differ in length"),
        (lambda x: wg.scan(lambda c, y: (c, y), x, [[1.0], [1.0, 2.0]]), "runs over arrays"),
        (lambda x: wg.scan(lambda c, y: (c, y), x, [{"a": 1.0}]), "runs over arrays"),
        (lambda x: wg.scan(lambda c, y: (c, y), x, (k for k in range(3))), "runs over arrays"),
        (lambda x: wg.scan(lambda c, y: (c, y), x, "abc"), "runs over arrays"),
        (lambda x: wg.scan(lambda c, y: (c, y), x, (1.0, 2.0)), "runs over arrays"),
        (lambda x: wg.scan(lambda c, y: (c, y), x, None, -1), "integral number"),
        (lambda x: wg.fori(1.5, lambda i, c: c, x), "integral number"),
        (lambda x: wg.fori(-1, lambda i, c: c, x), "integral number"),
        (lambda x: wg.fori("a", lambda i, c: c, x), "integral number"),
    ],
)  # fmt: skip
def test_mistakes_are_named(recorded: bool, call: Callable[..., Any], words: str) -> None:
    with pytest.raises(wg.OperandError, match=words):
        wg.record(call, 1.0, passes=()) if recorded else call(1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: wg.scan(lambda c, y: ((c, c), y), x, [1.0, 2.0]),
        lambda x: wg.fori(3, lambda i, c: (c, c), x),
        lambda x: wg.while_loop(lambda c: c > 0.0, lambda c: [c], x),
        lambda x: wg.while_loop(lambda c: c[0] > 0.0, operator.itemgetter(0), [x]),
    ],
)
def test_a_carry_keeps_its_structure(call: Callable[..., Any]) -> None:
    with pytest.raises(wg.OperandError, match="carry of the structure it takes"):
        wg.record(call, 1.0, passes=())


@pytest.mark.parametrize("length", [1, 40])
def test_what_is_made_in_the_body_stays_in_it(length: int) -> None:
    kept: list[Any] = []

    def leak(x: Any) -> Any:
        kept.append(x * 2.0)
        return x + 1.0

    def after(x: Any) -> Any:
        total = wg.fori(length, lambda i, c: leak(c), x)
        return total + kept[-1]

    def returned(x: Any) -> Any:
        wg.while_loop(lambda c: c < 3.0, leak, x)
        return kept[-1]

    def within(x: Any) -> Any:
        def body(i: Any, c: Any) -> Any:
            inner = wg.fori(length, lambda j, d: leak(d), c)
            return inner + kept[-1]

        return wg.fori(2, body, x)

    def into_another(x: Any) -> Any:
        total = wg.fori(length, lambda i, c: leak(c), x)
        return wg.fori(length, lambda i, c: c * kept[-1], total)

    def into_a_condition(x: Any) -> Any:
        total = wg.fori(length, lambda i, c: leak(c), x)
        return wg.while_loop(lambda c: kept[-1], lambda c: c * 2.0, total)

    def into_elements(x: Any) -> Any:
        wg.fori(length, lambda i, c: leak(c), x)
        return wg.scan(lambda c, y: (c + y, None), x, np.array([x, kept[-1], x]))[0]

    def from_further_inside(x: Any) -> Any:
        wg.fori(2, lambda i, c: wg.fori(length, lambda j, d: leak(d), c), x)
        return kept[-1]

    leaks = after, returned, within, into_another, into_a_condition, into_elements
    for function in (*leaks, from_further_inside):
        with pytest.raises(wg.ProgramError, match="outside of it"):
            wg.record(function, 1.0, passes=())


# --- what else people carry and run over ----------------------------------------------------------

CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]] = {
    "rows and columns": (
        lambda m: wg.scan(lambda c, row: (c + row, row * 2.0), np.zeros(2), m),
        (np.ones((3, 2)),), (np.arange(6.0).reshape(3, 2),),
    ),
    "elements without numbers": (
        lambda x: wg.scan(lambda c, row: (c + 1.0, row), x, np.ones((3, 0))), (1.0,), (2.0,),
    ),
    "lists in a tuple and a dict": (
        lambda x: wg.scan(lambda c, y: (c + y[0] * y[1]["b"], c), x, ([1.0, x], {"b": [x, 2.0]})),
        (1.0,), (3.0,),
    ),
    "no sequence, no carry": (
        lambda x: wg.scan(lambda c, y: (None, y * x), None, [1.0, 2.0]), (1.0,), (3.0,),
    ),
    "nothing to run over": (
        lambda x: wg.scan(lambda c, y: (c + y, c), x, np.ones(0)), (1.0,), (3.0,),
    ),
    "a dict in another order": (
        lambda x: wg.fori(2, lambda i, c: {"b": c["a"], "a": c["b"] + x}, {"a": x, "b": 0.0})["a"],
        (1.0,), (3.0,),
    ),
    "answers as outputs": (
        lambda xs: wg.scan(lambda c, x: (c + x, (x > 0.0, True)), 0.0, xs),
        (np.array([1.0, -1.0]),), (np.array([-1.0, -2.0]),),
    ),
    "answers to run over": (
        lambda x: wg.scan(lambda c, y: (c * wg.where(y, x, 1.0), y), 1.0, np.array([True, False])),
        (2.0,), (3.0,),
    ),
    "a flag that ends the loop": (
        lambda x: wg.while_loop(lambda s: s[1], lambda s: (s[0] * 2.0, s[0] < 30.0), (x, True))[0],
        (2.0,), (5.0,),
    ),
    "a flag among conditions": (
        lambda x: wg.while_loop(
            lambda s: s[1] & (s[0] < 1e6), lambda s: (s[0] * 2.0, s[0] < 30.0), (x, True)
        )[0],
        (2.0,), (5.0,),
    ),
    "a flag that stays": (
        lambda x: wg.fori(3, lambda i, s: (s[0] * 2.0 if s[1] else s[0], s[1]), (x, False))[0],
        (2.0,), (5.0,),
    ),
    "names beside the numbers": (
        lambda x: wg.fori(3, lambda i, s: {**s, "x": s["x"] * 2.0}, {"x": x, "how": "a"})["x"],
        (2.0,), (5.0,),
    ),
    "an array changed in place": (
        lambda x: wg.fori(3, lambda i, c: in_place(c, x), np.ones(2)), (2.0,), (5.0,),
    ),
    "a triangle": (
        lambda x: wg.fori(4, lambda i, c: wg.fori(i, lambda j, d: d + j * x, c), 0.0),
        (2.0,), (5.0,),
    ),
    "recursion": (lambda x: deeper(x, 3), (2.0,), (3.0,)),
    "a body that fails and is given up": (lambda x: given_up(x), (2.0,), (3.0,)),
    "a recording in a recording": (
        lambda x: wg.fori(3, lambda i, c: c * wg.record(lambda y: y * 2.0, 1.0)(3.0), x),
        (2.0,), (5.0,),
    ),
    "longer than is walked": (
        lambda x, xs: wg.scan(
            lambda c, y: (c * 0.5 + y * xs[1], c), x, np.tile([x, x * xs[0], 1.0], 3000)
        )[0],
        (2.0, np.ones(2)), (5.0, np.array([2.0, 3.0])),
    ),
}  # fmt: skip


def in_place(array: Any, x: Any) -> Any:
    array = array.astype(object)
    array[0] = array[0] * x
    return array


def deeper(x: Any, depth: int) -> Any:
    if not depth:
        return x
    return wg.while_loop(lambda c: c < x * 50.0, lambda c: deeper(c * 2.0, depth - 1) + 1.0, x)


def given_up(x: Any) -> Any:
    def body(i: Any, c: Any) -> Any:
        _ = c * 5.0
        raise ZeroDivisionError

    try:
        return wg.fori(3, body, x)
    except ZeroDivisionError:
        return x * 7.0


@pytest.mark.parametrize("name", CASES)
def test_a_loop_of_any_kind_is_the_same_everywhere(name: str) -> None:
    function, example, other = CASES[name]
    same_everywhere(function, example, *other)
    same_everywhere(function, example, *example)


def test_integers_and_floats_keep_their_kind_outside_recordings() -> None:
    table = [5.0, 7.0, 9.0]
    assert wg.scan(lambda c, i: (c + table[i], i), 0.0, range(3))[0] == 21.0
    carry, _ = wg.scan(lambda c, row: (c + row, None), np.zeros(2), np.ones((3, 2)))
    assert carry.dtype == float


def test_elements_are_not_the_sequence_itself() -> None:
    xs = np.ones((2, 2))

    def step(c: Any, row: Any) -> Any:
        row[0] = 5.0
        return c, None

    wg.scan(step, 0.0, xs)
    assert (xs == 1.0).all()


@pytest.mark.parametrize("count", [-1.0, 2.5, np.nan, np.inf])
def test_a_count_that_is_an_argument_is_integral_too(count: float) -> None:
    def power(n: Any, x: Any) -> Any:
        return wg.fori(n, lambda i, c: c * x, 1.0)

    with pytest.raises(wg.OperandError, match="integral number"):
        power(count, 2.0)
    with pytest.raises(wg.OperandError, match="integral number"):
        wg.record(power, count, 2.0)
    with pytest.raises(wg.PathChanged, match="when recorded"):
        wg.record(power, 2.0, 2.0)(count, 2.0)


def test_a_carry_of_another_shape_is_named_as_the_user_sees_it() -> None:
    with pytest.raises(wg.OperandError, match=r"takes, number\[1\], not number\[2\]"):
        wg.record(lambda x: wg.fori(2, lambda i, c: np.append(c, x), np.ones(1)), 1.0)
    with pytest.raises(wg.OperandError, match=r'takes, \(number, ="a"\), not \(number, ="b"\)'):
        wg.record(lambda x: wg.fori(2, lambda i, c: (x, "b"), (x, "a")), 1.0)


@pytest.mark.parametrize("length", [20, 20_000])
def test_a_branch_that_the_example_takes_both_ways_is_refused_with_its_numbers(length: int) -> None:
    def function(x: Any) -> Any:
        return wg.fori(length, lambda i, c: c + 1.0 if c < 12.0 else c, x)

    line = function.__code__.co_firstlineno + 1
    with pytest.raises(wg.ProgramError, match="goes different ways") as caught:
        wg.record(function, 2.0)
    said = str(caught.value)
    assert "< 12.0 was true when recorded, and 12.0 < 12.0 is false" in said
    assert f"test_loops.py:{line}" in said
    assert "wg.where(condition, x, y)" in said
    assert length > 20 or f"in iteration 11 (test_loops.py:{line})" in said


def test_what_is_too_long_to_try_has_no_number_and_no_branch_holds_on_it() -> None:
    def function(x: Any) -> Any:
        total = wg.fori(10**9, lambda i, c: (c[1], c[0]), (x, x))[0]
        return total if total > 0.0 else -total

    program = wg.record(function, 1.0)
    guard = next(line for line in str(program).splitlines() if line.startswith("guard"))
    assert "is false" in guard


@pytest.mark.parametrize("length", [1, 3])
def test_what_is_carried_stays_in_the_loop_too(length: int) -> None:
    kept: list[Any] = []

    def noted(*carried: Any) -> Any:
        kept.extend(carried)
        return carried[-1] * 2.0

    def counter(x: Any) -> Any:
        wg.fori(length, lambda i, c: noted(i, c), x)
        return kept[-2]

    def carry(x: Any) -> Any:
        wg.fori(length, lambda i, c: noted(c), x)
        return kept[-1] + 1.0

    def scanned(x: Any) -> Any:
        wg.scan(lambda c, y: (noted(c), y), x, np.ones(length))
        return kept[-1]

    def condition(x: Any) -> Any:
        wg.while_loop(lambda c: c < 3.0, lambda c: noted(c), x)
        return kept[-1]

    for function in (counter, carry, scanned, condition):
        with pytest.raises(wg.ProgramError, match="outside of it"):
            wg.record(function, 1.0, passes=())


def test_a_condition_that_always_holds_is_refused() -> None:
    with pytest.raises(wg.ProgramError, match="would never end"):
        wg.record(lambda x: wg.while_loop(lambda c: True, lambda c: c + 1.0, x), 1.0)
    program = wg.record(lambda x: wg.while_loop(lambda c: False, lambda c: c + 1.0, x), 1.0)
    assert program(2.0) == 2.0


# --- the numbers of the example -------------------------------------------------------------------


def of_scan(x: Any, xs: Any) -> Any:
    return wg.scan(lambda c, v: (c * v + x, (c - v, wg.sin(c))), x + 1.0, [*xs, x, 2.0 * x])


def of_shuffled_elements(x: Any, xs: Any) -> Any:
    return wg.scan(lambda c, v: ((c[1], c[0] + v), c[0]), (x, 2.0), [xs[k] for k in (2, 0, 1, 1)])


def of_fori(x: Any, xs: Any) -> Any:
    return wg.fori(6, lambda i, c: (c[1], c[0] * xs[0] + i), (x, x * x))


def of_while(x: Any, xs: Any) -> Any:
    return wg.while_loop(lambda c: c[0] < 9.0, lambda c: (c[0] + xs[1], c[1] / c[0]), (x, x - 3.0))


def of_no_turn(x: Any, xs: Any) -> Any:
    return wg.while_loop(lambda c: c < -9.0, lambda c: c * xs[0], x)


@pytest.mark.parametrize("function", [of_scan, of_shuffled_elements, of_fori, of_while, of_no_turn])
def test_going_on_from_the_first_iteration_and_walking_through_give_the_same(
    function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers that the results carry; the program and the Python loop give them too."""

    def carried() -> tuple[list[float], Any]:
        found: list[float] = []

        def recorded(x: Any, xs: Any) -> Any:
            result = function(x, xs)
            found.extend(leaf._data for leaf in structure_of(result).elements(result))
            return result

        return found, wg.record(recorded, 1.5, np.array([0.5, 1.25, -2.0]))

    soon, program = carried()
    monkeypatch.setattr("wengert.program.loops.rounds_of", lambda *args: None)
    walked, same = carried()
    plain = function(1.5, np.array([0.5, 1.25, -2.0]))
    assert soon == walked == structure_of(plain).numbers(plain).tolist()
    assert program == same
