"""Compiled functions beside code by hand and peers: value, and value and gradient.

    python bench/native.py [--rounds 7] [--only w1] [--quick] [--limit 60] [--write-docs]

w1 is a perceptron with its squared error over 100,000 examples, w2 the Black-Scholes price and its
five derivatives, w3 100 Runge-Kutta steps of Lotka-Volterra: many examples of a small function. The
others are one function with long loops: a perceptron of 25,450 parameters, the heat equation,
Rosenbrock's function of a million numbers, and a trajectory of 100,000 steps. bench/workloads.py
has the scalar code, bench/entrants/ who runs it, and how. Each contestant is a process of its own;
they run in turn, and their numbers are compared. One that takes too long is stopped.

The first answer is everything from the Python function to its value and gradient, imports aside;
machine code is not taken from the disk. `--write-docs` puts what was measured into docs/.
"""

import argparse
import importlib
import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pages
from apart import Contestant, Stopped, turn
from workloads import WORKLOADS

CLOSE = 1e-12
ENOUGH = 8.0  # seconds after which a contestant is not asked again
OURS = "wengert"
ENTRANTS = {  # label: module, threads
    OURS: ("ours", 1),
    "wengert, 2 threads": ("ours", 2),
    "wengert, otherwise": ("ours_otherwise", 1),
    "C by hand": ("hand", 1),
    "numpy by hand": ("numpy_", 1),
    "numba": ("numba_", 1),
    "numba, 2 threads": ("numba_", 2),
    "jax": ("jax_", 1),
    "jax, 2 threads": ("jax_", 2),
    "torch": ("torch_", 1),
    "torch, 2 threads": ("torch_", 2),
    "casadi": ("casadi_", 1),
    "casadi, its C": ("casadi_c", 1),
    "ddx-ad": ("ddx_", 1),
    "heyoka": ("heyoka_", 1),
    "drjit": ("drjit_", 1),
    "drjit, 2 threads": ("drjit_", 2),
}
WAYS = {  # how a program is written that can be written in two ways
    OURS: {
        "mlp": "sum_over", "heat": "a Python loop", "rosenbrock": "a Python loop", "rk4": "fori",
    },
    "wengert, otherwise": {
        "mlp": "a Python loop over the batch", "heat": "fori and slices", "rosenbrock": "arrays",
        "rk4": "a Python loop",
    },
}  # fmt: skip
PARALLEL = "w1", "w2", "w3", "mlp"  # what has examples to share out


@dataclass
class Measured:
    """What a contestant took, in seconds, and why it could not."""

    label: str
    way: str = ""
    first: float = math.nan
    value: float = math.nan
    both: float = math.nan
    apart: float = 0.0  # how far its numbers are from the reference's
    note: str = ""
    stages: dict[str, float] = field(default_factory=dict)


# --- in a contestant's process --------------------------------------------------------------------


def started(module: str, name: str, size: tuple[int, ...], threads: int) -> Callable[..., Any]:
    """What answers there."""
    entrant = importlib.import_module(f"entrants.{module}")
    why = getattr(entrant, "CANNOT", {}).get(name)
    if why is not None:
        raise ValueError(why)
    getattr(entrant, "started", lambda _: None)(threads)
    data = WORKLOADS[name].make(*size)
    calls: dict[bool, Callable[[], Any]] = {}

    def prepared(gradient: bool) -> tuple[float, list[Any]]:
        if gradient and (why := getattr(entrant, "VALUE_ONLY", {}).get(name)):
            raise ValueError(why)
        begin = time.perf_counter()
        calls[gradient] = getattr(entrant, name)(data, gradient, threads)
        result = calls[gradient]()
        spent = time.perf_counter() - begin
        return spent, parts(result, gradient)

    def answer(what: str, gradient: bool) -> Any:
        if what == "stages":
            return entrant.stages(name, data)
        return prepared(gradient) if what == "prepare" else turn(calls[gradient])

    return answer


