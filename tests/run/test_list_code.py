"""Kernels of lists: parts of bounded size, and what one leaves to another."""

import numpy as np
import pytest
from batches import LIST, Way, agree, kernel, run

import wengert as wg
from wengert.run.pieces import PART

pytest.importorskip("llvmlite")
ROWS = np.random.default_rng(0).standard_normal((5, 3))


def woven(x, y, z):
    """Everything is read much later, too."""
    made = [x, y, z]
    for k in range(3 * PART):
        made.append(made[-1] * 0.5 + made[k // 2])
    return made[-1], made[PART], np.array(made[::PART])


def test_what_is_left_to_later_parts():
    program = wg.record(woven, 1.0, 2.0, 3.0, passes=())
    made = kernel(program, Way(LIST, lanes=2))
    assert made.code.text.count("define internal") > 3
    assert 0 < made.code.scratch < len(program)
    agree(program, ROWS, Way(LIST, lanes=2))


def test_places_are_used_again():
    def chain(x):
        for k in range(4 * PART):
            x = x * 0.5 + k
        return x

    assert kernel(wg.record(chain, 1.0, passes=()), Way(LIST)).code.scratch <= 2


def test_guards_across_parts():
    def f(x, y, z):
        first = x * y
        for _ in range(PART):
            z = z * 0.99 + 0.01
        return z if first > 0.0 and z > 0.0 else x

    program = wg.record(f, 1.0, 2.0, 3.0, passes=())
    agree(program, ROWS, Way(LIST))
    _, failed = run(kernel(program, Way(LIST)), ROWS, Way(LIST))
    assert 0 < failed.sum() < len(ROWS)


@pytest.mark.parametrize(
    "function",
    [lambda x, y, z: (x, y, x), lambda x, y, z: (1.5, np.array([2.5, x])), lambda x, y, z: (),
     lambda x, y, z: (x + y, x + y, -0.0)],
)  # fmt: skip
def test_results_that_are_arguments_constants_or_nothing(function):
    agree(wg.record(function, 1.0, 2.0, 3.0, passes=()), ROWS, Way(LIST))
