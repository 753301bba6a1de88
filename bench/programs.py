"""What recording, rolling and simplifying cost, and how small programs become.

    python bench/programs.py [--rounds 3] [--quick] [--only NAME]

Every scenario of tests/scenarios.py is recorded, rolled and simplified; peers trace the same Python
code where they can, in the same run, in turn. Times are in microseconds per operation recorded,
ours medians. A peer is asked once, and where that would take long, about the small size instead.
"""

import argparse
import gc
import importlib
import importlib.util
import math
import operator
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from eager import peak_memory
from tabulate import tabulate

import wengert as wg
from wengert.program.roll import roll
from wengert.program.simplify import simplified

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
scenarios = importlib.import_module("scenarios")
ROWS, Scenario = scenarios.ROWS, scenarios.Scenario

FUNCTIONS = ("exp", "log", "sqrt", "tanh", "sin", "cos")
SLOWEST = 0.6  # seconds that a peer may take for one recording
LONG = 10_000_000  # operations of the long program
PROTOTYPE = {  # statements that the design's prototype reached on programs of this kind
    "perceptron": 21, "perceptron, batch": 44, "Runge-Kutta": 62, "Rosenbrock": 16,
    "heat equation": 27, "2-D stencil": 46, "Gaussian mixture": 56, "convolution": 45,
    "recurrent network": 25, "bundle adjustment": 125, "logistic regression": 18, "n-body": 652,
}  # fmt: skip

# --- peers ----------------------------------------------------------------------------------------


def filled(arguments: Any, take: Callable[[float], Any]) -> Any:
    """The arguments with a peer's operand in place of each number, arrays as nested lists."""
    if isinstance(arguments, np.ndarray):
        return filled(arguments.tolist(), take)
    if isinstance(arguments, list | tuple):
        return type(arguments)(filled(each, take) for each in arguments)
    return take(arguments)


Trace = Callable[[Callable[..., Any], tuple[Any, ...]], Any]


def peer(functions: Any, largest: Callable[[Any, float], Any]) -> Any:
    """What the scenarios call, from a peer's own functions."""
    return SimpleNamespace(
        **{name: getattr(functions, name) for name in FUNCTIONS},
        relu=lambda x: largest(x, 0.0), sigmoid=lambda x: 1.0 / (1.0 + functions.exp(-x)),
    )  # fmt: skip