def parts(result: Any, gradient: bool) -> list[Any]:
    """The numbers of the value, and those of its derivatives."""
    return [flat(each) for each in (result if gradient else [result])]


def flat(result: Any) -> Any:
    if isinstance(result, tuple | list):
        return np.concatenate([flat(each) for each in result])
    if hasattr(result, "detach"):
        result = result.detach()
    return np.ravel(result.numpy() if hasattr(result, "numpy") else np.asarray(result))


# --- in turn --------------------------------------------------------------------------------------


def run(name: str, given: argparse.Namespace) -> list[Measured]:
    workload = WORKLOADS[name]
    size = workload.small if given.quick else workload.full
    measured, able, results = [], {}, {}
    for label, (module, threads) in ENTRANTS.items():
        if threads > 1 and (name not in PARALLEL or (os.cpu_count() or 1) < threads):
            continue
        each = Measured(label, way=WAYS.get(label, {}).get(name, ""))
        try:
            process = Contestant(
                started, module, name, size, threads, threads=threads, limit=given.limit
            )
        except Stopped as why:
            each.note = told(why)
            if each.note != "-":
                measured.append(each)
            continue
        able[label] = process, each
        measured.append(each)
    for gradient in (True, False):
        ready = {}
        for label, (process, each) in able.items():
            if process.stopped:
                continue
            try:
                spent, results[label, gradient] = process.ask("prepare", gradient)
            except Stopped as why:
                each.note = each.note or told(why)
            else:
                each.first = spent if gradient or math.isnan(each.first) else each.first
                ready[label] = process
        times: dict[str, list[float]] = {label: [] for label in ready}
        for _ in range(given.rounds + 1):
            for label, process in ready.items():
                if sum(times[label]) < ENOUGH:
                    times[label].append(process.ask("turn", gradient))
        for label, spent in times.items():
            setattr(
                able[label][1],
                "both" if gradient else "value",
                statistics.median(spent[1:] or spent),
            )
    able[OURS][1].stages = able[OURS][0].ask("stages", True)
    for process, _ in able.values():
        process.stop()
    agree(name, measured, results)
    return measured


def told(why: Stopped) -> str:
    """Why a contestant could not, in a few words."""
    text = str(why)
    if text.startswith("ModuleNotFoundError"):
        return "not installed"
    return text.removeprefix("ValueError: ")


def agree(name: str, measured: list[Measured], results: dict[tuple[str, bool], Any]) -> None:
    """Compare all numbers with those of C or NumPy by hand."""
    hand = next(each for each in ("C by hand", "numpy by hand") if (each, True) in results)
    for each in measured:
        for gradient in (True, False):
            if (each.label, gradient) not in results:
                continue
            found = results[each.label, gradient]
            for got, wanted in zip(found, results[hand, gradient], strict=True):
                apart = np.abs(got - wanted).max() / np.abs(wanted).max()
                each.apart = max(each.apart, float(apart))
        if not each.apart <= CLOSE:
            if each.label.startswith(OURS):
                raise SystemExit(f"{name}: {each.label} differs by {each.apart:.1e}.")
            each.note = f"differs by {each.apart:.0e} of the largest number"


# --- tables ---------------------------------------------------------------------------------------


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=WORKLOADS)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for a first answer")
    parser.add_argument("--write-docs", action="store_true")
    given = parser.parse_args()
    on = pages.machine()
    print(on["text"], f"{given.rounds} rounds\n", sep="; ")
    for name in [given.only] if given.only else WORKLOADS:
        workload = WORKLOADS[name]
        size = workload.small if given.quick else workload.full
        row = {
            "about": workload.about.format(*size), "beside": workload.beside, "machine": on,
            "measured": [asdict(each) for each in run(name, given)],
        }  # fmt: skip
        print(pages.native_section(name, row), "\n", flush=True)
        if given.write_docs:
            pages.keep("native", name, row)


if __name__ == "__main__":
    main()
