"""Kernels with loops: random programs, and what lanes do when they go different ways."""

import numpy as np
import pytest
from batches import LIST, LOOP, ROUNDS, Way, agree, bits, interpreted, kernel, run
from nests import nest
from redundant import redundant, redundant_while, summed
from samples import SAMPLES
from sums import summing

import wengert as wg
from wengert.errors import ProgramError
from wengert.program.address import INPUT, OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.statements import Assign, Loop
from wengert.program.structure import ARRAY, TUPLE, Structure
from wengert.run.columns import STRIDED, UNIT
from wengert.run.kernel import has_while
from wengert.run.loop_code import DEEPEST

pytest.importorskip("llvmlite")
NUMBERS = [0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0, 0.3, 0.1]
ODD = [0.0, -0.0, 1.0, 2.0, -1.0, np.nan, np.inf, 0.25, -7.5, 3.3]
WAYS = [(UNIT, 4), (STRIDED, 8), (UNIT, 1), (STRIDED, 2), (UNIT, 16)]
MAKERS = {
    "redundant": lambda seed: redundant(seed, 0.2),
    "while": redundant_while,
    "summed": lambda seed: summed(seed, 0.3),
    "summing": lambda seed: summing(seed, near=seed % 2 == 0),
    "far": nest,
    "near, with whiles": lambda seed: nest(seed, near=True, whiles=True),
}


def examples(size, seed):
    """Some near the one that guards were recorded for, some far from it."""
    rng = np.random.default_rng(seed)
    usual = np.resize(NUMBERS, size)
    return np.vstack([usual, np.where(rng.random((6, size)) < 0.6, usual, rng.choice(ODD, size))])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("maker", MAKERS)
def test_random_programs(maker, seed):
    program = MAKERS[maker](seed)
    rows = examples(program.arguments.size, seed)
    forms = [LOOP, ROUNDS] if has_while(program) else [LIST, LOOP, ROUNDS]
    for k, form in enumerate(forms):
        agree(program, rows, Way(form, *WAYS[(seed + k) % len(WAYS)]))


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_samples(number):
    program = SAMPLES[number]
    if len(program) > 10**6:
        pytest.skip("it runs for a second")
    agree(program, examples(program.arguments.size, 1), Way(LOOP))


def deep(depth):
    """A sum over so many loops inside each other."""
    body = (Assign(Address(VALUE, 0, (0,) * depth), None, (Address(INPUT, 0, (0,) * depth),)),)
    for _ in range(depth):
        body = (Loop(1, body),)
    out = Assign(Address(OUTPUT, 0), None, (Address(VALUE, 0),))
    arguments = Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (1,)),))
    none = np.empty(0), np.empty(0, np.int64)
    return Program((*body, out), 1, *none, arguments, Structure(ARRAY, (1,)))


def test_loops_inside_each_other():
    rows = np.array([[2.0], [3.0]])
    agree(deep(10), rows, Way(LOOP))
    assert np.array_equal(run(kernel(deep(DEEPEST), Way(LOOP)), rows, Way(LOOP))[0], rows)
    with pytest.raises(ProgramError, match="More than 100 loops"):
        kernel(deep(DEEPEST + 1), Way(LOOP))


def counted(x):
    """How often, and what: zero times for some."""
    return wg.while_loop(lambda s: s[0] < x, lambda s: (s[0] + 1.0, s[1] * 0.5 + x), (0.0, 1.0))


def test_each_lane_goes_round_as_often_as_it_says():
    program = wg.record(counted, 3.0)
    rows = np.array([[3.0], [-1.0], [0.0], [100.5], [1.0], [np.nan], [0.5], [2.0], [-np.inf]])
    agree(program, rows, Way(LOOP, UNIT, 8))
    agree(program, rows, Way(LOOP, STRIDED, 4))
    agree(wg.grad(lambda x: counted(x)[1]).program(3.0), rows, Way(LOOP, UNIT, 4))


def failing(x):
    """Its guard is met in the loop, by some in their first round and by some never."""
    return wg.while_loop(lambda s: s < 8.0, lambda s: s + 1.0 if x > 0.5 else s + 2.0, x)


def test_lanes_that_fail_inside_a_loop():
    program = wg.record(failing, 1.0)
    rows = np.array([[1.0], [0.25], [9.0], [-3.0], [2.0], [0.5], [8.0], [np.nan], [-np.inf]])
    found, failed = run(kernel(program, Way(LOOP, UNIT, 8)), rows, Way(LOOP, UNIT, 8))
    expected, fails = interpreted(program, rows)
    assert fails.sum() in (4, 5)
    np.testing.assert_array_equal(failed, fails)
    np.testing.assert_array_equal(bits(found[failed == 0]), bits(expected[fails == 0]))


def loops_in_loops(x, y):
    def outer(k, s):
        inner = wg.while_loop(lambda r: r * r > 2.0, lambda r: r / 2.0, s + k)
        return wg.while_loop(
            lambda t: t < inner,
            lambda t: t + wg.while_loop(lambda u: u < 1.0, lambda u: u + y, x),
            x,
        )

    return wg.fori(4, outer, x)


def test_loops_in_loops_in_loops():
    program = wg.record(loops_in_loops, 1.0, 0.5)
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.uniform(0.3, 6.0, 19), rng.uniform(0.1, 0.9, 19)])
    for way in (Way(LOOP, UNIT, 8), Way(LOOP, STRIDED, 2)):
        agree(program, rows, way)
    slope = wg.grad(loops_in_loops, argnums=(0, 1)).program(1.0, 0.5)
    agree(slope, rows, Way(LOOP, UNIT, 4))


def test_several_arguments_and_results_reached_by_one_loop():
    def f(a, b, c):
        xs = [a, *b, c]
        ys = [wg.sin(x) * 2.0 for x in xs]
        return ys[0], np.array(ys[1:-1]), {"last": ys[-1]}

    program = wg.record(f, 1.0, np.ones(30), 2.0)
    agree(program, np.random.default_rng(0).standard_normal((9, 32)), Way(LOOP, STRIDED, 4))


def test_long_stretches_are_taken_apart():
    def long(x, y):
        for k in range(1300):
            x = x * y + (k % 7) if k % 30 else wg.sin(x)
        return x if x > -100.0 else y

    program = wg.record(long, 0.5, 0.3, passes=())
    rows = np.random.default_rng(0).standard_normal((9, 2))
    for form in (LIST, LOOP):
        way = Way(form, UNIT, 2)
        made = kernel(program, way)
        assert made.code.text.count("define internal") >= 4
        agree(program, rows, way)
