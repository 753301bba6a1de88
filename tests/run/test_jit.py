"""jit keeps a function's call: what goes in, what comes out, whichever path it takes."""

import pickle
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.run import llvm

TIERS = ["interpreter", *(["native"] if llvm.is_there() else [])]
every_tier = pytest.mark.parametrize("tier", TIERS)


class Point(NamedTuple):
    x: float
    y: float


def everything(p, n, *, mode="fast"):
    return {
        "point": Point(p.y, p.x * n), "array": np.array([[p.x, n], [p.y, 3.0]]),
        "rest": [None, mode, True, (n, 2)],
    }  # fmt: skip


@every_tier
def test_structures_in_and_out(tier):
    found = wg.jit(everything, tier=tier)(Point(1.5, 2.0), 3, mode="slow")
    assert found["point"] == Point(2.0, 4.5)
    assert isinstance(found["point"], Point)
    assert np.array_equal(found["array"], [[1.5, 3.0], [2.0, 3.0]])
    assert found["rest"] == [None, "slow", True, (3.0, 2.0)]
    assert type(found["rest"][3][0]) is float


ARRAYS = {
    "lists": [[1, 2], [3, 4]],
    "integers": np.arange(4).reshape(2, 2),
    "single": np.ones((2, 2), np.float32),
    "Fortran": np.asfortranarray(np.arange(4.0).reshape(2, 2)),
    "backwards": np.arange(16.0).reshape(4, 4)[::-2, ::-2],
    "booleans": np.eye(2, dtype=bool),
}


@every_tier
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_any_kind(name, tier):
    given = ARRAYS[name]
    found = wg.jit(lambda a: [[2.0 * x for x in row] for row in a], tier=tier)(given)
    assert np.array_equal(found, 2.0 * np.asarray(given, float))


@every_tier
def test_empty_arrays_and_no_arguments(tier):
    assert wg.jit(lambda p: p * 2.0, tier=tier)(np.ones((0, 2))).shape == (0, 2)
    assert wg.jit(lambda: 3.0, tier=tier)() == 3.0
    assert wg.jit(lambda p: None, tier=tier)(1.0) is None


@every_tier
def test_paths_and_structures_that_differ(tier):
    def f(x):
        if x > 0.0:
            return (x, "positive")
        return [x * x] if x == x else None

    compiled = wg.jit(f, tier=tier)
    for x in (1.0, -2.0, float("nan"), 3.0, -0.0):
        assert compiled(x) == f(x)
    assert len(compiled.programs) == 3
    assert repr(compiled) == "<jit of f: 3 paths>"


@every_tier
def test_bits_are_those_of_the_function(tier):
    def f(p):
        total = 0.0
        while total * total < p[0]:
            total = total + p[1] * wg.exp(-total)
        return total

    value = wg.jit(f, exact=True, tier=tier)
    slope = wg.jit(wg.value_and_grad(f), exact=True, tier=tier)
    for x in (0.5, 2.0, 7.5, -1.0):
        p = np.array([x, 0.7])
        assert value(p) == f(p)
        assert slope(p)[0] == f(p)
        assert np.array_equal(slope(p)[1], wg.grad(f)(p))


@every_tier
def test_transforms_of_it_and_it_of_transforms(tier):
    def f(p):
        return wg.sum(p**3) * p[0] if p[0] > 0.0 else wg.sum(p)

    p = np.array([1.0, 2.0, -0.5])
    for transform in (wg.grad, wg.hessian, wg.jacobian):
        for point in (p, -p):
            expected = transform(f)(point)
            np.testing.assert_allclose(wg.jit(transform(f), tier=tier)(point), expected)
            np.testing.assert_allclose(transform(wg.jit(f, tier=tier))(point), expected)
    assert wg.jit(lambda x: wg.jit(lambda y: y * y, tier=tier)(x) + x, tier=tier)(3.0) == 12.0
    assert wg.jit(f, tier=tier)(np.array([wg.Value(2.0), 1.0, 1.0])).data == 20.0


@every_tier
def test_sparse_jacobians_each_with_its_own_pattern(tier):
    pytest.importorskip("scipy")

    def f(p):
        a, b, c = p
        return np.array([a * b, c**2]) if a > 0.0 else np.array([a * c, b**2])

    compiled = wg.jit(wg.jacobian(f, sparse=True), tier=tier)
    for point in (np.array([1.0, 2.0, 3.0]), np.array([-1.0, 2.0, 3.0])):
        np.testing.assert_allclose(compiled(point).toarray(), wg.jacobian(f)(point))


@every_tier
def test_arguments_by_name_are_held_fixed(tier):
    compiled = wg.jit(lambda x, n, scale=1.0: scale * x**n, tier=tier)
    assert compiled(3.0, n=2) == 9.0
    assert compiled(3.0, n=3) == 27.0
    assert compiled(3.0, scale=2.0, n=2) == 18.0
    assert compiled(x=3.0, n=2) == 9.0
    assert wg.jit(lambda x, by: x * by["k"], tier=tier)(2.0, by={"k": 3.0}) == 6.0
    slope = wg.grad(lambda k: wg.jit(lambda x, n: x * n, tier=tier)(2.0, n=k))(3.0)
    assert slope == 2.0


