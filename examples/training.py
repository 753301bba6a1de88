"""Two classifiers, each written for one point, are trained on many by SciPy's L-BFGS.

    python examples/training.py [--points 20000]

A logistic regression and a perceptron tell two half-moons apart. Their losses are plain scalar
code; the sum over all points and its gradient are compiled. Beside them, where they are installed,
scikit-learn and torch minimise the same from the same start.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult, minimize

import wengert as wg

Array = np.ndarray[Any, np.dtype[np.float64]]
SIZES = (2, 16, 16, 1)
DECAY = 1.0  # of weights, not of biases: half their sum of squares is added to the loss


def two_moons(count: int, noise: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Points on two interleaved half circles, (count, 2), and their labels, -1 and 1."""
    angles, labels = np.pi * rng.random(count), np.tile([1.0, -1.0], count)[:count]
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.where(labels[:, None] > 0.0, upper, [1.0, 0.5] - upper)
    return points + noise * rng.standard_normal((count, 2)), labels


# --- the losses of one point ----------------------------------------------------------------------


def logistic(p: Any, x: Any, y: Any) -> Any:
    """Of a line: weights p[:-1] and a bias p[-1]."""
    return wg.softplus(-y * (p[:-1] @ x + p[-1]))


def layers(p: Any) -> Iterator[tuple[Any, Any]]:
    """Weights and biases of each layer, slices of one array of parameters."""
    start = 0
    for inputs, outputs in pairwise(SIZES):
        end = start + inputs * outputs
        yield p[start:end].reshape(outputs, inputs), p[end : end + outputs]
        start = end + outputs


def perceptron(p: Any, x: Any, y: Any) -> Any:
    """Of a perceptron with tanh between its layers."""
    *hidden, (weights, biases) = layers(p)
    for inner, shifts in hidden:
        x = np.tanh(inner @ x + shifts)
    return wg.softplus(-y * (weights @ x + biases)[0])


# --- training -------------------------------------------------------------------------------------


def line_start() -> tuple[Array, Array]:
    """Where the line starts, and how each parameter decays."""
    return np.zeros(3), np.array([DECAY, DECAY, 0.0])


def perceptron_start(rng: np.random.Generator) -> tuple[Array, Array]:
    """The same of the perceptron."""
    parts, decays = [], []
    for inputs, outputs in pairwise(SIZES):
        parts += [rng.normal(0.0, inputs**-0.5, inputs * outputs), np.zeros(outputs)]
        decays += [np.full(inputs * outputs, DECAY), np.zeros(outputs)]
    return np.concatenate(parts), np.concatenate(decays)


def trained(
    summed: Callable[[Array], tuple[float, Array]], start: Array, decay: Array, steps: int = 1000
) -> OptimizeResult:
    """The minimum of a sum and its decay; `summed` gives the sum and its gradient."""

    def objective(p: Array) -> tuple[float, Array]:
        value, slope = summed(p)
        return value + 0.5 * decay @ p**2, slope + decay * p

    options = {"maxiter": steps, "maxfun": 2 * steps, "gtol": 1e-3, "ftol": 1e-15, "maxcor": 30}
    return minimize(objective, start, jac=True, method="L-BFGS-B", options=options)


def by_wengert(loss: Any, points: Array, labels: Array) -> Callable[[Array], tuple[float, Array]]:
    """The sum of a loss over all points, and its gradient, compiled."""
    summed: Callable[[Array], tuple[float, Array]] = wg.jit(
        wg.value_and_grad(wg.sum_over(loss, points, labels))
    )
    return summed


def by_torch(loss: Any, points: Array, labels: Array) -> Callable[[Array], tuple[float, Array]]:
    """The same by torch, written for all points at once."""
    import torch

    x, y = torch.from_numpy(points), torch.from_numpy(labels)

    def summed(p: Array) -> tuple[float, Array]:
        q = torch.from_numpy(p).requires_grad_()
        if loss is logistic:
            scores = x @ q[:-1] + q[-1]
        else:
            signals = x
            *hidden, (weights, biases) = layers(q)
            for inner, shifts in hidden:
                signals = torch.tanh(signals @ inner.T + shifts)
            scores = (signals @ weights.T + biases)[:, 0]
        value = torch.nn.functional.softplus(-y * scores).sum()
        value.backward()
        return value.item(), q.grad.numpy()

    return summed


def by_sklearn(loss: Any, points: Array, labels: Array) -> Callable[[], Array]:
    """scikit-learn's own training, which gives one array of parameters."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    line = LogisticRegression(C=1.0 / DECAY, tol=1e-8, max_iter=1000)
    net = MLPClassifier(
        SIZES[1:-1], activation="tanh", solver="lbfgs", alpha=DECAY, max_iter=1000, max_fun=2000,
        tol=1e-9, random_state=0,
    )  # fmt: skip

    def run() -> Array:
        if loss is logistic:
            line.fit(points, labels)
            return np.append(line.coef_[0], line.intercept_)
        net.fit(points, labels)
        pairs = zip(net.coefs_, net.intercepts_, strict=True)
        return np.concatenate([part for w, b in pairs for part in (w.T.ravel(), b)])

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=4000)
    count = parser.parse_args().points
    rng = np.random.default_rng(7)
    points, labels = two_moons(count, 0.2, rng)
    for loss, (start, decay) in ((logistic, line_start()), (perceptron, perceptron_start(rng))):
        print(f"{loss.__name__}, {count:,} points, {len(start)} parameters")
        compare(loss, points, labels, start, decay)


def compare(loss: Any, points: Array, labels: Array, start: Array, decay: Array) -> None:
    """Train in each way there is, and print what it comes to."""
    begin = time.perf_counter()
    summed = by_wengert(loss, points, labels)
    summed(start)
    ready = time.perf_counter() - begin
    reached(f"wengert, ready in {ready:.2f} s", lambda: trained(summed, start, decay))
    try:
        by_theirs = by_torch(loss, points, labels)
        reached("torch", lambda: trained(by_theirs, start, decay))
        run = by_sklearn(loss, points, labels)
        reached("scikit-learn", run, lambda p: summed(p)[0] + 0.5 * decay @ p**2)
    except ImportError as error:
        print(f"  {error.name} is not installed")


def reached(name: str, run: Callable[[], Any], objective: Any = None) -> None:
    """Run a training, and print what it reached and how long it took."""
    begin = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - begin
    if isinstance(found, OptimizeResult):
        each = f"{found.nfev} evaluations of {1e3 * seconds / found.nfev:.2f} ms"
        slope = f"gradient at most {np.abs(found.jac).max():.1e}"
        print(f"  {name}: {found.fun:.6f} in {seconds:.2f} s, {each}, {slope}")
    else:
        print(f"  {name}: {objective(found):.6f} in {seconds:.2f} s")


if __name__ == "__main__":
    main()
