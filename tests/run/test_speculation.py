"""Plain products instead of such whose zero absorbs: never seen in a result, and really written."""

import math
from typing import Any

import numpy as np
import pytest
from batches import LIST, LOOP, ROUNDS, Way, agree, interpreted, kernel, once, run

import wengert as wg
from wengert import primitives
from wengert.program.address import VALUE, Address
from wengert.program.dependence import Site, is_sum
from wengert.program.storage import Storing, storage
from wengert.run.columns import AGAIN
from wengert.run.in_place import in_place
from wengert.run.place import SPACIOUS, kept_for
from wengert.run.speculation import _covers, carries_nan, plain_sites

pytest.importorskip("llvmlite")

EDGES = np.array([0.0, -0.0, -1.0, 2.0, 1e-320, 1e308, math.inf, -math.inf, math.nan])


def rooted(x: Any) -> Any:
    """Its derivative at 0 is 0 · inf in the way that is not taken."""
    return wg.where(x > 0.5, wg.sqrt(x), 0.0 * x)


def hidden(x: Any) -> Any:
    """A product whose NaN a comparison would hide."""
    slope = wg.grad(rooted)(x)
    return wg.where(wg.greater(slope, 0.25), slope, 3.0)


def carried(x: Any) -> Any:
    for _ in range(40):
        x = wg.where(x > 0.5, wg.sqrt(x), x * 0.5)
    return x


def summed(x: Any) -> Any:
    total = 0.0
    for k in range(30):
        total = total + wg.where(x > k, wg.log(x - k), 0.0)
    return total


FUNCTIONS = (rooted, hidden, carried, summed)


@pytest.mark.parametrize("form", [LIST, LOOP, ROUNDS])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_gradients_at_edges_have_the_bits_of_the_interpreter(function: Any, form: str) -> None:
    for program in (wg.grad(function).program(0.7), wg.grad(wg.grad(function)).program(0.7)):
        agree(program, EDGES[:, None], Way(form, lanes=4))


def test_examples_with_a_nan_ask_to_be_computed_again_and_no_others() -> None:
    program = wg.grad(rooted).program(0.7)
    way = Way(LIST, lanes=4)
    rows = np.array([[2.0], [0.0], [3.0], [-1.0], [4.0]])
    made = kernel(program, way)
    assert made.code.speculates
    _, why = once(made, rows, way, 1, False)
    assert [bool(each & AGAIN) for each in why] == [False, True, False, True, False]
    found, failed = run(made, rows, way)
    np.testing.assert_array_equal(found, interpreted(program, rows)[0])
    assert not failed.any()


def test_a_kernel_with_products_as_they_are_meant_asks_for_nothing() -> None:
    made = kernel(wg.grad(rooted).program(0.7), Way(LIST), strong=True)
    assert not made.code.speculates
    assert "fcmp uno" in made.code.text  # each product looks itself


def test_a_product_that_a_comparison_would_hide_stays_as_it_is() -> None:
    made = kernel(wg.record(hidden, 0.7), Way(LIST))
    assert not made.code.speculates
    assert "fcmp uno" in made.code.text


@pytest.mark.parametrize("exact", [False, True])
def test_users_see_none_of_it(exact: bool) -> None:
    slope = wg.grad(rooted)
    expected = [slope(float(x)) for x in EDGES]
    found = wg.vectorize(slope, exact=exact, tier="native")(EDGES)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    single = wg.jit(slope, exact=exact, tier="native")
    np.testing.assert_allclose([single(float(x)) for x in EDGES], expected, rtol=1e-15)


def test_sums_are_taken_again_as_a_whole() -> None:
    xs = np.tile([2.0, 3.0, 0.0, 5.0], 3000)
    loss = wg.sum_over(lambda a, x: a * rooted(x * a), xs, exact=True, tier="native")
    each = wg.vectorize(wg.grad(lambda a, x: a * rooted(x * a)), exact=True)(1.0, xs)
    assert math.isclose(wg.grad(loss)(1.0), math.fsum(each), rel_tol=1e-14)


def test_which_rows_carry_nan() -> None:
    assert carries_nan(primitives.add) == (True, True)
    assert carries_nan(primitives.fma) == (True, True, True)
    assert carries_nan(primitives.exp) == (True,)
    assert carries_nan(primitives.select) == (False, False, False)
    assert carries_nan(primitives.less) == (False, False)
    assert carries_nan(primitives.pow) == (False, False)  # 1**nan and nan**0 are 1
    assert carries_nan(primitives.hypot) == (False, False)  # of inf and nan, inf
    assert carries_nan(primitives.powi(0)) == (False,)
    assert carries_nan(primitives.sign) == (True,)


def test_sums_that_are_all_read_later_are_not_looked_at_themselves() -> None:
    def loss(w: Any, x: Any) -> Any:
        total = 0.0
        for i in range(20):
            total = total + wg.tanh(w[i] * x + w[20 + i]) * w[i]
        return total * total

    program = wg.grad(loss).program(np.full(40, 0.3), 0.7)
    made = kernel(program, Way(LOOP, lanes=4))
    assert made.code.speculates
    kept = storage(program)
    _, watched = plain_sites(kept, [site in kept.homes for site in kept.layout.sites])
    assert not any(is_sum(site) for site in watched)
    rows = np.random.default_rng(0).standard_normal((8, 41))
    rows[2, 3], rows[5, 40], rows[6, 25] = np.inf, -np.inf, np.nan
    agree(program, rows, Way(LOOP, lanes=4))


@pytest.mark.parametrize("reads", [(0, 1, 37), (3, 1, 34), (0, 2, 19)])
def test_which_places_a_loop_reads(reads: tuple[int, int, int]) -> None:
    base, stride, count = reads
    read = Site(9, None, (), (count,), None, ())  # type: ignore[arg-type]
    address = Address(VALUE, base, (stride,))
    held = {base + stride * k for k in range(count)}
    for first in range(-1, 8):
        for step in (1, 2, 3, -1):
            for rounds in (1, 4):
                target = Address(VALUE, first, (step,))
                site = Site(2, None, (), (rounds,), target, ())  # type: ignore[arg-type]
                wanted = {first + step * k for k in range(rounds)} <= held
                assert _covers(read, address, site) == wanted, (first, step, rounds)


TWICE = """
program twice(w[32]) -> number[32]

for i in 32:
    t1 = 0.0
for i in 16 by 32:
    for j in 32 by 1:
        t2 = w[j] ⊗ w[i]  @ 32*i + j + 32
        t1[j] += t2
        t1[j] += t2
for i in 32:
    out[i] = t1[i]

values 544

constants 1 shared
    0: 0.0
"""


def test_of_what_a_round_adds_to_a_sum_the_last_is_looked_at() -> None:
    program = wg.Program.parse(TWICE)
    storing = Storing(program)
    kept = kept_for(storing, SPACIOUS)
    copies = in_place(kept, storing.table).copies
    sites = kept.layout.sites
    plain, watched = plain_sites(kept, [site in kept.homes for site in sites], copies)
    assert len(plain) == len(copies) == 1
    assert watched == {[site for site in sites if is_sum(site)][-1]}
    rows = np.random.default_rng(2).standard_normal((8, 32))
    rows[2, 3], rows[2, 20], rows[6, 31] = np.inf, 0.0, np.nan
    for lanes in (1, 4):
        agree(program, rows, Way(LOOP, lanes=lanes))
