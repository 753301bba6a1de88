"""How long one scalar operation takes, forward, backward and freeing, and how much memory.

    python bench/eager.py [--rounds 9] [--quick] [--cpu]

Every engine runs the same Python code on the same graphs, in turn within one process, so that a
machine whose speed drifts drifts for all. The tables give medians, and ratios of medians. Peers
that are not installed are named; one that would take minutes on a graph is left out of it.
"""

import argparse
import gc
import importlib
import importlib.util
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from tabulate import tabulate
from timing import peak_memory

import wengert
from wengert import plain

sys.setrecursionlimit(100_000_000)  # micrograd sorts its graph recursively
SIZES = (2, 16, 16, 1)
WEIGHTS = [random.Random(1).uniform(-1, 1) for _ in range(1000)]
SLOWEST = 20.0  # seconds that one engine may take to build one graph


@dataclass
class Engine:
    """How an engine makes leaves, applies relu, and goes backward."""

    name: str
    leaf: Callable[[float], Any]
    relu: Callable[[Any], Any]
    start: Callable[[Callable[[Callable[[float], Any]], Any]], Any]  # build a graph
    backward: Callable[[Any], object]


# --- the graphs -----------------------------------------------------------------------------------


def mlp(engine: Engine, leaf: Callable[[float], Any]) -> Any:
    """A perceptron 2-16-16-1 with relu on fresh parameters."""
    weights = iter(WEIGHTS)
    relu = engine.relu
    layer = [leaf(0.5), leaf(-0.3)]
    for width in SIZES[1:]:
        outputs = []
        for _ in range(width):
            total = leaf(0.0)
            for x in layer:
                total = total + leaf(next(weights)) * x
            outputs.append(relu(total))
        layer = outputs
    return layer[0]


def chain(length: int) -> Callable[..., Any]:
    """A chain of operations on two leaves."""

    def build(engine: Engine, leaf: Callable[[float], Any]) -> Any:
        x, y = leaf(0.5), leaf(1.0)
        for _ in range(length // 2):
            y = y * x
            y = y + x
        return y

    return build


@dataclass
class Graph:
    """A graph to be built `repeats` times in a round."""

    name: str
    build: Callable[..., Any]
    operations: int
    repeats: int


MLP = Graph("MLP 2-16-16-1", mlp, sum(b * (2 * a + 1) for a, b in pairwise(SIZES)), 16)
GRAPHS = [
    MLP,
    Graph("chain of 10k", chain(10_000), 10_000, 4),
    Graph("chain of 1M", chain(1_000_000), 1_000_000, 1),
]

# --- the engines ----------------------------------------------------------------------------------


def node_engine(name: str, value: Callable[[float], Any]) -> Engine:
    """An engine whose operators build the graph."""
    return Engine(
        name, value, lambda x: x.relu(), lambda build: build(value), lambda root: root.backward()
    )


def of_torch() -> Engine:
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)

    def leaf(number: float) -> Any:
        return torch.tensor(number, dtype=torch.float64, requires_grad=True)

    return node_engine("torch", leaf)


def leaves_first(build: Callable[[Callable[[float], Any]], Any]) -> list[float]:
    """The leaves that a graph asks for."""
    numbers: list[float] = []

    def leaf(number: float) -> float:
        numbers.append(number)
        return number

    build(leaf)
    return numbers


def one_by_one(leaves: Any) -> Callable[[float], Any]:
    """Gives the leaves that stand for the numbers asked for, in turn."""
    rest = iter(leaves)
    return lambda number: next(rest)


def of_autograd() -> Engine:
    core = importlib.import_module("autograd.core")
    np = importlib.import_module("autograd.numpy")
    numbers: dict[Any, list[float]] = {}

    def start(build: Callable[[Callable[[float], Any]], Any]) -> Any:
        if build not in numbers:
            numbers[build] = leaves_first(build)
        return core.make_vjp(lambda given: build(one_by_one(given)), tuple(numbers[build]))

    return Engine("autograd", float, lambda x: np.maximum(x, 0.0), start, lambda r: r[0](1.0))


