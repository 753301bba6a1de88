"""Functions of leaves, their pullbacks and pushforwards, against the transforms."""

from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.interop.pullbacks import Leafwise, compiled, unbroadcast
from wengert.interop.trees import Flattened, filled
from wengert.run import llvm

TIERS = ["interpreter", *(["native"] if llvm.is_there() else [])]
RNG = np.random.default_rng(5)
A, B = RNG.standard_normal((4, 1)), RNG.standard_normal(3)


class Pair(NamedTuple):
    left: object
    right: object


def g(x, y):
    return {"a": wg.sin(x) * y**2 if x > 0.0 else x * y, "b": (wg.tanh(x), "name")}


def h(w, x):
    return wg.tanh(w @ x), w * x[0]


def leafwise(function, *args):
    flat = Flattened.of(args, lambda leaf: False)
    return Leafwise.of(compiled(function, "here"), flat.skeleton, flat.owners)


def arrays(*leaves):
    return [np.asarray(leaf, float) for leaf in leaves]


@pytest.mark.parametrize("tier", TIERS)
def test_of_a_function_of_numbers(tier):
    made = leafwise(wg.jit(g, tier=tier), 1.0, 1.0)
    for x, y in ((1.3, 0.7), (-0.4, 2.0)):
        leaves, structure = made(arrays(x, y), {})
        expected = g(x, y)
        np.testing.assert_allclose(leaves, [expected["a"], expected["b"][0]], rtol=1e-14)
        assert structure.of_leaves(iter("ab")) == {"a": "a", "b": ("b", "name")}
        _, back = wg.vjp(g, x, y)
        expected = back({"a": 0.3, "b": (2.0, "name")})
        found, _ = made.pullback([0, 1], [(), ()])(arrays(x, y, 0.3, 2.0), {})
        np.testing.assert_allclose(found, expected, rtol=1e-14)
        found, _ = made.pullback([1], [(), ()])(arrays(x, y, 0.3, 2.0), {})
        np.testing.assert_allclose(found, expected[1:], rtol=1e-14)
        found, _ = made.pushforward([1])(arrays(x, y, 1.0), {})
        expected = wg.jvp(lambda v, x=x: g(x, v), (y,), (1.0,))[1]
        np.testing.assert_allclose(found, [expected["a"], expected["b"][0]], rtol=1e-14)
    assert made.pullback([1], [(), ()]) is made.pullback([1], [(), ()])
    assert made.results([(), ()], {}).leaf_shapes()


@pytest.mark.parametrize("tier", TIERS)
def test_of_a_vectorized_function(tier):
    f = wg.vectorize(h, signature="(n),(n)", tier=tier)
    w, x = RNG.standard_normal((5, 1, 2)), RNG.standard_normal((3, 2))
    made = leafwise(f, w, x)
    shapes = [w.shape, x.shape]
    assert made.leading(shapes) == (5, 3)
    assert made.cores(shapes) == [(2,), (2,)]
    leaves, _ = made([w, x], {})
    assert [*made.results(shapes, {}).leaf_shapes()] == [leaf.shape for leaf in leaves]
    c, d = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 3, 2))
    found, _ = made.pullback([0, 1], [(), (2,)])([w, x, c, d], {})
    for at in np.ndindex(5, 3):
        expected = wg.vjp(h, w[at[0], 0], x[at[1]])[1]((c[at], d[at]))
        for mine, own in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine[at], own, rtol=1e-13)
    tangents, _ = made.pushforward([0])([w, x, np.ones(2)], {})
    expected = wg.jvp(lambda v: h(v, x[1]), (w[4, 0],), (np.ones(2),))[1]
    np.testing.assert_allclose(tangents[1][4, 1], expected[1], rtol=1e-13)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("over", [wg.sum_over, wg.mean_over])
def test_of_a_sum(over, tier):
    data = RNG.standard_normal((30, 2))
    total = over(h, data, tier=tier)
    w = np.array([0.3, -0.2])
    made = leafwise(total, w)
    assert [*made.results([(2,)], {}).leaf_shapes()] == [(), (2,)]
    cotangent = 0.5, np.array([2.0, 3.0])
    expected = wg.vjp(total, w)[1](cotangent)[0]
    back = made.pullback([0], [(), (2,)])
    np.testing.assert_allclose(back(arrays(w, *cotangent), {})[0][0], expected, rtol=1e-13)
    few = wg.vjp(over(h, data[:7]), w)[1](cotangent)[0]
    found = back(arrays(w, *cotangent), {"batch": slice(0, 7)})[0][0]
    np.testing.assert_allclose(found, few, rtol=1e-13)
    assert back.compiled.data is total.data


