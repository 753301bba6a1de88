"""Kernels give the interpreter's bits: every scenario, in every form, whatever the batch."""

import math

import numpy as np
import pytest
from batches import LIST, LOOP, ROUNDS, Way, agree, bits, columns, interpreted, kernel, once, run

import wengert as wg
from scenarios import SCENARIOS
from wengert.program.statements import Loop
from wengert.run.columns import SHARED, STRIDED, UNIT, Column
from wengert.run.kernel import FLAT, compiled, has_guards, has_while, is_straight
from wengert.run.module import Plan

pytest.importorskip("llvmlite")
TURNS = [(UNIT, 4), (STRIDED, 8), (UNIT, 1), (STRIDED, 2), (UNIT, 16)]


def programs_of(name):
    """The value and the gradient of a scenario, and examples near its own."""
    row = SCENARIOS[name]
    function, args = row.make(*row.small)
    program = wg.record(function, *args).simplify()
    numbers = program.arguments.numbers(args)
    spread = 0.05 if "branch" in name or "Newton" in name else 1e-9
    noise = np.random.default_rng(0).standard_normal((11, len(numbers)))
    found = [program]
    if program.results.kind == "number":
        found.append(wg.grad(program, argnums=tuple(range(len(program.arguments.parts)))))
    return found, numbers * (1.0 + spread * noise)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios(name):
    found, rows = programs_of(name)
    turn = sorted(SCENARIOS).index(name)
    for k, program in enumerate(found):
        long = has_while(program) or len(program) > 4000
        forms = [LOOP, ROUNDS] if long else [LIST, ROUNDS]
        for form in forms:
            kind, lanes = TURNS[(turn + k) % len(TURNS)]
            agree(program, rows, Way(form, kind, lanes))
            turn += 1


def small(p, x):
    total = 0.0
    for k in range(len(p)):
        total = total + p[k] * wg.exp(-x) if x > 0.5 else total - p[k] * wg.sin(x) / 3.0
    return {"total": total, "each": p * x, "x": x}


@pytest.fixture(scope="module")
def small_program():
    return wg.record(small, np.ones(3), 1.0)


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("kind", [UNIT, STRIDED])
@pytest.mark.parametrize("form", [LIST, LOOP])
def test_every_number_of_lanes(small_program, form, kind, lanes):
    rows = np.random.default_rng(1).standard_normal((lanes + 3, 4))
    agree(small_program, rows, Way(form, kind, lanes))


@pytest.mark.parametrize("form", [LIST, LOOP])
def test_shared_arguments(small_program, form):
    agree(small_program, np.full((9, 4), 0.75), Way(form), shared=True)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
@pytest.mark.parametrize("threads", [1, 2])
def test_any_number_of_examples_and_threads(small_program, count, threads):
    way = Way(LOOP, UNIT, 8)
    rows = np.random.default_rng(2).standard_normal((count, 4))
    found, failed = run(kernel(small_program, way), rows, way, threads)
    expected, fails = interpreted(small_program, rows)
    np.testing.assert_array_equal(failed, fails)
    good = failed == 0
    np.testing.assert_array_equal(bits(found[good]), bits(expected[good]))


@pytest.mark.parametrize("count", [1, 8, 11, 2000])
def test_while_loops_of_which_nobody_knows_how_long_they_take(count):
    halved = wg.record(lambda a: wg.while_loop(lambda x: x > 1.0, lambda x: 0.5 * x, a), 5.0)
    agree(halved, np.random.default_rng(3).uniform(-2.0, 2000.0, (count, 1)), Way(LOOP, UNIT, 8))


