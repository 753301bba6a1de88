"""Scalar functions inside of JAX's programs; JAX's own derivatives beside them."""

import sys

import numpy as np
import pytest

import wengert as wg


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(wg.MissingExtraError, match=r"wg\.jax\.function needs jax.*\[jax\]"):
        wg.jax.function(abs)


jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture(autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def g(x, y):
    return wg.sin(x) * y**2 if x > 0.0 else x * y


def jax_g(x, y):
    return jnp.where(x > 0.0, jnp.sin(x) * y**2, x * y)


def same(mine, other):
    np.testing.assert_allclose(np.asarray(mine), np.asarray(other), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("make", [lambda f: f, wg.jit, wg.vectorize])
@pytest.mark.parametrize("x", [1.3, -0.4])
def test_derivatives_of_every_order(make, x):
    mine = wg.jax.function(make(g))
    for f in (lambda f: f, jax.jit, jax.grad, lambda f: jax.jit(jax.grad(jax.grad(f), 1)),
              lambda f: jax.grad(jax.jit(jax.grad(jax.grad(f, 1))))):  # fmt: skip
        same(f(mine)(x, 0.7), f(jax_g)(x, 0.7))
    same(jax.jacrev(jax.jacrev(mine))(x, 0.7), jax.hessian(jax_g)(x, 0.7))


def test_batches_are_broadcast():
    f = wg.jax.function(wg.vectorize(g))
    x, y = numbers(5, 1), numbers(4, seed=1)
    assert f(x, y).shape == (5, 4)
    same(f(x, y), jax_g(x, y))
    for k in (0, 1):
        mine, other = (jax.jit(jax.jacrev(each, k))(x, y) for each in (f, jax_g))
        same(mine, other)


@pytest.mark.parametrize("make", [wg.jit, wg.vectorize])
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (1, 0)])
def test_mapped(make, axes):
    f = wg.jax.function(make(g))
    args = [numbers(3, 3), numbers(3, 3, seed=1)]
    both = [
        lambda each: jax.vmap(jax.vmap(each), axes),
        lambda each: jax.jit(jax.vmap(jax.vmap(jax.grad(each)), axes)),
    ]
    for made in both:
        lone = [x if axis is not None else x[0] for x, axis in zip(args, axes, strict=True)]
        same(made(f)(*lone), made(jax_g)(*lone))


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_mapped_batches(axes):
    f = wg.jax.function(wg.vectorize(g))
    x, y = numbers(6, 5), numbers(6, 1, seed=1)
    args = [a if axis is not None else a[0] for a, axis in zip((x, y), axes, strict=True)]
    same(jax.vmap(f, axes)(*args), jax.vmap(jax_g, axes)(*args))
    inner = [lambda *a, each=each: each(*a).sum() for each in (f, jax_g)]
    same(*(jax.vmap(jax.grad(each, 1), axes)(*args) for each in inner))


def test_sums_over_data():
    data = numbers(20, 3)
    f = wg.jax.function(wg.sum_over(lambda w, x: wg.tanh(w @ x) ** 2, data))

    def other(w):
        return jnp.sum(jnp.tanh(data @ w) ** 2)

    w = numbers(3, seed=1)
    for made in (jax.grad, lambda f: jax.jit(jax.jacrev(jax.grad(f)))):
        same(made(f)(w), made(other)(w))
    same(jax.vmap(jax.grad(f))(jnp.eye(3)), jax.vmap(jax.grad(other))(jnp.eye(3)))
    few = wg.jax.function(wg.sum_over(lambda w, x: wg.tanh(w @ x) ** 2, data[:4]))
    same(jax.grad(lambda w: f(w, batch=slice(0, 4)))(w), jax.grad(few)(w))


def test_structures_and_kinds():
    def model(p, n):
        return {"y": p["a"][0] * n + p["a"][1], "of": ("name", None)}

    f = wg.jax.function(model)
    out = f({"a": [jnp.float32(2.0), 3.0]}, 4)
    assert out["of"] == ("name", None)
    assert (out["y"].dtype, float(out["y"])) == (jnp.float32, 11.0)
    slope = jax.grad(lambda p, n: f(p, n)["y"])({"a": [jnp.float32(2.0), 3.0]}, 4)
    assert [float(each) for each in slope["a"]] == [4.0, 1.0]
    assert wg.jax.function(lambda x: 2.0 * x)(jnp.ones(2, jnp.bfloat16)).dtype == jnp.bfloat16
    assert wg.jax.function(lambda x: 2.0 * x)(jnp.arange(2)).dtype == jnp.float64


def test_large_arrays_come_through():
    f = wg.jax.function(wg.vectorize(lambda x: 2.0 * x))
    same(jax.jit(lambda x: jnp.sum(f(jnp.sin(x))))(jnp.ones(1_000_000)), 2e6 * np.sin(1.0))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda f: f(1j, 1.0), wg.OperandError, "argument 0 is complex"),
        (lambda f: f(jnp.ones(2, complex), 1.0), wg.OperandError, "argument 0 is complex"),
        (lambda f: wg.jax.function(3), wg.OperandError, r"wg\.jax\.function takes a function"),
        (lambda f: jax.jvp(f, (1.0, 1.0), (1.0, 1.0)), TypeError, "forward-mode"),
    ],
)
def test_what_cannot_be_computed_is_said(call, error, says):
    with pytest.raises(error, match=says):
        call(wg.jax.function(g))
