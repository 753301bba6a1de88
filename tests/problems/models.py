"""Models that people differentiate: sums over data, networks, steps in time, prices and roots."""

import math
from functools import partial
from typing import Any

import numpy as np

import scenarios
import wengert as wg
from problems.problem import Array, Numbers, Problem

# --- sums over data -------------------------------------------------------------------------------


def bundle_residuals(seen: Any, cameras: int, x: Numbers) -> Array:
    """Both errors of every observation; nine numbers a camera, then three a point."""
    residuals = []
    for camera, point, u, v in seen:
        at = 9 * cameras + 3 * point
        residuals += scenarios.reprojection(x[9 * camera : 9 * camera + 9], x[at : at + 3], u, v)
    return np.array(residuals)


def bundle_at(cameras: int, points: int) -> Problem:
    """Every camera sees every point; without noise, so that the truth is a solution."""
    random = np.random.default_rng(4)
    truth = np.concatenate([_camera(random) for _ in range(cameras)] + [_point(random, points)])
    blank = [(c, p, 0.0, 0.0) for c in range(cameras) for p in range(points)]
    projected = bundle_residuals(blank, cameras, truth).reshape(-1, 2)
    seen = [(c, p, u, v) for (c, p, _, _), (u, v) in zip(blank, projected.tolist(), strict=True)]
    start = truth * (1.0 + 0.02 * random.standard_normal(len(truth)))
    return Problem(
        f"bundle adjustment, {cameras} cameras, {points} points", "residuals",
        partial(bundle_residuals, seen, cameras), start,
        "Agarwal, Snavely, Seitz and Szeliski, Bundle Adjustment in the Large (2010)",
        minima=(0.0,), solution=truth,
    )  # fmt: skip


def _camera(random: np.random.Generator) -> Array:
    turn, shift = random.uniform(-0.3, 0.3, 3), random.uniform(-0.5, 0.5, 3)
    return np.concatenate([turn, shift, [random.uniform(0.8, 1.2), -0.1, 0.02]])


def _point(random: np.random.Generator, count: int) -> Array:
    low, high = (-1.0, -1.0, -6.0), (1.0, 1.0, -4.0)
    return random.uniform(low, high, (count, 3)).ravel()


def mixture_log_likelihood(data: Any, components: int, x: Numbers) -> Any:
    """Gaussians by log-weights, means and triangular factors of their inverse covariances."""
    d, k = len(data[0]), components
    below = d * (d - 1) // 2
    weights, means, logs, lower = (
        x[start : start + k * size] for start, size in _sections((1, d, d, below), k)
    )
    heights = [
        weights[c] + wg.sum(list(logs[c * d : c * d + d])) - wg.logsumexp(list(weights))
        for c in range(k)
    ]
    total = scenarios.mixture(
        data, heights, [means[c * d : c * d + d] for c in range(k)],
        [[wg.exp(log) for log in logs[c * d : c * d + d]] for c in range(k)],
        [lower[c * below : c * below + below] for c in range(k)],
    )  # fmt: skip
    return total - 0.5 * len(data) * d * math.log(2.0 * math.pi)


def _sections(sizes: tuple[int, ...], count: int) -> list[tuple[int, int]]:
    """Where each section of a vector starts, and how long one element of it is."""
    starts = np.cumsum([0, *(size * count for size in sizes[:-1])]).tolist()
    return list(zip(starts, sizes, strict=True))


