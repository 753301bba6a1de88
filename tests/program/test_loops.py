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
