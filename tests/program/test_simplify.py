"""Simplification keeps every bit of the results, on all kinds of programs, and says what it did."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from evaluate import bits, outcome, walked
from evaluate import walk as walk_through
from hypothesis import example, given, settings
from hypothesis import strategies as st
from making import from_array
from redundant import INPUTS, redundant, redundant_while, summed
from sums import GIVEN, summing

import wengert as wg
from wengert import primitives as p
from wengert.errors import PathChanged, ProgramError
from wengert.program import simplify
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.order import Order
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.rules import Rule, x
from wengert.program.simplify import PASSES, simplified
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Run, Statement, While, walk
from wengert.program.workbench import Draft

SPECIAL = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, 1e308, 2.5)
seeds = st.integers(0, 10**9)


def points(seed: int) -> list[list[float]]:
    rng = random.Random(seed)
    return [[rng.uniform(-3, 3) for _ in range(INPUTS)]] + [
        [rng.choice(SPECIAL) for _ in range(INPUTS)] for _ in range(2)
    ]


def means_the_same(before: Program, after: Program, seed: int) -> None:
    for point in points(seed):
        assert outcome(after, point) == outcome(before, point)


def in_order(program: Program) -> bool:
    """Whether nothing is read too soon; simplification keeps the bits of what is, too."""
    try:
        Order(program).check()
    except ProgramError:
        return False
    return True


# --- every program --------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(seed=seeds, long=st.sampled_from((0.0, 0.4)))
def test_bits_guards_and_size(seed: int, long: float) -> None:
    program = redundant(seed, long)
    after = simplified(program)
    means_the_same(program, after, seed)
    assert len(after) <= len(program)
    assert after.size <= program.size
    assert len(after.index) <= len(program.index)
    wording = [s.source for s, _ in walk(program.statements) if isinstance(s, Guard)]
    kept = [s.source for s, _ in walk(after.statements) if isinstance(s, Guard)]
    assert sorted(kept, key=wording.index) == kept
    assert set(kept) <= set(wording)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, long=st.sampled_from((0.0, 0.4)))
def test_nothing_is_left_to_do(seed: int, long: float) -> None:
    after = simplified(redundant(seed, long))
    again = simplified(after)
    assert again == after
    assert not again.history[-1].details


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_the_list_of_a_simplified_program(seed: int) -> None:
    """Positions have holes now; the list has none."""
    after = simplified(redundant(seed, 0.2))
    flat = after.expand()
    assert len(flat) == len(after)
    means_the_same(after, flat, seed)


@settings(max_examples=100, deadline=None)
@given(seed=seeds)
def test_loops_with_a_condition(seed: int) -> None:
    program = redundant_while(seed)
    after = simplified(program)
    means_the_same(program, after, seed)
    assert after.size <= program.size
    assert simplified(after) == after


@settings(max_examples=300, deadline=None)
@given(seed=seeds, long=st.sampled_from((0.0, 0.4)))
@example(seed=3540879, long=0.4)  # a rule looked through a read of what changed since
def test_sums(seed: int, long: float) -> None:
    program = summed(seed, long)
    after = simplified(program)
    means_the_same(program, after, seed)
    if in_order(program):
        Order(after).check()
    assert after.size <= program.size
    again = simplified(after)
    assert again == after
    assert not again.history[-1].details


@pytest.mark.parametrize("each", PASSES, ids=lambda each: each.__name__)
@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_every_pass_alone(each: Any, seed: int) -> None:
    for program in (redundant(seed), redundant_while(seed), summed(seed)):
        draft = Draft(program, unsafe=False)
        each(draft)
        after = program.passed("one", **draft.fields())
        means_the_same(program, after, seed)


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from wengert.program import rules

    monkeypatch.setattr(rules, "EXACT", (*rules.EXACT, Rule(x * x, x + x)))
    monkeypatch.setattr(rules, "_rules_for", rules._rules_for.__wrapped__)
    programs = [redundant(seed) for seed in range(200)]
    assert any(
        outcome(program, point) != outcome(simplified(program), point)
        for program in programs for point in points(0)
    )  # fmt: skip


# --- recordings -----------------------------------------------------------------------------------


def straight(a: Any, b: Any) -> Any:
    total = 0.0
    for k in range(40):
        total = total + wg.sin(a) * 1.0 + b**2
        if total > k:
            total = total - (-(a * 2.0)) / 4.0
    return total, 3.0 * 4.0, wg.exp(a) * 0.0 + 1.0


def test_columns_and_bodies_do_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list in columns, and the same list in single statements, of which bodies consist."""
    program = record(straight, 1.0, 2.0, passes=())
    assert isinstance(program.statements[0], Run)
    after = simplified(program)
    assert len(after) < len(program) / 2
    assert after.values == len(after), "columns have no holes"
    monkeypatch.setattr("wengert.program.program.RUN_LENGTH", 10**9)
    singly = simplified(replace(program))
    assert not any(isinstance(s, Run) for s in singly.statements)
    assert singly.expand() == after.expand()
    for point in ((1.0, 2.0), (1.0, -0.0), (math.nan, math.inf)):
        assert outcome(program, point) == outcome(after, point) == outcome(singly, point)