def test_of_named_arguments_and_programs():
    made = leafwise(lambda x, n=1: x**n, 2.0)
    assert made(arrays(3.0), {"n": 2})[0] == [9.0]
    assert made.pullback([0], [()])(arrays(3.0, 1.0), {"n": 2})[0] == [6.0]
    program = wg.record(lambda x: wg.sum(x**3), np.ones(2))
    made = leafwise(program, np.ones(2))
    back, _ = made.pullback([0], [()])(arrays([1.0, 2.0], 1.0), {})
    assert back[0].tolist() == [3.0, 12.0]


KINDS = {
    "one by one": (wg.jit(h), [(2,), (2,)]),
    "vectorized": (wg.vectorize(h, signature="(n),(n)"), [(3, 2), (2,)]),
    "sums": (wg.sum_over(lambda w, x, z: h(w, x), np.ones(4)), [(2,), (2,)]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fronts", [((5,), (5,)), ((5,), (1,)), ((1, 5), (2, 1))])
def test_further_axes_are_further_examples(kind, fronts):
    function, shapes = KINDS[kind]
    leaves = [RNG.standard_normal((*f, *s)) for f, s in zip(fronts, shapes, strict=True)]
    made = leafwise(function, *leaves)
    front = np.broadcast_shapes(*fronts)
    found = made.along(len(front), leaves, {})
    whole = [np.broadcast_to(x, (*front, *s)) for x, s in zip(leaves, shapes, strict=True)]
    for at in np.ndindex(*front):
        expected, _ = made([x[at] for x in whole], {})
        for mine, own in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine[at], own, rtol=1e-13)
    assert made.along(0, [x[at] for x in whole], {})[0].shape == expected[0].shape


@pytest.mark.parametrize(
    ("shape", "given"),
    [((5, 3), (3,)), ((5, 3), ()), ((5, 3), (5, 1)), ((5, 1), (5, 1)), ((2, 5, 3), (1, 3))],
)
def test_axes_that_were_broadcast(shape, given):
    summed = np.ones(shape).sum(unbroadcast(shape, given)).reshape(given)
    assert summed.sum() == np.prod(shape)
    assert np.broadcast_shapes(shape, given) == shape


def test_arguments_are_taken_apart_and_put_together():
    args = ({"a": 1.0, "b": [B, "x", None, True]}, Pair((2, 3.0), np.float64(4.0)))
    flat = Flattened.of(args, lambda leaf: False)
    assert flat.names == ("0['a']", "0['b'][0]", "1['left'][0]", "1['left'][1]", "1['right']")
    assert flat.owners == (0, 0, 1, 1, 1)
    again = filled(flat.skeleton, flat.leaves)
    assert again == args
    assert isinstance(again[1], Pair)
    assert {flat.key, Flattened.of(args, lambda leaf: False).key} == {flat.key}
    others = [
        ({"a": 1.0, "b": [B, "y", None, True]}, args[1]), (args[0], ((2, 3.0), 4.0)),
        ({"a": 1.0, "b": (B, "x", None, True)}, args[1]), (*args, 1.0),
    ]  # fmt: skip
    assert flat.key not in {Flattened.of(other, lambda leaf: False).key for other in others}
    with pytest.raises(wg.OperandError, match=r"argument 0\['a'\] is object, and not a tensor"):
        Flattened.of(({"a": object()},), lambda leaf: False)


def test_what_cannot_be_called():
    with pytest.raises(wg.OperandError, match="here takes a function, not int 3"):
        compiled(3, "here")
    with pytest.raises(wg.OperandError, match="here takes functions that give numbers"):
        compiled(wg.hessian(wg.sum, sparse=True), "here")
    with pytest.raises(wg.OperandError, match="is of 2 arguments, and 1 were given"):
        leafwise(wg.vectorize(h, signature="(n),(n)"), B)
