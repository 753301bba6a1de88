"""Scalar programs as people write them: rows that tests and benchmarks share.

Each row is plain Python arithmetic on numbers, an example to run it on, and how many statements
its recording may be stored in, at most.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

import wengert as wg

Array = np.ndarray[Any, Any]
Numbers = Sequence[Any]
Made = tuple[Callable[..., Any], tuple[Any, ...]]  # a function, and arguments for it


@dataclass(frozen=True)
class Scenario:
    """One row.

    Args:
        name: what it is called in tables.
        make: from a size to a function and arguments for it; what is not an argument is constant.
        small: a size at which tests run it.
        full: the size of the figures.
        statements: at most so many statements store the recording at the full size.
    """

    name: str
    make: Callable[..., "Made"]
    small: tuple[int, ...]
    full: tuple[int, ...]
    statements: int


def numbers(count: int, seed: int = 0, low: float = -1.0, high: float = 1.0) -> Array:
    return np.random.default_rng(seed).uniform(low, high, count)


def matrix(rows: int, columns: int, seed: int = 0) -> Array:
    return numbers(rows * columns, seed).reshape(rows, columns)


def squares(xs: Numbers) -> Any:
    total = xs[0] * xs[0]
    for x in xs[1:]:
        total = total + x * x
    return total


# --- perceptrons ----------------------------------------------------------------------------------


def perceptron(layers: Sequence[Any], x: Numbers, y: Numbers) -> Any:
    """Cross-entropy of one example."""
    for k, (weights, biases) in enumerate(layers):
        outputs = []
        for row, bias in zip(weights, biases, strict=True):
            total = bias
            for w, a in zip(row, x, strict=True):
                total = total + w * a
            outputs.append(wg.relu(total) if k < len(layers) - 1 else total)
        x = outputs
    exps = [wg.exp(a) for a in x]
    total = exps[0]
    for e in exps[1:]:
        total = total + e
    loss = wg.log(total)
    for a, target in zip(x, y, strict=True):
        loss = loss - a * target
    return loss


def perceptron_example(*sizes: int) -> tuple[Any, ...]:
    layers = [
        (matrix(n, m, k) / math.sqrt(m), numbers(n, k) * 0.1)
        for k, (m, n) in enumerate(pairwise(sizes))
    ]
    return layers, numbers(sizes[0], 7), np.eye(sizes[-1])[0]


def perceptron_batch(layers: Sequence[Any], xs: Numbers, ys: Numbers) -> Any:
    """The same, summed over a batch by a Python loop."""
    total = 0.0
    for x, y in zip(xs, ys, strict=True):
        total = total + perceptron(layers, x, y)
    return total


def batch_example(batch: int, *sizes: int) -> tuple[Any, ...]:
    layers, _, _ = perceptron_example(*sizes)
    return layers, matrix(batch, sizes[0], 8), np.eye(sizes[-1])[np.arange(batch) % sizes[-1]]


# --- steps in time --------------------------------------------------------------------------------


def lotka_volterra(a: Any, b: Any, c: Any, d: Any, x: Any, y: Any, steps: int = 1000) -> Any:
    """Classical Runge-Kutta steps of fourth order."""
    h = 0.001

    def slope(x: Any, y: Any) -> tuple[Any, Any]:
        return x * (a - b * y), y * (d * x - c)

    for _ in range(steps):
        k1x, k1y = slope(x, y)
        k2x, k2y = slope(x + k1x * (h / 2), y + k1y * (h / 2))
        k3x, k3y = slope(x + k2x * (h / 2), y + k2y * (h / 2))
        k4x, k4y = slope(x + k3x * h, y + k3y * h)
        x = x + (k1x + (k2x + k3x) * 2.0 + k4x) * (h / 6)
        y = y + (k1y + (k2y + k3y) * 2.0 + k4y) * (h / 6)
    return x * x + y * y


def heat(alpha: Any, u: Numbers, target: Numbers, steps: int = 500) -> Any:
    """Explicit steps on a rod with fixed ends, and the distance to a target."""
    n = len(u)
    for _ in range(steps):
        after = list(u)
        for i in range(1, n - 1):
            after[i] = u[i] + alpha * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        u = after
    loss = (u[0] - target[0]) * (u[0] - target[0])
    for i in range(1, n):
        difference = u[i] - target[i]
        loss = loss + difference * difference
    return loss


def stencil(f: Any, u: Any, steps: int = 25) -> Any:
    """Jacobi steps for Poisson's equation on a square."""
    n = len(u)
    u = [list(row) for row in u]
    for _ in range(steps):
        after = [list(row) for row in u]
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                around = u[i - 1][j] + u[i + 1][j] + u[i][j - 1] + u[i][j + 1]
                after[i][j] = 0.25 * (around - f[i][j])
        u = after
    loss = u[1][1] * u[1][1]
    for i in range(1, n - 1):
        for j in range(1, n - 1):
            loss = loss + u[i][j] * u[i][j]
    return loss