def test_guards_stay_in_columns() -> None:
    def f(a: Any) -> Any:
        for k in range(100):
            if a * 1.0 > k - 200:
                a = a + 1.0
        return a

    program = record(f, 1.0, passes=())
    after = simplified(program)
    guards = [s for s, _ in walk(after.statements) if isinstance(s, Guard)]
    assert len(guards) == 100
    assert outcome(after, [-500.0])[1] == outcome(program, [-500.0])[1] != ""


def test_labels_and_sources_stay_with_what_stays() -> None:
    def f(a: Any) -> Any:
        unused = a * 3.0
        unused.label = "unused"
        for _ in range(80):
            a = wg.sin(a)
        a.label = "last"
        return a

    after = record(f, 1.0, passes=()).simplify()
    statements = [s for s, _ in walk(after.statements)]
    assert [s.label for s in statements if s.label] == ["last"]
    assert statements[79].label == "last"
    assert "test_simplify.py" in statements[0].source


def test_only_what_is_needed_is_kept_of_a_list_that_gives_constants() -> None:
    after = record(lambda a: [math.pi, a + 0.0, 2.0 * a - a * 2.0], 1.0, passes=()).simplify()
    assert outcome(after, [-0.0])[0] == outcome(record(lambda a: [math.pi, 0.0, a], 0.0), [0.0])[0]
    assert len(after) == 3, "neither x + 0 nor x - x is exact"


def test_unsafe_rules_are_off_unless_asked_for() -> None:
    program = record(lambda a: (a + 0.0) * 1.0 + (a * 0.0 + wg.exp(wg.log(a))), 1.0, passes=())
    assert len(program.simplify()) == 6
    after = simplified(program, unsafe=True)
    assert len(after) == 1, "a + a"
    assert walked(after, 3.0) == 6.0
    assert simplified(after, unsafe=True) == after


# --- loops ----------------------------------------------------------------------------------------


def value(base: int, *strides: int) -> Address:
    return Address(VALUE, base, strides)


def given_x(place: int, *strides: int) -> Address:
    return Address(INPUT, place, strides)


def constant(place: int, *strides: int) -> Address:
    return Address(CONSTANT, place, strides)


def out(place: int, read: Address) -> Assign:
    return Assign(Address(OUTPUT, place), None, (read,))


def program_of(
    *statements: Statement, values: int, constants: Sequence[float] = (),
    index: Sequence[int] = (), results: int = 1,
) -> Program:  # fmt: skip
    return from_array(statements, values, constants, index, INPUTS, results)


def test_cost_does_not_depend_on_trip_counts() -> None:
    """A billion rounds, of which each does three needless things."""
    n = 10**9
    loop = Loop(n - 1, (
        Assign(value(5, 5), p.mul, (value(4, 5), constant(0, 0))),  # times 1
        Assign(value(6, 5), p.sin, (given_x(0, 0),)),  # the same in every round
        Assign(value(7, 5), p.neg, (value(5, 5),)),
        Assign(value(8, 5), p.sub, (value(6, 5), value(7, 5))),
        Assign(value(9, 5), p.mul, (value(8, 5), value(5, 5))),
    ))  # fmt: skip
    first = Assign(value(4), p.cos, (given_x(1),))
    program = program_of(first, loop, out(0, value(5 * n - 1)), values=5 * n, constants=[1.0])
    after = simplified(program)
    assert [type(s) for s in after.statements] == [Assign, Assign, Loop, Assign]
    assert after.statements[2] == Loop(n - 1, (
        Assign(value(8, 5), p.add, (value(6, 0), value(4, 5))),
        Assign(value(9, 5), p.mul, (value(8, 5), value(4, 5))),
    ))  # fmt: skip
    assert after.values == program.values
    assert len(after.constants) == 0
    assert after.history[-1].details == (
        "x·1 = x: once", "x - -y = x + y: once", "passed by copies 3 times",
        "hoisted 1 statement out of the loop of 999,999,999", "removed 1 dead statement",
    )  # fmt: skip
    assert "x·1 = x: once" in after.explain()