@every_tier
def test_programs(tier):
    program = wg.record(lambda x, y: x * y if x > 0.0 else y, 1.0, 2.0)
    compiled = wg.jit(program, tier=tier)
    assert compiled(3.0, 2.0) == compiled(3.0, y=2.0) == 6.0
    with pytest.raises(wg.PathChanged, match=r"x > 0\.0 was true"):
        compiled(-1.0, 2.0)
    total = wg.jit(wg.record(lambda p: wg.sum(p), np.ones(3)), tier=tier)
    assert total([1, 2, 3]) == 6.0
    with pytest.raises(wg.OperandError, match=r"shape \(3,\)"):
        total(np.ones(4))
    assert wg.jit(wg.Value(2.0) * 3.0, tier=tier)(4.0, 3.0) == 12.0


def test_operands_of_the_recording_around_are_to_be_arguments():
    def f(a):
        return wg.jit(lambda x: a * x)(2.0)

    with pytest.raises(wg.OperandError, match="Make them arguments"):
        wg.grad(f)(2.0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: wg.jit(3.0), r"wg\.jit takes a function, a Program or a Value, not float"),
        (lambda: wg.jit(tier="fast"), "The tier is one of"),
        (lambda: wg.jit(threads=0), "threads is a whole number"),
        (lambda: wg.jit(lambda x: x)(), "missing a required argument: 'x'"),
        (lambda: wg.jit(lambda x: x)(object()), "the argument of the function.*'x'.* is object"),
        (lambda: wg.jit(lambda x: object())(1.0), "result"),
        (lambda: wg.jit(lambda x: x)(1j), "complex"),
    ],
)
def test_what_does_not_fit_is_said(call, says):
    with pytest.raises(wg.OperandError, match=says):
        call()


@wg.jit
def decorated(x):
    """What it does."""
    return x + 1.0


@wg.jit(exact=True, tier="interpreter", threads=1)
def with_options(x):
    return x + 2.0


class Model(NamedTuple):
    k: float

    @wg.jit
    def times(self, x):
        return self.k * x


def test_decorators_methods_and_pickles():
    assert decorated(1.0) == 2.0
    assert with_options(1.0) == 3.0
    assert (decorated.__name__, decorated.__doc__) == ("decorated", "What it does.")
    assert Model(2.0).times(3.0) == 6.0
    made = wg.jit(np.hypot, exact=True)
    made(3.0, 4.0)
    again = pickle.loads(pickle.dumps(made))
    assert again(3.0, 4.0) == 5.0
    assert again.options == made.options
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    assert pickle.loads(pickle.dumps(Model.times)) is Model.times


@every_tier
def test_errors_of_the_function_leave_it_usable(tier):
    def f(x):
        return x if x > 0.0 else SimpleNamespace(none=[][1])

    compiled = wg.jit(f, tier=tier)
    for _ in range(2):
        assert compiled(1.0) == 1.0
        with pytest.raises(IndexError):
            compiled(-1.0)


def test_a_call_like_the_one_before_is_told_from_others():
    """Where arguments are just as they were, they are not looked at closely."""
    twice = wg.jit(lambda x, k: (x + x, k))
    array = np.array([1.0, 2.0])
    for _ in range(2):
        np.testing.assert_array_equal(twice(array, 3.0)[0], [2.0, 4.0])
        assert twice(array.tolist(), 3.0)[0] == [1.0, 2.0, 1.0, 2.0]
        np.testing.assert_array_equal(twice(array.astype(int), 3)[0], [2.0, 4.0])
        np.testing.assert_array_equal(twice(np.asfortranarray(array[::-1]), 3.0)[0], [4.0, 2.0])
        np.testing.assert_array_equal(twice(np.ones(3), 3.0)[0], [2.0, 2.0, 2.0])
        nested = wg.jit(lambda tree: (tree[0] * tree[1][0], [*tree[1], tree[0]]))
        assert nested((2.0, [3.0, 4.0])) == (6.0, [3.0, 4.0, 2.0])
        assert nested((2.0, [3.0, 4.0])) == (6.0, [3.0, 4.0, 2.0])
        assert nested((2.0, (3.0, 4.0))) == (6.0, [3.0, 4.0, 2.0])
        assert nested((2.0, [3, 4.0, 5.0]))[1] == [3.0, 4.0, 5.0, 2.0]
        assert nested([2.0, [3.0, 4.0]]) == (6.0, [3.0, 4.0, 2.0])
        value = wg.Value(2.0)
        assert isinstance(nested((value, [3.0, 4.0]))[0], wg.Value)


@every_tier
def test_results_are_the_callers_own(tier):
    """A large array of the results is not copied, and stays as it is in later calls."""
    fast = wg.jit(lambda x: [a * a for a in x], tier=tier)
    whole = wg.jit(lambda x: 2.0 * x, tier=tier)
    x = np.arange(5000.0)
    first = whole(x)
    assert first.flags.writeable
    first[0] = 7.0
    second = whole(x + 1.0)
    assert not np.shares_memory(first, second)
    assert first[0] == 7.0
    np.testing.assert_array_equal(first[1:], 2.0 * x[1:])
    assert fast(x)[3] == 9.0