def of_jax() -> Engine:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    numbers: dict[Any, list[float]] = {}

    def start(build: Callable[[Callable[[float], Any]], Any]) -> Any:
        if build not in numbers:
            numbers[build] = leaves_first(build)
        return jax.vjp(lambda *given: build(one_by_one(given)), *numbers[build])

    def backward(result: Any) -> object:
        return jax.block_until_ready(result[1](jax.numpy.ones_like(result[0])))

    return Engine("jax", float, lambda x: jax.numpy.maximum(x, 0.0), start, backward)


def of_casadi() -> Engine:
    casadi = importlib.import_module("casadi")

    def start(build: Callable[[Callable[[float], Any]], Any]) -> Any:
        symbols, numbers = [], []

        def leaf(number: float) -> Any:
            symbols.append(casadi.SX.sym("x"))
            numbers.append(number)
            return symbols[-1]

        return build(leaf), symbols, numbers

    def backward(result: Any) -> object:
        root, symbols, numbers = result
        leaves = casadi.vertcat(*symbols)
        return casadi.Function("f", [leaves], [casadi.gradient(root, leaves)])(numbers)

    return Engine("casadi", float, lambda x: casadi.fmax(x, 0.0), start, backward)


def of_ddx() -> Engine:
    ddx = importlib.import_module("ddx")

    def start(build: Callable[[Callable[[float], Any]], Any]) -> Any:
        point: dict[str, float] = {}

        def leaf(number: float) -> Any:
            name = f"x{len(point)}"
            point[name] = number
            return ddx.var(name)

        return ddx.equation(lambda: build(leaf)), point

    def backward(result: Any) -> object:
        equation, point = result
        equation.options = ddx.Options(backend=ddx.Backend.INTERPRET)
        return equation.jacobian(point)

    return Engine("ddx-ad", float, lambda x: ddx.max(x, 0.0), start, backward)


def of_micrograd() -> Engine:
    return node_engine("micrograd", importlib.import_module("micrograd.engine").Value)


PEERS: dict[str, tuple[str, Callable[[], Engine]]] = {
    "micrograd": ("micrograd", of_micrograd),
    "torch": ("torch", of_torch),
    "autograd": ("autograd", of_autograd),
    "jax": ("jax", of_jax),
    "casadi": ("casadi", of_casadi),
    "ddx-ad": ("ddx", of_ddx),
}


def ours() -> list[Engine]:
    """Our own engines: the native one first, if it is there."""
    engines = [node_engine("wengert (plain)", plain.Value)]
    if wengert.engine == "native":
        engines.insert(0, node_engine("wengert", wengert.Value))
    return engines


def installed(names: list[str]) -> Iterator[Engine]:
    """The peers that are there."""
    for name in names:
        module, make = PEERS[name]
        if importlib.util.find_spec(module.split(".")[0]) is not None:
            yield make()


# --- time -----------------------------------------------------------------------------------------

clock = time.perf_counter_ns


def timed(engine: Engine, graph: Graph, build: Any) -> tuple[float, float, float]:
    """Nanoseconds per operation: forward, backward, freeing."""
    gc.collect()
    gc.freeze()  # what the process holds besides is not the graphs' concern
    if graph.operations < 100_000:
        for _ in range(graph.repeats):  # as in a training loop: the last graphs were the same
            engine.backward(engine.start(build))
    start = clock()
    built = [engine.start(build) for _ in range(graph.repeats)]
    forward = clock()
    for each in built:
        engine.backward(each)
    backward = clock()
    del each, built
    if not engine.name.startswith("wengert"):
        gc.collect()  # peers' closures form cycles, which only the collector frees
    freed = clock()
    gc.unfreeze()
    operations = graph.operations * graph.repeats
    return (
        (forward - start) / operations,
        (backward - forward) / operations,
        (freed - backward) / operations,
    )