def test_what_two_statements_may_have_written_is_kept() -> None:
    """The reader ranges over a peeled first round and the loop, and so these stay in place."""
    program = program_of(
        Assign(value(0), p.neg, (given_x(0),)),
        Loop(3, (Assign(value(1, 1), p.mul, (given_x(0, 1), constant(0, 0))),)),
        Loop(4, (Assign(value(4, 1), p.sin, (value(0, 1),)),)),
        Loop(4, (Assign(Address(OUTPUT, 0, (1,)), None, (value(4, 1),)),)),
        values=8, constants=[1.0], results=4,
    )  # fmt: skip
    after = simplified(program)
    assert after.statements[1] == Loop(3, (Assign(value(1, 1), None, (given_x(0, 1),)),))
    means_the_same(program, after, 0)


def test_what_is_the_same_in_every_round_stays_where_others_are_read_with_it() -> None:
    """The first round could do it for all, but a reader goes over all of its places."""
    program = program_of(
        Assign(value(0), p.neg, (given_x(0),)),
        Loop(3, (Assign(value(1, 1), p.cos, (given_x(1, 0),)),)),
        Loop(4, (Assign(value(4, 1), p.sin, (value(0, 1),)),)),
        Loop(4, (Assign(Address(OUTPUT, 0, (1,)), None, (value(4, 1),)),)),
        values=8, results=4,
    )  # fmt: skip
    after = simplified(program)
    assert after.statements == program.statements
    means_the_same(program, after, 0)


def filled(one: float, other: float, *further: Statement) -> Program:
    """A reader goes over places that two statements fill with constants."""
    return program_of(
        Assign(value(0), None, (constant(0),)),
        Loop(3, (Assign(value(1, 1), None, (constant(1, 0),)),)),
        *further,
        Loop(4, (Assign(value(4, 1), p.mul, (value(0, 1), given_x(0, 1))),)),
        Loop(4, (Assign(Address(OUTPUT, 0, (1,)), None, (value(4, 1),)),)),
        values=8, constants=[one, other], results=4,
    )  # fmt: skip


def test_a_constant_that_several_statements_write_is_read_itself() -> None:
    program = filled(2.5, 2.5)
    after = simplified(program)
    product = Assign(value(4, 1), p.mul, (constant(0, 0), given_x(0, 1)))
    assert after.statements[:-1] == (Loop(4, (product,)),)
    means_the_same(program, after, 0)


def test_a_number_that_several_statements_copy_is_read_itself() -> None:
    program = program_of(
        Assign(value(8), p.exp, (given_x(3),)),
        Assign(value(0), None, (value(8),)),
        Loop(3, (Assign(value(3, -1), None, (value(8, 0),)),)),
        Loop(4, (Assign(value(4, 1), p.mul, (value(0, 1), given_x(0, 1))),)),
        Loop(4, (Assign(Address(OUTPUT, 0, (1,)), None, (value(4, 1),)),)),
        values=9, results=4,
    )  # fmt: skip
    after = simplified(program)
    number = after.statements[0]
    assert isinstance(number, Assign)
    product = Assign(value(4, 1), p.mul, (replace(number.target, strides=(0,)), given_x(0, 1)))
    assert after.statements[1:-1] == (Loop(4, (product,)),)
    means_the_same(program, after, 0)


@pytest.mark.parametrize(("one", "other"), [(2.0, 3.0), (0.0, -0.0)])
def test_constants_that_differ_are_read_where_they_are_written(one: float, other: float) -> None:
    program = filled(one, other)
    after = simplified(program)
    assert after.statements == program.statements
    means_the_same(program, after, 0)


