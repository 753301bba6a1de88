"""What recording, rolling, simplifying and evaluating cost, and how small programs become.

    python bench/programs.py [--rounds 3] [--quick] [--only NAME]

Every scenario of tests/scenarios.py is recorded, rolled, simplified and evaluated; peers trace the
same Python code where they can, in the same run, in turn. Times are in microseconds per operation
recorded, ours medians. A peer is asked once, and where that would take long, about the small size
instead.
"""

import argparse
import gc
import math
import operator
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

from peers import PEERS, calling, installed, scenarios
from timing import described, peak_memory, seconds, table

import wengert as wg
from wengert.program.roll import roll
from wengert.program.simplify import simplified
from wengert.run.interpret import Interpreter

ROWS, Scenario = scenarios.ROWS, scenarios.Scenario

SLOWEST = 0.6  # seconds that a peer may take for one recording
LONG = 10_000_000  # operations of the long program
PROTOTYPE = {  # statements that the design's prototype reached on programs of this kind
    "perceptron": 21, "perceptron, batch": 44, "Runge-Kutta": 62, "Rosenbrock": 16,
    "heat equation": 27, "2-D stencil": 46, "Gaussian mixture": 56, "convolution": 45,
    "recurrent network": 25, "bundle adjustment": 125, "logistic regression": 18, "n-body": 652,
}  # fmt: skip

# --- times ----------------------------------------------------------------------------------------


def ours(row: Scenario, size: tuple[int, ...], rounds: int) -> dict[str, Any]:
    """Operations, statements, and microseconds per operation of each stage."""
    function, arguments = row.make(*size)
    times: dict[str, list[float]] = {"record": [], "roll": [], "simplify": [], "evaluate": []}
    for _ in range(rounds):
        spent, raw = seconds(partial(wg.record, function, *arguments, passes=()))
        times["record"].append(spent)
        spent, rolled = seconds(partial(roll, raw))
        times["roll"].append(spent)
        spent, simple = seconds(partial(simplified, rolled))
        times["simplify"].append(spent)
    run = Interpreter(simple)
    inputs = simple.arguments.numbers(arguments, simple.name)
    for _ in range(rounds):
        times["evaluate"].append(seconds(partial(run, inputs))[0])
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
    try:
        with calling(functions):
            function, arguments = row.make(*row.small)
            spent = min(seconds(partial(trace, function, arguments))[0] for _ in range(2))
        operations, full = counted(row, row.small), counted(row, row.full)
        if spent / operations * full > SLOWEST:
            return spent / operations * 1e6, False
        with calling(functions):
            function, arguments = row.make(*row.full)
            samples = [seconds(partial(trace, function, arguments))[0] for _ in range(rounds)]
        return statistics.median(samples) / full * 1e6, True
    except Exception:
        return None  # it has no such loop, or no such branch


def counted(row: Scenario, size: tuple[int, ...]) -> int:
    function, arguments = row.make(*size)
    return len(wg.record(function, *arguments, passes=()))


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
    versions = [f"{name} {version(PEERS[name][0])}" for name in peers]
    print(described(versions, options.rounds), end="\n\n")
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
        columns.append(f"{found['evaluate']:.4f}")
        for functions, trace in peers.values():
            measured = theirs(row, functions, trace, 1)
            shown = "–" if measured is None else f"{measured[0]:.2f}"
            columns.append(shown if measured is None or measured[1] else f"{shown}*")
        rows.append(columns)
        notes.append(f"{row.name}: {'; '.join(found['note']) or '-'}")
    headers = ["scenario", "operations", "statements", "prototype", "simplified"]
    headers += ["record", "roll", "simplify", "evaluate", *peers]
    print(table(rows, headers))
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