def test_examples_are_computed_together_by_threads():
    flat = wg.record(lambda x: sum(wg.sin(x * k) for k in range(1, 200)), 1.0)
    way = Way(LIST, UNIT, 4)
    made = kernel(flat, way)
    rows = np.random.default_rng(4).standard_normal((60_001, 1))
    assert made.predicted * len(rows) > 5e-3
    one, two = (run(made, rows, way, threads)[0] for threads in (1, 2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(bits(one[-3:]), bits(interpreted(flat, rows[-3:])[0]))


@pytest.mark.parametrize("kind", [UNIT, STRIDED])
@pytest.mark.parametrize("count", [8, 9, 15, 16, 4099])
def test_threads_that_share_take_each_example(small_program, kind, count, monkeypatch):
    way = Way(LOOP, kind, 8)
    made = kernel(small_program, way)
    made.measured = 2e-3 / count  # worth another thread, and to be stopped after it
    shares = []
    monkeypatch.setattr(made.native, "share", _told(shares, made.native.share))
    rows = np.random.default_rng(5).standard_normal((count, 4))
    found, failed = once(made, rows, way, 2, False)
    expected, fails = interpreted(small_program, rows)
    assert shares
    np.testing.assert_array_equal(failed, fails)
    good = failed == 0
    np.testing.assert_array_equal(bits(found[good]), bits(expected[good]))


def _told(calls, function):
    def told(*args):
        calls.append(args)
        function(*args)

    return told


@pytest.mark.parametrize("threads", [1, 2])
def test_a_kernel_that_is_stopped_leaves_at_once(small_program, threads):
    way = Way(LOOP, UNIT, 8)
    made = kernel(small_program, way)
    made.measured = 1e-6
    rows, results = (
        columns(np.ones((8000, 4)), [3, 1], UNIT),
        columns(np.zeros((8000, 5)), [1, 3, 1], UNIT),
    )
    stop, failed = np.ones(1, np.int32), np.zeros(8000, np.uint8)
    tasks = made._shared([*rows, *results], failed, stop, 8000, 8e-3, threads)
    assert len(tasks) == threads
    for task in tasks:
        task()
    assert not any(column.array.any() for column in results)


def test_progress_counts_up_to_the_end(small_program):
    made, told = kernel(small_program, Way(LIST)), []
    rows = np.ones((103, 4))
    outputs = columns(np.empty((103, 5)), [1, 3, 1], UNIT)
    made.run(columns(rows, [3, 1], UNIT), outputs, np.zeros(103, np.uint8), 2, told.append)
    assert told == sorted(told)
    assert told[-1] == 103


def test_scratch_memory_is_used_again():
    made = compiled(Plan(wg.record(lambda x: x * 2.0, 1.0), (UNIT, UNIT), 4, exact=True))
    for _ in range(3):
        run(made, np.ones((8, 1)), Way(LIST))
    assert len(made.spare) == 1


def test_what_programs_have():
    stated = wg.record(lambda a: wg.while_loop(lambda x: x > 1.0, lambda x: 0.5 * x, a), 5.0)
    guarded = wg.record(lambda x: x if x > 0.0 else -x, 1.0)
    long = wg.record(lambda x: wg.fori(5000, lambda i, s: s + wg.sin(s * i), x), 1.0)
    short = wg.record(lambda x: wg.fori(5, lambda i, s: s + wg.sin(s * i), x), 1.0)
    programs = stated, guarded, long, short
    assert [*map(has_while, programs)] == [True, False, False, False]
    assert [*map(has_guards, programs)] == [False, True, False, False]
    assert [*map(is_straight, programs)] == [False, True, False, True]
    assert kernel(stated, Way(LOOP)).predicted == math.inf


def test_a_long_list_stays_one_beside_a_short_loop():
    def wide(x, y):
        first = [wg.sin(x * k) if k % 3 else x - y / (k + 1.0) for k in range(2000)]
        return wg.fori(7, lambda i, s: s * first[0] + i, x), *first

    program = wg.record(wide, 1.0, 2.0, passes=())
    assert any(isinstance(each, Loop) for each in program.statements)
    assert len(program) > FLAT
    assert is_straight(program)


@pytest.mark.parametrize("exact", [True, False])
def test_long_lists_are_made_quickly_and_right(exact, monkeypatch):
    """The code generator may do as it likes, but for the bits."""

    def deep(x, y):
        for k in range(300):
            x, y = wg.tanh(y * 0.5 + k) + x / 3.0, wg.exp(-x * x) * y - wg.sin(x)
        return x, y, x if abs(x) < 1e9 else y

    program = wg.record(deep, 1.0, 2.0, passes=())
    rows = np.random.default_rng(0).standard_normal((11, 2))
    found = {}
    monkeypatch.setenv("WENGERT_CACHE", "off")
    for lanes in (1, 4):
        for limit in (0, 10**9):
            monkeypatch.setattr("wengert.run.kernel.LONG", limit)
            made = compiled(Plan(program, (UNIT,) * 5, lanes, exact=exact))
            found[lanes, limit], failed = run(made, rows, Way(LIST, lanes=lanes))
            assert not failed.any()
    expected, _ = interpreted(program, rows)
    for each in found.values():
        if exact:
            assert each.tobytes() == expected.tobytes()
        else:
            np.testing.assert_allclose(each, expected, rtol=1e-12, atol=1e-12)


def test_columns_of_a_kind():
    array = np.ones((6, 3))
    assert Column(array).kind == STRIDED
    assert Column(np.asfortranarray(array)).kind == UNIT
    assert Column(array[:1], shared=True).kind == SHARED
    assert Column(array[:1]).kind == UNIT
    assert Column(array[::-1]).words()[1:] == (-3, 1)