def mixture_at(n: int, d: int, k: int) -> Problem:
    length = k * (1 + d + d + d * (d - 1) // 2)
    return Problem(
        f"Gaussian mixture, {n} points", "function",
        partial(mixture_log_likelihood, scenarios.noise(n, d), k), scenarios.numbers(length, 6),
        "Šrajer, Kukelova and Fitzgibbon (2018), doi 10.1080/10556788.2018.1435651",
    )  # fmt: skip


def lstm(size: int, inputs: Any, x: Numbers) -> Any:
    """Long short-term memory; the weights of the four gates, then their biases."""
    width = size + len(inputs[0])
    weights = np.reshape(x[: 4 * size * width], (4, size, width))
    return scenarios.lstm(weights, np.reshape(x[4 * size * width :], (4, size)), inputs)


def lstm_at(size: int, steps: int, inputs: int) -> Problem:
    weights, biases, xs = scenarios.lstm_example(size, steps, inputs)
    return Problem(
        f"LSTM, {size} wide, {steps} steps", "function", partial(lstm, size, xs.tolist()),
        np.concatenate([weights.ravel(), biases.ravel()]),
        "Hochreiter and Schmidhuber (1997), doi 10.1162/neco.1997.9.8.1735",
    )  # fmt: skip


def rosenbrock_at(n: int) -> Problem:
    start = np.array([-1.2, 1.0] * n)[:n]
    return Problem(
        f"Rosenbrock, {n}", "objective", scenarios.rosenbrock, start,
        "Rosenbrock (1960), doi 10.1093/comjnl/3.3.175, chained",
        minima=(0.0,), solution=np.ones(n),
    )  # fmt: skip


# --- steps in time --------------------------------------------------------------------------------


def lotka_volterra_at(steps: int) -> Problem:
    """Rates and populations, a thousandth of a unit of time a step."""
    return Problem(
        f"Lotka-Volterra, {steps} steps", "function",
        lambda x: scenarios.lotka_volterra(*x, steps=steps),
        np.array([1.1, 0.4, 0.4, 0.1, 1.0, 1.0]),
        "Lotka (1925), Elements of Physical Biology",
    )  # fmt: skip


# --- prices ---------------------------------------------------------------------------------------


def black_scholes(x: Numbers) -> Any:
    """A European call by spot, strike, rate, volatility and time."""
    spot, strike, rate, volatility, time = x
    spread = volatility * wg.sqrt(time)
    above = (wg.log(spot / strike) + (rate + 0.5 * volatility**2) * time) / spread
    discounted = strike * wg.exp(-rate * time)
    return spot * wg.norm_cdf(above) - discounted * wg.norm_cdf(above - spread)


def _normal(x: float) -> tuple[float, float]:
    """Distribution function and density of the standard normal."""
    return math.erfc(-x / math.sqrt(2.0)) / 2.0, math.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi)


def first_greeks(x: Numbers) -> Array:
    """The gradient of the call's price in closed form."""
    spot, strike, rate, volatility, time = x
    d1, d2 = _distances(x)
    (above, density), (below, _) = _normal(d1), _normal(d2)
    discount = math.exp(-rate * time)
    carry = rate * strike * discount * below
    return np.array(
        [
            above,
            -discount * below,
            strike * time * discount * below,
            spot * density * math.sqrt(time),
            spot * density * volatility / (2.0 * math.sqrt(time)) + carry,
        ]
    )


def second_greeks(x: Numbers) -> Array:
    """The Hessian of the call's price in closed form, from d1, d2 and their derivatives."""
    s, k, r, v, t = x
    d1, d2 = _distances(x)
    density = _normal(d1)[1]
    below, slope = _normal(d2)
    discount, root = math.exp(-r * t), math.sqrt(t)
    d1_t = (r + v * v / 2.0) / (v * root) - d1 / (2.0 * t)
    d2_t = d1_t - v / (2.0 * root)
    kd = k * discount
    upper = {
        (0, 0): density / (s * v * root),
        (0, 1): -density / (k * v * root),
        (0, 2): density * root / v,
        (0, 3): -density * d2 / v,
        (0, 4): density * d1_t,
        (1, 1): discount * slope / (k * v * root),
        (1, 2): discount * (t * below - slope * root / v),
        (1, 3): discount * slope * d1 / v,
        (1, 4): discount * (r * below - slope * d2_t),
        (2, 2): kd * t * (slope * root / v - t * below),
        (2, 3): -kd * t * slope * d1 / v,
        (2, 4): kd * (below - r * t * below + t * slope * d2_t),
        (3, 3): s * density * root * d1 * d2 / v,
        (3, 4): s * density * root * (1.0 / (2.0 * t) - d1 * d1_t),
        (4, 4): -s * density * v / (2.0 * root) * (1.0 / (2.0 * t) + d1 * d1_t)
        + r * kd * (slope * d2_t - r * below),
    }
    hessian = np.zeros((5, 5))
    for (i, j), second in upper.items():
        hessian[i, j] = hessian[j, i] = second
    return hessian


