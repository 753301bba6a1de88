"""A small perceptron, written with Values, learns to tell two half-moons apart.

    python examples/moons.py [--steps 100] [--folder .]

Plain gradient descent on the hinge loss. The graph of the whole loss is built once; each step
moves the parameters and calls `forward()` and `backward()` on it again.
"""

import argparse
import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import wengert as wg
from wengert import Value

Points = list[tuple[float, float]]


def two_moons(count: int, noise: float, numbers: random.Random) -> tuple[Points, list[int]]:
    """Points on two interleaved half circles, labelled -1 and 1."""
    points, labels = [], []
    for k in range(count):
        angle = math.pi * numbers.random()
        upper = k % 2 == 0
        x, y = math.cos(angle), math.sin(angle)
        if not upper:
            x, y = 1.0 - x, 0.5 - y
        points.append((x + numbers.gauss(0.0, noise), y + numbers.gauss(0.0, noise)))
        labels.append(1 if upper else -1)
    return points, labels


def perceptron(
    sizes: Sequence[int], numbers: random.Random
) -> tuple[Callable[[Sequence[float]], Value], list[Value]]:
    """A multi-layer perceptron as a function, and its parameters."""
    layers = [
        [
            ([Value(numbers.uniform(-1.0, 1.0)) for _ in range(inputs)], Value(0.0))
            for _ in range(outputs)
        ]
        for inputs, outputs in pairwise(sizes)
    ]

    def predict(point: Sequence[float]) -> Value:
        signals = list(point)
        for depth, layer in enumerate(layers):
            last = depth == len(layers) - 1
            with wg.scope(f"layer{depth + 1}"):
                sums = [wg.dot(weights, signals) + bias for weights, bias in layer]
                signals = sums if last else [total.relu() for total in sums]
        return signals[0]

    return predict, [p for layer in layers for weights, bias in layer for p in (*weights, bias)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--folder", type=Path, default=Path())
    options = parser.parse_args()
    numbers = random.Random(7)
    points, labels = two_moons(60, 0.1, numbers)
    predict, parameters = perceptron((2, 8, 8, 1), numbers)

    scores = [predict(point) for point in points]
    with wg.scope("hinge"):
        hinges = [wg.relu(1.0 - label * s) for label, s in zip(labels, scores, strict=True)]
        hinge = wg.mean(hinges)
    with wg.scope("penalty"):
        penalty = 1e-4 * wg.sum([p * p for p in parameters])
    loss = hinge + penalty
    loss.label = "loss"

    losses = []
    for step in range(options.steps):
        rate = 0.5 * (1.0 - 0.9 * step / options.steps)
        loss.zero_grad()
        loss.backward()
        for p in parameters:
            p.data -= rate * p.grad
        losses.append(loss.forward().data)
        if step % 10 == 0 or step == options.steps - 1:
            right = sum((s.data > 0) == (y > 0) for s, y in zip(scores, labels, strict=True))
            print(f"step {step:3}  loss {losses[-1]:.4f}  right {right}/{len(points)}")

    axes = wg.plot_history(losses, log=True)
    axes.get_figure().savefig(options.folder / "moons-loss.svg")
    wg.draw(loss).save(options.folder / "moons-graph.svg")


if __name__ == "__main__":
    main()