def test_a_constant_beside_what_columns_write_is_read_where_it_is_written() -> None:
    flat = [Assign(value(k), p.sin, (value(k - 1) if k else given_x(0),)) for k in range(100)]
    program = program_of(
        *flat,
        Loop(3, (Assign(value(100, 1), None, (constant(0, 0),)),)),
        Loop(4, (Assign(value(103, 1), p.mul, (value(99, 1), given_x(0, 1))),)),
        Loop(4, (Assign(Address(OUTPUT, 0, (1,)), None, (value(103, 1),)),)),
        values=107, constants=[2.5], results=4,
    )  # fmt: skip
    assert isinstance(program.statements[0], Run)
    means_the_same(program, simplified(program), 0)


def test_a_constant_that_is_added_to_is_none() -> None:
    program = filled(2.0, 2.0, Accumulate(value(2), given_x(3)))
    after = simplified(program)
    assert [type(each) for each in after.statements] == [type(each) for each in program.statements]
    means_the_same(program, after, 0)


def test_a_while_loop_that_reads_downwards_keeps_what_it_reads() -> None:
    """It reads every third place; which ones, is known although the number of rounds is not."""

    def local(place: int) -> Address:
        return Address("w", place, (2,))

    written = Loop(31, (
        Assign(value(0, 3), p.mul, (given_x(0, 0), constant(0, 1))),
        Assign(value(1, 3), p.neg, (given_x(0, 0),)),
        Assign(value(2, 3), p.neg, (value(1, 3),)),
    ))  # fmt: skip
    loop = While(
        "w", (Assign(local(0), None, (constant(31, 0),)),),
        (Assign(local(1), p.less, (local(0), given_x(1, 0))),), local(1),
        (Assign(local(2), p.add, (local(0), value(90, -3))),),
        (Assign(value(93, 0), None, (local(0),)),),
    )  # fmt: skip
    numbers = [*map(float, range(31)), 0.0]
    program = program_of(written, loop, out(0, value(93)), values=94, constants=numbers)
    after = simplified(program)
    assert isinstance(after.statements[0], Loop)
    assert len(after.statements[0].body) == 1
    point = [1.0, 200.0, 0.0, 0.0]
    expected = walk_through(program, point)
    for each in (program, after):
        assert each(point).tolist() == expected == walk_through(each, point)


def test_a_lookup_keeps_what_it_may_read() -> None:
    program = program_of(
        Loop(4, (Assign(value(0, 1), p.mul, (given_x(0, 1), constant(0, 0))),)),
        Loop(3, (Assign(value(4, 1), p.sin, (Address(VALUE, 0, (0,), Lookup(1, (1,))),)),)),
        Loop(3, (Assign(Address(OUTPUT, 0, (1,)), None, (value(4, 1),)),)),
        values=7, constants=[1.0], index=[9, 3, 0, 2, 9], results=3,
    )  # fmt: skip
    after = simplified(program)
    assert after.statements[0] == Loop(4, (Assign(value(0, 1), None, (given_x(0, 1),)),))
    assert after.index.tolist() == [3, 0, 2]
    means_the_same(program, after, 0)


def test_constants_that_are_equal_become_one_and_data_stay_data() -> None:
    both = Loop(3, (
        Assign(value(0, 2), p.mul, (given_x(0, 1), constant(0, 2))),
        Assign(value(1, 2), p.add, (value(0, 2), constant(1, 2))),
    ))  # fmt: skip
    result = Loop(3, (Assign(Address(OUTPUT, 0, (1,)), None, (value(1, 2),)),))
    program = program_of(
        both, result, values=6, constants=[3.0, 5.0, 3.0, 6.0, 3.0, 7.0], results=3
    )
    after = simplified(program)
    assert after.constants.tolist() == [3.0, 5.0, 6.0, 7.0]
    (_, *reads), (_, *more) = ((s.target, *s.operands) for s in after.statements[0].body)  # type: ignore[union-attr]
    assert reads[1] == constant(0, 0)
    assert more[1] == constant(1, 1)
    assert after.history[-1].details == ("1 operand the same constant in every round",)
    means_the_same(program, after, 0)


def test_data_are_folded_like_numbers() -> None:
    loop = Loop(3, (
        Assign(value(0, 2), p.mul, (constant(0, 1), constant(3, 0))),
        Assign(value(1, 2), p.add, (value(0, 2), given_x(0, 0))),
    ))  # fmt: skip
    result = Loop(3, (Assign(Address(OUTPUT, 0, (1,)), None, (value(1, 2),)),))
    program = program_of(loop, result, values=6, constants=[3.0, 5.0, 7.0, 2.0], results=3)
    after = simplified(program)
    assert after.constants.tolist() == [6.0, 10.0, 14.0]
    assert len(after) == 3
    means_the_same(program, after, 0)


