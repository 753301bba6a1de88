"""Sums over data are what adding up gives, and so are their derivatives."""

import multiprocessing
import pickle

import numpy as np
import pytest

import wengert as wg
from wengert.run import llvm

TIERS = ["interpreter", *(["native"] if llvm.is_there() else [])]
every_tier = pytest.mark.parametrize("tier", TIERS)
RNG = np.random.default_rng(0)
X, Y, W = RNG.standard_normal((101, 3)), RNG.standard_normal(101), np.array([0.1, -0.4, 0.3])


def loss(w, x, y):
    return (w @ x - y) ** 2


def bent(w, x, y):
    """With a branch for each example."""
    return (w @ x - y) ** 2 if w @ x > y else abs(w @ x - y)


def added(function, *params):
    return sum(function(*params, x, y) for x, y in zip(X, Y, strict=True))


@every_tier
@pytest.mark.parametrize("function", [loss, bent])
def test_sums_and_their_derivatives(function, tier):
    total = wg.sum_over(function, X, Y, tier=tier)
    np.testing.assert_allclose(total(W), added(function, W), rtol=1e-13)
    value, slope = wg.value_and_grad(total)(W)
    np.testing.assert_allclose(value, added(function, W), rtol=1e-13)
    expected = sum(wg.grad(function)(W, x, y) for x, y in zip(X, Y, strict=True))
    np.testing.assert_allclose(slope, expected, rtol=1e-12)
    expected = sum(wg.hessian(function)(W, x, y) for x, y in zip(X, Y, strict=True))
    np.testing.assert_allclose(wg.hessian(total)(W), expected, rtol=1e-12)


@every_tier
@pytest.mark.parametrize("function", [loss, bent])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 101])
def test_any_number_of_examples(function, count, tier):
    total = wg.value_and_grad(wg.sum_over(function, X[:count], Y[:count], tier=tier))
    value, slope = total(W)
    expected = sum((function(W, x, y) for x, y in zip(X[:count], Y[:count], strict=True)), 0.0)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    assert slope.shape == (3,)


@every_tier
def test_other_transforms(tier):
    total = wg.sum_over(loss, X, Y, tier=tier)
    hessian = 2.0 * X.T @ X
    slope = 2.0 * X.T @ (X @ W - Y)
    value, moved = wg.jvp(total, (W,), (np.ones(3),))
    np.testing.assert_allclose([value, moved], [total(W), slope.sum()], rtol=1e-12)
    value, pullback = wg.vjp(total, W)
    np.testing.assert_allclose(pullback(2.0)[0], 2.0 * slope, rtol=1e-12)
    (product,) = wg.hvp(total, (W,), (np.ones(3),))
    np.testing.assert_allclose(product, hessian.sum(axis=1), rtol=1e-12)
    each = wg.sum_over(lambda w, x: w * x, X, tier=tier)
    np.testing.assert_allclose(wg.jacobian(each)(W), np.diag(X.sum(axis=0)), rtol=1e-12)
    rows = wg.vectorize(wg.sum_over(loss, X[:5], Y[:5]), signature="(n)->()", tier=tier)
    expected = [np.sum((X[:5] @ w - Y[:5]) ** 2) for w in (W, 2.0 * W)]
    np.testing.assert_allclose(rows(np.array([W, 2.0 * W])), expected, rtol=1e-12)


@every_tier
def test_jit_of_sums_and_sums_in_recorded_code(tier):
    total = wg.sum_over(loss, X, Y)
    value, slope = wg.value_and_grad(total)(W)
    for made in (
        wg.jit(wg.value_and_grad(total), tier=tier), wg.value_and_grad(wg.jit(total, tier=tier)),
        wg.jit(wg.value_and_grad(lambda w: 1.0 * total(w)), tier=tier),
    ):  # fmt: skip
        found, found_slope = made(W)
        np.testing.assert_allclose(found, value, rtol=1e-12)
        np.testing.assert_allclose(found_slope, slope, rtol=1e-11)
    of_values = total([wg.Value(w) for w in W.tolist()])
    np.testing.assert_allclose(of_values.data, value, rtol=1e-12)


