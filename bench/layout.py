"""How long pictures take: laying out graphs unfolded, and folding large ones.

    python bench/layout.py [--rounds 5]

The layout is that of a perceptron's whole graph, without folding; drawing includes folding,
layout and writing the SVG. Medians of several rounds.
"""

import argparse
import platform
import random
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import wengert as wg
from wengert import Value
from wengert.graph import topological_order
from wengert.show.layout import layout


def perceptron(sizes: tuple[int, ...], examples: int) -> Value:
    """The mean squared error of a perceptron over some examples, a scope per layer."""
    numbers = random.Random(0)
    layers = [
        [([Value(numbers.uniform(-1, 1)) for _ in range(n)], Value(0.0)) for _ in range(m)]
        for n, m in pairwise(sizes)
    ]
    errors = []
    for _ in range(examples):
        signals = [Value(numbers.uniform(-1, 1)) for _ in range(sizes[0])]
        for depth, layer in enumerate(layers):
            with wg.scope(f"layer{depth + 1}"):
                signals = [wg.tanh(wg.dot(w, signals) + b) for w, b in layer]
        errors.append((signals[0] - 1.0) ** 2)
    return wg.mean(errors)


def chain(steps: int) -> Value:
    """A chain of two operations a step."""
    x = y = Value(1.0)
    for _ in range(steps):
        y = y * 0.999 + x
    return y


def median(work: Callable[[], object], rounds: int) -> float:
    """Median wall-clock milliseconds."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the pictures.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    rounds = parser.parse_args().rounds
    print(f"{platform.machine()}, CPython {platform.python_version()}, wengert {wg.__version__}")
    print("laid out, unfolded:")
    for sizes, examples in [((2, 8, 8, 1), 1), ((2, 16, 16, 1), 1), ((2, 16, 16, 1), 15)]:
        root = perceptron(sizes, examples)
        order = topological_order(root)
        place = {node: k for k, node in enumerate(order)}
        cells = [(220.0, 32.0)] * len(order)
        operands = [[place[operand] for operand in node.operands] for node in order]
        taken = median(lambda c=cells, o=operands: layout(c, o), rounds)
        print(f"  {len(order):>9,} Values  {taken:8.0f} ms")
    print("folded and drawn:")
    for name, build in [
        ("perceptron", lambda: perceptron((2, 16, 16, 1), 15)),
        ("perceptron", lambda: perceptron((2, 16, 16, 1), 1500)),
        ("chain", lambda: chain(333_333)),
    ]:
        root = build()
        count = len(topological_order(root))
        once = median(lambda r=root: wg.draw(r).svg, 1 if count > 100_000 else rounds)
        print(f"  {count:>9,} Values  {once:8.0f} ms  {name}")


if __name__ == "__main__":
    main()