def test_a_whole_loop_leaves_a_loop() -> None:
    inner = Loop(4, (Assign(value(0, 5, 1), p.sin, (given_x(0, 0, 1),)),))
    last = Assign(value(4, 5), p.add, (value(2, 5), given_x(1, 0)))
    program = program_of(
        Loop(6, (inner, last)), out(0, value(29)), out(1, value(16)), values=30, results=2
    )
    after = simplified(program)
    assert isinstance(after.statements[0], Loop)
    assert after.statements[0].count == 4
    means_the_same(program, after, 0)


def test_a_loop_between_columns_reads_what_moved_up() -> None:
    flat = tuple(
        Assign(value(k), p.sin if k % 2 else p.mul, (given_x(0),) if k % 2 else (
            given_x(k % INPUTS), constant(0))) for k in range(100)
    )  # fmt: skip
    unread = tuple(Assign(value(100 + k), p.cos, (given_x(k % INPUTS),)) for k in range(70))
    loop = Loop(50, (Assign(value(170, 1), p.add, (value(1, 2), value(120, 0))),))
    after_it = tuple(
        Assign(value(220 + k), p.mul, (value(170 + k % 50), value(max(219 + k, 170))))
        for k in range(80)
    )
    program = program_of(
        *flat, *unread, loop, *after_it, out(0, value(299)), values=300, constants=[1.0]
    )
    assert sum(isinstance(s, Run) for s in program.statements) == 2
    after = simplified(program)
    assert after.values < program.values
    means_the_same(program, after, 0)
    assert simplified(after) == after


@given(st.integers(0, 10**9), st.booleans())
def test_sums_keep_their_bits(seed: int, near: bool) -> None:
    found = summing(seed, near)
    try:
        expected = bits(walk_through(found, GIVEN))
    except PathChanged:  # a guard on what is not a number
        return
    assert bits(walk_through(found.simplify(), GIVEN)) == expected


def test_accumulations_are_left_alone() -> None:
    program = program_of(
        Assign(Address("total", 0), None, (constant(0),)),
        Assign(Address("unread", 0), None, (constant(0),)),
        Assign(value(0), p.sin, (given_x(0),)),
        Loop(3, (
            Accumulate(Address("total", 0, (0,)), given_x(0, 1)),
            Accumulate(Address("unread", 0, (0,)), given_x(0, 1)),
        )),
        Assign(value(1), p.add, (Address("total", 0), given_x(0))),
        out(0, value(0)), out(1, value(1)), values=2, constants=[0.0], results=2,
    )  # fmt: skip
    after = simplified(program)
    assert len(list(walk(after.statements))) == 6, "all but what nobody reads"
    means_the_same(program, after, 0)


def test_sums_do_not_stand_in_the_way_of_others() -> None:
    """What loops add to is left, and read anew; all else is simplified, in columns as well."""
    start = tuple(Assign(value(k), None, (constant(0),)) for k in range(70))
    adding = Loop(35, (
        Assign(value(70, 1), p.mul, (given_x(0, 0), constant(1, 0))),
        Accumulate(value(0, 2), value(70, 1)),
    ))  # fmt: skip
    total = (
        Assign(value(105), p.strong_mul, (value(2), constant(1))),
        Assign(value(106), p.add, (value(105), value(1))),
        Assign(value(107), p.add, (value(2), value(1))),
    )
    program = program_of(
        *start, adding, *total, out(0, value(106)), out(1, value(107)), values=108,
        constants=[0.0, 1.0], results=2,
    )  # fmt: skip
    after = simplified(program)
    means_the_same(program, after, 0)
    loop, *_ = (s for s in after.statements if isinstance(s, Loop))
    assert loop.body == (Accumulate(value(0, 2), given_x(0, 0)),)
    kept = [s for s, _ in walk(after.statements) if isinstance(s, Assign) and s.row]
    assert len(kept) == 1, "1 ⊗ t is t, t + 0 is there once"
    assert simplified(after) == after


