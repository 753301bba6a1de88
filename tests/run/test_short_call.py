"""Short calls: the same results as all others, and for all that is not short, those others."""

import copy
import gc
import math
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import wengert as wg
from wengert.value import engine

pytest.importorskip("llvmlite")
if engine != "native":
    pytest.skip("short calls are the native engine's", allow_module_level=True)

from wengert import _native
from wengert.run import short_call as module


def product(x, y):
    return wg.sin(x) * y + x


def pairs(xs, scale):
    a, [b, c] = xs
    return [a * scale, (b, [c * c, a])], np.array([[a, b], [c, scale]])


def weighted(w, x):
    return sum(w[k] * x[k] for k in range(3)) * w, x * w[0]


CASES = {
    "number": (product, (0.5, 2.0)),
    "value and gradient": (wg.value_and_grad(product, argnums=(0, 1)), (0.5, 2.0)),
    "tuples and lists": (pairs, ((1.5, [2.0, -3.0]), 0.25)),
    "arrays": (weighted, (np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 2.0]))),
    "hessian": (wg.hessian(lambda x: (x * x * x[0]).sum()), (np.array([0.5, 1.5]),)),
    "array of no axes": (lambda x: x * 2.0, (np.array(3.0),)),
    "nothing in a list": (lambda x, nothing: [x, []], (1.0, [])),
}


