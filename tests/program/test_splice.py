"""Programs called with recorded numbers become part of the recording, their loops as they are."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from evaluate import bits, walk, walked
from hypothesis import given, settings
from hypothesis import strategies as st
from making import from_array
from nests import INPUTS, nest
from redundant import INPUTS as FEW
from redundant import redundant
from samples import SAMPLES, looked_up, newton, summed
from twins import PLAIN, TWINS, recorded

import wengert as wg
from wengert import primitives
from wengert.errors import OperandError, PathChanged, ProgramError
from wengert.program import record as module
from wengert.program import statements as kinds
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.splice import SHORT
from wengert.program.statements import (
    Accumulate,
    Assign,
    Guard,
    Loop,
    Operation,
    Run,
    While,
)

twin = pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS)
HOLDS = [0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0]  # where the guards of `nest` hold
Call = Callable[..., Any]


def found_in(program: Program, kind: Any) -> list[Any]:
    """The statements of a kind, those in loops too."""

    def all_of(statements: Any) -> Any:
        for statement in statements:
            yield statement
            if isinstance(statement, Run):
                yield from statement
            elif isinstance(statement, Loop | While):
                for part in kinds.parts(statement):
                    yield from all_of(part)

    return [statement for statement in all_of(program.statements) if isinstance(statement, kind)]


def moves(program: Program) -> int:
    """How many moves there are but those to outputs."""
    return sum(
        each.row is None and each.target.memory != OUTPUT for each in found_in(program, Assign)
    )


def total(xs: Any) -> Any:
    return wg.scan(lambda s, x: (s * 0.5 + x, None), 1.0, xs)[0]


def polynomial(x: Any, y: Any) -> Any:
    s = x * x
    s.label = "square"
    return s + 1.0, y - s


# --- the same numbers -----------------------------------------------------------------------------


def same(function: Call, example: Any, *others: Any) -> Program:
    """Recorded by both twins alike, it gives what calling it gives; the raw program."""
    raws = [recorded(each, function, np.array(example)) for each in (PLAIN, *TWINS.values())]
    assert raws[0] == raws[1] == raws[2]
    raw = checked(raws[0])
    rolled = wg.record(function, np.array(example))
    simple = rolled.simplify()
    for inputs in (example, *others):
        expected = outcome(function, inputs)
        for program in (raw, rolled, simple):
            assert outcome(program, inputs) == expected
        if not isinstance(expected, str):
            assert bits(walk(raw, inputs)) == bits(walk(simple, inputs)) == expected
    return raw


def outcome(function: Call, inputs: Any) -> list[int] | str:
    """The bits of the result, or the line of the first guard that does not hold."""
    try:
        return bits(function(np.array(inputs)))
    except PathChanged as changed:
        return str(re.findall(r"[^ (]+\.py:\d+", str(changed))[:1])


@given(seed=st.integers(0, 10**9), kind=st.sampled_from(["far", "near", "whiles"]), other=st.data())
@settings(max_examples=60, deadline=None)
def test_random_programs_in_random_programs(seed: int, kind: str, other: Any) -> None:
    whiles = kind == "whiles"
    program = nest(seed, near=kind != "far", whiles=whiles)
    numbers = st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=INPUTS, max_size=INPUTS)

    def function(xs: Any) -> Any:
        first = program(xs)
        again = program(first[:INPUTS] * 0.5) if whiles else program(xs + 0.0)
        return np.array([*first, *again])

    if isinstance(outcome(program, HOLDS), str):  # a guard on NaN never holds
        with pytest.raises(PathChanged):
            recorded(PLAIN, function, np.array(HOLDS))
        return
    raw = same(function, HOLDS, other.draw(numbers))
    into = checked(recorded(PLAIN, lambda xs: raw(xs) * 2.0 + raw([*xs]), np.array(HOLDS)))
    assert bits(into(np.array(HOLDS))) == bits(raw(np.array(HOLDS)) * 2.0 + raw(np.array(HOLDS)))


@given(seed=st.integers(0, 10**9), numbers=st.data())
@settings(max_examples=60, deadline=None)
def test_random_programs_with_guards_and_columns(seed: int, numbers: Any) -> None:
    program = redundant(seed, 0.2)
    floats = st.floats(-3, 3, allow_subnormal=False)
    example = numbers.draw(st.lists(floats, min_size=FEW, max_size=FEW))
    if isinstance(outcome(program, example), str):
        with pytest.raises(PathChanged):
            recorded(PLAIN, program, np.array(example))
        return
    same(lambda xs: np.array([*program(xs), *program(xs * 1.0)]), example)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_samples_are_spliced(sample: Program) -> None:
    size = sample.arguments.size
    example = np.arange(size) / 10.0
    if sample.name == "branches":  # what it was recorded with
        example = np.array([0.5, *np.arange(size - 1)])

    def function(xs: Any) -> Any:
        found = sample(*sample.arguments.tree(list(xs)))
        return np.array(sample.results.elements(found), dtype=object)

    if sample == summed():  # its loop is too long to be run for the example
        raw = recorded(PLAIN, function, example)
        assert len(raw) == len(sample)
    elif size:
        same(function, example)
    else:
        assert sample() == ()


def gathered_and_scattered(base: int) -> Program:
    """Sums at looked-up places: a product with a sparse matrix. Bases may be below 0."""
    index = np.array([0, 2, 1, 2, 1, 0, 0, 2, 3, 0, 2, 1]) - base
    zero = Assign(Address(VALUE, 0, (1,)), None, (Address(CONSTANT, 0, (0,)),))
    product = Assign(
        Address(VALUE, 3, (1,)), primitives.mul,
        (Address(INPUT, base, (0,), Lookup(6, (1,))), Address(CONSTANT, 1, (1,))),
    )  # fmt: skip
    add = Accumulate(Address(VALUE, base, (0,), Lookup(0, (1,))), Address(VALUE, 3, (1,)))
    out = Assign(Address(OUTPUT, 0, (1,)), None, (Address(VALUE, 0, (1,)),))
    return checked(
        from_array(
            (Loop(3, (zero,)), Loop(6, (product, add)), Loop(3, (out,))), 9,
            [0.0, 1.0, -2.0, 0.5, 4.0, 3.0, -1.5], index.tolist(), 4, 3,
        )
    )  # fmt: skip


@pytest.mark.parametrize("base", [0, -5, 7])
def test_sums_and_lookups(base: int) -> None:
    program = gathered_and_scattered(base)

    def function(xs: Any) -> Any:
        y = program([*xs[1:], xs[0] * xs[1]])
        return program([*y, xs[0]])

    raw = same(function, [1.0, 2.0, -3.0, 0.5], [0.0, -1.0, 1e9, 0.25])
    assert len(found_in(raw, Accumulate)) == 2

    def looped(xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            y = program([c[0], c[1], x, x * c[2]])
            return y * 0.125, y[0]

        last, all_of = wg.scan(step, np.array(xs[:3]), xs)
        return np.array([*last, *all_of])

    raw = same(looped, [1.0, 2.0, -3.0, 0.5], [0.0, -1.0, 1e9, 0.25])
    assert len(found_in(raw, Accumulate)) == 1


def test_a_sum_in_a_while_loop() -> None:
    """The sum has a place in the loop's own memory."""
    body = (Accumulate(Address(VALUE, 0, (0,)), Address(INPUT, 0, (1,))),)
    program = from_array(
        (
            Assign(Address(VALUE, 0), None, (Address(CONSTANT, 0),)),
            Loop(3, body),
            Assign(Address(OUTPUT, 0), None, (Address(VALUE, 0),)),
        ),
        1, [0.5], [], 3, 1,
    )  # fmt: skip

    def function(xs: Any, call: Call) -> Any:
        return wg.while_loop(
            lambda c: call(c) < 20.0, lambda c: [c[0] + call(c), c[1] + 1.0, c[2] + c[1]], xs
        )

    raw = checked(
        recorded(PLAIN, lambda xs: function(xs, lambda c: program(c)[0]), [1.0, 2.0, 3.0])
    )
    assert len(found_in(raw, Accumulate)) == 2
    for xs in ([1.0, 2.0, 3.0], [-0.5, 1.0, 7.25]):
        assert walked(raw, xs) == function(xs, lambda c: 0.5 + c[0] + c[1] + c[2])


