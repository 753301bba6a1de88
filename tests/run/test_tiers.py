"""Which way a program is run, and that all ways agree."""

import numpy as np
import pytest

import wengert as wg
from wengert.run import llvm
from wengert.run.columns import Column
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
    tiers.interpreted.spent = 100.0
    assert tiers.is_native(1)
    tiers.one(np.array([0.5]))
    assert tiers.kernels


def test_auto_without_llvmlite_stays_with_the_interpreter(monkeypatch):
    monkeypatch.setattr(llvm, "is_there", lambda: False)
    tiers = of(branch, 1.0)
    tiers.interpreted.spent = 100.0
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


@pytest.mark.parametrize("tier", [INTERPRETER, *([NATIVE] if llvm.is_there() else [])])
@pytest.mark.parametrize("count", [3, 8, 19])
def test_sums_are_taken_lane_by_lane(count, tier):
    tiers = of(lambda x: (x, x * x), 1.0, tier=tier, exact=True)
    if tier == INTERPRETER:
        tiers.interpreted.alone = 10**6  # so that blocks pay
    xs = np.arange(1.0, count + 1.0)[:, None]
    sums = np.zeros((2, 8))
    tiers.adder([Column(xs)], count)(sums, 0, count, np.zeros(1, np.int32))
    terms = np.zeros((2, 8 * -(-count // 8)))
    terms[:, :count] = [xs[:, 0], xs[:, 0] ** 2]
    assert np.array_equal(sums, terms.reshape(2, -1, 8).sum(axis=1))


def test_sums_with_guards_or_whiles():
    columns = [Column(np.ones((1000, 1)))]
    for tier in (INTERPRETER, *([NATIVE] if llvm.is_there() else [])):
        assert of(branch, 1.0, tier=tier).adder(columns, 1000) is None
        assert of(wg.exp, 1.0, tier=tier).adder(columns, 1000) is not None
    assert of(wg.exp, 1.0, tier=INTERPRETER).adder(columns, 1) is None
    endless = of(lambda x: wg.while_loop(lambda s: s < 1.0, lambda s: s + 1.0, x), 1.0)
    assert endless.predicted(1) == float("inf")
    assert 0.0 < of(wg.exp, 1.0).predicted(1) < of(wg.exp, 1.0).predicted(1000) < 1.0


def test_options_are_checked():
    with pytest.raises(wg.OperandError, match='"auto", "interpreter", "native"'):
        Options(tier="quick")


def test_many_examples_are_interpreted_in_blocks_and_few_alone():
    tiers = of(lambda x: wg.exp(x) * x, 1.0, tier=INTERPRETER)
    for count, made in ((1, 0), (2, 0), (5000, 1), (2, 1)):
        xs = np.linspace(0.0, 1.0, count)[:, None]
        outputs, failed = [Column(np.empty((count, 1)))], np.zeros(count, np.uint8)
        tiers.batch([Column(xs)], outputs, failed, None)
        assert len(tiers.interpreted.blocks) == made
        assert outputs[0].array[:, 0].tolist() == [float(wg.exp(x) * x) for x in xs[:, 0].tolist()]
    assert tiers.interpreted.together >= 5000


def test_a_program_that_meets_few_examples_again_and_again_gets_blocks():
    tiers = of(lambda x: wg.exp(x) * x, 1.0, tier=INTERPRETER)
    column = Column(np.ones((2, 1)))
    calls = 0
    while not tiers.interpreted.blocks:
        tiers.batch([column], [Column(np.empty((2, 1)))], np.zeros(2, np.uint8), None)
        calls += 1
        assert calls < 1000


def test_the_report_tells_of_blocks():
    function = wg.vectorize(lambda x: wg.exp(x) * x, tier=INTERPRETER)
    function(np.linspace(0.0, 1.0, 5000))
    (row,) = function.report().rows
    assert row.tier == INTERPRETER
    assert row.lanes > 8
    assert row.kept > 0
    assert row.measured > 0.0