def n_body(mass: Numbers, position: Any, velocity: Any, steps: int = 60) -> Any:
    """Gravity between every pair of bodies: a triangular nest."""
    n, h = len(mass), 0.001
    p, v = [list(row) for row in position], [list(row) for row in velocity]
    for _ in range(steps):
        for i in range(n):
            for j in range(i + 1, n):
                d = [p[i][k] - p[j][k] for k in range(3)]
                r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 0.01
                pull = h / (r2 * wg.sqrt(r2))
                for k in range(3):
                    v[i][k] = v[i][k] - d[k] * (mass[j] * pull)
                    v[j][k] = v[j][k] + d[k] * (mass[i] * pull)
        for i in range(n):
            for k in range(3):
                p[i][k] = p[i][k] + v[i][k] * h
    return p[0][0] * p[0][0] + v[1][1]


# --- sums over data -------------------------------------------------------------------------------


def rosenbrock(x: Numbers) -> Any:
    total = 0.0
    for i in range(len(x) - 1):
        t = x[i + 1] - x[i] * x[i]
        u = 1.0 - x[i]
        total = total + (100.0 * (t * t) + u * u)
    return total


def mixture(data: Any, alphas: Numbers, means: Any, scales: Any, lower: Any) -> Any:
    """The log-likelihood of a Gaussian mixture with triangular factors."""
    total = 0.0
    for x in data:
        terms = []
        for alpha, mean, scale, below in zip(alphas, means, scales, lower, strict=True):
            c = [xj - mj for xj, mj in zip(x, mean, strict=True)]
            q = [sj * cj for sj, cj in zip(scale, c, strict=True)]
            at = 0
            for i in range(len(c)):
                for j in range(i + 1, len(c)):
                    q[j] = q[j] + below[at] * c[i]
                    at += 1
            square = q[0] * q[0]
            for qj in q[1:]:
                square = square + qj * qj
            terms.append(wg.exp(alpha - 0.5 * square))
        sum_ = terms[0]
        for term in terms[1:]:
            sum_ = sum_ + term
        total = total + wg.log(sum_)
    return total


def logistic(weights: Numbers, rows: Any = ()) -> Any:
    """Logistic regression; the data are constants, and many of them 0 or 1."""
    loss = 0.0
    for row in rows:
        z = 0.0
        for a, w in zip(row, weights, strict=True):
            z = z + a * w
        loss = loss + wg.log(1.0 + wg.exp(-z))
    return loss


def reprojection(camera: Numbers, point: Numbers, u: Any, v: Any) -> tuple[Any, Any]:
    """How far from (u, v) a camera with distortion sees a point: turned, shifted, projected."""
    c, x = camera, point
    theta2 = c[0] * c[0] + c[1] * c[1] + c[2] * c[2] + 1e-12
    theta = wg.sqrt(theta2)
    cos, sin, inverse = wg.cos(theta), wg.sin(theta), 1.0 / theta
    w = [c[k] * inverse for k in range(3)]
    cross = [w[1] * x[2] - w[2] * x[1], w[2] * x[0] - w[0] * x[2], w[0] * x[1] - w[1] * x[0]]
    along = (w[0] * x[0] + w[1] * x[1] + w[2] * x[2]) * (1.0 - cos)
    p = [x[k] * cos + cross[k] * sin + w[k] * along + c[3 + k] for k in range(3)]
    px, py = -(p[0] / p[2]), -(p[1] / p[2])
    r2 = px * px + py * py
    distortion = 1.0 + c[7] * r2 + c[8] * (r2 * r2)
    return c[6] * distortion * px - u, c[6] * distortion * py - v


def bundle(cameras: Any, points: Any, seen: Any) -> Any:
    """Bundle adjustment: camera and point of each observation are looked up at random."""
    total = 0.0
    for camera, point, u, v in seen:
        eu, ev = reprojection(cameras[camera], points[point], u, v)
        total = total + (eu * eu + ev * ev)
    return total


def observations(count: int, cameras: int, points: int) -> list[tuple[int, int, float, float]]:
    rng = random.Random(1)
    return [
        (rng.randrange(cameras), rng.randrange(points), rng.gauss(0, 1), rng.gauss(0, 1))
        for _ in range(count)
    ]


# --- networks -------------------------------------------------------------------------------------