def test_outputs_that_are_summed_up() -> None:
    """An output may be written early, in parts and in loops."""
    negative = Assign(Address(OUTPUT, 1, (1,)), primitives.neg, (Address(INPUT, 1, (-1,)),))
    program = from_array(
        (
            Assign(Address(OUTPUT, 0), None, (Address(INPUT, 0),)),
            Loop(2, (Accumulate(Address(OUTPUT, 0, (0,)), Address(INPUT, 1, (1,))),)),
            Loop(2, (negative,)),
            Assign(Address(OUTPUT, 3), None, (Address(CONSTANT, 0),)),
        ),
        0, [0.5], [], 3, 4,
    )  # fmt: skip
    same(lambda xs: program(program(xs)[:3] * xs[0]), [1.0, 2.0, -3.0], [0.0, -1.0, 1e9])


def test_many_outputs_of_which_some_come_late() -> None:
    """A column of outputs stays where it is, if it does not end the program."""
    sources = np.array([k % 3 + (1 << 56) for k in range(80)])
    column = Run(0, (Operation(None),), np.zeros(80, np.int32), sources, outputs=True)
    last = Loop(3, (Assign(Address(OUTPUT, 80, (1,)), None, (Address(INPUT, 0, (1,)),)),))
    program = checked(from_array((column, last), 0, [], [], 3, 83))
    same(lambda xs: program(program(xs)[-3:] * 2.0), [1.0, 2.0, -3.0], [0.0, -1.0, 1e9])


