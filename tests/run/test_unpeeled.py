"""Sums that begin with their first two terms: begun with none, to the same bits."""

import numpy as np
import pytest

import wengert as wg
from wengert.program.invariants import checked
from wengert.run.interpret import interpret
from wengert.run.one_example import for_one_example
from wengert.run.unpeeled import unpeeled

N = 12


def squares(x):
    return (x * x).sum()


def downwards(x):
    return (x * x)[:-1].sum() - np.sum((x * x[::-1])[::-1])


def two_sums(x):
    return (x * x[::-1]).sum() * wg.exp(x).sum(), x.sum()


def of_alike_terms(x):
    return np.sum(x * 0.0 + x[0]) + x[1]


def partial_sums(x):
    terms, total, found = x * x, None, []
    for term in terms:
        total = term if total is None else total + term
        found.append(total)
    return found[-1], found[3], found


def second_last(x):
    total = x[0] + x[1]
    before = total
    for k in range(2, N):
        before, total = total, total + x[k]
    return before * total


SUMS = squares, downwards, two_sums, of_alike_terms, partial_sums, second_last


def same_bits(program, rows):
    found = checked(unpeeled(program))
    assert found is not program
    for row in rows:
        one, other = interpret(program, row), interpret(found, row)
        np.testing.assert_array_equal(one.view(np.int64), other.view(np.int64))


@pytest.mark.parametrize("function", SUMS, ids=lambda each: each.__name__)
def test_results_have_the_same_bits(function):
    rows = np.random.default_rng(0).standard_normal((6, N))
    rows[1] = -0.0
    rows[2, 0], rows[3, 1], rows[4, -1] = -0.0, np.inf, np.nan
    same_bits(wg.record(function, rows[0]).simplify(), rows)
    gradient = wg.value_and_grad(lambda x: np.sum(first(function(x)))).program(rows[0])
    assert unpeeled(gradient) is gradient or same_bits(gradient, rows) is None


def first(result):
    return result[0] if isinstance(result, tuple) else result


def starting_otherwise(x):
    total = x[0] * x[1]
    for k in range(2, N):
        total = total + x[k]
    return total


def of_others(x):
    total = x[0] + x[3]
    for k in range(2, N):
        total = total + x[k]
    return total


def subtracting(x):
    total = x[0] + x[1]
    for k in range(2, N):
        total = total - x[k]
    return total


def in_loops(x):
    return [(x * k).sum() for k in range(9)]


def nested(x):
    return [[x[i] * x[j] for j in range(N)] for i in range(N)]


@pytest.mark.parametrize(
    "function",
    [starting_otherwise, of_others, subtracting, in_loops, nested],
    ids=lambda f: f.__name__,
)
def test_what_begins_otherwise_stays(function):
    program = wg.record(function, np.ones(N)).simplify()
    assert unpeeled(program) is program


def test_a_sum_is_one_loop_with_its_terms_and_its_way_back():
    program = wg.value_and_grad(squares).program(np.ones(400))
    loops = [each for each in for_one_example(program).statements if hasattr(each, "body")]
    assert [each.count for each in loops] == [400]