def measured(
    engines: list[Engine], graph: Graph, rounds: int
) -> dict[str, list[tuple[float, float, float]]]:
    """Samples per engine, taken in turn; slow ones get fewer rounds."""
    builds = {
        engine.name: lambda leaf, engine=engine: graph.build(engine, leaf) for engine in engines
    }
    samples: dict[str, list[tuple[float, float, float]]] = {engine.name: [] for engine in engines}
    spent = dict.fromkeys(samples, 0.0)
    for k in range(rounds):
        for engine in engines:
            if k < 3 or spent[engine.name] < SLOWEST:
                if spent[engine.name] > 4 * SLOWEST:
                    continue
                start = time.perf_counter()
                samples[engine.name].append(timed(engine, graph, builds[engine.name]))
                spent[engine.name] += time.perf_counter() - start
    return samples


def medians(samples: list[tuple[float, float, float]]) -> list[float]:
    """Forward, backward, freeing, and their total."""
    parts = [statistics.median(column) for column in zip(*samples, strict=True)]
    return [*parts, statistics.median(map(sum, samples))]


def float_operation() -> float:
    """Nanoseconds for one operation of CPython's floats in the loop of `chain`."""
    x, y = 0.5, 1.0
    start = clock()
    for _ in range(5_000):
        y = y * x
        y = y + x
    return (clock() - start) / 10_000


def forward_operation() -> float:
    """The same on Values, on memory that earlier graphs have used."""
    x, y = wengert.Value(0.5), wengert.Value(1.0)
    start = clock()
    for _ in range(5_000):
        y = y * x
        y = y + x
    return (clock() - start) / 10_000