def convolution(image: Any, filters: Any) -> Any:
    n, k = len(image), len(filters[0])
    total = 0.0
    for kernel in filters:
        for i in range(n - k + 1):
            for j in range(n - k + 1):
                s = 0.0
                for p in range(k):
                    for q in range(k):
                        s = s + kernel[p][q] * image[i + p][j + q]
                total = total + wg.relu(s)
    return total


def convolution_1d(signal: Numbers, kernel: Numbers) -> Any:
    out = []
    for i in range(len(signal) - len(kernel) + 1):
        s = 0.0
        for j, w in enumerate(kernel):
            s = s + w * signal[i + j]
        out.append(wg.tanh(s))
    return np.array(out)


def recurrent(w: Any, u: Any, b: Numbers, xs: Any, h: Numbers) -> Any:
    """A plain recurrent network."""
    for x in xs:
        after = []
        for i in range(len(h)):
            z = b[i]
            for j in range(len(h)):
                z = z + w[i][j] * h[j]
            for j in range(len(x)):
                z = z + u[i][j] * x[j]
            after.append(wg.tanh(z))
        h = after
    return squares(h)


def recurrent_example(hidden: int, steps: int, inputs: int) -> tuple[Any, ...]:
    return (
        matrix(hidden, hidden, 1) * 0.3, matrix(hidden, inputs, 2), numbers(hidden, 3),
        matrix(steps, inputs, 4), numbers(hidden, 5),
    )  # fmt: skip


def lstm(w: Any, b: Any, xs: Any) -> Any:
    """A long short-term memory cell over a sequence; `w` has a matrix per gate."""
    size = len(b[0])
    h: list[Any] = [0.0] * size
    c: list[Any] = [0.0] * size
    for x in xs:
        joined = [*h, *x]
        gates = []
        for weights, biases in zip(w, b, strict=True):
            gate = []
            for row, bias in zip(weights, biases, strict=True):
                z = bias
                for a, v in zip(row, joined, strict=True):
                    z = z + a * v
                gate.append(z)
            gates.append(gate)
        for i in range(size):
            keep, take, give = (wg.sigmoid(gates[k][i]) for k in range(3))
            c[i] = keep * c[i] + take * wg.tanh(gates[3][i])
            h[i] = give * wg.tanh(c[i])
    return h[0] + c[0]


def lstm_example(size: int, steps: int, inputs: int) -> tuple[Any, ...]:
    width = size + inputs
    weights = numbers(4 * size * width, 1).reshape(4, size, width) * 0.3
    return weights, matrix(4, size, 2), matrix(steps, inputs, 3)


# --- irregular ------------------------------------------------------------------------------------


def cholesky(a: Any) -> Any:
    """The log-determinant by Cholesky's method: triangular nests."""
    n = len(a)
    low: list[list[Any]] = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            s = a[i][j]
            for k in range(j):
                s = s - low[i][k] * low[j][k]
            low[i][j] = wg.sqrt(s) if i == j else s / low[j][j]
    total = wg.log(low[0][0])
    for i in range(1, n):
        total = total + wg.log(low[i][i])
    return total


def cholesky_example(n: int) -> tuple[Any, ...]:
    m = matrix(n, n, 9)
    return (m @ m.T + n * np.eye(n),)


def sparse_product(x: Numbers, rows: Any, steps: int = 3) -> Any:
    """A sparse matrix times a vector, a few times over."""
    for _ in range(steps):
        y = []
        for row in rows:
            s = 0.0
            for j, w in row:
                s = s + w * x[j]
            y.append(wg.tanh(s))
        x = y
    return squares(x)


def sparse_rows(n: int, ragged: bool) -> list[list[tuple[int, float]]]:
    rng = random.Random(2)
    return [
        [(rng.randrange(n), rng.gauss(0, 1)) for _ in range(rng.randint(1, 9) if ragged else 5)]
        for _ in range(n)
    ]


def newton(xs: Numbers) -> Any:
    """Square roots by Newton's method; how often it iterates depends on the number."""
    roots = []
    for a in xs:
        x = a
        while abs(x * x - a) > 1e-9:
            x = 0.5 * (x + a / x)
        roots.append(x)
    return np.array(roots)


def newton_stated(xs: Numbers) -> Any:
    """The same with a loop that the program keeps."""
    return np.array(
        [
            wg.while_loop(lambda x, a=a: abs(x * x - a) > 1e-9, lambda x, a=a: 0.5 * (x + a / x), a)
            for a in xs
        ]
    )


def branches(xs: Numbers) -> Any:
    """A branch for each element."""
    total = 0.0
    for x in xs:
        total = total + (wg.exp(x * x) if x > 0.0 else x * 3.0 + wg.sin(x))
    return total


