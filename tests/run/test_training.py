"""The example trains to the optimum: checked against NumPy, and the libraries that there are."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import wengert as wg

pytest.importorskip("scipy")
pytest.importorskip("llvmlite")
PATH = Path(__file__).parents[2] / "examples" / "training.py"
SPEC = importlib.util.spec_from_file_location("training", PATH)
assert SPEC
assert SPEC.loader
training = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(training)

RNG = np.random.default_rng(7)
POINTS, LABELS = training.two_moons(200, 0.2, RNG)
STARTS = {
    training.logistic: training.line_start(), training.perceptron: training.perceptron_start(RNG)
}  # fmt: skip


def in_numpy(loss, p):
    """The sum and its gradient, gone back through by hand, all points at once."""
    signals, kept = POINTS, []
    sizes = training.SIZES if loss is training.perceptron else (2, 1)
    at = 0
    for inputs, outputs in pairwise(sizes):
        end = at + inputs * outputs
        weights, biases = p[at:end].reshape(outputs, inputs), p[end : end + outputs]
        kept.append((weights, signals))
        signals = signals @ weights.T + biases
        signals = np.tanh(signals) if outputs > 1 else signals
        at = end + outputs
    margins = -LABELS * signals[:, 0]
    back = (-LABELS / (1.0 + np.exp(-margins)))[:, None]
    parts = []
    for weights, inputs in reversed(kept):
        parts = [(back.T @ inputs).ravel(), back.sum(axis=0), *parts]
        back = (back @ weights) * (1.0 - inputs**2)
    return np.logaddexp(0.0, margins).sum(), np.concatenate(parts)


def objective(summed, p, decay):
    value, slope = summed
    return value + 0.5 * decay @ p**2, slope + decay * p


@pytest.fixture(scope="module", params=STARTS, ids=lambda loss: loss.__name__)
def fitted(request):
    loss = request.param
    start, decay = STARTS[loss]
    result = training.trained(training.by_wengert(loss, POINTS, LABELS), start, decay)
    return loss, start, decay, result


def test_the_optimum_is_reached(fitted):
    loss, start, decay, result = fitted
    value, slope = objective(in_numpy(loss, result.x), result.x, decay)
    np.testing.assert_allclose(result.fun, value, rtol=1e-12)
    assert np.abs(slope).max() < 1e-2
    assert result.fun < 0.6 * objective(in_numpy(loss, start), start, decay)[0]


def test_the_line_is_that_of_newton():
    start, decay = STARTS[training.logistic]
    p = start
    points = np.column_stack([POINTS, np.ones(len(POINTS))])
    for _ in range(20):
        _, slope = objective(in_numpy(training.logistic, p), p, decay)
        s = 1.0 / (1.0 + np.exp(-points @ p))
        p = p - np.linalg.solve((points.T * (s * (1.0 - s))) @ points + np.diag(decay), slope)
    summed = training.by_wengert(training.logistic, POINTS, LABELS)
    np.testing.assert_allclose(training.trained(summed, start, decay).x, p, atol=1e-4)


def test_the_peers_reach_the_same(fitted):
    pytest.importorskip("torch")
    loss, start, decay, result = fitted
    theirs = training.trained(training.by_torch(loss, POINTS, LABELS), start, decay)
    np.testing.assert_allclose(result.fun, theirs.fun, rtol=1e-4)
    pytest.importorskip("sklearn")
    p = training.by_sklearn(loss, POINTS, LABELS)()
    value, _ = objective(in_numpy(loss, p), p, decay)
    assert (
        result.fun < value * 1.01
    )  # the perceptron has several optima, and theirs starts elsewhere
    if loss is training.logistic:
        np.testing.assert_allclose(p, result.x, atol=1e-3)


def test_slices_of_one_array_of_parameters_on_threads():
    """Each layer reads its slice of one array, and gradients of all slices are added up."""
    p = STARTS[training.perceptron][0]
    x, y = np.tile(POINTS, (100, 1)), np.tile(LABELS, 100)
    expected = in_numpy(training.perceptron, p)
    total = wg.value_and_grad(wg.sum_over(training.perceptron, x, y))
    one, two = (wg.jit(total, tier="native", threads=threads)(p) for threads in (1, 2))
    np.testing.assert_allclose(two[0], 100.0 * expected[0], rtol=1e-11)
    np.testing.assert_allclose(two[1], 100.0 * expected[1], rtol=1e-9, atol=1e-9)
    assert one[0] == two[0]
    assert np.array_equal(one[1], two[1])
    rows = wg.vectorize(wg.grad(training.perceptron), signature="(p),(d),()->(p)", tier="native")
    np.testing.assert_allclose(
        100.0 * rows(p, POINTS, LABELS).sum(axis=0), two[1], rtol=1e-9, atol=1e-9
    )