def whole_chain(length: int) -> float:
    """Nanoseconds per operation of a chain, forward, backward and freeing, in a steady state."""
    start = clock()
    x, y = wengert.Value(0.5), wengert.Value(1.0)
    for _ in range(length // 2):
        y = y * x
        y = y + x
    y.backward()
    del y
    return (clock() - start) / length


# --- memory ---------------------------------------------------------------------------------------


def peak_bytes(name: str, length: int) -> float | None:
    """Bytes per node at the peak of building a chain and going backward, in its own process."""
    run = subprocess.run(
        [sys.executable, __file__, "--peak-of", name, "--length", str(length)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return float(run.stdout) if run.returncode == 0 else None


def print_peak(name: str, length: int) -> None:
    engine = next(engine for engine in [*ours(), *installed(list(PEERS))] if engine.name == name)
    small, large = chain(1000), chain(length)
    engine.backward(engine.start(lambda leaf: small(engine, leaf)))
    gc.collect()
    before = peak_memory()
    engine.backward(engine.start(lambda leaf: large(engine, leaf)))
    print((peak_memory() - before) / length)


# --- the report -----------------------------------------------------------------------------------


def report_times(engines: list[Engine], rounds: int) -> dict[tuple[str, str], float]:
    """Print the table of times; the totals by graph and engine."""
    rows, totals = [], {}
    slow: dict[str, float] = {}
    for graph in GRAPHS:
        able = [e for e in engines if slow.get(e.name, 0.0) * graph.operations < SLOWEST * 1e9]
        samples = measured(able, graph, rounds)
        for engine in engines:
            if engine not in able or not samples[engine.name]:
                rows.append([graph.name, engine.name, *["–"] * 5])
                continue
            numbers = medians(samples[engine.name])
            totals[graph.name, engine.name] = numbers[-1]
            slow[engine.name] = numbers[-1]
            ratio = numbers[-1] / totals[graph.name, engines[0].name]
            rows.append([graph.name, engine.name, *(f"{n:.0f}" for n in numbers), f"{ratio:.1f}"])
    headers = ["graph", "engine", "forward", "backward", "freeing", "total", "÷ ours"]
    align = ("left", "left", *["right"] * 5)
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True, colalign=align))
    print(
        "ns per operation, medians; freeing includes a run of the garbage collector for the peers,"
        "\nwhich need one. autograd, jax, casadi and ddx-ad take a function: their forward is the"
        "\ntracing of it, and the backward of casadi and ddx-ad includes making the program.\n"
    )
    return totals


def report_native(rounds: int) -> dict[str, float]:
    """Print what is asked of the native engine beside the table; the figures by name."""
    floors, operations = [], []
    for _ in range(20 * rounds):
        floors.append(float_operation())
        operations.append(forward_operation())
    short = [whole_chain(10_000) for _ in range(20 * rounds)]
    long = [whole_chain(10_000_000) for _ in range(max(3, rounds // 2))]
    short += [whole_chain(10_000) for _ in range(20 * rounds)]
    floor, operation = statistics.median(floors), statistics.median(operations)
    short_cost, long_cost = statistics.median(short), statistics.median(long)
    print(f"CPython float operation in the same loop: {floor:.1f} ns")
    print(f"one forward operation:                    {operation:.1f} ns")
    print(f"chain of 10k, all:                        {short_cost:.1f} ns per operation")
    print(f"chain of 10M, all:                        {long_cost:.1f} ns per operation\n")
    return {"forward ÷ float": operation / floor, "10M ÷ 10k": long_cost / short_cost}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the eager engines beside their peers.")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (9)")
    parser.add_argument("--quick", action="store_true", help="micrograd only, no long chains")
    parser.add_argument("--cpu", action="store_true", help="processor time, on a busy machine")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    parser.add_argument("--length", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak_of:
        print_peak(options.peak_of, options.length)
        return
    if options.cpu:
        global clock
        clock = time.thread_time_ns
    names = ["micrograd"] if options.quick else list(PEERS)
    if options.quick:
        GRAPHS[:] = GRAPHS[:2]
    peers = list(installed(names))
    missing = [name for name in names if name not in {peer.name for peer in peers}]
    engines = [*ours(), *peers]
    print(
        f"{platform.machine()}, CPython {platform.python_version()}, "
        f"wengert {wengert.__version__} ({wengert.engine}), "
        + ", ".join(f"{peer.name} {version(peer.name)}" for peer in peers)
        + (f"; not installed: {', '.join(missing)}" if missing else "")
        + f"; {options.rounds} rounds\n"
    )
    totals = report_times(engines, options.rounds)
    if options.quick or wengert.engine != "native":
        return
    facts = report_native(options.rounds)
    length = GRAPHS[-1].operations
    peaks = {
        engine.name: peak_bytes(engine.name, length)
        for engine in engines
        if (GRAPHS[-1].name, engine.name) in totals
    }
    rows = [[name, "–" if peak is None else f"{peak:.0f}"] for name, peak in peaks.items()]
    print(tabulate(rows, ["engine", "peak bytes per node"], "github", disable_numparse=True))

    def against(peer: str, graph: Graph) -> float:
        return totals.get((graph.name, peer), float("nan")) / totals[graph.name, "wengert"]

    goals = [
        ("micrograd ÷ ours, MLP", against("micrograd", MLP), "at least 40"),
        ("micrograd ÷ ours, chain of 1M", against("micrograd", GRAPHS[-1]), "at least 150"),
        ("torch ÷ ours, MLP", against("torch", MLP), "at least 100"),
        ("one forward operation ÷ float operation", facts["forward ÷ float"], "at most 1.5"),
        ("peak bytes per node, chain of 1M", peaks["wengert"] or float("nan"), "at most 90"),
        ("cost per operation, 10M ÷ 10k", facts["10M ÷ 10k"], "at most 1.5"),
    ]
    print()
    print(tabulate([(what, f"{got:.2f}", goal) for what, got, goal in goals],
                   ["", "measured", "goal"], "github", disable_numparse=True))  # fmt: skip


if __name__ == "__main__":
    main()