# --- the rows -------------------------------------------------------------------------------------


def over(count: int) -> Any:
    return numbers(count, 3)


def noise(n: int, d: int) -> list[list[float]]:
    return matrix(n, d, 2).tolist()


def bits(n: int, d: int) -> list[list[float]]:
    return (matrix(n, d, 2) > 0.0).astype(float).tolist()


def heat_at(n: int, steps: int) -> Made:
    return partial(heat, steps=steps), (0.1, numbers(n, 1), numbers(n, 2))


def stencil_at(n: int, steps: int) -> Made:
    return partial(stencil, steps=steps), (matrix(n, n, 3), matrix(n, n, 4))


def n_body_at(n: int, steps: int) -> Made:
    state = (numbers(n, 5, 0.5, 1.5), matrix(n, 3, 6), matrix(n, 3, 7))
    return partial(n_body, steps=steps), state


def mixture_at(n: int, d: int, k: int) -> Made:
    below = matrix(k, d * (d - 1) // 2, 5)
    factors = (numbers(k, 2), matrix(k, d, 3), 1.5 + matrix(k, d, 4), below)
    return partial(mixture, noise(n, d)), factors


def convolution_at(n: int, k: int, count: int) -> Made:
    return convolution, (matrix(n, n, 1), numbers(count * k * k, 2).reshape(count, k, k))


def bundle_at(n: int, cameras: int, points: int) -> Made:
    seen = observations(n, cameras, points)
    return partial(bundle, seen=seen), (matrix(cameras, 9, 1), matrix(points, 3, 2))


def sparse_at(n: int, ragged: bool) -> Made:
    return partial(sparse_product, rows=sparse_rows(n, ragged)), (numbers(n, 1),)


def roots_at(function: Callable[..., Any], n: int) -> Made:
    return function, (numbers(n, 1, 0.5, 30.0),)


def runge_kutta_at(steps: int) -> Made:
    return partial(lotka_volterra, steps=steps), (1.1, 0.4, 0.4, 0.1, 1.0, 1.0)


def logistic_at(n: int, d: int) -> Made:
    return partial(logistic, rows=bits(n, d)), (numbers(d, 1),)


ROWS = [
    # name, from a size to function and arguments, small and full size, statements at the full size
    Scenario("perceptron", lambda *n: (perceptron, perceptron_example(*n)), (12, 5, 3), (784, 32, 10), 42),
    Scenario("perceptron, batch", lambda *n: (perceptron_batch, batch_example(*n)), (4, 6, 5, 3), (64, 784, 32, 10), 88),
    Scenario("Runge-Kutta", runge_kutta_at, (20,), (1000,), 124),
    Scenario("Rosenbrock", lambda n: (rosenbrock, (over(n),)), (40,), (100_000,), 32),
    Scenario("heat equation", heat_at, (12, 6), (200, 500), 54),
    Scenario("2-D stencil", stencil_at, (8, 5), (48, 25), 92),
    Scenario("Gaussian mixture", mixture_at, (8, 4, 3), (1000, 4, 3), 112),
    Scenario("convolution", convolution_at, (9, 3, 2), (28, 5, 4), 90),
    Scenario("1-D convolution", lambda n, k: (convolution_1d, (numbers(n, 1), numbers(k, 2))), (40, 5), (2000, 9), 20),
    Scenario("recurrent network", lambda *n: (recurrent, recurrent_example(*n)), (5, 6, 3), (16, 50, 8), 50),
    Scenario("LSTM cell", lambda *n: (lstm, lstm_example(*n)), (4, 6, 3), (16, 50, 8), 200),
    Scenario("bundle adjustment", bundle_at, (30, 4, 9), (2000, 20, 300), 250),
    Scenario("logistic regression", logistic_at, (20, 6), (500, 40), 36),
    Scenario("n-body", n_body_at, (5, 4), (8, 60), 325),
    Scenario("Cholesky", lambda n: (cholesky, cholesky_example(n)), (10,), (48,), 2000),
    Scenario("sparse product, fixed", lambda n: sparse_at(n, False), (40,), (2000,), 100),
    Scenario("sparse product, ragged", lambda n: sparse_at(n, True), (40,), (2000,), 100),
    Scenario("Newton, guards", lambda n: roots_at(newton, n), (20,), (2000,), 200),
    Scenario("Newton, while_loop", lambda n: roots_at(newton_stated, n), (20,), (2000,), 30),
    Scenario("branch per element", lambda n: (branches, (over(n),)), (60,), (20_000,), 100),
]  # fmt: skip
SCENARIOS = {row.name: row for row in ROWS}