@every_tier
@pytest.mark.parametrize("transform", [wg.value_and_grad, lambda f, has_aux: f])
def test_auxiliary_results_are_summed_too(transform, tier):
    def with_aux(w, x, y):
        return loss(w, x, y), {"error": w @ x - y, "name": "n"}

    found = transform(wg.mean_over(with_aux, X, Y, tier=tier), has_aux=True)(W)
    value, aux = found[0] if transform is wg.value_and_grad else found
    np.testing.assert_allclose(value, np.mean((X @ W - Y) ** 2), rtol=1e-13)
    np.testing.assert_allclose(aux["error"], np.mean(X @ W - Y), rtol=1e-13)
    assert aux["name"] == "n"


@every_tier
@pytest.mark.parametrize("batch", [slice(3, 40), slice(None, None, -2), [0, 5, -1], Y > 0.5,
                                   np.array([7, 7]), range(4), []])  # fmt: skip
def test_minibatches(batch, tier):
    total = wg.value_and_grad(wg.sum_over(loss, X, Y, tier=tier))
    rows = np.arange(101)[batch if not isinstance(batch, range | list) else np.array(batch, int)]
    error = X[rows] @ W - Y[rows]
    for made in (total, wg.jit(total, tier=tier)):
        value, slope = made(W, batch=batch)
        np.testing.assert_allclose(value, np.sum(error**2), rtol=1e-12)
        np.testing.assert_allclose(slope, 2.0 * X[rows].T @ error, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("batch", [[101], 3, "a", [0.5], np.zeros((2, 2), int), {"a": 1}])
def test_what_no_minibatch_is(batch):
    with pytest.raises(wg.OperandError, match="batch"):
        wg.sum_over(loss, X, Y)(W, batch=batch)


def test_no_mean_of_nothing():
    with pytest.raises(wg.OperandError, match=r"loss: there is no mean of no examples"):
        wg.mean_over(loss, X[:0], Y[:0])(W)
    with pytest.raises(wg.OperandError, match="no mean of no examples"):
        wg.mean_over(loss, X, Y)(W, batch=[])


@every_tier
def test_data_and_parameters_of_any_structure(tier):
    def f(p, d, z):
        return p["a"] * d["x"] @ d["x"] + p["b"] * d["y"] * z

    data = {"x": np.asfortranarray(X), "y": Y[::-1]}
    total = wg.sum_over(f, data, range(101), tier=tier)
    slope = wg.grad(total)({"a": 1.0, "b": 2.0})
    np.testing.assert_allclose(slope["a"], np.sum(X * X), rtol=1e-13)
    np.testing.assert_allclose(slope["b"], np.sum(Y[::-1] * np.arange(101)), rtol=1e-12)
    single = wg.sum_over(loss, X.astype(np.float32)[::2], Y.astype(np.float32)[::2], tier=tier)
    error = X.astype(np.float32)[::2].astype(float) @ W - Y.astype(np.float32)[::2].astype(float)
    np.testing.assert_allclose(single(W), np.sum(error**2), rtol=1e-13)


@every_tier
@pytest.mark.parametrize("function", [loss, bent])
def test_bits_do_not_depend_on_threads(function, tier):
    count = 20_000 if tier == "native" else 5000  # several portions
    rng = np.random.default_rng(1)
    data = rng.standard_normal((count, 3)), rng.standard_normal(count)
    found = [
        wg.value_and_grad(wg.sum_over(function, *data, tier=tier, threads=threads))(W)
        for threads in (1, 2)
    ]
    assert found[0][0] == found[1][0]
    assert np.array_equal(found[0][1], found[1][1])


@every_tier
def test_bits_are_those_of_the_same_order_in_every_tier(tier):
    total = wg.sum_over(loss, X, Y, tier=tier, exact=True)
    assert total(W) == wg.sum_over(loss, X, Y, tier="interpreter", exact=True)(W)


@every_tier
def test_loops_rules_and_special_numbers(tier):
    def steps(a, x):
        return wg.while_loop(lambda s: s < a, lambda s: 2.0 * s, abs(x) + 0.1)

    total = wg.sum_over(steps, Y, tier=tier)
    expected = sum(steps(3.0, y) for y in Y.tolist())
    np.testing.assert_allclose(total(3.0), expected, rtol=1e-13)
    psi = wg.sum_over(lambda a, x: wg.digamma(abs(x) + a), Y, tier=tier)
    np.testing.assert_allclose(psi(1.0), sum(wg.digamma(abs(y) + 1.0) for y in Y), rtol=1e-13)
    assert np.isnan(wg.sum_over(lambda a, x: a * x, [1.0, np.nan, 2.0], tier=tier)(1.0))
    assert wg.sum_over(lambda a, x: a * x, [1.0, np.inf, 2.0], tier=tier)(1.0) == np.inf


@every_tier
def test_results_of_no_numbers_and_errors(tier):
    assert wg.sum_over(lambda a, x: None, Y, tier=tier)(1.0) is None

    def f(a, x):
        if x > 1.0:
            raise KeyError("too much")
        return a * x

    total = wg.sum_over(f, Y, tier=tier)
    for _ in range(2):
        with pytest.raises(KeyError, match="too much"):
            total(1.0)
    low = np.flatnonzero(Y <= 1.0)
    np.testing.assert_allclose(total(1.0, batch=low), Y[low].sum(), rtol=1e-12)


@every_tier
def test_programs_are_given_what_they_were_recorded_for(tier):
    program = wg.record(lambda a, x: a * wg.sum(x), 1.0, np.ones(3))
    np.testing.assert_allclose(wg.sum_over(program, X, tier=tier)(2.0), 2.0 * X.sum(), rtol=1e-12)
    with pytest.raises(wg.OperandError, match=r"recorded for .*\(3,\).*given .*\(2,\)"):
        wg.sum_over(program, X[:, :2], tier=tier)(1.0)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: wg.sum_over(loss, X, Y[:5]), "different lengths: data0 101, data1 5"),
        (lambda: wg.sum_over(loss, X, 1.0), "argument data1 is one number"),
        (lambda: wg.sum_over(loss), "takes data to sum over"),
        (
            lambda: wg.mean_over(3.0, X),
            r"wg\.mean_over takes a function, a Program or a Value, not float",
        ),
        (lambda: wg.sum_over(loss, X, Y, threads=0), "threads is a whole number"),
        (lambda: wg.sum_over(loss, X, Y, tier="fast"), "The tier is one of"),
        (lambda: wg.sum_over(loss, [wg.Value(1.0)], Y[:1]), "the data are plain numbers"),
        (lambda: wg.sum_over(loss, X, Y)(W, W), "too many positional arguments"),
    ],
)
def test_what_does_not_fit_is_said(make, says):
    with pytest.raises(wg.OperandError, match=says):
        make()


def times(a, x):
    return a * x


def test_pickles_before_and_after_calls():
    total = wg.value_and_grad(wg.sum_over(times, Y))
    before = total(2.0)
    assert pickle.loads(pickle.dumps(total))(2.0) == before


def in_child(total, pipe):
    pipe.send(total(W))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="cannot fork")
@every_tier
def test_forked_processes_go_on(tier):
    data = (np.tile(X, (200, 1)), np.tile(Y, 200)) if tier == "native" else (X, Y)
    total = wg.sum_over(loss, *data, tier=tier, threads=2)
    expected = total(W)
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    child = context.Process(target=in_child, args=(total, theirs))
    child.start()
    assert mine.poll(30)
    assert mine.recv() == expected
    child.join(30)
    assert child.exitcode == 0
