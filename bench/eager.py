"""How long one scalar operation takes: forward, backward and freeing, beside micrograd.

    python bench/eager.py [--rounds 15]

Both libraries run the same Python code on the same graphs, in turn within one process, so that a
machine whose speed drifts drifts for both. The table gives medians, and the ratio of medians.
"""

import argparse
import gc
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import micrograd.engine
from tabulate import tabulate

import wengert

sys.setrecursionlimit(1_000_000)  # micrograd sorts its graph recursively
SIZES = (2, 16, 16, 1)


def mlp(value: Any) -> tuple[Any, int]:
    """A perceptron 2-16-16-1 with relu on fresh parameters: its output and operation count."""
    numbers = random.Random(1)
    layer = [value(0.5), value(-0.3)]
    operations = 0
    for width in SIZES[1:]:
        outputs = []
        for _ in range(width):
            total = value(0.0)
            for x in layer:
                total = total + value(numbers.uniform(-1, 1)) * x
            outputs.append(total.relu())
            operations += 2 * len(layer) + 1
        layer = outputs
    return layer[0], operations


def chain(value: Any) -> tuple[Any, int]:
    """A chain of 10,000 operations on two leaves."""
    x, y = value(0.5), value(1.0)
    for _ in range(5_000):
        y = y * x
        y = y + x
    return y, 10_000


Build = Callable[[Any], tuple[Any, int]]
GRAPHS: dict[str, Build] = {"MLP 2-16-16-1": mlp, "chain of 10k": chain}
ENGINES = {"wengert (plain)": wengert.Value, "micrograd": micrograd.engine.Value}


def timed(build: Build, value: Any, repeats: int) -> tuple[float, float, float]:
    """Nanoseconds per operation: forward, backward, freeing."""
    gc.collect()
    gc.freeze()  # what the process holds besides is not the graphs' concern
    start = time.perf_counter_ns()
    built = [build(value) for _ in range(repeats)]
    forward = time.perf_counter_ns()
    for root, _ in built:
        root.backward()
    backward = time.perf_counter_ns()
    operations = sum(count for _, count in built)
    del root, built
    gc.collect()  # micrograd's closures form cycles, which only the collector frees
    freed = time.perf_counter_ns()
    gc.unfreeze()
    return (
        (forward - start) / operations,
        (backward - forward) / operations,
        (freed - backward) / operations,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the eager engine beside its peers.")
    parser.add_argument("--rounds", type=int, default=15, help="interleaved rounds (15)")
    rounds = parser.parse_args().rounds
    rows = []
    for graph, build in GRAPHS.items():
        repeats = 16 if build is mlp else 1
        samples: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ENGINES}
        for _ in range(rounds):
            for name, value in ENGINES.items():
                samples[name].append(timed(build, value, repeats))
        medians = {
            name: [statistics.median(column) for column in zip(*taken, strict=True)]
            for name, taken in samples.items()
        }
        totals = {name: statistics.median(map(sum, taken)) for name, taken in samples.items()}
        for name, parts in medians.items():
            ratio = totals[name] / totals["wengert (plain)"]
            numbers = [f"{part:.0f}" for part in (*parts, totals[name])]
            rows.append([graph, name, *numbers, f"{ratio:.2f}"])
    print(
        f"{platform.machine()}, CPython {platform.python_version()}, "
        f"wengert {wengert.__version__}, micrograd {version('micrograd')}, {rounds} rounds"
    )
    headers = ["graph", "engine", "forward", "backward", "freeing", "total", "÷ ours"]
    align = ("left", "left", *["right"] * 5)
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True, colalign=align))
    print("ns per operation, medians; freeing includes one run of the garbage collector")


if __name__ == "__main__":
    main()
