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


# --- single calls with nests of loops -------------------------------------------------------------


class Looped:
    """A function of a matrix, a vector and a number, in a few steps of plain Python loops."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)
        self.n, self.m = draw.choice([3, 5, 17, 20, 33]), draw.choice([2, 4, 9, 18])
        self.times = draw.choice([1, 2, 5, 20])
        kinds = [*STEPS]
        self.steps = [
            (draw.choice(kinds), draw.choice(UNARY)) for _ in range(draw.choice([1, 2, 3, 5]))
        ]
        self.argnums = draw.choice([(0,), (1,), (2,), (0, 1), (0, 1, 2), (1, 2)])
        rng = np.random.default_rng(seed)
        self.args = rng.standard_normal((self.m, self.n)), rng.standard_normal(self.n), 0.3

    def __call__(self, w, u, a):
        v, total = [u[i] for i in range(self.n)], a * 0.0
        for step, row in self.steps:
            v, added = step(self, row, w, u, v, a)
            for each in added:
                total = total + each
        for k, each in enumerate(v):
            total = total + each * (0.1 * (k % 3 + 1))
        return total

    def layer(self, row, w, u, v, a):
        rows = range(self.n)
        sums = [sum((w[i % self.m, j] * v[j] for j in rows), a) for i in rows]
        return [row(each) / self.n for each in sums], ()

    def stencil(self, row, w, u, v, a):
        for _ in range(self.times):
            inside = [y + 0.1 * (x - 2.0 * y + z) for x, y, z in zip(v, v[1:], v[2:], strict=False)]
            v = [v[0], *inside, v[-1] * 0.9]
        return v, ()

    def running(self, row, w, u, v, a):
        made = []
        for each in v:
            a = a * 0.5 + each
            made.append(row(a))
        return made, ()

    def backwards(self, row, w, u, v, a):
        return [x * y for x, y in zip(reversed(v), u, strict=True)], ()

    def apart(self, row, w, u, v, a):
        return [v[(7 * i + 3) % self.n] + u[i] for i in range(self.n)], ()

    def triangle(self, row, w, u, v, a):
        rows = range(self.n)
        sums = [sum((v[j] * w[i % self.m, j] for j in range(i + 1)), a) for i in rows]
        return [each / (i + 1.0) for i, each in enumerate(sums)], ()

    def pairs(self, row, w, u, v, a):
        half = [row(x + y) for x, y in zip(v[::2], v[1::2], strict=False)]
        return half + [each * a for each in v[len(half) :]], ()

    def chosen(self, row, w, u, v, a):
        turned = [*v[1:], v[0]]
        both = zip(v, turned, u, strict=True)
        return [wg.maximum(x, y) + wg.where(x > a, x * z, a) for x, y, z in both], ()

    def squares(self, row, w, u, v, a):
        ij = [(i, j) for i in range(self.m) for j in range(self.n)]
        return v, [0.01 * w[i, j] * w[i, j] * v[j] for i, j in ij]

    def branch(self, row, w, u, v, a):
        return ([row(each) for each in v] if v[0] > a else [each * 0.5 for each in v]), ()


STEPS = (
    Looped.layer, Looped.stencil, Looped.running, Looped.backwards, Looped.apart, Looped.triangle,
    Looped.pairs, Looped.chosen, Looped.squares, Looped.branch,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(125))
def test_single_calls(seed):
    function = Looped(seed)
    w, u, a = function.args
    values = (
        np.array([[wg.Value(each) for each in row] for row in w]),
        np.array([wg.Value(each) for each in u]), wg.Value(a),
    )  # fmt: skip
    result = wg.Value(0.0) + function(*values)
    result.backward()
    grads = [np.array([each.grad for each in np.ravel(values[k])]) for k in function.argnums]
    expected = np.concatenate([[result.data], *grads])
    near = 1e-11 * max(abs(expected).max(), 1.0)
    derived = wg.value_and_grad(function, argnums=function.argnums)
    exactly = set()
    for tier in TIERS:
        for exact in (True, False):
            value, slopes = wg.jit(derived, tier=tier, exact=exact)(w, u, a)
            found = np.concatenate([[value], *map(np.ravel, slopes)])
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=near)
            if exact:
                exactly.add(found.tobytes())
    assert len(exactly) == 1
