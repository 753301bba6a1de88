"""Machine code and what it calls: rows in Python, their errors, their lives."""

import gc
import weakref

import numpy as np
import pytest

import wengert as wg
from wengert.run import llvm
from wengert.run.columns import UNIT, Column
from wengert.run.kernel import Kernel, compiled
from wengert.run.module import Plan

pytest.importorskip("llvmlite")
XS = np.linspace(0.0, 1.0, 11)


def times(factor, limit=2.0, name="times_something"):
    def function(x):
        if x > limit:
            raise RuntimeError(f"{x} is too much")
        return factor * x

    return wg.custom_rule(
        name, function, lambda z, x: (factor + 0.0 * x,), domain=[(0.0, 0.5)], check=False
    )


def kernel_of(function, *args):
    return compiled(Plan(wg.record(function, *args), (UNIT, UNIT), llvm.lanes(), exact=True))


def test_a_rule_that_was_replaced_serves_the_kernels_made_of_it():
    row = times(2.0)
    doubled = wg.vectorize(lambda x: row(x) + 1.0, tier="native")
    assert np.array_equal(doubled(XS), 2.0 * XS + 1.0)
    for factor in range(3, 20):
        other = times(float(factor))
        another = wg.vectorize(lambda x, other=other: other(x), tier="native")
        assert np.array_equal(another(XS), factor * XS)
    gc.collect()
    assert np.array_equal(doubled(XS), 2.0 * XS + 1.0)


@pytest.mark.parametrize("tier", ["native", "interpreter"])
@pytest.mark.parametrize("compiling", [wg.jit, wg.vectorize])
def test_what_a_rule_raises_is_raised(tier, compiling):
    row = times(2.0, limit=0.85, name="times_little")
    function = compiling(lambda x: row(x) + 1.0, tier=tier)
    assert function(0.5) == 2.0
    with pytest.raises(RuntimeError, match=r"0\.9 is too much"):
        function(0.9 if compiling is wg.jit else np.append(XS, [0.9] * 9)[::-1])
    assert function(0.5) == 2.0


def test_a_while_loop_ends_where_a_rule_raises():
    row = times(1.5, limit=30.0, name="times_more")
    function = wg.vectorize(
        lambda a: wg.while_loop(lambda x: x != 0.0, row, a), tier="native", threads=2
    )
    with pytest.raises(RuntimeError, match="too much"):
        function(1.0 + XS)


def test_a_rule_may_call_a_compiled_function():
    inner_row = times(3.0, name="times_inside")
    inner = wg.jit(lambda x: inner_row(x) + 1.0, tier="native")
    outer_row = wg.custom_rule(
        "outside",
        lambda x: float(inner(x)),
        lambda z, x: (3.0 + 0.0 * x,),
        domain=[(0.0, 0.5)],
        check=False,
    )
    outer = wg.vectorize(lambda x: outer_row(x) * 2.0, tier="native")
    assert np.array_equal(outer(XS), (3.0 * XS + 1.0) * 2.0)


@pytest.mark.parametrize("c", ["there_is_none({0})", "M_PI*{0}", "{0} % 2", "0x2*{0}", "2e+0*{0}"])
def test_a_rule_whose_c_is_not_known_is_asked_in_python(c):
    row = wg.custom_rule(
        "with_c", lambda x: 2.0 * x, lambda z, x: (2.0 + 0.0 * x,), domain=[(0.0, 1.0)], c=c
    )
    assert np.array_equal(wg.vectorize(row, tier="native")(XS), 2.0 * XS)


def test_a_rule_with_c_is_not_asked_in_python():
    row = wg.custom_rule(
        "as_c", lambda x: 2.0 * x, lambda z, x: (2.0 + 0.0 * x,), domain=[(0.0, 1.0)], c="2.0*{0}"
    )
    assert not kernel_of(lambda x: row(x), 1.0).code.python


def test_a_name_outside_ascii():
    row = wg.custom_rule("λ", lambda x: 2.0 * x, lambda z, x: (2.0 + 0.0 * x,), domain=[(0.0, 1.0)])
    assert np.array_equal(wg.vectorize(row, tier="native")(XS), 2.0 * XS)


def test_kernels_are_freed_when_they_are_dropped():
    row = times(2.0)
    kernel = kernel_of(lambda x: row(x) + 1.0, 1.0)
    native, callback = weakref.ref(kernel.native), weakref.ref(kernel.native.python[0])
    del kernel
    gc.collect()
    assert native() is None
    assert callback() is None


def test_lanes_are_those_of_the_cpu():
    assert llvm.lanes() in (2, 4, 8)


def run(kernel: Kernel, xs):
    found = np.full((len(xs), 1), 7.0)
    failed = np.zeros(len(xs), np.uint8)
    kernel.run([Column(xs[:, None])], [Column(found)], failed)
    return found[:, 0], failed


def test_one_kernel_serves_many_calls():
    kernel = kernel_of(lambda x: wg.exp(x) * x, 1.0)
    for count in (0, 1, 7, 8, 9, 11):
        found, failed = run(kernel, XS[:count])
        assert np.array_equal(found, wg.exp(XS[:count]) * XS[:count])
        assert not failed.any()