def jax_tracer() -> tuple[Any, Trace]:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)

    def trace(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        return jax.make_jaxpr(function)(*filled(arguments, float))

    return peer(jax.numpy, jax.numpy.maximum), trace


def casadi_tracer() -> tuple[Any, Trace]:
    casadi = importlib.import_module("casadi")

    def trace(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        symbols: list[Any] = []

        def take(_: float) -> Any:
            symbols.append(casadi.SX.sym("x"))
            return symbols[-1]

        result = function(*filled(arguments, take))
        return casadi.Function("f", [casadi.vertcat(*symbols)], [result])

    return peer(casadi, casadi.fmax), trace


def ddx_tracer() -> tuple[Any, Trace]:
    ddx = importlib.import_module("ddx")

    def trace(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        names = map("x{}".format, count())

        def traced() -> Any:
            return function(*filled(arguments, lambda _: ddx.var(next(names))))

        return ddx.equation(traced)

    return peer(ddx, ddx.max), trace


PEERS = {
    "casadi": ("casadi", "casadi", casadi_tracer),
    "jax": ("jax", "jax", jax_tracer),
    "ddx-ad": ("ddx-ad", "ddx", ddx_tracer),
}


def installed() -> Iterator[tuple[str, tuple[Any, Callable[..., Any]]]]:
    for name, (_, module, make) in PEERS.items():
        if importlib.util.find_spec(module):
            yield name, make()


# --- times ----------------------------------------------------------------------------------------


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def ours(row: Scenario, size: tuple[int, ...], rounds: int) -> dict[str, Any]:
    """Operations, statements, and microseconds per operation of each stage."""
    function, arguments = row.make(*size)
    times: dict[str, list[float]] = {"record": [], "roll": [], "simplify": []}
    for _ in range(rounds):
        spent, raw = seconds(partial(wg.record, function, *arguments, passes=()))
        times["record"].append(spent)
        spent, rolled = seconds(partial(roll, raw))
        times["roll"].append(spent)
        spent, simple = seconds(partial(simplified, rolled))
        times["simplify"].append(spent)
    per = 1e6 / len(raw)
    return {
        "operations": len(raw), "statements": rolled.size, "after": simple.size,
        "note": rolled.history[-1].details,
        **{stage: statistics.median(each) * per for stage, each in times.items()},
    }  # fmt: skip


def theirs(
    row: Scenario, functions: Any, trace: Callable[..., Any], rounds: int
) -> tuple[float, bool] | None:
    """Microseconds per operation of tracing the same code, and whether at the full size."""
    own = scenarios.wg
    scenarios.wg = functions
    try:
        function, arguments = row.make(*row.small)
        spent = min(seconds(partial(trace, function, arguments))[0] for _ in range(2))
        operations = counted(row, row.small, own)
        full = counted(row, row.full, own)
        if spent / operations * full > SLOWEST:
            return spent / operations * 1e6, False
        function, arguments = row.make(*row.full)
        samples = [seconds(partial(trace, function, arguments))[0] for _ in range(rounds)]
        return statistics.median(samples) / full * 1e6, True
    except Exception:
        return None  # it has no such loop, or no such branch
    finally:
        scenarios.wg = own


def counted(row: Scenario, size: tuple[int, ...], functions: Any) -> int:
    other, scenarios.wg = scenarios.wg, functions
    function, arguments = row.make(*size)
    program = wg.record(function, *arguments, passes=())
    scenarios.wg = other
    return len(program)


def long_program(steps: int) -> tuple[Any, ...]:
    row = next(row for row in ROWS if row.name == "Runge-Kutta")
    return row.make(steps)


def print_peak(steps: int) -> None:
    """Bytes per operation at the peak of recording, in a process of its own."""
    function, arguments = long_program(10)
    wg.record(function, *arguments, passes=())
    function, arguments = long_program(steps)
    gc.collect()
    before = peak_memory()
    program = wg.record(function, *arguments, passes=())
    print((peak_memory() - before) / len(program))


# --- the report -----------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    parser.add_argument("--quick", action="store_true", help="small sizes, no peers")
    parser.add_argument("--only", default="", help="scenarios whose names contain this")
    parser.add_argument("--peak-of", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak_of:
        print_peak(options.peak_of)
        return
    peers = {} if options.quick else dict(installed())
    versions = ", ".join(f"{name} {version(PEERS[name][0])}" for name in peers)
    print(
        f"{platform.machine()}, CPython {platform.python_version()}, "
        f"wengert {wg.__version__} ({wg.engine}); {versions or 'no peers'}; "
        f"{options.rounds} rounds\n"
    )
    report(options, peers)
    if not options.quick and not options.only:
        report_long(options.rounds)


def report(options: argparse.Namespace, peers: dict[str, Any]) -> None:
    rows, notes = [], []
    for row in ROWS:
        if options.only not in row.name:
            continue
        size = row.small if options.quick else row.full
        found = ours(row, size, options.rounds)
        columns = [row.name, f"{found['operations']:,}", f"{found['statements']:,}"]
        columns += [PROTOTYPE.get(row.name, "–"), found["after"]]
        columns += [f"{found[stage]:.3f}" for stage in ("record", "roll", "simplify")]
        for functions, trace in peers.values():
            measured = theirs(row, functions, trace, 1)
            shown = "–" if measured is None else f"{measured[0]:.2f}"
            columns.append(shown if measured is None or measured[1] else f"{shown}*")
        rows.append(columns)
        notes.append(f"{row.name}: {'; '.join(found['note']) or '-'}")
    headers = ["scenario", "operations", "statements", "prototype", "simplified"]
    headers += ["record", "roll", "simplify", *peers]
    align = ("left", *["right"] * (len(headers) - 1))
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True, colalign=align))
    print("\nµs per operation recorded; * at the small size. What rolling found:\n")
    print("\n".join(notes))
    median = statistics.median(float(row[5]) for row in rows)
    worst = {stage: max(rows, key=lambda row, k=k: float(row[k])) for k, stage in
             ((5, "record"), (6, "roll"), (7, "simplify"))}  # fmt: skip
    print(f"\nrecording, median over the scenarios: {median:.3f} µs per operation")
    for k, stage in ((5, "record"), (6, "roll"), (7, "simplify")):
        print(f"slowest to {stage}: {worst[stage][0]}, {worst[stage][k]} µs per operation")


def report_long(rounds: int) -> None:
    """A program of ten million operations."""
    function, arguments = long_program(10)
    each = len(wg.record(function, *arguments, passes=())) / 10
    steps = math.ceil(LONG / each)
    function, arguments = long_program(steps)
    samples = []
    for _ in range(max(1, rounds // 2)):
        recording, raw = seconds(partial(wg.record, function, *arguments, passes=()))
        rolling, rolled = seconds(partial(roll, raw))
        samples.append((recording + rolling, recording, rolling))
        count, size = len(raw), rolled.size
        del raw, rolled
    total, recording, rolling = min(samples, key=operator.itemgetter(0))
    print(
        f"\n{count:,} operations in {size} statements: recorded in {recording:.2f} s, "
        f"rolled in {rolling:.2f} s, {total:.2f} s in all"
    )
    run = subprocess.run(
        [sys.executable, __file__, "--peak-of", str(steps)], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    print(f"bytes per operation at the peak of recording it: {float(run.stdout):.1f}")


if __name__ == "__main__":
    main()