def _distances(x: Numbers) -> tuple[float, float]:
    spot, strike, rate, volatility, time = x
    spread = volatility * math.sqrt(time)
    above = (math.log(spot / strike) + (rate + volatility**2 / 2.0) * time) / spread
    return above, above - spread


# --- roots, found in as many steps as it takes ----------------------------------------------------


def kepler(x: Numbers) -> Any:
    """Kepler's equation E - e·sin(E) = M by Newton's method, from M and e.

    A step more than the value needs makes the derivative right, even where M itself is the root.
    """
    mean, eccentricity = x
    anomaly = mean
    while abs(_kepler_error(anomaly, mean, eccentricity)) > 1e-12:
        anomaly = _kepler_step(anomaly, mean, eccentricity)
    return _kepler_step(anomaly, mean, eccentricity)


def kepler_stated(x: Numbers) -> Any:
    """The same with a loop that the program keeps."""
    mean, eccentricity = x
    near = wg.while_loop(
        lambda anomaly: abs(_kepler_error(anomaly, mean, eccentricity)) > 1e-12,
        lambda anomaly: _kepler_step(anomaly, mean, eccentricity),
        mean,
    )
    return _kepler_step(near, mean, eccentricity)


def _kepler_error(anomaly: Any, mean: Any, eccentricity: Any) -> Any:
    return anomaly - eccentricity * wg.sin(anomaly) - mean


def _kepler_step(anomaly: Any, mean: Any, eccentricity: Any) -> Any:
    error = _kepler_error(anomaly, mean, eccentricity)
    return anomaly - error / (1.0 - eccentricity * wg.cos(anomaly))


def cubic_root(x: Numbers) -> Any:
    """The root of r³ + r = a by bisection; a last step of Newton's brings the derivative."""
    (a,) = x
    low, high = 0.0, 1.0 + abs(a)
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        if middle**3 + middle < a:
            low = middle
        else:
            high = middle
    return _cubic_step(low, a)


def cubic_root_stated(x: Numbers) -> Any:
    """The same with a loop that the program keeps."""
    (a,) = x

    def halve(ends: Any) -> Any:
        low, high = ends
        middle = 0.5 * (low + high)
        below = middle**3 + middle < a
        return wg.where(below, middle, low), wg.where(below, high, middle)

    ends = wg.while_loop(lambda ends: ends[1] - ends[0] > 1e-9, halve, (0.0, 1.0 + abs(a)))
    return _cubic_step(ends[0], a)


def _cubic_step(r: Any, a: Any) -> Any:
    return r - (r**3 + r - a) / (3.0 * r**2 + 1.0)


# --- the rows -------------------------------------------------------------------------------------

HULL = "Hull, Options, Futures, and Other Derivatives, chapter on the Black-Scholes-Merton model"
KEPLER = "Kepler (1609), Astronomia nova"
BISECTION = "Burden and Faires, Numerical Analysis, section 2.1"

ROWS = [
    rosenbrock_at(6),
    bundle_at(4, 9),
    mixture_at(12, 3, 2),
    lstm_at(3, 5, 2),
    lotka_volterra_at(200),
    Problem(
        "Black-Scholes", "function", black_scholes, np.array([42.0, 40.0, 0.1, 0.2, 0.5]), HULL
    ),
    Problem("Kepler, guards", "function", kepler, np.array([0.8, 0.6]), KEPLER),
    Problem("Kepler, while_loop", "function", kepler_stated, np.array([0.8, 0.6]), KEPLER),
    Problem("bisection, guards", "function", cubic_root, np.array([5.0]), BISECTION),
    Problem("bisection, while_loop", "function", cubic_root_stated, np.array([5.0]), BISECTION),
]
