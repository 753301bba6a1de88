"""What bench/native.py measures: scalar Python code that all who take it share, and its numbers."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from peers import scenarios

import wengert as wg

SIZES = 2, 16, 16, 1  # the layers of w1
STEPS = 100  # of w3
SMALL_STEP = 1e-4  # of the long trajectory: ten units of time in 100,000 steps
START = 1.1, 0.4, 0.1, 0.4, 1.0, 1.0


# --- the scalar code ------------------------------------------------------------------------------


def perceptron(p: Any, x1: Any, x2: Any, target: Any, tanh: Any = wg.tanh) -> Any:
    """The squared error of one example."""
    values, at = [x1, x2], 0
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(SIZES)):
        sums = []
        for _ in range(outputs):
            total = p[at + inputs]
            for k in range(inputs):
                total = total + p[at + k] * values[k]
            at += inputs + 1
            sums.append(total)
        values = [tanh(s) for s in sums] if layer < len(SIZES) - 2 else sums
    return (values[0] - target) ** 2


def call_price(
    price: Any, strike: Any, time: Any, rate: Any, volatility: Any, functions: Any = wg
) -> Any:
    """Black and Scholes's."""
    spread = volatility * functions.sqrt(time)
    drift = rate + 0.5 * volatility * volatility
    d1 = (functions.log(price / strike) + drift * time) / spread

    def normal(x: Any) -> Any:
        return 0.5 + 0.5 * functions.erf(x * math.sqrt(0.5))

    return price * normal(d1) - strike * functions.exp(-rate * time) * normal(d1 - spread)


def slope(a: Any, b: Any, d: Any, c: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return x * (a - b * y), y * (d * x - c)


def runge_kutta(rates: tuple[Any, ...], x: Any, y: Any, h: float = 0.01) -> tuple[Any, Any]:
    """A step of Lotka and Volterra's equations."""
    k1x, k1y = slope(*rates, x, y)
    k2x, k2y = slope(*rates, x + 0.5 * h * k1x, y + 0.5 * h * k1y)
    k3x, k3y = slope(*rates, x + 0.5 * h * k2x, y + 0.5 * h * k2y)
    k4x, k4y = slope(*rates, x + h * k3x, y + h * k3y)
    x = x + h / 6 * (k1x + 2.0 * (k2x + k3x) + k4x)
    return x, y + h / 6 * (k1y + 2.0 * (k2y + k3y) + k4y)


def squared_end(a: Any, b: Any, d: Any, c: Any, x: Any, y: Any) -> Any:
    for _ in range(STEPS):
        x, y = runge_kutta((a, b, d, c), x, y)
    return x * x + y * y


def trajectory(steps: int, loop: Callable[..., Any], *start: Any, h: float = SMALL_STEP) -> Any:
    """The squared end after many small steps of a loop like `wg.fori`."""
    *rates, x, y = start
    x, y = loop(steps, lambda _, state: runge_kutta(tuple(rates), *state, h), (x, y))
    return x * x + y * y


def python_loop(steps: int, body: Callable[..., Any], state: Any) -> Any:
    """What `wg.fori` does, written out while it is recorded."""
    for k in range(steps):
        state = body(k, state)
    return state


def rod(steps: int, alpha: Any, u: Any, target: Any) -> Any:
    """`scenarios.heat` with a loop that the program keeps, and slices."""

    def after(_: Any, u: Any) -> Any:
        inner = u[1:-1] + alpha * (u[:-2] - 2.0 * u[1:-1] + u[2:])
        return np.concatenate([u[:1], inner, u[-1:]])

    return np.sum((wg.fori(steps, after, u) - target) ** 2)


# --- the same on arrays, for those who know no scalars --------------------------------------------


def rosenbrock_of_arrays(x: Any) -> Any:
    t = x[1:] - x[:-1] * x[:-1]
    u = 1.0 - x[:-1]
    return (100.0 * (t * t) + u * u).sum()


def cross_entropy(layers: Any, x: Any, y: Any, functions: Any, largest: Callable[..., Any]) -> Any:
    """`scenarios.perceptron` summed over a batch."""
    (w1, b1), (w2, b2) = layers
    outputs = largest(x @ w1.T + b1) @ w2.T + b2
    return functions.log(functions.exp(outputs).sum(1)).sum() - (outputs * y).sum()


# --- numbers --------------------------------------------------------------------------------------


def drawn(seed: int, low: list[float], high: list[float], count: int) -> Any:
    """A row of random numbers for each argument."""
    rng = np.random.default_rng(seed)
    return np.ascontiguousarray(rng.uniform(low, high, (count, len(low))).T)


def w1(count: int) -> Any:
    rng = np.random.default_rng(0)
    return SimpleNamespace(columns=rng.normal(size=(3, count)), p=0.5 * rng.normal(size=337))


def w2(count: int) -> Any:
    return SimpleNamespace(
        columns=drawn(1, [80, 80, 0.2, 0.01, 0.1], [120, 120, 2.0, 0.1, 0.5], count)
    )


def w3(count: int) -> Any:
    low, high = [1.0, 0.3, 0.05, 0.3, 0.8, 0.8], [1.2, 0.5, 0.15, 0.5, 1.2, 1.2]
    return SimpleNamespace(columns=drawn(2, low, high, count))


def mlp(batch: int) -> Any:
    layers, xs, ys = scenarios.batch_example(batch, 784, 32, 10)
    return SimpleNamespace(layers=layers, xs=xs, ys=ys)


def heat(places: int, steps: int) -> Any:
    u, target = scenarios.numbers(places, 1), scenarios.numbers(places, 2)
    return SimpleNamespace(alpha=0.1, u=u, target=target, steps=steps)


def rosenbrock(count: int) -> Any:
    return SimpleNamespace(x=scenarios.numbers(count, 3))


def rk4(steps: int) -> Any:
    return SimpleNamespace(start=START, steps=steps)


@dataclass(frozen=True)
class Workload:
    """One row.

    Args:
        about: what it is.
        make: from a size to its numbers.
        full: the size of the figures.
        small: that of `--quick`.
        beside: whom all are compared with.
    """

    about: str
    make: Callable[..., Any]
    full: tuple[int, ...]
    small: tuple[int, ...]
    beside: str


WORKLOADS = {
    "w1": Workload("MLP 2-16-16-1, squared error over {:,} examples, 337 derivatives",
                   w1, (100_000 // 64 * 64,), (6400,), "C by hand"),
    "w2": Workload("Black-Scholes and 5 derivatives, {:,} options",
                   w2, (1_000_000,), (64_000,), "C by hand"),
    "w3": Workload("Lotka-Volterra, 100 Runge-Kutta steps, 6 derivatives, {:,} sets",
                   w3, (10_000 // 64 * 64,), (640,), "C by hand"),
    "mlp": Workload("MLP 784-32-10 and its 25,450 derivatives, batch {:,}",
                    mlp, (64,), (8,), "torch"),
    "heat": Workload("heat equation, {:,} places x {:,} steps, derivatives by the start",
                     heat, (200, 500), (50, 40), "numpy by hand"),
    "rosenbrock": Workload("Rosenbrock, n = {:,}",
                           rosenbrock, (1_000_000,), (10_000,), "numpy by hand"),
    "rk4": Workload("Lotka-Volterra, one trajectory of {:,} Runge-Kutta steps, 6 derivatives",
                    rk4, (100_000,), (1000,), "numpy by hand"),
}  # fmt: skip