def test_a_sum_that_is_read_too_soon_is_read_there() -> None:
    program = program_of(
        Assign(value(0), None, (constant(0),)),
        Assign(value(1), p.sin, (value(0),)),
        Assign(value(2), None, (value(0),)),
        Accumulate(value(0), given_x(0)),
        Assign(value(3), p.sin, (value(0),)),
        Accumulate(value(0), given_x(1)),
        Assign(value(4), p.sin, (value(0),)),
        Assign(value(5), p.sin, (value(0),)),
        *(out(k, value(k)) for k in range(6)), values=6, constants=[0.0], results=6,
    )  # fmt: skip
    after = simplified(program)
    means_the_same(program, after, 0)
    assert [s for s, _ in walk(after.statements) if isinstance(s, Assign) and s.row is p.sin] == [
        Assign(value(place), p.sin, (value(0),)) for place in (1, 3, 4)
    ]


def test_sums_that_nobody_reads_go() -> None:
    program = program_of(
        Loop(5, (Assign(value(0, 1), None, (constant(0, 0),)),)),
        Assign(value(5), p.sin, (given_x(0),)),
        Loop(3, (Accumulate(Address(VALUE, 0, (0,), Lookup(0, (1,))), value(5, 0)),)),
        out(0, given_x(1)), values=6, constants=[0.0], index=[4, 1, 1],
    )  # fmt: skip
    after = simplified(program)
    assert after.statements == (out(0, given_x(1)),)
    assert len(after.index) == 0


@pytest.mark.parametrize(
    ("start", "addend", "left"),
    [(0.0, 0.0, 0), (0.0, -0.0, 0), (-0.0, -0.0, 0), (-0.0, 0.0, 1), (2.0, 0.0, 0), (0.0, 1.0, 1)],
)
def test_additions_of_zero(start: float, addend: float, left: int) -> None:
    """Only -0.0 + 0.0 is not what it was."""
    program = program_of(
        Assign(value(0), None, (constant(0),)), Accumulate(value(0), constant(1)),
        Accumulate(value(0), given_x(0)), out(0, value(0)), values=1, constants=[start, addend],
    )  # fmt: skip
    after = simplified(program)
    assert sum(isinstance(s, Accumulate) for s, _ in walk(after.statements)) == 1 + left
    for point in ([-0.0, 0.0, 0.0, 0.0], [0.0] * 4, [-2.0, 0.0, 0.0, 0.0]):
        assert outcome(after, point) == outcome(program, point)


def test_loops_of_no_and_of_one_round() -> None:
    program = program_of(
        Loop(0, (Assign(value(0, 1), p.sin, (given_x(0, 0),)),)),
        Loop(1, (Loop(2, (Assign(value(0, 9, 1), p.sin, (given_x(0, 5, 1),)),)),)),
        out(0, value(1)), values=2,
    )  # fmt: skip
    after = simplified(program)
    assert after.statements[0] == Loop(2, (Assign(value(0, 1), p.sin, (given_x(0, 1),)),))
    means_the_same(program, after, 0)


def test_what_is_looked_up_once_is_its_place() -> None:
    """Whether the loop has one round, or its counter does not move the lookup."""
    read = Address(INPUT, 1, (0,), Lookup(2, (0,)))
    program = program_of(
        Loop(3, (Assign(value(0, 1), p.sin, (read,)),)),
        Loop(1, (Assign(value(3, 1), p.cos, (Address(INPUT, 0, (0,), Lookup(0, (1,))),)),)),
        *(out(k, value(k)) for k in range(4)), values=4, index=[1, 0, 2], results=4,
    )  # fmt: skip
    after = simplified(program)
    assert not len(after.index)
    assert "found 2 looked-up places that no loop moves" in after.history[-1].details
    means_the_same(program, after, 0)


# --- the list of what has holes -------------------------------------------------------------------


def test_expansion_refuses_what_reads_a_hole() -> None:
    program = program_of(Assign(value(2), p.sin, (value(1),)), out(0, value(2)), values=3)
    with pytest.raises(ProgramError, match=r"Nothing is assigned to value\[1\], which is read"):
        program.expand()
    with pytest.raises(ProgramError, match=r"Nothing is assigned to output\[0\]"):
        program_of(Assign(value(0), p.sin, (given_x(0),)), values=1).expand()


def test_the_passes_are_the_visible_ones() -> None:
    assert [each.__name__ for each in simplify.PASSES] == [
        "single", "lookups", "constants", "folding", "identities", "common", "chains", "moves",
        "zeros", "hoisting", "dead",
    ]  # fmt: skip
    assert all(each.__doc__ for each in simplify.PASSES)
