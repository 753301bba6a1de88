"""Random functions: each way to run them gives the eager engine's numbers, gradients too.

They have loops to be found, layers, branches by `where`, and read their arguments here and there,
in loops also across them.
"""

import random

import numpy as np
import pytest

import wengert as wg
from wengert.run import llvm
from wengert.run.tiers import INTERPRETER, NATIVE

UNARY = [
    wg.tanh, wg.sin, wg.cos, wg.erf, wg.atan, wg.relu, wg.sigmoid, lambda a: wg.exp(-a * a),
    lambda a: wg.sqrt(abs(a) + 0.1), lambda a: wg.log(a * a + 1.0), lambda a: -a, lambda a: a * a,
]  # fmt: skip
BINARY = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (1.0 + b * b),
    wg.hypot, wg.maximum, lambda a, b: wg.where(a > b, a * b, b), lambda a, b: wg.atan2(a, b + 2.5),
]  # fmt: skip


class Drawn:
    """A function of parameters and an example, and some of these."""

    def __init__(self, seed: int) -> None:
        draw = self.draw = random.Random(seed)
        self.parameters, self.inputs = draw.choice([1, 2, 9, 20]), draw.choice([1, 2, 4])
        self.layered = draw.random() < 0.5
        self.plan = [
            (draw.random() < 0.35, draw.randrange(len(UNARY)), draw.randrange(len(BINARY)),
             draw.random(), draw.random(), draw.choice([5, 50, 1000]))
            for _ in range(draw.choice([3, 8, 20, 60]))
        ]  # fmt: skip
        rng = np.random.default_rng(seed)
        self.p = rng.standard_normal(self.parameters)
        self.data = rng.standard_normal((self.inputs, draw.choice([2, 3, 8, 17, 70])))
        if draw.random() < 0.3:
            self.data = self.data.round()  # ties, and zeros

    def __call__(self, p, *x):
        values = [*p, *x]
        if self.layered:
            n = self.parameters
            sums = [sum((p[(i + j) % n] * x[j] for j in range(len(x))), p[i % n]) for i in range(5)]
            hidden = [wg.tanh(each) for each in sums]
            values += hidden + [a * b * p[k % n] for k, a in enumerate(hidden) for b in hidden]
        for is_unary, one, two, first, second, near in self.plan:
            reach = min(len(values), near)
            a, b = (values[len(values) - 1 - int(each * reach)] for each in (first, second))
            values.append(UNARY[one](a) if is_unary else BINARY[two](a, b))
        return sum(values[-8:]) * 0.1


def eagerly(function):
    """Value and gradient by the parameters, by Values, for each example."""
    found = []
    for x in function.data.T.tolist():
        p = [wg.Value(each) for each in function.p]
        result = wg.Value(0.0) + function(p, *x)
        result.backward()
        found.append([result.data, *(each.grad for each in p)])
    return np.array(found)


def derived(function):
    return wg.value_and_grad(function)


def flat(pair):
    value, gradient = pair
    return np.concatenate([np.asarray(value)[..., None], np.asarray(gradient)], axis=-1)


TIERS = [INTERPRETER, *([NATIVE] if llvm.is_there() else [])]
SEEDS = [(tier, seed) for tier in TIERS for seed in range(90 if tier == INTERPRETER else 25)]


@pytest.mark.parametrize(("tier", "seed"), SEEDS)
def test_vectorized(tier, seed):
    function = Drawn(seed)
    signature = f"(n),{','.join(['()'] * function.inputs)}->(),(n)"
    expected = eagerly(function)
    near = 1e-12 * max(abs(expected).max(), 1.0)
    for exact in (True, False):
        fast = wg.vectorize(derived(function), signature=signature, tier=tier, exact=exact)
        found = flat(fast(function.p, *function.data))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=near)
        half = flat(fast(function.p, *function.data[:, : len(expected) // 2]))
        assert half.tobytes() == found[: len(half)].tobytes()


@pytest.mark.parametrize(("tier", "seed"), SEEDS)
def test_summed(tier, seed):
    function = Drawn(seed)
    expected = eagerly(function).sum(axis=0)
    near = 1e-11 * max(abs(expected).max(), 1.0)
    for exact in (True, False):
        total = wg.sum_over(function, *function.data, tier=tier, exact=exact)
        found = flat(derived(total)(function.p))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=near)


@pytest.mark.parametrize("seed", range(60))
def test_one_at_a_time(seed):
    """Derived by some of the arguments alone, where loops read others too."""
    function = Drawn(seed)
    expected = eagerly(function)[0]
    x = function.data[:, 0].tolist()
    near = 1e-12 * max(abs(expected).max(), 1.0)
    program = wg.record(function, function.p, *x)
    for form in (function, program, wg.record(function, function.p, *x, passes=())):
        found = flat(wg.value_and_grad(form)(function.p, *x))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=near)
    forward = wg.jacobian(function, mode="forward")(function.p, *x)
    np.testing.assert_allclose(forward, expected[1:], rtol=1e-9, atol=near)
