"""The paths of a function: found, recorded once, kept within bounds, and tried again."""

import numpy as np
import pytest

import wengert as wg
from wengert.program.structure import structure_of
from wengert.run import paths as module
from wengert.run.columns import Column, Examples
from wengert.run.paths import Paths
from wengert.run.tiers import INTERPRETER, Options

calls = []


def steps(x):
    calls.append(float(x.data) if hasattr(x, "data") else x)
    total = x
    for _ in range(int(x)):
        total = total + 1.0
    return total


def of(function):
    calls.clear()
    arguments = structure_of((1.0,), ("x",))
    return Paths(function, arguments, {}, Options(tier=INTERPRETER), "f()")


def examples(*xs):
    return Examples((Column(np.array(xs)[:, None]),), len(xs))


def all_of(paths, *xs):
    out = Column(np.full((len(xs), 1), np.nan))
    paths.all(examples(*xs), lambda path: [out])
    return out.array[:, 0].tolist()


def test_each_path_is_recorded_once():
    paths = of(steps)
    for _ in range(3):
        for x in (0.5, 1.5, 0.25, 2.5, 1.25):
            path, outputs = paths.one(np.array([x]))
            assert outputs.tolist() == [x + int(x)]
            assert path.recorded_in > 0.0
    assert len(calls) == len(paths.known) == 3


def test_batches_find_what_examples_have_left():
    paths = of(steps)
    assert all_of(paths, 0.5, 3.5, 1.5, 3.25, 0.25) == [0.5, 6.5, 2.5, 6.25, 0.25]
    assert len(calls) == 3
    assert all_of(paths, 1.0, 3.0) == [2.0, 6.0]
    assert paths.one(np.array([3.75]))[1].tolist() == [6.75]
    assert len(calls) == 3


def test_no_examples_are_recorded_at_ones():
    paths = of(steps)
    assert all_of(paths) == []
    assert len(paths.known) == 1


def test_no_more_than_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    paths = of(steps)
    for x in (0.5, 1.5, 2.5, 1.5, 3.5):
        paths.one(np.array([x]))
    assert len(paths.known) == 3
    assert all_of(paths, 0.5, 1.5, 2.5, 3.5, 4.5) == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert len(paths.known) == 3


def test_a_function_that_raises_leaves_what_is_known():
    def f(x):
        if x > 1.0:
            raise KeyError("too much")
        return x

    paths = of(f)
    for _ in range(2):
        with pytest.raises(KeyError):
            all_of(paths, 0.5, 2.0)
        assert all_of(paths, 0.5) == [0.5]
        assert len(paths.known) == 1


def test_programs_are_not_recorded_again():
    paths = of(wg.record(lambda x: x if x > 0.0 else -x, 1.0))
    assert all_of(paths, 2.0, 3.0) == [2.0, 3.0]
    with pytest.raises(wg.PathChanged):
        all_of(paths, 2.0, -3.0)
