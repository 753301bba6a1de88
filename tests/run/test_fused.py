"""Loops that become one, copies that are left out, and what is not to be touched."""

from itertools import pairwise

import numpy as np
import pytest
from stencils import stencils

import wengert as wg
from wengert.program.dependence import Level, Table
from wengert.program.statements import Assign, walk
from wengert.run import fused as fusing
from wengert.run.coalesced import coalesced
from wengert.run.fused import fused
from wengert.run.in_place import ahead, in_place
from wengert.run.interpret import interpret
from wengert.run.one_example import for_one_example
from wengert.run.place import Memories
from wengert.run.short_loops import without_short_loops

N = 60
START = np.linspace(-1.0, 1.3, N)


def loops(program):
    """The counts of the loops that statements stand in."""
    inner = {id(around[-1]): around[-1] for _, around in walk(program.statements) if around}
    return [loop.count for loop in inner.values()]


def rosenbrock(x):
    return sum(100.0 * (x[k + 1] - x[k] * x[k]) ** 2 + (1.0 - x[k]) ** 2 for k in range(len(x) - 1))


def gradient(function, start=START):
    return wg.value_and_grad(function).program(start)


def test_a_sum_and_its_way_back_are_one_loop():
    program = for_one_example(gradient(rosenbrock))
    long = [count for count in loops(program) if count > 2]
    assert len(long) == 2  # with the one that has the results, which is not run
    kept = Memories(program, 1 << 20, 8, by_rows=True).kept
    assert sorted(array.size for array in kept.arrays) == [N - 1, N]  # of sums, which stay in lanes
    assert {*in_place(kept, Table(program.index)).starts.values()} == {1}


def test_bits_stay_where_only_copies_are_left_out():
    for seed in range(20):
        function, size = stencils(seed)
        row = np.random.default_rng(seed).uniform(-1.0, 1.0, size)
        back = gradient(lambda x: one(function(x)), row)  # noqa: B023
        for program in (wg.record(function, row).simplify(), back):
            short = without_short_loops(program)
            np.testing.assert_array_equal(interpret(coalesced(short), row), interpret(program, row))


@pytest.mark.parametrize("seed", range(20))
def test_fused_programs_give_the_same(seed, monkeypatch):
    monkeypatch.setattr(fusing, "LANES", 2)
    function, size = stencils(seed)
    row = np.random.default_rng(seed).uniform(-1.0, 1.0, size)
    program = coalesced(gradient(lambda x: one(function(x)), row))
    expected = interpret(program, row)
    together = fused(program)
    assert len(loops(together)) <= len(loops(program))
    np.testing.assert_allclose(interpret(together, row), expected, rtol=1e-12, atol=1e-13)


def one(result):
    return result[0] if isinstance(result, tuple) else result


def test_most_random_gradients_have_loops_that_become_one():
    changed = 0
    for seed in range(20):
        function, size = stencils(seed)
        program = gradient(lambda x: one(function(x)), np.full(size, 0.5))  # noqa: B023
        changed += fused(program) is not program
    assert changed >= 10


def test_a_loop_that_needs_the_whole_sum_stays_apart():
    def normalised(x):
        total = sum(each * each for each in x)
        return [each / total for each in x]

    program = wg.record(normalised, START).simplify()
    assert loops(program) == [N - 1, N, N]
    assert loops(fused(program)) == [N - 1, N]  # what is divided goes to the results at once


def test_a_loop_is_not_turned_round_where_order_matters():
    def backward(x):
        doubled = [2.0 * each for each in x]
        found = [0.0]
        for each in reversed(doubled):
            found.append(0.5 * found[-1] + each)
        return found[-1]

    program = wg.record(backward, START).simplify()
    assert fused(program) is program


def test_what_is_moved_in_part_is_not_coalesced():
    def some(x):
        found = [0.0 + each * each for each in x]
        return found[:20], sum(found)

    program = wg.record(some, START)
    np.testing.assert_array_equal(interpret(coalesced(program), START), interpret(program, START))


def test_results_that_are_reversed_are_copied():
    program = wg.record(lambda x: [each * x[0] for each in x][::-1], START).simplify()
    kept = Memories(program, 1 << 20, 8, by_rows=True).kept
    assert not in_place(kept, Table(program.index)).starts


@pytest.mark.parametrize("tier", ["native", "interpreter"])
def test_arrays_in_the_memory_of_the_results_are_right(tier):
    def function(x):
        squares = [each * each for each in x]
        return sum(squares), squares, [a + b for a, b in pairwise(squares)]

    made = wg.jit(function, tier=tier)
    total, squares, sums = made(START)
    np.testing.assert_allclose(squares, START**2, rtol=1e-15)
    np.testing.assert_allclose(sums, START[1:] ** 2 + START[:-1] ** 2, rtol=1e-14)
    np.testing.assert_allclose(total, np.sum(START**2), rtol=1e-14)
    again = made(-2.0 * START)
    np.testing.assert_allclose(squares, START**2, rtol=1e-15)  # it is still the caller's
    np.testing.assert_allclose(again[1], 4.0 * START**2, rtol=1e-15)


def test_the_largest_array_of_results_begins_a_line():
    program = wg.record(lambda x: (x[0], x[:3], x * 2.0), START)
    assert ahead(program.results) == 4
    assert ahead(wg.record(lambda x: (), START).results) == 0


def test_levels_that_only_copy_are_told_apart():
    program = for_one_example(gradient(rosenbrock))
    kept = Memories(program, 1 << 20, 8, by_rows=True).kept
    found = in_place(kept, Table(program.index))
    levels = [item for item in kept.layout.tree if isinstance(item, Level)]
    assert [found.has_all(level) for level in levels] == [False] * (len(levels) - 1) + [True]


def test_a_copy_of_a_copy_is_left_out():
    program = coalesced(without_short_loops(gradient(rosenbrock)))
    moves = [
        each
        for each, _ in walk(program.statements)
        if isinstance(each, Assign)
        and each.row is None
        and each.target.memory == "value"
        and each.operands[0].memory == "value"
    ]
    assert not [each for each in moves if each.target.strides]
