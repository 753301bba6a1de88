"""The interpreter in blocks of examples: nanoseconds for an operation of one example.

    python bench/interpreter.py [--rounds 7] [--count 20000]

`arithmetic` is the perceptron 2-16-16-1 of bench/workloads.py with halving for tanh, so that it is
sums and products alone; the other programs but the last call functions of the C library too, each
of which takes 4 to 20 ns. CasADi evaluates the same scalar code with its virtual machine, mapped
over the examples. All run on one thread, in turn within one process; their numbers are compared.
"""

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from timing import described, in_turn, table
from workloads import call_price, perceptron, squared_end

import wengert as wg
from wengert.program.program import Program
from wengert.run.blocks import Blocks
from wengert.run.columns import Column, Sums

WIDTHS = 8, 32, 64, 128, 256
CLOSE = 1e-10


def halved(x: Any) -> Any:
    return x * 0.5


def scenarios(count: int) -> dict[str, tuple[Any, list[Any], list[bool]]]:
    """Functions, their arguments for all examples, and which of these all examples share."""
    rng = np.random.default_rng(0)
    p, data = 0.5 * rng.normal(size=337), [rng.normal(size=count) for _ in range(3)]
    price = [rng.uniform(*ends, count) for ends in
             [(80, 120), (80, 120), (0.2, 2), (0, 0.05), (0.1, 0.5)]]  # fmt: skip
    rates = [rng.uniform(0.9, 1.1, count) * x for x in (1.1, 0.4, 0.1, 0.4, 10.0, 5.0)]
    own = [False] * 6
    return {
        "arithmetic": (partial(perceptron, tanh=halved), [p, *data], [True, *own[:3]]),
        "perceptron": (perceptron, [p, *data], [True, *own[:3]]),
        "and its gradient": (wg.value_and_grad(perceptron), [p, *data], [True, *own[:3]]),
        "Black-Scholes": (call_price, price, own[:5]),
        "100 Runge-Kutta steps": (squared_end, rates, own),
    }


def program_of(function: Any, args: list[Any], shared: list[bool]) -> Program:
    first = [arg if same else float(arg[0]) for arg, same in zip(args, shared, strict=True)]
    made = getattr(function, "program", None)
    program: Program = made(*first) if made else wg.record(function, *first)
    return program


def ours(
    program: Program, args: list[Any], shared: list[bool], width: int
) -> Callable[[], np.ndarray]:
    """The sums of all results over the examples, in blocks so wide."""
    blocks = Blocks(program, shared)
    blocks.width = width
    columns = [
        Column(arg[None] if same else arg[:, None], shared=same)
        for arg, same in zip(args, shared, strict=True)
    ]
    count = max(len(arg) for arg, same in zip(args, shared, strict=True) if not same)

    def call() -> np.ndarray:
        sums = [Sums(np.zeros((size, 8))) for _, size in program.results.slots()]
        failed, stop = np.zeros(count, np.uint8), np.zeros(1, np.int32)
        blocks.part(columns, sums, failed, stop, 0, count)
        return np.concatenate([each.array.sum(axis=1) for each in sums])

    return call


def of_casadi(function: Any, args: list[Any], shared: list[bool]) -> Callable[[], np.ndarray]:
    casadi = importlib.import_module("casadi")
    sizes = [arg.size if same else 1 for arg, same in zip(args, shared, strict=True)]
    symbols = [casadi.SX.sym(f"x{k}", size) for k, size in enumerate(sizes)]
    given = [casadi.vertsplit(s) if same else s for s, same in zip(symbols, shared, strict=True)]
    named = {name: getattr(casadi, name) for name in ("tanh", "sqrt", "log", "exp", "erf")}
    functions = type("functions", (), {k: staticmethod(f) for k, f in named.items()})
    if isinstance(function, partial):
        result = function(*given)
    elif function is perceptron:
        result = function(*given, tanh=casadi.tanh)
    elif function is call_price:
        result = function(*given, functions=functions)
    else:
        result = function(*given)
    count = max(len(arg) for arg, same in zip(args, shared, strict=True) if not same)
    whole = casadi.Function("f", symbols, [result]).map(count)
    rows = [np.repeat(arg[:, None], count, 1) if same else arg[None]
            for arg, same in zip(args, shared, strict=True)]  # fmt: skip
    matrices = [casadi.DM(row) for row in rows]
    return lambda: np.array([np.array(whole(*matrices)).sum()])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=20_000)
    options = parser.parse_args()
    has_casadi = importlib.util.find_spec("casadi") is not None
    peers = [f"casadi {version('casadi')}"] if has_casadi else []
    print(described(peers, options.rounds), end="\n\n")
    rows = []
    for name, (function, args, shared) in scenarios(options.count).items():
        program = program_of(function, args, shared)
        calls = {str(width): ours(program, args, shared, width) for width in WIDTHS}
        if has_casadi and not hasattr(function, "program"):
            calls["casadi"] = of_casadi(function, args, shared)
        outcomes = in_turn(calls, options.rounds)
        first = outcomes[str(WIDTHS[0])].result
        scale = 1e9 / (len(program) * options.count)
        cells = []
        for contestant in (*map(str, WIDTHS), "casadi"):
            outcome = outcomes.get(contestant)
            if outcome and not outcome.failure:
                np.testing.assert_allclose(outcome.result, first, rtol=CLOSE)
            cells.append(f"{outcome.median * scale:.3f}" if outcome and outcome.times else "–")
        rows.append([name, f"{len(program):,}", *cells])
    headers = ["program", "operations", *(f"{width} wide" for width in WIDTHS), "CasADi"]
    print(table(rows, headers))


if __name__ == "__main__":
    main()
