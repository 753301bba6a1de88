"""Which way a program is run, and that all ways agree."""

import numpy as np
import pytest

import wengert as wg
from wengert.run import llvm
from wengert.run.columns import Column, Sums
from wengert.run.tiers import AUTO, INTERPRETER, NATIVE, Options, Tiers

needs_llvm = pytest.mark.skipif(not llvm.is_there(), reason="llvmlite is not installed")


def of(function, *args, **options):
    return Tiers(wg.record(function, *args), Options(**options))


def branch(x):
    return wg.exp(x) if x > 0.0 else x


def test_the_interpreter_never_compiles():
    tiers = of(branch, 1.0, tier=INTERPRETER)
    for _ in range(3):
        assert tiers.one(np.array([0.5])) == wg.exp(0.5)
    assert tiers.one(np.array([-0.5])) is None
    assert not tiers.is_native(10**9)
    assert not tiers.kernels


@needs_llvm
def test_native_compiles_at_once():
    tiers = of(branch, 1.0, tier=NATIVE, exact=True)
    assert tiers.one(np.array([0.5])) == wg.exp(0.5)
    assert tiers.one(np.array([-0.5])) is None
    assert len(tiers.kernels) == 1


@needs_llvm
def test_auto_compiles_as_soon_as_that_pays():
    tiers = of(branch, 1.0)
    assert tiers.options.tier == AUTO
    assert not tiers.is_native(1)
    assert tiers.is_native(10**6)
    tiers.one(np.array([0.5]))
    assert not tiers.kernels
    tiers.spent = 100.0
    assert tiers.is_native(1)
    tiers.one(np.array([0.5]))
    assert tiers.kernels


def test_auto_without_llvmlite_stays_with_the_interpreter(monkeypatch):
    monkeypatch.setattr(llvm, "is_there", lambda: False)
    tiers = of(branch, 1.0)
    tiers.spent = 100.0
    assert not tiers.is_native(10**9)
    assert tiers.one(np.array([0.5])) == wg.exp(0.5)


@pytest.mark.parametrize("tier", [INTERPRETER, *([NATIVE] if llvm.is_there() else [])])
def test_batches(tier):
    tiers = of(lambda x, p: {"a": x * p[0], "b": p + x}, 1.0, np.ones(2), tier=tier, exact=True)
    xs, p = np.arange(9.0)[:, None], np.array([[2.0, 3.0]])
    outputs = [Column(np.empty((9, 1))), Column(np.empty((9, 2), order="F"))]
    failed = np.zeros(9, np.uint8)
    tiers.batch([Column(xs), Column(p, shared=True)], outputs, failed, None)
    assert not failed.any()
    assert np.array_equal(outputs[0].array, xs * 2.0)
    assert np.array_equal(outputs[1].array, xs + p)
    tiers.batch([], [], np.zeros(0, np.uint8), None)


@needs_llvm
@pytest.mark.parametrize("count", [3, 8, 19])
def test_sums_are_taken_lane_by_lane(count):
    tiers = of(lambda x: (x, x * x), 1.0, tier=NATIVE, exact=True)
    xs = np.arange(1.0, count + 1.0)[:, None]
    sums = [Sums(np.zeros((1, 8))) for _ in range(2)]
    rest = [Sums(np.zeros((1, 8))) for _ in range(2)]
    tiers.add([Column(xs)], sums, rest, count, np.zeros(1, np.int32))
    last = count % 8
    total = [s.array.sum() + r.array[:, :last].sum() for s, r in zip(sums, rest, strict=True)]
    assert total == [xs.sum(), (xs * xs).sum()]


def test_sums_with_guards_or_whiles():
    assert not of(branch, 1.0, tier=INTERPRETER).sums(100)
    if llvm.is_there():
        assert not of(branch, 1.0, tier=NATIVE).sums(100)
        assert of(wg.exp, 1.0, tier=NATIVE).sums(100)
    endless = of(lambda x: wg.while_loop(lambda s: s < 1.0, lambda s: s + 1.0, x), 1.0)
    assert endless.predicted(1) == float("inf")
    assert 0.0 < of(wg.exp, 1.0).predicted(1) < of(wg.exp, 1.0).predicted(1000) < 1.0


def test_options_are_checked():
    with pytest.raises(wg.OperandError, match='"auto", "interpreter", "native"'):
        Options(tier="quick")