def same(one, other):
    """Of the same types and bits."""
    assert type(one) is type(other)
    if isinstance(one, tuple | list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    else:
        assert np.shape(one) == np.shape(other)
        np.testing.assert_array_equal(one, other)


def short(function, *args):
    """A compiled function whose next call of this kind is short."""
    made = wg.jit(function, tier="native")
    made(*args)
    assert made._short[len(args)] is not None
    return made


def called(made, *args):
    """What the short call itself gives; None if it leaves that to others."""
    return made._short[len(args)](args)


@pytest.mark.parametrize("name", CASES)
def test_results_are_those_of_other_calls(name):
    function, args = CASES[name]
    made = short(function, *args)
    found = called(made, *args)
    assert found is not None
    same(made(*args), found)
    made._short.clear()
    same(found, made(*args))


def test_results_are_new_each_time():
    function, args = CASES["tuples and lists"]
    made = short(function, *args)
    first, second = made(*args), made(*args)
    first[0][1][1].append(7.0)
    first[1][0, 0] = 9.0
    same(second, made(*args))


@pytest.mark.parametrize("number", [2, 2.0, np.float64(2.0)])
def test_numbers_of_other_types(number):
    made = short(product, 0.5, 2.0)
    assert called(made, 0.5, number) == made(0.5, 2.0)


@pytest.mark.parametrize(
    "number", [True, np.int64(2), np.float32(2.0), np.array(2.0), 10**400, None]
)
def test_what_is_no_number_is_left_to_others(number):
    assert called(short(product, 0.5, 2.0), 0.5, number) is None


@pytest.mark.parametrize(
    "array",
    [
        np.ones(4), np.ones((3, 1)), np.ones(3, np.float32), np.ones(3, int), np.ones(6)[::2],
        np.ones(3, ">f8"), np.ones(3).view(np.recarray), [1.0] * 3, (1.0,) * 3, 1.0, None,
        np.array([1.0, wg.Value(2.0), 3.0], object),
    ],
)  # fmt: skip
def test_what_is_another_array_is_left_to_others(array):
    made = short(weighted, np.ones(3), np.ones(3))
    assert called(made, array, np.ones(3)) is None


def test_arrays_that_are_written_otherwise_or_not_at_all():
    made = short(lambda a: (a * a).sum(axis=1), np.ones((2, 3)))
    given = np.arange(6.0).reshape(2, 3)
    expected = (given * given).sum(axis=1)
    np.testing.assert_array_equal(made(np.asfortranarray(given)), expected)
    given.flags.writeable = False
    found = called(made, given)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.writeable


@pytest.mark.parametrize("args", [(), (1.0,), (1.0, 2.0, 3.0)])
def test_another_number_of_arguments(args):
    made = short(product, 0.5, 2.0)
    assert made._short[2](args) is None
    with pytest.raises(wg.OperandError):
        made(*args)


def test_values_and_recordings_and_names():
    made = short(product, 0.5, 2.0)
    x = wg.Value(0.5)
    made(x, 2.0).backward()
    assert x.grad == pytest.approx(2.0 * math.cos(0.5) + 1.0)
    program = wg.record(lambda x: made(x, 2.0), 0.5)
    assert program(0.5) == pytest.approx(made(0.5, 2.0))
    assert made(0.5, y=3.0) == pytest.approx(math.sin(0.5) * 3.0 + 0.5)
    assert made(0.5, 2.0) == pytest.approx(math.sin(0.5) * 2.0 + 0.5)


def test_each_path_has_its_answer():
    def branch(x):
        return wg.exp(x) if x > 0.0 else x * x

    made = wg.jit(branch, tier="native")
    for x in [1.0, 2.0, -1.0, -2.0, 3.0, -3.0, 0.5] * 3:
        assert made(x) == pytest.approx(math.exp(x) if x > 0.0 else x * x, rel=1e-15)


def test_products_whose_zero_absorbs():
    made = short(wg.grad(lambda x: wg.where(x > 0.5, wg.sqrt(x), 0.0 * x)), 1.0)
    assert called(made, 0.0) is None, "it is computed once more, otherwise"
    assert made(0.0) == 0.0
    assert made(4.0) == 0.25


def test_long_kernels_and_other_structures_have_none():
    long = wg.jit(lambda x: wg.fori(40_000, lambda k, s: wg.sin(s) * x, x), tier="native")
    many = wg.jit(lambda x: x * 2.0, tier="native")
    named = wg.jit(lambda x: {"x": x}, tier="native")
    for made, x in ((long, 0.5), (many, np.ones(200)), (named, 1.0)):
        made(x)
        assert made._short == {1: None}
        made(x)
    slow = wg.jit(product, tier="interpreter")
    slow(1.0, 2.0)
    assert not slow._short


def test_without_the_native_engine_there_are_none(monkeypatch):
    monkeypatch.setattr(module, "engine", "plain")
    made = wg.jit(product, tier="native")
    assert made(0.5, 2.0) == made(0.5, 2.0)
    assert made._short == {2: None}


def test_programs():
    program = wg.record(product, 0.5, 2.0)
    made = short(program, 0.5, 2.0)
    assert made(y=2.0, x=0.5) == made(0.5, 2.0) == called(made, 0.5, 2.0)


def test_copies_and_pickles_begin_anew():
    made = short(wg.record(product, 0.5, 2.0), 0.5, 2.0)
    for again in (copy.copy(made), pickle.loads(pickle.dumps(made))):
        assert not again._short
        assert again(0.5, 2.0) == made(0.5, 2.0)


def test_threads():
    function, args = CASES["arrays"]
    made = short(function, *args)
    expected = [made(args[0] * k, args[1]) for k in range(40)]

    def calls(_):
        return [made(args[0] * k, args[1]) for k in range(40)]

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(calls, range(50)):
            same(found, expected)


def test_a_call_within_the_making_of_a_result():
    """The collector may run what calls the same function."""
    made = short(lambda *x: [[each] for each in x], *map(float, range(100)))
    args = tuple(float(k) for k in range(100))

    class Calling:
        def __init__(self):
            self.itself = self

        def __del__(self):
            others.append(made(*(-1.0 for _ in range(100))))

    others, before = [], gc.get_threshold()
    expected = [[x] for x in args]
    try:
        gc.set_threshold(5, 1, 1)
        for _ in range(50):
            Calling()
            assert made(*args) == expected
    finally:
        gc.set_threshold(*before)
    assert others


def test_it_keeps_what_it_needs_and_lets_go_of_it():
    made = short(*CASES["arrays"][:1], *CASES["arrays"][1])
    call, args = made._short[2], CASES["arrays"][1]
    expected = made(*args)
    kept = made._known()[0].tiers
    held = sys.getrefcount(kept)
    del made
    gc.collect()
    same(call(args), expected)
    for _ in range(100):
        call(args), call((1.0, 2.0))
    before = sys.getallocatedblocks()
    for _ in range(1000):
        call(args), call((1.0, 2.0))
    assert sys.getallocatedblocks() - before < 50
    assert sys.getrefcount(kept) <= held


def test_what_is_no_short_call_is_refused():
    made = short(product, 0.5, 2.0)._short[2]
    with pytest.raises(TypeError, match="takes a tuple"):
        made()
    with pytest.raises(TypeError, match="takes a tuple"):
        made((0.5, 2.0), (0.5, 2.0))
    with pytest.raises(TypeError, match="takes a tuple"):
        made(args=(0.5, 2.0))
    with pytest.raises(TypeError, match="cannot create"):
        type(made)()
    good = (1, 1, (1, 1), b"", 0, None, None, np.ndarray, None)
    deep = None
    for _ in range(20):
        deep = (deep,)
    for at, wrong in (
        (0, 0), (1, 0), (2, (1, 257)), (2, (2, 1)), (5, deep), (5, {}), (5, b"123"),
        (5, np.int64(-1).tobytes()), (6, (None, None)), (6, deep), (6, 5),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="other arguments or results"):
            _native.short_call(*good[:at], wrong, *good[at + 1 :])