# --- in loops -------------------------------------------------------------------------------------


def test_in_stated_loops() -> None:
    """In the bodies of all of them, in each other, over results and elements."""
    program, halves = wg.record(total, np.ones(3)), newton()

    def function(xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            y = program([c, x, xs[0]])
            return y, program([y, y, halves(wg.abs(x) + 0.5)])

        last, all_of = wg.scan(step, xs[1], xs)
        turned = wg.fori(5, lambda i, c: program([c, i, all_of[-1]]) * 0.5, program(all_of[:3]))
        until = wg.while_loop(
            lambda c: program([c, 0.0, 0.0]) < 30.0, lambda c: c + wg.abs(program([c, c, xs[0]])),
            1.0 + wg.abs(turned) * 0.0,
        )  # fmt: skip
        return np.array([last, turned, until])

    raw = same(function, [0.5, 0.25, 2.0, 1.0], [0.25, -1.0, 3.0, 0.5])
    assert len(found_in(raw, While)) == 2


def test_loops_stay_loops_and_memories_stay_apart() -> None:
    program = newton()

    def function(xs: Any) -> Any:
        return np.array([program(x) + program(program(x) * 3.0) for x in xs])

    raw = same(function, [0.5, 0.25, 2.0], [100.0, -1.0, 3.0])
    names = [loop.local for loop in found_in(raw, While)]
    assert len(names) == len(set(names)) == 9


def test_rolling_finds_the_loop_around_many_calls() -> None:
    program = wg.record(total, np.ones(5))

    def function(xs: Any) -> Any:
        for _ in range(100):
            xs = np.array([program(xs), *xs[:4]])
        return xs

    rolled = wg.record(function, np.ones(5))
    raw = wg.record(function, np.ones(5), passes=())
    assert raw.size > 1000
    assert rolled.size < 60
    assert max(loop.count for loop in found_in(rolled, Loop)) > 90
    assert bits(rolled(np.arange(5.0))) == bits(function(np.arange(5.0)))


def test_a_short_straight_program_is_written_as_its_function_is_recorded() -> None:
    program = wg.record(polynomial, 1.0, 2.0, passes=())

    def function(call: Call) -> Call:
        def calling(x: Any, y: Any) -> Any:
            for _ in range(100):
                x, y = call(x, y)
            return x

        return calling

    calls, plain = (
        wg.record(function(call), 1.0, 2.0, passes=()) for call in (program, polynomial)
    )
    assert calls == plain
    assert [item.label for item in found_in(calls, Assign)] == [
        item.label for item in found_in(plain, Assign)
    ]
    assert wg.record(function(program), 1.0, 2.0) == wg.record(function(polynomial), 1.0, 2.0)
    assert wg.record(function(program), 1.0, 2.0).size < 12


def test_a_long_straight_program_is_written_in_columns() -> None:
    def function(xs: Any) -> Any:
        for _ in range(SHORT):
            xs = xs * 0.5 + xs[::-1]
        return xs

    program = wg.record(function, np.ones(2), passes=())
    raw = same(lambda xs: program(program(xs)), [1.0, 0.5], [-1.0, 0.25])
    assert len(found_in(raw, Run)) == 1
    assert len(raw) == 2 * len(program)


def test_simplification_removes_the_moves() -> None:
    program = wg.record(total, np.ones(50))
    carried = moves(program.simplify())
    raw = wg.record(lambda xs: program(xs) * 2.0, np.ones(50))
    assert moves(raw) > moves(program) >= carried
    assert moves(raw.simplify()) == carried
    assert len(raw.simplify()) == len(program.simplify()) + 1


def test_tables_are_there_once_for_each_recording() -> None:
    program = gathered_and_scattered(0)
    raw = wg.record(lambda xs: [program(xs * k) for k in range(1, 20)], np.ones(4), passes=())
    assert len(raw.index) == len(program.index)
    assert len(raw.constants) == len(program.constants) + 19 * 4


# --- what goes in and out -------------------------------------------------------------------------


@twin
def test_results_are_operands_with_the_example_s_numbers(twin: Any) -> None:
    loop = wg.record(lambda xs: (total(xs), xs[0], 2.0, [xs * 2.0]), np.ones(3))
    short = wg.record(lambda xs: (xs[0] - 1.0, xs[0], 2.0, [xs * 2.0]), np.ones(3))
    shown: list[Any] = []

    def function(x: Any) -> Any:
        for program, first in ((loop, total([2.0, 1.0, 2.0])), (short, 1.0)):
            found = program([x, 1, x])
            shown.append(found)
            assert [each._data for each in program.results.elements(found)] == [
                first, 2.0, 2.0, 4.0, 2.0, 4.0,
            ]  # fmt: skip
            assert all(each._tape is x._tape for each in program.results.elements(found))
            assert found[3][0].shape == (3,)
        return x

    recorded(twin, function, 2.0)
    assert len(shown) == 2


@twin
def test_arguments_are_checked_as_they_are_on_floats(twin: Any) -> None:
    program = wg.record(lambda x, m, mode: x + m["a"][0], 1.0, {"a": np.ones(2)}, "fast")
    for use, words in (
        (lambda x: program(x), r"takes the arguments it was recorded with"),
        (lambda x: program(x, {"a": [x]}, "fast"), r"has shape \(2,\)"),
        (lambda x: program(x, {"b": [x, x]}, "fast"), r"is a dict of"),
        (lambda x: program(x, {"a": [x, x]}, "slow"), r"is fixed"),
        (lambda x: program(x, {"a": [x, "1"]}, "fast"), r"an array of numbers|takes real numbers"),
        (lambda x: program(x, {"a": [x, wg.Value(1.0)]}, "fast"), r"meets a Value.*x\.data"),
        (lambda x: program(wg.Value(1.0), {"a": [x, x]}, "fast"), r"meets a Value.*x\.data"),
    ):
        with pytest.raises(OperandError, match=words):
            recorded(twin, use, 1.0)
    named = recorded(twin, lambda x: program(mode="fast", m={"a": [1, x]}, x=2), 1.0)
    assert walked(named, 5.0) == 3.0


@twin
def test_programs_without_inputs_or_outputs(twin: Any) -> None:
    nothing = wg.record(lambda: 2.0)
    assert walked(recorded(twin, lambda x: x * nothing(), 1.0), 3.0) == 6.0

    def only_guards(x: Any) -> tuple[()]:
        assert wg.fori(3, lambda i, c: c + x, 0.0) > 2.0
        return ()

    def only_a_guard(x: Any) -> tuple[()]:
        assert x > 0.0
        return ()

    for function in (only_a_guard, only_guards):
        guarding = wg.record(function, 1.0)
        raw = checked(recorded(twin, lambda x, p=guarding: (p(x), x)[1], 1.0))
        assert len(found_in(raw, Guard)) == 1
        assert raw(5.0) == 5.0
        with pytest.raises(PathChanged):
            raw(-1.0)
    unused = recorded(twin, lambda x: wg.record(lambda a: (), 1.0)(x), 1.0)
    assert unused(3.0) == ()


@twin
def test_guards_go_along_with_their_lines(twin: Any) -> None:
    def straight(x: Any) -> Any:
        return x if x > 1.0 else -x

    def in_loop(xs: Any) -> Any:
        return wg.scan(lambda c, x: (c + x if x > 1.0 else c, None), 0.0, xs)[0]

    def after_loop(xs: Any) -> Any:
        return 1.0 if total(xs) > 1.0 else 2.0

    for function, example, bad in (
        (straight, 2.0, 0.5), (in_loop, np.full(3, 2.0), np.array([2.0, 2.0, 0.5])),
        (after_loop, np.full(3, 2.0), np.full(3, -9.0)),
    ):  # fmt: skip
        program = wg.record(function, example)
        lines = [guard.source for guard in found_in(program, Guard)]
        assert all("test_splice.py" in line for line in lines)
        with mock.patch.object(module, "Tape", twin):
            raw = checked(module.record(lambda x, p=program: p(x) * 2.0, example))
        assert {guard.source for guard in found_in(raw, Guard)} == set(lines)
        assert bits(raw(example)) == bits(program(example) * 2.0)
        with pytest.raises(PathChanged, match=lines[0]):
            raw(bad)
        with pytest.raises(PathChanged, match=lines[0]):  # already while recording
            recorded(twin, lambda x, p=program: p(x), bad)


def test_labels_and_sources_go_along() -> None:
    def function(x: Any) -> Any:
        s = x * 2.0
        s.label = "s"
        return wg.fori(3, lambda i, c: c + s, s)

    program = wg.record(function, 1.0)
    raw = recorded(PLAIN, lambda x: program(x), 1.0)
    (labelled,) = [item for item in found_in(raw, Assign) if item.label]
    assert (labelled.label, labelled.row) == ("s", primitives.mul)
    assert labelled.source == next(i for i in found_in(program, Assign) if i.label).source


def test_a_loop_that_is_too_long_for_the_example_leaves_nan() -> None:
    shown = []

    def function(x: Any) -> Any:
        y = summed()(x)
        shown.append(y._data)
        return y

    raw = checked(wg.record(function, 1.0))
    assert math.isnan(shown[0])
    assert found_in(raw, Loop)[0].count == 10**9


def test_loops_in_which_nothing_is_done_are_left_out() -> None:
    hollow = Loop(3, (Loop(0, (Assign(Address(VALUE, -50, (1, 1)), None,
                                      (Address(INPUT, -9, (0, 0)),)),)),))  # fmt: skip
    out = Assign(Address(OUTPUT, 0), None, (Address(INPUT, 0),))
    program = from_array((hollow, Loop(2, ()), out), 0, [], [], 1, 1)
    raw = checked(recorded(PLAIN, lambda x: program([x])[0] * 2.0, 1.0))
    assert not found_in(raw, Loop)
    assert raw(3.0) == 6.0


@twin
def test_operands_of_recordings_that_are_over_are_refused(twin: Any) -> None:
    program, short = wg.record(total, np.ones(2)), wg.record(polynomial, 1.0, 2.0)
    kept: list[Any] = []
    recorded(twin, lambda x: kept.append(x), 1.0)
    (old,) = kept
    for use in (lambda x: program([x, old]), lambda x: short(old, x)):
        with pytest.raises(ProgramError, match="operand of another recording"):
            recorded(twin, use, 1.0)
    for use in (lambda x: program([old, 1.0]), lambda x: short(old, old)):
        with pytest.raises(ProgramError, match="has ended"):
            recorded(twin, use, 1.0)


@twin
def test_results_in_the_body_of_a_loop_do_not_leak(twin: Any) -> None:
    for program in (wg.record(total, np.ones(2)), wg.record(lambda xs: xs[0] * xs[1], np.ones(2))):
        kept: list[Any] = []

        def function(x: Any, kept: Any = kept, program: Any = program) -> Any:
            wg.scan(lambda c, e: (kept.append(program([c, e])) or c, None), x, [1.0, 2.0])
            return kept[0]

        with pytest.raises(ProgramError, match="is used outside of it"):
            recorded(twin, function, 1.0)


def test_branches_in_the_body_of_a_loop_that_go_two_ways_are_refused() -> None:
    program = wg.record(lambda x: x if x > 0.0 else -x, 1.0)
    with pytest.raises(ProgramError, match="different ways in different iterations"):
        wg.record(lambda xs: wg.scan(lambda c, x: (c + program(x), None), 0.0, xs)[0],
                  np.array([1.0, -1.0]))  # fmt: skip


def test_calls_in_calls() -> None:
    """What was spliced is spliced again, with its tables and memories."""
    first = looked_up()

    def second(w: Any) -> Any:
        return first(np.array(w) * 2.0) * newton()(w[0][0] + 1.0)

    inner = wg.record(second, np.ones((2, 4)))

    def third(xs: Any) -> Any:
        y = inner(np.array([xs, xs * 0.5]))
        return inner(np.array([y, xs]))

    same(third, [0.25, 0.5, 1.0, 0.125], [0.3, -0.5, 0.0, 0.75])


def test_constants_of_the_program_are_not_changed() -> None:
    program = replace(gathered_and_scattered(0))
    before = program.key
    wg.record(lambda xs: program(xs), np.ones(4))
    assert replace(program).key == before
