"""Memory for short calls: used again, never shared, and as good as new memory."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import wengert as wg
from wengert.run import kernel
from wengert.run.columns import UNIT
from wengert.run.desk import ROOM
from wengert.run.kernel import compiled
from wengert.run.module import Plan

pytest.importorskip("llvmlite")


def function(x):
    return [each * x[0] + wg.sin(each) for each in x], x[0] - x[1]


def made(count, strong=False, of=function):
    program = wg.record(of, np.linspace(1.0, 2.0, count))
    return compiled(Plan(program, (UNIT, UNIT), 1, False, whole=True, strong=strong))


@pytest.mark.parametrize("count", [2, 17, ROOM // 2 - 1, ROOM // 2, ROOM])
def test_results_are_those_of_new_memory(count, monkeypatch):
    small, large = made(count), made(count)
    assert small.is_small == (2 * count + 1 <= ROOM)
    monkeypatch.setattr(type(large), "is_small", property(lambda self: False))
    rows = np.random.default_rng(count).standard_normal((5, count))
    expected = [large.one(row) for row in rows]
    monkeypatch.undo()
    found = [small.one(row) for row in rows]
    for (one, why), (other, same) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
        assert why == same == 0
    assert len(small.desks) == small.is_small


def test_why_an_example_failed_is_told_once():
    def positive(x):
        return x[0] + x[1] if x[0] > 0.0 else x[1]

    failing = made(2, of=positive)
    assert failing.is_small
    for _ in range(2):
        assert failing.one(np.array([-1.0, 2.0]))[1] == 1
        found, why = failing.one(np.array([1.0, 2.0]))
        assert (found.tolist(), why) == ([3.0], 0)


def test_numbers_in_pieces():
    small = made(6)
    row = np.linspace(-1.0, 1.0, 6)
    whole, _ = small.one(row)
    np.testing.assert_array_equal(small.one((row[:2], row[2:5], row[5:]))[0], whole)
    np.testing.assert_array_equal(small.one((row,))[0], whole)


def test_threads_have_desks_of_their_own():
    fast = wg.jit(function, tier="native")
    row = np.linspace(0.5, 2.0, 40)
    expected = [fast(row * k)[0] for k in range(50)]

    def calls(_):
        return [fast(row * k)[0] for k in range(50)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(calls, range(16)):
            assert found == expected


def test_a_call_that_may_be_stopped_has_none(monkeypatch):
    monkeypatch.setattr(kernel, "SHORT", 0.0)
    fast = wg.jit(function, tier="native")
    row = np.linspace(0.5, 2.0, 40)
    np.testing.assert_allclose(fast(row)[0], row * row[0] + np.sin(row), rtol=1e-14)
    (path,) = fast._known()
    assert not any(each.desks for each in path.tiers.kernels.values())
